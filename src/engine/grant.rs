//! New tokens, and answers that come too late.

use alloc::boxed::Box;
use alloc::string::String;

use super::answer::{Answer, Judgement, Outcome};
use super::broken::Flaw;
use super::endpoint::HttpRequest;
use super::engine::Engine;
use super::error::{Cause, Failure};
use super::flight::{Flight, Step};
use super::ids::AttemptId;
use super::metrics::Mark;
use super::output::{Event, Output, Reason};
use super::record::StoredCooldown;
use super::response::{self, TokenResponse};
use super::secret::Secret;
use super::session::{AccessToken, Identity, Session};
use super::sessions::Pair;
use super::time::{Millis, Now};

impl Engine {
    /// New tokens have come, to a request that was sent at `sent`.
    pub(super) fn grant(&mut self, response: TokenResponse, sent: Now) {
        // A server may repeat the old tokens too, and where it gives no new refresh token the old one is alive.
        let held = self.session.as_deref().map(Session::tokens).unwrap_or_default();
        let extras = response.extras.as_deref().and_then(|extras| response::without(extras, held));
        // An answer that lay while the page was frozen or the machine slept is older than its receipt. The wall clock may
        // have been set back meanwhile.
        let is_late = self.is_late(sent);
        let flown = self.now.mono.since(sent.mono).0 as i64;
        let asked = Now { wall: sent.wall.min(self.now.wall.shifted(-flown)), ..sent };
        let mut pair = self.pair(response, if is_late { asked } else { self.now });
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
            if is_late {
                return self.on_failure(Failure::unavailable(Cause::Timeout), true, None);
            }
            self.metrics.failed += 1;
            return self.fail_flight(Failure::unavailable(Cause::BadResponse), true, None);
        }
        self.cooldown = None;
        self.background = None;
        self.metrics.refreshed += 1;
        if let Some(flight) = self.flight.as_mut() {
            flight.step = Step::Committing;
            self.metrics.proactive += u32::from(flight.reason == Reason::Scheduled);
        }
        self.news = Some(Box::new((resumed, extras)));
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
        match self.news.take().map(|news| *news) {
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

    /// The access token is of no use, but the refresh token that came with it has taken the place of the old one.
    pub(super) fn keep_rotated(&mut self, refresh: Option<Secret>) {
        let refresh = refresh.filter(|_| !self.config.refresh_in_cookie());
        if let (Some(refresh), Some(session)) = (refresh, self.session.as_deref_mut()) {
            self.generation = self.generation.next();
            session.refresh = Some(refresh);
            self.lost = false;
            self.save();
        }
    }

    /// An answer to an attempt that was given up, or to none.
    pub(super) fn on_stray_answer(&mut self, id: AttemptId, outcome: Outcome) {
        self.metrics.stray += 1;
        self.mark(Mark::StrayAnswer, u64::from(id.0));
        let Some(at) = self.abandoned.iter().position(|attempt| attempt.id == id) else {
            return;
        };
        let attempt = self.abandoned.remove(at);
        let Outcome::Answered(answer) = outcome else {
            return;
        };
        self.time(attempt);
        let judgement = answer.judge(&self.config.fields, self.config.access_in_cookie);
        self.learn_offset(&answer, &judgement, attempt.sent);
        // Of a refusal that came meanwhile it is the better word.
        let is_current = self.session.is_some() && attempt.order == self.order();
        let Judgement::Granted(response) = judgement else {
            if let Some(asked) = self.asked_by(&answer).filter(|_| is_current) {
                self.heed_late(asked, &answer);
            }
            return;
        };
        if is_current {
            if let Some(Step::Sending { attempt, .. }) = self.step() {
                let id = attempt.id;
                self.emit(Output::Abort(id));
            }
            let reason = self.flight.as_ref().map_or(Reason::Scheduled, |flight| flight.reason);
            self.flight.get_or_insert_with(|| Box::new(Flight::new(reason, Step::Committing)));
            self.grant(response, attempt.sent);
        } else if self.config.broken(Flaw::AnswerAfterSignOut) && self.session.is_none() {
            let pair = self.pair(response, self.now);
            self.grant_to_other_user(pair);
        } else if (self.session.is_none() || attempt.order.epoch != self.epoch)
            && (response.refresh.is_some() || self.session.is_none() && self.config.refresh_in_cookie())
            && let Some(endpoint) = &self.config.revoke
        {
            // Signed out meanwhile: what the server has just made is the only live token of that session. A cookie
            // that came with it would sign the browser in again; unless that is somebody else's by now.
            let request =
                HttpRequest::revocation(endpoint, response.refresh.as_ref(), response.access.as_ref());
            self.emit(Output::Revoke(request));
        }
    }

    /// An answer to an attempt that was given up asks for time.
    fn heed_late(&mut self, asked: Millis, answer: &Answer) {
        let cause = if answer.status == 429 { Cause::RateLimited } else { Cause::ServerError };
        self.heed(StoredCooldown { at: self.now.wall, life: asked, cause });
        // Beside an attempt that flies it is kept for what comes after that one.
        let Some(&Step::Waiting { until, .. }) = self.step() else {
            return;
        };
        // A wait that is longer than asked stays as it is, and may be shortened down to what was asked.
        if let Some(cooldown) = self.cooldown.take_if(|cooldown| until < cooldown.until) {
            self.put_off(cooldown.until, cooldown.error, cooldown.hard);
        }
    }

    /// The server's clock is seen in its `Date` header, else in the `iat` of a token that it has just made.
    pub(super) fn learn_offset(&mut self, answer: &Answer, judgement: &Judgement, sent: Now) {
        if self.is_late(sent) {
            return;
        }
        let made = match judgement {
            Judgement::Granted(response) => response.access.as_ref().filter(|access| !self.holds(access)),
            _ => None,
        };
        let issued = || Identity::of(made?).0.issued_at;
        if let Some(server) = answer.server_time().or_else(issued) {
            // Both count whole seconds: on average half of one has passed.
            let midpoint = sent.wall.0 / 2 + self.now.wall.0 / 2;
            self.offset = Some(server.0.saturating_add(HALF_A_SECOND).saturating_sub(midpoint));
        }
    }

    /// Whether more time has passed since `sent`, by either clock, than an attempt may take.
    fn is_late(&self, sent: Now) -> bool {
        let timeout = self.attempt_timeout();
        self.now.mono.since(sent.mono) > timeout || self.now.wall.since(sent.wall) > timeout
    }

    fn holds(&self, access: &Secret) -> bool {
        self.access().is_some_and(|held| held.token.same_as(access))
    }
}

/// What a granted refresh will tell once it is stored: whether it resumed a session, and the extras.
pub(super) type News = (bool, Option<String>);

const HALF_A_SECOND: i64 = 500;
/// A life that is longer by less is the same one, seen through rounding and latency.
const RENEWED: Millis = Millis::from_secs(2);
/// How long a refresh is put off that brought the same token again.
const PUT_OFF: Millis = Millis::from_secs(30);
const PUT_OFF_CAP: Millis = Millis::from_secs(16 * 60);
