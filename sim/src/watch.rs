//! The invariants, checked at every step.

use evertoken::engine::answer::Outcome;
use evertoken::engine::error::{Cause, ErrorCode, TokenError};
use evertoken::engine::ids::Generation;
use evertoken::engine::input::{Input, Wake};
use evertoken::engine::output::{Event, State};
use evertoken::engine::session::{EndReason, Refusal};
use evertoken::engine::time::{Millis, Mono, Now};

use super::eye::{Confirmation, Left, Session, record};
use super::invariant::{Invariant, Violation};
use super::provider::{RefreshId, Ruling};
use super::store::Job;
use super::traffic::{Course, Request};
use super::world::World;

impl World {
    /// Notes that `invariant` does not hold; the first one is kept.
    pub(crate) fn broke(&mut self, invariant: Invariant, text: impl FnOnce() -> String) {
        if self.watch.violation.is_none() {
            let text = text();
            self.trace.note(self.clock.elapsed, || format!("!!! {}: {text}", invariant.as_str()));
            self.watch.violation = Some(Violation { invariant, text });
        }
    }

    /// Before an input is handled.
    pub(crate) fn watch_input(&mut self, tab: usize, input: &Input) {
        let second = self.clock.elapsed / 1_000;
        let eye = &mut self.tabs[tab].eye;
        eye.read_expired(self.clock.elapsed);
        if matches!(input, Input::StoreRead { .. } | Input::StoreWritten { .. }) {
            eye.operations = eye.operations.saturating_sub(1);
        }
        match input {
            Input::Refresh { .. } => eye.asked = true,
            Input::Wake(Wake::Online | Wake::Shown) => eye.soft = None,
            Input::StoreRead { op, text, .. } => {
                let text = text.as_ref().map(|text| text.expose());
                if !eye.begins_again(*op, text) {
                    eye.read_answered(*op, text, self.store.text.is_some());
                }
            }
            Input::SetTokens { .. } | Input::SignOut { .. } | Input::Stop | Input::Dispose if eye.booted => {
                eye.leaving = matches!(input, Input::SignOut { .. });
                if let Some(request) = eye.flying.take() {
                    // Nobody listens for its answer any more: it may be lost.
                    self.requests[request].course = Course::Failed;
                    eye.lost = self.requests[request].token;
                }
            }
            Input::Tick => {
                eye.ticks = if eye.ticks.0 == second { (second, eye.ticks.1 + 1) } else { (second, 1) };
                if eye.ticks.1 > 100 {
                    self.broke(Invariant::I11, || "more than 100 timers in one second".into());
                }
            }
            _ => {}
        }
        self.tabs[tab].eye.follow();
    }

    /// After an input was handled and its outputs carried out.
    pub(crate) fn watch_step(&mut self, tab: usize) {
        self.watch_boot(tab);
        let state = self.tabs[tab].state();
        let eye = &mut self.tabs[tab].eye;
        eye.leaving = false;
        eye.wishes = 0;
        for family in eye.parting.drain(..) {
            self.watch.left.entry(family).or_insert(Left { since: self.planned, known: false });
        }
        if eye.booted && state == State::SignedOut {
            let was = std::mem::take(&mut eye.session);
            if was == Session::Open {
                self.broke(Invariant::Logout, || "signed out, and nobody was told".into());
            }
        }
    }

    /// The first snapshot that says more than that the store is being read comes before all that follows from it.
    pub(crate) fn watch_boot(&mut self, tab: usize) {
        if self.tabs[tab].eye.booted || self.tabs[tab].state() == State::Restoring {
            return;
        }
        if let Some(family) = self.tabs[tab].eye.boot() {
            // A sign-out that the store never took: nobody can know of it any more.
            self.watch.left.remove(&family);
        }
    }

    pub(crate) fn watch_event(&mut self, tab: usize, event: &Event) {
        match event {
            Event::Adopted { .. } => {
                if let Some(family) = self.tabs[tab].eye.restore() {
                    self.watch.left.remove(&family);
                }
            }
            Event::RefreshFailed { error, exhausted } => self.watch_failure(tab, error, *exhausted),
            Event::SessionEnded(refusal) => self.watch_end_of_session(tab, refusal),
            Event::SessionExpiring { .. } => self.watch_confirmation(tab),
            Event::SessionStarted { .. } => self.tabs[tab].eye.session = Session::Open,
            _ => {}
        }
    }

    fn watch_failure(&mut self, tab: usize, error: &TokenError, exhausted: bool) {
        let now = self.now(tab).mono;
        let config = &self.scenario.config;
        let eye = &mut self.tabs[tab].eye;
        let mut early = None;
        if error.cause == Some(Cause::Timeout)
            && let Some(request) = eye.flying.take()
        {
            let waited = eye.last_sent.map_or(Millis::ZERO, |(sent, _)| now.since(sent));
            early = (waited < config.attempt_timeout).then_some(waited);
            self.requests[request].course = Course::Failed;
            eye.lost = self.requests[request].token;
        }
        let delay = if exhausted { BACKGROUND } else { retry_delay(config, error.attempt) };
        let told = exhausted && eye.told_when || error.code == ErrorCode::SessionEnded;
        eye.soft = (!told).then(|| now.after(delay));
        eye.retrying = !exhausted;
        if let Some(waited) = early {
            self.broke(Invariant::I2, || format!("an attempt was given up after {waited:?}"));
        }
    }

    fn watch_end_of_session(&mut self, tab: usize, refusal: &Refusal) {
        let reason = refusal.reason;
        *self.watch.ended.entry(reason.as_str()).or_default() += 1;
        let eye = &mut self.tabs[tab].eye;
        let refused = matches!(reason, EndReason::Refused | EndReason::RefreshResponseLostPossible);
        let (was, told) = (std::mem::take(&mut eye.session), eye.refused);
        let lost = eye.lost.is_some() && eye.lost == eye.refused;
        let (wanted, blind) = (eye.wishes > 0, eye.blind);
        if reason != EndReason::SignedOut {
            eye.parting.extend(eye.family.take());
        }
        if was == Session::Closed {
            self.broke(Invariant::I13, || "a session ended that was over".into());
        }
        let fair = match reason {
            EndReason::SignedOut => wanted,
            // Known: a page that could not read its store begins to count anew, and the record that shows up later
            // seems newer.
            EndReason::SignedOutElsewhere => blind,
            _ => refused && told.is_some(),
        };
        if !fair {
            self.broke(Invariant::Logout, || format!("the session ended without cause: {reason:?}"));
        }
        if refused && lost != (reason == EndReason::RefreshResponseLostPossible) {
            self.broke(Invariant::I1b, || format!("ended as {reason:?}; an answer was lost: {lost}"));
        }
        if refused {
            self.watch_confirmation(tab);
        }
    }

    fn watch_confirmation(&mut self, tab: usize) {
        if matches!(self.tabs[tab].eye.confirmation, Confirmation::Wanted | Confirmation::Asked) {
            self.broke(Invariant::I12, || "refused, and the store was not read again".into());
        }
    }

    /// A token request leaves.
    pub(crate) fn watch_send(&mut self, tab: usize, request: usize) {
        let now = self.now(tab).mono;
        let page = self.tabs[tab].page;
        let Some(token) = self.requests[request].token else {
            return self.broke(Invariant::I1, || "a refresh was sent without a refresh token".into());
        };
        let landed = self.watch.landed.get(&token.family).copied().unwrap_or_default();
        let earlier = &self.requests[..request];
        let excused = earlier.iter().filter(|earlier| earlier.token == Some(token)).any(|earlier| {
            earlier.course == Course::Failed || earlier.page != page && landed <= token.number
        });
        self.requests[request].excused = excused;
        let eye = &self.tabs[tab].eye;
        let held = eye.held.filter(|held| held.family == token.family).map_or(0, |held| held.number);
        if token.number < landed.max(held) {
            self.broke(Invariant::I1, || format!("{token:?} was sent; {landed} is stored, {held} held"));
        }
        if self.watch.left.contains_key(&token.family) {
            self.broke(Invariant::I5, || format!("{token:?} was sent after its session"));
        }
        if let Some(flying) = self.tabs[tab].eye.flying {
            self.broke(Invariant::I2, || format!("request {request} beside request {flying}"));
        }
        if self.tabs[tab].eye.refused == Some(token) || self.watch.refused.contains(&token) {
            self.broke(Invariant::I13, || format!("{token:?} was sent again after its refusal"));
        }
        self.watch_pace(tab, token, now);
        let eye = &mut self.tabs[tab].eye;
        eye.last_sent = Some((now, Some(token.family)));
        eye.flying = Some(request);
        (eye.soft, eye.asked, eye.retrying) = (None, false, false);
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

    /// The answer comes to the request that the engine waits for.
    pub(crate) fn watch_answer(
        &mut self,
        tab: usize,
        request: usize,
        outcome: &Outcome,
        ruling: Option<&Ruling>,
    ) {
        let now = self.now(tab).mono;
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
                if matches!(outcome, Outcome::Unreachable) {
                    eye.lost = token;
                }
            }
        }
        let asked = match outcome {
            Outcome::Answered(answer) => answer.retry_after.as_deref().and_then(|text| text.parse().ok()),
            _ => None,
        };
        eye.told_when = asked.is_some();
        if let Some(seconds) = asked {
            eye.hard = Some((now.after(Millis::from_secs(seconds).min(LONGEST_RETRY_AFTER)), token));
        }
    }

    /// The server has seen a reuse and revokes the family.
    pub(crate) fn watch_reuse(&mut self, request: usize) {
        let Request { page, excused, course, .. } = self.requests[request];
        // One that was given up on its way is no better than one whose answer was lost.
        if !excused && course != Course::Failed && self.is_open(page) {
            let token = self.requests[request].token;
            self.broke(Invariant::I6, || format!("{token:?} was spent, and no answer was lost"));
        }
    }

    /// A request of the app leaves with `token`.
    pub(crate) fn watch_api_send(
        &mut self,
        tab: usize,
        token: &str,
        generation: Generation,
        first: Option<Generation>,
    ) {
        if first.is_some_and(|first| generation <= first) {
            self.broke(Invariant::I8, || format!("sent again with {generation:?} after {first:?}"));
        }
        let Some(access) = self.provider.access.get(token).copied() else {
            return self.broke(Invariant::I4, || "a token was sent that nobody made".into());
        };
        if self.watch.left.contains_key(&access.family) {
            self.broke(Invariant::I5, || format!("an access token of sign-in {} after it", access.family));
        }
        let (Some(life), Some(receipt)) = (self.provider.told_life(), access.received) else {
            return;
        };
        let lies = self.clock.lies();
        let set_back = lies.set_back - receipt.lies.set_back;
        // Either clock alone tells the time, the monotonic one only in the page that got the token.
        let mono_tells = receipt.page == self.tabs[tab].page && lies.stood_still == receipt.lies.stood_still;
        let hidden = if mono_tells { 0 } else { set_back };
        let age = self.clock.elapsed - receipt.elapsed;
        if age >= life + hidden {
            self.broke(Invariant::I4, || format!("a token of {life} ms was sent at the age of {age} ms"));
        }
    }

    pub(crate) fn watch_write(&mut self, tab: usize, text: &str) {
        self.watch_text(text, |_| true, || format!("tab {tab} writes a token of a session that is over"));
    }

    /// A write has taken effect. `before`: what it replaced.
    pub(crate) fn watch_landing(&mut self, job: &Job, before: Option<&str>) {
        let Some(text) = &job.text else {
            return;
        };
        self.watch_text(text, |known| known, || "the store holds a token of a session that is over".into());
        let Some(after) = record(text) else {
            return self.broke(Invariant::I10, || "what is stored is no record".into());
        };
        // Known: see `EndReason::SignedOutElsewhere` above.
        if let Some(before) = before.and_then(record)
            && !job.blind
            && (after.epoch, after.generation) < (before.epoch, before.generation)
        {
            self.broke(Invariant::I10, || {
                format!("{:?} {:?} over {:?}", after.epoch, after.generation, before.generation)
            });
        }
        let session = after.session.as_ref();
        let id = session.and_then(|session| RefreshId::parse(session.refresh.as_ref()?.expose()));
        for (family, left) in &mut self.watch.left {
            left.known |= job.number >= left.since && id.is_none_or(|id| id.family != *family);
        }
        if let Some(id) = id {
            self.watch.landed.insert(id.family, id.number);
            if session.is_some_and(|session| session.refused) {
                self.watch.refused.insert(id);
            }
        }
    }

    fn watch_text(&mut self, text: &str, counts: impl Fn(bool) -> bool, words: impl FnOnce() -> String) {
        let Some(session) = record(text).and_then(|record| record.session) else {
            return;
        };
        let refresh = session.refresh.and_then(|token| RefreshId::parse(token.expose()));
        let access = session.access.and_then(|access| self.provider.access.get(access.token.expose()));
        let families = [refresh.map(|id| id.family), access.map(|access| access.family)];
        let over = families
            .into_iter()
            .flatten()
            .any(|family| self.watch.left.get(&family).is_some_and(|left| counts(left.known)));
        if over {
            self.broke(Invariant::I5, words);
        }
    }

    /// The one deadline, and whether any call has waited too long.
    pub(crate) fn watch_timer(&mut self, tab: usize, now: Now, deadline: Option<Mono>) {
        let check = self.scenario.config.check_interval;
        let view = &self.tabs[tab];
        let idle = view.eye.operations == 0 && view.calls.is_empty() && view.state() == State::SignedOut;
        if let Some((id, call)) = view.overdue(now) {
            let text = format!("call {id} still waits: {call:?} at {now:?}");
            return self.broke(Invariant::I3, || text);
        }
        let Some(delay) = deadline.map(|deadline| deadline.since(now.mono)) else {
            return;
        };
        if idle {
            self.broke(Invariant::I11, || format!("a timer of {delay:?} though signed out"));
        }
        if check > Millis::ZERO && delay > check {
            self.broke(Invariant::I11, || format!("armed {delay:?} ahead, with a check each {check:?}"));
        }
    }

    /// The calm is over.
    pub(crate) fn watch_end(&mut self, tab: usize) {
        let view = &self.tabs[tab];
        let (state, eye, open) = (view.state(), &view.eye, view.calls.len());
        let alive = eye.family.is_some_and(|family| self.provider.is_alive(family));
        // A caller that does not wait for a refresh gets its 401.
        let waits = self.scenario.config.max_wait >= Millis::from_secs(2);
        let served = !waits || eye.last_status == Some(200);
        let fine = match eye.session {
            Session::Open => alive && served && state == State::Active,
            Session::Closed => state == State::SignedOut,
            Session::Refused => false,
        };
        if !fine || open > 0 {
            let session = eye.session;
            self.broke(Invariant::Calm, || {
                format!(
                    "{state:?}, {open} calls open; {session:?}, alive at the server: {alive}, served: {served}"
                )
            });
        }
    }
}

/// The least delay before the retry that follows attempt `number`.
fn retry_delay(config: &evertoken::engine::Config, number: u32) -> Millis {
    let full = config.retry_delay.doubled(number.saturating_sub(1), config.retry_cap);
    Millis(full.0 / 2)
}

const FLOOR: Millis = Millis::from_secs(1);
/// The least pause after a flight that failed without being told when to come back.
const BACKGROUND: Millis = Millis(2_500);
const LONGEST_RETRY_AFTER: Millis = Millis::from_secs(3_600);
