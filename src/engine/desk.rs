//! The engine's dealings with the store: one read and one write at a time.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::config::Persist;
use super::engine::{Engine, Phase};
use super::flight::Step;
use super::ids::{CallId, Epoch, Generation, StoreOp};
use super::input::Stored;
use super::life::Life;
use super::metrics::Mark;
use super::output::{Event, Output, Settled};
use super::record::{self, Record, StoredAccess, StoredSession};
use super::secret::Secret;
use super::session::{AccessToken, EndReason, Identity, Refusal, Session, Standing};
use super::time::{Millis, Mono};

/// What is under way between engine and store.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub reading: Option<(StoreOp, Mono)>,
    pub writing: Option<(StoreOp, Mono)>,
    /// The first read, when it was given up; its answer still counts until a session begins.
    pub late: Option<StoreOp>,
    /// A read after a wake is under way: even a good token waits for it.
    pub looking: bool,
    /// Something has changed since the write under way was begun.
    again: bool,
    /// Calls that are answered once everything is stored.
    calls: Vec<(CallId, Settled)>,
    /// How many of them wait for the write under way, and for none after it.
    written: usize,
    /// The store was found with a session that is of no more use; its tokens are still there.
    pub leftover: bool,
    /// The store belongs to a newer version.
    read_only: bool,
    failing: bool,
    next: StoreOp,
}

impl Desk {
    pub(super) fn postpone(&mut self, by: Millis) {
        for (_, deadline) in self.reading.iter_mut().chain(&mut self.writing) {
            *deadline = deadline.after(by);
        }
    }
}

impl Engine {
    /// The first input: reads the store.
    pub(super) fn restore(&mut self) {
        if self.phase == Phase::New {
            self.phase = Phase::Booting;
            self.start_read();
        }
    }

    /// Begins to read; the outcome of an earlier read no longer counts.
    pub(super) fn start_read(&mut self) {
        let op = self.next_op();
        self.desk.reading = Some((op, self.now.mono.after(STORE_TIMEOUT)));
        self.emit(Output::ReadStore(op));
    }

    pub(super) fn on_read(&mut self, op: StoreOp, text: Option<&Secret>) {
        let untouched = self.session.is_none() && self.epoch == Epoch(0) && self.phase == Phase::Running;
        if self.desk.late == Some(op) && untouched {
            // The store was slow at the start and nothing has begun since: start again from what it says.
            self.phase = Phase::Booting;
        } else if self.desk.reading.is_none_or(|(current, _)| current != op) {
            return;
        }
        if text.is_some() {
            self.desk.late = None;
        }
        self.desk.reading = None;
        self.desk.looking = false;
        self.mark(Mark::StoreRead, u64::from(text.is_some()));
        let stored =
            text.map_or(record::Stored::Nothing, |text| Record::decode(text.expose(), &self.config.name));
        let adopted = match stored {
            record::Stored::Record(record) => self.merge(record),
            record::Stored::Newer => {
                self.desk.read_only = true;
                false
            }
            record::Stored::Nothing => false,
        };
        if self.phase == Phase::Booting {
            return self.finish_boot();
        }
        match self.flight.as_ref().map(|flight| flight.step.clone()) {
            Some(Step::Reading | Step::Waiting { .. } | Step::Confirming(_))
                if adopted && self.has_good_token() =>
            {
                // Another tab has been quicker.
                self.flight = None;
            }
            Some(Step::Confirming(refusal)) if !adopted => self.conclude_refusal(refusal),
            Some(Step::Reading | Step::Confirming(_)) if self.can_refresh() => self.send(),
            _ => {}
        }
        if !self.has_good_token() && !self.can_refresh() {
            self.end_unrefreshable();
        }
        self.attend();
    }

    /// Takes over what is newer than what is held; says whether tokens were.
    fn merge(&mut self, record: Record) -> bool {
        let booting = self.phase == Phase::Booting;
        let (theirs, ours) = ((record.epoch, record.generation), (self.epoch, self.generation));
        if !booting && theirs <= ours {
            // A page that could not read its store counts anew: the same numbers may name another session.
            let held = self.session.as_ref().map(|session| session.id);
            if theirs == ours
                && record.session.is_some_and(|session| session.refused && held == Some(session.id))
            {
                self.learn_refusal();
            }
            return false;
        }
        let same_epoch = record.epoch == self.epoch;
        let Some(stored) = record.session else {
            if !booting && !same_epoch && self.session.is_some() {
                self.end_session(Refusal::because(EndReason::SignedOutElsewhere), record.epoch);
            }
            self.epoch = self.epoch.max(record.epoch);
            self.generation = self.generation.max(record.generation);
            return false;
        };
        self.offset = record.offset.or(self.offset);
        let session = self.revive(stored, record.epoch, record.generation);
        if booting {
            self.epoch = record.epoch;
            self.generation = record.generation;
            self.session = Some(session);
            return false;
        }
        let same_session = same_epoch && self.session.as_ref().is_some_and(|held| held.id == session.id);
        self.adopt(session, same_session);
        true
    }

    /// Another tab was refused the very token that is held here.
    fn learn_refusal(&mut self) {
        let confirming = matches!(self.flight.as_ref().map(|flight| &flight.step), Some(Step::Confirming(_)));
        if self.can_refresh() && !confirming {
            self.ground();
            self.conclude_refusal(Refusal::because(EndReason::Refused));
        }
    }

    fn revive(&mut self, stored: StoredSession, epoch: Epoch, generation: Generation) -> Session {
        let access = stored.access.map(|access| self.revive_access(access));
        let identity = access.as_ref().map(|access| Identity::of(&access.token).0).unwrap_or_default();
        let standing = if stored.refused {
            Standing::Refused(Refusal::because(EndReason::Refused))
        } else if access.is_none() && self.config.refresh_in_cookie() {
            Standing::Resuming { hinted: true }
        } else {
            Standing::Good
        };
        Session {
            id: stored.id,
            epoch,
            generation,
            first: generation,
            refresh: stored.refresh,
            refresh_ends: stored.refresh_ends,
            access,
            identity,
            standing,
        }
    }

    fn revive_access(&mut self, stored: StoredAccess) -> AccessToken {
        let life = Life::resume(stored.life, stored.received, self.now);
        AccessToken {
            token: stored.token,
            lead: self.draw_lead(stored.life),
            life,
            received: self.now.mono,
            age_then: self.now.wall.since(stored.received),
            rejected: false,
        }
    }

    fn finish_boot(&mut self) {
        self.phase = Phase::Running;
        self.mark(Mark::Restored, u64::from(self.session.is_some()));
        if self.desk.read_only {
            self.persist_failed();
        }
        if self.session.as_ref().is_some_and(|session| !self.is_usable(session)) {
            self.session = None;
            self.desk.leftover = true;
        }
        if self.session.is_none() && self.config.refresh_in_cookie() && self.config.auto_resume {
            self.session = Some(self.blank_session());
        }
    }

    /// Whether a session read at start can still lead to a token.
    fn is_usable(&self, session: &Session) -> bool {
        if session.is_resuming() && !self.config.auto_resume {
            return false;
        }
        session.good_access(self.now).is_some() || self.is_refreshable(session)
    }

    /// A cookie session of which only the server knows.
    fn blank_session(&mut self) -> Session {
        Session {
            id: self.jitter.draw(),
            epoch: self.epoch,
            generation: self.generation,
            first: self.generation,
            refresh: None,
            refresh_ends: None,
            access: None,
            identity: Identity::default(),
            standing: Standing::Resuming { hinted: false },
        }
    }

    /// Writes what is held; `calls` that wait for it are answered when everything is stored.
    pub(super) fn save(&mut self) {
        if self.desk.writing.is_some() {
            self.desk.again = true;
            return;
        }
        if self.desk.read_only {
            return self.on_saved();
        }
        self.desk.again = false;
        self.desk.written = self.desk.calls.len();
        let op = self.next_op();
        self.desk.writing = Some((op, self.now.mono.after(STORE_TIMEOUT)));
        let record = self.record().encode();
        self.emit(Output::WriteStore(op, record));
    }

    /// Answers `call` with `settled` once everything is stored.
    pub(super) fn save_for(&mut self, call: CallId, settled: Settled) {
        self.settle_when_saved(call, settled);
        self.save();
    }

    /// Answers `call` with `settled` at the end of the save that is about to be made.
    pub(super) fn settle_when_saved(&mut self, call: CallId, settled: Settled) {
        self.desk.calls.push((call, settled));
    }

    pub(super) fn on_written(&mut self, op: StoreOp, stored: Stored) {
        if self.desk.writing.is_none_or(|(current, _)| current != op) {
            return;
        }
        self.desk.writing = None;
        match stored {
            Stored::Durably => {
                self.desk.failing = false;
                self.mark(Mark::StoreWritten, 0);
            }
            Stored::Failed => {
                self.mark(Mark::StoreFailed, 0);
                self.persist_failed();
            }
        }
        self.settle_saved(self.desk.written);
        if self.desk.again {
            self.save();
        } else {
            self.on_saved();
        }
    }

    fn on_saved(&mut self) {
        self.settle_saved(usize::MAX);
        if self.flight.as_ref().is_some_and(|flight| matches!(flight.step, Step::Committing)) {
            self.finish_granted();
        }
    }

    /// Answers the first `count` of those who wait for the store; what they changed holds in any case.
    pub(super) fn settle_saved(&mut self, count: usize) {
        let later = self.desk.calls.split_off(count.min(self.desk.calls.len()));
        for (call, settled) in core::mem::replace(&mut self.desk.calls, later) {
            self.settle(call, Ok(settled));
        }
    }

    /// Tells once that the store does not hold what it should, until it does again.
    fn persist_failed(&mut self) {
        self.metrics.persist_failed += 1;
        if !core::mem::replace(&mut self.desk.failing, true) {
            self.event(Event::PersistFailed);
        }
    }

    fn record(&self) -> Record {
        Record {
            name: self.config.name.to_string(),
            epoch: self.epoch,
            generation: self.generation,
            offset: self.offset,
            session: self.session.as_ref().filter(|session| !session.is_resuming()).map(|session| {
                StoredSession {
                    id: session.id,
                    refresh: session.refresh.clone(),
                    refresh_ends: session.refresh_ends,
                    access: match (&session.access, self.config.persist) {
                        (Some(access), Persist::Both) => Some(StoredAccess {
                            token: access.token.clone(),
                            received: access.life.received,
                            life: access.life.total,
                        }),
                        _ => None,
                    },
                    refused: session.is_refused(),
                }
            }),
        }
    }

    fn next_op(&mut self) -> StoreOp {
        self.desk.next = self.desk.next.next();
        self.desk.next
    }
}

/// A store that takes longer is treated as failing.
const STORE_TIMEOUT: Millis = Millis::from_secs(2);
