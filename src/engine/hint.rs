//! What tabs tell each other of the store, and what is made of it.

use super::engine::{Engine, Phase};
use super::flight::Step;
use super::found::Seen;
use super::notice::Notice;
use super::output::Output;
use super::time::{Millis, Mono};

impl Engine {
    /// Tells the other tabs what is in the store now, once.
    pub(super) fn announce(&mut self) {
        let Seen::Record(stamp) = self.desk.seen else {
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
        if (notice.epoch, notice.generation) > (self.epoch, self.generation) {
            let soonest = self.desk.last_look.map(|last| last.after(LOOK_FLOOR));
            let due = soonest.map_or(self.now.mono, |soonest| soonest.max(self.now.mono));
            self.desk.look_at = Some(self.desk.look_at.map_or(due, |at| at.min(due)));
        }
    }

    /// When the store is looked at, unless somebody is at it.
    pub(super) fn look_deadline(&self) -> Option<Mono> {
        let is_free = match self.flight.as_ref().map(|flight| &flight.step) {
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
}

/// The least time between two looks that somebody else has asked for.
pub(super) const LOOK_FLOOR: Millis = Millis::from_secs(1);
