//! The store that the tabs of a browser share: a place for the text, perhaps one for the record without tokens, and
//! operations that take effect one after the other.

use std::collections::VecDeque;
use std::rc::Rc;

use evertoken::engine::ids::{Order, SessionId, StoreOp};
use evertoken::engine::input::{Input, Stored};
use evertoken::engine::output::Write;
use evertoken::engine::record::{self, Record};
use evertoken::engine::secret::Secret;

use super::dice::Dice;
use super::provider::RefreshId;
use super::world::Page;

/// How operations are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// The text in a localStorage that shows other tabs what is written some time later, the record beside it in
    /// IndexedDB.
    Apart,
    /// IndexedDB: later, in order.
    Database,
    /// A localStorage that shows other tabs what is written some time later, and nothing else.
    Lagging,
    /// localStorage in one process: within the call.
    Local,
}

/// How well the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Its user, or another program, clears it.
    Cleared,
    /// It never works.
    Denied,
    Good,
    /// It hangs, fails or is full for a while.
    Poor,
}

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) manner: Manner,
    text: Shelf,
    fence: Shelf,
    /// Until when nothing moves.
    pub(crate) hangs_until: u64,
    /// Until when every operation fails.
    pub(crate) fails_until: u64,
    /// Until when every write fails.
    pub(crate) full_until: u64,
    queue: VecDeque<Job>,
    /// The last write got no further than the text.
    is_half: bool,
    /// The end of the first job is on the calendar.
    pub(crate) turning: bool,
}

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) page: Page,
    pub(crate) op: StoreOp,
    /// `None` reads.
    pub(crate) write: Option<Rc<Write>>,
    /// Its page began without knowing what the store held.
    pub(crate) blind: bool,
    /// Its place in the order of all that was begun.
    pub(crate) number: u64,
    pub(crate) begun: u64,
    /// Its page went away between the two places.
    half: bool,
}

/// What a place holds.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) text: String,
    /// What it says, if it is a record.
    pub(crate) record: Option<Record>,
    /// Its refresh token.
    pub(crate) id: Option<RefreshId>,
}

/// What a page is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    pub(crate) text: Option<Rc<Kept>>,
    pub(crate) fence: Option<Rc<Kept>>,
    /// The store has answered at all.
    pub(crate) readable: bool,
}

/// One place, which other tabs may see as it was before.
#[derive(Debug, Default)]
struct Shelf {
    kept: Option<Rc<Kept>>,
    writer: usize,
    /// From when on every tab sees it, and what each sees until then.
    seen_from: u64,
    before: [Option<Rc<Kept>>; MOST_TABS],
}

/// How many tabs there may be at once.
pub(crate) const MOST_TABS: usize = 5;

/// What came of a job.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) reply: Input,
    /// What the page sees now.
    pub(crate) sight: Sight,
    /// The text that was replaced had come alone: its page went away before it wrote the record beside it.
    pub(crate) was_half: bool,
    /// What the written places held before and hold now.
    pub(crate) text: Option<Change>,
    pub(crate) fence: Option<Change>,
}

/// What a place held before a write, and holds after it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) before: Option<Rc<Kept>>,
    pub(crate) after: Rc<Kept>,
}

impl Store {
    pub(crate) fn new(manner: Manner) -> Self {
        Self {
            manner,
            text: Shelf::default(),
            fence: Shelf::default(),
            hangs_until: 0,
            fails_until: 0,
            full_until: 0,
            queue: VecDeque::new(),
            is_half: false,
            turning: false,
        }
    }

    /// Whether operations end within the call.
    pub(crate) fn is_prompt(&self) -> bool {
        matches!(self.manner, Manner::Lagging | Manner::Local)
    }

    /// What the text place truly holds.
    pub(crate) fn truth(&self) -> Option<&Rc<Kept>> {
        self.text.kept.as_ref()
    }

    pub(crate) fn enqueue(&mut self, job: Job) {
        self.queue.push_back(job);
    }

    /// The page whose job is next.
    pub(crate) fn next(&self) -> Option<Page> {
        self.queue.front().map(|job| job.page)
    }

    /// When the next job ends that begins at `elapsed`, if there is one.
    pub(crate) fn next_turn(&self, elapsed: u64, dice: &mut Dice) -> Option<u64> {
        (!self.queue.is_empty()).then(|| (elapsed + dice.magnitude(60)).max(self.hangs_until))
    }

    pub(crate) fn take(&mut self) -> Option<Job> {
        self.queue.pop_front()
    }

    /// The page is gone: what it had begun is undone, or ends with nobody to hear of it. `half`: what is under way gets
    /// no further than its first place.
    pub(crate) fn forget(&mut self, page: Page, undo: bool, half: bool) {
        if let Some(job) = self.queue.front_mut().filter(|job| job.page == page) {
            job.half = half;
        }
        // The first one is under way; its turn is on the calendar.
        let mut at = 0;
        self.queue.retain(|job| {
            at += 1;
            at == 1 || job.page != page || !undo && job.write.is_some()
        });
    }

    /// The user, or another program, removes what is there.
    pub(crate) fn clear(&mut self, fence_too: bool) {
        self.text = Shelf::default();
        if fence_too {
            self.fence = Shelf::default();
        }
    }

    /// Carries `job` out. `lag`: how long other tabs do not see what a localStorage is told.
    pub(crate) fn perform(&mut self, job: &Job, elapsed: u64, lag: u64) -> Landing {
        let tab = job.page.tab;
        let fails = elapsed < self.fails_until || job.write.is_some() && elapsed < self.full_until;
        let Some(write) = &job.write else {
            if fails {
                let reply = Input::StoreFailed(job.op);
                return Landing { reply, sight: Sight::default(), was_half: false, text: None, fence: None };
            }
            let sight = self.sight(tab, elapsed);
            let secret = |kept: &Option<Rc<Kept>>| kept.as_ref().map(|kept| Secret::new(kept.text.clone()));
            let reply = if fails {
                Input::StoreFailed(job.op)
            } else {
                Input::StoreRead { op: job.op, text: secret(&sight.text), fence: secret(&sight.fence) }
            };
            return Landing { reply, sight, was_half: false, text: None, fence: None };
        };
        let landing = |stored, sight, text, fence| {
            let reply = Input::StoreWritten { op: job.op, stored };
            Landing { reply, sight, was_half: false, text, fence }
        };
        if fails {
            return landing(Stored::Failed, Sight::default(), None, None);
        }
        let compared = if write.fence.is_some() { &self.fence } else { &self.text };
        let compared = compared.seen_by(tab, elapsed).map(|kept| kept.text.as_str());
        if !write.expected.is_met_by(compared) {
            return landing(Stored::Conflict, Sight::default(), None, None);
        }
        let was_half = self.is_half;
        let lag = if matches!(self.manner, Manner::Apart | Manner::Lagging) { lag } else { 0 };
        let text = write.text.as_ref().map(|text| self.text.put(text, tab, elapsed, lag));
        // A claim writes no text, and leaves that of others as it is.
        self.is_half = if text.is_some() { job.half && write.fence.is_some() } else { self.is_half };
        let fence = write.fence.as_ref().filter(|_| !job.half);
        let fence = fence.map(|fence| self.fence.put(fence, tab, elapsed, 0));
        Landing { was_half, ..landing(Stored::Durably, self.sight(tab, elapsed), text, fence) }
    }

    pub(crate) fn sight(&self, tab: usize, elapsed: u64) -> Sight {
        let seen = |shelf: &Shelf| shelf.seen_by(tab, elapsed).cloned();
        Sight { text: seen(&self.text), fence: seen(&self.fence), readable: true }
    }

    /// Whether this tab sees an older text than there is.
    pub(crate) fn lags_for(&self, tab: usize, elapsed: u64) -> bool {
        tab != self.text.writer && elapsed < self.text.seen_from
    }
}

impl Job {
    pub(crate) fn new(page: Page, op: StoreOp, write: Option<Rc<Write>>, number: u64, begun: u64) -> Self {
        Self { page, op, write, blind: false, number, begun, half: false }
    }
}

impl Shelf {
    fn seen_by(&self, tab: usize, elapsed: u64) -> Option<&Rc<Kept>> {
        let late = tab != self.writer && elapsed < self.seen_from;
        if late { self.before[tab].as_ref() } else { self.kept.as_ref() }
    }

    fn put(&mut self, text: &Secret, tab: usize, elapsed: u64, lag: u64) -> Change {
        self.before = std::array::from_fn(|tab| self.seen_by(tab, elapsed).cloned());
        let before = self.kept.take();
        let after = Rc::new(Kept::new(text.expose().to_owned()));
        self.kept = Some(Rc::clone(&after));
        (self.writer, self.seen_from) = (tab, elapsed + lag);
        Change { before, after }
    }
}

impl Change {
    /// Whether another session has begun.
    pub(crate) fn begins_a_session(&self) -> bool {
        let (before, after) = self.sessions();
        after.is_some() && before != after
    }

    /// Whether the session that was there is there still.
    pub(crate) fn goes_on(&self) -> bool {
        let (before, after) = self.sessions();
        after.is_some() && before == after
    }

    fn sessions(&self) -> (Option<SessionId>, Option<SessionId>) {
        let session = |kept: &Kept| kept.record.as_ref()?.session.as_ref().map(|session| session.id);
        (self.before.as_deref().and_then(session), session(&self.after))
    }
}

impl Kept {
    pub(crate) fn new(text: String) -> Self {
        let record = match Record::decode(&text, "default") {
            record::Stored::Record(record) => Some(*record),
            record::Stored::Newer | record::Stored::Nothing => None,
        };
        let refresh = record.as_ref().and_then(|record| record.session.as_ref()?.refresh.as_ref());
        let id = refresh.and_then(|token| RefreshId::parse(token.expose()));
        Self { text, record, id }
    }

    pub(crate) fn order(&self) -> Option<Order> {
        self.record.as_ref().map(|record| record.stamp().order())
    }
}

impl Sight {
    /// The pair that a page may go by: the text, unless the record beside it is newer.
    pub(crate) fn pair(&self) -> Option<&Kept> {
        let order = |kept: &Option<Rc<Kept>>| kept.as_ref().and_then(|kept| kept.order());
        self.text.as_deref().filter(|_| order(&self.text) >= order(&self.fence))
    }

    /// The record beside the text is newer than that.
    pub(crate) fn is_behind(&self) -> bool {
        self.pair().is_none() && self.newest().is_some_and(|record| record.session.is_some())
    }

    /// The newest record that is shown; at the same height the one beside the text, which knows more.
    pub(crate) fn newest(&self) -> Option<&Record> {
        let text = self.text.as_deref().and_then(|kept| kept.record.as_ref());
        let fence = self.fence.as_deref().and_then(|kept| kept.record.as_ref());
        match (text, fence) {
            (Some(text), Some(fence)) if text.stamp().order() > fence.stamp().order() => Some(text),
            (text, fence) => fence.or(text),
        }
    }
}
