//! What is watched of every input, output and event.

use std::fmt::Write as _;

use evertoken::engine::Config;
use evertoken::engine::error::{Cause, ErrorCode, TokenError};
use evertoken::engine::input::{Input, Stored, Wake};
use evertoken::engine::output::{Event, Output, State};
use evertoken::engine::record::Record;
use evertoken::engine::session::{EndReason, Refusal};
use evertoken::engine::time::{Millis, Mono, Now};

use super::eye::{Confirmation, Session, Wish};
use super::ledger::Left;
use super::turn::{Claiming, Held, Look};
use crate::invariant::{Invariant, Violation};
use crate::provider::{CANARY, RefreshId};
use crate::sabotage::Sabotage;
use crate::store::Sight;
use crate::traffic::Course;
use crate::world::World;

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
        self.watch.events += 1;
        let elapsed = self.clock.elapsed;
        let now = self.now(tab);
        if self.tabs[tab].eye.read_expired(elapsed) {
            self.watch.trouble = Some(elapsed);
        }
        let held_up = self.tabs[tab].held_up;
        let page = self.tabs[tab].page;
        // Where no other tab writes, a wish stays the last word until it is stored.
        let shared = self.scenario.config.shared;
        let eye = &mut self.tabs[tab].eye;
        let is_over =
            eye.writing.is_some_and(|(op, asked)| eye.wish == Wish::Written(op) && elapsed >= asked + 2_000);
        if is_over && shared {
            eye.wish = Wish::None;
        }
        match input {
            Input::LockGranted(id) if self.locks.is_granted(page, *id) => {
                eye.turn.lock = Some(Held { id: *id, since: now.mono, held_up });
                eye.turn.look = Look::Wanted;
            }
            Input::Notice(_) => eye.hints = HINTS,
            Input::Refresh { .. } => eye.asked = true,
            Input::Wake(wake) if *wake != Wake::Hidden => {
                eye.turn.woken();
                if *wake != Wake::Focus {
                    eye.soft = None;
                }
            }
            Input::StoreFailed(op) | Input::StoreRead { op, .. } => {
                eye.operations = eye.operations.saturating_sub(1);
                if eye.read_answered(*op) {
                    eye.viewed = now.wall;
                    self.watch_view(tab);
                }
            }
            Input::StoreWritten { op, stored } => {
                eye.operations = eye.operations.saturating_sub(1);
                eye.sights.remove(op);
                eye.unseen &= *stored != Stored::Durably;
                let late = eye.writing.is_some_and(|(last, asked)| last != *op || elapsed >= asked + 2_000);
                let is_over = *stored == Stored::Durably || *stored == Stored::Failed && shared;
                if is_over && matches!(eye.wish, Wish::Written(first) if first <= *op) {
                    eye.wish = Wish::None;
                }
                eye.unsaved = match stored {
                    // Many may be late at once, of a store that has stood still.
                    _ if late => eye.unsaved.max(1),
                    Stored::Failed => eye.unsaved + 1,
                    Stored::Conflict | Stored::Durably => 0,
                };
                if let Claiming::Asked(claimed, lease) = eye.turn.claim
                    && claimed == *op
                {
                    eye.turn.claim = match stored {
                        Stored::Failed => Claiming::Failed,
                        _ if late => Claiming::Failed,
                        Stored::Conflict => Claiming::Refused,
                        Stored::Durably => Claiming::Made(lease),
                    };
                }
            }
            Input::SetTokens { .. } | Input::SignOut { .. } | Input::Stop | Input::Dispose if eye.booted => {
                eye.leaving = matches!(input, Input::SignOut { .. });
                self.give_up_flying(tab);
            }
            Input::Tick => {
                let second = elapsed / 1_000;
                eye.ticks = if eye.ticks.0 == second { (second, eye.ticks.1 + 1) } else { (second, 1) };
                if eye.ticks.1 > 100 {
                    self.broke(Invariant::I11, || "more than 100 timers in one second".into());
                }
            }
            _ => {}
        }
        self.tabs[tab].eye.follow();
    }

    /// Nobody listens any more for the answer to the request under way: it may be lost.
    fn give_up_flying(&mut self, tab: usize) {
        if let Some(token) = self.pass_over_flying(tab) {
            self.tabs[tab].eye.lost = token;
        }
    }

    fn pass_over_flying(&mut self, tab: usize) -> Option<Option<RefreshId>> {
        let request = self.tabs[tab].eye.flying.take()?;
        self.requests[request].course = Course::Failed;
        self.requests[request].troubled = true;
        Some(self.requests[request].token)
    }

    /// Before an output is carried out.
    pub(crate) fn watch_output(&mut self, tab: usize, output: &Output) {
        let elapsed = self.clock.elapsed;
        let eye = &mut self.tabs[tab].eye;
        match output {
            Output::ReadStore(op) => {
                eye.read_asked(*op, elapsed);
            }
            Output::Unlock(id) => {
                eye.unlocked |= eye.turn.lock.take_if(|held| held.id == *id).is_some();
                eye.turn.look = Look::Wanted;
            }
            Output::Broadcast(message) => {
                let message = if self.sabotage == Sabotage::TellAll { CANARY } else { message };
                if message.contains(CANARY) {
                    self.broke(Invariant::I14, || "the other tabs are told a token".into());
                }
            }
            _ => {}
        }
        if self.scenario.searched {
            let mut shown = String::new();
            // Writing to a `String` does not fail.
            let _ = write!(shown, "{output:?}");
            if shown.contains(CANARY) {
                self.broke(Invariant::I14, || format!("a token shows in {shown}"));
            }
        }
    }

    /// After an input was handled and its outputs carried out.
    pub(crate) fn watch_step(&mut self, tab: usize) {
        self.watch_boot(tab);
        let state = self.tabs[tab].state();
        let eye = &mut self.tabs[tab].eye;
        eye.leaving = false;
        let replaced = std::mem::take(&mut eye.replaced);
        let started = std::mem::take(&mut eye.started);
        let unnoticed = replaced.iter().copied().zip(eye.family).find(|(before, after)| {
            let is_other = self.provider.user(*before) != self.provider.user(*after);
            is_other && !started && !self.watch.vouched.contains(after)
        });
        if started {
            eye.parting.extend(replaced);
        }
        if std::mem::take(&mut eye.wishes) > 0 {
            // Also of what the store held and this page never did.
            (self.watch.last_left, self.watch.last_left_at) = (self.planned, self.clock.elapsed);
        }
        let parting = std::mem::take(&mut eye.parting);
        eye.gone.extend(&parting);
        for family in parting {
            (self.watch.last_left, self.watch.last_left_at) = (self.planned, self.clock.elapsed);
            self.leave(family, Left { since: self.planned, known: false });
        }
        let eye = &mut self.tabs[tab].eye;
        if eye.booted && state == State::SignedOut {
            let was = std::mem::take(&mut eye.session);
            if was == Session::Open {
                self.broke(Invariant::Logout, || "signed out, and nobody was told".into());
            }
        }
        if let Some((before, after)) = unnoticed {
            self.broke(Invariant::I5, || {
                format!("sign-in {after} is of another user than {before}, whose session goes on")
            });
        }
        self.watch_lock(tab);
    }

    /// A sign-in is over.
    pub(super) fn leave(&mut self, family: usize, left: Left) {
        self.trace.note(self.clock.elapsed, || format!("sign-in {family} is over: {left:?}"));
        self.watch.left.entry(family).or_insert(left);
    }

    /// The lock is for a refresh, and for no longer.
    fn watch_lock(&mut self, tab: usize) {
        let eye = &mut self.tabs[tab].eye;
        if std::mem::take(&mut eye.unlocked)
            && let Some(request) = eye.flying
        {
            self.broke(Invariant::I15, || format!("the lock went back while request {request} is out"));
        }
        let (view, page) = (&self.tabs[tab], self.tabs[tab].page);
        let idle = !view.is_refreshing() && view.eye.operations == 0;
        // A pair that could not be stored keeps the lock for as long as its claim would keep the others waiting.
        let owes = view.eye.unsaved > 0;
        if idle && !owes && (self.locks.is_held_by(page) || self.locks.is_wanted_by(page)) {
            return self.broke(Invariant::I15, || "a lock and no refresh".into());
        }
        let now = self.now(tab);
        let longest = self.scenario.config.attempt_timeout.percent(300).saturating_add(AROUND_AN_ATTEMPT);
        let Some(held) = self.tabs[tab].eye.turn.lock else {
            return;
        };
        let for_long = self.tabs[tab].awake_since(now, held.since, held.held_up);
        if for_long > longest {
            self.broke(Invariant::I15, || format!("the lock is held for {for_long:?}"));
        }
    }

    /// The first snapshot that says more than that the store is being read comes before all that follows from it.
    pub(crate) fn watch_boot(&mut self, tab: usize) {
        if self.tabs[tab].eye.booted || self.tabs[tab].state() == State::Restoring {
            return;
        }
        self.tabs[tab].eye.boot();
        self.watch_return(tab);
    }

    /// A sign-in is taken from the store: if it was over, then nobody can know of that any more.
    fn watch_return(&mut self, tab: usize) {
        if let Some(family) = self.tabs[tab].eye.family
            && self.watch.left.get(&family).is_some_and(|left| !left.known)
        {
            self.watch.left.remove(&family);
        }
    }

    pub(crate) fn watch_event(&mut self, tab: usize, event: &Event) {
        let elapsed = self.clock.elapsed;
        match event {
            Event::Adopted { .. } => {
                self.give_up_flying(tab);
                let eye = &mut self.tabs[tab].eye;
                if eye.restore().is_none() && eye.session == Session::Closed {
                    eye.begin_behind();
                }
                eye.wish = Wish::None;
                (eye.superseded, eye.last_sent) = (false, None);
                self.watch_return(tab);
            }
            Event::RefreshFailed { error, exhausted } => self.watch_failure(tab, error, *exhausted),
            // The next refresh is another one, which the new tokens set a time for.
            Event::Refreshed { .. } => self.tabs[tab].eye.soft = None,
            Event::SessionEnded(refusal) => self.watch_end_of_session(tab, refusal),
            Event::SessionExpiring { .. } => {
                // Where the store says that the token was refused, what the server answers says no more.
                self.pass_over_flying(tab);
                let eye = &mut self.tabs[tab].eye;
                eye.superseded = eye.news().is_some();
                let page = self.tabs[tab].page;
                let stored = self.clock.elapsed + TO_STORE;
                if let Some(token) = self.tabs[tab].eye.refused {
                    let order = self.tabs[tab].eye.order;
                    self.watch.turned_down.insert(token, (page, stored, order));
                }
                self.watch_confirmation(tab);
            }
            Event::SessionStarted { .. } => {
                let eye = &mut self.tabs[tab].eye;
                (eye.session, eye.began, eye.began_at) = (Session::Open, self.planned, elapsed);
                (eye.started, eye.superseded) = (true, false);
            }
            _ => {}
        }
    }

    fn watch_failure(&mut self, tab: usize, error: &TokenError, exhausted: bool) {
        let now = self.now(tab).mono;
        let least = self.scenario.config.attempt_timeout;
        let eye = &self.tabs[tab].eye;
        let mut early = None;
        if error.cause == Some(Cause::Timeout) && eye.flying.is_some() {
            let waited = eye.last_sent.map_or(Millis::ZERO, |(sent, _)| now.since(sent));
            early = (waited < least).then_some(waited);
            self.give_up_flying(tab);
        }
        let config = &self.scenario.config;
        let eye = &mut self.tabs[tab].eye;
        let delay = if exhausted { BACKGROUND } else { retry_delay(config, error.attempt) };
        let told = exhausted && eye.told_when || error.code == ErrorCode::SessionEnded;
        eye.soft = (!told).then(|| now.after(delay));
        eye.retrying = !exhausted;
        if !exhausted && error.attempt > self.scenario.config.retries {
            let (attempt, most) = (error.attempt, self.scenario.config.retries);
            self.broke(Invariant::I11, || {
                format!("attempt {attempt} is to be followed by another; {most} may")
            });
        }
        if let Some(waited) = early {
            self.broke(Invariant::I2, || format!("an attempt was given up after {waited:?}"));
        }
    }

    fn watch_end_of_session(&mut self, tab: usize, refusal: &Refusal) {
        let reason = refusal.reason;
        *self.watch.ended.entry(reason.as_str()).or_default() += 1;
        let eye = &mut self.tabs[tab].eye;
        eye.unsaved = 0;
        let refused = matches!(reason, EndReason::Refused | EndReason::RefreshResponseLostPossible);
        let was = std::mem::take(&mut eye.session);
        let lost = eye.lost.is_some() && eye.lost == eye.refused;
        let family = eye.family;
        let is_dead = family.is_some_and(|family| !self.provider.is_alive(family));
        let is_left = family.is_some_and(|family| self.watch.left.contains_key(&family))
            || self.watch.last_left >= eye.began
            // Which of two tabs was first is not seen in a store that learns of both at once.
            || self.watch.last_left_at + AT_ONCE >= eye.began_at;
        let fair = match reason {
            EndReason::SignedOut => eye.wishes > 0,
            // Known: a page that could not read its store begins to count anew, and the record that shows up later
            // seems newer; so does one of before the clock was set back to what no store has taken since, and an end of
            // then that is stored by a page which has slept through that.
            EndReason::SignedOutElsewhere => {
                let lies = self.clock.lies();
                is_left || eye.blind || lies.set_back > 0 && (eye.unseen || lies.stood_still > 0)
            }
            // What was seen when it was superseded may be gone from the store by its end.
            EndReason::Superseded => eye.superseded || eye.news().is_some() || was == Session::Refused,
            EndReason::Refused | EndReason::RefreshResponseLostPossible => eye.refused.is_some() && is_dead,
            EndReason::Callback | EndReason::Expired => false,
        };
        if reason != EndReason::SignedOut {
            eye.wish = Wish::None;
            match reason {
                // The session goes on elsewhere.
                EndReason::Superseded => eye.gone.extend(eye.family.take()),
                _ => eye.parting.extend(eye.family.take()),
            }
        }
        self.give_up_flying(tab);
        if was == Session::Closed {
            self.broke(Invariant::I13, || "a session ended that was over".into());
        }
        if !fair {
            let order = self.tabs[tab].eye.order;
            let seen = self.tabs[tab].eye.view.as_ref().and_then(Sight::newest).map(Record::stamp);
            self.broke(Invariant::Logout, || {
                format!("the session ended without cause: {reason:?}; {order:?} was held, {seen:?} seen")
            });
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
        let saves = (1..=MOST_SAVES).contains(&view.eye.unsaved);
        // A store that cannot be read is looked at some times more.
        let unread = (1..=MOST_LOOKS).contains(&view.eye.unread);
        let is_behind = view.eye.view.as_ref().is_some_and(Sight::is_behind);
        let hinted = view.eye.hints > 0 && delay <= HINT;
        let waits = saves || unread || is_behind || hinted;
        if idle && !waits {
            self.broke(Invariant::I11, || format!("a timer of {delay:?} though signed out"));
        }
        if check > Millis::ZERO && delay > check {
            self.broke(Invariant::I11, || format!("armed {delay:?} ahead, with a check each {check:?}"));
        }
    }
}

/// The least delay before the retry that follows attempt `number`.
fn retry_delay(config: &Config, number: u32) -> Millis {
    let full = config.retry_delay.doubled(number.saturating_sub(1), config.retry_cap);
    Millis(full.0 / 2)
}

/// Within which time a store without trouble holds what was to be stored, conflicts and all; in milliseconds.
pub(super) const TO_STORE: u64 = 10_000;
/// How long what somebody has done may be on its way to the store.
const AT_ONCE: u64 = 2_000;
/// Within which time the store is looked at because another tab has said so, and how often, with looks under way.
const HINT: Millis = Millis::from_secs(1);
const HINTS: u8 = 12;
/// How often a visitor's page looks at a store that does not answer, and a little more.
const MOST_LOOKS: u32 = 8;
/// How often a sign-out is stored again that could not be, and a little more.
const MOST_SAVES: u32 = 6;
/// The least pause after a flight that failed without being told when to come back.
const BACKGROUND: Millis = Millis(2_500);
/// What an attempt needs of the store, at its slowest: reading, claiming, storing and reading again.
const AROUND_AN_ATTEMPT: Millis = Millis::from_secs(30);
