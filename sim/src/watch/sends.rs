//! What is watched of token requests.

use evertoken::engine::answer::Outcome;
use evertoken::engine::claim::{Claim, Hold};
use evertoken::engine::record::Record;
use evertoken::engine::time::{Millis, Mono};

use super::eye::Confirmation;
use super::steps::TO_STORE;
use super::turn::{Claiming, Look};
use crate::invariant::Invariant;
use crate::provider::{RefreshId, Rotation, Ruling};
use crate::store::{Health, Manner};
use crate::traffic::{Course, Request, TokenAnswer};
use crate::world::World;

impl World {
    /// A token request leaves.
    pub(crate) fn watch_send(&mut self, tab: usize, request: usize) {
        let Some(token) = self.requests[request].token else {
            return self.broke(Invariant::I1, || "a refresh was sent without a refresh token".into());
        };
        self.watch_view_of_send(tab, token);
        self.watch_claim_of_send(tab, request);
        self.watch_others(tab, request, token);
        let now = self.now(tab).mono;
        self.watch_pace(tab, token, now);
        let eye = &mut self.tabs[tab].eye;
        eye.last_sent = Some((now, Some(token.family)));
        eye.flying = Some(request);
        eye.turn.look = Look::Wanted;
        eye.turn.claim = Claiming::None;
        (eye.soft, eye.asked, eye.retrying) = (None, false, false);
    }

    /// A page sends what its last look at the store allows, and has looked.
    fn watch_view_of_send(&mut self, tab: usize, token: RefreshId) {
        let now = self.now(tab);
        let eye = &self.tabs[tab].eye;
        let held = eye.held.filter(|held| held.family == token.family).map_or(0, |held| held.number);
        let looked = eye.turn.look == Look::Done;
        let (is_gone, is_refused) = (eye.gone.contains(&token.family), eye.refused == Some(token));
        let news = eye.news().map(|record| record.stamp().order());
        let order = eye.order;
        let word = eye.word();
        let told = word.is_some_and(|word| word.session.as_ref().is_some_and(|session| session.refused));
        let peace =
            word.and_then(|word| word.cooldown).filter(|cooldown| cooldown.left(now.wall) > Millis::ZERO);
        let peace =
            peace.filter(|_| self.watch.peace.get(&token).is_some_and(|until| self.clock.elapsed < *until));
        if !looked {
            self.broke(Invariant::I1, || format!("{token:?} was sent without a look at the store"));
        }
        if token.number < held {
            self.broke(Invariant::I1, || format!("{token:?} was sent; {held} is held"));
        }
        if let Some(news) = news {
            self.broke(Invariant::I1, || format!("{token:?} of {order:?} was sent; {news:?} is stored"));
        }
        if is_gone {
            self.broke(Invariant::I5, || format!("{token:?} was sent after its session"));
        }
        let known = self.watch.turned_down.get(&token).is_some_and(|(_, stored, theirs)| {
            let troubled = self.watch.trouble.is_some_and(|trouble| trouble + 2 * TO_STORE >= *stored);
            let tells = self.scenario.health != Health::Denied && self.scenario.manner != Manner::Lagging;
            // One that is never replaced goes on under the next number.
            let is_same = *theirs == order || self.scenario.policy.rotation != Rotation::Never;
            *stored <= self.clock.elapsed && !troubled && tells && is_same
        });
        if is_refused || told || known {
            self.broke(Invariant::I13, || format!("{token:?} was sent again after its refusal"));
        }
        if let Some(peace) = peace {
            self.broke(Invariant::I11, || format!("{token:?} was sent though the store says {peace:?}"));
        }
    }

    /// Where tabs share the store, a send follows a claim, at once.
    fn watch_claim_of_send(&mut self, tab: usize, request: usize) {
        if !self.scenario.config.shared {
            return;
        }
        let now = self.now(tab);
        let eye = &mut self.tabs[tab].eye;
        let claims = matches!(eye.turn.claim, Claiming::Made(lease) if lease.holds(now));
        if eye.foreign_claim().is_some() && !claims {
            eye.lost = eye.held;
        }
        match eye.turn.claim {
            Claiming::Made(lease) if lease.holds(now) => {
                self.requests[request].claim = Some(lease);
            }
            // A store that does not end what it begins cannot be claimed in.
            _ if !eye.view.as_ref().is_some_and(|view| view.readable) => {}
            Claiming::Asked(_, lease) if now.mono.since(lease.made.mono) >= STORE_TIMEOUT => {}
            Claiming::Failed => {}
            Claiming::Made(lease) => {
                self.broke(Invariant::I2, || format!("sent at {now:?} on a claim that is over: {lease:?}"));
            }
            Claiming::Refused => {
                self.broke(Invariant::I2, || "sent though another tab has written since".into());
            }
            Claiming::Asked(..) | Claiming::None => {
                self.broke(Invariant::I2, || "sent without a claim".into());
            }
        }
    }

    /// No other request of the same session is under way, in this tab or, as far as lock and claims tell, in another.
    fn watch_others(&mut self, tab: usize, request: usize, token: RefreshId) {
        if let Some(flying) = self.tabs[tab].eye.flying {
            self.broke(Invariant::I2, || format!("request {request} beside request {flying}"));
        }
        if !self.scenario.is_ordered() || self.requests[request].claim.is_none() {
            return;
        }
        for other in 0..self.tabs.len() {
            let view = &self.tabs[other];
            let Some(flying) = view.eye.flying.filter(|_| other != tab && !view.gone) else {
                continue;
            };
            let Request { token: theirs, claim, order, .. } = self.requests[flying];
            // A token that is never replaced goes on under the next number, which the claim does not name.
            let is_same =
                order == self.tabs[tab].eye.order || self.scenario.policy.rotation != Rotation::Never;
            if theirs == Some(token) && claim.is_none_or(|claim| self.clock.elapsed > claim.until) {
                // Its page has not read an answer in the time that the claim names: nobody can know whether one came.
                self.requests[flying].troubled = true;
            }
            // Its time is told by the wall clock.
            let is_live = claim.is_some_and(|claim| {
                self.clock.elapsed <= claim.until && !self.clock.was_set_since(claim.since)
            });
            if is_live
                && is_same
                && theirs == Some(token)
                && !self.watch.was_cleared_since(self.requests[flying].sent)
            {
                self.broke(Invariant::I2, || {
                    format!("request {request} of tab {tab} beside request {flying} of tab {other}")
                });
            }
        }
    }

    fn watch_pace(&mut self, tab: usize, token: RefreshId, now: Mono) {
        let eye = &self.tabs[tab].eye;
        let last = eye.last_sent.filter(|(_, family)| *family == Some(token.family));
        let gap = last.map(|(sent, _)| now.since(sent)).filter(|_| !eye.asked && !eye.retrying);
        let soft = eye.soft.filter(|soft| now < *soft && !eye.asked);
        let hard = eye.hard.filter(|(until, id)| now < *until && *id == Some(token));
        if let Some(gap) = gap.filter(|gap| *gap < FLOOR) {
            self.broke(Invariant::I11, || format!("{gap:?} between two refreshes"));
        }
        if let Some(soft) = soft {
            self.broke(Invariant::I11, || format!("sent {:?} before the schedule allows", soft.since(now)));
        }
        if let Some((until, _)) = hard {
            self.broke(Invariant::I11, || format!("sent {:?} before Retry-After", until.since(now)));
        }
    }

    /// A page claims the refresh token that the store showed it. Says whether it does, and not just leaves another
    /// page's claim where it is.
    pub(super) fn watch_claim(&mut self, tab: usize, record: &Record) -> bool {
        let now = self.now(tab);
        let eye = &mut self.tabs[tab].eye;
        // A claim of before is another page's, or stays for what may still come of an attempt that was given up; one that
        // is over says that the token was refused.
        let is_new = |claim: &Claim| {
            claim.at == now.wall && claim.life > Millis::ZERO && eye.foreign_claim() != Some(*claim)
        };
        let Some(claim) = record.claim.as_deref().copied().filter(is_new) else {
            return false;
        };
        eye.turn.owner = Some(claim.owner);
        if let Some(seen) = eye.foreign_claim() {
            // Whoever has the lock knows that no other tab has.
            let is_gone = seen.hold == Hold::Locked && eye.turn.lock.is_some();
            let is_same = record.stamp().order() == eye.order;
            if is_same {
                eye.lost = eye.held;
            }
            if !is_gone && is_same && seen.is_live(now.wall) && self.scenario.is_ordered() {
                self.broke(Invariant::I2, || format!("claimed over {seen:?}"));
            }
        }
        true
    }

    /// The answer comes to the request that the engine waits for.
    pub(crate) fn watch_answer(
        &mut self,
        tab: usize,
        request: usize,
        outcome: &Outcome,
        ruling: Option<&Ruling>,
    ) {
        let now = self.now(tab).mono;
        let elapsed = self.clock.elapsed;
        let token = self.requests[request].token;
        let eye = &mut self.tabs[tab].eye;
        eye.flying = None;
        match ruling {
            Some(Ruling::Granted { .. }) => {}
            Some(Ruling::Refused { .. }) => {
                eye.refused = token;
                eye.confirmation = Confirmation::Wanted;
            }
            None => {
                self.requests[request].course = Course::Failed;
                // A success without tokens has spent the refresh token all the same.
                let unread = match outcome {
                    Outcome::Answered(answer) => (200..300).contains(&answer.status),
                    Outcome::Ended | Outcome::Failed { .. } | Outcome::Unreachable => true,
                };
                eye.lost = if unread { token } else { eye.lost };
            }
        }
        let asked = asked_by(outcome);
        eye.told_when = asked.is_some();
        if let Some(seconds) = asked {
            let peace = Millis::from_secs(seconds).min(LONGEST_RETRY_AFTER);
            eye.hard = Some((now.after(peace), token));
            if let Some(token) = token {
                self.watch.peace.insert(token, elapsed + peace.0);
            }
        }
    }

    /// The answer comes to a request that was given up. When the server names a time, the schedule has no more to say.
    pub(crate) fn watch_late_answer(&mut self, tab: usize, request: usize, outcome: &Outcome) {
        let eye = &mut self.tabs[tab].eye;
        if asked_by(outcome).is_some() && self.requests[request].token == eye.held {
            eye.soft = None;
        }
    }

    /// Clocks that part are a sleep, perhaps, and after that what has failed is tried again.
    pub(crate) fn watch_jump(&mut self) {
        for tab in &mut self.tabs {
            tab.eye.soft = None;
        }
    }

    /// An answer will not be read.
    pub(crate) fn watch_lost(&mut self, answer: &TokenAnswer) {
        self.requests[answer.request].troubled = true;
    }

    /// A page is about to be gone, or not to be run: what it has sent or is storing may come to nothing.
    pub(crate) fn watch_parting(&mut self, tab: usize) {
        let page = self.tabs[tab].page;
        let elapsed = self.clock.elapsed;
        self.watch.turned_down.retain(|_, (by, stored, _)| *by != page || *stored <= elapsed);
        for request in self.requests.iter_mut().filter(|request| request.page == page) {
            let unread = request.course == Course::Flying;
            let unsaved = request.course == Course::Taken
                && request.token.is_some_and(|token| {
                    self.watch.landed.get(&token.family).is_none_or(|landed| *landed <= token.number)
                });
            request.troubled |= unread || unsaved;
        }
    }

    /// The server has seen a reuse and revokes the family.
    pub(crate) fn watch_reuse(&mut self, request: usize) {
        let Some(token) = self.requests[request].token else {
            return;
        };
        let same: Vec<&Request> = self.requests.iter().filter(|other| other.token == Some(token)).collect();
        let first = same.iter().map(|request| request.sent).min().unwrap_or_default();
        let is_excused = same.iter().any(|request| request.troubled)
            // A store that does not answer is given up a little later than it is in trouble.
            || self.watch.trouble.is_some_and(|trouble| trouble + STORE_TIMEOUT.0 >= first)
            || self.clock.was_set_since(first)
            || !self.scenario.is_ordered() && self.scenario.config.shared;
        if !is_excused {
            self.broke(Invariant::I6, || format!("{token:?} was spent, and no answer was lost"));
        }
    }
}

/// For how many seconds an answer asks for peace.
fn asked_by(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Answered(answer) => answer.retry_after.as_deref()?.parse().ok(),
        _ => None,
    }
}

const FLOOR: Millis = Millis::from_secs(1);
const LONGEST_RETRY_AFTER: Millis = Millis::from_secs(3_600);
const STORE_TIMEOUT: Millis = Millis::from_secs(2);
