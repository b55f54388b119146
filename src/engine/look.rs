//! What a look at the store has changed, and what follows from it.

use alloc::sync::Arc;

use super::broken::Flaw;
use super::claim::Stamp;
use super::desk::What;
use super::engine::{Engine, Phase};
use super::flight::Step;
use super::found::{Found, Seen};
use super::record::{self, Record};
use super::secret::Secret;

/// What a read has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// Newer tokens were taken over.
    Adopted,
    /// The session has ended.
    Ended,
    /// What is held is as good.
    Kept,
}

/// Which look it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Last,
    /// Another has followed, and decides what is sent.
    Overtaken,
}

impl Engine {
    /// The store was looked at.
    pub(super) fn look(&mut self, found: Found) {
        let held = (self.phase != Phase::Booting).then_some(self.order());
        let record = found.behind.as_deref().filter(|record| Some(record.order()) > held);
        let outdone = record.filter(|record| self.outdoes(record)).map(Record::order);
        let record = record.filter(|_| outdone.is_none()).map(Record::order);
        // What has the numbers of the unsaved pair that is held may be that very pair: one server answers two tabs alike.
        let twin = found.behind.as_deref().map(Record::order).filter(|_| self.saves_new());
        let pair = record.or(twin.filter(|twin| Some(*twin) == held));
        if pair.is_some_and(|record| self.waits_for_pair(record)) {
            return;
        }
        // A pair that nobody can have stands in nobody's way.
        let outdone = outdone.or(record.filter(|_| self.session.is_some() && self.desk.is_fresh()));
        let behind = record.is_some() && outdone.is_none();
        let awaited = self.desk.behind.take_if(|_| !behind);
        if awaited.is_some() {
            // That was looked for.
            self.desk.look_at = None;
        }
        let unseen = self.desk.hangs > 0 && awaited.is_some_and(|awaited| Some(awaited.record) == held);
        self.desk.looking = false;
        let reads_to_send = matches!(self.step(), Some(Step::Reading));
        let saves = matches!(&self.desk.writing, Some(writing) if writing.what == What::Save);
        let acts = self.desk.conflicted || reads_to_send || self.desk.save_at.is_some() || saves;
        let gives_in = self.gives_in(&found);
        let collides = acts && !gives_in && (unseen || self.collides(&found));
        if self.desk.hangs == 0 {
            self.desk.seen = found.seen;
        }
        let merged = match (outdone, found.stored) {
            (Some(order), _) => {
                self.outdo(order);
                Merged::Kept
            }
            (None, record::Stored::Record(pair)) if behind && !self.is_served_by(&pair) => Merged::Kept,
            (None, record::Stored::Record(record)) => self.merge(&record),
            (None, record::Stored::Newer) => {
                self.yield_to_newer();
                Merged::Kept
            }
            (None, record::Stored::Nothing) => Merged::Kept,
        };
        if self.phase == Phase::Booting {
            return self.finish_boot(behind);
        }
        if let Some(word) = &found.behind {
            self.heed_word(word);
        }
        if collides && merged == Merged::Kept {
            self.overtake();
            self.desk.again |= saves;
        }
        if self.owes_a_tombstone() {
            self.save();
        }
        if behind && !self.config.broken(Flaw::OlderCopySends) {
            self.fall_behind();
        } else if core::mem::take(&mut self.desk.conflicted) {
            self.resolve_conflict(merged);
        }
        self.look_for_told();
        self.conclude_look(merged, Look::Last);
    }

    /// A look at the store is over.
    fn conclude_look(&mut self, merged: Merged, look: Look) {
        if merged != Merged::Kept {
            self.desk.save_at = None;
        }
        self.go_on(merged, look);
        if !self.has_good_token() && !self.can_refresh() {
            self.end_unrefreshable();
        }
        self.attend();
    }

    /// What a read shows that another has followed is too old to send by; but the next may show nothing at all, and what
    /// is newer than what is held stays so.
    pub(super) fn take_news(&mut self, text: Option<&Secret>, fence: Option<&Secret>) {
        let found = self.find(text, fence);
        if let Found { stored: record::Stored::Record(record), behind: None, .. } = found
            && record.order() > self.order()
            && self.phase == Phase::Running
        {
            let merged = self.merge(&record);
            if merged != Merged::Kept {
                if core::mem::take(&mut self.desk.conflicted) {
                    self.resolve_conflict(merged);
                }
                self.conclude_look(merged, Look::Overtaken);
            }
        }
    }

    /// Whether the store, which can be read again, has a session that was ended here and could not take that.
    fn owes_a_tombstone(&self) -> bool {
        let is_over = |stamp: &Stamp| stamp.session.is_some() && !self.is_since(stamp);
        let is_there = matches!(&self.desk.seen, Seen::Record(stamp) if is_over(stamp));
        self.session.is_none() && self.desk.wish && is_there && self.desk.is_idle()
    }

    /// What a look at the store means for the refresh under way.
    fn go_on(&mut self, merged: Merged, look: Look) {
        let Some(step) = self.step() else {
            return;
        };
        let adopted = merged == Merged::Adopted;
        match step {
            Step::Confirming(_) | Step::Queueing | Step::Reading | Step::Waiting { .. }
                if adopted && self.has_good_token() =>
            {
                // Another tab has been quicker.
                self.flight = None;
            }
            // What was waited for has come, and it has to be refreshed in turn.
            Step::Waiting { hard: false, .. } if adopted && self.can_refresh() => self.hurry(),
            Step::Sending { .. } if adopted => self.ground(),
            Step::Committing if adopted => self.flight = None,
            Step::Confirming(refusal) if !adopted => {
                let refusal = Arc::clone(refusal);
                self.conclude_refusal(refusal);
            }
            Step::Confirming(_) | Step::Reading if look == Look::Overtaken => self.wait_for_read(),
            Step::Confirming(_) | Step::Reading if self.can_refresh() => self.decide(),
            _ => {}
        }
    }
}
