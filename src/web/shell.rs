//! The run loop around the engine.

use std::cell::{Cell, RefCell};

use futures::FutureExt;
use futures::future::Shared;
use gloo_timers::callback::Timeout;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen::sys::Undefined;
use wasm_bindgen_futures::JsFuture;

use super::{Host, clock, data};
use crate::engine::endpoint::HttpRequest;
use crate::engine::error::{ErrorCode, TokenError};
use crate::engine::ids::{AttemptId, CallId, Generation, StoreOp};
use crate::engine::input::Input;
use crate::engine::output::{CallbackRequest, Expected, Output, Settled, TokenRequest, Verdict, Write};
use crate::engine::secret::Secret;
use crate::engine::time::{Millis, Mono};
use crate::engine::{Config, Engine};

/// One engine in its browser. It lasts as long as the instance of the module.
pub(crate) struct Shell {
    engine: RefCell<Engine>,
    host: Host,
    /// What has happened and was not yet given to the engine.
    inbox: RefCell<Vec<Input>>,
    /// Whether the loop runs further up the stack.
    running: Cell<bool>,
    timer: RefCell<Option<Timeout>>,
    verdict: RefCell<Option<Verdict>>,
    callers: RefCell<Callers>,
}

/// Calls that come from Rust, whose answers are futures.
#[derive(Default)]
struct Callers {
    last: u32,
    open: Vec<(CallId, Resolve)>,
    /// The wait for a token that callers share, and since when.
    need: Option<(Mono, Asked)>,
}

/// Ends a wait.
type Resolve = Function<fn(JsValue) -> Undefined>;

/// The one future of a wait, awaited by every clone: of the text that a settled call is told, or of what failed. Whoever
/// is signed out passes: that is no failure here.
pub(super) type Asked = Shared<JsFuture>;

impl Shell {
    pub(crate) fn new(config: Config, host: Host) -> &'static Self {
        Box::leak(Box::new(Self {
            engine: RefCell::new(Engine::new(config, clock::seed())),
            host,
            inbox: RefCell::default(),
            running: Cell::new(false),
            timer: RefCell::default(),
            verdict: RefCell::default(),
            callers: RefCell::default(),
        }))
    }

    pub(crate) fn dispose(&'static self) {
        self.handle(Input::Dispose);
        self.push_verdict(None);
    }

    pub(crate) fn metrics(&self) -> JsValue {
        data::metrics_data(&self.engine.borrow())
    }

    pub(crate) fn diagnostics(&self) -> JsValue {
        data::diagnostics_data(&self.engine.borrow())
    }

    /// Gives `input` to the engine and carries out what it asks for. Called from within, by a listener or a store that
    /// answers at once, it leaves the input to the loop further up.
    pub(crate) fn handle(&'static self, input: Input) {
        self.inbox.borrow_mut().push(input);
        if self.running.replace(true) {
            return;
        }
        while let Some(input) = self.next_input() {
            self.engine.borrow_mut().handle(clock::now(), input);
            while let Some(output) = self.next_output() {
                self.perform(&output);
            }
        }
        self.arm();
        self.running.set(false);
    }

    fn next_input(&self) -> Option<Input> {
        let mut inbox = self.inbox.borrow_mut();
        (!inbox.is_empty()).then(|| inbox.remove(0))
    }

    fn next_output(&self) -> Option<Output> {
        self.engine.borrow_mut().poll_output()
    }

    /// Carries out one output. No borrow is held, so whoever is called may call in.
    fn perform(&self, output: &Output) {
        match output {
            Output::Abort(attempt) => self.host.abort(attempt.0),
            Output::Broadcast(message) => self.host.broadcast(message),
            Output::Event(event) => self.host.event(data::event_data(event), data::event_error(event)),
            Output::Lock(id) => self.host.lock(id.0),
            Output::ReadStore(op) => self.host.read(op.0),
            Output::Revoke(request) => self.send(None, request),
            Output::Send { attempt, request: TokenRequest::Call(request) } => {
                let CallbackRequest { refresh, access, attempt: count, reason } = request;
                let [refresh, access] = [refresh, access].map(|token| token.as_ref().map(Secret::expose));
                self.host.refresh(attempt.0, refresh, access, *count, reason.as_str());
            }
            Output::Send { attempt, request: TokenRequest::Http(request) } => {
                self.send(Some(*attempt), request)
            }
            Output::Settle(call, answer) => self.settle(*call, answer),
            Output::Snapshot(snapshot) => self.host.snapshot(data::snapshot_data(snapshot)),
            Output::Verdict(verdict) => self.push_verdict(verdict.clone()),
            Output::Unlock(id) => self.host.unlock(id.0),
            Output::WriteStore(op, write) => self.write(*op, write),
        };
    }

    fn send(&self, attempt: Option<AttemptId>, request: &HttpRequest) {
        self.host.send(
            attempt.map(|attempt| attempt.0),
            &request.endpoint.url,
            data::init_data(request),
            data::headers_data(request),
            request.endpoint.csrf_header.as_deref(),
        )
    }

    fn write(&self, op: StoreOp, write: &Write) {
        let expected = match &write.expected {
            Expected::Anything => None,
            Expected::Nothing => Some(""),
            Expected::Prefix(prefix) => Some(prefix.as_str()),
        };
        self.host.write(op.0, write.text.as_ref().map_or("", Secret::expose), expected)
    }

    fn settle(&self, call: CallId, answer: &Result<Settled, TokenError>) {
        let resolve = self.callers.borrow_mut().take(call);
        let told = match answer {
            Ok(settled) => settled.as_str().into(),
            Err(error) if error.code == ErrorCode::SignedOut && resolve.is_some() => {
                Settled::Pass.as_str().into()
            }
            Err(error) => data::error_data(error),
        };
        match resolve {
            None => self.host.settle(call.0, told),
            Some(resolve) => {
                let _ = resolve.call1(&JsValue::UNDEFINED, &told);
            }
        }
    }

    fn push_verdict(&self, verdict: Option<Verdict>) {
        match &verdict {
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
    }

    fn arm(&'static self) {
        let deadline = self.engine.borrow_mut().poll_timeout();
        // The old timer is dropped, and so cleared, before a new one is made.
        self.timer.take();
        if let Some(deadline) = deadline {
            let delay = deadline.since(clock::now().mono).0.min(LONGEST_DELAY);
            let timer = Timeout::new(delay as u32, || self.handle(Input::Tick));
            *self.timer.borrow_mut() = Some(timer);
        }
    }

    /// Waits until there is a token to send. Callers that come together share one future.
    pub(super) fn need(&'static self) -> Asked {
        let now = clock::now().mono;
        let shared = self.callers.borrow().need.clone();
        if let Some((_, asked)) =
            shared.filter(|(since, asked)| now.since(*since) < TOGETHER && asked.peek().is_none())
        {
            return asked;
        }
        let (call, asked) = self.callers.borrow_mut().open();
        self.callers.borrow_mut().need = Some((now, asked.clone()));
        self.handle(Input::Need { call, min_validity: Millis::ZERO });
        asked
    }

    /// What to do about a 401 that `generation` drew.
    pub(super) fn unauthorized(&'static self, generation: Generation, challenge: Option<String>) -> Asked {
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
        let promise = Promise::new_typed::<JsValue>(&mut |resolve, _| self.open.push((call, resolve)));
        (call, JsFuture::from(promise).shared())
    }

    fn take(&mut self, call: CallId) -> Option<Resolve> {
        let at = self.open.iter().position(|(open, _)| *open == call)?;
        Some(self.open.swap_remove(at).1)
    }
}

/// `setTimeout` takes a signed 32-bit delay; a longer one would fire at once.
const LONGEST_DELAY: u64 = i32::MAX as u64;
/// Callers this close share a wait; the later one's is shorter by as much.
const TOGETHER: Millis = Millis(250);
/// Tells Rust's calls from the facade's.
const FROM_RUST: u32 = 1 << 31;
