//! A token endpoint with rotation and reuse detection, whose answers a test can replace.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evertoken::engine::answer::{Answer, Outcome};
use evertoken::engine::endpoint::TokenIn;
use evertoken::engine::json::{self, Value};
use evertoken::engine::output::TokenRequest;
use evertoken::engine::secret::Secret;

/// A part of every token that the server makes and of nothing else.
pub const CANARY: &str = "cAnArYx7";

/// What the server does when a refresh token comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Within so many milliseconds it gets the same successor again; later the family is revoked.
    Grace(u64),
    /// Refresh tokens do not rotate.
    NoRotation,
    /// The family is revoked.
    Strict,
}

/// An answer in the place of the server's own.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This answer; nothing is rotated.
    Fixed(Answer),
    /// The server's own answer.
    Grant,
    /// The pair is rotated and the answer lost, at once.
    Lost,
    /// This outcome; nothing is rotated.
    Outcome(Outcome),
    /// Nothing is rotated and nothing ever comes.
    Silent,
    /// The server's own answer, this many milliseconds late; the rotation is at the beginning.
    Slow(u64),
    Unreachable,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// In milliseconds since the world began.
    pub at: u64,
    pub refresh_token: Option<String>,
}

#[derive(Debug)]
pub struct Server {
    pub reuse: Reuse,
    /// How long an answer takes, in milliseconds.
    pub latency: u64,
    /// Life of an access token in seconds.
    pub lifetime: u64,
    /// Whether answers carry `Date`.
    pub dated: bool,
    /// Whether access tokens are JWTs.
    pub jwts: bool,
    /// Whether answers carry `expires_in`.
    pub says_life: bool,
    /// Replaces the answers to come, one each.
    pub script: VecDeque<Reply>,
    /// Replaces every answer for which the script has none.
    pub always: Option<Reply>,
    pub requests: Vec<Request>,
    /// The refresh token that a browser holds as a cookie.
    pub cookie: Option<String>,
    families: Vec<Family>,
    made: u32,
}

#[derive(Debug)]
struct Family {
    user: String,
    live: u32,
    rotated_at: u64,
    revoked: bool,
    /// The last answer, repeated within the grace.
    last: String,
}

impl Server {
    pub fn new() -> Self {
        Self {
            reuse: Reuse::Strict,
            latency: 200,
            lifetime: 900,
            dated: true,
            jwts: true,
            says_life: true,
            script: VecDeque::new(),
            always: None,
            requests: Vec::new(),
            cookie: None,
            families: Vec::new(),
            made: 0,
        }
    }

    /// Signs `user` in; the response that an app hands over.
    pub fn sign_in(&mut self, user: &str, truth: i64) -> String {
        self.families.push(Family {
            user: user.into(),
            live: 0,
            rotated_at: 0,
            revoked: false,
            last: String::new(),
        });
        let family = self.families.len() - 1;
        let body = self.pair(family, truth);
        self.cookie = Some(refresh_token(family, 0));
        body
    }

    /// Whether the session that began as the `family`th is still alive.
    pub fn is_alive(&self, family: usize) -> bool {
        !self.families[family].revoked
    }

    pub fn revoke(&mut self, family: usize) {
        self.families[family].revoked = true;
    }

    /// The instants of all requests, in milliseconds since the world began.
    pub fn times(&self) -> Vec<u64> {
        self.requests.iter().map(|request| request.at).collect()
    }

    /// Takes a request; the outcome and how long it takes, or `None` when nothing ever comes.
    pub fn take(&mut self, request: &TokenRequest, at: u64, truth: i64) -> Option<(u64, Outcome)> {
        let token = match request {
            TokenRequest::Http(http) => {
                let sent = http.body.as_ref().and_then(|body| sent_token(body.expose()));
                sent.or_else(|| self.cookie.clone().filter(|_| http.endpoint.token_in == TokenIn::Cookie))
            }
            TokenRequest::Call(call) => call.refresh.as_ref().map(|token| token.expose().to_owned()),
        };

        self.requests.push(Request { at, refresh_token: token.clone() });
        let reply = self.script.pop_front().or_else(|| self.always.clone()).unwrap_or(Reply::Grant);
        let latency = self.latency;
        match reply {
            Reply::Fixed(answer) => Some((latency, Outcome::Answered(self.date(answer, truth)))),
            Reply::Grant => Some((latency, self.refresh(token.as_deref(), at, truth))),
            Reply::Lost => {
                self.refresh(token.as_deref(), at, truth);
                Some((latency, Outcome::Unreachable))
            }
            Reply::Outcome(outcome) => Some((latency, outcome)),
            Reply::Silent => None,
            Reply::Slow(late) => Some((late, self.refresh(token.as_deref(), at, truth))),
            Reply::Unreachable => Some((latency, Outcome::Unreachable)),
        }
    }

    /// Answers by the rules of rotation.
    pub fn refresh(&mut self, token: Option<&str>, at: u64, truth: i64) -> Outcome {
        let refused = || answer(400, r#"{"error":"invalid_grant"}"#);
        let Some((index, number)) = token.and_then(parts).filter(|(index, _)| *index < self.families.len())
        else {
            return Outcome::Answered(self.date(refused(), truth));
        };
        let reuse = self.reuse;
        let family = &mut self.families[index];
        let repeated = family.live == number + 1
            && matches!(reuse, Reuse::Grace(grace) if at - family.rotated_at <= grace);
        let live = family.live == number;
        if family.revoked || !live && !repeated {
            family.revoked = true;
            return Outcome::Answered(self.date(refused(), truth));
        }
        if live && reuse != Reuse::NoRotation {
            family.live += 1;
            family.rotated_at = at;
        }
        let body = if repeated { family.last.clone() } else { self.pair(index, truth) };
        self.families[index].last.clone_from(&body);
        self.cookie = Some(refresh_token(index, self.families[index].live));
        Outcome::Answered(self.date(answer(200, &body), truth))
    }

    fn pair(&mut self, index: usize, truth: i64) -> String {
        self.made += 1;
        let family = &self.families[index];
        let refresh = refresh_token(index, family.live);
        let issued = truth.div_euclid(1_000);
        let access = if self.jwts {
            jwt(&family.user, issued, self.lifetime, self.made)
        } else {
            format!("opaque-{CANARY}-{}", self.made)
        };
        let life = if self.says_life { format!(r#","expires_in":{}"#, self.lifetime) } else { String::new() };
        format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}"{life},"token_type":"Bearer"}}"#)
    }

    fn date(&self, answer: Answer, truth: i64) -> Answer {
        let date = self.dated.then(|| http_date(truth));
        Answer { date: answer.date.clone().or(date), ..answer }
    }
}

/// An answer with this status and body, as JSON where it looks like JSON.
pub fn answer(status: u16, body: &str) -> Answer {
    let json = body.starts_with('{').then(|| "application/json".to_owned());
    Answer { status, body: Secret::new(body.into()), content_type: json, ..Answer::default() }
}

/// A JWT of the issuer that all worlds share.
pub fn jwt(user: &str, issued: i64, lifetime: u64, number: u32) -> String {
    let expires = issued + lifetime as i64;
    jwt_of(&format!(
        r#"{{"iss":"https://id.example","sub":"{user}","iat":{issued},"exp":{expires},"n":{number}}}"#
    ))
}

pub fn jwt_of(payload: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    format!("{header}.{}.{CANARY}", URL_SAFE_NO_PAD.encode(payload))
}

fn refresh_token(family: usize, number: u32) -> String {
    format!("refresh.{family}.{number}.{CANARY}")
}

fn parts(token: &str) -> Option<(usize, u32)> {
    let mut parts = token.strip_prefix("refresh.")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn sent_token(body: &str) -> Option<String> {
    let root = json::parse(body).ok()?.as_object()?;
    root.get("refresh_token").and_then(Value::as_text).map(json::Text::decode)
}

/// `Date` in its preferred form (RFC 9110 §5.6.7). The day of the week is not looked at by anybody.
pub fn http_date(unix_ms: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = unix_ms.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil calendar counted in eras of 400 years that begin in March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("Thu, {day:02} {} {year:04} {hour:02}:{minute:02}:{:02} GMT", MONTHS[month as usize], second % 60)
}
