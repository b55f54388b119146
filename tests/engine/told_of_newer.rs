//! What a tab has been told of and cannot see: the refresh token that it holds is spent, and a strict server ends the
//! session of who sends it.
use crate::common::*;
use evertoken::engine::ids::Epoch;

/// Another tab has refreshed and said so, and the store does not answer.
fn told() -> World {
    let mut world = World::new();
    world.sign_in("ada");
    world.rotate_elsewhere();
    world.store.mode = Mode::Hanging;
    world.announce_elsewhere();
    world.advance(secs(3));
    world
}

#[test]
fn while_the_store_cannot_be_read_nothing_is_sent() {
    for mode in [Mode::Failing, Mode::Unreadable, Mode::Hanging] {
        let mut world = told();
        world.store.mode = mode;
        let call = world.refresh();
        world.advance(minutes(10));
        let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
        assert_eq!((error.cause, world.requests()), (Some(Cause::Elsewhere), 0), "{mode:?}");
        world.store.mode = Mode::Sync;
        world.advance(minutes(6));
        assert_eq!((world.count("adopted"), world.ends()), (1, vec![]), "{mode:?}");
    }
}

/// The text that one process writes is seen by another a little later than what that says on the channel.
#[test]
fn a_pair_that_is_seen_late_is_waited_for() {
    let mut world = told();
    world.store.mode = Mode::Sync;
    let after = world.store.text.replace(world.store.history[0].clone());
    let call = world.refresh();
    world.advance(ms(200));
    world.expect_waiting(call);
    world.store.text = after;
    world.advance(ms(200));
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.generation()), (0, Generation(2)));
}

/// Anybody of this origin can say anything on the channel.
#[test]
fn one_that_does_not_come_is_waited_for_once() {
    let mut world = World::new();
    world.sign_in("ada");
    world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(9) }.encode()));
    world.advance(secs(10));
    let waits = world.refresh();
    world.advance(ms(499));
    assert_eq!(world.requests(), 0);
    world.advance(ms(1));
    assert_eq!(world.requests(), 1);
    world.advance(ms(300));
    world.expect(waits, Settled::Done);
    world.advance(secs(10));
    let next = world.refresh();
    world.advance(ms(200));
    world.expect(next, Settled::Done);
    world.sign_out();
    assert_eq!(world.armed(), None);
}

/// What was told of is what is held by then.
#[test]
fn one_that_has_come_is_not_waited_for() {
    let mut world = World::new();
    world.sign_in("ada");
    world.rotate_elsewhere();
    world.announce_elsewhere();
    world.advance(secs(10));
    world.force();
    assert_eq!((world.generation(), world.requests()), (Generation(2), 1));
}

/// Two looks in a row, as when a page is shown: the first one's answer comes, the other's never does.
#[test]
fn what_a_look_has_shown_counts_though_another_has_followed() {
    let mut world = World::new();
    world.sign_in("ada");
    world.rotate_elsewhere();
    world.store.mode = Mode::Delayed(50);
    world.wake(Wake::Shown);
    world.store.mode = Mode::Hanging;
    world.wake(Wake::Shown);
    world.advance(ms(50));
    assert_eq!((world.count("adopted"), world.generation()), (1, Generation(2)));
}
