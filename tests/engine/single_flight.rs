//! However many want a token, one request is sent.
use crate::common::*;

/// RC1: waiters of every kind and time share the one refresh.
#[test]
fn a_thousand_callers_share_one_refresh() {
    let mut world = World::expired();
    let mut calls: Vec<CallId> = (0..800).map(|_| world.need()).collect();
    for _ in 0..200 {
        world.advance(ms(1));
        calls.push(world.need());
    }
    world.advance(secs(1));
    assert_eq!(world.requests(), 1);
    for call in calls {
        world.expect(call, Settled::Done);
    }
    assert_eq!(world.generation(), Generation(2));
}

/// RC9: the schedule, a wake, a 401 and a forced refresh join the flight under way.
#[test]
fn every_reason_to_refresh_joins_the_flight_under_way() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    let first = world.unauthorized();
    world.advance(ms(50));
    let forced = world.force();
    let asked = world.refresh();
    let need = world.need();
    world.wake(Wake::Shown);
    world.wake(Wake::Online);
    world.wake(Wake::Focus);
    let second = world.unauthorized();
    world.advance(secs(1));
    assert_eq!(world.requests(), 1);
    for call in [first, second] {
        world.expect(call, Settled::Resend);
    }
    for call in [forced, asked, need] {
        world.expect(call, Settled::Done);
    }
}

/// RC5 (a): a 401 that was drawn by the token before the last refresh is resent, not refreshed for.
#[test]
fn a_late_401_for_an_older_token_is_resent_without_a_refresh() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    let old = world.generation();
    let first = world.unauthorized();
    world.advance(secs(2));
    let late = world.unauthorized_for(old);
    world.expect(first, Settled::Resend);
    world.expect(late, Settled::Resend);
    world.advance(minutes(1));
    assert_eq!(world.requests(), 1);
}

/// RC3: a failed refresh leaves the slot free.
#[test]
fn after_any_number_of_failures_the_next_refresh_can_begin() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.reuse = Reuse::NoRotation;
    for round in 0..1_000_u32 {
        let reply = match round.wrapping_mul(2_654_435_761) >> 30 {
            0 => Reply::Unreachable,
            1 => Reply::Fixed(answer(503, "")),
            2 => Reply::Fixed(answer(200, "<html>")),
            _ => Reply::Grant,
        };
        world.server.always = Some(reply.clone());
        let before = world.requests();
        // The schedule may have begun another by then, which the call joins.
        world.advance(secs(2));
        let call = world.force();
        world.advance(secs(16));
        assert!(world.requests() > before, "round {round}: nothing was sent");
        assert_eq!(world.result(call).is_ok(), matches!(reply, Reply::Grant), "round {round}: {reply:?}");
    }
}

/// RC9: what is being stored is new already.
#[test]
fn a_refresh_asked_for_while_the_pair_is_stored_is_served_by_it() {
    for urgency in [Urgency::Normal, Urgency::Forced] {
        let mut world = World::expired();
        world.need();
        world.store.mode = Mode::Delayed(500);
        world.advance(ms(300));
        assert_eq!((world.generation(), world.count("refreshed")), (Generation(2), 0), "being stored");
        let call = world.call(|call| Input::Refresh { call, urgency });
        world.advance(ms(399));
        world.expect_waiting(call);
        world.advance(ms(1));
        world.expect(call, Settled::Done);
        world.advance(minutes(1));
        assert_eq!(world.requests(), 1, "{urgency:?}");
    }
}
