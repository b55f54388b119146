//! Refreshes that do not help stop by themselves.
use crate::common::*;

/// LP1, LP2: a hundred pollers, an API that always answers 401, a server that always grants.
#[test]
fn pollers_of_an_api_that_always_refuses_cause_few_refreshes() {
    let mut world = World::new();
    world.server.latency = 50;
    world.sign_in("ada");
    world.advance(secs(5));
    let mut resent = 0;
    for _ in 0..600 {
        let polls: Vec<CallId> = (0..100).map(|_| world.unauthorized()).collect();
        world.advance(ms(500));
        for poll in polls {
            if matches!(world.result(poll), Ok(Settled::Resend)) {
                resent += 1;
                world.replayed(Reception::Rejected);
            }
        }
        world.advance(ms(500));
    }
    assert!((6..=12).contains(&world.requests()), "{}", world.requests());
    assert!(resent > 0);
    let gaps = world.gaps();
    assert!(gaps[..4].windows(2).all(|pair| pair[1] > pair[0]), "{gaps:?}");
    assert_eq!(world.ends(), []);
}

#[test]
fn while_it_is_open_401s_pass_and_good_tokens_are_handed_out() {
    let mut world = tripped();
    let call = world.unauthorized();
    world.expect(call, Settled::Pass);
    let need = world.need();
    world.expect(need, Settled::Done);
    assert_eq!((world.requests(), world.state()), (1, State::Active));
}

/// `force` skips margin and cooldown, never the breaker.
#[test]
fn a_forced_refresh_does_not_pass_it() {
    let mut world = tripped();
    let call = world.force();
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert!(error.retry_at.is_some_and(|at| at > world.clock.now().wall));
    assert_eq!(world.requests(), 1);
    world.advance(secs(3));
    let call = world.force();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
}

#[test]
fn the_first_success_closes_it() {
    let mut world = tripped();
    world.replayed(Reception::Accepted);
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
}

#[test]
fn new_tokens_close_it() {
    let mut world = tripped();
    world.sign_in("ada");
    world.advance(secs(2));
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
}

/// Only a token that is still held can be at fault.
#[test]
fn a_late_refusal_of_an_older_token_does_not_open_it() {
    let mut world = World::new();
    world.sign_in("ada");
    let old = world.generation();
    world.advance(minutes(1));
    world.refresh();
    world.advance(secs(3));
    world.input(Input::Replayed { generation: old, reception: Reception::Rejected });
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
}

/// An expired token is refreshed all the same: the breaker is about 401s.
#[test]
fn an_end_is_a_reason_to_refresh_even_then() {
    let mut world = tripped();
    for _ in 0..20 {
        world.replayed(Reception::Rejected);
        world.advance(secs(15));
    }
    let requests = world.requests();
    world.advance(minutes(15));
    assert!(world.requests() > requests);
    assert_eq!(world.state(), State::Active);
}

/// One 401, one refresh, one 401 again; 2.5 s after that refresh.
fn tripped() -> World {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
    world.replayed(Reception::Rejected);
    world.advance(ms(2_500));
    world
}
