//! A store that answers late or never, and timers that are a little late, as those of browsers always are.
use crate::common::*;

/// ST2: it costs durability, not the session.
#[test]
fn a_refresh_goes_out_though_the_store_hangs_and_timers_are_late() {
    for mode in [Mode::Hanging, Mode::Mute] {
        for late in [0, 1, 5, 100, 1_900] {
            let mut world = expired(mode);
            let call = world.need();
            run_late(&mut world, late, secs(14));
            assert_eq!(world.requests(), 1, "{mode:?}, timers {late} ms late");
            world.expect(call, Settled::Done);
        }
    }
}

/// I1: while the store stood still another tab had its turn.
#[test]
fn a_store_that_stalls_once_is_asked_again_before_anything_is_sent() {
    for late in [0, 5] {
        let mut world = expired(Mode::Hanging);
        let call = world.need();
        world.rotate_elsewhere();
        run_late(&mut world, late, ms(1_500));
        world.store.mode = Mode::Sync;
        run_late(&mut world, late, secs(2));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.count("adopted")), (0, 1), "timers {late} ms late");
    }
}

/// I12: and before a refusal ends anything.
#[test]
fn a_store_that_stalls_once_is_asked_again_before_a_refusal_counts() {
    for late in [0, 5] {
        let mut world = expired(Mode::Sync);
        world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
        let call = world.need();
        world.rotate_elsewhere();
        world.store.mode = Mode::Hanging;
        run_late(&mut world, late, ms(1_900));
        world.store.mode = Mode::Sync;
        run_late(&mut world, late, secs(2));
        world.expect(call, Settled::Done);
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "timers {late} ms late");
    }
}

/// A store that hangs for good holds refreshes up by one read.
#[test]
fn a_store_that_goes_on_hanging_is_not_asked_twice_each_time() {
    let mut world = expired(Mode::Hanging);
    world.need();
    world.advance(secs(10));
    world.sleep(minutes(20));
    let (reads, call) = (world.store.reads, world.need());
    world.advance(ms(2_000 + 200 + 2_000));
    world.expect(call, Settled::Done);
    assert_eq!((world.store.reads - reads, world.requests()), (1, 2));
}

/// Twenty minutes after a sign-in that was stored.
fn expired(mode: Mode) -> World {
    let mut world = World::new();
    world.sign_in("ada");
    world.sleep(minutes(20));
    world.store.mode = mode;
    world
}

/// Lets time pass with timers that fire `late` ms after their deadline.
#[track_caller]
fn run_late(world: &mut World, late: u64, span: Millis) {
    let end = world.clock.elapsed + span.0;
    loop {
        let left = world.armed().filter(|left| world.clock.elapsed + left.0 + late <= end);
        let Some(left) = left else {
            break;
        };
        world.advance(Millis(left.0.saturating_sub(1)));
        world.sleep(Millis(left.0.min(1) + late));
        world.input(Input::Tick);
    }
    world.sleep(Millis(end - world.clock.elapsed));
}
