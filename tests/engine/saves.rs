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

/// The write ends when its time is over, and the store shows what it has brought: that need not be stored once more.
#[test]
fn a_pair_that_the_store_shows_after_all_is_not_stored_again() {
    let mut world = World::with(|options| options.number("apart", 1.0).expect("a valid option"));
    world.store.mode = Mode::Delayed(3_000);
    world.sign_in("ada");
    world.advance(secs(4));
    world.store.mode = Mode::Sync;
    world.server.script.push_back(Reply::Slow(6_000));
    world.refresh();
    let writes = world.store.writes;
    world.advance(ms(5_900));
    assert_eq!((world.store.writes, world.state()), (writes, State::Active));
}

/// What is stored once more says that a request is on the wire: without it another tab would send the same token.
#[test]
fn a_save_that_is_tried_again_leaves_the_claim_of_a_request_on_the_wire() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    world.store.mode = Mode::Delayed(600);
    world.server.script.push_back(Reply::Slow(6_000));
    world.advance(ms(4_300));
    let writes = world.store.writes;
    // The claim is being written when the save is due.
    world.refresh();
    world.advance(secs(3));
    assert_eq!((world.store.writes - writes, world.requests()), (2, 1));
    assert!(world.store.holds(r#""locked":1"#), "{:?}", world.store.text);
    world.advance(secs(6));
    assert!(world.store.holds(r#""claim":null"#) && world.store.holds("refresh.0.1"));
}
