//! How sessions begin, go on and end.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use super::broken::Flaw;
use super::endpoint::HttpRequest;
use super::engine::{Cooldown, Engine, Phase};
use super::error::{Cause, ErrorCode, TokenError};
use super::flight::Step;
use super::found::Seen;
use super::ids::{CallId, Epoch, Generation, Order, SessionId};
use super::input::{Revocation, SessionMode};
use super::jwt::Claims;
use super::life::{Life, Lifetime};
use super::metrics::Mark;
use super::output::{Event, Output, Settled};
use super::response::{self, ResponseError, TokenResponse};
use super::secret::Secret;
use super::session::{AccessToken, EndReason, Identity, Refusal, Session, Standing};
use super::time::{Millis, Now, UnixMillis};
use super::waiter::Want;

/// A token response with its access token's claims read.
pub(super) struct Pair {
    pub access: AccessToken,
    pub identity: Identity,
    pub refresh: Option<Secret>,
    pub refresh_ends: Option<UnixMillis>,
}

impl Engine {
    pub(super) fn set_tokens(&mut self, call: CallId, text: &Secret, mode: SessionMode) {
        if self.phase == Phase::Disposed {
            return self.fail(call, ErrorCode::Disposed);
        }
        let fields = &self.config.login_fields;
        let response = match response::parse(text.expose(), fields, self.config.access_in_cookie) {
            Ok(response) => response,
            Err(ResponseError::UnsupportedTokenType(_)) => {
                return self.fail(call, ErrorCode::UnsupportedTokenType);
            }
            Err(ResponseError::Unusable) => return self.fail(call, ErrorCode::BadTokenResponse),
        };
        self.scheduling = true;
        self.dormant = false;
        self.mark(Mark::TokensSet, mode as u64);
        let mut pair = self.pair(response, self.now);
        let goes_on = match &self.session {
            None => false,
            Some(session) => match mode {
                SessionMode::New => false,
                // Two users are never one session, whatever the app says; and of a session that was read back without
                // its access token nobody here knows whose it is, but another tab may.
                SessionMode::Same => session.identity.may_be_of(&pair.identity),
                SessionMode::Auto => {
                    if session.holds(&pair) {
                        return self.settle(call, Ok(Settled::Unchanged));
                    }
                    session.holds_access(&pair)
                        || session.identity.is_same_user(&pair.identity)
                        || self.config.broken(Flaw::UserChangeUnnoticed)
                }
            },
        };
        if !goes_on {
            self.desk.wish();
            self.begin_session(pair);
            return self.save_for(call, Settled::Started);
        }
        if self.session.as_deref().is_some_and(|session| pair.identity.is_older_than(&session.identity)) {
            return self.settle(call, Ok(Settled::Ignored));
        }
        if let Some(session) = self.session.as_deref_mut().filter(|session| session.is_refused()) {
            // A refusal is not undone by an access token.
            session.refresh = None;
        }
        let held = self.session.as_deref_mut().filter(|session| session.holds_access(&pair));
        if let Some(held) = held.and_then(|session| session.access.take()) {
            // A token does not begin anew by being handed over again.
            pair.access = held;
        }
        self.ground();
        self.forget_failures();
        if let Seen::Record(stamp) = &self.desk.seen
            && stamp.epoch == self.epoch
        {
            // Of a pair that has not come through only the number is known.
            self.generation = self.generation.max(stamp.generation);
        }
        self.take(pair);
        self.save_for(call, Settled::Updated);
        self.refreshed(None);
        self.attend();
    }

    /// Reads a response into the pair that it brings, whose life counts from `from`.
    pub(super) fn pair(&mut self, response: TokenResponse, from: Now) -> Pair {
        let token = response.access.unwrap_or_default();
        let (identity, claims) = Identity::of(&token);
        let lifetime = Lifetime {
            expires_in: response.expires_in,
            claimed: claimed_life(&claims),
            expires_at: response.expires_at.or(claims.expires_at()),
        };
        // An HttpOnly access token is the browser's to send; one that the answer shows all the same is not kept.
        let token = if self.config.access_in_cookie { Secret::default() } else { token };
        let total = lifetime.total(from, self.offset);
        // Some servers say 0 of a refresh token that never ends.
        let refresh_life = response.refresh_expires_in.filter(|life| *life > 0);
        let refresh_life = refresh_life.and_then(|life| u64::try_from(life).ok());
        let claimed = response.refresh.as_ref().and_then(|refresh| Identity::of(refresh).1.expires_at());
        let claimed = claimed.map(|ends| ends.shifted(-self.offset.unwrap_or(0)));
        Pair {
            access: AccessToken {
                token,
                generation: self.generation,
                life: Life::begin(total, from),
                lead: self.draw_lead(total),
                received: from.mono,
                age_then: Millis::ZERO,
                rejected: false,
            },
            identity,
            refresh_ends: refresh_life.map(|life| from.wall.after(Millis(life))).or(claimed),
            // Where the browser sends a cookie, a refresh token in the answer is of no use and is not kept.
            refresh: response.refresh.filter(|_| !self.config.refresh_in_cookie()),
        }
    }

    /// How long before its end a token is refreshed: at least the lead, and more by chance.
    pub(super) fn draw_lead(&mut self, life: Option<Millis>) -> Millis {
        let least = self.config.lead.min(life.unwrap_or_default().percent(40));
        self.jitter.between(least, least.percent(self.config.draw))
    }

    pub(super) fn begin_session(&mut self, pair: Pair) {
        let before = self.session.take();
        let resuming = before.as_deref().is_some_and(Session::is_resuming);
        let changed = before.as_ref().is_some_and(|session| session.identity.is_other_user(&pair.identity));
        self.epoch = self.next_epoch();
        self.ground();
        self.forget_failures();
        let id = SessionId::new(self.jitter.draw());
        self.session = Some(Box::new(Session::new(id, self.generation.next(), Standing::Good)));
        self.take(pair);
        if before.is_some() && !resuming {
            self.turn_away(ErrorCode::SessionChanged);
        }
        let subject = self.subject();
        if changed {
            self.event(Event::UserChanged { subject: subject.clone() });
        }
        self.event(Event::SessionStarted {
            generation: self.generation,
            expires_at: self.expires_at(),
            subject,
        });
        self.attend();
    }

    /// Puts a pair in the place of the one held.
    pub(super) fn take(&mut self, pair: Pair) {
        self.generation = self.generation.next();
        let Some(session) = self.session.as_deref_mut() else {
            return;
        };
        session.access = Some(AccessToken { generation: self.generation, ..pair.access });
        session.identity = pair.identity;
        session.standing = Standing::Good;
        let ignored = session.refresh.is_some() && self.config.broken(Flaw::RotationIgnored);
        if pair.refresh.is_some() && !ignored {
            session.refresh = pair.refresh;
            session.refresh_ends = pair.refresh_ends;
        }
        self.lost = false;
    }

    /// Takes over what another tab has stored under `order`. `same_session`: the one held goes on.
    pub(super) fn adopt(&mut self, mut session: Box<Session>, order: Order, same_session: bool) {
        self.metrics.adopted += 1;
        self.mark(Mark::Adopted, order.generation.0);
        // What was being stored is not what is held any more.
        self.news = None;
        let before = self.session.take();
        let stranger = before.as_ref().is_some_and(|before| {
            !same_session && !before.is_resuming() && !before.identity.is_same_user(&session.identity)
        });
        let changed = before.as_ref().is_some_and(|before| before.identity.is_other_user(&session.identity));
        if let (Some(before), true) = (before, same_session) {
            session.first = before.first;
            if session.access.is_none() {
                // Stored without its access token: the one held here is as good as before.
                if session.is_resuming() {
                    session.standing = match before.standing {
                        Standing::Refused(_) => Standing::Good,
                        standing => standing,
                    };
                }
                session.access = before.access;
                session.identity = before.identity;
            }
        }
        Order { epoch: self.epoch, generation: self.generation } = order;
        self.session = Some(session);
        self.forget_failures();
        if !same_session {
            self.ground();
        }
        if stranger {
            self.turn_away(ErrorCode::SessionChanged);
        }
        if changed {
            let subject = self.subject();
            self.event(Event::UserChanged { subject });
        }
        self.event(Event::Adopted { generation: self.generation, expires_at: self.expires_at() });
    }

    pub(super) fn sign_out(&mut self, call: CallId, revocation: Revocation) {
        if self.phase == Phase::Disposed {
            return self.fail(call, ErrorCode::Disposed);
        }
        self.wake_dormant();
        if self.session.is_none() {
            // What the store holds, or may hold, of a session goes too.
            let unread = self.desk.late.take().is_some();
            if !core::mem::take(&mut self.desk.leftover) && !unread {
                return self.settle(call, Ok(Settled::Done));
            }
            self.desk.wish();
            self.desk.ended = None;
            self.epoch = self.next_epoch();
            return self.save_for(call, Settled::Done);
        }
        if revocation == Revocation::Revoke {
            self.revoke();
        }
        self.mark(Mark::SignedOut, 0);
        self.desk.wish();
        let epoch = self.next_epoch();
        self.settle_when_saved(call, Settled::Done);
        self.end_session(Refusal::because(EndReason::SignedOut), epoch);
    }

    /// Ends the session and tells so once. The store learns it too, unless it was the store that told.
    pub(super) fn end_session(&mut self, refusal: Arc<Refusal>, epoch: Epoch) {
        let Some(session) = self.session.take() else {
            return;
        };
        self.mark(Mark::SessionEnded, refusal.reason as u64);
        self.desk.ended = Some((session.id, self.epoch));
        self.ground();
        self.forget_failures();
        let unknown = session.standing == Standing::Resuming { hinted: false };
        if unknown && refusal.reason != EndReason::SignedOut {
            // Nobody was signed in as far as anybody knew: what waited goes on as a visitor's, and no session has ended
            // that could come after another.
            return self.turn_away(ErrorCode::SignedOut);
        }
        self.epoch = epoch;
        self.turn_away(ErrorCode::SessionEnded);
        let elsewhere = matches!(refusal.reason, EndReason::SignedOutElsewhere | EndReason::Superseded);
        self.event(Event::SessionEnded(refusal));
        if !elsewhere {
            self.save();
        }
    }

    /// The access token is gone of a session that goes on in another tab: its pair may have come through since the store
    /// was last looked at. Says whether that is being looked for.
    pub(super) fn looks_once_more(&mut self) -> bool {
        let held = self.order();
        let standing = self.session.as_deref().map(|session| &session.standing);
        if !matches!(standing, Some(Standing::Refused(refusal)) if refusal.reason == EndReason::Superseded) {
            return false;
        }
        if self.desk.last_chance.as_deref() != Some(&held) && self.phase == Phase::Running {
            self.desk.last_chance = Some(Box::new(held));
            self.desk.looking = true;
            self.start_read();
        }
        self.desk.looking
    }

    /// Ends a session whose access token is gone and that cannot be refreshed.
    pub(super) fn end_unrefreshable(&mut self) {
        if self.looks_once_more() {
            return;
        }
        let refusal = match self.session.as_deref().map(|session| &session.standing) {
            Some(Standing::Refused(refusal)) => Arc::clone(refusal),
            _ => Refusal::because(EndReason::Expired),
        };
        // Elsewhere the session goes on.
        let superseded = refusal.reason == EndReason::Superseded;
        let epoch = if superseded { self.epoch } else { self.next_epoch() };
        self.end_session(refusal, epoch);
    }

    /// The store has a newer record than there is a pair.
    pub(super) fn fall_behind(&mut self) {
        let held = self.session.as_deref().map(|session| session.id);
        if held.is_none() || held == self.stored_session() {
            return self.supersede();
        }
        // Another session has begun. Its pair will have a higher epoch than this.
        self.revoke_granted();
        self.end_session(Refusal::because(EndReason::SignedOutElsewhere), self.epoch);
        self.drop_writes();
    }

    /// Another tab has newer tokens that cannot be had here: the refresh token held is spent. Nothing is written, the
    /// session goes on elsewhere.
    pub(super) fn supersede(&mut self) {
        self.drop_writes();
        if self.can_refresh() {
            self.mark(Mark::Superseded, self.generation.0);
            self.ground();
            self.conclude_refusal(Refusal::because(EndReason::Superseded));
        }
    }

    /// The tokens that are being stored belong to a session that has ended in another tab: they are all that is left of
    /// it.
    pub(super) fn revoke_granted(&mut self) {
        if matches!(self.step(), Some(Step::Committing)) {
            self.revoke();
        }
    }

    /// Tells the revocation endpoint, if there is one, of the tokens that are held.
    fn revoke(&mut self) {
        if let (Some(endpoint), Some(session)) = (&self.config.revoke, &self.session) {
            let access = session.access.as_ref().map(|access| &access.token);
            let request = HttpRequest::revocation(endpoint, session.refresh.as_ref(), access);
            self.emit(Output::Revoke(request));
        }
    }

    /// Gives up the flight under way. Its answer may still come; nothing is aborted, since the server may have
    /// rotated already.
    pub(super) fn ground(&mut self) {
        self.news = None;
        if let Some(flight) = self.flight.take()
            && let Step::Sending { attempt, .. } = flight.step
        {
            self.abandon(attempt);
        }
    }

    /// An epoch above all that are known, also of a record whose pair is lost.
    pub(super) fn next_epoch(&self) -> Epoch {
        if self.config.broken(Flaw::NoEpoch) {
            return self.epoch;
        }
        let stored = match &self.desk.seen {
            Seen::Record(stamp) => stamp.epoch,
            Seen::Foreign | Seen::Nothing => Epoch(0),
        };
        self.epoch.max(stored).next(self.now.wall)
    }

    pub(super) fn forget_failures(&mut self) {
        self.cooldown = None;
        self.background = None;
        self.breaker = None;
        self.unhelpful = 0;
        self.hold_off = None;
        self.lost = false;
    }

    pub(super) fn start(&mut self) {
        self.mark(Mark::Started, 0);
        self.scheduling = true;
    }

    pub(super) fn stop(&mut self) {
        if self.phase == Phase::Disposed {
            return;
        }
        self.mark(Mark::Stopped, 0);
        self.scheduling = false;
        let Some(flight) = &self.flight else {
            return;
        };
        match (&flight.step, &flight.error) {
            // What the server has decided already is carried out.
            (Step::Committing | Step::Confirming(_), _) => return,
            (Step::Sending { .. }, _) => {
                self.lost = self.session.is_some();
            }
            // The next flight waits as long as this one would have.
            (Step::Waiting { until, hard }, Some(error)) => {
                let (until, hard) = (*until, *hard);
                let error = error.clone();
                self.cooldown = Some(Box::new(Cooldown { until, opens: until, error, hard }));
            }
            _ => {}
        }
        self.ground();
        self.reject_waiters(&TokenError::unavailable(Cause::Stopped));
    }

    pub(super) fn dispose(&mut self) {
        if self.phase == Phase::Disposed {
            return;
        }
        self.mark(Mark::Disposed, 0);
        self.ground();
        self.turn_away(ErrorCode::Disposed);
        self.phase = Phase::Disposed;
        for (_, input) in self.deferred.take() {
            self.apply(input);
        }
        self.settle_saved(usize::MAX);
    }

    /// Settles every waiter with `code`; a request that has its 401 already goes back to its caller with that.
    fn turn_away(&mut self, code: ErrorCode) {
        for waiter in self.waiters.take() {
            match waiter.want {
                Want::Replacement(_) if code != ErrorCode::Disposed => {
                    self.settle(waiter.call, Ok(Settled::Pass))
                }
                _ => self.fail(waiter.call, code),
            }
        }
    }

    pub(super) fn refreshed(&mut self, extras: Option<String>) {
        let generation: Generation = self.generation;
        self.event(Event::Refreshed { generation, expires_at: self.expires_at(), extras });
    }

    pub(super) fn subject(&self) -> Option<Arc<str>> {
        self.session.as_deref().and_then(|session| session.identity.subject.clone())
    }

    pub(super) fn expires_at(&self) -> Option<UnixMillis> {
        let access = self.access()?;
        access.life.ends().map(|ends| ends.wall)
    }
}

impl Session {
    /// Whether `pair` brings nothing new.
    fn holds(&self, pair: &Pair) -> bool {
        let same = |held: &Option<Secret>| match (held, &pair.refresh) {
            (_, None) => true,
            (Some(held), Some(new)) => held.same_as(new),
            (None, Some(_)) => false,
        };
        self.holds_access(pair) && same(&self.refresh)
    }

    fn holds_access(&self, pair: &Pair) -> bool {
        // Of tokens that are cookies nothing can be told.
        let held = self.access.as_ref().filter(|access| !access.token.expose().is_empty());
        held.is_some_and(|access| access.token.same_as(&pair.access.token))
    }
}

impl Identity {
    fn is_older_than(&self, held: &Self) -> bool {
        self.is_same_user(held)
            && matches!((self.issued_at, held.issued_at), (Some(new), Some(old)) if new < old)
    }
}

fn claimed_life(claims: &Claims<'_>) -> Option<i64> {
    Some(claims.expires_at()?.0.saturating_sub(claims.issued_at()?.0))
}
