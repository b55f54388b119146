//! The run loop around the engine.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;
use gloo_timers::callback::Timeout;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::job::{self, Job};
use super::lifecycle::{self, Lifecycle};
use super::{Host, clock, data};
use crate::engine::answer::Outcome;
use crate::engine::error::TokenError;
use crate::engine::ids::{AttemptId, CallId, Generation};
use crate::engine::input::{Input, Wake};
use crate::engine::output::{Expected, Output, Settled, Verdict};
use crate::engine::secret::Secret;
use crate::engine::time::{Millis, Mono};
use crate::engine::{Config, Engine};

/// One engine in its browser.
pub(crate) struct Shell {
    engine: RefCell<Engine>,
    host: Host,
    /// The host's `fetch`, which lies beneath what intercepts; else the global one as it was when the shell was made.
    native_fetch: Function,
    /// What has happened and was not yet given to the engine.
    inbox: RefCell<Vec<Input>>,
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
    need: Option<(Mono, Asked)>,
}

/// What a call is told.
pub(super) type Answer = Result<Settled, TokenError>;

/// The one future of a wait: driven once, awaited by every clone.
#[derive(Clone)]
pub(super) struct Asked(Shared<oneshot::Receiver<Answer>>);

impl Shell {
    pub(crate) fn new(config: Config, host: Host) -> Rc<Self> {
        let native_fetch = fetch_of(&host)
            .or_else(|| fetch_of(&js_sys::global()))
            .unwrap_or_else(|| JsValue::UNDEFINED.unchecked_into());
        let shell = Rc::new(Self {
            engine: RefCell::new(Engine::new(config, clock::seed())),
            host,
            native_fetch,
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
        let _ = self.push_verdict(None);
    }

    pub(super) fn wake(self: &Rc<Self>, wake: Wake) {
        self.handle(Input::Wake(wake));
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
        self.inbox.borrow_mut().push(input);
        if self.running.replace(true) {
            return;
        }
        while let Some(input) = self.next_input() {
            self.engine.borrow_mut().handle(clock::now(), input);
            while let Some(output) = self.next_output() {
                self.perform(output);
            }
        }
        self.arm();
        self.running.set(false);
    }

    pub(super) fn answered(self: &Rc<Self>, attempt: AttemptId, outcome: Outcome) {
        self.take_attempt(attempt);
        self.handle(Input::Answer { attempt, outcome });
    }

    fn next_input(&self) -> Option<Input> {
        let mut inbox = self.inbox.borrow_mut();
        (!inbox.is_empty()).then(|| inbox.remove(0))
    }

    fn next_output(&self) -> Option<Output> {
        self.engine.borrow_mut().poll_output()
    }

    /// Carries out one output. No borrow is held, so whoever is called may call in.
    fn perform(self: &Rc<Self>, output: Output) {
        // What a host method throws is its own affair: the engine has settled.
        let _ = match output {
            Output::Abort(id) => {
                if let Some(controller) = self.take_attempt(id) {
                    controller.abort();
                }
                Ok(())
            }
            Output::Broadcast(message) => self.host.broadcast(&message),
            Output::Event(event) => self.host.event(data::event_data(&event), data::event_error(&event)),
            Output::Lock(id) => self.host.lock(id.0),
            Output::ReadStore(op) => {
                match promised(self.host.read()) {
                    Ok(promise) => job::begin(self, Job::Read(op, promise)),
                    Err(outcome) => self.handle(job::read(op, outcome)),
                }
                Ok(())
            }
            Output::Revoke(request) => {
                job::begin(self, Job::Revoke(request));
                Ok(())
            }
            Output::Send { attempt, request } => AbortController::new().map(|controller| {
                let signal = controller.signal();
                self.attempts.borrow_mut().push((attempt, controller));
                job::begin(self, Job::Send(attempt, request, signal));
            }),
            Output::Settle(call, answer) => self.settle(call, answer),
            Output::Snapshot(snapshot) => self.host.snapshot(data::snapshot_data(&snapshot)),
            Output::Verdict(verdict) => self.push_verdict(verdict),
            Output::Unlock(id) => self.host.unlock(id.0),
            Output::WriteStore(op, write) => {
                let expected = match &write.expected {
                    Expected::Anything => None,
                    Expected::Nothing => Some(""),
                    Expected::Prefix(prefix) => Some(prefix.as_str()),
                };
                let text = write.text.as_ref().map_or("", Secret::expose);
                match promised(self.host.write(text, expected)) {
                    Ok(promise) => job::begin(self, Job::Write(op, promise)),
                    Err(outcome) => self.handle(job::written(op, &outcome)),
                }
                Ok(())
            }
        };
    }

    fn settle(&self, call: CallId, answer: Answer) -> Result<(), JsValue> {
        let sender = self.callers.borrow_mut().take(call);
        if let Some(sender) = sender {
            // A caller that has gone away wants no answer.
            let _ = sender.send(answer);
            return Ok(());
        }
        match answer {
            Ok(settled) => self.host.settle(call.0, JsValue::UNDEFINED, Some(settled.as_str())),
            Err(error) => self.host.settle(call.0, data::error_data(&error), None),
        }
    }

    fn push_verdict(&self, verdict: Option<Verdict>) -> Result<(), JsValue> {
        let pushed = match &verdict {
            None => self.host.verdict(None, None, 0.0, None, 0.0, 0.0, 0.0, 0.0),
            Some(verdict) => self.host.verdict(
                Some("Bearer"),
                Some(verdict.bearer.expose()),
                verdict.generation.0 as f64,
                verdict.expires_at.map(|time| time.0 as f64),
                verdict.until.map_or(f64::INFINITY, |until| until.wall.0 as f64),
                verdict.until.map_or(f64::INFINITY, |until| until.mono.millis() as f64),
                verdict.checked.wall.0 as f64,
                verdict.checked.mono.millis() as f64,
            ),
        };
        *self.verdict.borrow_mut() = verdict;
        pushed
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

    /// Waits until there is a token to send. Callers that come together share one future.
    pub(super) fn need(self: &Rc<Self>) -> Asked {
        let now = clock::now().mono;
        let shared = self.callers.borrow().need.clone();
        if let Some((_, asked)) =
            shared.filter(|(since, asked)| now.since(*since) < TOGETHER && asked.is_open())
        {
            return asked;
        }
        let (call, asked) = self.callers.borrow_mut().open();
        self.callers.borrow_mut().need = Some((now, asked.clone()));
        self.handle(Input::Need { call, min_validity: Millis::ZERO });
        asked
    }

    /// What to do about a 401 that `generation` drew.
    pub(super) fn unauthorized(self: &Rc<Self>, generation: Generation, challenge: Option<String>) -> Asked {
        let (call, asked) = self.callers.borrow_mut().open();
        self.handle(Input::Unauthorized { call, generation, challenge });
        asked
    }

    /// `Authorization` for one send with the token held now, and that token's generation.
    pub(super) fn authorize(&self) -> Option<(Secret, Generation)> {
        let verdict = self.verdict.borrow();
        let verdict = verdict.as_ref().filter(|verdict| !verdict.bearer.expose().is_empty())?;
        Some((Secret::new(String::from("Bearer ") + verdict.bearer.expose()), verdict.generation))
    }
}

impl Callers {
    fn open(&mut self) -> (CallId, Asked) {
        self.last = self.last.wrapping_add(1);
        let call = CallId(self.last | FROM_RUST);
        let (sender, receiver) = oneshot::channel();
        self.open.push((call, sender));
        (call, Asked(receiver.shared()))
    }

    fn take(&mut self, call: CallId) -> Option<oneshot::Sender<Answer>> {
        let at = self.open.iter().position(|(open, _)| *open == call)?;
        Some(self.open.swap_remove(at).1)
    }
}

impl Asked {
    fn is_open(&self) -> bool {
        self.0.peek().is_none()
    }
}

impl Future for Asked {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        // The sender goes with the shell alone: then there is nobody left to tell.
        self.0.poll_unpin(context).map(|answer| answer.unwrap_or(Ok(Settled::Pass)))
    }
}

/// The `fetch` that `object` has, if it has one.
fn fetch_of(object: &JsValue) -> Option<Function> {
    Reflect::get(object, &JsValue::from_str("fetch")).ok()?.dyn_into().ok()
}

/// The promise that a store's answer is, or the answer itself.
fn promised(answer: Result<JsValue, JsValue>) -> Result<Promise, Result<JsValue, JsValue>> {
    match answer {
        Ok(value) if value.is_object() => Ok(Promise::resolve(&value)),
        answer => Err(answer),
    }
}

/// `setTimeout` takes a signed 32-bit delay; a longer one would fire at once.
const LONGEST_DELAY: u64 = i32::MAX as u64;
/// Callers this close share a wait; the later one's is shorter by as much.
const TOGETHER: Millis = Millis(250);
/// Tells Rust's calls from the facade's.
const FROM_RUST: u32 = 1 << 31;
