//! More of a store in trouble: found by the simulator.
use crate::common::*;

/// Whoever asks later does not keep the earlier waiting.
#[test]
fn a_call_waits_for_its_own_write_and_the_one_before_it() {
    let mut world = World::new();
    world.store.mode = Mode::Hanging;
    let first = world.sign_in("ada");
    for name in ["bob", "cleo", "dora", "eve"] {
        world.advance(ms(1_500));
        world.sign_in(name);
    }
    assert!(world.settled.contains_key(&first));
    world.advance(secs(10));
    assert_eq!(world.unsettled(), 0);
}

/// A page whose store failed at first counts anew, and meets a record with its own numbers.
#[test]
fn a_refusal_of_another_session_with_the_same_numbers_is_none() {
    let mut before = World::new();
    before.sign_in("ada");
    before.server.revoke(0);
    before.force();
    before.advance(secs(5));
    assert_eq!(before.state(), State::Ending);
    let mut world = World::unread(|_| {}, 2);
    world.boot();
    world.sign_in("bob");
    world.store.text = before.store.text.clone();
    world.input(Input::Wake(Wake::Focus));
    world.advance(secs(1));
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
}
