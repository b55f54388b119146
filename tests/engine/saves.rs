//! What could not be stored is tried again: a reload would else send a refresh token that is spent.
use crate::common::*;

#[test]
fn a_save_that_failed_is_tried_after_five_seconds_and_then_four_times_as_long() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    world.input(Input::Stop);
    let began = world.clock.elapsed;
    let mut waited = Vec::new();
    let mut before = began;
    for writes in 2..8 {
        world.advance_until(minutes(17), |world| world.store.writes == writes);
        waited.push((world.clock.elapsed - before).div_euclid(100) * 100);
        before = world.clock.elapsed;
    }
    assert_eq!(waited, [5_000, 20_000, 80_000, 320_000, 960_000, 960_000]);
    assert_eq!(world.count("persistFailed"), 1, "told once");
}

#[test]
fn a_save_that_succeeds_ends_the_trouble() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    world.store.mode = Mode::Sync;
    world.advance(secs(5));
    assert!(world.store.holds("refresh.0.0"));
    let writes = world.store.writes;
    world.advance(minutes(5));
    assert_eq!(world.store.writes, writes);
    world.store.mode = Mode::Failing;
    world.refresh();
    world.advance(secs(1));
    assert_eq!(world.count("persistFailed"), 2);
    let writes = world.store.writes;
    world.advance(ms(4_900));
    assert_eq!(world.store.writes, writes + 1, "from the beginning");
}

/// A page that is seen again, or has a network again, may have its store again too.
#[test]
fn a_wake_hastens_it() {
    for wake in [Wake::Shown, Wake::Online] {
        let mut world = World::new();
        world.store.mode = Mode::Failing;
        world.sign_in("ada");
        world.advance(minutes(1));
        world.store.mode = Mode::Sync;
        world.wake(wake);
        assert!(world.store.holds("refresh.0.0"), "{wake:?}");
    }
}

/// Nothing else keeps the engine awake when nobody is signed in.
#[test]
fn a_sign_out_that_could_not_be_stored_is_tried_three_times_more() {
    let mut world = World::new();
    world.sign_in("ada");
    let writes = world.store.writes;
    world.store.mode = Mode::Failing;
    world.sign_out();
    world.advance(hours(10));
    assert_eq!((world.store.writes - writes, world.armed()), (4, None));
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Failing;
    world.sign_out();
    world.advance(secs(30));
    world.store.mode = Mode::Sync;
    world.advance(minutes(2));
    assert!(!world.store.holds(CANARY));
}

/// MT10: a strict server would end the session.
#[test]
fn a_page_that_is_loaded_after_the_retry_sends_no_spent_token() {
    for mode in [Mode::Failing, Mode::Hanging] {
        let mut world = World::expired();
        let call = world.need();
        world.store.mode = mode;
        world.advance(secs(3));
        world.expect(call, Settled::Done);
        assert!(world.store.holds("refresh.0.0"), "{mode:?}: the store has the spent token");
        world.store.mode = Mode::Sync;
        world.advance(secs(5));
        assert!(world.store.holds("refresh.0.1"), "{mode:?}");
        let mut world = world.reload(2);
        assert_eq!(world.state(), State::Active);
        world.advance(hours(2));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "{mode:?}");
    }
}

/// What changes meanwhile is saved at once and needs no retry.
#[test]
fn a_save_of_something_newer_takes_the_place_of_the_retry() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    world.advance(secs(1));
    world.store.mode = Mode::Sync;
    world.sign_in("bob");
    let writes = world.store.writes;
    world.advance(minutes(1));
    assert_eq!(world.store.writes, writes);
    assert!(world.store.holds("refresh.1.0"));
}
