//! What comes at the worst moment: notices, stops, failing looks, clocks that are set back, locks that are late.
use crate::common::*;

/// A flight that waits for a write to end before it claims is not forgotten when somebody speaks meanwhile.
#[test]
fn a_notice_while_a_claim_waits_for_a_write_does_not_stall_the_flight() {
    let mut world = World::expired();
    world.store.mode = Mode::Delayed(100);
    world.lock_mode = LockMode::Taken;
    let call = world.need();
    world.advance(ms(10));
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    world.sleep(minutes(20));
    world.lock_mode = LockMode::Free;
    let again = world.need();
    world.input(Input::Notice(r#"{"v":1,"epoch":4000000000000000,"generation":1}"#.into()));
    world.advance(secs(30));
    assert_eq!((world.unsettled(), world.lock), (0, None));
    assert!(world.result(call).is_ok() && world.result(again).is_ok());
}

/// A store that fails when it is read is not an empty one.
#[test]
fn a_store_that_cannot_be_read_keeps_nobody_from_refreshing() {
    let mut world = World::new();
    world.sign_in("ada");
    for _ in 0..5 {
        world.store.mode = Mode::Unreadable;
        world.sleep(minutes(20));
        let call = world.need();
        world.advance(secs(10));
        world.expect(call, Settled::Done);
    }
    assert_eq!((world.requests(), world.ends()), (5, vec![]));
    assert!(world.store.holds("refresh.0.5"), "{:?}", world.store.text);
}

#[test]
fn a_page_that_could_not_read_its_store_at_the_start_looks_again() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Unreadable;
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::SignedOut);
    world.store.mode = Mode::Sync;
    world.advance(secs(10));
    assert_eq!(world.state(), State::Active);
}

#[test]
fn looks_at_a_store_that_stays_unreadable_end() {
    let mut world = World::unread(|_| {}, 1);
    world.store.mode = Mode::Unreadable;
    world.boot();
    world.advance(hours(2));
    let reads = world.store.reads;
    assert!(reads <= 8, "{reads} looks");
    world.advance(hours(20));
    assert_eq!((world.store.reads, world.armed()), (reads, None));
}

/// The request that `stop` leaves behind may bring the only live pair: other tabs wait for it as for any other.
#[test]
fn stop_and_dispose_leave_the_claim_of_a_request_that_is_under_way() {
    for end in [|| Input::Stop, || Input::Dispose] {
        let mut world = refreshing();
        world.input(end());
        assert_eq!(world.lock, None);
        let claim = world.record().claim.expect("a claim");
        assert_eq!((claim.hold, claim.is_live(world.clock.now().wall)), (Hold::Alone, true));
        world.advance(secs(1));
        assert!(world.store.holds("refresh.0.1"), "the late answer is stored");
        assert_eq!(world.record().claim, None);
    }
}

/// The clocks of two processes may differ by some milliseconds.
#[test]
fn a_claim_that_is_a_moment_ahead_is_live() {
    let mut world = World::expired();
    world.claim_elsewhere(Hold::Alone, -5);
    let call = world.need();
    world.advance(secs(5));
    world.expect_waiting(call);
    assert_eq!(world.requests(), 0);
}

/// `persist: 'refresh'`: another tab's pair comes without its access token, so the one held here is as old as before.
#[test]
fn a_pair_without_its_access_token_is_no_newer_token() {
    let mut world = World::with(|options| options.text("persist", "refresh".into()).unwrap());
    world.sign_in("ada");
    world.advance(secs(10));
    rotate_without_access(&mut world);
    let old = world.bearer().map(str::to_owned);
    let call = world.force();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_ne!(world.bearer().map(str::to_owned), old);
    assert_eq!(world.requests(), 1);
    world.advance(secs(10));
    rotate_without_access(&mut world);
    world.wake(Wake::Shown);
    let call = world.unauthorized_for(world.verdict.as_ref().unwrap().generation);
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
    assert_eq!(world.requests(), 2, "the token that drew the 401 is not sent again");
}

/// A session of an hour ahead, made before the clock was put right, is not newer than what the user does now.
#[test]
fn a_sign_out_and_a_sign_in_stand_against_records_of_before_the_clock_was_set_back() {
    let mut world = World::new();
    world.sign_in("ada");
    world.set_wall(3_600_000);
    world.advance(secs(1));
    world.sign_in_elsewhere("bob");
    let mut ahead = world.record();
    ahead.epoch = evertoken::engine::ids::Epoch(world.clock.now().wall.0 as u64);
    world.put(ahead);
    world.set_wall(-3_600_000);
    world.advance(secs(1));
    let call = world.sign_out();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.state(), world.bearer()), (State::SignedOut, None));
    assert!(world.record().session.is_none());
    let call = world.sign_in("carol");
    world.advance(secs(1));
    world.expect(call, Settled::Started);
    assert_eq!(world.snapshot().subject.as_deref(), Some("carol"));
}

#[test]
fn a_refusal_is_not_undone_by_an_access_token() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.server.revoke(0);
    world.refresh();
    world.advance(secs(1));
    assert_eq!((world.state(), world.requests()), (State::Ending, 1));
    let access = jwt("ada", world.clock.truth() / 1_000, 900, 99);
    world.set_tokens(&format!(r#"{{"access_token":"{access}"}}"#), SessionMode::Same);
    world.advance(hours(1));
    assert_eq!(world.requests(), 1, "the refused refresh token is not sent again");
}

/// A late answer has moved the flight on: the lock that comes then begins no second request.
#[test]
fn a_lock_that_comes_while_a_late_pair_is_stored_sends_nothing() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Slow(12_500));
    world.need();
    world.advance(secs(9));
    world.lock_mode = LockMode::Taken;
    world.advance(ms(3_300));
    world.store.mode = Mode::Delayed(300);
    world.advance(ms(500));
    world.lock_mode = LockMode::Free;
    if world.lock.is_some() {
        world.grant_lock();
    }
    world.advance(secs(5));
    assert_eq!((world.requests(), world.generation()), (1, Generation(2)));
    assert_eq!(world.lock, None);
}

/// Another tab refreshes and keeps its access token to itself.
fn rotate_without_access(world: &mut World) {
    world.rotate_elsewhere();
    let mut record = world.record();
    record.session.as_mut().expect("a session in the store").access = None;
    world.put(record);
}

/// A request is on the wire; it will be answered in 200 ms.
fn refreshing() -> World {
    let mut world = World::expired();
    world.need();
    assert_eq!(world.requests(), 1);
    world
}
