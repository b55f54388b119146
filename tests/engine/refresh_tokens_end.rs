//! A refresh token's own end: it is known where it is told, and past it one attempt decides.
use crate::common::*;

#[test]
fn its_end_is_read_from_the_token_and_from_the_answer() {
    let ends = START / 1_000 + 600;
    let jwt = jwt_of(&format!(r#"{{"exp":{ends}}}"#));
    let cases = [
        (jwt.as_str(), "", Some(595_000)),
        ("opaque", r#","refresh_expires_in":600"#, Some(600_000)),
        ("opaque", r#","refresh_token_expires_in":"600""#, Some(600_000)),
        ("opaque", r#","refreshExpiresIn":600"#, Some(600_000)),
        ("opaque", r#","refreshTokenExpiresIn":600"#, Some(600_000)),
        (jwt.as_str(), r#","refresh_expires_in":60"#, Some(60_000)),
        ("opaque", r#","refresh_expires_in":0"#, None),
        ("opaque", r#","refresh_expires_in":-1"#, None),
        ("opaque", r#","refresh_expires_in":"soon""#, None),
        (jwt.as_str(), r#","refresh_expires_in":0"#, Some(595_000)),
        ("opaque", "", None),
    ];
    for (token, says, left) in cases {
        let mut world = World::new();
        hand_over(&mut world, token, says);
        let stored = world.record().session.and_then(|session| session.refresh_ends);
        assert_eq!(stored.map(|ends| ends.since(world.clock.now().wall).0), left, "{token} {says}");
    }
}

/// `exp` is the server's time.
#[test]
fn its_end_is_told_by_the_servers_clock() {
    let mut world = World::new();
    world.clock.ahead = 3_600_000;
    world.sign_in("ada");
    world.advance(secs(30));
    world.refresh();
    world.advance(secs(1));
    let ends = world.clock.truth() / 1_000 + 600;
    hand_over(&mut world, &jwt_of(&format!(r#"{{"exp":{ends}}}"#)), "");
    let stored = world.record().session.and_then(|session| session.refresh_ends).expect("a known end");
    let left = stored.since(world.clock.now().wall).0;
    assert!(left.abs_diff(600_000) <= 2_000, "{left}");
}

#[test]
fn past_it_a_flight_has_one_attempt_and_the_refusal_decides() {
    for trouble in [Reply::Fixed(answer(503, "")), Reply::Unreachable] {
        let mut world = World::new();
        hand_over(&mut world, "opaque", r#","refresh_expires_in":600"#);
        world.server.always = Some(trouble.clone());
        world.sleep(minutes(20));
        let call = world.need();
        world.advance(ms(300));
        let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
        assert_eq!((error.attempt, world.requests(), world.ends()), (1, 1, vec![]), "{trouble:?}");
        world.advance(hours(2));
        assert_eq!(world.count("retryScheduled"), 0, "{trouble:?}");
        assert!(world.requests() > 3, "the schedule goes on");
        world.server.always = Some(Reply::Fixed(answer(400, "")));
        world.advance(minutes(17));
        assert_eq!(world.ends().len(), 1, "{trouble:?}");
    }
}

/// A clock may be wrong, and a server lenient.
#[test]
fn past_it_a_grant_is_a_grant() {
    let mut world = World::new();
    hand_over(&mut world, "opaque", r#","refresh_expires_in":600"#);
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.server.always = Some(Reply::Fixed(answer(200, &pair)));
    world.sleep(minutes(20));
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    let stored = world.record().session.and_then(|session| session.refresh_ends);
    assert_eq!(stored, None, "of the new one nothing is told");
}

/// A server that does not rotate tells the end once.
#[test]
fn it_stays_known_as_long_as_the_refresh_token_stays() {
    let mut world = World::new();
    hand_over(&mut world, "opaque", r#","refresh_expires_in":600"#);
    let ends = |world: &World| world.record().session.and_then(|session| session.refresh_ends);
    let told = ends(&world);
    world.server.always = Some(Reply::Fixed(answer(200, r#"{"access_token":"next","expires_in":60}"#)));
    world.advance(secs(30));
    world.refresh();
    world.advance(secs(1));
    assert_eq!((world.requests(), ends(&world)), (1, told));
    assert_eq!(ends(&world.reload(2)), told);
}

/// Before it the usual retries are made.
#[test]
fn before_it_nothing_is_different() {
    let mut world = World::new();
    hand_over(&mut world, "opaque", r#","refresh_expires_in":86400"#);
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.sleep(minutes(20));
    let call = world.need();
    world.advance(secs(8));
    assert_eq!(world.expect_error(call, ErrorCode::RefreshUnavailable).attempt, 4);
}

fn hand_over(world: &mut World, refresh: &str, says: &str) {
    let pair =
        format!(r#"{{"access_token":"access-{CANARY}","expires_in":900,"refresh_token":"{refresh}"{says}}}"#);
    world.set_tokens(&pair, SessionMode::New);
}
