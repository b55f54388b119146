//! What is watched of the store.

use std::rc::Rc;

use evertoken::engine::ids::StoreOp;
use evertoken::engine::output::Write;
use evertoken::engine::time::Millis;

use super::eye::{Eye, Session, Wish};
use super::ledger::Left;
use super::turn::{Claiming, Lease};
use crate::invariant::Invariant;
use crate::provider::{CANARY, RefreshId};
use crate::store::{Change, Job, Kept, Landing, Manner};
use crate::world::World;

impl World {
    /// A page is shown what the store holds.
    pub(super) fn watch_view(&mut self, tab: usize) {
        let eye = &mut self.tabs[tab].eye;
        if let Some(tombstone) = eye.news().filter(|record| record.session.is_none())
            && eye.session == Session::Closed
        {
            eye.order = tombstone.stamp().order();
        }
        let Some(family) = eye.family else {
            return;
        };
        if eye
            .word()
            .and_then(|word| word.cooldown)
            .is_some_and(|asked| asked.left(eye.viewed) > Millis::ZERO)
        {
            // When the server names a time, the schedule has no more to say.
            eye.soft = None;
        }
        let word = eye.word().and_then(|word| word.session.as_ref());
        let (lost, refused) = word.map_or((false, false), |session| (session.lost, session.refused));
        // What is learnt after the refusal changes nothing of its reason.
        if lost && (eye.refused.is_none() || eye.refused != eye.held) {
            eye.lost = eye.held;
        }
        if refused {
            eye.refused = eye.held;
        }
        if eye.view.as_ref().and_then(|view| view.pair()).and_then(Eye::family_in) == Some(family) {
            // What the store holds of the very session that is held, it has learnt.
            (eye.wish, eye.unseen) = (Wish::None, false);
        }
        let Some(news) = eye.news() else {
            return;
        };
        let shown = match &news.session {
            None => None,
            Some(_) => match eye.view.as_ref().and_then(|view| view.pair()).and_then(Eye::family_in) {
                None => return,
                shown => shown,
            },
        };
        // Where writes cannot be compared over tabs a sign-out may be written over, and what it ended goes on.
        let is_told = self.scenario.manner != Manner::Lagging
            && self.watch.left.get(&family).is_some_and(|left| left.known);
        if shown != Some(family) && is_told {
            eye.gone.insert(family);
        }
    }

    /// A page writes.
    pub(crate) fn watch_write(&mut self, tab: usize, op: StoreOp, write: &Write) {
        if write.fence.as_ref().is_some_and(|fence| fence.expose().contains(CANARY)) {
            self.broke(Invariant::I14, || "a token goes where none belongs".into());
        }
        let text = write.text.as_ref().map(|text| Kept::new(text.expose().to_owned()));
        if let Some(text) = &text {
            let gone = &self.tabs[tab].eye.gone;
            if self.families(text).iter().any(|family| gone.contains(family)) {
                self.broke(Invariant::I5, || format!("tab {tab} writes a token of a session that is over"));
            }
        }
        let fence = write.fence.as_ref().map(|fence| Kept::new(fence.expose().to_owned()));
        let Some(record) = fence.as_ref().or(text.as_ref()).and_then(|kept| kept.record.as_ref()) else {
            return;
        };
        let claims = self.watch_claim(tab, record);
        self.tabs[tab].eye.writing = Some((op, self.clock.elapsed));
        let made = self.now(tab);
        let eye = &mut self.tabs[tab].eye;
        eye.order = record.stamp().order();
        if eye.wish != Wish::None {
            eye.wish = Wish::Written(op);
        }
        if let Some(claim) = record.claim.as_deref().filter(|_| claims) {
            let since = self.clock.elapsed;
            let lease = Lease { made, since, until: since + claim.life.0, woken: false };
            eye.turn.claim = Claiming::Asked(op, lease);
        }
    }

    /// An operation has taken effect. `late`: its page saw an older text than there is.
    pub(crate) fn watch_landing(&mut self, job: &Job, landing: &Landing, late: bool) {
        let slow = self.clock.elapsed - job.begun >= 2_000;
        let failed =
            job.write.is_none() && !landing.sight.readable || self.clock.elapsed < self.store.fails_until;
        let full = job.write.is_some() && self.clock.elapsed < self.store.full_until;
        let stale = late && self.store.manner == Manner::Lagging;
        if slow || failed || full || stale {
            self.watch.trouble = Some(self.clock.elapsed);
        }
        if landing.text.is_some() || landing.fence.is_some() {
            self.watch.written = self.clock.elapsed;
        }
        // A page that goes away between the two places may leave the text alone behind, and nobody need heed it.
        let is_half =
            landing.fence.is_none() && job.write.as_ref().is_some_and(|write| write.fence.is_some());
        if let Some(change) = &landing.text {
            self.watch_text(job, change, is_half);
        }
        for change in [&landing.text, &landing.fence].into_iter().flatten() {
            self.watch_order(job, change, landing.was_half);
        }
        let change = landing.fence.as_ref().or(landing.text.as_ref());
        // Where the same session goes on nobody learns that anything is over.
        if let Some(change) = change.filter(|change| !is_half && !change.goes_on()) {
            self.watch_leaving(job, &change.after);
        }
        if landing.fence.as_ref().is_some_and(Change::begins_a_session) {
            // Also where that of before is lost, and the page that has signed in never held it.
            (self.watch.last_left, self.watch.last_left_at) = (self.planned, self.clock.elapsed);
        }
    }

    /// No session comes back that is over.
    fn watch_text(&mut self, job: &Job, change: &Change, is_half: bool) {
        let over = |family: &usize| self.watch.left.get(family).is_some_and(|left| left.known);
        let over = self.families(&change.after).into_iter().find(over);
        // Known: what begins in a store that was emptied, or could not be read, when the clock was set back, seems older
        // than what other pages hold or the store shows late.
        let is_lost = (self.watch.emptied || job.blind) && self.clock.lies().set_back > 0;
        // Known: a pair without its record is seen by some tabs, and written over by one that has not seen it.
        if is_half {
            self.watch.halves.extend(change.after.id.map(|id| id.family));
        }
        let over = over.filter(|over| !self.watch.halves.contains(over));
        if let Some(over) = over.filter(|_| self.scenario.manner != Manner::Lagging && !is_lost) {
            self.broke(Invariant::I5, || format!("the store holds a token of sign-in {over}, which is over"));
        }
        let Some(id) = change.after.id else {
            return;
        };
        self.watch.landed.insert(id.family, id.number);
        // Two sign-ins at once: the session that was replaced is over, whether or not anybody has ended it.
        let Some(before) = change.before.as_ref().filter(|_| self.scenario.is_ordered()) else {
            return;
        };
        let epoch = |kept: &Kept| kept.record.as_ref().map(|record| record.epoch);
        if let Some(replaced) = before.id.filter(|_| !is_half && epoch(before) != epoch(&change.after)) {
            let left = Left { since: job.number, known: true };
            self.leave(replaced.family, left);
        }
    }

    /// What is stored never goes back, and no number names two pairs.
    fn watch_order(&mut self, job: &Job, change: &Change, was_half: bool) {
        let Some(after) = &change.after.record else {
            return self.broke(Invariant::I10, || "what is stored is no record".into());
        };
        let Some(before) = change.before.as_ref().and_then(|before| before.record.as_ref()) else {
            return;
        };
        let (then, now) = (before.stamp(), after.stamp());
        // Known: see `EndReason::SignedOutElsewhere` in the steps.
        let excused = job.blind && !self.scenario.config.shared || self.scenario.manner == Manner::Lagging;
        if now.order() < then.order() && !excused && !was_half {
            self.broke(Invariant::I10, || format!("{now:?} over {then:?}"));
        }
        let both = change.before.as_ref().and_then(|before| before.id).zip(change.after.id);
        let differ = both.is_some_and(|(before, after)| before != after);
        let differ = (differ || now.session != then.session) && !was_half;
        if now.order() == then.order() && differ && !excused {
            self.broke(Invariant::I10, || format!("{now:?} names another pair than {then:?}"));
        }
    }

    /// Which sessions the store knows to be over.
    fn watch_leaving(&mut self, job: &Job, record: &Rc<Kept>) {
        let family = match &record.record {
            Some(record) if record.session.is_none() => None,
            _ => match self.store.truth().and_then(|kept| kept.id) {
                None => return,
                id => id.map(|id: RefreshId| id.family),
            },
        };
        for (over, left) in &mut self.watch.left {
            left.known |= job.number >= left.since && family != Some(*over);
        }
    }

    /// The store was cleared. If it is empty, nobody can know what it held.
    pub(crate) fn watch_cleared(&mut self, is_empty: bool) {
        self.watch.trouble = Some(self.clock.elapsed);
        self.watch.cleared = Some(self.clock.elapsed);
        if !is_empty {
            return;
        }
        self.watch.emptied = true;
        self.watch.left.clear();
        for tab in &mut self.tabs {
            tab.eye.gone.clear();
        }
    }

    fn families(&self, kept: &Kept) -> Vec<usize> {
        let session = kept.record.as_ref().and_then(|record| record.session.as_ref());
        let access = session.and_then(|session| session.access.as_ref());
        let access = access.and_then(|access| self.provider.access(access.token.expose()));
        kept.id.map(|id| id.family).into_iter().chain(access.map(|access| access.family)).collect()
    }
}
