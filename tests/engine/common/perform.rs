//! What the engine asks for is carried out, and what must always hold is checked.

use evertoken::engine::answer::Outcome;
use evertoken::engine::ids::{AttemptId, Generation};
use evertoken::engine::input::Input;
use evertoken::engine::output::{Event, Output, TokenRequest, Write};
use evertoken::engine::record::{Record, Stored};

use super::server::CANARY;
use super::store::Mode;
use super::world::{Delivery, Done, LockMode, World};

impl World {
    pub(super) fn note(&mut self, input: &Input) {
        match input {
            Input::Dispose => {
                self.disposed = true;
                self.flying = None;
            }
            Input::SetTokens { call, .. } | Input::SignOut { call, .. } => {
                self.flying = None;
                self.asked.insert(*call);
            }
            Input::Need { call, .. } | Input::Refresh { call, .. } | Input::Unauthorized { call, .. } => {
                self.asked.insert(*call);
            }
            Input::LockDenied(lock) => self.lock = self.lock.filter(|asked| asked != lock),
            Input::Stop => self.flying = None,
            Input::StoreRead { text: Some(text), .. } => {
                // Generations grow within an epoch; another epoch in the store may have begun anew.
                if let Stored::Record(record) = Record::decode(text.expose(), &self.config.name)
                    && record.generation < self.highest
                {
                    self.highest = Generation(0);
                    self.highest_token = Generation(0);
                }
            }
            _ => {}
        }
    }

    #[track_caller]
    pub(super) fn perform(&mut self, output: Output) {
        let shown = format!("{output:?}");
        assert!(!shown.contains(CANARY), "a token shows in {shown}");
        let quiet = matches!(
            output,
            Output::Abort(_)
                | Output::Revoke(_)
                | Output::Settle(..)
                | Output::Unlock(_)
                | Output::WriteStore(..)
        );
        assert!(quiet || !self.disposed, "after dispose: {shown}");
        self.trace.push(kind(&output));
        match output {
            Output::Abort(attempt) => {
                self.aborted.push(attempt);
                self.landed(attempt);
                // What an aborted fetch comes to.
                self.queue
                    .retain(|(.., delivery)| !matches!(delivery, Delivery::Answer(id, _) if *id == attempt));
                self.post(0, Delivery::Answer(attempt, Outcome::Unreachable));
            }
            Output::Event(event) => self.hear(event),
            Output::ReadStore(op) => {
                self.store.reads += 1;
                self.post_to_store(Delivery::Read(op));
            }
            Output::Revoke(request) => self.revoked.push(request),
            Output::Send { attempt, request } => self.send(attempt, request),
            Output::Settle(call, result) => {
                assert!(self.asked.contains(&call), "{call:?} was never asked");
                let done = Done { at: self.clock.elapsed, result };
                let before = self.settled.insert(call, done);
                assert!(before.is_none(), "{call:?} is settled twice: {before:?}");
            }
            Output::Snapshot(snapshot) => {
                self.rise(snapshot.generation);
                assert_ne!(self.snapshots.last(), Some(&snapshot), "a snapshot that changes nothing");
                self.snapshots.push(snapshot);
            }
            Output::Verdict(verdict) => {
                if let Some(verdict) = &verdict {
                    let generation = verdict.generation;
                    assert!(
                        generation >= self.highest_token,
                        "{generation:?} after {:?}",
                        self.highest_token
                    );
                    self.highest_token = generation;
                }
                self.verdicts += 1;
                self.verdict = verdict;
            }
            Output::WriteStore(op, write) => {
                self.store.writes += 1;
                self.post_to_store(Delivery::Write(op, write));
            }
            Output::Broadcast(message) => self.broadcast.push(message),
            Output::Lock(lock) => {
                self.locks += 1;
                match self.lock_mode {
                    LockMode::Free => self.post(0, Delivery::Lock(Input::LockGranted(lock))),
                    LockMode::Missing => self.post(0, Delivery::Lock(Input::LockDenied(lock))),
                    LockMode::Taken => {}
                }
                assert_eq!(self.lock.replace(lock), None, "a lock is asked for beside another");
            }
            Output::Unlock(lock) => {
                assert_eq!(self.lock.take(), Some(lock), "a lock is given back that was not asked for");
                self.queue.retain(|(.., delivery)| !matches!(delivery, Delivery::Lock(_)));
            }
        }
    }

    #[track_caller]
    fn send(&mut self, attempt: AttemptId, request: TokenRequest) {
        if let Some((other, sent)) = self.flying {
            let flown = self.clock.now().mono.since(sent);
            assert!(flown >= self.config.attempt_timeout, "{attempt:?} is sent beside {other:?}");
        }
        self.flying = Some((attempt, self.clock.now().mono));
        if let Some((after, outcome)) = self.server.take(&request, self.clock.elapsed, self.clock.truth()) {
            self.post(after, Delivery::Answer(attempt, outcome));
        }
        self.sent.push((attempt, request));
    }

    fn hear(&mut self, event: Event) {
        if matches!(event, Event::Adopted { .. } | Event::SessionEnded(_)) {
            self.flying = None;
        }
        self.events.push(event);
    }

    pub(super) fn landed(&mut self, attempt: AttemptId) {
        self.flying = self.flying.filter(|(flying, _)| *flying != attempt);
    }

    #[track_caller]
    fn rise(&mut self, generation: Generation) {
        assert!(generation >= self.highest, "{generation:?} after {:?}", self.highest);
        self.highest = generation;
    }

    fn post_to_store(&mut self, delivery: Delivery) {
        match self.store.mode {
            Mode::Delayed(by) => self.post(by, delivery),
            Mode::Mute if matches!(delivery, Delivery::Write(..)) => {}
            Mode::Denying | Mode::Failing | Mode::Mute | Mode::Sync | Mode::Unreadable => {
                self.post(0, delivery)
            }
            Mode::Hanging => {}
        }
    }

    fn post(&mut self, after: u64, delivery: Delivery) {
        self.posted += 1;
        self.queue.push((self.clock.elapsed + after, self.posted, delivery));
    }
}

/// What kind of output it is; an event by its name, a claim apart from other writes.
pub fn kind(output: &Output) -> &'static str {
    match output {
        Output::Abort(_) => "abort",
        Output::Broadcast(_) => "broadcast",
        Output::Event(event) => event.name(),
        Output::Lock(_) => "lock",
        Output::ReadStore(_) => "read",
        Output::Revoke(_) => "revoke",
        Output::Send { .. } => "send",
        Output::Settle(..) => "settle",
        Output::Snapshot(_) => "snapshot",
        Output::Unlock(_) => "unlock",
        Output::Verdict(_) => "verdict",
        Output::WriteStore(_, write) if claims(write) => "claim",
        Output::WriteStore(..) => "write",
    }
}

fn claims(write: &Write) -> bool {
    let text = write.fence.as_ref().or(write.text.as_ref());
    text.is_some_and(|text| !text.expose().contains(r#""claim":null"#))
}
