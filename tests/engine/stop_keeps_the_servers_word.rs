//! What the server has said holds over a stop: found by the simulator.
use crate::common::*;

#[test]
fn retry_after_is_kept_when_a_stop_ends_the_flight() {
    let mut world = World::expired();
    let slow_down = Answer { retry_after: Some("300".into()), ..answer(429, "") };
    world.server.script.push_back(Reply::Fixed(slow_down));
    world.need();
    world.advance(secs(2));
    world.input(Input::Stop);
    world.need();
    world.force();
    world.advance(secs(290));
    assert_eq!(world.requests(), 1);
    world.advance(secs(20));
    world.need();
    world.advance(secs(2));
    assert_eq!((world.requests(), world.state()), (2, State::Active));
}

#[test]
fn a_refusal_that_is_being_confirmed_is_not_forgotten() {
    let mut world = World::expired();
    world.server.revoke(0);
    world.need();
    world.advance(secs(0));
    world.store.mode = Mode::Delayed(500);
    world.advance(Millis(300));
    world.input(Input::Stop);
    world.input(Input::Start);
    world.advance(secs(60));
    assert_eq!((world.requests(), world.ends()), (1, vec![EndReason::Refused]));
}
