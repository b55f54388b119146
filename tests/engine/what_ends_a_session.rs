//! Only the token endpoint, the app and the end of the last token end a session.
use crate::common::*;

/// NE2, NE3: every status with every kind of body.
#[test]
fn only_a_refusal_without_html_ends_a_session() {
    let bodies = [
        "",
        "{}",
        "null",
        "nonsense",
        r#"{"error":"invalid_grant"}"#,
        r#"{"error":"access_denied"}"#,
        r#"{"error":{"code":7}}"#,
        r#"{"detail":"Token is invalid or expired","code":"token_not_valid"}"#,
        "<html>sign in</html>",
        " \n<!doctype html>",
    ];
    let statuses = [
        0, 100, 200, 204, 206, 300, 302, 304, 307, 400, 401, 403, 404, 405, 407, 408, 409, 410, 418, 421,
        422, 425, 429, 431, 451, 500, 501, 502, 503, 504, 511, 520, 525, 599,
    ];
    for status in statuses {
        for body in bodies {
            let refusal = matches!(status, 400 | 401 | 403 | 422) && !body.trim_start().starts_with('<');
            let world = expired_and_answered(answer(status, body));
            let ends = if refusal { vec![EndReason::Refused] } else { vec![] };
            assert_eq!(world.ends(), ends, "{status} {body}");
            assert_eq!(world.store.holds("refresh.0.0"), !refusal, "{status} {body}");
            let state = if refusal { State::SignedOut } else { State::Stale };
            assert_eq!(world.state(), state, "{status} {body}");
        }
    }
}

#[test]
fn a_type_of_html_makes_any_body_a_foreign_page() {
    for status in [400, 401, 403, 422] {
        let page = Answer { content_type: Some("text/html; charset=utf-8".into()), ..answer(status, "{}") };
        assert!(expired_and_answered(page).ends().is_empty(), "{status}");
    }
}

/// NE2: trouble of the server and of the deployment.
#[test]
fn codes_that_speak_of_trouble_or_of_configuration_end_nothing() {
    let trouble = ["temporarily_unavailable", "server_error", "slow_down", "use_dpop_nonce"];
    let configuration = [
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_request",
    ];
    for status in [400, 401, 403, 422] {
        for code in trouble {
            let world = expired_and_answered(answer(status, &format!(r#"{{"error":"{code}"}}"#)));
            assert!(world.ends().is_empty(), "{status} {code}");
            assert_eq!(world.failures()[0].0.code, ErrorCode::RefreshUnavailable, "{status} {code}");
        }
        for code in configuration {
            let world = expired_and_answered(answer(status, &format!(r#"{{"error":"{code}"}}"#)));
            assert!(world.ends().is_empty(), "{status} {code}");
            let failures = world.failures();
            assert_eq!(failures.len(), 1, "{status} {code}: no retries");
            assert_eq!(failures[0].0.code, ErrorCode::Configuration, "{status} {code}");
            assert_eq!(failures[0].0.oauth_error.as_deref(), Some(code));
            assert!(failures[0].1, "{status} {code}");
        }
    }
}

/// A deploy that breaks the client is followed by one that mends it.
#[test]
fn after_a_configuration_error_the_schedule_goes_on() {
    let mut world = expired_and_answered(answer(400, r#"{"error":"invalid_client"}"#));
    world.server.always = None;
    world.advance(secs(31));
    assert_eq!(world.state(), State::Active);
}

/// DPoP where Bearer was agreed on: a change at the server that a later one may take back.
#[test]
fn tokens_of_another_type_are_told_once_and_end_nothing() {
    let mut world = expired_and_answered(answer(200, r#"{"access_token":"A","token_type":"DPoP"}"#));
    assert!(world.ends().is_empty());
    let failures = world.failures();
    assert_eq!(failures.len(), 1, "no retries");
    let (error, exhausted) = failures[0];
    assert_eq!((error.code, error.status), (ErrorCode::UnsupportedTokenType, Some(200)));
    assert!(exhausted);
    world.server.always = None;
    world.advance(secs(31));
    assert_eq!(world.state(), State::Active);
}

#[test]
fn a_callback_that_says_so_ends_the_session() {
    let mut world = World::with(|options| options.text("refresh.kind", "callback".into()).unwrap());
    world.sign_in("ada");
    world.server.always = Some(Reply::Outcome(Outcome::Ended));
    world.sleep(minutes(20));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!(world.ends(), [EndReason::Callback]);
    assert_eq!(world.failures(), []);
}

#[test]
fn a_callback_that_fails_ends_nothing() {
    let mut world = World::with(|options| options.text("refresh.kind", "callback".into()).unwrap());
    world.sign_in("ada");
    for status in [None, Some(400), Some(401), Some(403), Some(500)] {
        world.server.always = Some(Reply::Outcome(Outcome::Failed { status, retry_after: None }));
        world.sleep(minutes(20));
        world.advance(minutes(1));
    }
    assert!(world.ends().is_empty());
    assert_eq!(world.state(), State::Stale);
}

/// OB4: told once, with what the server said.
#[test]
fn the_end_is_told_once_with_its_reason() {
    let world = expired_and_answered(answer(401, r#"{"error":"invalid_grant"}"#));
    let ended: Vec<&Event> = world.events.iter().filter(|event| event.name() == "sessionEnded").collect();
    let [Event::SessionEnded(refusal)] = ended[..] else { panic!("{ended:?}") };
    assert_eq!((refusal.status, refusal.oauth_error.as_deref()), (Some(401), Some("invalid_grant")));
    let (error, exhausted) = world.failures()[0];
    assert_eq!((error.code, error.cause, exhausted), (ErrorCode::SessionEnded, Some(Cause::Refused), true));
}

#[test]
fn without_a_refresh_source_the_session_ends_with_its_token() {
    let mut world = World::with(|options| options.text("refresh.kind", "none".into()).unwrap());
    world.sign_in("ada");
    world.advance_to_end(ms(1));
    assert_eq!(world.state(), State::Active);
    let call = world.need();
    world.expect(call, Settled::Done);
    world.advance(ms(1));
    assert_eq!(world.ends(), [EndReason::Expired]);
    assert_eq!(world.state(), State::SignedOut);
    assert_eq!(world.requests(), 0);
}

/// The token is expired, a caller wants one, and the endpoint answers every attempt so; 12 seconds have passed.
#[track_caller]
fn expired_and_answered(answer: Answer) -> World {
    let mut world = World::expired();
    world.server.always = Some(Reply::Fixed(answer));
    let call = world.need();
    world.advance(secs(12));
    assert!(world.result(call).is_err());
    world
}
