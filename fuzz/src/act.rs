//! How the events of a sequence become inputs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use evertoken::engine::answer::{Answer, Outcome};
use evertoken::engine::claim::{Claim, Hold};
use evertoken::engine::error::Cause;
use evertoken::engine::ids::{AttemptId, Epoch, Generation, LockId, SessionId, StoreOp};
use evertoken::engine::input::{Input, Reception, Revocation, SessionMode, Stored, Urgency, Wake};
use evertoken::engine::notice::Notice;
use evertoken::engine::output::Write;
use evertoken::engine::record::{self, Record, StoredAccess, StoredCooldown, StoredSession};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::{Millis, Mono, UnixMillis};
use evertoken::engine::{Config, Options};

use crate::driver::{CANARY, Driver, Prompt};
use crate::sequence::{
    Act, Beside, Body, Call, CheckInterval, Fate, Found, Left, Mode, Page, Passing, Reply, Sequence, Setup,
    Source, StoreKind, Tabs, Wait,
};

impl Sequence {
    /// Runs the sequence; panics when a promise is broken.
    pub fn run(self) {
        let prompt = Prompt {
            store: self.setup.store == StoreKind::Prompt,
            lock: self.setup.tabs == Tabs::PromptLocks,
        };
        let driver = Driver::new(self.setup.config(), u64::from(self.setup.seed), prompt);
        let mut run = Run { driver, made: 0 };
        run.driver.handle(Input::Restore);
        for step in self.steps {
            run.pass(step.passing);
            run.act(step.act);
        }
        run.driver.dispose();
        for step in self.after {
            run.pass(step.passing);
            run.act(step.act);
        }
        run.driver.dispose();
    }
}

impl Setup {
    fn config(&self) -> Config {
        let mut options = Options::default();
        let texts: &[(&str, &str)] = match self.source {
            Source::Body => &[("refresh.kind", "endpoint"), ("revoke.url", "/revoke")],
            Source::Callback => &[("refresh.kind", "callback"), ("persist", "refresh")],
            Source::Cookie => &[
                ("refresh.kind", "endpoint"),
                ("refresh.tokenIn", "cookie"),
                ("refresh.credentials", "same-origin"),
            ],
            Source::Nowhere => &[("refresh.kind", "none")],
        };
        for (option, value) in [("refresh.url", "/refresh")].iter().chain(texts) {
            options.text(option, (*value).to_owned()).expect("an option");
        }
        let interval: &[_] = match self.check_interval {
            CheckInterval::Default => &[],
            CheckInterval::Off => &[("checkInterval", 0.0)],
            CheckInterval::Short => &[("checkInterval", 300.0)],
        };
        let tabs: &[_] = match self.tabs {
            Tabs::Alone => &[],
            Tabs::Claims => &[("shared", 1.0)],
            Tabs::LocksApart => &[("shared", 1.0), ("lock", 1.0), ("apart", 1.0)],
            Tabs::PromptLocks => &[("shared", 1.0), ("lock", 1.0)],
        };
        for (option, value) in interval.iter().chain(tabs) {
            options.number(option, *value).expect("an option");
        }
        options.into_config().expect("options")
    }
}

struct Run {
    driver: Driver,
    /// Tokens made so far.
    made: u32,
}

impl Run {
    fn pass(&mut self, passing: Passing) {
        let now = self.driver.now;
        let (mono, wall) = match passing {
            Passing::Due => {
                let by = self.driver.armed.map_or(Millis::ZERO, |at| at.since(now.mono));
                (now.mono.after(by), now.wall.after(by))
            }
            Passing::Millis(by) => (now.mono.after(Millis(by.into())), now.wall.after(Millis(by.into()))),
            Passing::Seconds(by) => {
                let by = Millis::from_secs(by.into());
                (now.mono.after(by), now.wall.after(by))
            }
            Passing::Stand => (now.mono, now.wall),
            Passing::Asleep(by) => (now.mono, now.wall.after(Millis(by.into()))),
            // At the very end of the clock every deadline has come.
            Passing::SetMono(mono) => (Mono::new(mono / 2), now.wall),
            Passing::SetWall(wall) => (now.mono, UnixMillis(wall)),
        };
        self.driver.now.mono = mono;
        self.driver.now.wall = wall;
    }

    fn act(&mut self, act: Act) {
        let input = match act {
            Act::Answer { back, reply } => {
                let at = self.driver.attempts.iter().rev().cycle().nth(back.into()).cloned();
                let (attempt, sent) = at.unwrap_or((AttemptId(u32::from(back)), None));
                Input::Answer { attempt, outcome: self.outcome(reply, sent) }
            }
            Act::Call(call) => self.call(call),
            Act::Lock { granted } => match self.driver.take_lock() {
                Some(lock) if granted => Input::LockGranted(lock),
                lock => Input::LockDenied(lock.unwrap_or(LockId(0))),
            },
            Act::Notice { order, text } => Input::Notice(text.unwrap_or_else(|| {
                let epoch = Epoch(order.of(self.held_epoch()));
                Notice { epoch, generation: Generation(order.of(self.driver.generation.0)) }.encode()
            })),
            Act::Replayed { back, accepted } => Input::Replayed {
                generation: self.generation(back),
                reception: if accepted { Reception::Accepted } else { Reception::Rejected },
            },
            Act::Start => Input::Start,
            Act::Stop => Input::Stop,
            Act::Read { back, found } => {
                let op = self.driver.reads.iter().rev().cycle().nth(back.into()).copied();
                let op = op.unwrap_or(StoreOp(u32::from(back)));
                self.driver.reads.retain(|other| *other != op);
                let (text, fence) = self.found(found);
                Input::StoreRead { op, text, fence }
            }
            Act::Written { back, fate } => {
                let at =
                    self.driver.writes.len().checked_sub(1).map(|last| last - usize::from(back) % (last + 1));
                let written = at.map(|at| self.driver.writes.remove(at));
                let (op, write) = match written {
                    Some((op, write)) => (op, Some(write)),
                    None => (StoreOp(u32::from(back)), None),
                };
                Input::StoreWritten { op, stored: self.written(write, fate) }
            }
            Act::Touch => Input::Touch,
            Act::Tick => Input::Tick,
            Act::Wake(page) => Input::Wake(match page {
                Page::Focus => Wake::Focus,
                Page::Hidden => Wake::Hidden,
                Page::Online => Wake::Online,
                Page::Shown => Wake::Shown,
            }),
        };
        self.driver.handle(input);
    }

    fn call(&mut self, call: Call) -> Input {
        let id = self.driver.new_call();
        match call {
            Call::Need { seconds } => {
                Input::Need { call: id, min_validity: Millis::from_secs(seconds.into()) }
            }
            Call::Refresh { forced } => {
                Input::Refresh { call: id, urgency: if forced { Urgency::Forced } else { Urgency::Normal } }
            }
            Call::SetTokens { body, mode } => Input::SetTokens {
                call: id,
                response: Secret::new(self.body(body, None)),
                session: match mode {
                    Mode::Auto => SessionMode::Auto,
                    Mode::New => SessionMode::New,
                    Mode::Same => SessionMode::Same,
                },
            },
            Call::SignOut { revoke } => {
                let revocation = if revoke { Revocation::Revoke } else { Revocation::Skip };
                Input::SignOut { call: id, revocation }
            }
            Call::Unauthorized { back, out_of_scope } => Input::Unauthorized {
                call: id,
                generation: self.generation(back),
                challenge: out_of_scope.then(|| r#"Bearer error="insufficient_scope""#.to_owned()),
            },
        }
    }

    fn generation(&self, back: u8) -> Generation {
        Generation(self.driver.generation.0.saturating_sub(back.into()))
    }

    fn outcome(&mut self, reply: Reply, sent: Option<Secret>) -> Outcome {
        let sent = sent.as_ref().map(Secret::expose);
        let answer = match reply {
            Reply::Ended => return Outcome::Ended,
            Reply::Failed { status, wait } => {
                return Outcome::Failed { status, retry_after: wait.map(Wait::header) };
            }
            Reply::Granted(body) => {
                Answer { status: 200, body: Secret::new(self.body(body, sent)), ..Answer::default() }
            }
            Reply::Http { status, body, wait, dated } => Answer {
                status: status % 600,
                body: Secret::new(self.body(body, sent)),
                date: dated.then(|| DATE.to_owned()),
                request_id: sent.map(str::to_owned),
                retry_after: wait.map(Wait::header),
                ..Answer::default()
            },
            Reply::Refused => Answer {
                status: 400,
                body: Secret::new(self.body(Body::Error(u8::MAX), sent)),
                ..Answer::default()
            },
            Reply::Unreachable => return Outcome::Unreachable,
        };
        Outcome::Answered(answer)
    }

    /// `sent`: the refresh token that this answers.
    fn body(&mut self, body: Body, sent: Option<&str>) -> String {
        match body {
            Body::Error(number) => {
                let code = ERRORS.get(usize::from(number)).copied().or(sent).unwrap_or_default();
                format!(r#"{{"error":"{code}"}}"#)
            }
            Body::Pair { user, jwt, life, refresh, same, echo } => {
                self.made += u32::from(!same);
                let access = access_token(user % 3, self.made, jwt);
                let mut body = format!(r#"{{"access_token":"{access}""#);
                if let Some(life) = life {
                    body += &format!(r#","expires_in":{life}"#);
                }
                if refresh {
                    body += &format!(r#","refresh_token":"{}""#, refresh_token(self.made));
                }
                if let (true, Some(sent)) = (echo, sent) {
                    body += &format!(r#","replaces":"{sent}""#);
                }
                body + "}"
            }
            Body::Text(text) => text,
        }
    }

    fn written(&mut self, write: Option<Write>, fate: Fate) -> Stored {
        let Some(write) = write else { return Stored::Durably };
        match fate {
            Fate::Compared => self.driver.store.write(write),
            Fate::Conflict => Stored::Conflict,
            Fate::Failed => Stored::Failed,
            Fate::Silent => {
                self.driver.store.put(write);
                Stored::Failed
            }
        }
    }

    fn found(&mut self, found: Found) -> (Option<Secret>, Option<Secret>) {
        match found {
            Found::Held => {}
            Found::Nothing => return (None, None),
            Found::Record(left) => self.leave(left),
            Found::Text(text) => return (Some(Secret::new(text.clone())), Some(Secret::new(text))),
        }
        (self.driver.store.text.clone(), self.driver.store.fence.clone())
    }

    /// Another tab writes a record.
    fn leave(&mut self, left: Left) {
        self.made += 1;
        let wall = self.driver.now.wall;
        let record = Record {
            name: "default".to_owned(),
            epoch: Epoch(left.epoch.of(self.held_epoch())),
            generation: Generation(left.generation.of(self.driver.generation.0)),
            claim: left.claim.map(|(ago, locked)| {
                Box::new(Claim {
                    owner: 7,
                    hold: if locked { Hold::Locked } else { Hold::Alone },
                    at: wall.shifted(-i64::from(ago) * 1_000),
                    life: Millis(12_000),
                })
            }),
            cooldown: left.cooldown.map(|wait| StoredCooldown {
                at: wall,
                life: Millis::from_secs(wait.into()),
                cause: Cause::RateLimited,
            }),
            offset: None,
            session: left.session.map(|id| StoredSession {
                id: SessionId::new(id.into()),
                refresh: left.refresh.then(|| Secret::new(refresh_token(self.made))),
                refresh_ends: None,
                access: left.access.then(|| StoredAccess {
                    token: Secret::new(access_token(id % 3, self.made, true)),
                    received: wall,
                    life: Some(Millis::from_secs(900)),
                }),
                refused: left.refused,
                lost: left.lost,
            }),
        };
        if !left.half {
            self.driver.store.text = Some(record.encode());
        }
        self.driver.store.fence = Some(record.encode_without_tokens());
    }

    fn held_epoch(&self) -> u64 {
        let text = self.driver.store.text.as_ref().map(Secret::expose).unwrap_or_default();
        match Record::decode(text, "default") {
            record::Stored::Record(record) => record.epoch.0,
            _ => 0,
        }
    }
}

impl Wait {
    fn header(self) -> String {
        match self {
            Self::Date => LATER.to_owned(),
            Self::Seconds(seconds) => seconds.to_string(),
        }
    }
}

impl Beside {
    fn of(self, held: u64) -> u64 {
        match self {
            Self::Higher => held.saturating_add(1),
            Self::Lower => held.saturating_sub(1),
            Self::Same => held,
        }
    }
}

fn access_token(user: u8, number: u32, jwt: bool) -> String {
    if !jwt {
        return format!("access-{number}-{CANARY}");
    }
    let payload = format!(r#"{{"iss":"i","sub":"user-{user}","iat":{number},"exp":{}}}"#, number + 900);
    format!("e30.{}.{CANARY}", BASE64.encode(payload))
}

/// Of the letters of error codes, so that an error could carry it.
fn refresh_token(number: u32) -> String {
    let number: String = number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
    format!("refresh_{number}_{CANARY}")
}

const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
const LATER: &str = "Thu, 01 Jan 2026 00:10:00 GMT";
const ERRORS: [&str; 4] = ["invalid_grant", "invalid_client", "slow_down", "unknown_code"];
