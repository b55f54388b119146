//! The flight of a refresh.

use alloc::string::String;

use super::answer::{self, Answer, Judgement, Outcome};
use super::backoff;
use super::config::Source;
use super::endpoint::HttpRequest;
use super::engine::{Cooldown, Engine, Phase};
use super::error::{Cause, ErrorCode, Failure, TokenError};
use super::flight::{Attempt, Flight, Step};
use super::ids::AttemptId;
use super::metrics::Mark;
use super::output::{CallbackRequest, Event, Output, Reason, TokenRequest};
use super::response::TokenResponse;
use super::session::{AccessToken, EndReason, Identity, Refusal, Session, Standing};
use super::sessions::Pair;
use super::time::{Millis, Now, UnixMillis};

impl Engine {
    /// Whether `session` has something to refresh with.
    pub(super) fn is_refreshable(&self, session: &Session) -> bool {
        !session.is_refused()
            && match &self.config.source {
                Source::Callback => true,
                Source::Endpoint(_) => session.refresh.is_some() || self.config.refresh_in_cookie(),
                Source::Nowhere => false,
            }
    }

    pub(super) fn can_refresh(&self) -> bool {
        self.session.as_ref().is_some_and(|session| self.is_refreshable(session))
    }

    /// Begins a refresh unless one is under way or there is nothing to refresh with.
    pub(super) fn begin_flight(&mut self, reason: Reason) {
        if self.flight.is_some() || !self.can_refresh() {
            return;
        }
        self.mark(Mark::FlightBegan, reason as u64);
        let floor = self.last_sent.map(|sent| sent.after(FLOOR)).filter(|floor| *floor > self.now.mono);
        let floor = floor.filter(|_| reason != Reason::Asked);
        let step = floor.map_or(Step::Reading, |until| Step::Waiting { until, hard: false });
        self.flight = Some(Flight { reason, step, attempts: 0, error: None });
        if floor.is_none() {
            self.start_read();
        }
    }

    /// The next attempt of the flight is due: the store is read first, since another tab may have been quicker.
    pub(super) fn on_retry_due(&mut self) {
        if let Some(flight) = self.flight.as_mut()
            && matches!(flight.step, Step::Waiting { .. })
        {
            flight.step = Step::Reading;
            self.start_read();
        }
    }

    /// Sends the next attempt.
    pub(super) fn send(&mut self) {
        let (Some(session), Some(flight)) = (&self.session, &mut self.flight) else {
            return;
        };
        self.next_attempt = self.next_attempt.next();
        let attempt = Attempt {
            id: self.next_attempt,
            epoch: session.epoch,
            generation: session.generation,
            sent: self.now,
        };
        flight.attempts += 1;
        flight.step = Step::Sending { attempt, deadline: self.now.mono.after(self.config.attempt_timeout) };
        let access = session.access.as_ref().map(|access| &access.token);
        let request = match &self.config.source {
            Source::Endpoint(endpoint) => TokenRequest::Http(HttpRequest::refresh(
                endpoint,
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
        let Some(Step::Sending { attempt, .. }) = self.flight.as_ref().map(|flight| &flight.step) else {
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
        let flying = match self.flight.as_ref().map(|flight| &flight.step) {
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
                self.metrics.time(self.now.mono.since(attempt.sent.mono));
                for older in core::mem::take(&mut self.abandoned) {
                    self.emit(Output::Abort(older.id));
                }
                self.learn_offset(&answer, attempt.sent);
                self.on_judgement(&answer);
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

    fn on_judgement(&mut self, answer: &Answer) {
        let judgement = answer.judge(&self.config.fields, self.config.access_in_cookie);
        // A server can repeat what it was sent, and errors are logged.
        let is_plain = |text: &str| !self.session.as_ref().is_some_and(|session| session.leaks_into(text));
        let request_id = answer.request_id.clone().filter(|id| id.len() <= LONGEST_ID && is_plain(id));
        let failure = |code, cause, oauth_error| Failure {
            cause: Some(cause),
            status: Some(answer.status),
            oauth_error,
            request_id: request_id.clone(),
            ..Failure::new(code)
        };
        match judgement {
            Judgement::Granted(response) => self.grant(response),
            Judgement::Misconfigured { oauth_error } => {
                if self.session.as_ref().is_some_and(|session| session.standing == UNKNOWN) {
                    // Without a cookie there is nothing to send, and some servers call that a bad request.
                    return self.refuse(Refusal::because(EndReason::Refused), None);
                }
                self.give_up(failure(ErrorCode::Configuration, Cause::Refused, oauth_error));
            }
            Judgement::Refused { oauth_error } => {
                let oauth_error = oauth_error.filter(|code| is_plain(code));
                let lost = self.session.as_ref().is_some_and(|session| self.lost == Some(session.generation));
                let reason = if lost { EndReason::RefreshResponseLostPossible } else { EndReason::Refused };
                let refusal =
                    Refusal { reason, status: Some(answer.status), oauth_error: oauth_error.clone() };
                self.refuse(refusal, Some(failure(ErrorCode::SessionEnded, Cause::Refused, oauth_error)));
            }
            Judgement::Transient { cause, oauth_error } => {
                let asked =
                    answer.retry_after.as_deref().and_then(|header| self.asked(header, answer.server_time()));
                self.on_failure(failure(ErrorCode::RefreshUnavailable, cause, oauth_error), true, asked);
            }
            Judgement::UnsupportedTokenType => {
                self.give_up(failure(ErrorCode::UnsupportedTokenType, Cause::BadResponse, None));
            }
        }
    }

    /// An answer to an attempt that was given up, or to none.
    fn on_stray_answer(&mut self, id: AttemptId, outcome: Outcome) {
        self.metrics.stray += 1;
        self.mark(Mark::StrayAnswer, u64::from(id.0));
        let Some(at) = self.abandoned.iter().position(|attempt| attempt.id == id) else {
            return;
        };
        let attempt = self.abandoned.remove(at);
        let Outcome::Answered(answer) = outcome else {
            return;
        };
        let Judgement::Granted(response) = answer.judge(&self.config.fields, self.config.access_in_cookie)
        else {
            return;
        };
        let wanted = self.session.as_ref().is_some_and(|session| {
            session.epoch == attempt.epoch
                && session.generation == attempt.generation
                && !session.is_refused()
        });
        if wanted {
            if let Some(Step::Sending { attempt, .. }) = self.flight.as_ref().map(|flight| &flight.step) {
                let id = attempt.id;
                self.emit(Output::Abort(id));
            }
            let reason = self.flight.as_ref().map_or(Reason::Scheduled, |flight| flight.reason);
            self.flight.get_or_insert(Flight { reason, step: Step::Committing, attempts: 1, error: None });
            self.learn_offset(&answer, attempt.sent);
            self.grant(response);
        } else if self.session.is_none()
            && (response.refresh.is_some() || self.config.refresh_in_cookie())
            && let Some(endpoint) = &self.config.revoke
        {
            // Signed out meanwhile: what the server has just made is the only live token of that session. A cookie
            // that came with it would sign the browser in again.
            let request =
                HttpRequest::revocation(endpoint, response.refresh.as_ref(), response.access.as_ref());
            self.emit(Output::Revoke(request));
        }
    }

    /// New tokens have come.
    fn grant(&mut self, response: TokenResponse) {
        let extras = response.extras.clone();
        let mut pair = self.pair(response);
        let Some(session) = &self.session else {
            return;
        };
        if session.identity.is_other_user(&pair.identity) {
            return self.grant_to_other_user(pair);
        }
        let resumed = session.is_resuming();
        let held = session.access.as_ref().filter(|held| held.token.same_as(&pair.access.token));
        let held = held.filter(|held| !held.token.expose().is_empty() && !held.rejected);
        if let Some(held) = held.filter(|held| !self.is_renewed(&pair, held)) {
            // The same token again: its life goes on, and the next attempt is put off.
            pair.access.life = held.life;
            let delay = PUT_OFF.doubled(self.unhelpful, PUT_OFF_CAP);
            self.unhelpful = self.unhelpful.saturating_add(1);
            self.hold_off = Some(self.now.mono.after(delay));
        } else {
            self.unhelpful = 0;
            self.hold_off = None;
        }
        let dead = pair.access.life.is_over(self.now);
        self.take(pair);
        self.mark(Mark::Granted, self.generation.0);
        if dead {
            // The refresh token may have been rotated, so the pair is kept; the refresh has failed all the same.
            self.save();
            self.metrics.failed += 1;
            return self.fail_flight(Failure::unavailable(Cause::BadResponse), true, None);
        }
        self.cooldown = None;
        self.background.reset();
        self.metrics.refreshed += 1;
        if let Some(flight) = self.flight.as_mut() {
            flight.step = Step::Committing;
            self.metrics.proactive += u32::from(flight.reason == Reason::Scheduled);
        }
        self.news = Some((resumed, extras));
        self.save();
    }

    /// Whether the same token has got a new life. One that names its own end cannot; an opaque one may be extended.
    fn is_renewed(&self, pair: &Pair, held: &AccessToken) -> bool {
        let names_its_end = Identity::of(&held.token).1.expires_at().is_some();
        let left = held.life.left(self.now).map(|left| left.saturating_add(RENEWED));
        !names_its_end && pair.access.life.left(self.now) > left
    }

    /// The server answered for somebody else: that is another session, never a merge.
    fn grant_to_other_user(&mut self, pair: Pair) {
        self.flight = None;
        self.begin_session(pair);
        self.save();
    }

    /// The new pair is stored, or cannot be: those who wait are served.
    pub(super) fn finish_granted(&mut self) {
        self.flight = None;
        match self.news.take() {
            Some((true, _)) => {
                let subject = self.subject();
                let expires_at = self.expires_at();
                self.event(Event::SessionStarted { generation: self.generation, expires_at, subject });
            }
            Some((false, extras)) => self.refreshed(extras),
            None => {}
        }
        self.attend();
    }

    /// An attempt has failed in a way that may pass. `answered`: the server said something.
    fn on_failure(&mut self, mut failure: Failure, answered: bool, asked: Option<Millis>) {
        if self.phase == Phase::Disposed {
            return;
        }
        self.metrics.failed += 1;
        if !answered {
            self.lost = self.session.as_ref().map(|session| session.generation);
        }
        let Some(flight) = self.flight.as_mut() else {
            return;
        };
        failure.attempt = flight.attempts;
        if flight.attempts > self.config.retries {
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

    /// The flight has failed; the schedule goes on, and callers are answered from the cooldown until then.
    fn fail_flight(&mut self, mut failure: Failure, answered: bool, asked: Option<Millis>) {
        let attempts = self.flight.take().map_or(0, |flight| flight.attempts);
        let delay = self.background.delay(self.now.mono, answered, asked, &mut self.jitter);
        failure.attempt = attempts;
        failure.retry_at = Some(self.now.wall.after(delay));
        let error = TokenError::from(failure);
        self.mark(Mark::Failed, u64::from(attempts));
        self.cooldown =
            Some(Cooldown { until: self.now.mono.after(delay), error: error.clone(), hard: asked.is_some() });
        self.event(Event::RefreshFailed { error: error.clone(), exhausted: true });
        self.reject_waiters(&error);
    }

    /// The refresh token was refused. Another tab may have rotated it meanwhile: the store decides.
    fn refuse(&mut self, refusal: Refusal, failure: Option<Failure>) {
        self.metrics.failed += 1;
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
    pub(super) fn conclude_refusal(&mut self, refusal: Refusal) {
        let error = self.flight.take().and_then(|flight| flight.error);
        if !self.has_good_token() {
            let epoch = self.next_epoch();
            return self.end_session(refusal, epoch);
        }
        if let Some(session) = self.session.as_mut() {
            session.standing = Standing::Refused(refusal);
        }
        self.save();
        self.event(Event::SessionExpiring { expires_at: self.expires_at() });
        let error = error.unwrap_or_else(|| TokenError::new(ErrorCode::SessionEnded));
        for waiter in core::mem::take(&mut self.waiters) {
            self.turn_down_for_good(waiter, &error);
        }
    }

    fn learn_offset(&mut self, answer: &Answer, sent: Now) {
        if let Some(server) = answer.server_time() {
            let midpoint = sent.wall.0 / 2 + self.now.wall.0 / 2;
            self.offset = Some(server.0.saturating_sub(midpoint));
        }
    }

    fn asked(&self, header: &str, server_now: Option<UnixMillis>) -> Option<Millis> {
        let assumed = self.now.wall.shifted(self.offset.unwrap_or(0));
        answer::retry_after(header, server_now.unwrap_or(assumed))
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

/// What a granted refresh will tell once it is stored: whether it resumed a session, and the extras.
pub(super) type News = (bool, Option<String>);

/// A request id that is longer is none.
const LONGEST_ID: usize = 128;
const UNKNOWN: Standing = Standing::Resuming { hinted: false };
/// The least time between two flights that nobody asked for.
pub(super) const FLOOR: Millis = Millis::from_secs(1);
/// A life that is longer by less is the same one, seen through rounding and latency.
const RENEWED: Millis = Millis::from_secs(2);
/// How many attempts without an answer are kept waiting for it.
const ABANDONED: usize = 3;
/// How long a refresh is put off that brought the same token again.
const PUT_OFF: Millis = Millis::from_secs(30);
const PUT_OFF_CAP: Millis = Millis::from_secs(16 * 60);
