//! A page that nobody sees does not refresh by itself.
use crate::common::*;

#[test]
fn hidden_it_lets_the_token_end() {
    let mut world = World::new();
    world.sign_in("ada");
    world.wake(Wake::Hidden);
    world.advance(hours(2));
    assert_eq!((world.requests(), world.state(), world.ends()), (0, State::Stale, vec![]));
}

#[test]
fn a_use_refreshes_also_then() {
    let mut world = World::new();
    world.sign_in("ada");
    world.wake(Wake::Hidden);
    world.advance(hours(2));
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    let good = world.need();
    world.expect(good, Settled::Done);
    assert_eq!(world.requests(), 1);
}

#[test]
fn seen_again_it_refreshes_when_one_is_due() {
    let mut world = World::new();
    world.sign_in("ada");
    world.wake(Wake::Hidden);
    world.advance(minutes(5));
    world.wake(Wake::Shown);
    assert_eq!(world.requests(), 0);
    world.wake(Wake::Hidden);
    world.advance(minutes(7));
    world.wake(Wake::Shown);
    assert_eq!(world.requests(), 1);
}

/// The holder of the token asks before each use: the page may be frozen at any moment.
#[test]
fn the_token_is_not_used_without_asking_until_the_page_is_back() {
    let mut world = World::new();
    world.sign_in("ada");
    let until = |world: &World| world.verdict.as_ref().and_then(|verdict| verdict.until);
    assert!(until(&world).is_some_and(|until| until.mono > world.clock.now().mono));
    world.wake(Wake::Hidden);
    assert_eq!(until(&world), Some(Now::NEVER));
    world.store.mode = Mode::Delayed(50);
    world.wake(Wake::Shown);
    assert_eq!(until(&world), Some(Now::NEVER), "the store has not been read again yet");
    world.advance(ms(50));
    assert!(until(&world).is_some_and(|until| until.mono > world.clock.now().mono));
}

/// The re-read after a wake is bounded: a good token waits for it two seconds at most.
#[test]
fn a_store_that_hangs_holds_a_good_token_up_for_two_seconds_only() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Hanging;
    world.wake(Wake::Shown);
    let call = world.need();
    world.advance(ms(1_999));
    world.expect_waiting(call);
    world.advance(ms(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 0);
}
