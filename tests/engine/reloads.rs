//! Pages that are loaded again at any moment, without a network, or with another clock.
use crate::common::*;

/// MT10: reading, claiming, sending, waiting for the answer, committing: every 20 ms of a refresh through a slow store.
#[test]
fn a_reload_at_every_step_of_a_refresh_costs_nothing_within_the_grace() {
    for lock in [LockMode::Free, LockMode::Missing] {
        for at in (0..1_500).step_by(20) {
            for seed in [2, 3] {
                let mut world = refreshing(Reuse::Grace(30_000), lock);
                world.advance(Millis(at));
                let mut world = world.reload(seed);
                world.lock_mode = lock;
                world.advance(secs(20));
                assert_eq!(
                    (world.state(), world.ends()),
                    (State::Active, vec![]),
                    "{lock:?} at {at} ms, {seed}"
                );
                assert!(world.requests() <= 2, "{lock:?} at {at} ms, {seed}: {}", world.requests());
                world.advance(minutes(12));
                assert_eq!(
                    (world.state(), world.ends()),
                    (State::Active, vec![]),
                    "{lock:?} at {at} ms, {seed}"
                );
            }
        }
    }
}

/// A server that forgives nothing ends the session once, with the reason, and there is no loop.
#[test]
fn a_reload_at_every_step_of_a_refresh_at_a_strict_server_ends_once_with_the_reason_or_not_at_all() {
    let mut lost = 0;
    for at in (0..1_500).step_by(20) {
        let mut world = refreshing(Reuse::Strict, LockMode::Free);
        world.advance(Millis(at));
        let mut world = world.reload(2);
        world.advance(hours(2));
        if world.state() != State::Active {
            lost += 1;
            assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible], "at {at} ms");
            assert_eq!(world.requests(), 2, "at {at} ms");
        }
    }
    assert!((20..=40).contains(&lost), "only while the answer is on its way or not yet stored: {lost}");
}

/// NE9.
#[test]
fn an_offline_start_is_stale_and_recovers_within_two_seconds() {
    for (online, within) in [(true, 2_000), (false, 5_200)] {
        let mut world = World::new();
        world.sign_in("ada");
        world.sleep(hours(8));
        world.server.always = Some(Reply::Unreachable);
        let mut world = world.reload(2);
        assert_eq!(world.state(), State::Stale);
        assert_eq!(world.snapshot().subject.as_deref(), Some("ada"), "nobody is signed out");
        let call = world.need();
        world.advance(secs(20));
        let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
        assert_eq!((error.cause, error.code.is_transient()), (Some(Cause::Network), true));
        world.server.always = None;
        if online {
            world.wake(Wake::Online);
        }
        world.advance(Millis(within));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "online {online}");
    }
}

/// CK2: what was received in the future seems good; one 401 tells.
#[test]
fn a_clock_set_back_between_two_loads_costs_one_401() {
    for back in [59, 61, 24 * 60] {
        let mut world = World::new();
        world.server.lifetime = 3_600;
        world.sign_in("ada");
        world.sleep(minutes(70));
        world.set_wall(-back * 60_000);
        let mut world = world.reload(2);
        let mut refused = 0;
        let mut granted_at = 0;
        for _ in 0..24 * 60 {
            let call = world.need();
            world.advance(secs(1));
            world.expect(call, Settled::Done);
            granted_at = world.server.times().last().map_or(granted_at, |at| at + 200);
            if world.clock.elapsed - granted_at > 3_600_000 {
                refused += 1;
                let call = world.unauthorized();
                world.advance(secs(1));
                world.expect(call, Settled::Resend);
            }
            world.advance(secs(58));
        }
        assert!(refused <= 1, "{back} minutes: {refused}");
        assert!(world.requests() <= 31, "{back} minutes: {}", world.requests());
    }
}

/// A hand-over that came before the store had been read has its two seconds to be stored from then on.
#[test]
fn a_hand_over_before_the_store_is_read_has_its_full_time_to_be_stored() {
    let mut world = World::unread(|_| {}, 1);
    world.store.mode = Mode::Delayed(1_500);
    world.boot();
    world.advance(ms(100));
    let call = world.sign_in("ada");
    world.advance(ms(1_400 + 1_499));
    world.expect_waiting(call);
    world.advance(ms(1));
    world.expect(call, Settled::Started);
    assert_eq!(world.count("persistFailed"), 0);
    assert!(world.store.holds("refresh.0.0"));
}

/// An expired session with a caller, whose refresh passes through a store of 200 ms and a server of 400 ms.
fn refreshing(reuse: Reuse, lock: LockMode) -> World {
    let mut world = World::new();
    world.server.reuse = reuse;
    world.lock_mode = lock;
    world.sign_in("ada");
    world.sleep(minutes(20));
    world.store.mode = Mode::Delayed(200);
    world.server.latency = 400;
    world.need();
    world
}
