//! The refresh token is an HttpOnly cookie that this code never sees.
use crate::common::*;

/// ST5: a reload makes one refresh and the session is back.
#[test]
fn after_a_reload_one_refresh_resumes_the_session() {
    let world = signed_in();
    let mut world = forget_store(world).reload(2);
    assert_eq!((world.state(), world.requests()), (State::Restoring, 1));
    let call = world.need();
    world.expect_waiting(call);
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.state(), world.event_names()), (State::Active, vec!["sessionStarted"]));
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_visitor_who_never_signed_in_is_signed_out_without_an_event() {
    for refusal in [
        answer(401, ""),
        answer(403, "{}"),
        answer(400, r#"{"error":"invalid_grant"}"#),
        answer(400, r#"{"error":"invalid_request"}"#),
        answer(422, ""),
    ] {
        let mut world = World::unread(cookie, 1);
        world.server.always = Some(Reply::Fixed(refusal.clone()));
        world.boot();
        let call = world.need();
        world.advance(secs(1));
        world.expect_error(call, ErrorCode::SignedOut);
        assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![]), "{refusal:?}");
        assert_eq!(world.store.text, None);
        world.advance(hours(1));
        assert_eq!(world.requests(), 1);
    }
}

/// A record says that there was a session: its end is told.
#[test]
fn a_session_that_was_there_ends_with_an_event() {
    let mut world = World::with(|options| {
        cookie(options);
        options.text("persist", "refresh".into()).unwrap();
    });
    sign_in(&mut world);
    world.server.cookie = None;
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::Restoring);
    world.advance(secs(1));
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::Refused]));
}

/// NE9: trouble is no refusal.
#[test]
fn without_a_network_it_stays_restoring_and_goes_on_trying() {
    let mut world = World::unread(cookie, 1);
    sign_in_elsewhere(&mut world);
    world.server.always = Some(Reply::Unreachable);
    world.boot();
    let call = world.need();
    world.advance(secs(20));
    world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!(world.state(), State::Restoring);
    world.server.always = None;
    world.wake(Wake::Online);
    world.advance(secs(3));
    assert_eq!(world.state(), State::Active);
}

#[test]
fn without_auto_resume_nothing_is_sent_until_the_app_says_so() {
    let mut world = World::unread(
        |options| {
            cookie(options);
            options.number("autoResume", 0.0).unwrap();
        },
        1,
    );
    world.boot();
    world.advance(hours(1));
    assert_eq!((world.state(), world.requests()), (State::SignedOut, 0));
}

#[test]
fn the_schedule_refreshes_by_cookie() {
    let mut world = signed_in();
    world.advance(hours(3));
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
    assert!((12..=20).contains(&world.requests()), "{}", world.requests());
    assert!(!world.store.history.iter().any(|text| text.contains("refresh.0")), "the cookie is not ours");
}

#[test]
fn a_sign_out_while_restoring_is_a_sign_out() {
    let world = forget_store(signed_in());
    let mut world = world.reload(2);
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    world.advance(secs(5));
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::SignedOut]));
    assert!(!world.store.holds("eyJ"));
}

/// RC7: a late answer would bring the cookie back after the sign-out had ended it.
#[test]
fn a_cookie_that_comes_after_the_sign_out_is_revoked_too() {
    let mut world = World::unread(
        |options| {
            cookie(options);
            for (option, value) in
                [("url", "/auth/revoke"), ("tokenIn", "cookie"), ("credentials", "same-origin")]
            {
                options.text(&format!("revoke.{option}"), value.into()).unwrap();
            }
        },
        1,
    );
    world.boot();
    sign_in(&mut world);
    let bare = answer(200, r#"{"access_token":"from-the-cookie","expires_in":900}"#);
    world.server.always = Some(Reply::Fixed(bare));
    world.advance(secs(5));
    world.revoked.clear();
    world.refresh();
    world.sign_out();
    assert_eq!(world.revoked.len(), 1);
    world.advance(secs(1));
    assert_eq!(world.revoked.len(), 2);
    assert_eq!(world.state(), State::SignedOut);
}

#[test]
fn a_sign_in_while_restoring_serves_those_who_wait() {
    let mut world = World::unread(cookie, 1);
    world.server.always = Some(Reply::Silent);
    world.boot();
    let waiting = world.need();
    let pair = world.server.sign_in("ada", world.clock.truth());
    let call = world.set_tokens(&pair, SessionMode::Auto);
    world.expect(call, Settled::Started);
    world.expect(waiting, Settled::Done);
}

/// `accessIn: 'cookie'`: there is nothing to attach; a 401 still brings a refresh.
#[test]
fn an_access_token_in_a_cookie_is_refreshed_by_401() {
    let mut world = World::with(|options| {
        cookie(options);
        options.text("accessIn", "cookie".into()).unwrap();
        options.number("autoResume", 0.0).unwrap();
    });
    let call = world.set_tokens(r#"{"user":1}"#, SessionMode::Auto);
    world.expect(call, Settled::Started);
    assert_eq!((world.state(), world.bearer()), (State::Active, Some("")));
    assert_eq!(world.armed(), None, "nothing tells its end");
    world.advance(minutes(1));
    world.server.always = Some(Reply::Fixed(answer(200, r#"{"ok":true}"#)));
    for _ in 0..3 {
        let call = world.unauthorized();
        world.advance(secs(3));
        world.expect(call, Settled::Resend);
    }
    assert_eq!(world.requests(), 3);
}

fn signed_in() -> World {
    let mut world = World::unread(cookie, 1);
    world.server.script.push_back(Reply::Fixed(answer(401, "")));
    world.boot();
    world.advance(secs(1));
    sign_in(&mut world);
    world.server.requests.clear();
    world.events.clear();
    world
}

/// The answer of such a server names no refresh token.
fn sign_in(world: &mut World) {
    let pair = world.server.sign_in("ada", world.clock.truth()).replace("refresh_token", "ignored");
    world.set_tokens(&pair, SessionMode::Auto);
    assert_eq!(world.state(), State::Active);
}

fn sign_in_elsewhere(world: &mut World) {
    world.server.sign_in("ada", world.clock.truth());
}

/// A store that forgets at a reload, as `memory()` does.
fn forget_store(mut world: World) -> World {
    world.store.text = None;
    world
}

/// Browsers refuse to let much outlive the page: the first attempt does, so that no rotation is cut off by a reload.
#[test]
fn the_first_attempt_outlives_the_page() {
    let mut world = World::with(cookie);
    world.sign_in("ada");
    world.sleep(minutes(20));
    let before = world.sent.len();
    world.server.script.push_back(Reply::Unreachable);
    world.need();
    world.advance(secs(3));
    let outlive = world.sent[before..].iter().map(|(_, request)| match request {
        TokenRequest::Http(request) => request.keepalive,
        TokenRequest::Call(_) => panic!("a callback"),
    });
    assert_eq!(outlive.collect::<Vec<_>>(), [true, false]);
}

/// Of tokens that are cookies nothing can be told: each refresh brings a new one.
#[test]
fn a_refresh_whose_access_token_is_a_cookie_begins_a_new_life() {
    let mut world = World::with(|options| {
        cookie(options);
        options.text("accessIn", "cookie".into()).unwrap();
        options.number("autoResume", 0.0).unwrap();
    });
    world.server.always = Some(Reply::Fixed(answer(200, r#"{"expires_in":900}"#)));
    world.set_tokens(r#"{"expires_in":900}"#, SessionMode::Auto);
    let ends = world.snapshot().expires_at;
    world.advance(ms(1_500));
    world.force();
    world.advance(secs(1));
    assert!(world.snapshot().expires_at > ends);
}
