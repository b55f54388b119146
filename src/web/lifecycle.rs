//! Page lifecycle events: they make the engine look at the clocks and the store again.

use std::rc::Weak;

use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use web_sys::{Event, EventTarget};

use super::shell::Shell;
use crate::engine::input::Wake;

/// Listeners that go when this is dropped. None of them is `unload` or `beforeunload`, which would keep the page out
/// of the back/forward cache.
pub(super) struct Lifecycle {
    listener: Closure<dyn FnMut(Event)>,
    targets: Vec<(EventTarget, &'static [&'static str])>,
}

const DOCUMENT_EVENTS: &[&str] = &["visibilitychange", "freeze", "resume"];
const WINDOW_EVENTS: &[&str] = &["pageshow", "pagehide", "online", "focus"];

impl Lifecycle {
    /// Listens on the window and its document; in a worker on what there is of them.
    pub(super) fn listen(shell: Weak<Shell>) -> Self {
        let listener = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            if let Some(shell) = shell.upgrade() {
                shell.wake(meaning(&event.type_()));
            }
        });
        let global = js_sys::global();
        let document = Reflect::get(&global, &JsValue::from_str("document")).unwrap_or_default();
        let targets = [(document, DOCUMENT_EVENTS), (global.into(), WINDOW_EVENTS)]
            .into_iter()
            .filter(|(target, _)| target.is_object())
            .map(|(target, events)| (target.unchecked_into::<EventTarget>(), events))
            .collect();
        let lifecycle = Self { listener, targets };
        lifecycle.each(|target, event, listener| target.add_event_listener_with_callback(event, listener));
        lifecycle
    }

    fn each(&self, act: impl Fn(&EventTarget, &str, &js_sys::Function) -> Result<(), JsValue>) {
        for (target, events) in &self.targets {
            for event in *events {
                // A scope without listeners has no lifecycle to follow.
                let _ = act(target, event, self.listener.as_ref().unchecked_ref());
            }
        }
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        self.each(|target, event, listener| target.remove_event_listener_with_callback(event, listener));
    }
}

/// What the event named `kind` says.
fn meaning(kind: &str) -> Wake {
    match kind {
        "focus" => Wake::Focus,
        "freeze" | "pagehide" => Wake::Hidden,
        "online" => Wake::Online,
        // `pageshow` and `resume` come to tabs in the background too.
        _ if is_hidden() => Wake::Hidden,
        _ => Wake::Shown,
    }
}

/// Whether the page cannot be seen now.
pub(super) fn is_hidden() -> bool {
    let document = Reflect::get(&js_sys::global(), &JsValue::from_str("document")).unwrap_or_default();
    let state = Reflect::get(&document, &JsValue::from_str("visibilityState")).unwrap_or_default();
    state.as_string().is_some_and(|state| state == "hidden")
}
