//! I11: nothing that an app, a server or a listener does makes a storm of requests.
use crate::common::*;

/// LP6: a listener that answers every end of a refresh with the next one.
#[test]
fn a_listener_that_forces_a_refresh_at_each_refresh_makes_ten_requests_a_minute_at_most() {
    for urgency in [Urgency::Normal, Urgency::Forced] {
        for reply in [None, Some(Reply::Fixed(answer(503, ""))), Some(Reply::Fixed(answer(200, "{}")))] {
            let requests = a_minute_with(900, Some(urgency), reply.clone());
            assert!(requests <= 10, "{reply:?} {urgency:?}: {requests}");
            assert!(urgency == Urgency::Normal || requests > 4, "{reply:?}: it is not refused either");
        }
    }
}

/// Near a token's end the schedule is prompt in the first minute without a network; the listener makes it no quicker.
#[test]
fn a_listener_that_forces_a_refresh_does_not_hasten_the_schedule() {
    let alone = a_minute_with(40, None, Some(Reply::Unreachable));
    for urgency in [Urgency::Normal, Urgency::Forced] {
        let requests = a_minute_with(40, Some(urgency), Some(Reply::Unreachable));
        assert!(requests <= alone, "{urgency:?}: {requests} instead of {alone}");
    }
}

/// The requests of a minute in which a listener asks for a refresh whenever it hears of one.
fn a_minute_with(lifetime: u64, urgency: Option<Urgency>, reply: Option<Reply>) -> usize {
    let mut world = World::new();
    world.server.latency = 20;
    world.server.lifetime = lifetime;
    world.sign_in("ada");
    world.server.always = reply;
    world.advance(secs(10));
    world.refresh();
    let mut heard = 0;
    for _ in 0..60 * 50 {
        let told = world.count("refreshed") + world.count("refreshFailed");
        if let Some(urgency) = urgency.filter(|_| told > heard) {
            world.call(|call| Input::Refresh { call, urgency });
        }
        heard = told;
        world.advance(ms(20));
    }
    world.requests()
}

/// An app that asks for a new token once in a while gets it at once.
#[test]
fn refreshes_that_are_asked_for_now_and_then_begin_at_once() {
    let mut world = World::new();
    world.sign_in("ada");
    for round in 0..20 {
        world.advance(secs(10));
        let call = world.force();
        assert_eq!(world.requests(), round + 1);
        world.advance(secs(1));
        world.expect(call, Settled::Done);
    }
}

/// CK4: every caller wants more life than the token has that the server gives again and again.
/// Who asks again after a success makes no storm: a failure is tried again as always.
#[test]
fn a_refresh_that_follows_a_good_one_has_its_retries() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    for _ in 0..2 {
        world.force();
        world.advance(secs(2));
    }
    world.server.script.push_back(Reply::Unreachable);
    let call = world.force();
    world.advance(secs(8));
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.count("retryScheduled")), (4, 1));
}

#[test]
fn callers_that_want_more_life_of_the_same_token_make_no_storm() {
    let mut world = World::new();
    let body = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&body, SessionMode::Auto);
    world.server.always = Some(Reply::Fixed(answer(200, &body)));
    world.advance(minutes(9));
    for _ in 0..3_000 {
        let call = world.need_for(secs(500));
        world.advance(ms(100));
        if world.settled.contains_key(&call) {
            world.expect(call, Settled::Done);
        }
    }
    assert!((1..=5).contains(&world.requests()), "{}", world.requests());
}

/// The same with a token that names no end.
#[test]
fn a_repeated_token_without_an_end_makes_no_storm() {
    let mut world = World::new();
    let body = format!(r#"{{"access_token":"opaque-{CANARY}","refresh_token":"r-{CANARY}"}}"#);
    world.set_tokens(&body, SessionMode::Auto);
    world.server.always = Some(Reply::Fixed(answer(200, &body)));
    for _ in 0..1_000 {
        world.need_for(secs(500));
        world.advance(ms(100));
    }
    assert_eq!(world.requests(), 0);
}
