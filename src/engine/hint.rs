//! When the store is looked at again: because other tabs say that it holds something newer, or a pair is on its way.

use alloc::boxed::Box;

use super::desk::Behind;
use super::engine::{Engine, Phase};
use super::flight::Step;
use super::found::Seen;
use super::ids::Order;
use super::notice::Notice;
use super::output::Output;
use super::time::{Millis, Mono};

impl Engine {
    /// Tells the other tabs what is in the store now, once.
    pub(super) fn announce(&mut self) {
        let Seen::Record(stamp) = &self.desk.seen else {
            return;
        };
        let is_news = stamp.order() > self.desk.announced && self.phase != Phase::Disposed;
        if self.config.shared && is_news {
            self.desk.announced = stamp.order();
            let notice = Notice { epoch: stamp.epoch, generation: stamp.generation };
            self.emit(Output::Broadcast(notice.encode()));
        }
    }

    /// Another tab has said that the store holds something newer, if that is so. The store is looked at once a second
    /// at most, whoever says it and how often.
    pub(super) fn on_notice(&mut self, message: &str) {
        let is_on = matches!(self.phase, Phase::Booting | Phase::Running) && self.config.shared;
        let Some(notice) = Notice::decode(message).filter(|_| is_on) else {
            return;
        };
        let told = Order { epoch: notice.epoch, generation: notice.generation };
        if told > self.order() {
            if told > self.desk.told {
                (self.desk.told, self.desk.missed) = (told, 0);
            }
            let due = self.next_look();
            self.desk.look_at = Some(self.desk.look_at.map_or(due, |at| at.min(due)));
        }
    }

    /// What one process has written another may see later than the message that tells of it: looks once or twice more.
    pub(super) fn look_for_told(&mut self) {
        let is_seen = self.desk.told <= self.order() || self.desk.behind.is_some();
        if !is_seen && self.desk.look_at.is_none() && self.desk.missed < MOST_MISSED {
            self.desk.missed += 1;
            self.desk.look_at = Some(self.next_look());
        }
    }

    /// When the store may be looked at because of what others have said or written.
    pub(super) fn next_look(&self) -> Mono {
        let soonest = self.desk.last_look.map(|last| last.after(LOOK_FLOOR));
        soonest.map_or(self.now.mono, |soonest| soonest.max(self.now.mono))
    }

    /// When the store is looked at, unless somebody is at it.
    pub(super) fn look_deadline(&self) -> Option<Mono> {
        let is_free = match self.step() {
            None | Some(Step::Queueing | Step::Sending { .. } | Step::Waiting { .. }) => true,
            Some(Step::Claiming | Step::Committing | Step::Confirming(_) | Step::Reading) => {
                self.desk.behind.is_some()
            }
        };
        self.desk.look_at.filter(|_| is_free && self.desk.reading.is_none())
    }

    pub(super) fn on_look_due(&mut self) {
        self.desk.last_look = Some(self.now.mono);
        self.start_read();
    }

    /// The pair beside a newer `record` has not come through yet: looks again until it has, or its time is over.
    pub(super) fn waits_for_pair(&mut self, record: Order) -> bool {
        self.desk.behind.take_if(|behind| behind.record != record);
        // Known also when the store cannot be read any more. These looks are all that there are.
        (self.desk.told, self.desk.missed) = (self.desk.told.max(record), MOST_MISSED);
        let now = self.now.mono;
        let behind = self.desk.behind.get_or_insert_with(|| Box::new(Behind { since: now, record }));
        let waited = now.since(behind.since);
        let waits = waited < BEHIND;
        let pause = if waits { BEHIND_PAUSE } else { waited };
        // A pair that takes longer is not waited for, but it is looked for.
        self.desk.look_at = (waited < LONGEST_BEHIND).then(|| now.after(pause));
        waits
    }
}

/// The least time between two looks that somebody else has asked for.
pub(super) const LOOK_FLOOR: Millis = Millis::from_secs(1);
/// How often more the store is looked at when it does not show what another tab has told of.
const MOST_MISSED: u8 = 2;
/// How long a pair may take to show beside its record, and how often it is looked for.
const BEHIND: Millis = Millis(500);
const BEHIND_PAUSE: Millis = Millis(100);
/// How long a pair is looked for that has not come through, at longer and longer intervals.
const LONGEST_BEHIND: Millis = Millis::from_secs(60);
