//! The flight of a refresh.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::answer::{self, Answer, Judgement, Outcome};
use super::backoff::{self, Met};
use super::broken::Flaw;
use super::config::Source;
use super::endpoint::HttpRequest;
use super::engine::{Cooldown, Engine, Phase};
use super::error::{Cause, ErrorCode, Failure, TokenError};
use super::flight::{Attempt, Flight, Step};
use super::ids::{AttemptId, Order};
use super::metrics::Mark;
use super::output::{CallbackRequest, Event, Output, Reason, TokenRequest};
use super::session::{EndReason, Refusal, Session, Standing};
use super::time::{Millis, Now, UnixMillis};

impl Engine {
    /// Whether `session` has something to refresh with.
    pub(super) fn is_refreshable(&self, session: &Session) -> bool {
        (!session.is_refused() || self.config.broken(Flaw::RefusedTokenSent))
            && match &self.config.source {
                Source::Callback => true,
                Source::Endpoint(_) => session.refresh.is_some() || self.config.refresh_in_cookie(),
                Source::Nowhere => false,
            }
    }

    pub(super) fn can_refresh(&self) -> bool {
        self.session.as_deref().is_some_and(|session| self.is_refreshable(session))
    }

    /// Begins a refresh unless one is under way or there is nothing to refresh with.
    pub(super) fn begin_flight(&mut self, reason: Reason) {
        let busy = self.flight.is_some() && !self.config.broken(Flaw::NoSingleFlight);
        if busy || !self.can_refresh() {
            return;
        }
        self.mark(Mark::FlightBegan, reason as u64);
        let pause = if reason == Reason::Asked { self.pause_between_asks() } else { FLOOR };
        let floor = self.last_sent.map(|sent| sent.after(pause)).filter(|floor| *floor > self.now.mono);
        let step = floor.map_or(Step::Reading, |until| Step::Waiting { until, hard: false });
        self.flight = Some(Box::new(Flight::new(reason, step)));
        if floor.is_none() {
            self.approach();
        }
    }

    /// Refreshes that are asked for one after the other, by a listener that answers each with the next, part.
    fn pause_between_asks(&mut self) -> Millis {
        let pause = FLOOR.doubled(self.asks, ASKS_CAP);
        let calm = self.last_sent.is_none_or(|sent| self.now.mono.since(sent) > CALM);
        self.asks = if calm { 0 } else { self.asks.saturating_add(1) };
        if calm { Millis::ZERO } else { pause }
    }

    /// The next attempt of the flight is due: the store is read first, since another tab may have been quicker.
    pub(super) fn on_retry_due(&mut self) {
        if matches!(self.step(), Some(Step::Waiting { .. })) {
            self.approach();
        }
    }

    /// The next attempt of the flight is due now, or as soon as the floor allows.
    pub(super) fn hurry(&mut self) {
        let until = self.soonest();
        if let Some(flight) = self.flight.as_mut() {
            flight.step = Step::Waiting { until, hard: false };
        }
    }

    /// How long an attempt waits for its answer.
    pub(super) fn attempt_timeout(&self) -> Millis {
        self.latency.timeout(self.config.attempt_timeout)
    }

    /// Sends the next attempt.
    pub(super) fn send(&mut self) {
        let (Some(session), Some(flight)) = (&self.session, &mut self.flight) else {
            return;
        };
        let deadline = self.now.mono.after(self.latency.timeout(self.config.attempt_timeout));
        self.next_attempt = self.next_attempt.next();
        let attempt = Attempt {
            id: self.next_attempt,
            order: Order { epoch: self.epoch, generation: self.generation },
            sent: self.now,
        };
        flight.attempts += 1;
        flight.stale = 0;
        flight.unclaimed = 0;
        flight.step = Step::Sending { attempt, deadline };
        let access = session.access.as_ref().map(|access| &access.token);
        let request = match &self.config.source {
            Source::Endpoint(endpoint) => TokenRequest::Http(HttpRequest::refresh(
                self.config
                    .revoke
                    .as_ref()
                    .filter(|_| self.config.broken(Flaw::WrongEndpoint))
                    .unwrap_or(endpoint),
                session.refresh.as_ref(),
                access,
                flight.attempts == 1,
            )),
            Source::Callback | Source::Nowhere => TokenRequest::Call(CallbackRequest {
                refresh: session.refresh.clone(),
                access: access.cloned(),
                attempt: flight.attempts,
                reason: flight.reason,
            }),
        };
        self.last_sent = Some(self.now.mono);
        self.metrics.attempts += 1;
        self.mark(Mark::AttemptSent, u64::from(attempt.id.0));
        self.emit(Output::Send { attempt: attempt.id, request });
    }

    pub(super) fn on_attempt_timeout(&mut self) {
        let Some(Step::Sending { attempt, .. }) = self.step() else {
            return;
        };
        self.abandon(*attempt);
        self.on_failure(Failure::unavailable(Cause::Timeout), false, None);
    }

    /// Gives an attempt up without aborting it: a late answer may hold the only live refresh token. The oldest are
    /// aborted all the same when there are many, since a browser allows few connections to one host.
    pub(super) fn abandon(&mut self, attempt: Attempt) {
        self.abandoned.push(attempt);
        if self.abandoned.len() > ABANDONED {
            let oldest = self.abandoned.remove(0);
            self.emit(Output::Abort(oldest.id));
        }
    }

    pub(super) fn on_answer(&mut self, id: AttemptId, outcome: Outcome) {
        let flying = match self.step() {
            Some(Step::Sending { attempt, .. }) if attempt.id == id => Some(*attempt),
            _ => None,
        };
        let Some(attempt) = flying else {
            return self.on_stray_answer(id, outcome);
        };
        let status = outcome.status();
        self.mark(Mark::AttemptEnded, u64::from(status.unwrap_or(0)));
        match outcome {
            Outcome::Answered(answer) => {
                self.time(attempt);
                self.on_judgement(&answer, attempt.sent);
            }
            Outcome::Ended => self.refuse(Refusal::because(EndReason::Callback), None),
            Outcome::Failed { status, retry_after } => {
                let asked = retry_after.and_then(|header| self.asked(&header, None));
                let failure = Failure { status, ..Failure::unavailable(Cause::Callback) };
                self.on_failure(failure, status.is_some(), asked);
            }
            Outcome::Unreachable => self.on_failure(Failure::unavailable(Cause::Network), false, None),
        }
    }

    pub(super) fn time(&mut self, attempt: Attempt) {
        let took = self.now.mono.since(attempt.sent.mono);
        self.metrics.time(took);
        self.latency.learn(took);
    }

    fn on_judgement(&mut self, answer: &Answer, sent: Now) {
        let judgement = answer.judge(&self.config.fields, self.config.access_in_cookie);
        self.learn_offset(answer, &judgement, sent);
        // A server can repeat what it was sent, and errors are logged.
        let leaks = |session: &Session, text: &str| {
            session.leaks_into(text) && !self.config.broken(Flaw::TokensRepeated)
        };
        let is_plain = |text: &str| !self.session.as_deref().is_some_and(|session| leaks(session, text));
        let request_id = answer.request_id.clone().filter(|id| id.len() <= LONGEST_ID && is_plain(id));
        let failure = |code, cause, oauth_error| Failure {
            cause: Some(cause),
            status: Some(answer.status),
            oauth_error,
            request_id: request_id.clone(),
            ..Failure::new(code)
        };
        match judgement {
            Judgement::Granted(response) => {
                // The others can bring nothing better; a failure leaves them their chance.
                for older in self.abandoned.take() {
                    self.emit(Output::Abort(older.id));
                }
                self.grant(response, sent);
            }
            Judgement::Misconfigured { oauth_error } => {
                let unknown = self.session.as_deref().is_some_and(|session| session.standing == UNKNOWN);
                if unknown && oauth_error.as_deref() == Some("invalid_request") {
                    // Without a cookie there is nothing to send, and some servers call that a bad request.
                    return self.refuse(Refusal::because(EndReason::Refused), None);
                }
                self.give_up(failure(ErrorCode::Configuration, Cause::Refused, oauth_error));
            }
            Judgement::Refused { oauth_error } => {
                let oauth_error = oauth_error.filter(|code| is_plain(code));
                let reason = EndReason::refused(self.lost);
                let refusal =
                    Refusal { reason, status: Some(answer.status), oauth_error: oauth_error.clone() };
                self.refuse(
                    refusal.into(),
                    Some(failure(ErrorCode::SessionEnded, Cause::Refused, oauth_error)),
                );
            }
            Judgement::Transient { .. } if self.config.broken(Flaw::TroubleIsRefusal) => {
                self.refuse(Refusal::because(EndReason::Refused), None);
            }
            Judgement::Transient { cause, oauth_error } => {
                if (200..=299).contains(&answer.status) {
                    // New tokens may have been in what was cut off.
                    self.lost = self.session.is_some();
                }
                let asked = self.asked_by(answer);
                self.on_failure(failure(ErrorCode::RefreshUnavailable, cause, oauth_error), true, asked);
            }
            Judgement::UnsupportedTokenType { refresh } => {
                self.keep_rotated(refresh);
                self.give_up(failure(ErrorCode::UnsupportedTokenType, Cause::BadResponse, None));
            }
        }
    }

    /// An attempt has failed in a way that may pass. `answered`: the server said something.
    pub(super) fn on_failure(&mut self, mut failure: Failure, answered: bool, asked: Option<Millis>) {
        if self.phase == Phase::Disposed {
            return;
        }
        self.metrics.failed += 1;
        if !answered && !self.config.broken(Flaw::LossForgotten) {
            self.lost = self.session.is_some();
        }
        let asked = asked.max(self.asked_before());
        let retries = self.retries();
        let Some(flight) = self.flight.as_mut() else {
            return;
        };
        failure.attempt = flight.attempts;
        if flight.attempts > retries && !self.config.broken(Flaw::RetryWithoutCap) {
            return self.fail_flight(failure, answered, asked);
        }
        let delay = backoff::retry_delay(&self.config, flight.attempts, asked, &mut self.jitter);
        let until = self.now.mono.after(delay);
        let retry_at = self.now.wall.after(delay);
        failure.retry_at = Some(retry_at);
        let error = TokenError::from(failure);
        flight.error = Some(error.clone());
        flight.step = Step::Waiting { until, hard: asked.is_some() };
        let attempt = flight.attempts + 1;
        self.event(Event::RefreshFailed { error: error.clone(), exhausted: false });
        self.event(Event::RetryScheduled { attempt, retry_at });
        if asked.is_some() {
            self.reject_hopeless(until, &error);
        }
    }

    /// An attempt has failed in a way that trying again at once cannot mend.
    fn give_up(&mut self, failure: Failure) {
        self.metrics.failed += 1;
        self.fail_flight(failure, true, None);
    }

    /// How often the flight under way may send again.
    fn retries(&self) -> u32 {
        let asked = self.flight.as_ref().is_some_and(|flight| flight.reason == Reason::Asked);
        let ended = self
            .session
            .as_deref()
            .and_then(|session| session.refresh_ends)
            .is_some_and(|ends| ends <= self.now.wall);
        // Of a refresh token that has ended, one attempt decides; and who answers each failure by asking again must
        // not make a storm.
        let persists = self.background.as_ref().is_some_and(|background| background.persists());
        if ended || asked && persists {
            return 0;
        }
        if !persists || !self.waiters.is_empty() {
            return self.config.retries;
        }
        // The flight before has shown that an attempt more or less is not what it takes, and nobody waits for it; near
        // the end of a good token a second one keeps most of them from waiting.
        let good = self.has_good_token();
        self.config.retries.min(good.into())
    }

    /// The flight has failed; the schedule goes on, and callers are answered from the cooldown until then.
    pub(super) fn fail_flight(&mut self, mut failure: Failure, answered: bool, asked: Option<Millis>) {
        let asked = asked.max(self.asked_before());
        let attempts = self.flight.take().map_or(0, |flight| flight.attempts);
        let good = self.good_access();
        let left = good.and_then(|access| access.life.left(self.now));
        let met = Met { answered, left, lead: good.map_or(Millis::ZERO, |access| access.lead) };
        let background = self.background.get_or_insert_default();
        let delay = background.delay(self.now.mono, met, asked, &mut self.jitter);
        failure.attempt = attempts;
        failure.retry_at = Some(self.now.wall.after(delay));
        let error = TokenError::from(failure);
        self.mark(Mark::Failed, u64::from(attempts));
        if let Some(access) = self.session.as_deref_mut().and_then(|session| session.access.as_mut()) {
            // One path of one server has refused it; while no other is to be had, the rest goes on with it.
            access.rejected = false;
        }
        let until = self.now.mono.after(delay);
        let spares = asked.is_none() && left.is_some_and(|left| delay < left);
        let opens = if spares { self.now.mono.after(delay.min(PAUSE)) } else { until };
        let cooldown = Cooldown { until, opens, error: error.clone(), hard: asked.is_some() };
        self.cooldown = Some(Box::new(cooldown));
        self.event(Event::RefreshFailed { error: error.clone(), exhausted: true });
        self.reject_waiters(&error);
    }

    /// The refresh token was refused. Another tab may have rotated it meanwhile: the store decides.
    fn refuse(&mut self, refusal: Arc<Refusal>, failure: Option<Failure>) {
        self.metrics.failed += 1;
        if self.config.broken(Flaw::WipeWithoutAdopting) {
            return self.conclude_refusal(refusal);
        }
        let Some(flight) = self.flight.as_mut() else {
            return;
        };
        flight.step = Step::Confirming(refusal);
        flight.error =
            failure.map(|failure| TokenError::from(Failure { attempt: flight.attempts, ..failure }));
        if let Some(error) = flight.error.clone() {
            self.event(Event::RefreshFailed { error, exhausted: true });
        }
        self.start_read();
    }

    /// The store knows no better. A good access token is used to its end; without one the session ends now.
    pub(super) fn conclude_refusal(&mut self, refusal: Arc<Refusal>) {
        let error = self.flight.take().and_then(|flight| flight.error);
        if !self.has_good_token() {
            let elsewhere = refusal.reason == EndReason::Superseded;
            let epoch = if elsewhere { self.epoch } else { self.next_epoch() };
            return self.end_session(refusal, epoch);
        }
        let superseded = refusal.reason == EndReason::Superseded;
        if let Some(session) = self.session.as_deref_mut() {
            session.standing = Standing::Refused(refusal);
        }
        if !superseded {
            self.save();
        }
        self.event(Event::SessionExpiring { expires_at: self.expires_at() });
        let error = error.unwrap_or_else(|| TokenError::new(ErrorCode::SessionEnded));
        for waiter in self.waiters.take() {
            self.turn_down_for_good(waiter, &error);
        }
    }

    /// How long an answer asks to wait.
    pub(super) fn asked_by(&self, answer: &Answer) -> Option<Millis> {
        answer.retry_after.as_deref().and_then(|header| self.asked(header, answer.server_time()))
    }

    /// How much longer an answer that came late has asked to wait.
    fn asked_before(&self) -> Option<Millis> {
        let cooldown = self.cooldown.as_ref().filter(|cooldown| cooldown.hard)?;
        Some(cooldown.until.since(self.now.mono)).filter(|left| *left > Millis::ZERO)
    }

    fn asked(&self, header: &str, server_now: Option<UnixMillis>) -> Option<Millis> {
        let assumed = self.now.wall.shifted(self.offset.unwrap_or(0));
        let asked = answer::retry_after(header, server_now.unwrap_or(assumed));
        asked.filter(|_| !self.config.broken(Flaw::RetryAfterIgnored))
    }
}

impl Outcome {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            Self::Failed { status, .. } => *status,
            Self::Ended | Self::Unreachable => None,
        }
    }
}

/// A request id that is longer is none.
const LONGEST_ID: usize = 128;
const UNKNOWN: Standing = Standing::Resuming { hinted: false };
/// While the token is good the schedule can wait long; a caller who needs another one all the same waits as long.
const PAUSE: Millis = Millis::from_secs(30);
/// The least time between two flights that nobody asked for.
pub(super) const FLOOR: Millis = Millis::from_secs(1);
const ASKS_CAP: Millis = Millis::from_secs(300);
/// After this long without a refresh the next that is asked for begins at once.
const CALM: Millis = Millis::from_secs(5);
/// How many attempts without an answer are kept waiting for it.
const ABANDONED: usize = 3;
