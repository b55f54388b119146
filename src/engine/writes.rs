//! What is written to the store: what is held, and claims on it.

use alloc::boxed::Box;
use alloc::string::ToString;

use super::broken::Flaw;
use super::claim::{Claim, Hold, Insist};
use super::config::Persist;
use super::desk::{SAVE_AGAIN_CAP, STORE_TIMEOUT, What, Writing};
use super::engine::{Engine, Phase};
use super::flight::Step;
use super::found::Seen;
use super::ids::{CallId, StoreOp};
use super::input::Stored;
use super::look::Merged;
use super::metrics::Mark;
use super::output::{Event, Expected, Output, Settled, Write};
use super::record::{self, Record, StoredAccess, StoredSession};
use super::time::Millis;
use super::turn::MOST_CONFLICTS;

impl Engine {
    /// Writes what is held; `calls` that wait for it are answered when everything is stored.
    pub(super) fn save(&mut self) {
        // What it was for is over.
        self.claim = None;
        self.save_again();
    }

    /// Writes what is held once more. A claim that is made meanwhile stays, and its request may be on the wire.
    pub(super) fn save_again(&mut self) {
        self.desk.save_at = None;
        if !self.desk.is_idle() {
            self.desk.again = true;
            return;
        }
        if self.desk.read_only {
            return self.on_saved();
        }
        self.desk.again = false;
        self.desk.written = self.desk.calls.len();
        let order = self.order();
        if let Seen::Record(stamp) = &self.desk.seen {
            if stamp.order() > order {
                return self.drop_writes();
            }
            let is_same = stamp.order() == order && stamp.session != self.known_session();
            if is_same || stamp.order() < order && self.shares_epoch(stamp) {
                self.overtake();
            }
        }
        self.write(What::Save);
    }

    /// Takes the claim back: the attempt is over and nothing came of it. Another tab may have claimed since.
    pub(super) fn release(&mut self) {
        let is_there = self.is_claim_stored();
        self.claim = None;
        if !self.desk.is_idle() {
            self.desk.again = true;
        } else if is_there {
            self.write(What::Release);
        }
    }

    /// Whether the store has this tab's claim, and no other since.
    pub(super) fn is_claim_stored(&self) -> bool {
        matches!(&self.desk.seen, Seen::Record(stamp) if stamp.claim == self.claim)
    }

    /// Begins a write. Its text is that of what is held now.
    pub(super) fn write(&mut self, what: What) {
        let op = self.next_op();
        let mut record = self.record();
        let mut insist = if what == What::Save { Insist::Generation } else { Insist::Claim };
        self.desk.saves_new = what == What::Save;
        if let (What::Save, Seen::Record(stamp)) = (what, &self.desk.seen)
            && stamp.order() == record.order()
        {
            self.desk.saves_new = false;
            insist = Insist::Claim;
            record.claim = if record.session.as_ref().is_some_and(|session| session.refused) {
                // Who has read the record before this must not write over it: it is told from that one by a claim that
                // is over.
                let claim =
                    Claim { owner: self.id, hold: Hold::Alone, at: self.now.wall, life: Millis::ZERO };
                Some(Box::new(claim))
            } else {
                // No new pair: another tab may be about to send this one, and its claim stays.
                stamp.claim.clone().filter(|claim| claim.owner != self.id).or(record.claim)
            };
        }
        let expected = match &self.desk.seen {
            _ if self.config.broken(Flaw::CommitWithoutCompare) => Expected::Anything,
            Seen::Foreign => Expected::Anything,
            // A store that is too slow to be read can still be told what the user wants. Where other tabs write, too,
            // what it shows late is compared with, and the write is tried again.
            Seen::Nothing if self.desk.hangs > 0 && self.desk.wish && !self.config.shared => {
                Expected::Anything
            }
            Seen::Nothing => Expected::Nothing,
            Seen::Record(stamp) => Expected::Prefix(stamp.prefix(&record.name, record::SCHEMA, insist)),
        };
        let then = Seen::Record(record.stamp());
        // The pair need not be written again for a claim on it.
        let is_there = matches!(&self.desk.seen, Seen::Record(stamp) if stamp.order() == record.order());
        let is_whole = !self.config.apart || what == What::Save || !is_there;
        let deadline = self.now.mono.after(STORE_TIMEOUT);
        self.desk.writing = Some(Box::new(Writing { op, deadline, what, then, is_whole }));
        let fence = self.config.apart.then(|| record.encode_without_tokens());
        // Where the record has a place of its own the claim is there, and nobody looks for it beside the pair.
        record.claim = record.claim.filter(|_| !self.config.apart);
        let text = is_whole.then(|| record.encode());
        self.emit(Output::WriteStore(op, Write { expected, text, fence }));
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

    pub(super) fn on_write_timeout(&mut self) {
        if let Some(op) = self.desk.writing.as_ref().map(|writing| writing.op) {
            self.on_written(op, Stored::Failed);
        }
    }

    pub(super) fn on_written(&mut self, op: StoreOp, stored: Stored) {
        let Some(writing) = self.desk.writing.take_if(|writing| writing.op == op) else {
            if stored == Stored::Durably {
                self.desk.written_late(op);
            }
            return;
        };
        match stored {
            Stored::Conflict => {
                self.desk.conflicts += 1;
                self.mark(Mark::StoreConflict, u64::from(self.desk.conflicts));
            }
            Stored::Durably => {
                self.desk.conflicts = 0;
                self.desk.seen = writing.then;
                if writing.is_whole {
                    self.desk.failing = false;
                    self.desk.failures = 0;
                    self.desk.save_at = None;
                    self.desk.wish = false;
                }
                self.mark(Mark::StoreWritten, 0);
            }
            Stored::Failed => {
                self.mark(Mark::StoreFailed, 0);
                if writing.what == What::Save {
                    self.persist_failed();
                    self.save_later();
                }
            }
        }
        match writing.what {
            What::Claim => self.on_claimed(stored),
            What::Release => {}
            What::Save => match stored {
                Stored::Conflict
                    if self.phase != Phase::Disposed && self.desk.conflicts <= MOST_CONFLICTS =>
                {
                    self.desk.conflicted = true;
                    return self.start_read();
                }
                Stored::Conflict => {
                    self.desk.conflicts = 0;
                    self.persist_failed();
                    self.save_later();
                    self.settle_saved(self.desk.written);
                }
                Stored::Failed => self.settle_saved(self.desk.written),
                Stored::Durably => {
                    self.announce();
                    self.settle_saved(self.desk.written);
                }
            },
        }
        if self.desk.again && self.desk.is_idle() {
            self.save_again();
        } else if self.desk.is_idle() {
            self.on_saved();
        }
        let waits = matches!(self.step(), Some(Step::Reading));
        // A pair that is waited for is read by and by.
        if waits && self.desk.is_idle() && self.desk.reading.is_none() && self.look_deadline().is_none() {
            self.read_for_flight();
        }
    }

    /// What was to be written is older than the record, and is dropped.
    pub(super) fn drop_writes(&mut self) {
        self.desk.conflicted = false;
        self.desk.again = false;
        self.desk.wish = false;
        self.on_saved();
    }

    /// The store has been read after a conflict.
    pub(super) fn resolve_conflict(&mut self, merged: Merged) {
        match merged {
            Merged::Adopted | Merged::Ended => self.drop_writes(),
            Merged::Kept => self.save_again(),
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
        let mut calls = self.desk.calls.take();
        self.desk.calls = calls.split_off(count.min(calls.len())).into();
        for (call, settled) in calls {
            self.settle(call, Ok(settled));
        }
    }

    /// What could not be stored is tried again: a reload would send a refresh token that is spent. A sign-out is not
    /// tried for ever, since nothing else keeps the engine awake then.
    fn save_later(&mut self) {
        let delay = SAVE_AGAIN.doubled(self.desk.failures * 2, SAVE_AGAIN_CAP);
        let worthwhile = self.session.is_some() || self.desk.failures < MOST_TOMBSTONES;
        self.desk.failures = self.desk.failures.saturating_add(1);
        self.desk.save_at = worthwhile.then(|| self.now.mono.after(delay));
    }

    /// Tells once that the store does not hold what it should, until it does again.
    pub(super) fn persist_failed(&mut self) {
        self.metrics.persist_failed += 1;
        if !core::mem::replace(&mut self.desk.failing, true) {
            self.event(Event::PersistFailed);
        }
    }

    fn record(&self) -> Record {
        let session = self.session.as_deref();
        Record {
            name: self.config.name.to_string(),
            epoch: self.epoch,
            generation: self.generation,
            claim: self.claim.clone(),
            cooldown: self.shared_cooldown(),
            offset: self.offset,
            session: session.filter(|session| session.is_known()).map(|session| StoredSession {
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
                refused: session.is_refused() && !self.config.broken(Flaw::RefusalNotStored),
                lost: self.lost,
            }),
        }
    }
}

/// When a save that failed is tried again: 5 s, then four times as long each time.
const SAVE_AGAIN: Millis = Millis::from_secs(5);
const MOST_TOMBSTONES: u32 = 3;
