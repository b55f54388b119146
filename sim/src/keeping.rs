//! What pages do with the store.

use std::rc::Rc;

use evertoken::engine::ids::StoreOp;
use evertoken::engine::input::{Input, Stored};
use evertoken::engine::output::{Expected, Write};

use super::sabotage::Sabotage;
use super::store::{Health, Job, Manner};
use super::world::{Due, Page, World};

impl World {
    /// A page reads, or writes.
    pub(crate) fn operate(&mut self, page: Page, op: StoreOp, write: Option<Write>) {
        self.planned += 1;
        let eye = &mut self.tabs[page.tab].eye;
        eye.operations += 1;
        let mut job = Job::new(page, op, write.map(Rc::new), self.planned, self.clock.elapsed);
        job.blind = eye.blind;
        if self.store.is_prompt() {
            let reply = self.land(&job);
            self.tabs[page.tab].inbox.push_back(reply);
        } else {
            self.store.enqueue(job);
            self.plan_store_turn();
        }
    }

    pub(crate) fn plan_store_turn(&mut self) {
        if self.store.turning {
            return;
        }
        if let Some(at) = self.store.next_turn(self.clock.elapsed, &mut self.dice) {
            self.store.turning = true;
            self.plan(at - self.clock.elapsed, Due::StoreTurn);
        }
    }

    pub(crate) fn store_turn(&mut self) {
        self.store.turning = false;
        if self.is_blocked() {
            return self.trace.note(self.clock.elapsed, || "the store waits for a frozen page".into());
        }
        if self.store.hangs_until > self.clock.elapsed {
            return self.plan_store_turn();
        }
        let Some(job) = self.store.take() else {
            return;
        };
        let reply = self.land(&job);
        self.plan_store_turn();
        let delay = self.tabs[job.page.tab].answers_from.saturating_sub(self.clock.elapsed);
        self.plan(delay, Due::StoreReply(job.page, reply));
    }

    /// Carries a job out where everybody sees it.
    pub(crate) fn land(&mut self, job: &Job) -> Input {
        let longest = if self.dice.chance(50) { 3_000 } else { 300 };
        let lag = self.dice.magnitude(longest);
        let late = self.store.lags_for(job.page.tab, self.clock.elapsed);
        let landing = self.store.perform(job, self.clock.elapsed, lag);
        self.trace.note(self.clock.elapsed, || {
            let what = if job.write.is_some() { "written" } else { "read" };
            format!("store {what} by tab {}, {:?}: {:?}", job.page.tab, job.op, landing.reply)
        });
        self.watch_landing(job, &landing, late);
        if self.is_open(job.page) {
            self.tabs[job.page.tab].eye.sights.insert(job.op, landing.sight);
        }
        let written = matches!(landing.reply, Input::StoreWritten { stored: Stored::Durably, .. });
        if self.sabotage == Sabotage::RepeatWrite && written && self.dice.chance(200) {
            let delay = self.dice.magnitude(600_000);
            let mut again = job.clone();
            // Whatever is there by then.
            again.write = job.write.as_ref().map(|write| {
                let (text, fence) = (write.text.clone(), write.fence.clone());
                Rc::new(Write { expected: Expected::Anything, text, fence })
            });
            self.plan(delay, Due::Rewrite(again));
        }
        landing.reply
    }

    /// The store hangs, fails, is full, is cleared.
    pub(crate) fn trouble_store(&mut self) {
        let until = self.clock.elapsed + self.dice.magnitude(60_000);
        match self.scenario.health {
            Health::Denied | Health::Good => {}
            Health::Cleared => {
                let fence_too = self.dice.chance(500);
                self.trace
                    .note(self.clock.elapsed, || format!("the store is cleared; its record: {fence_too}"));
                self.store.clear(fence_too);
                self.watch_cleared(fence_too || self.scenario.manner != Manner::Apart);
            }
            Health::Poor => {
                self.trace.note(self.clock.elapsed, || "the store is in trouble".into());
                let which = self.dice.between(0, 2);
                let store = &mut self.store;
                *[&mut store.hangs_until, &mut store.fails_until, &mut store.full_until][which as usize] =
                    until;
            }
        }
    }
}
