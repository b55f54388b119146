//! What can come next.

use std::fmt;
use std::sync::Arc;

use evertoken::engine::input::Input;

use super::outputs::Broken;

use super::tab::{Fate, Tab};
use super::world::World;

/// One thing that happens. Numbers are those of tabs, then of the tab's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Answer(usize, usize),
    Arrive(usize, usize),
    ArriveLate(usize),
    Ask(usize),
    Crash(usize),
    FailStore(usize),
    Freeze(usize),
    Grant(usize),
    Hear(usize),
    Lose(usize, usize),
    Need(usize),
    Notice(usize),
    Open(usize),
    SignOut(usize),
    Thaw(usize),
    /// A timer fires. If none is due, time passes until one is that has something to do.
    Tick(usize),
    Work(usize),
}

/// A step with what it leads to, and whether every promise was kept on the way.
pub(super) type Successor = (Step, World, Result<(), Broken>);

impl World {
    /// Every step that can come next.
    pub(super) fn successors(&self) -> Vec<Successor> {
        let mut found = Vec::new();
        for tab in 0..self.tabs.len() {
            self.deliveries(tab, &mut found);
            self.wishes(tab, &mut found);
            self.faults(tab, &mut found);
        }
        for orphan in 0..self.orphans.len() {
            self.add(Step::ArriveLate(orphan), &mut found, |world| {
                let token = world.orphans.remove(orphan);
                world.rule(token).map(|_| ())
            });
        }
        self.timers(&mut found);
        found
    }

    fn add(
        &self,
        step: Step,
        found: &mut Vec<Successor>,
        apply: impl FnOnce(&mut Self) -> Result<(), Broken>,
    ) {
        let mut next = self.clone();
        next.note(|| format!("-- {step}"));
        let result = apply(&mut next);
        found.push((step, next, result));
    }

    /// What is under way, and comes.
    fn deliveries(&self, tab: usize, found: &mut Vec<Successor>) {
        let held = &self.tabs[tab];
        if !held.asked.is_empty() {
            self.add(Step::Work(tab), found, |world| world.work(tab));
        }
        for (which, request) in held.wire.iter().enumerate() {
            if request.ruling.is_none() {
                self.add(Step::Arrive(tab, which), found, |world| world.arrive(tab, which));
            } else if held.is_open() {
                self.add(Step::Answer(tab, which), found, |world| world.answer(tab, which));
            }
        }
        if !held.is_open() {
            return;
        }
        if !held.done.is_empty() {
            self.add(Step::Hear(tab), found, |world| world.hear(tab));
        }
        if self.is_granted(tab) {
            self.add(Step::Grant(tab), found, |world| world.grant(tab));
        }
        if held.notice.is_some() {
            self.add(Step::Notice(tab), found, |world| world.notice(tab));
        }
    }

    /// What users want.
    fn wishes(&self, tab: usize, found: &mut Vec<Successor>) {
        let held = &self.tabs[tab];
        if held.fate == Fate::Gone {
            self.add(Step::Open(tab), found, |world| world.open(tab));
        }
        if !held.is_open() || !held.calls.is_empty() {
            return;
        }
        if self.left.calls > 0 {
            self.add(Step::Ask(tab), found, |world| {
                world.left.calls -= 1;
                world.ask(tab)
            });
            // With a good token a call is answered at once.
            if held.bearer.is_none() {
                self.add(Step::Need(tab), found, |world| {
                    world.left.calls -= 1;
                    world.need(tab)
                });
            }
        }
        if self.left.sign_outs > 0 {
            self.add(Step::SignOut(tab), found, |world| {
                world.left.sign_outs -= 1;
                world.sign_out(tab)
            });
        }
    }

    fn faults(&self, tab: usize, found: &mut Vec<Successor>) {
        let held = &self.tabs[tab];
        if self.left.faults == 0 {
            return;
        }
        let mut fault = |step, apply: &dyn Fn(&mut Self) -> Result<(), Broken>| {
            self.add(step, found, |world| {
                world.left.faults -= 1;
                apply(world)
            });
        };
        if held.is_busy() {
            fault(Step::Crash(tab), &|world| {
                world.crash(tab);
                Ok(())
            });
        }
        if !held.is_open() {
            return;
        }
        if held.is_busy() {
            fault(Step::Freeze(tab), &|world| {
                world.freeze(tab);
                Ok(())
            });
        }
        if !held.asked.is_empty() {
            fault(Step::FailStore(tab), &|world| {
                world.fail_store(tab);
                Ok(())
            });
        }
        for which in 0..held.wire.len() {
            fault(Step::Lose(tab, which), &|world| world.lose(tab, which));
        }
    }

    /// Timers, and frozen tabs that are run again.
    fn timers(&self, found: &mut Vec<Successor>) {
        let due = self.due();
        for tab in due.iter().copied() {
            self.add(Step::Tick(tab), found, |world| world.input(tab, Input::Tick));
        }
        if due.is_empty()
            && let Some((later, ready)) = self.later(None)
        {
            for tab in ready {
                later.add(Step::Tick(tab), found, |world| world.input(tab, Input::Tick));
            }
        }
        for (tab, held) in self.tabs.iter().enumerate() {
            let Fate::Frozen { since } = held.fate else {
                continue;
            };
            let thaw = |world: &mut Self| {
                world.tab(tab).fate = Fate::Open;
                Ok(())
            };
            if self.elapsed >= since + FREEZE {
                self.add(Step::Thaw(tab), found, thaw);
            } else if due.is_empty()
                && let Some((later, _)) = self.later(Some(since + FREEZE))
            {
                later.add(Step::Thaw(tab), found, thaw);
            }
        }
    }

    /// The tabs whose timer is due.
    pub(super) fn due(&self) -> Vec<usize> {
        (0..self.tabs.len()).filter(|tab| self.tabs[*tab].is_due(self.now())).collect()
    }

    /// The next moment at which a timer has something to do, and whose; or the moment `until`, when nothing has until
    /// then. `None` if that never comes, or no more lateness is left for it.
    fn later(&self, until: Option<u64>) -> Option<(Self, Vec<usize>)> {
        let mut later = self.clone();
        let ready = later.pass(until)?;
        let elapsed = later.elapsed;
        let is_late = |since: Option<u64>| since.is_some_and(|since| elapsed - since > PROMPT);
        let mut late = false;
        for tab in (0..self.tabs.len()).filter(|tab| self.tabs[*tab].is_open()) {
            let held = &self.tabs[tab];
            let (storing, sending) = (is_late(held.storing_since()), is_late(held.sending_since()));
            late |= storing || sending || self.is_granted(tab) && is_late(Some(self.held_since));
            if storing {
                later.unstored(tab);
            }
            if sending {
                later.ledger.excuse(held.eye.using);
            }
        }
        if late {
            later.left.late = later.left.late.checked_sub(1)?;
        }
        Some((later, ready))
    }

    /// Lets time pass as [`later`](Self::later) says. A timer that changes nothing that anybody could see is let fire.
    pub(super) fn pass(&mut self, until: Option<u64>) -> Option<Vec<usize>> {
        for _ in 0..MOST_TICKS {
            let armed = |tab: &Arc<Tab>| tab.engine.poll_timeout().filter(|_| tab.is_open());
            let next = self.tabs.iter().filter_map(armed).min();
            let next = next.map(|at| self.elapsed + at.since(self.now().mono).0);
            if let Some(until) = until.filter(|until| next.is_none_or(|next| next > *until)) {
                self.elapsed = until;
                return Some(Vec::new());
            }
            self.elapsed = next?;
            let mut ready = Vec::new();
            for tab in self.due() {
                if !self.tick_unseen(tab) {
                    ready.push(tab);
                }
            }
            if !ready.is_empty() {
                return until.is_none().then_some(ready);
            }
        }
        None
    }

    /// Lets a timer fire if that gives rise to nothing.
    fn tick_unseen(&mut self, tab: usize) -> bool {
        let now = self.now();
        let mut held = Tab::clone(&self.tabs[tab]);
        held.engine.handle(now, Input::Tick);
        let unseen = held.engine.poll_output().is_none();
        if unseen {
            held.print = None;
            self.tabs[tab] = Arc::new(held);
        }
        unseen
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(tab, _) => write!(f, "tab {tab} reads the server's answer"),
            Self::Arrive(tab, _) => write!(f, "the request of tab {tab} reaches the server"),
            Self::ArriveLate(_) => write!(f, "a request that nobody waits for reaches the server"),
            Self::Ask(tab) => write!(f, "the app asks tab {tab} for a refresh"),
            Self::Crash(tab) => write!(f, "tab {tab} crashes"),
            Self::FailStore(tab) => write!(f, "the store fails tab {tab}"),
            Self::Freeze(tab) => write!(f, "tab {tab} freezes"),
            Self::Grant(tab) => write!(f, "tab {tab} hears of the lock"),
            Self::Hear(tab) => write!(f, "tab {tab} hears from the store"),
            Self::Lose(tab, _) => write!(f, "the request of tab {tab}, or its answer, is lost"),
            Self::Need(tab) => write!(f, "the app needs a token in tab {tab}"),
            Self::Notice(tab) => write!(f, "tab {tab} hears from another"),
            Self::Open(tab) => write!(f, "tab {tab} is opened"),
            Self::SignOut(tab) => write!(f, "the user signs out in tab {tab}"),
            Self::Thaw(tab) => write!(f, "tab {tab} is run again"),
            Self::Tick(tab) => write!(f, "a timer of tab {tab} fires"),
            Self::Work(tab) => write!(f, "the store does what tab {tab} asked for"),
        }
    }
}

/// How long a frozen tab stays so at least, in milliseconds.
const FREEZE: u64 = 10_000;
/// What takes no longer, in milliseconds, is not late. The shortest time that an engine grants anything is twice that.
pub(super) const PROMPT: u64 = 1_000;
/// A browser in which so many timers in a row change nothing is idle.
const MOST_TICKS: u32 = 64;
