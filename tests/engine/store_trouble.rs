//! ST2: a store in trouble costs durability, never the session.
use crate::common::*;

const TROUBLE: [Mode; 3] = [Mode::Failing, Mode::Hanging, Mode::Delayed(30_000)];

#[test]
fn a_store_in_trouble_is_bounded_to_two_seconds_an_operation() {
    for mode in TROUBLE {
        let mut world = World::expired();
        world.store.mode = mode;
        let call = world.need();
        // The read that a refresh depends on is asked for twice.
        world.advance(ms(2_000 + 2_000 + 200 + 2_000));
        world.expect(call, Settled::Done);
        assert_eq!(world.requests(), 1, "{mode:?}");
        world.advance(hours(3));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "{mode:?}");
        assert!(world.server.is_alive(0), "{mode:?}: no refresh token is sent twice");
        assert_eq!(world.count("persistFailed"), 1, "{mode:?}: told once");
    }
}

#[test]
fn a_page_whose_store_cannot_be_read_is_signed_out_after_two_seconds() {
    for mode in TROUBLE {
        let mut world = World::unread(|_| {}, 1);
        world.store.mode = mode;
        world.boot();
        let call = world.need();
        world.advance(secs(2));
        world.expect_error(call, ErrorCode::SignedOut);
        assert_eq!(world.state(), State::SignedOut);
        let call = world.sign_in("ada");
        world.advance(secs(2));
        world.expect(call, Settled::Started);
        assert_eq!(world.state(), State::Active);
    }
}

/// Handing over is done when the pair is stored, or is known not to be.
#[test]
fn a_hand_over_is_settled_when_the_pair_is_stored() {
    let mut world = World::new();
    world.store.mode = Mode::Delayed(1_500);
    let call = world.sign_in("ada");
    assert_eq!(world.state(), State::Active, "usable at once");
    world.advance(ms(1_499));
    world.expect_waiting(call);
    world.advance(ms(1));
    world.expect(call, Settled::Started);
    assert!(world.store.holds("refresh.0.0"));
}

/// MT10: stored before those who wait are served, so that a reload finds what they were given.
#[test]
fn a_pair_is_stored_before_its_waiters_are_served() {
    let mut world = World::expired();
    world.store.mode = Mode::Delayed(300);
    let call = world.need();
    world.advance(ms(300 + 300 + 200 + 299));
    world.expect_waiting(call);
    assert!(!world.store.holds("refresh.0.1"));
    world.advance(ms(1));
    world.expect(call, Settled::Done);
    assert!(world.store.holds("refresh.0.1"));
}

#[test]
fn a_store_that_works_again_is_told_of_when_it_next_fails() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    world.sign_in("ada");
    assert_eq!(world.count("persistFailed"), 1);
    world.store.mode = Mode::Sync;
    world.sign_in("ada");
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    assert_eq!(world.count("persistFailed"), 2);
    assert_eq!(world.engine.metrics().persist_failed, 3);
}

/// What changed while a write was under way is written after it, once.
#[test]
fn the_last_of_several_changes_is_what_the_store_holds() {
    let mut world = World::new();
    world.store.mode = Mode::Delayed(400);
    let calls: Vec<CallId> = ["ada", "bob", "cleo", "dan"].map(|user| world.sign_in(user)).into();
    world.advance(secs(1));
    for call in calls {
        world.expect(call, Settled::Started);
    }
    assert!(world.store.holds("refresh.3.0"));
    assert_eq!(world.store.writes, 2);
}

/// A store that was emptied behind our back, by the user or by another program.
#[test]
fn an_emptied_store_does_not_end_the_session() {
    for content in [None, Some("garbage"), Some("{}")] {
        let mut world = World::new();
        world.sign_in("ada");
        world.store.text = content.map(str::to_owned);
        world.wake(Wake::Shown);
        world.advance(minutes(11));
        assert_eq!((world.state(), world.ends(), world.requests()), (State::Active, vec![], 1));
        assert!(world.store.holds("refresh.0.1"), "and is filled again");
    }
}

/// Answers of the store that come too late, twice or for nothing.
#[test]
fn stray_answers_of_the_store_are_ignored() {
    let mut world = World::new();
    world.sign_in("ada");
    let snapshots = world.snapshots.len();
    let other = {
        let mut other = World::new();
        other.sign_in("mallory");
        other.advance(minutes(60));
        other.store.text.clone().unwrap()
    };
    for op in (0..20).map(StoreOp) {
        world.input(Input::StoreRead { op, text: Some(Secret::new(other.clone())), fence: None });
        world.input(Input::StoreWritten { op, stored: Stored::Failed });
    }
    assert_eq!((world.snapshots.len(), world.events.len()), (snapshots, 1));
}

/// A look that was put off is had when the one before it comes through after all.
#[test]
fn a_visitors_page_is_left_in_peace_once_the_store_has_answered() {
    let mut world = World::new();
    world.sign_in("ada");
    world.sign_out();
    world.store.mode = Mode::Delayed(2_500);
    let mut world = world.reload(2);
    world.advance(secs(3));
    assert_eq!((world.state(), world.armed()), (State::SignedOut, None));
}

/// A store of this page alone that cannot be read is told what the user wants; where others write, it is compared with.
#[test]
fn a_sign_in_is_written_over_what_cannot_be_read_where_nobody_else_writes() {
    for shared in [false, true] {
        let mut world = World::with(|options| options.number("shared", f64::from(u8::from(shared))).unwrap());
        world.sign_in("ada");
        world.store.mode = Mode::Unreadable;
        let mut world = world.reload(2);
        world.sign_in("bob");
        assert_eq!(
            (world.store.holds("refresh.1.0"), world.count("persistFailed")),
            (!shared, usize::from(shared))
        );
    }
}

#[test]
fn a_sign_in_is_compared_with_what_can_be_read() {
    let mut world = World::with(|options| options.number("shared", 0.0).unwrap());
    let mut other = World::new();
    other.sign_in("mallory");
    world.store.text = other.store.text;
    let reads = world.store.reads;
    world.sign_in("bob");
    assert_eq!((world.store.reads, world.store.holds("refresh.0.0")), (reads + 1, true));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}
