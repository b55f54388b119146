//! A newer version of the package has taken the store over in the middle of a session.
use crate::common::*;

const NEWER: &str = r#"{"schema":2,"name":"default","session":{"tokens":["?"]},"epoch":9}"#;

#[test]
fn the_access_token_is_used_to_its_end_and_nothing_is_sent_or_overwritten() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    let writes = world.store.writes;
    world.store.put(NEWER);
    world.wake(Wake::Shown);
    assert_eq!((world.count("persistFailed"), world.state()), (1, State::Ending));
    let need = world.need();
    world.expect(need, Settled::Done);
    for call in [world.refresh(), world.force()] {
        world.expect_error(call, ErrorCode::SessionEnded);
    }
    world.wake(Wake::Shown);
    world.advance_to_end(ms(1));
    assert_eq!((world.state(), world.ends()), (State::Ending, vec![]));
    world.advance(hours(1));
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::Superseded]));
    assert_eq!((world.requests(), world.store.writes, world.armed()), (0, writes, None));
    assert_eq!((world.store.text.as_deref(), world.count("persistFailed")), (Some(NEWER), 1));
}

/// The refresh token that was there before may be spent.
#[test]
fn it_is_seen_before_a_refresh_is_sent() {
    let mut world = World::expired();
    world.store.put(NEWER);
    let call = world.need();
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!((world.requests(), world.ends()), (0, vec![EndReason::Superseded]));
    assert_eq!((world.store.text.as_deref(), world.lock), (Some(NEWER), None));
}

/// While a request flew: its pair is used, but not stored.
#[test]
fn a_pair_that_meets_it_is_not_written_over_it() {
    let mut world = World::expired();
    let call = world.need();
    assert_eq!(world.requests(), 1);
    world.store.put(NEWER);
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.store.text.as_deref(), world.count("persistFailed")), (Some(NEWER), 1));
    world.advance(hours(1));
    assert_eq!((world.requests(), world.lock, world.unsettled()), (1, None, 0));
}

/// A wish of the user is carried out in memory.
#[test]
fn a_sign_in_after_it_lives_in_memory() {
    let mut world = World::new();
    world.store.put(NEWER);
    world.wake(Wake::Shown);
    let call = world.sign_in("bob");
    world.expect(call, Settled::Started);
    world.advance(hours(2));
    assert_eq!((world.state(), world.store.text.as_deref()), (State::Active, Some(NEWER)));
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    assert_eq!((world.state(), world.store.text.as_deref()), (State::SignedOut, Some(NEWER)));
}
