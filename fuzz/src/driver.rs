//! The engine under its law, with everything it does checked.

use std::collections::BTreeMap;

use evertoken::engine::ids::{AttemptId, CallId, Generation, LockId, StoreOp};
use evertoken::engine::input::{Input, Stored};
use evertoken::engine::json;
use evertoken::engine::output::{Event, Output, TokenRequest, Write};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};
use evertoken::engine::{Config, Engine};

/// A part of every token that is made here, as long as no output may show.
pub(crate) const CANARY: &str = "canary_x";

/// Carries out what the engine asks for and demands on every step:
///
/// - a call is settled once, and by a dispose at the latest;
/// - after a dispose nothing begins and neither timer nor lock is left;
/// - one lock is asked for at a time, and given back when it was;
/// - one attempt is under way at a time, not counting those that have had their time or were given up;
/// - no deadline is further away than the check interval;
/// - a tick before the deadline changes nothing;
/// - no output shows a token.
pub(crate) struct Driver {
    engine: Engine,
    config: Config,
    prompt: Prompt,
    pub(crate) now: Now,
    pub(crate) armed: Option<Mono>,
    /// How often each call was settled.
    calls: BTreeMap<CallId, u32>,
    /// Every attempt with the refresh token that it carried.
    pub(crate) attempts: Vec<(AttemptId, Option<Secret>)>,
    flying: Option<(AttemptId, Mono)>,
    pub(crate) reads: Vec<StoreOp>,
    pub(crate) writes: Vec<(StoreOp, Write)>,
    pub(crate) store: Store,
    /// The lock that is held or asked for.
    pub(crate) lock: Option<LockId>,
    /// Whether it is still asked for.
    asking: bool,
    pub(crate) generation: Generation,
    disposed: bool,
}

/// Who answers at once, so that no step has to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prompt {
    pub(crate) store: bool,
    pub(crate) lock: bool,
}

/// What the store holds.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) text: Option<Secret>,
    /// The record in its own place.
    pub(crate) fence: Option<Secret>,
}

impl Driver {
    pub(crate) fn new(config: Config, seed: u64, prompt: Prompt) -> Self {
        Self {
            engine: Engine::new(config.clone(), seed),
            config,
            prompt,
            now: Now { mono: Mono::new(5_000), wall: UnixMillis(START) },
            armed: None,
            calls: BTreeMap::new(),
            attempts: Vec::new(),
            flying: None,
            reads: Vec::new(),
            writes: Vec::new(),
            store: Store::default(),
            lock: None,
            asking: false,
            generation: Generation(0),
            disposed: false,
        }
    }

    pub(crate) fn new_call(&mut self) -> CallId {
        let call = CallId(self.calls.len() as u32 + 1);
        self.calls.insert(call, 0);
        call
    }

    /// One input under the law, then what a prompt store answers, then a tick that must change nothing.
    pub(crate) fn handle(&mut self, input: Input) {
        self.note(&input);
        self.give(input);
        while let Some(answer) = self.next_answer() {
            self.give(answer);
        }
        if self.armed.is_none_or(|at| at > self.now.mono) {
            let armed = self.armed;
            self.engine.handle(self.now, Input::Tick);
            let output = self.engine.poll_output();
            assert!(output.is_none(), "a tick before its time brought {output:?}");
            assert_eq!(self.engine.poll_timeout(), armed, "a tick before its time moved the deadline");
        }
    }

    pub(crate) fn dispose(&mut self) {
        self.handle(Input::Dispose);
        let open: Vec<_> = self.calls.iter().filter(|(_, times)| **times != 1).collect();
        assert!(open.is_empty(), "not settled once: {open:?}");
    }

    fn next_answer(&mut self) -> Option<Input> {
        if self.prompt.lock && self.asking {
            return self.take_lock().map(Input::LockGranted);
        }
        if !self.prompt.store {
            return None;
        }
        if let Some((op, write)) = self.writes.pop() {
            return Some(Input::StoreWritten { op, stored: self.store.write(write) });
        }
        let op = self.reads.pop()?;
        Some(Input::StoreRead { op, text: self.store.text.clone(), fence: self.store.fence.clone() })
    }

    /// The lock that is asked for is granted.
    pub(crate) fn take_lock(&mut self) -> Option<LockId> {
        core::mem::take(&mut self.asking).then_some(self.lock).flatten()
    }

    fn note(&mut self, input: &Input) {
        match input {
            Input::Answer { attempt, .. } => self.landed(*attempt),
            Input::Dispose => self.disposed = true,
            Input::LockDenied(lock) if self.lock == Some(*lock) => self.lock = None,
            Input::SetTokens { .. } | Input::SignOut { .. } | Input::Stop => self.flying = None,
            _ => {}
        }
    }

    fn give(&mut self, input: Input) {
        let has_time = |sent: Mono| self.now.mono < sent.after(self.config.attempt_timeout);
        self.flying = self.flying.filter(|(_, sent)| has_time(*sent));
        self.engine.handle(self.now, input);
        while let Some(output) = self.engine.poll_output() {
            self.perform(output);
        }
        self.armed = self.engine.poll_timeout();
        assert!(!self.disposed || self.armed.is_none(), "a timer after a dispose");
        assert!(!self.disposed || self.lock.is_none(), "{:?} is kept after a dispose", self.lock);
        let delay = self.armed.map(|at| at.since(self.now.mono)).unwrap_or_default();
        let longest = self.config.check_interval;
        assert!(longest == Millis::ZERO || delay <= longest, "armed for {delay:?}, at most {longest:?}");
    }

    fn perform(&mut self, output: Output) {
        let shown = format!("{output:?}");
        assert!(!shown.contains(CANARY), "a token shows in {shown}");
        let ends = matches!(
            output,
            Output::Abort(_)
                | Output::Revoke(_)
                | Output::Settle(..)
                | Output::Unlock(_)
                | Output::WriteStore(..)
        );
        assert!(ends || !self.disposed, "after a dispose: {shown}");
        match output {
            Output::Abort(attempt) => self.landed(attempt),
            Output::Event(Event::Adopted { .. } | Event::SessionEnded(_)) => self.flying = None,
            Output::Lock(lock) => {
                assert_eq!(self.lock.replace(lock), None, "{lock:?} is asked for beside another");
                self.asking = true;
            }
            Output::ReadStore(op) => self.reads.push(op),
            Output::Send { attempt, request } => self.send(attempt, request),
            Output::Settle(call, _) => {
                let times = self.calls.get_mut(&call).expect("a call that was made");
                *times += 1;
                assert_eq!(*times, 1, "{call:?} is settled again: {shown}");
            }
            Output::Snapshot(snapshot) => self.generation = snapshot.generation,
            Output::Unlock(lock) => {
                assert_eq!(self.lock.take(), Some(lock), "a lock that is not there is given back");
                self.asking = false;
            }
            Output::WriteStore(op, write) => self.writes.push((op, write)),
            _ => {}
        }
    }

    fn send(&mut self, attempt: AttemptId, request: TokenRequest) {
        assert!(self.flying.is_none(), "{attempt:?} is sent beside {:?}", self.flying);
        self.flying = Some((attempt, self.now.mono));
        let token = match request {
            TokenRequest::Call(call) => call.refresh,
            TokenRequest::Http(http) => http.body.as_ref().and_then(|body| refresh_token(body.expose())),
        };
        self.attempts.push((attempt, token));
    }

    fn landed(&mut self, attempt: AttemptId) {
        self.flying = self.flying.filter(|(flying, _)| *flying != attempt);
    }
}

impl Store {
    /// Carries a write out if the store holds what it expects.
    pub(crate) fn write(&mut self, write: Write) -> Stored {
        let compared = if write.fence.is_some() { &self.fence } else { &self.text };
        if !write.expected.is_met_by(compared.as_ref().map(Secret::expose)) {
            return Stored::Conflict;
        }
        self.put(write);
        Stored::Durably
    }

    /// The same, whatever it holds.
    pub(crate) fn put(&mut self, write: Write) {
        self.text = write.text.or(self.text.take());
        self.fence = write.fence.or(self.fence.take());
    }
}

fn refresh_token(body: &str) -> Option<Secret> {
    let token = json::parse_object(body)?.get("refresh_token")?.as_text()?;
    Some(Secret::new(token.decode()))
}

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;
