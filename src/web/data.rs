//! What goes out to JavaScript as plain data.

use serde::ser::{Serialize, SerializeMap, Serializer as _};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

use crate::engine::Engine;
use crate::engine::endpoint::{Credentials, HttpRequest};
use crate::engine::error::Failure;
use crate::engine::ids::Generation;
use crate::engine::output::{Event, Snapshot};
use crate::engine::secret::Secret;
use crate::engine::time::UnixMillis;

/// An object in the making. One member at a time and one way for everything: each type that serde is derived for
/// costs its own code.
struct Object<'a>(Map<'a>);

type Map<'a> = <&'a Serializer as serde::Serializer>::SerializeMap;

/// A member of an object that is not left out.
#[derive(Clone, Copy)]
enum Value<'a> {
    Flag(bool),
    Number(f64),
    Numbers(&'a [i64]),
    Text(&'a str),
}

const SERIALIZER: Serializer = Serializer::new().serialize_maps_as_objects(true);

impl Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Numbers(numbers) => serializer.collect_seq(numbers.iter().map(|number| *number as f64)),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl Object<'_> {
    #[inline(never)]
    fn new() -> Self {
        Self(SERIALIZER.serialize_map(None).expect("invariant: a new map is never refused"))
    }

    #[inline(never)]
    fn done(self) -> JsValue {
        self.0.end().unwrap_or_default()
    }

    #[inline(never)]
    fn put(&mut self, name: &str, value: Value<'_>) {
        // Plain values cannot be refused.
        let _ = self.0.serialize_entry(name, &value);
    }

    #[inline(never)]
    fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(name, Value::Text(text));
        }
    }

    #[inline(never)]
    fn number(&mut self, name: &str, number: u32) {
        self.put(name, Value::Number(f64::from(number)));
    }

    fn status(&mut self, status: Option<u16>) {
        if let Some(status) = status {
            self.number("status", status.into());
        }
    }

    #[inline(never)]
    fn time(&mut self, name: &str, time: Option<UnixMillis>) {
        if let Some(time) = time {
            self.put(name, Value::Number(time.0 as f64));
        }
    }

    #[inline(never)]
    fn pair(&mut self, generation: Generation, expires_at: Option<UnixMillis>) {
        self.put("generation", Value::Number(generation.0 as f64));
        self.time("expiresAt", expires_at);
    }
}

pub(super) fn error_data(error: &Failure) -> JsValue {
    let mut object = Object::new();
    object.text("code", Some(error.code.as_str()));
    object.put("transient", Value::Flag(error.code.is_transient()));
    object.text("cause", error.cause.map(|cause| cause.as_str()));
    object.status(error.status);
    object.text("oauthError", error.oauth_error.as_deref());
    object.number("attempt", error.attempt);
    object.time("retryAt", error.retry_at);
    object.text("requestId", error.request_id.as_deref());
    object.done()
}

/// What the exports throw: an object of texts.
pub(crate) fn thrown(members: [(&str, &str); 2]) -> JsValue {
    let mut object = Object::new();
    for (name, text) in members {
        object.text(name, Some(text));
    }
    object.done()
}

/// What `fetch` is to be given beside the headers.
pub(super) fn init_data(request: &HttpRequest) -> JsValue {
    let mut object = Object::new();
    object.text("method", Some(&request.endpoint.method));
    let credentials = match request.endpoint.credentials {
        Credentials::Include => "include",
        Credentials::Omit => "omit",
        Credentials::SameOrigin => "same-origin",
    };
    object.text("credentials", Some(credentials));
    object.put("keepalive", Value::Flag(request.keepalive));
    object.text("body", request.body.as_ref().map(Secret::expose));
    object.done()
}

pub(super) fn headers_data(request: &HttpRequest) -> JsValue {
    let mut object = Object::new();
    for (name, value) in request.headers() {
        object.text(name, Some(value));
    }
    object.done()
}

pub(super) fn snapshot_data(snapshot: &Snapshot) -> JsValue {
    let mut object = Object::new();
    object.text("state", Some(snapshot.state.as_str()));
    object.pair(snapshot.generation, snapshot.expires_at);
    object.text("subject", snapshot.subject.as_deref());
    object.time("refreshAt", snapshot.refresh_at);
    object.time("refreshExpiresAt", snapshot.refresh_expires_at);
    object.time("nextRetryAt", snapshot.next_retry_at);
    object.put("refreshing", Value::Flag(snapshot.refreshing));
    object.text("error", snapshot.error);
    object.done()
}

/// An event; what failed goes beside it, as its own object.
pub(super) fn event_data(event: &Event) -> JsValue {
    let mut object = Object::new();
    object.text("type", Some(event.name()));
    match event {
        Event::PersistFailed => {}
        Event::RefreshFailed { error, exhausted } => {
            object.put("exhausted", Value::Flag(*exhausted));
            object.time("retryAt", error.retry_at);
        }
        Event::Adopted { generation, expires_at } => object.pair(*generation, *expires_at),
        Event::Refreshed { generation, expires_at, extras } => {
            object.pair(*generation, *expires_at);
            object.text("extras", extras.as_deref());
        }
        Event::RetryScheduled { attempt, retry_at } => {
            object.number("attempt", *attempt);
            object.time("retryAt", Some(*retry_at));
        }
        Event::SessionEnded(refusal) => {
            object.text("reason", Some(refusal.reason.as_str()));
            object.status(refusal.status);
            object.text("oauthError", refusal.oauth_error.as_deref());
        }
        Event::SessionExpiring { expires_at } => object.time("expiresAt", *expires_at),
        Event::SessionStarted { generation, expires_at, subject } => {
            object.pair(*generation, *expires_at);
            object.text("subject", subject.as_deref());
        }
        Event::UserChanged { subject } => object.text("subject", subject.as_deref()),
    }
    object.done()
}

/// What failed, for an event that tells of a failure.
pub(super) fn event_error(event: &Event) -> JsValue {
    match event {
        Event::RefreshFailed { error, .. } => error_data(error),
        _ => JsValue::UNDEFINED,
    }
}

pub(super) fn metrics_data(engine: &Engine) -> JsValue {
    let metrics = engine.metrics();
    let mut object = Object::new();
    object.number("attempts", metrics.attempts);
    object.number("refreshed", metrics.refreshed);
    object.number("proactive", metrics.proactive);
    object.number("failed", metrics.failed);
    object.number("waited", metrics.waited);
    object.number("rejected", metrics.rejected);
    object.number("recovered", metrics.recovered);
    object.number("adopted", metrics.adopted);
    object.number("stray", metrics.stray);
    object.number("persistFailed", metrics.persist_failed);
    object.put("latency", Value::Numbers(&metrics.latency.map(i64::from)));
    object.done()
}

/// The steps, each `[monotonic ms, code, …details]`.
pub(super) fn diagnostics_data(engine: &Engine) -> JsValue {
    SERIALIZER.collect_seq(engine.trail().steps().map(Value::Numbers)).unwrap_or_default()
}
