//! Pages that cannot know whether there is a cookie, and tokens that they never see.
use crate::common::*;

/// Neither token is ever seen here: every hand-over brings new ones.
#[test]
fn with_both_tokens_in_cookies_a_hand_over_works_in_every_state() {
    type Reach = fn(&mut World);
    let states: [(State, Settled, Reach); 5] = [
        (State::SignedOut, Settled::Started, |_| {}),
        (State::Active, Settled::Started, |world| {
            world.set_tokens("{}", SessionMode::Auto);
        }),
        (State::Stale, Settled::Started, |world| {
            world.set_tokens(r#"{"expires_in":60}"#, SessionMode::Auto);
            world.server.always = Some(Reply::Unreachable);
            world.sleep(hours(1));
            world.wake(Wake::Shown);
        }),
        (State::Ending, Settled::Started, |world| {
            world.set_tokens(r#"{"expires_in":600}"#, SessionMode::Auto);
            world.server.script.push_back(Reply::Fixed(answer(401, "")));
            world.advance(secs(5));
            world.refresh();
        }),
        (State::Restoring, Settled::Started, |world| {
            world.server.always = Some(Reply::Unreachable);
            world.refresh();
        }),
    ];
    for (state, settled, reach) in states {
        let mut world = World::with(|options| {
            cookie(options);
            options.text("accessIn", "cookie".into()).unwrap();
            options.number("autoResume", 0.0).unwrap();
        });
        reach(&mut world);
        world.advance(ms(300));
        assert_eq!(world.state(), state);
        world.server.always = Some(Reply::Fixed(answer(200, r#"{"expires_in":900}"#)));
        let generation = world.generation();
        let call = world.set_tokens(r#"{"user":{"id":1},"expires_in":900}"#, SessionMode::Auto);
        world.expect(call, settled);
        assert_eq!((world.state(), world.bearer()), (State::Active, Some("")), "{state:?}");
        assert!(world.generation() > generation, "{state:?}");
        let call = world.set_tokens(r#"{"expires_in":900}"#, SessionMode::Same);
        world.expect(call, Settled::Updated);
        world.advance(hours(1));
        assert_eq!(world.state(), State::Active, "{state:?}");
    }
}

/// Without a cookie some servers call the request a bad one; every other such code is a bad deploy's.
#[test]
fn of_a_visitor_only_a_bad_request_is_a_refusal_among_the_configuration_errors() {
    for (code, refused) in [
        ("invalid_request", true),
        ("invalid_client", false),
        ("unauthorized_client", false),
        ("unsupported_grant_type", false),
        ("invalid_scope", false),
    ] {
        let mut world = World::unread(cookie, 1);
        sign_in_elsewhere(&mut world);
        world.server.always = Some(Reply::Fixed(answer(400, &format!(r#"{{"error":"{code}"}}"#))));
        world.boot();
        world.advance(secs(1));
        let state = if refused { State::SignedOut } else { State::Restoring };
        assert_eq!((world.state(), world.ends()), (state, vec![]), "{code}");
        world.server.always = None;
        world.advance(secs(31));
        assert_eq!(world.state() == State::Active, !refused, "{code}: the schedule goes on");
    }
}

/// Of a session that is known it is a matter of the configuration.
#[test]
fn of_a_known_cookie_session_a_bad_request_is_no_refusal() {
    let mut world = World::unread(cookie, 1);
    sign_in_elsewhere(&mut world);
    world.boot();
    world.advance(secs(1));
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_request"}"#)));
    world.sleep(minutes(20));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::Configuration);
    assert_eq!((world.state(), world.ends()), (State::Stale, vec![]));
}

#[test]
fn without_auto_resume_the_app_can_still_refresh_and_sign_out() {
    let dormant = || {
        let mut world = World::unread(
            |options| {
                cookie(options);
                options.number("autoResume", 0.0).unwrap();
                options.text("revoke.url", "/auth/revoke".into()).unwrap();
            },
            1,
        );
        sign_in_elsewhere(&mut world);
        world.boot();
        assert_eq!((world.state(), world.requests()), (State::SignedOut, 0));
        world
    };
    for urgency in [Urgency::Normal, Urgency::Forced] {
        let mut world = dormant();
        let call = world.call(|call| Input::Refresh { call, urgency });
        assert_eq!(world.state(), State::Restoring);
        world.advance(secs(1));
        world.expect(call, Settled::Done);
        assert_eq!((world.state(), world.event_names()), (State::Active, vec!["sessionStarted"]));
    }
    let mut world = dormant();
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    assert_eq!((world.revoked.len(), world.state(), world.requests()), (1, State::SignedOut, 0));
    let mut world = dormant();
    world.server.cookie = None;
    let call = world.refresh();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SignedOut);
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![]), "a visitor");
}

/// The server has set the cookie in an answer that this page has not seen.
fn sign_in_elsewhere(world: &mut World) {
    world.server.sign_in("ada", world.clock.truth());
}
