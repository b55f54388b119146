//! What becomes of a request on its way.

use evertoken::engine::answer::{Answer, Outcome};
use evertoken::engine::secret::Secret;

use super::dice::Dice;

/// How bad the network is: chances per mille, for each request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Never arrives.
    pub(crate) lost: u64,
    /// Arrives, and the answer does not.
    pub(crate) answer_lost: u64,
    /// Something on the way answers instead.
    pub(crate) replaced: u64,
    /// One of the two ways takes up to a minute and a half.
    pub(crate) slow: u64,
    /// The longest time that `Retry-After` asks for, in seconds.
    pub(crate) longest_peace: u64,
}

/// What becomes of one request; all times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// When it reaches the server, if it does.
    pub(crate) there: Option<u64>,
    /// How long after that, or after the sending of a request that never arrives, its sender hears something.
    pub(crate) back: Option<u64>,
    pub(crate) hears: Hears,
}

/// What the sender of a request hears.
#[derive(Clone, Debug)]
pub(crate) enum Hears {
    /// Half of the server's own answer.
    Cut,
    /// An error that repeats the token that was sent.
    Echo,
    /// An error, or a page, in the place of the server's answer.
    Instead(Answer),
    Nothing,
    Own,
}

impl Fate {
    pub(crate) fn draw(dice: &mut Dice, weather: &Weather) -> Self {
        let mut there = dice.magnitude(300);
        let mut back = dice.magnitude(300);
        if dice.chance(weather.slow) {
            let slow = if dice.chance(500) { &mut there } else { &mut back };
            *slow += dice.magnitude(90_000);
        }
        let own = Self { there: Some(there), back: Some(back), hears: Hears::Own };
        if dice.chance(weather.lost) {
            let back = told(dice);
            return Self { there: None, back, hears: Hears::Nothing };
        }
        if dice.chance(weather.answer_lost) {
            let hears = if dice.chance(300) { Hears::Cut } else { Hears::Nothing };
            let back = if matches!(hears, Hears::Cut) { Some(back) } else { told(dice) };
            return Self { back, hears, ..own };
        }
        if dice.chance(weather.replaced) && dice.chance(50) {
            return Self { there: None, hears: Hears::Echo, ..own };
        }
        if dice.chance(weather.replaced) {
            // A gateway may give up on a server that goes on all the same.
            let arrives = dice.chance(200);
            let there = own.there.filter(|_| arrives);
            return Self { there, hears: Hears::Instead(instead(dice, weather.longest_peace)), ..own };
        }
        own
    }
}

/// When a browser notices that no answer will come, if it does.
fn told(dice: &mut Dice) -> Option<u64> {
    (!dice.chance(300)).then(|| dice.magnitude(60_000))
}

fn instead(dice: &mut Dice, longest_peace: u64) -> Answer {
    const HTML: &str = "<!doctype html><title>Sign in to the network</title>";
    let (status, body) = dice.pick(&[
        (200, HTML),
        (200, ""),
        (302, ""),
        (401, r#"{"error":"invalid_client"}"#),
        (403, HTML),
        (404, "not here"),
        (429, ""),
        (429, r#"{"error":"slow_down"}"#),
        (500, r#"{"error":"server_error"}"#),
        (502, HTML),
        (503, ""),
        (400, r#"{"error":"temporarily_unavailable"}"#),
    ]);
    let asks = matches!(status, 429 | 503) && dice.chance(700);
    let retry_after = asks.then(|| dice.magnitude(longest_peace).to_string());
    Answer { status, body: Secret::new(body.into()), retry_after, ..Answer::default() }
}

/// The server's answer as the engine is given it.
pub(crate) fn answered(status: u16, body: String) -> Outcome {
    let content_type = Some("application/json".into());
    Outcome::Answered(Answer { status, body: Secret::new(body), content_type, ..Answer::default() })
}

/// An error in which the server repeats what it was sent.
pub(crate) fn echoed(token: &str) -> Answer {
    let body = format!(r#"{{"error":"{token}","error_description":"no such token: {token}"}}"#);
    Answer {
        status: 500,
        body: Secret::new(body),
        content_type: Some("application/json".into()),
        request_id: Some(token.into()),
        ..Answer::default()
    }
}
