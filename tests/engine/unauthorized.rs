//! A resource server answers 401.
use crate::common::*;

/// RC2 (a): late 401s of one token share the refresh, and each is resent.
#[test]
fn requests_are_resent_after_one_refresh() {
    let mut world = World::new();
    world.server.latency = 500;
    world.sign_in("ada");
    world.advance(secs(10));
    let old = world.generation();
    let calls: Vec<CallId> = (0..3)
        .map(|_| {
            let call = world.unauthorized_for(old);
            world.advance(ms(50));
            call
        })
        .collect();
    world.advance(secs(1));
    for call in calls {
        world.expect(call, Settled::Resend);
    }
    assert_eq!((world.requests(), world.engine.metrics().recovered), (1, 3));
}

/// FW7: when the refresh fails the caller gets the 401 that it has.
#[test]
fn the_401_goes_to_the_caller_when_the_refresh_fails() {
    for reply in [
        Reply::Unreachable,
        Reply::Fixed(answer(503, "")),
        Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)),
        Reply::Silent,
    ] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(secs(10));
        world.server.always = Some(reply);
        let call = world.unauthorized();
        world.advance(secs(20));
        world.expect(call, Settled::Pass);
    }
}

/// A 401 never ends a session by itself.
#[test]
fn no_number_of_401s_ends_a_session() {
    let mut world = World::new();
    world.sign_in("ada");
    for _ in 0..200 {
        world.advance(secs(3));
        world.unauthorized();
        world.advance(secs(1));
        world.replayed(Reception::Rejected);
    }
    assert_eq!(world.ends(), []);
    assert_eq!(world.unsettled(), 0);
}

/// FW8: a token is not younger than two seconds and yet to blame.
#[test]
fn a_token_that_has_just_come_is_not_refreshed_for_a_401() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(ms(1_999));
    let call = world.unauthorized();
    world.expect(call, Settled::Pass);
    assert_eq!((world.requests(), world.state()), (0, State::Active));
    world.advance(ms(1));
    let call = world.unauthorized();
    world.expect_waiting(call);
}

/// FW8: what a new token cannot mend.
#[test]
fn insufficient_scope_is_no_reason_to_refresh() {
    let ask = |challenge: &str| {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(secs(10));
        let generation = world.generation();
        let challenge = Some(challenge.to_owned());
        let call = world.call(|call| Input::Unauthorized { call, generation, challenge });
        world.advance(secs(1));
        world.result(call).clone().unwrap()
    };
    for forbids in
        [r#"Bearer error="insufficient_scope""#, r#"Basic realm="a, b", Bearer error=insufficient_scope"#]
    {
        assert_eq!(ask(forbids), Settled::Pass, "{forbids}");
    }
    for allows in ["", "Bearer", r#"Bearer error="invalid_token""#, "Negotiate", "\"", "===,,,"] {
        assert_eq!(ask(allows), Settled::Resend, "{allows}");
    }
}

#[test]
fn a_generation_that_was_never_held_passes() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    for generation in [Generation(0), Generation(2), Generation(u64::MAX)] {
        let call = world.unauthorized_for(generation);
        world.expect(call, Settled::Pass);
    }
    assert_eq!(world.requests(), 0);
}

#[test]
fn without_a_way_to_refresh_the_token_stays_in_use() {
    let mut world = World::with(|options| options.text("refresh.kind", "none".into()).unwrap());
    world.sign_in("ada");
    world.advance(secs(10));
    let call = world.unauthorized();
    world.expect(call, Settled::Pass);
    let need = world.need();
    world.expect(need, Settled::Done);
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
}

/// The store may know better: then nothing is sent.
#[test]
fn a_newer_token_in_the_store_answers_a_401_without_a_request() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.rotate_elsewhere();
    let call = world.unauthorized();
    world.expect(call, Settled::Resend);
    assert_eq!((world.requests(), world.count("adopted")), (0, 1));
}

/// While the endpoint is down, each 401 is answered from the cooldown.
#[test]
fn during_a_cooldown_401s_pass_at_once() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.unauthorized();
    world.advance(secs(9));
    let requests = world.requests();
    for _ in 0..100 {
        let call = world.unauthorized();
        world.expect(call, Settled::Pass);
    }
    assert_eq!(world.requests(), requests);
}

/// NE4: one path of one server has refused it; while no other is to be had, the rest goes on with it.
#[test]
fn after_a_401_whose_refresh_failed_the_good_token_is_handed_out_again() {
    for reply in [Reply::Unreachable, Reply::Fixed(answer(503, "")), Reply::Silent] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(secs(10));
        let bearer = world.bearer().map(str::to_owned);
        world.server.always = Some(reply.clone());
        let refused = world.unauthorized();
        assert_eq!(world.bearer(), None);
        world.advance_until(minutes(1), |world| world.snapshot().refreshing == world.bearer().is_none());
        world.advance(minutes(1));
        world.expect(refused, Settled::Pass);
        assert_eq!((world.state(), world.bearer().map(str::to_owned)), (State::Active, bearer), "{reply:?}");
        let call = world.need();
        world.expect(call, Settled::Done);
        assert_eq!(world.ends(), []);
    }
}
