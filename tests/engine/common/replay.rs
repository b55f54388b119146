//! A trail does again what it tells of: its inputs are made up from their numbers and given to a new engine.

use evertoken::engine::Engine;
use evertoken::engine::answer::{Answer, Outcome, Ruling};
use evertoken::engine::claim::{Claim, Hold};
use evertoken::engine::config::Config;
use evertoken::engine::error::Cause;
use evertoken::engine::ids::{AttemptId, CallId, Epoch, Generation, LockId, SessionId, StoreOp};
use evertoken::engine::input::{Input, Reception, Revocation, SessionMode, Stored, Urgency, Wake};
use evertoken::engine::note::Kind;
use evertoken::engine::notice::Notice;
use evertoken::engine::record::{Record, StoredAccess, StoredCooldown, StoredSession};
use evertoken::engine::response::Fields;
use evertoken::engine::secret::Secret;
use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};

use super::perform::kind;
use super::server::{answer, http_date, jwt_of};
use super::world::World;

/// What a replayed engine has done.
#[derive(Debug, PartialEq, Eq)]
pub struct Replayed {
    pub steps: Vec<Vec<i64>>,
    /// What kind each output was of.
    pub trace: Vec<&'static str>,
}

/// Does again what `steps` tell of, which begin with the first input. `config` is what the engine had.
pub fn replay(config: &Config, steps: &[Vec<i64>]) -> Replayed {
    // Answers are made up in the usual spelling.
    let config = Config { fields: Fields::default(), login_fields: Fields::default(), ..config.clone() };
    let restore = &steps[0];
    assert_eq!(restore[1], Kind::Restore as i64, "the beginning is lost: {restore:?}");
    let mut engine = Engine::new(config.clone(), Reader(&restore[3..]).long());
    let mut trace = Vec::new();
    for step in steps.iter().filter(|step| step[1] >= Kind::Answer as i64) {
        let now = Now { mono: Mono::new(step[0] as u64), wall: UnixMillis(step[2]) };
        engine.handle(now, Reader(&step[3..]).input(step[1], &config.name));
        while let Some(output) = engine.poll_output() {
            trace.push(kind(&output));
        }
    }
    Replayed { steps: steps_of(&engine), trace }
}

pub fn steps_of(engine: &Engine) -> Vec<Vec<i64>> {
    engine.trail().steps().map(<[i64]>::to_vec).collect()
}

impl World {
    /// The trail of this page, done again, comes to the same steps and outputs.
    #[track_caller]
    pub fn expect_replay(&self, name: &str) {
        let steps = steps_of(&self.engine);
        let replayed = replay(&self.config, &steps);
        for (at, (again, step)) in replayed.steps.iter().zip(&steps).enumerate() {
            assert_eq!(again, step, "{name}: step {at}, after {:?}", &steps[at.saturating_sub(8)..at]);
        }
        assert_eq!(replayed.steps.len(), steps.len(), "{name}");
        assert_eq!(replayed.trace, self.trace, "{name}");
    }
}

/// The details of a step that are still to be read.
struct Reader<'a>(&'a [i64]);

impl Reader<'_> {
    fn input(mut self, code: i64, name: &str) -> Input {
        let call = CallId(1);
        match KINDS.into_iter().find(|kind| *kind as i64 == code).expect("a kind of input") {
            Kind::Answer => Input::Answer { attempt: AttemptId(self.next() as u32), outcome: self.outcome() },
            Kind::Dispose => Input::Dispose,
            Kind::LockDenied => Input::LockDenied(LockId(self.next() as u32)),
            Kind::LockGranted => Input::LockGranted(LockId(self.next() as u32)),
            Kind::Need => Input::Need { call, min_validity: Millis(self.next() as u64) },
            Kind::Notice => Input::Notice(self.notice()),
            Kind::Refresh => {
                Input::Refresh { call, urgency: self.one_of(&[Urgency::Forced, Urgency::Normal]) }
            }
            Kind::Replayed => Input::Replayed {
                generation: Generation(self.next() as u64),
                reception: self.one_of(&[Reception::Accepted, Reception::Rejected]),
            },
            Kind::Restore => Input::Restore,
            Kind::SetTokens => {
                let session = self.one_of(&[SessionMode::Auto, SessionMode::New, SessionMode::Same]);
                Input::SetTokens { call, response: Secret::new(self.handed_over()), session }
            }
            Kind::SignOut => {
                Input::SignOut { call, revocation: self.one_of(&[Revocation::Revoke, Revocation::Skip]) }
            }
            Kind::StoreFailed => Input::StoreFailed(StoreOp(self.next() as u32)),
            Kind::Start => Input::Start,
            Kind::Stop => Input::Stop,
            Kind::StoreRead => {
                let op = StoreOp(self.next() as u32);
                let (text, fence) = (self.stored(name), self.stored(name));
                Input::StoreRead { op, text: text.map(Secret::new), fence: fence.map(Secret::new) }
            }
            Kind::StoreWritten => {
                let op = StoreOp(self.next() as u32);
                let stored = self.one_of(&[Stored::Conflict, Stored::Durably, Stored::Failed]);
                Input::StoreWritten { op, stored }
            }
            Kind::Tick => Input::Tick,
            Kind::Touch => Input::Touch,
            Kind::Unauthorized => {
                let generation = Generation(self.next() as u64);
                let challenge = (self.next() == 1).then(|| r#"Bearer error="insufficient_scope""#.into());
                Input::Unauthorized { call, generation, challenge }
            }
            Kind::Wake => Input::Wake(self.one_of(&[Wake::Focus, Wake::Hidden, Wake::Online, Wake::Shown])),
        }
    }

    fn notice(&mut self) -> String {
        let numbers = self.maybe().zip(self.maybe());
        let notice = numbers.map(|(epoch, generation)| Notice {
            epoch: Epoch(epoch as u64),
            generation: Generation(generation as u64),
        });
        notice.map_or_else(|| "no message of ours".into(), |notice| notice.encode())
    }

    fn outcome(&mut self) -> Outcome {
        match self.next() {
            0 => Outcome::Unreachable,
            1 => Outcome::Answered(self.answer()),
            2 => Outcome::Ended,
            _ => {
                Outcome::Failed { status: self.maybe().map(|status| status as u16), retry_after: self.time() }
            }
        }
    }

    fn answer(&mut self) -> Answer {
        let status = self.next() as u16;
        let date = self.maybe().map(http_date);
        let retry_after = self.time();
        let (body, ruling) = match self.next() {
            0 => (String::new(), Some(Ruling::Transient)),
            1 => (String::new(), Some(Ruling::Terminal)),
            2 => (r#"{"error":"invalid_client"}"#.into(), None),
            3 => (r#"{"error":"invalid_request"}"#.into(), None),
            4 => (self.response(), None),
            _ => (format!(r#"{{"token_type":"DPoP"{}}}"#, self.token("refresh_token")), None),
        };
        Answer { date, retry_after, ruling, ..answer(status, &body) }
    }

    fn handed_over(&mut self) -> String {
        match self.next() {
            0 => self.response(),
            1 => String::new(),
            _ => r#"{"access_token":"other","token_type":"DPoP"}"#.into(),
        }
    }

    fn response(&mut self) -> String {
        let mut body = String::from(r#"{"token_type":"Bearer""#);
        body += &self.token("access_token");
        body += &self.token("refresh_token");
        for name in ["expires_in", "expires_at", "refresh_expires_in"] {
            body += &self.maybe().map(|number| member(name, number)).unwrap_or_default();
        }
        body + "}"
    }

    fn stored(&mut self, name: &str) -> Option<String> {
        match self.next() {
            0 => None,
            1 => Some("nothing of ours".into()),
            2 => Some(r#"{"schema":2}"#.into()),
            3 => Some(self.record(name)),
            _ => Some(self.record(name).replacen('{', "{ ", 1)),
        }
    }

    fn record(&mut self, name: &str) -> String {
        let record = Record {
            name: name.into(),
            epoch: Epoch(self.next() as u64),
            generation: Generation(self.next() as u64),
            claim: (self.next() == 1).then(|| {
                Box::new(Claim {
                    owner: self.long(),
                    hold: self.one_of(&[Hold::Alone, Hold::Locked]),
                    at: UnixMillis(self.next()),
                    life: Millis(self.next() as u64),
                })
            }),
            cooldown: (self.next() == 1).then(|| StoredCooldown {
                at: UnixMillis(self.next()),
                life: Millis(self.next() as u64),
                cause: self.one_of(&Cause::ALL),
            }),
            offset: self.maybe(),
            session: (self.next() == 1).then(|| self.session()),
        };
        record.encode().expose().to_owned()
    }

    fn session(&mut self) -> StoredSession {
        StoredSession {
            id: SessionId::new(self.long()),
            refused: self.next() == 1,
            lost: self.next() == 1,
            refresh: self.secret().map(Secret::new),
            refresh_ends: self.maybe().map(UnixMillis),
            access: (self.next() == 1).then(|| StoredAccess {
                token: Secret::new(self.secret().unwrap_or_default()),
                received: UnixMillis(self.next()),
                life: self.maybe().map(|life| Millis(life as u64)),
            }),
        }
    }

    /// A token as the member `name` of an object, if there is one.
    fn token(&mut self, name: &str) -> String {
        self.secret().map(|token| format!(r#","{name}":"{token}""#)).unwrap_or_default()
    }

    fn secret(&mut self) -> Option<String> {
        let which = self.next();
        if which == 0 {
            return None;
        }
        let (whose, issued, expires) = (self.next(), self.maybe(), self.maybe());
        if (whose, issued, expires) == (0, None, None) {
            return Some(format!("token-{which}"));
        }
        let whose = if whose == 0 { String::new() } else { format!(r#","iss":"issuer","sub":"{whose}""#) };
        let issued = issued.map(|at| member("iat", at)).unwrap_or_default();
        let expires = expires.map(|at| member("exp", at)).unwrap_or_default();
        Some(jwt_of(&format!(r#"{{"n":{which}{whose}{issued}{expires}}}"#)))
    }

    fn time(&mut self) -> Option<String> {
        let asked = self.maybe()?;
        Some(if asked < 0 { http_date(-asked) } else { asked.to_string() })
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next() as usize]
    }

    fn maybe(&mut self) -> Option<i64> {
        (self.next() == 1).then(|| self.next())
    }

    fn long(&mut self) -> u64 {
        (self.next() as u64) << 32 | self.next() as u64
    }

    fn next(&mut self) -> i64 {
        let (first, rest) = self.0.split_first().expect("one more number");
        self.0 = rest;
        *first
    }
}

/// A number that counts seconds, told in milliseconds.
fn member(name: &str, millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!(r#","{name}":{sign}{}.{:03}"#, millis / 1_000, millis % 1_000)
}

const KINDS: [Kind; 20] = [
    Kind::Answer,
    Kind::Dispose,
    Kind::LockDenied,
    Kind::LockGranted,
    Kind::Need,
    Kind::Notice,
    Kind::Refresh,
    Kind::Replayed,
    Kind::Restore,
    Kind::SetTokens,
    Kind::SignOut,
    Kind::Start,
    Kind::Stop,
    Kind::StoreFailed,
    Kind::StoreRead,
    Kind::StoreWritten,
    Kind::Tick,
    Kind::Touch,
    Kind::Unauthorized,
    Kind::Wake,
];
