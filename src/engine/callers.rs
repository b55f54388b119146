//! Callers: who gets a token at once, who waits, who is turned away.

use super::broken::Flaw;
use super::challenge;
use super::engine::{Engine, Phase};
use super::error::{Cause, ErrorCode, Failure, TokenError};
use super::flight::Step;
use super::ids::{CallId, Generation};
use super::input::{Reception, Urgency};
use super::metrics::Mark;
use super::output::{Reason, Settled};
use super::refresh::FLOOR;
use super::session::{AccessToken, Session};
use super::time::{Millis, Mono};
use super::waiter::{Waiter, Want};

impl Engine {
    pub(super) fn need(&mut self, call: CallId, min_validity: Millis) {
        let Some(generation) = self.generation_for(call) else {
            return;
        };
        // More than most of a token's life cannot be had: wanting it would mean a refresh for every call.
        let access = self.access();
        let most = access.and_then(|access| access.life.total).map(|total| total.percent(MOST_OF_A_LIFE));
        let min_validity = most.map_or(min_validity, |most| min_validity.min(most));
        let want = Want::Token { min_validity, after: generation };
        let met = self.session.as_deref().is_some_and(|session| want.is_met(session, self.now));
        // A refresh that has just brought the same token again would do so once more.
        let put_off = self.hold_off.is_some_and(|until| until > self.now.mono);
        let best = self.has_good_token() && (put_off || !self.can_refresh());
        let withheld = self.config.broken(Flaw::GoodTokenWithheld) && self.flight.is_some();
        if (met || best) && !self.desk.looking && !withheld {
            self.settle(call, Ok(Settled::Done));
            return self.refresh_beside_use();
        }
        self.wait(call, want, Reason::Expired);
    }

    /// A token that is used near its end is refreshed beside the use.
    fn refresh_beside_use(&mut self) {
        let Some(access) = self.access() else {
            return;
        };
        let near = access.life.left(self.now).is_some_and(|left| left < self.margin(access.life.total));
        let failed = self.cooldown.as_ref().map(|cooldown| cooldown.until);
        let put_off = self.hold_off.max(failed) > Some(self.now.mono);
        if near && !put_off {
            self.begin_flight(Reason::Scheduled);
        }
    }

    pub(super) fn refresh(&mut self, call: CallId, urgency: Urgency) {
        self.wake_dormant();
        let Some(generation) = self.generation_for(call) else {
            return;
        };
        let access = self.good_access();
        let fresh = access.is_some_and(|access| access.age(self.now) < FLOOR);
        if urgency == Urgency::Normal && fresh && self.flight.is_none() {
            return self.settle(call, Ok(Settled::Done));
        }
        if self.is_refused() {
            return self.fail(call, ErrorCode::SessionEnded);
        }
        if !self.can_refresh() {
            return self.settle(call, Err(TokenError::new(ErrorCode::Configuration)));
        }
        let closes_in = self.breaker.as_ref().and_then(|breaker| breaker.closes_in(self.now.mono));
        if let Some(left) = closes_in.filter(|_| self.flight.is_none()) {
            // The tokens that the server gives are refused: another would be too.
            return self.settle(call, Err(self.unavailable_for(left, Cause::BadResponse)));
        }
        if urgency == Urgency::Forced && self.cooldown.as_ref().is_some_and(|cooldown| !cooldown.hard) {
            self.cooldown = None;
        }
        // What is being stored is new already.
        let committing = matches!(self.step(), Some(Step::Committing));
        let after = if committing { Generation(generation.0.saturating_sub(1)) } else { generation };
        self.wait(call, Want::Newer(after), Reason::Asked);
    }

    pub(super) fn on_unauthorized(&mut self, call: CallId, generation: Generation, challenge: Option<&str>) {
        if self.phase == Phase::Disposed {
            return self.fail(call, ErrorCode::Disposed);
        }
        self.mark(Mark::Unauthorized, generation.0);
        let Some(session) = &self.session else {
            return self.settle(call, Ok(Settled::Pass));
        };
        let is_ours = generation >= session.first && generation <= self.generation;
        if !is_ours || challenge.is_some_and(challenge::forbids_refresh) {
            return self.settle(call, Ok(Settled::Pass));
        }
        let want = Want::Replacement(generation);
        let met = want.is_met(session, self.now) && !self.config.broken(Flaw::OldUnauthorized);
        if met || self.config.broken(Flaw::ResentUnchanged) {
            self.metrics.recovered += 1;
            return self.settle(call, Ok(Settled::Resend));
        }
        let current = session.access.as_ref().map_or(self.generation, |access| access.generation);
        if generation >= current && !self.reject_token() {
            return self.settle(call, Ok(Settled::Pass));
        }
        self.wait(call, want, Reason::Unauthorized);
    }

    /// The current token has drawn a 401. Says whether a refresh may help.
    fn reject_token(&mut self) -> bool {
        let refreshable = self.can_refresh();
        let closed = !self.breaker.as_ref().is_some_and(|breaker| breaker.is_open(self.now.mono));
        let refused = self.is_refused();
        let cooling = self.cooldown_error().is_some();
        let Some(access) = self.session.as_deref_mut().and_then(|session| session.access.as_mut()) else {
            return refreshable;
        };
        if access.rejected {
            return true;
        }
        let new = access.age(self.now) < NEW_TOKEN;
        if refused {
            access.rejected = true;
            self.end_unrefreshable();
            return self.session.is_some();
        }
        let helps = refreshable && closed && !new && !cooling;
        access.rejected = helps;
        helps
    }

    pub(super) fn on_replayed(&mut self, generation: Generation, reception: Reception) {
        match reception {
            Reception::Accepted => self.breaker = None,
            Reception::Rejected if generation == self.generation => {
                self.mark(Mark::BreakerTripped, generation.0);
                self.breaker.get_or_insert_default().trip(self.now.mono);
            }
            Reception::Rejected => {}
        }
    }

    /// Settles those who can be served, and sees to it that the rest have something to wait for.
    pub(super) fn attend(&mut self) {
        self.serve();
        for waiter in self.waiters.take() {
            self.join(waiter, Reason::Expired);
        }
    }

    fn serve(&mut self) {
        for waiter in self.waiters.take() {
            if !self.session.as_deref().is_some_and(|session| waiter.want.is_met(session, self.now)) {
                self.waiters.push(waiter);
                continue;
            }
            let settled = match waiter.want {
                Want::Replacement(_) if !self.config.broken(Flaw::WaiterMistold) => Settled::Resend,
                Want::Replacement(_) | Want::Newer(_) | Want::Token { .. } => Settled::Done,
            };
            self.metrics.recovered += u32::from(settled == Settled::Resend);
            self.settle(waiter.call, Ok(settled));
        }
    }

    fn wait(&mut self, call: CallId, want: Want, reason: Reason) {
        self.metrics.waited += 1;
        let deadline = self.now.mono.after(self.config.max_wait);
        self.join(Waiter { call, want, deadline }, reason);
    }

    /// Lets `waiter` wait for the refresh under way or a new one, if that can end in time.
    fn join(&mut self, waiter: Waiter, reason: Reason) {
        if self.desk.looking {
            return self.waiters.push(waiter);
        }
        if !self.can_refresh() {
            if !self.has_good_token() && self.looks_once_more() {
                return self.waiters.push(waiter);
            }
            self.turn_down_for_good(waiter, &TokenError::new(ErrorCode::SessionEnded));
            if !self.has_good_token() {
                self.end_unrefreshable();
            }
            return;
        }
        if let Some(error) = self.cooldown_error() {
            return self.turn_down(waiter, &error);
        }
        if let Some(flight) = &self.flight
            && let Step::Waiting { until, hard: true } = flight.step
            && until > waiter.deadline
        {
            let error = self.flight_error();
            return self.turn_down(waiter, &error);
        }
        self.waiters.push(waiter);
        self.begin_flight(reason);
    }

    fn cooldown_error(&self) -> Option<TokenError> {
        let cooldown = self.cooldown.as_ref()?;
        let opens = cooldown.opens.min(cooldown.until);
        (self.flight.is_none() && opens > self.now.mono).then(|| cooldown.error.clone())
    }

    /// What the refresh under way has met so far.
    fn flight_error(&self) -> TokenError {
        let met = self.flight.as_ref().and_then(|flight| flight.error.clone());
        met.unwrap_or_else(|| TokenError::unavailable(Cause::Timeout))
    }

    /// What tells that nothing is tried for a while, and why.
    pub(super) fn unavailable_for(&self, left: Millis, cause: Cause) -> TokenError {
        let retry_at = Some(self.now.wall.after(left));
        Failure { retry_at, ..Failure::unavailable(cause) }.into()
    }

    pub(super) fn has_good_token(&self) -> bool {
        self.good_access().is_some()
    }

    /// The access token, if it may be sent.
    pub(super) fn good_access(&self) -> Option<&AccessToken> {
        self.session.as_deref()?.good_access(self.now)
    }

    /// The access token, whether or not it may be sent.
    pub(super) fn access(&self) -> Option<&AccessToken> {
        self.session.as_deref()?.access.as_ref()
    }

    /// Whether the session has been refused, and ends with its access token.
    pub(super) fn is_refused(&self) -> bool {
        self.session.as_deref().is_some_and(Session::is_refused)
    }

    /// Tells every waiter that its wait was in vain.
    pub(super) fn reject_waiters(&mut self, error: &TokenError) {
        for waiter in self.waiters.take() {
            self.turn_down(waiter, error);
        }
    }

    /// Turns down those whose deadline comes before `until`.
    pub(super) fn reject_hopeless(&mut self, until: Mono, error: &TokenError) {
        for waiter in self.waiters.take() {
            if waiter.deadline < until {
                self.turn_down(waiter, error);
            } else {
                self.waiters.push(waiter);
            }
        }
    }

    pub(super) fn on_waiter_timeout(&mut self) {
        let error = self.flight_error();
        if self.desk.looking {
            // The look takes longer than they wait: what was good before is good.
            self.serve();
        }
        self.reject_hopeless(self.now.mono.after(Millis(1)), &error);
    }

    fn turn_down(&mut self, waiter: Waiter, error: &TokenError) {
        self.metrics.rejected += 1;
        match waiter.want {
            Want::Replacement(_) => self.settle(waiter.call, Ok(Settled::Pass)),
            Want::Newer(_) | Want::Token { .. } => self.settle(waiter.call, Err(error.clone())),
        }
    }

    /// No refresh will come any more: who wants a token gets the one there is, if that is still good.
    pub(super) fn turn_down_for_good(&mut self, waiter: Waiter, error: &TokenError) {
        if matches!(waiter.want, Want::Token { .. }) && self.has_good_token() {
            return self.settle(waiter.call, Ok(Settled::Done));
        }
        self.turn_down(waiter, error);
    }

    /// The generation that `call` begins with; without a session the call is settled.
    fn generation_for(&mut self, call: CallId) -> Option<Generation> {
        let disposed = self.phase == Phase::Disposed;
        let generation = (self.session.is_some() && !disposed).then_some(self.generation);
        if generation.is_none() {
            self.fail(call, if disposed { ErrorCode::Disposed } else { ErrorCode::SignedOut });
        }
        generation
    }
}

/// The planned refresh leaves at least this much of every life.
const MOST_OF_A_LIFE: u64 = 60;
/// A token younger than this that draws a 401 is not the reason for it.
const NEW_TOKEN: Millis = Millis::from_secs(2);
