//! Tabs that come and go, pages that freeze, machines that sleep.

use evertoken::engine::input::{Input, Wake};

use super::invariant::Invariant;
use super::tab::{Frozen, Tab};
use super::world::{Due, Page, World};

/// What happens to a page in the middle of what it does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mishap {
    /// The tab is closed, or crashes for good.
    Close,
    Freeze,
    /// The page is loaded anew, by its user or after a crash.
    Reload,
    SetClock,
    Sleep,
}

impl World {
    /// Opens tab number `tab`, or loads it anew.
    pub(crate) fn open(&mut self, tab: usize) {
        let load = self.tabs.get(tab).map_or(0, |old| old.page.load + 1);
        let page = Page { tab, load };
        let seed = self.dice.draw();
        let mut fresh = Tab::open(page, self.clock.origin(), self.scenario.config.clone(), seed);
        self.trace.note(self.clock.elapsed, || format!("tab {tab} opens"));
        match self.tabs.get_mut(tab) {
            Some(old) => {
                fresh.user = old.user;
                *old = fresh;
            }
            None => self.tabs.push(fresh),
        }
        self.feed(tab, Input::Restore);
    }

    /// One more tab, if there is room.
    pub(crate) fn open_another(&mut self) {
        match self.tabs.iter().position(|tab| tab.gone) {
            Some(tab) => self.open(tab),
            None if self.tabs.len() < self.scenario.tabs => self.open(self.tabs.len()),
            None => {}
        }
    }

    /// The page is gone, by whatever way: what it held is free, and what it had sent goes on without it.
    pub(crate) fn close(&mut self, tab: usize) {
        let page = self.tabs[tab].page;
        let (undo, half) = (self.dice.chance(500), self.dice.chance(300));
        self.trace.note(self.clock.elapsed, || format!("tab {tab} is gone"));
        self.watch_parting(tab);
        self.tabs[tab].gone = true;
        self.store.forget(page, undo, half);
        self.plan_store_turn();
        self.free_lock_of(page);
    }

    pub(crate) fn reload(&mut self, tab: usize) {
        self.close(tab);
        self.open(tab);
    }

    /// The app gives its manager up, and makes another.
    pub(crate) fn dispose(&mut self, tab: usize) {
        self.feed(tab, Input::Dispose);
        self.watch_disposed(tab);
        self.reload(tab);
    }

    /// The page is not run for a while. It may hear of that, and it may hear when it is over.
    pub(crate) fn freeze(&mut self, tab: usize) {
        if !self.tabs[tab].is_run() {
            return;
        }
        if self.dice.chance(600) {
            self.tabs[tab].hidden = true;
            self.feed(tab, Input::Wake(Wake::Hidden));
        }
        let longest = self.dice.pick(&[3_000, 20_000, 120_000, 3_600_000]);
        let span = self.dice.magnitude(longest);
        self.trace.note(self.clock.elapsed, || format!("tab {tab} is frozen for {span} ms"));
        self.watch_parting(tab);
        let blocks = self.dice.chance(400);
        self.tabs[tab].frozen = Some(Frozen { blocks, missed: Vec::new() });
        self.plan(span, Due::Thaw(self.tabs[tab].page));
    }

    pub(crate) fn thaw(&mut self, tab: usize) {
        let Some(frozen) = self.tabs[tab].frozen.take() else {
            return;
        };
        let page = self.tabs[tab].page;
        self.trace.note(self.clock.elapsed, || format!("tab {tab} is run again"));
        if self.tabs[tab].hidden && self.dice.chance(700) {
            self.tabs[tab].hidden = false;
            let delay = self.dice.between(0, 50);
            self.plan(delay, Due::Wake(page, Wake::Shown));
        }
        self.catch_up(frozen.missed);
        self.plan_store_turn();
    }

    /// Whether the store waits for a page that is frozen.
    pub(crate) fn is_blocked(&self) -> bool {
        let blocks = |page: Page| {
            let tab = &self.tabs[page.tab];
            tab.page == page && tab.frozen.as_ref().is_some_and(|frozen| frozen.blocks)
        };
        self.store.next().is_some_and(blocks)
    }

    /// What was missed happens now, more or less at once. Only what a store answers stays in order, as IndexedDB's
    /// events do.
    fn catch_up(&mut self, missed: Vec<Due>) {
        for due in missed {
            let mut delay = self.dice.between(0, 300);
            if let Due::StoreReply(page, _) = &due {
                let tab = &mut self.tabs[page.tab];
                tab.answers_from = tab.answers_from.max(self.clock.elapsed + delay);
                delay = tab.answers_from - self.clock.elapsed;
            }
            // Connections may not outlive a sleep.
            let due = match due {
                Due::TokenAnswer(answer) if self.dice.chance(500) => {
                    self.watch_lost(&answer);
                    Due::TokenAnswer(answer.broken())
                }
                other => other,
            };
            self.plan(delay, due);
        }
    }

    /// Now and then something happens to a page that has just taken a step.
    pub(crate) fn tempt(&mut self, tab: usize) {
        if self.calm || !self.dice.chance(self.scenario.mishaps) {
            return;
        }
        let mishap = self.dice.pick(&[
            Mishap::Close,
            Mishap::Freeze,
            Mishap::Freeze,
            Mishap::Freeze,
            Mishap::Reload,
            Mishap::Reload,
            Mishap::SetClock,
            Mishap::Sleep,
        ]);
        let delay = if self.dice.chance(500) { 0 } else { self.dice.magnitude(3_000) };
        self.plan(delay, Due::Mishap(self.tabs[tab].page, mishap));
    }

    pub(crate) fn befall(&mut self, page: Page, mishap: Mishap) {
        if self.calm || !self.is_open(page) {
            return;
        }
        match mishap {
            Mishap::Close => {
                self.close(page.tab);
                let delay = self.dice.magnitude(120_000);
                self.plan(delay, Due::Open);
            }
            Mishap::Freeze => self.freeze(page.tab),
            Mishap::Reload => self.reload(page.tab),
            Mishap::SetClock => self.set_clock(),
            Mishap::Sleep => self.sleep(),
        }
    }

    /// The machine sleeps; its network and its clocks may or may not tell.
    pub(crate) fn sleep(&mut self) {
        if self.asleep {
            return;
        }
        let left = self.scenario.faults_end.saturating_sub(self.clock.elapsed);
        let longest = self.dice.pick(&[10_000, 300_000, 10_000_000]);
        let span = self.dice.magnitude(longest).min(left);
        let stood_still = if self.dice.chance(500) { span } else { 0 };
        self.trace.note(self.clock.elapsed, || format!("the machine sleeps for {span} ms"));
        self.asleep = true;
        for tab in 0..self.tabs.len() {
            self.watch_parting(tab);
        }
        self.plan(span, Due::Awake { stood_still });
        for tab in 0..self.tabs.len() {
            if !self.tabs[tab].gone && self.dice.chance(700) {
                let delay = span + self.dice.magnitude(3_000);
                let wake = self.dice.pick(&[Wake::Shown, Wake::Online, Wake::Focus]);
                self.tabs[tab].hidden &= wake != Wake::Shown;
                self.plan(delay, Due::Wake(self.tabs[tab].page, wake));
            }
        }
    }

    pub(crate) fn awake(&mut self, stood_still: u64) {
        self.asleep = false;
        self.clock.stand_still(stood_still);
        self.watch_jump();
        self.trace.note(self.clock.elapsed, || format!("awake; the monotonic clock missed {stood_still} ms"));
        let missed = std::mem::take(&mut self.missed);
        self.catch_up(missed);
    }

    pub(crate) fn set_clock(&mut self) {
        let longest = self.dice.pick(&[5_000, 20_000_000]);
        let by = self.dice.magnitude(longest) as i64;
        let by = if self.dice.chance(500) { by } else { -by };
        self.trace.note(self.clock.elapsed, || format!("the wall clock is set by {by} ms"));
        self.clock.set_wall(by);
        self.watch_jump();
    }

    /// A page that was disposed of keeps nothing.
    fn watch_disposed(&mut self, tab: usize) {
        let (view, page) = (&self.tabs[tab], self.tabs[tab].page);
        let (left, armed) = (view.calls.len(), view.armed.is_some());
        if left > 0 || armed {
            self.broke(Invariant::I3, || format!("dispose left {left} calls, or a timer: {armed}"));
        }
        if self.locks.is_held_by(page) || self.locks.is_wanted_by(page) {
            self.broke(Invariant::I15, || "dispose left a lock".into());
        }
    }

    /// What must be true when the calm is over.
    pub(crate) fn finish(&mut self) {
        self.watch_agreement();
        for tab in 0..self.tabs.len() {
            if !self.tabs[tab].gone {
                self.watch_end(tab);
                self.feed(tab, Input::Dispose);
                self.watch_disposed(tab);
            }
        }
    }
}
