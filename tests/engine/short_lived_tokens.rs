//! CK4: a life shorter than the lead cannot make a storm.
use crate::common::*;

#[test]
fn short_lives_are_refreshed_no_more_than_they_need() {
    for lifetime in [1, 2, 5, 15, 30, 60, 300] {
        let mut world = World::new();
        world.server.lifetime = lifetime;
        world.server.latency = 20;
        world.sign_in("ada");
        for _ in 0..6_000 {
            world.need();
            world.advance(ms(100));
        }
        let most = 600 * 2 / lifetime as usize + 1;
        assert!(world.requests() <= most, "life {lifetime}: {} requests", world.requests());
        let least = world.gaps().into_iter().min().expect("several requests");
        assert!(least >= 400 * lifetime, "life {lifetime}: {least} ms between two requests");
        assert!(least >= 1_000, "life {lifetime}: {least} ms between two requests");
        assert_eq!(world.ends(), [], "life {lifetime}");
    }
}

/// FW10: an API may take three seconds to look at the token.
#[test]
fn a_token_of_half_a_minute_does_not_end_on_its_way() {
    let mut world = World::new();
    world.server.lifetime = 30;
    world.server.latency = 2_000;
    world.sign_in("ada");
    for _ in 0..36_000 {
        let call = world.need();
        world.expect(call, Settled::Done);
        let ends = world.snapshot().expires_at.expect("an end").0 as i64;
        assert!(ends - world.clock.truth() > 3_000, "at {}", world.clock.elapsed);
        world.advance(ms(100));
    }
    assert_eq!(world.engine.metrics().waited, 0);
}

/// A server that gives the same token again gets one call more and then a growing distance.
#[test]
fn the_same_token_again_is_put_off() {
    let mut world = World::new();
    world.server.lifetime = 3_600;
    let body = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&body, SessionMode::Auto);
    world.server.always = Some(Reply::Fixed(answer(200, &body)));
    world.advance_to_end(ms(1));
    let gaps = world.gaps();
    assert!(world.requests() <= 5, "{gaps:?}");
    assert!(gaps[0] >= 30_000 && gaps.windows(2).all(|pair| pair[1] > pair[0]), "{gaps:?}");
    assert_eq!(world.count("refreshFailed"), 0, "an unchanged token is no failure");
    let requests = world.requests();
    world.advance(minutes(10));
    let extra = world.requests() - requests;
    assert!((1..=16).contains(&extra), "dead all the same: tried again as a failure, {extra} times");
    assert_eq!(world.state(), State::Stale);
}

/// The put-off ends where the token does.
#[test]
fn a_put_off_refresh_is_not_later_than_the_end() {
    let mut world = World::new();
    let body = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&body, SessionMode::Auto);
    world.server.always = Some(Reply::Fixed(answer(200, &body)));
    world.advance_to_end(secs(1));
    world.server.always = None;
    world.advance(secs(2));
    assert_eq!(world.state(), State::Active);
    assert_eq!(world.generation().0, world.requests() as u64 + 1);
}

/// A sliding session: the server answers with the same opaque token and a new life.
#[test]
fn an_opaque_token_whose_life_is_extended_lives_on() {
    let mut world = World::new();
    world.server.jwts = false;
    let body = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&body, SessionMode::Auto);
    world.server.always = Some(Reply::Fixed(answer(200, &body)));
    world.advance(hours(3));
    assert_eq!((world.state(), world.count("refreshFailed")), (State::Active, 0));
    assert!((12..=20).contains(&world.requests()), "{}", world.requests());
}

/// NE3, T10: tokens that are dead when they come.
#[test]
fn answers_that_are_dead_on_arrival_count_as_failures() {
    for life in ["0", "-1", "-99999999999", "0.0001"] {
        let mut world = World::expired();
        let body = format!(r#"{{"access_token":"dead","expires_in":{life}}}"#);
        world.server.always = Some(Reply::Fixed(answer(200, &body)));
        let call = world.need();
        world.advance(secs(10));
        let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
        assert_eq!(error.cause, Some(Cause::BadResponse), "{life}");
        assert_eq!(world.requests(), 1, "{life}");
        world.advance(minutes(30));
        assert!(world.requests() <= 15, "{life}: {}", world.requests());
        assert_eq!((world.state(), world.ends()), (State::Stale, vec![]));
    }
}

/// JD2: every pair of what a response and a token can say of their end.
#[test]
fn no_odd_lifetime_makes_more_than_one_request_in_ten_seconds() {
    let lives = ["", "null", "\"3600\"", "\"abc\"", "NaN", "-1", "0", "0.5", "1e308", "[]", "1e-400"];
    let ends =
        ["", "1767229200.5", "\"1767229200\"", "1767229200000", "-1", "9007199254740992", "1e308", "{}"];
    for life in lives {
        for end in ends {
            for issued in ["", r#","iat":1767225600"#] {
                let exp = if end.is_empty() { String::new() } else { format!(r#","exp":{end}"#) };
                let token = jwt_of(&format!(r#"{{"sub":"ada"{issued}{exp}}}"#));
                let says = if life.is_empty() { String::new() } else { format!(r#","expires_in":{life}"#) };
                let body = format!(r#"{{"access_token":"{token}","refresh_token":"r-{CANARY}"{says}}}"#);
                let mut world = World::new();
                world.server.always = Some(Reply::Fixed(answer(200, &body)));
                world.set_tokens(&body, SessionMode::Auto);
                for _ in 0..100 {
                    world.need();
                    world.advance(ms(100));
                }
                // Half a second is a life: it is refreshed before its end, and the same token is then dead.
                let most = if life == "0.5" { 2 } else { 1 };
                assert!(world.requests() <= most, "{life} {end} {issued}: {}", world.requests());
                assert!(world.longest_delay <= minutes(2));
            }
        }
    }
}
