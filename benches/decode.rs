//! What the engine's hot pieces cost, natively: reading a token's claims, and a caller's question with a good token;
//! and how long the worst of tokens can keep it busy.
//!
//! Interleaved rounds, medians: `cargo xtask bench`. The numbers compare with one another on one machine in one run,
//! not with those of another.

#[path = "../tests/corpora/jwt/mod.rs"]
mod corpus;

use std::hint::black_box;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evertoken::engine::ids::{CallId, StoreOp};
use evertoken::engine::input::{Input, SessionMode};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};
use evertoken::engine::{Engine, Options, Output, jwt};

const ROUNDS: usize = 15;

fn main() {
    let tokens: Vec<(String, String)> =
        [300, 1_000, 4_000, 16_000].map(|size| (format!("claims of {size} B"), token(size))).into();
    let mut engine = signed_in(&tokens[1].1);
    let mut samples: Vec<(String, Vec<f64>)> =
        tokens.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
    samples.push(("need, good token".to_owned(), Vec::new()));
    for _ in 0..ROUNDS {
        for ((_, token), (_, times)) in tokens.iter().zip(&mut samples) {
            times.push(nanos_per_call(2_000, || {
                let _ = black_box(jwt::claims(black_box(token)));
            }));
        }
        let (_, times) = &mut samples[tokens.len()];
        times.push(nanos_per_call(20_000, || {
            engine.handle(now(1_000), Input::Need { call: CallId(1), min_validity: Millis::ZERO });
            while let Some(output) = engine.poll_output() {
                black_box(output);
            }
            black_box(engine.poll_timeout());
        }));
    }
    for (name, mut times) in samples {
        times.sort_by(f64::total_cmp);
        println!("{name:<20} {:>9.0} ns (median of {ROUNDS} rounds)", times[ROUNDS / 2]);
    }
    hostile_tokens();
}

/// A quarter of a second is what a token of 1 MB may take at most, in a browser too: see `long-tokens.mjs`.
fn hostile_tokens() {
    let lines = corpus::lines();
    let nanos = nanos_per_call(100, || {
        for case in &lines {
            let _ = black_box(corpus::dates(jwt::claims(black_box(&case.token)).as_ref()));
        }
    });
    println!("claims of {} hostile tokens: {:.0} ns each", lines.len(), nanos / lines.len() as f64);
    for (what, read) in [("claims", claims as fn(&str)), ("decoding", decode as fn(&str))] {
        let slowest = corpus::big::cases().into_iter().map(|case| {
            assert_eq!(corpus::dates(jwt::claims(&case.token).as_ref()), case.expected, "{}", case.name);
            let least = (0..5).map(|_| nanos_per_call(1, || read(&case.token))).min_by(f64::total_cmp);
            (least.unwrap_or_default() / 1e6, case.token.len(), case.name)
        });
        let (millis, length, name) =
            slowest.max_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or_default();
        println!("{what} of the worst token: {millis:.1} ms ({length} B, {name})");
    }
}

/// As the engine does when a token comes.
fn claims(token: &str) {
    let _ = black_box(jwt::claims(black_box(token)).map(|claims| (claims.issuer(), claims.subject())));
}

fn decode(token: &str) {
    let _ = black_box(jwt::decode(black_box(token)));
}

fn nanos_per_call(calls: u32, mut call: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..calls {
        call();
    }
    began.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// A token of about `size` bytes with `exp` in the middle of its claims, as most issuers write them.
fn token(size: usize) -> String {
    let filler = "x".repeat(size.saturating_mul(3) / 8);
    let claims =
        format!(r#"{{"sub":"ada","a":"{filler}","exp":1900000900,"iat":1900000000,"b":"{filler}"}}"#);
    format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

fn signed_in(token: &str) -> Engine {
    let mut engine = Engine::new(Options::default().into_config().expect("defaults are valid"), 1);
    engine.handle(now(0), Input::Restore);
    let op = loop {
        match engine.poll_output() {
            Some(Output::ReadStore(op)) => break op,
            Some(_) => {}
            None => break StoreOp::default(),
        }
    };
    engine.handle(now(0), Input::StoreRead { op, text: None, fence: None });
    let response = Secret::new(format!(r#"{{"access_token":"{token}"}}"#));
    engine.handle(now(0), Input::SetTokens { call: CallId(1), response, session: SessionMode::New });
    while engine.poll_output().is_some() {}
    engine
}

fn now(millis: u64) -> Now {
    Now { mono: Mono::new(millis), wall: UnixMillis(1_900_000_000_000 + millis as i64) }
}
