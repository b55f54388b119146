//! The run loop around the engine.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;
use gloo_timers::callback::Timeout;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

use super::lifecycle::{self, Lifecycle};
use super::{Host, clock, data, request};
use crate::engine::error::TokenError;
use crate::engine::ids::{AttemptId, CallId, Generation, StoreOp};
use crate::engine::input::{Input, Stored, Wake};
use crate::engine::output::{Event, Output, Settled, Verdict};
use crate::engine::secret::Secret;
use crate::engine::time::{Millis, Mono};
use crate::engine::{Config, Engine};

/// One engine in its browser.
pub(crate) struct Shell {
    engine: RefCell<Engine>,
    host: Host,
    /// `fetch` as it was when the shell was made: the token request is seen by no later wrapper, ours included.
    native_fetch: Function,
    /// What has happened and was not yet given to the engine.
    inbox: RefCell<VecDeque<Input>>,
    /// Whether the loop runs further up the stack.
    running: Cell<bool>,
    timer: RefCell<Option<Timeout>>,
    lifecycle: RefCell<Option<Lifecycle>>,
    attempts: RefCell<Vec<(AttemptId, AbortController)>>,
    verdict: RefCell<Option<Verdict>>,
    callers: RefCell<Callers>,
}

/// Calls that come from Rust, whose answers are futures.
#[derive(Default)]
struct Callers {
    last: u32,
    open: Vec<(CallId, oneshot::Sender<Answer>)>,
    /// The wait for a token that callers share, and since when.
    need: Option<(Mono, Need)>,
}

/// What a call is told.
pub(super) type Answer = Result<Settled, TokenError>;

/// The one future of a wait: driven once, awaited by every clone.
pub(super) type Need = Shared<oneshot::Receiver<Answer>>;

impl Shell {
    pub(crate) fn new(config: Config, host: Host) -> Rc<Self> {
        let native_fetch = Reflect::get(&js_sys::global(), &JsValue::from_str("fetch")).unwrap_or_default();
        let shell = Rc::new(Self {
            engine: RefCell::new(Engine::new(config, clock::seed())),
            host,
            native_fetch: native_fetch.unchecked_into(),
            inbox: RefCell::default(),
            running: Cell::new(false),
            timer: RefCell::default(),
            lifecycle: RefCell::default(),
            attempts: RefCell::default(),
            verdict: RefCell::default(),
            callers: RefCell::default(),
        });
        *shell.lifecycle.borrow_mut() = Some(Lifecycle::listen(Rc::downgrade(&shell)));
        shell
    }

    pub(crate) fn restore(self: &Rc<Self>) {
        self.handle(Input::Restore);
        if lifecycle::is_hidden() {
            self.wake(Wake::Hidden);
        }
    }

    pub(crate) fn dispose(self: &Rc<Self>) {
        self.handle(Input::Dispose);
        self.lifecycle.take();
        self.verdict.take();
    }

    pub(crate) fn wake(self: &Rc<Self>, wake: Wake) {
        self.handle(Input::Wake(wake));
    }

    pub(crate) fn wake_by_name(self: &Rc<Self>, kind: &str) {
        self.wake(lifecycle::meaning(kind));
    }

    pub(crate) fn metrics(&self) -> JsValue {
        data::metrics_data(&self.engine.borrow())
    }

    pub(crate) fn diagnostics(&self) -> JsValue {
        data::diagnostics_data(&self.engine.borrow())
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn native_fetch(&self) -> &Function {
        &self.native_fetch
    }

    /// Gives `input` to the engine and carries out what it asks for. Called from within, by a listener or a store that
    /// answers at once, it leaves the input to the loop further up.
    pub(crate) fn handle(self: &Rc<Self>, input: Input) {
        self.inbox.borrow_mut().push_back(input);
        if self.running.replace(true) {
            return;
        }
        let mut told = Vec::new();
        loop {
            while let Some(input) = self.next_input() {
                self.engine.borrow_mut().handle(clock::now(), input);
                while let Some(output) = self.next_output() {
                    self.perform(output, &mut told);
                }
            }
            if told.is_empty() {
                break;
            }
            // The engine is at rest: a listener may call anything.
            for news in told.drain(..) {
                self.tell(news);
            }
        }
        self.arm();
        self.running.set(false);
    }

    fn next_input(&self) -> Option<Input> {
        self.inbox.borrow_mut().pop_front()
    }

    fn next_output(&self) -> Option<Output> {
        self.engine.borrow_mut().poll_output()
    }

    fn perform(self: &Rc<Self>, output: Output, told: &mut Vec<News>) {
        match output {
            Output::Abort(id) => {
                if let Some(controller) = self.take_attempt(id) {
                    controller.abort();
                }
            }
            Output::Event(event) => told.push(News::Event(event)),
            Output::ReadStore(op) => self.read(op),
            Output::Revoke(request) => {
                let shell = Rc::clone(self);
                spawn_local(async move {
                    // Signing out never depends on this.
                    let _ = request::send(&shell, &request, None).await;
                });
            }
            Output::Send { attempt, request } => {
                let Ok(controller) = AbortController::new() else {
                    return;
                };
                let signal = controller.signal();
                self.attempts.borrow_mut().push((attempt, controller));
                let shell = Rc::clone(self);
                spawn_local(async move {
                    let outcome = request::attempt(Rc::clone(&shell), request, signal).await;
                    shell.take_attempt(attempt);
                    shell.handle(Input::Answer { attempt, outcome });
                });
            }
            Output::Settle(call, answer) => told.push(News::Settled(call, answer)),
            Output::Snapshot(snapshot) => {
                let _ = self.host.snapshot(data::snapshot_data(&snapshot));
            }
            Output::Verdict(verdict) => self.push_verdict(verdict),
            Output::WriteStore(op, text) => self.write(op, &text),
        }
    }

    fn tell(&self, news: News) {
        match news {
            News::Event(event) => {
                let _ = self.host.event(data::event_data(&event));
            }
            News::Settled(call, answer) => {
                let sender = self.callers.borrow_mut().take(call);
                if let Some(sender) = sender {
                    // A caller that has gone away wants no answer.
                    let _ = sender.send(answer);
                    return;
                }
                let (error, value) = match &answer {
                    Ok(settled) => (JsValue::UNDEFINED, Some(settled.as_str())),
                    Err(error) => (data::error_data(error), None),
                };
                let _ = self.host.settle(call.0, error, value);
            }
        }
    }

    fn push_verdict(&self, verdict: Option<Verdict>) {
        let scheme = verdict.as_ref().map(|_| "Bearer");
        let _ = match &verdict {
            None => self.host.verdict(scheme, None, 0.0, None, 0.0, 0.0, 0.0, 0.0),
            Some(verdict) => self.host.verdict(
                scheme,
                Some(verdict.bearer.expose()),
                data::number(verdict.generation),
                verdict.expires_at.map(data::wall),
                verdict.until.map_or(f64::INFINITY, |until| until.wall.0 as f64),
                verdict.until.map_or(f64::INFINITY, |until| until.mono.0 as f64),
                data::wall(verdict.checked.wall),
                verdict.checked.mono.0 as f64,
            ),
        };
        *self.verdict.borrow_mut() = verdict;
    }

    fn read(self: &Rc<Self>, op: StoreOp) {
        let done = move |shell: &Rc<Self>, outcome: Result<JsValue, JsValue>| {
            let text = outcome.ok().and_then(|text| text.as_string()).map(Secret::new);
            shell.handle(Input::StoreRead { op, text });
        };
        self.when_done(self.host.read(), done);
    }

    fn write(self: &Rc<Self>, op: StoreOp, text: &Secret) {
        let done = move |shell: &Rc<Self>, outcome: Result<JsValue, JsValue>| {
            let stored = if outcome.is_ok() { Stored::Durably } else { Stored::Failed };
            shell.handle(Input::StoreWritten { op, stored });
        };
        self.when_done(self.host.write(text.expose()), done);
    }

    /// Calls `done` with what `outcome` is, or, if it is a promise, with what becomes of it.
    fn when_done(
        self: &Rc<Self>,
        outcome: Result<JsValue, JsValue>,
        done: impl FnOnce(&Rc<Self>, Result<JsValue, JsValue>) + 'static,
    ) {
        match outcome {
            Ok(value) if value.is_object() => {
                let shell = Rc::clone(self);
                spawn_local(async move {
                    let outcome = JsFuture::from(Promise::resolve(&value)).await;
                    done(&shell, outcome);
                });
            }
            outcome => done(self, outcome),
        }
    }

    fn arm(self: &Rc<Self>) {
        let deadline = self.engine.borrow_mut().poll_timeout();
        // The old timer is dropped, and so cleared, before a new one is made.
        self.timer.take();
        if let Some(deadline) = deadline {
            let delay = deadline.since(clock::now().mono).0.min(LONGEST_DELAY);
            let shell = Rc::downgrade(self);
            let timer = Timeout::new(delay as u32, move || {
                if let Some(shell) = shell.upgrade() {
                    shell.handle(Input::Tick);
                }
            });
            *self.timer.borrow_mut() = Some(timer);
        }
    }

    fn take_attempt(&self, id: AttemptId) -> Option<AbortController> {
        let mut attempts = self.attempts.borrow_mut();
        let at = attempts.iter().position(|(attempt, _)| *attempt == id)?;
        Some(attempts.swap_remove(at).1)
    }

    /// The token to send, waiting for a refresh where one is needed. Callers that come together share one future.
    pub(super) async fn token(self: &Rc<Self>) -> Answer {
        let need = self.shared_need();
        let answer = need.await;
        answer.unwrap_or(Ok(Settled::Pass))
    }

    fn shared_need(self: &Rc<Self>) -> Need {
        let now = clock::now().mono;
        let shared = self.callers.borrow().need.clone();
        if let Some((_, need)) =
            shared.filter(|(since, need)| now.since(*since) < TOGETHER && need.peek().is_none())
        {
            return need;
        }
        let (call, receiver) = self.callers.borrow_mut().open();
        let need = receiver.shared();
        self.callers.borrow_mut().need = Some((now, need.clone()));
        self.handle(Input::Need { call, min_validity: Millis::ZERO });
        need
    }

    /// What to do about a 401 that `generation` drew.
    pub(super) async fn unauthorized(
        self: &Rc<Self>,
        generation: Generation,
        challenge: Option<String>,
    ) -> Answer {
        let (call, receiver) = self.callers.borrow_mut().open();
        self.handle(Input::Unauthorized { call, generation, challenge });
        receiver.await.unwrap_or(Ok(Settled::Pass))
    }

    /// `Authorization` for one send with the token held now, and that token's generation.
    pub(super) fn authorize(&self) -> Option<(Secret, Generation)> {
        let verdict = self.verdict.borrow();
        let verdict = verdict.as_ref().filter(|verdict| !verdict.bearer.expose().is_empty())?;
        Some((Secret::new(String::from("Bearer ") + verdict.bearer.expose()), verdict.generation))
    }
}

impl Callers {
    fn open(&mut self) -> (CallId, oneshot::Receiver<Answer>) {
        self.last = self.last.wrapping_add(1);
        let call = CallId(self.last | FROM_RUST);
        let (sender, receiver) = oneshot::channel();
        self.open.push((call, sender));
        (call, receiver)
    }

    fn take(&mut self, call: CallId) -> Option<oneshot::Sender<Answer>> {
        let at = self.open.iter().position(|(open, _)| *open == call)?;
        Some(self.open.swap_remove(at).1)
    }
}

/// What is told once the engine is at rest.
enum News {
    Event(Event),
    Settled(CallId, Answer),
}

/// `setTimeout` takes a signed 32-bit delay; a longer one would fire at once.
const LONGEST_DELAY: u64 = i32::MAX as u64;
/// Callers this close share a wait; the later one's is shorter by as much.
const TOGETHER: Millis = Millis(250);
/// Tells Rust's calls from the facade's.
const FROM_RUST: u32 = 1 << 31;
