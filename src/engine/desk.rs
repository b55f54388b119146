//! The engine's dealings with the store, one read and one write at a time; and what a read changes.

use alloc::boxed::Box;

use super::engine::{Engine, Phase};
use super::few::Few;
use super::found::{Found, Seen};
use super::hint::LOOK_FLOOR;
use super::ids::{CallId, Epoch, Order, SessionId, StoreOp};
use super::metrics::Mark;
use super::output::{Output, Settled};
use super::secret::Secret;
use super::time::{Millis, Mono};

/// What is under way between engine and store.
#[derive(Clone, Debug, Default)]
pub(super) struct Desk {
    pub reading: Option<(StoreOp, Mono)>,
    pub writing: Option<Box<Writing>>,
    /// The first read, when it was given up; its answer still counts until a session begins.
    pub late: Option<StoreOp>,
    /// The last read, when it was given up: what it shows late still counts.
    given_up: Option<StoreOp>,
    /// A read after a wake is under way: even a good token waits for it.
    pub looking: bool,
    /// The pair that a last look was for, before its session ends here.
    pub last_chance: Option<Box<Order>>,
    /// What the store held when it was last seen or written.
    pub seen: Seen,
    /// Writes in a row that found something else in the store than was expected.
    pub conflicts: u32,
    /// How many of the last reads did not end in their time.
    pub hangs: u32,
    /// The user has signed in or out and the store does not hold it yet.
    pub wish: bool,
    /// The last operation before that.
    wished_after: StoreOp,
    /// The session that has ended here last, and its epoch; `None` when the user ended one that nobody had seen.
    pub ended: Option<(SessionId, Epoch)>,
    /// The store has shown an older pair than the record beside it.
    pub behind: Option<Box<Behind>>,
    /// When the store is looked at because another tab has said so, or to see whether the pair has come through.
    pub look_at: Option<Mono>,
    pub last_look: Option<Mono>,
    /// The newest of what the other tabs were told, or have told.
    pub announced: Order,
    /// The newest that other tabs have told of, until it is plain that it is not to be had.
    pub told: Order,
    /// How often the store was looked at once more because it did not show that.
    pub missed: u8,
    /// Something has changed since the write under way was begun.
    pub again: bool,
    /// A write of everything met something else; the store is being read.
    pub conflicted: bool,
    /// The last save was to bring another pair than the store was seen with.
    pub saves_new: bool,
    /// Calls that are answered once everything is stored.
    pub calls: Few<(CallId, Settled)>,
    /// How many of them wait for the write under way, and for none after it.
    pub written: usize,
    /// The store was found with a session that is of no more use; its tokens are still there.
    pub leftover: bool,
    /// The store belongs to a newer version.
    pub read_only: bool,
    pub failing: bool,
    /// Saves in a row that failed, and when the next is tried.
    pub failures: u32,
    pub save_at: Option<Mono>,
    next: StoreOp,
}

/// A pair that has not come through yet.
#[derive(Clone, Debug)]
pub(super) struct Behind {
    pub since: Mono,
    /// The record that it belongs to.
    pub record: Order,
}

/// A write under way.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub op: StoreOp,
    pub deadline: Mono,
    pub what: What,
    /// What the store holds once it is done.
    pub then: Seen,
    /// It holds the pair, too.
    pub is_whole: bool,
}

/// What a write is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// This tab is about to send the refresh token.
    Claim,
    /// It is no longer.
    Release,
    /// Everything that is held.
    Save,
}

impl Desk {
    pub(super) fn postpone(&mut self, by: Millis) {
        let writing = self.writing.iter_mut().map(|writing| &mut writing.deadline);
        for deadline in self.reading.iter_mut().map(|(_, deadline)| deadline).chain(writing) {
            *deadline = deadline.after(by);
        }
    }

    /// Whether nothing is being written, nor about to be.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_none() && !self.conflicted
    }

    /// The user wants something that is to be stored.
    pub(super) fn wish(&mut self) {
        (self.wish, self.wished_after) = (true, self.next);
        self.failures = 0;
    }

    /// A write was carried out whose time was over: the store has held what the user has done before it.
    pub(super) fn written_late(&mut self, op: StoreOp) {
        self.wish &= op <= self.wished_after;
    }

    /// Whether it is to be stored for the first time: what could not be may be older than what others have stored since,
    /// with numbers that count on from those of before the clock was set back.
    pub(super) fn is_fresh(&self) -> bool {
        self.wish && self.failures == 0
    }

    /// What this tab knows, the others need not hear.
    pub(super) fn heard(&mut self, order: Order) {
        self.announced = self.announced.max(order);
    }
}

impl Engine {
    /// Begins to read; the outcome of an earlier read no longer counts.
    pub(super) fn start_read(&mut self) {
        let op = self.next_op();
        self.desk.given_up = None;
        // This is the look that others have asked for.
        self.desk.look_at = None;
        self.desk.reading = Some((op, self.now.mono.after(STORE_TIMEOUT)));
        self.emit(Output::ReadStore(op));
    }

    pub(super) fn on_read_timeout(&mut self) {
        if let Some((op, _)) = self.desk.reading {
            if self.phase == Phase::Booting {
                self.desk.late = Some(op);
            }
            self.on_read(op, None, None);
            self.desk.given_up = Some(op).filter(|_| self.desk.reading.is_none());
        }
    }

    /// As good as a read that has had its time.
    pub(super) fn on_unreadable(&mut self, op: StoreOp) {
        if self.desk.reading.is_some_and(|(current, _)| current == op) {
            self.desk.reading = Some((op, self.now.mono));
            self.on_read_timeout();
            self.desk.given_up = None;
            let unknown = self.session.is_none() && self.desk.late.is_some();
            if unknown && self.desk.hangs < MOST_LOOKS {
                // There may be a session that could not be seen.
                let pause = LOOK_FLOOR.doubled(self.desk.hangs, SAVE_AGAIN_CAP);
                self.desk.look_at = Some(self.now.mono.after(pause));
            }
        }
    }

    pub(super) fn on_read(&mut self, op: StoreOp, text: Option<&Secret>, fence: Option<&Secret>) {
        let untouched = self.session.is_none() && self.epoch == Epoch(0) && self.phase == Phase::Running;
        if self.desk.late == Some(op) && untouched {
            // The store was slow at the start and nothing has begun since: start again from what it says.
            self.phase = Phase::Booting;
        } else if let last = self.desk.reading.map(|(op, _)| op).or(self.desk.given_up)
            && last != Some(op)
        {
            // What it shows is too old, but a store that answers is not taken for one that does not.
            self.desk.hangs = if text.is_some() { 0 } else { self.desk.hangs };
            if Some(op) < last {
                self.take_news(text, fence);
            }
            return;
        }
        // A look that was begun after a late one still counts.
        self.desk.given_up = self.desk.given_up.filter(|later| *later > op);
        if text.is_some() {
            self.desk.late = None;
        }
        let ended = text.is_some() || fence.is_some();
        let in_time = self.desk.reading.is_none_or(|(_, deadline)| self.now.mono < deadline);
        self.desk.reading = self.desk.reading.filter(|(later, _)| *later > op);
        if ended && self.desk.hangs > 0 {
            // This is the look that was put off.
            self.desk.look_at = None;
        }
        self.desk.hangs = if ended || in_time { 0 } else { self.desk.hangs.saturating_add(1) };
        self.mark(Mark::StoreRead, u64::from(text.is_some()));
        let blank = !ended && self.desk.hangs == 0 && matches!(self.desk.seen, Seen::Record(_));
        if blank {
            self.desk.seen = Seen::Nothing;
        }
        if (self.desk.hangs == 1 || blank) && self.asks_again() {
            return;
        }
        self.look(self.find(text, fence));
    }

    /// What the answer to a read shows.
    pub(super) fn find(&self, text: Option<&Secret>, fence: Option<&Secret>) -> Found {
        let name = &self.config.name;
        if self.config.apart { Found::in_both(text, fence, name) } else { Found::in_text(text, name) }
    }

    pub(super) fn next_op(&mut self) -> StoreOp {
        self.desk.next = self.desk.next.next();
        self.desk.next
    }
}

/// A store that takes longer is treated as failing.
pub(super) const STORE_TIMEOUT: Millis = Millis::from_secs(2);
/// The longest between two tries of a store in trouble.
pub(super) const SAVE_AGAIN_CAP: Millis = Millis::from_secs(16 * 60);
/// How often a store that cannot be read is looked at by itself when no session is known.
const MOST_LOOKS: u32 = 6;
