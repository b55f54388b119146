//! Inputs as numbers in the trail: enough to do again what happened, and nothing of a token or a text.
//!
//! Tokens and users are told apart by numbers, in the order in which they were first seen. `docs/diagnostics.md` describes
//! the format; `tests/engine/replay.rs` reads it.

use alloc::vec;
use alloc::vec::Vec;

use super::answer::{self, Answer, Judgement, Outcome};
use super::challenge;
use super::config::Config;
use super::engine::Engine;
use super::error::Cause;
use super::found::Seen;
use super::input::Input;
use super::metrics::Trail;
use super::notice::Notice;
use super::record::{Record, Stored, StoredSession};
use super::response::{self, ResponseError, TokenResponse};
use super::secret::Secret;
use super::session::Identity;
use super::time::Now;

/// What kind of input a step is. The numbers are part of the diagnostics format; those below are marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Answer = 64,
    Dispose = 65,
    LockDenied = 66,
    LockGranted = 67,
    Need = 68,
    Notice = 69,
    Refresh = 70,
    Replayed = 71,
    Restore = 72,
    SetTokens = 73,
    SignOut = 74,
    Start = 75,
    Stop = 76,
    StoreRead = 77,
    StoreWritten = 78,
    Tick = 79,
    Touch = 80,
    Unauthorized = 81,
    Wake = 82,
    StoreFailed = 83,
}

impl Engine {
    /// Writes `input` into the trail.
    pub(super) fn note(&mut self, now: Now, input: &Input) {
        if self.config.trail == 0 {
            return;
        }
        let numbers = vec![now.mono.millis() as i64, Kind::of(input) as i64, now.wall.0];
        let mut note = Note { numbers, trail: &mut self.trail, config: &self.config };
        if matches!(input, Input::Restore) {
            // Nothing has been drawn before the first input.
            note.long(self.jitter.state());
        }
        note.input(input);
        let numbers = note.numbers;
        self.trail.push(numbers, self.config.trail);
    }
}

impl Kind {
    fn of(input: &Input) -> Self {
        match input {
            Input::Answer { .. } => Self::Answer,
            Input::Dispose => Self::Dispose,
            Input::LockDenied(_) => Self::LockDenied,
            Input::LockGranted(_) => Self::LockGranted,
            Input::Need { .. } => Self::Need,
            Input::Notice(_) => Self::Notice,
            Input::Refresh { .. } => Self::Refresh,
            Input::Replayed { .. } => Self::Replayed,
            Input::Restore => Self::Restore,
            Input::SetTokens { .. } => Self::SetTokens,
            Input::SignOut { .. } => Self::SignOut,
            Input::Start => Self::Start,
            Input::Stop => Self::Stop,
            Input::StoreFailed(_) => Self::StoreFailed,
            Input::StoreRead { .. } => Self::StoreRead,
            Input::StoreWritten { .. } => Self::StoreWritten,
            Input::Tick => Self::Tick,
            Input::Touch => Self::Touch,
            Input::Unauthorized { .. } => Self::Unauthorized,
            Input::Wake(_) => Self::Wake,
        }
    }
}

/// A step in the making.
struct Note<'a> {
    numbers: Vec<i64>,
    trail: &'a mut Trail,
    config: &'a Config,
}

impl Note<'_> {
    fn input(&mut self, input: &Input) {
        match input {
            Input::Answer { attempt, outcome } => {
                self.add(attempt.0.into());
                self.outcome(outcome);
            }
            Input::LockDenied(lock) | Input::LockGranted(lock) => self.add(lock.0.into()),
            Input::Need { min_validity, .. } => self.add(min_validity.0 as i64),
            Input::Notice(message) => {
                let notice = Notice::decode(message);
                self.maybe(notice.map(|notice| notice.epoch.0 as i64));
                self.maybe(notice.map(|notice| notice.generation.0 as i64));
            }
            Input::Refresh { urgency, .. } => self.add(*urgency as i64),
            Input::Replayed { generation, reception } => {
                self.add(generation.0 as i64);
                self.add(*reception as i64);
            }
            Input::SetTokens { response, session, .. } => {
                self.add(*session as i64);
                self.handed_over(response);
            }
            Input::SignOut { revocation, .. } => self.add(*revocation as i64),
            Input::StoreFailed(op) => self.add(op.0.into()),
            Input::StoreRead { op, text, fence } => {
                self.add(op.0.into());
                self.stored(text.as_ref());
                self.stored(fence.as_ref());
            }
            Input::StoreWritten { op, stored } => {
                self.add(op.0.into());
                self.add(*stored as i64);
            }
            Input::Unauthorized { generation, challenge, .. } => {
                self.add(generation.0 as i64);
                self.add(challenge.as_deref().is_some_and(challenge::forbids_refresh).into());
            }
            Input::Wake(wake) => self.add(*wake as i64),
            Input::Dispose | Input::Restore | Input::Start | Input::Stop | Input::Tick | Input::Touch => {}
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Unreachable => self.add(0),
            Outcome::Answered(answer) => {
                self.add(1);
                self.answer(answer);
            }
            Outcome::Ended => self.add(2),
            Outcome::Failed { status, retry_after } => {
                self.add(3);
                self.maybe(status.map(i64::from));
                self.maybe(retry_after.as_deref().and_then(answer::time_asked_for));
            }
        }
    }

    fn answer(&mut self, answer: &Answer) {
        self.add(answer.status.into());
        self.maybe(answer.server_time().map(|time| time.0));
        self.maybe(answer.retry_after.as_deref().and_then(answer::time_asked_for));
        match answer.judge(&self.config.fields, self.config.access_in_cookie) {
            Judgement::Transient { .. } => self.add(0),
            Judgement::Refused { .. } => self.add(1),
            Judgement::Misconfigured { oauth_error } => {
                self.add(if oauth_error.as_deref() == Some("invalid_request") { 3 } else { 2 });
            }
            Judgement::Granted(response) => {
                self.add(4);
                self.response(&response);
            }
            Judgement::UnsupportedTokenType { refresh } => {
                self.add(5);
                self.token(refresh.as_ref());
            }
        }
    }

    fn handed_over(&mut self, text: &Secret) {
        let (fields, in_cookie) = (&self.config.login_fields, self.config.access_in_cookie);
        match response::parse(text.expose(), fields, in_cookie) {
            Ok(response) => {
                self.add(0);
                self.response(&response);
            }
            Err(ResponseError::Unusable) => self.add(1),
            Err(ResponseError::UnsupportedTokenType(_)) => self.add(2),
        }
    }

    fn response(&mut self, response: &TokenResponse) {
        self.token(response.access.as_ref());
        self.token(response.refresh.as_ref());
        self.maybe(response.expires_in);
        self.maybe(response.expires_at.map(|time| time.0));
        self.maybe(response.refresh_expires_in);
    }

    fn stored(&mut self, text: Option<&Secret>) {
        let Some(text) = text else {
            return self.add(0);
        };
        let stored = Record::decode(text.expose(), &self.config.name);
        let is_ours = matches!(Seen::of(&stored, Some(text)), Seen::Record(_));
        match stored {
            Stored::Nothing => self.add(1),
            Stored::Newer => self.add(2),
            Stored::Record(record) => {
                self.add(if is_ours { 3 } else { 4 });
                self.record(&record);
            }
        }
    }

    fn record(&mut self, record: &Record) {
        self.add(record.epoch.0 as i64);
        self.add(record.generation.0 as i64);
        self.add(record.claim.is_some().into());
        if let Some(claim) = &record.claim {
            self.long(claim.owner);
            self.add(claim.hold as i64);
            self.add(claim.at.0);
            self.add(claim.life.0 as i64);
        }
        self.add(record.cooldown.is_some().into());
        if let Some(cooldown) = record.cooldown {
            self.add(cooldown.at.0);
            self.add(cooldown.life.0.min(i64::MAX as u64) as i64);
            self.add(Cause::ALL.iter().position(|cause| *cause == cooldown.cause).unwrap_or(0) as i64);
        }
        self.maybe(record.offset);
        self.add(record.session.is_some().into());
        if let Some(session) = &record.session {
            self.session(session);
        }
    }

    fn session(&mut self, session: &StoredSession) {
        self.long(session.id.number());
        self.add(session.refused.into());
        self.add(session.lost.into());
        self.token(session.refresh.as_ref());
        self.maybe(session.refresh_ends.map(|time| time.0));
        self.add(session.access.is_some().into());
        if let Some(access) = &session.access {
            self.token(Some(&access.token));
            self.add(access.received.0);
            self.maybe(access.life.map(|life| life.0 as i64));
        }
    }

    /// Which token it is, whose, and the times that it names; 0 when there is none.
    fn token(&mut self, token: Option<&Secret>) {
        let Some(token) = token.filter(|token| !token.expose().is_empty()) else {
            return self.add(0);
        };
        let (identity, claims) = Identity::of(token);
        let which = self.trail.token(token);
        self.add(which);
        let whose = self.trail.user(&identity);
        self.add(whose);
        self.maybe(claims.issued_at().map(|time| time.0));
        self.maybe(claims.expires_at().map(|time| time.0));
    }

    /// 1 and the number, or 0.
    #[inline(never)]
    fn maybe(&mut self, number: Option<i64>) {
        self.add(number.is_some().into());
        if let Some(number) = number {
            self.add(number);
        }
    }

    /// JavaScript's numbers hold 53 bits.
    #[inline(never)]
    fn long(&mut self, number: u64) {
        self.add((number >> 32) as i64);
        self.add((number & 0xffff_ffff) as i64);
    }

    #[inline(never)]
    fn add(&mut self, number: i64) {
        self.numbers.push(number);
    }
}
