//! What the counters count that a page can ask for.
use crate::common::*;

#[test]
fn what_is_sent_and_what_fails_is_counted() {
    let mut world = World::expired();
    let invalid = answer(400, r#"{"error":"invalid_client"}"#);
    world.server.script.extend([Reply::Unreachable, Reply::Fixed(answer(503, "")), Reply::Fixed(invalid)]);
    world.need();
    world.advance(secs(5));
    assert_eq!((world.engine.metrics().attempts, world.engine.metrics().failed), (3, 3));
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
    world.force();
    world.advance(secs(5));
    assert_eq!((world.engine.metrics().attempts, world.engine.metrics().failed), (4, 4));
}

#[test]
fn who_waits_and_who_waits_in_vain_is_counted() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_client"}"#)));
    for _ in 0..3 {
        world.need();
    }
    world.advance(secs(1));
    let metrics = world.engine.metrics();
    assert_eq!((metrics.waited, metrics.rejected), (3, 3));
}

#[test]
fn a_401_that_a_newer_token_answers_is_counted() {
    let mut world = World::new();
    world.sign_in("ada");
    let old = world.generation();
    world.advance(secs(10));
    world.force();
    world.advance(secs(1));
    for _ in 0..2 {
        let call = world.unauthorized_for(old);
        world.expect(call, Settled::Resend);
    }
    assert_eq!((world.engine.metrics().recovered, world.engine.metrics().waited), (2, 1));
}

#[test]
fn a_pair_of_another_tab_is_counted() {
    let mut world = World::new();
    world.sign_in("ada");
    for adopted in 1..=3 {
        world.advance(secs(5));
        world.rotate_elsewhere();
        world.wake(Wake::Shown);
        assert_eq!(world.engine.metrics().adopted, adopted);
    }
}

/// A token that is dead when it comes is a failure, and its refresh token is kept.
#[test]
fn refreshes_and_tokens_that_are_dead_when_they_come_are_counted() {
    let mut world = World::with(|options| options.number("retries", 0.0).unwrap());
    world.sign_in("ada");
    for refreshed in 1..=2 {
        world.advance(secs(10));
        world.force();
        world.advance(secs(1));
        assert_eq!(world.engine.metrics().refreshed, refreshed);
    }
    (world.server.jwts, world.server.lifetime) = (false, 0);
    for failed in 1..=2 {
        world.advance(secs(10));
        world.force();
        world.advance(secs(1));
        assert_eq!((world.engine.metrics().failed, world.engine.metrics().refreshed), (failed, 2));
    }
}
