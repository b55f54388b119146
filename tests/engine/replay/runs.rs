//! What pages live through.
use crate::common::*;

pub type Run = fn(&mut World);

/// Each with its name and the options that it has.
pub const RUNS: [(&str, &str, Run); 10] = [
    ("a day", "", |world| {
        world.sign_in("ada");
        world.server.script.extend([Reply::Unreachable, Reply::Fixed(answer(503, "")), Reply::Silent]);
        world.advance(hours(24));
    }),
    ("waits and 401s", "", |world| {
        world.sign_in("ada");
        world.advance(secs(10));
        world.unauthorized();
        world.need_for(secs(700));
        let challenge = Some(r#"Bearer error="insufficient_scope""#.to_owned());
        let generation = world.generation();
        world.call(|call| Input::Unauthorized { call, generation, challenge });
        world.advance(secs(3));
        world.replayed(Reception::Rejected);
        world.force();
        world.advance(minutes(1));
        world.force();
        world.refresh();
        world.input(Input::Touch);
        world.advance(minutes(20));
    }),
    ("the server's times", "", |world| {
        world.sign_in("ada");
        world.sleep(minutes(20));
        for time in ["30", "999999", "Thu, 01 Jan 2026 00:21:00 GMT", "Fri, 02 Jan 1960 00:21:00 GMT", "soon"]
        {
            let busy = Answer { retry_after: Some(time.into()), ..answer(429, "") };
            world.server.script.push_back(Reply::Fixed(busy));
        }
        world.server.dated = false;
        world.need();
        world.advance(hours(3));
    }),
    ("sleeps and clocks", "", |world| {
        world.sign_in("ada");
        world.advance(minutes(5));
        world.wake(Wake::Hidden);
        world.sleep(hours(3));
        world.wake(Wake::Shown);
        world.need();
        world.advance(secs(2));
        world.sleep_without_monotonic(hours(9));
        world.wake(Wake::Online);
        world.wake(Wake::Focus);
        world.set_wall(-3_600_000);
        world.advance(hours(1));
    }),
    ("other tabs", "", |world| {
        world.server.reuse = Reuse::NoRotation;
        world.sign_in("ada");
        world.advance(secs(1));
        world.rotate_elsewhere();
        world.announce_elsewhere();
        world.sleep(minutes(20));
        world.claim_elsewhere(Hold::Alone, 3_000);
        world.need();
        world.advance(secs(20));
        world.lock_mode = LockMode::Taken;
        world.force();
        world.advance(secs(6));
        world.lock_mode = LockMode::Missing;
        world.force();
        world.rotate_elsewhere();
        world.rotate_elsewhere();
        world.advance(secs(6));
        world.sign_in_elsewhere("bob");
        world.input(Input::Notice("{}".into()));
        world.announce_elsewhere();
        world.advance(secs(2));
        world.sign_out_elsewhere();
        world.wake(Wake::Shown);
    }),
    ("a store apart", "apart", |world| {
        world.sign_in("ada");
        world.advance(secs(1));
        let old = world.store.text.clone().unwrap_or_default();
        world.rotate_elsewhere();
        world.store.put(old);
        world.wake(Wake::Shown);
        world.advance(hours(1));
    }),
    ("refusals and sign-outs", "revoke", |world| {
        world.sign_in("ada");
        world.server.revoke(0);
        world.advance(secs(10));
        world.refresh();
        world.advance(minutes(20));
        world.sign_in("ada");
        world.sleep(minutes(20));
        world.need();
        world.sign_out();
        world.sign_in("bob");
        world.advance(secs(5));
        world.call(|call| Input::SignOut { call, revocation: Revocation::Skip });
        world.set_tokens("{}", SessionMode::Auto);
        world.set_tokens(r#"{"access_token":"a","token_type":"DPoP"}"#, SessionMode::Auto);
        world.input(Input::Stop);
        world.input(Input::Start);
        world.input(Input::Dispose);
        world.need();
    }),
    ("a store in trouble", "", |world| {
        world.store.mode = Mode::Failing;
        world.sign_in("ada");
        world.advance(secs(30));
        world.store.mode = Mode::Hanging;
        world.force();
        world.advance(minutes(20));
        world.store.mode = Mode::Denying;
        world.force();
        world.advance(secs(30));
        world.store.mode = Mode::Sync;
        let text = world.store.text.clone().unwrap_or_default().replacen('{', "{ ", 1);
        world.store.put(text);
        world.advance(minutes(20));
        world.store.put(r#"{"schema":2}"#);
        world.wake(Wake::Shown);
        world.advance(hours(1));
    }),
    ("a cookie", "cookie", |world| {
        world.server.sign_in("ada", world.clock.truth());
        world.advance(minutes(20));
        world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_request"}"#)));
        world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_client"}"#)));
        world.server.cookie = None;
        world.advance(hours(2));
    }),
    ("odd answers", "callback", |world| {
        let odd = |rest: &str| format!(r#"{{"access_token":"odd-{CANARY}"{rest}}}"#);
        world.set_tokens(&odd(r#","refresh_token":"r""#), SessionMode::New);
        for rest in [
            r#","expires_in":-0.5"#,
            r#","expires_in":1e308,"refresh_token":"s","refresh_expires_in":60"#,
            r#","expires_at":"2026-01-01T00:09:00.123Z""#,
            r#","token_type":"DPoP","refresh_token":"t""#,
            "",
        ] {
            world.server.script.push_back(Reply::Fixed(answer(200, &odd(rest))));
            world.advance(secs(30));
            world.force();
        }
        let failed = Outcome::Failed { status: Some(500), retry_after: Some("7".into()) };
        world.server.script.push_back(Reply::Outcome(failed));
        world.advance(minutes(1));
        world.force();
        world.server.always = Some(Reply::Outcome(Outcome::Ended));
        world.advance(hours(1));
    }),
];

pub fn options_of(kind: &str, options: &mut Options) {
    match kind {
        "apart" => options.number("apart", 1.0).expect("a valid option"),
        "callback" => options.text("refresh.kind", "callback".into()).expect("a valid option"),
        "cookie" => cookie(options),
        "revoke" => options.text("revoke.url", "/revoke".into()).expect("a valid option"),
        _ => {}
    }
}
