//! Who gets a token at once, who waits and how long.
use crate::common::*;

/// RC5 (c): a proactive refresh holds nobody up.
#[test]
fn a_good_token_is_handed_out_at_once_while_it_is_refreshed() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.always = Some(Reply::Silent);
    world.advance_until(minutes(10), |world| world.snapshot().refreshing);
    for _ in 0..20 {
        let call = world.need();
        world.expect(call, Settled::Done);
    }
    assert_eq!(world.engine.metrics().waited, 0);
}

/// RC5 (b): after a 401 nobody gets the token that drew it.
#[test]
fn a_rejected_token_is_handed_to_nobody() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    world.unauthorized();
    assert_eq!(world.bearer(), None);
    let calls: Vec<CallId> = (0..20).map(|_| world.need()).collect();
    for call in &calls {
        world.expect_waiting(*call);
    }
    world.advance(secs(1));
    for call in calls {
        world.expect(call, Settled::Done);
    }
}

/// I3: 15 seconds, not more, whatever the attempts do.
#[test]
fn a_caller_waits_fifteen_seconds_at_most() {
    let mut world = World::expired();
    let began = world.clock.elapsed;
    world.server.always = Some(Reply::Silent);
    let call = world.need();
    world.advance(secs(5));
    let later = world.need();
    world.advance(ms(9_999));
    world.expect_waiting(call);
    world.advance(ms(1));
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!(error.cause, Some(Cause::Timeout));
    assert_eq!(world.settled_at(call) - began, 15_000);
    world.advance(secs(5));
    assert_eq!(world.settled_at(later) - began, 20_000);
}

#[test]
fn the_wait_is_an_option_and_zero_means_not_at_all() {
    let mut world = World::expired_with(|options| options.number("maxWait", 0.0).unwrap());
    let call = world.need();
    world.advance(Millis::ZERO);
    world.expect_error(call, ErrorCode::RefreshUnavailable);
    world.advance(secs(1));
    assert_eq!(world.state(), State::Active, "the refresh goes on without its caller");
}

/// A page that is seen again looks at its store first; who does not wait gets what was good before.
#[test]
fn who_does_not_wait_at_all_gets_a_good_token_also_during_the_look_after_a_wake() {
    for mode in [Mode::Delayed(500), Mode::Hanging] {
        let mut world = World::with(|options| options.number("maxWait", 0.0).unwrap());
        world.sign_in("ada");
        world.store.mode = mode;
        world.wake(Wake::Shown);
        let call = world.need();
        world.advance(Millis::ZERO);
        world.expect(call, Settled::Done);
    }
}

/// RC2: all of them, with the one error, and nobody is left.
#[test]
fn when_the_flight_fails_all_who_wait_are_told_at_once() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    let calls: Vec<CallId> = (0..50)
        .map(|_| {
            world.advance(ms(20));
            world.need()
        })
        .collect();
    world.advance(secs(8));
    let first = world.settled_at(calls[0]);
    for call in calls {
        let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
        assert_eq!((error.attempt, error.status, error.code.is_transient()), (4, Some(503), true));
        assert_eq!(world.settled_at(call), first);
    }
    assert_eq!(world.unsettled(), 0);
}

/// FW9, FW2: a caller may ask for more life than is left.
#[test]
fn a_caller_that_needs_more_life_waits_for_the_refresh() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance_to_end(secs(460));
    let content = world.need_for(secs(459));
    world.expect(content, Settled::Done);
    let wants_more = world.need_for(secs(461));
    world.expect_waiting(wants_more);
    world.advance(secs(1));
    world.expect(wants_more, Settled::Done);
    assert_eq!(world.requests(), 1);
}

/// Where no token lives so long, most of a life has to do: else every call would cost a refresh.
#[test]
fn a_caller_that_needs_more_than_the_server_gives_gets_most_of_a_life() {
    let mut world = World::new();
    world.server.lifetime = 30;
    world.sign_in("ada");
    for _ in 0..100 {
        let call = world.need_for(hours(1));
        world.expect(call, Settled::Done);
    }
    assert_eq!(world.requests(), 0);
    world.advance(secs(13));
    let call = world.need_for(hours(1));
    world.expect_waiting(call);
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    let again = world.need_for(hours(1));
    world.expect(again, Settled::Done);
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_token_used_near_its_end_is_refreshed_beside_the_use() {
    let mut world = World::with(|options| options.number("lead", 0.0).unwrap());
    world.sign_in("ada");
    world.advance_to_end(ms(30_001));
    let call = world.need();
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 0);
    world.advance(ms(2));
    let call = world.need();
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 1);
}

#[test]
fn without_a_session_nobody_waits() {
    let mut world = World::new();
    let (need, forced) = (world.need(), world.force());
    world.expect_error(need, ErrorCode::SignedOut);
    world.expect_error(forced, ErrorCode::SignedOut);
    let refused = world.unauthorized_for(Generation(0));
    world.expect(refused, Settled::Pass);
    assert_eq!((world.requests(), world.armed()), (0, None));
}

#[test]
fn a_refresh_nobody_can_make_is_a_typed_error() {
    let mut world = World::with(|options| options.text("refresh.kind", "none".into()).unwrap());
    world.sign_in("ada");
    world.advance(secs(5));
    let call = world.force();
    world.expect_error(call, ErrorCode::Configuration);
    assert_eq!(world.state(), State::Active);
    let mut world = World::new();
    world.set_tokens(r#"{"access_token":"only","expires_in":60}"#, SessionMode::Auto);
    world.advance(secs(5));
    let call = world.refresh();
    world.expect_error(call, ErrorCode::Configuration);
    world.advance(secs(60));
    assert_eq!(world.ends(), [EndReason::Expired]);
}

/// A refresh that is asked for twice in a breath is one.
#[test]
fn a_refresh_asked_for_right_after_another_is_served_by_it() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    let first = world.refresh();
    world.advance(ms(300));
    world.expect(first, Settled::Done);
    let again = world.refresh();
    world.expect(again, Settled::Done);
    assert_eq!(world.requests(), 1);
    let forced = world.force();
    world.advance(secs(1));
    world.expect(forced, Settled::Done);
    assert_eq!(world.requests(), 2, "after the floor between refreshes");
}
