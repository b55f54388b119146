//! The lock that the tabs of a browser share, as the Web Locks API has it.

use std::collections::VecDeque;

use evertoken::engine::ids::LockId;
use evertoken::engine::input::Input;

use super::world::{Due, Page, World};

/// How requests for the lock are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locking {
    /// There is no lock to be had.
    Denied,
    Fine,
    /// Now and then there is none to be had, or it takes its time.
    Flaky,
    /// A stranger has it and keeps it.
    Never,
    /// A stranger takes it now and then.
    Squatted,
}

/// Who has the lock and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    holder: Option<Holder>,
    queue: VecDeque<Holder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Stranger,
    Tab(Page, LockId),
}

impl Locks {
    /// Whether `page` has it, or has been given it without knowing yet.
    pub(crate) fn is_held_by(&self, page: Page) -> bool {
        self.holder.is_some_and(|holder| holder.is(page))
    }

    /// Whether `page` has it by this request.
    pub(crate) fn is_granted(&self, page: Page, id: LockId) -> bool {
        self.holder == Some(Holder::Tab(page, id))
    }

    pub(crate) fn is_wanted_by(&self, page: Page) -> bool {
        self.queue.iter().any(|waiting| waiting.is(page))
    }

    fn leave(&mut self, leaves: impl Fn(&Holder) -> bool) {
        self.queue.retain(|waiting| !leaves(waiting));
        self.holder = self.holder.filter(|holder| !leaves(holder));
    }
}

impl Holder {
    fn is(self, page: Page) -> bool {
        matches!(self, Self::Tab(by, _) if by == page)
    }
}

impl World {
    /// A page queues for the lock.
    pub(crate) fn queue_for_lock(&mut self, page: Page, id: LockId) {
        let denied = match self.scenario.locking {
            Locking::Denied => true,
            Locking::Flaky => !self.calm && self.dice.chance(200),
            Locking::Fine | Locking::Never | Locking::Squatted => false,
        };
        if denied {
            let delay = self.dice.magnitude(20);
            return self.plan(delay, Due::LockAnswer(page, Input::LockDenied(id)));
        }
        self.locks.queue.push_back(Holder::Tab(page, id));
        self.pass_lock_on();
    }

    /// A page gives the lock back, or leaves the queue for it.
    pub(crate) fn give_lock_back(&mut self, page: Page, id: LockId) {
        self.locks.leave(|holder| *holder == Holder::Tab(page, id));
        self.pass_lock_on();
    }

    /// The page is gone, and its lock with it.
    pub(crate) fn free_lock_of(&mut self, page: Page) {
        self.locks.leave(|holder| holder.is(page));
        self.pass_lock_on();
    }

    /// A stranger queues for the lock.
    pub(crate) fn squat(&mut self) {
        self.locks.queue.push_back(Holder::Stranger);
        self.pass_lock_on();
    }

    pub(crate) fn stranger_leaves(&mut self) {
        self.locks.leave(|holder| *holder == Holder::Stranger);
        self.pass_lock_on();
    }

    fn pass_lock_on(&mut self) {
        if self.locks.holder.is_some() {
            return;
        }
        self.locks.holder = self.locks.queue.pop_front();
        let slow = self.scenario.locking == Locking::Flaky && self.dice.chance(200);
        match self.locks.holder {
            None => {}
            Some(Holder::Stranger) if self.scenario.locking == Locking::Never => {}
            Some(Holder::Stranger) => {
                let delay = self.dice.magnitude(120_000);
                self.plan(delay, Due::StrangerLeaves);
            }
            Some(Holder::Tab(page, id)) => {
                let delay = self.dice.magnitude(if slow { 4_000 } else { 20 });
                self.plan(delay, Due::LockAnswer(page, Input::LockGranted(id)));
            }
        }
    }

    /// What the lock manager says reaches a page. A grant that was given back meanwhile may still come through.
    pub(crate) fn lock_answer(&mut self, page: Page, answer: Input) {
        if let Input::LockGranted(id) = answer
            && !self.locks.is_granted(page, id)
            && self.dice.chance(700)
        {
            return;
        }
        self.feed(page.tab, answer);
    }
}
