//! The store that the tabs of a browser share: one text, and operations that take effect in their order.

use std::collections::VecDeque;

use evertoken::engine::ids::StoreOp;
use evertoken::engine::input::{Input, Stored};
use evertoken::engine::secret::Secret;

use super::dice::Dice;
use super::world::Page;

/// How an operation is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Like IndexedDB: later, in order.
    Later,
    /// Like localStorage: within the call.
    Now,
}

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) text: Option<String>,
    pub(crate) manner: Manner,
    /// Until when nothing moves.
    pub(crate) hangs_until: u64,
    /// Until when every operation fails.
    pub(crate) fails_until: u64,
    queue: VecDeque<Job>,
}

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) page: Page,
    pub(crate) op: StoreOp,
    /// `None` reads.
    pub(crate) text: Option<String>,
    /// Its page began without knowing what the store held.
    pub(crate) blind: bool,
    /// Its place in the order of all that was begun.
    pub(crate) number: u64,
}

impl Store {
    pub(crate) fn new(manner: Manner) -> Self {
        Self { text: None, manner, hangs_until: 0, fails_until: 0, queue: VecDeque::new() }
    }

    /// Takes a job that is done later; says whether the store was idle.
    pub(crate) fn enqueue(&mut self, job: Job) -> bool {
        self.queue.push_back(job);
        self.queue.len() == 1
    }

    /// When the next job ends that begins at `elapsed`, if there is one.
    pub(crate) fn next_turn(&self, elapsed: u64, dice: &mut Dice) -> Option<u64> {
        (!self.queue.is_empty()).then(|| (elapsed + dice.magnitude(60)).max(self.hangs_until))
    }

    pub(crate) fn take(&mut self) -> Option<Job> {
        self.queue.pop_front()
    }

    /// The page is gone: what it had begun is undone, or ends with nobody to hear of it.
    pub(crate) fn forget(&mut self, page: Page, undo: bool) {
        // The first one is under way; its turn is on the calendar.
        let mut at = 0;
        self.queue.retain(|job| {
            at += 1;
            at == 1 || job.page != page || !undo && job.text.is_some()
        });
    }

    /// Carries `job` out; what its page hears.
    pub(crate) fn perform(&mut self, job: &Job, elapsed: u64) -> Input {
        let fails = elapsed < self.fails_until;
        match &job.text {
            None => {
                let text = self.text.as_ref().filter(|_| !fails).map(|text| Secret::new(text.clone()));
                Input::StoreRead { op: job.op, text, fence: None }
            }
            Some(_) if fails => Input::StoreWritten { op: job.op, stored: Stored::Failed },
            Some(text) => {
                self.text = Some(text.clone());
                Input::StoreWritten { op: job.op, stored: Stored::Durably }
            }
        }
    }
}
