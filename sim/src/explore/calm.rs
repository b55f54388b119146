//! What must come of every state when nothing more goes wrong.

use evertoken::engine::input::{Input, Wake};
use evertoken::engine::output::State;

use super::outputs::{Broken, broken};
use super::server::LIFE;
use super::tab::Fate;
use super::world::World;
use crate::invariant::Invariant;

impl World {
    /// Lets everything come that is under way and time pass until every token has ended, without a fault. Then tabs
    /// are looked at, and every one must serve its user or know that the session has ended.
    pub(super) fn calm(&mut self) -> Result<(), Broken> {
        self.run(LIFE + LIFE / 2)?;
        for tab in self.open_tabs() {
            self.input(tab, Input::Wake(Wake::Shown))?;
            self.run(0)?;
        }
        for tab in self.open_tabs() {
            if self.tabs[tab].bearer.is_none() {
                self.need(tab)?;
            }
        }
        self.run(WAIT)?;
        if !self.queue.is_empty() {
            return broken(Invariant::I15, "in the calm somebody keeps the lock".into());
        }
        let alive = !self.ledger.over && !self.server.revoked;
        let expected = if alive { State::Active } else { State::SignedOut };
        for tab in self.open_tabs() {
            let held = &self.tabs[tab];
            if !held.calls.is_empty() {
                return broken(
                    Invariant::I3,
                    format!("in the calm tab {tab} leaves {} calls", held.calls.len()),
                );
            }
            if held.state != expected || held.bearer.is_some() != alive {
                let (is, expected) = (held.state.as_str(), expected.as_str());
                return broken(
                    Invariant::Calm,
                    format!("in the calm tab {tab} stays {is} instead of {expected}"),
                );
            }
        }
        Ok(())
    }

    fn open_tabs(&self) -> Vec<usize> {
        (0..self.tabs.len()).filter(|tab| self.tabs[*tab].is_open()).collect()
    }

    /// Lets all that is under way come, and time pass.
    fn run(&mut self, time: u64) -> Result<(), Broken> {
        let end = self.elapsed + time;
        for _ in 0..MOST_ROUNDS {
            self.deliver()?;
            let due = self.due();
            for tab in due.iter().copied() {
                self.input(tab, Input::Tick)?;
            }
            if due.is_empty() {
                if self.elapsed == end {
                    return Ok(());
                }
                // What has nothing to do is passed over; the ticks of the rest come next.
                let mut later = self.clone();
                let ready = later.pass(Some(end));
                if ready.is_none() {
                    later = self.clone();
                    later.pass(None);
                }
                *self = later;
            }
        }
        broken(Invariant::Calm, "in the calm the tabs never come to rest".into())
    }

    /// Everything that is under way comes. Frozen tabs are run again, and one tab is open at least.
    fn deliver(&mut self) -> Result<(), Broken> {
        for tab in 0..self.tabs.len() {
            if matches!(self.tabs[tab].fate, Fate::Frozen { .. }) {
                self.tab(tab).fate = Fate::Open;
            }
        }
        if self.open_tabs().is_empty() {
            self.open(0)?;
        }
        for _ in 0..MOST_ROUNDS {
            let before = self.under_way();
            if before == 0 {
                return Ok(());
            }
            while let Some(token) = self.orphans.pop() {
                self.rule(token)?;
            }
            for tab in self.open_tabs() {
                self.work(tab)?;
                self.hear(tab)?;
                if self.is_granted(tab) {
                    self.grant(tab)?;
                }
                self.notice(tab)?;
                if !self.tabs[tab].wire.is_empty() {
                    if self.tabs[tab].wire[0].ruling.is_none() {
                        self.arrive(tab, 0)?;
                    }
                    self.answer(tab, 0)?;
                }
            }
        }
        broken(Invariant::Calm, "in the calm there is always something under way".into())
    }

    fn under_way(&self) -> usize {
        let of = |tab: usize| {
            let held = &self.tabs[tab];
            let messages = held.asked.len() + held.done.len() + held.wire.len();
            messages + usize::from(held.notice.is_some()) + usize::from(self.is_granted(tab))
        };
        self.open_tabs().into_iter().map(of).sum::<usize>() + self.orphans.len()
    }
}

/// Longer than a call waits, and any claim or lock is waited for.
const WAIT: u64 = 60_000;
const MOST_ROUNDS: u32 = 10_000;
