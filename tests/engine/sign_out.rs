//! RC7, I5: sign-out wins, whatever is under way.
use crate::common::*;

/// At every step of a flight: read, send, wait, commit, with a store that takes its time.
#[test]
fn at_every_step_of_a_refresh_a_sign_out_leaves_no_token() {
    for at in (0..1_500).step_by(20) {
        let mut world = refreshing_through_a_slow_store();
        world.advance(Millis(at));
        let call = world.sign_out();
        assert_eq!(world.state(), State::SignedOut, "at {at} ms: at once");
        assert_eq!(world.bearer(), None, "at {at} ms");
        world.advance(secs(10));
        world.expect(call, Settled::Done);
        assert!(!world.store.holds(CANARY), "at {at} ms: {:?}", world.store.text);
        assert_eq!(world.ends(), [EndReason::SignedOut], "at {at} ms");
        assert_eq!(world.unsettled(), 0, "at {at} ms");
        let need = world.need();
        world.expect_error(need, ErrorCode::SignedOut);
        assert_eq!(world.armed(), None, "at {at} ms: no timer");
        let sent = world.requests();
        world.advance(hours(2));
        assert_eq!(world.requests(), sent, "at {at} ms: no request");
        world.store.mode = Mode::Sync;
        assert_eq!(world.reload(2).state(), State::SignedOut, "at {at} ms");
    }
}

/// What the server makes after that is the only live token of the session: it is revoked.
#[test]
fn a_pair_that_comes_after_the_sign_out_is_revoked() {
    let mut world = World::with(|options| options.text("revoke.url", "/auth/revoke".into()).unwrap());
    world.sign_in("ada");
    world.advance(minutes(1));
    let asked = world.refresh();
    world.advance(ms(100));
    world.sign_out();
    world.expect_error(asked, ErrorCode::SessionEnded);
    assert_eq!(revoked(&world), ["refresh.0.0.cAnArYx7"]);
    world.advance(secs(1));
    assert_eq!(revoked(&world), ["refresh.0.0.cAnArYx7", "refresh.0.1.cAnArYx7"]);
    assert_eq!((world.state(), world.bearer()), (State::SignedOut, None));
    assert!(!world.store.holds(CANARY));
}

#[test]
fn waiters_are_told_that_the_session_has_ended() {
    let mut world = World::expired();
    let (need, forced) = (world.need(), world.force());
    let refused = world.unauthorized();
    world.sign_out();
    world.expect_error(need, ErrorCode::SessionEnded);
    world.expect_error(forced, ErrorCode::SessionEnded);
    world.expect(refused, Settled::Pass);
}

#[test]
fn without_revocation_nothing_is_asked_of_the_server() {
    let mut world = World::with(|options| options.text("revoke.url", "/auth/revoke".into()).unwrap());
    world.sign_in("ada");
    let call = world.call(|call| Input::SignOut { call, revocation: Revocation::Skip });
    world.expect(call, Settled::Done);
    assert!(world.revoked.is_empty());
}

#[test]
fn it_is_told_once_and_again_is_no_error() {
    let mut world = World::new();
    world.sign_in("ada");
    for _ in 0..3 {
        let call = world.sign_out();
        world.expect(call, Settled::Done);
    }
    assert_eq!(world.ends(), [EndReason::SignedOut]);
}

/// ST2: a store in trouble does not hold it up.
#[test]
fn a_store_that_fails_or_hangs_does_not_keep_anybody_signed_in() {
    for mode in [Mode::Failing, Mode::Hanging, Mode::Delayed(30_000)] {
        let mut world = World::new();
        world.sign_in("ada");
        world.store.mode = mode;
        let call = world.sign_out();
        assert_eq!((world.state(), world.bearer()), (State::SignedOut, None));
        world.advance(secs(2));
        world.expect(call, Settled::Done);
        assert_eq!(world.count("persistFailed"), 1, "{mode:?}");
    }
}

/// The write under way is overtaken by the tombstone.
#[test]
fn a_pair_that_is_being_written_does_not_outlive_the_sign_out() {
    let mut world = World::new();
    world.store.mode = Mode::Delayed(500);
    world.sign_in("ada");
    world.advance(ms(100));
    let call = world.sign_out();
    world.advance(secs(2));
    world.expect(call, Settled::Done);
    assert!(world.store.history.iter().any(|text| text.contains(CANARY)), "the pair was on its way");
    assert!(!world.store.holds(CANARY));
}

/// SE2: tokens of a session that had ended before the page was loaded.
#[test]
fn what_an_ended_session_has_left_in_the_store_is_cleared_too() {
    let mut world = World::with(|options| options.text("refresh.kind", "none".into()).unwrap());
    world.sign_in("ada");
    world.sleep(hours(1));
    let mut world = world.reload(2);
    assert_eq!((world.state(), world.store.holds(CANARY)), (State::SignedOut, true));
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    assert!(!world.store.holds(CANARY));
    let writes = world.store.writes;
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    assert_eq!(world.store.writes, writes, "once");
}

/// TM6, MT9: seen in another tab.
#[test]
fn a_sign_out_elsewhere_is_seen_before_the_next_refresh() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.sign_out_elsewhere();
    let call = world.force();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!((world.requests(), world.ends()), (0, vec![EndReason::SignedOutElsewhere]));
    assert!(!world.store.holds(CANARY));
}

#[test]
fn after_it_another_user_begins_anew() {
    let mut world = refreshing_through_a_slow_store();
    world.advance(ms(450));
    world.sign_out();
    let call = world.sign_in("bob");
    world.advance(secs(10));
    world.expect(call, Settled::Started);
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
    assert!(world.store.holds("refresh.1.0") && !world.store.holds("refresh.0."));
    world.store.mode = Mode::Sync;
    assert_eq!(world.reload(2).snapshot().subject.as_deref(), Some("bob"));
}

/// An expired session with a caller, whose refresh passes through a store of 200 ms and a server of 400 ms.
fn refreshing_through_a_slow_store() -> World {
    let mut world = World::expired();
    world.store.mode = Mode::Delayed(200);
    world.server.latency = 400;
    world.need();
    world
}

/// The tokens that the revocation endpoint was told of.
fn revoked(world: &World) -> Vec<&str> {
    let bodies = world.revoked.iter().filter_map(|request| request.body.as_ref());
    bodies.filter_map(|body| body.expose().split('"').nth(3)).collect()
}

/// Once it was stored it is; what the store shows after that is of before.
#[test]
fn a_sign_out_that_was_stored_is_not_stored_again() {
    let mut world = World::new();
    world.sign_in("ada");
    let before = world.store.text.clone().unwrap();
    world.sign_out();
    let writes = world.store.writes;
    world.store.put(before);
    world.wake(Wake::Shown);
    world.advance(minutes(1));
    assert_eq!((world.store.writes, world.state()), (writes, State::SignedOut));
}
