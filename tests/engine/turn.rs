//! MT1, MT3, MT5: a tab takes its turn under the lock, does nothing else there, and never waits for it for ever.
use crate::common::*;
use evertoken::engine::ids::LockId;

#[test]
fn a_turn_is_lock_read_claim_send_commit_unlock_and_nothing_else_is_done_under_the_lock() {
    for mode in [Mode::Sync, Mode::Delayed(100)] {
        let mut world = expired();
        world.store.mode = mode;
        world.need();
        world.advance(secs(2));
        let turn = ["lock", "read", "claim", "send", "write", "unlock"];
        assert_eq!(world.deeds(), [&turn[..], &["broadcast", "refreshed", "settle"]].concat(), "{mode:?}");
    }
}

/// The claim says that its owner has the lock, and is gone with the new pair.
#[test]
fn the_claim_is_in_the_store_while_the_request_flies_and_not_after_it() {
    for (mode, hold) in [(LockMode::Free, Hold::Locked), (LockMode::Missing, Hold::Alone)] {
        let mut world = expired();
        world.lock_mode = mode;
        world.need();
        assert_eq!(world.requests(), 1);
        let claim = world.record().claim.expect("a claim");
        assert_eq!((claim.hold, claim.at, claim.life), (hold, world.clock.now().wall, secs(12)));
        world.advance(secs(1));
        assert_eq!((world.record().claim, world.generation()), (None, Generation(2)), "{mode:?}");
    }
}

#[test]
fn a_good_token_is_handed_out_without_a_lock() {
    let mut world = World::new();
    world.sign_in("ada");
    world.lock_mode = LockMode::Taken;
    for _ in 0..100 {
        world.advance(secs(1));
        let call = world.need();
        world.expect(call, Settled::Done);
    }
    assert_eq!(world.locks, 0);
}

#[test]
fn between_two_attempts_the_lock_is_given_back() {
    for reply in [Reply::Unreachable, Reply::Fixed(answer(503, "")), Reply::Silent] {
        let mut world = expired();
        world.server.script.push_back(reply.clone());
        world.need();
        world.advance_until(secs(12), |world| world.count("retryScheduled") == 1);
        assert_eq!((world.lock, world.record().claim), (None, None), "{reply:?}");
        world.advance(secs(3));
        assert_eq!((world.locks, world.state()), (2, State::Active), "{reply:?}");
    }
}

/// Also when the next is due at once: whoever has waited for the lock may have brought what it is for.
#[test]
fn between_two_attempts_without_a_pause_the_lock_is_given_back() {
    let mut world = World::expired_with(|options| options.number("retryDelay", 0.0).unwrap());
    world.server.script.push_back(Reply::Silent);
    world.need();
    world.advance(secs(11));
    assert_eq!((world.requests(), world.locks, world.state()), (2, 2, State::Active));
}

/// At any moment of the turn, through a store that takes its time.
#[test]
fn whatever_ends_a_refresh_gives_the_lock_back() {
    type End = fn(&mut World);
    let ends: [(&str, End); 7] = [
        ("stop", |world| world.input(Input::Stop)),
        ("dispose", |world| world.input(Input::Dispose)),
        ("sign-out", |world| {
            world.sign_out();
        }),
        ("sign-in", |world| {
            world.sign_in("bob");
        }),
        ("new tokens", |world| {
            world.sign_in("ada");
        }),
        ("adoption", |world| {
            world.rotate_elsewhere();
            world.wake(Wake::Shown);
        }),
        ("sign-out elsewhere", |world| {
            world.sign_out_elsewhere();
            world.wake(Wake::Shown);
        }),
    ];
    for mode in [LockMode::Free, LockMode::Taken] {
        for (name, end) in ends {
            for at in (0..1_000).step_by(50) {
                let mut world = expired();
                world.server.reuse = Reuse::NoRotation;
                world.lock_mode = mode;
                world.store.mode = Mode::Delayed(200);
                world.need();
                world.advance(Millis(at));
                end(&mut world);
                world.advance(secs(9));
                assert_eq!(world.lock, None, "{name} at {at} ms, {mode:?}");
                assert!(world.requests() <= 2, "{name} at {at} ms, {mode:?}");
            }
        }
    }
}

/// Who waits for a cookie session to resume is handed one that has to be refreshed at once. A grant that came after
/// that request would else begin the turn anew, and the refresh token would go out twice.
#[test]
fn a_refresh_after_one_that_queued_waits_for_the_same_lock() {
    for answer in [Input::LockGranted, Input::LockDenied] {
        let mut world = World::unread(
            |options| {
                options.text("refresh.tokenIn", "cookie".into()).unwrap();
                options.text("refresh.credentials", "same-origin".into()).unwrap();
            },
            1,
        );
        world.lock_mode = LockMode::Taken;
        world.boot();
        world.need();
        let lock = world.lock.expect("a lock that is asked for");
        (world.server.jwts, world.server.lifetime) = (false, 0);
        world.sign_in("bob");
        assert_eq!((world.requests(), world.lock, world.locks), (0, Some(lock), 1));
        world.server.lifetime = 900;
        world.input(answer(lock));
        world.advance(secs(1));
        assert_eq!((world.requests(), world.lock, world.state()), (1, None, State::Active));
    }
}

/// Nor does a refusal, or a hundred failures, keep it.
#[test]
fn no_failure_keeps_the_lock() {
    for reply in [
        Reply::Unreachable,
        Reply::Fixed(answer(429, "")),
        Reply::Fixed(answer(200, "<html>")),
        Reply::Fixed(answer(400, r#"{"error":"invalid_client"}"#)),
        Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)),
    ] {
        let mut world = expired();
        world.server.always = Some(reply.clone());
        for _ in 0..100 {
            world.force();
            world.advance(secs(10));
        }
        world.advance_until(secs(10), |world| world.lock.is_none());
        assert_eq!(world.record().claim, None, "{reply:?}");
    }
}

#[test]
fn a_lock_that_comes_too_late_is_not_used() {
    let mut world = expired();
    world.lock_mode = LockMode::Taken;
    world.server.always = Some(Reply::Silent);
    world.need();
    let asked = world.lock.expect("a lock that is asked for");
    world.advance(secs(5));
    assert_eq!((world.requests(), world.lock), (1, None));
    let trace = world.trace.len();
    world.input(Input::LockGranted(asked));
    world.input(Input::LockDenied(asked));
    world.input(Input::LockGranted(LockId(99)));
    assert_eq!(world.trace.len(), trace, "{:?}", &world.trace[trace..]);
    assert_eq!(world.record().claim.map(|claim| claim.hold), Some(Hold::Alone));
    world.advance(secs(12));
    assert_eq!(world.locks, 2, "it is asked for again before the next attempt");
}

#[test]
fn a_denial_of_another_lock_takes_nothing_away() {
    let mut world = expired();
    world.store.mode = Mode::Delayed(100);
    world.need();
    world.input(Input::LockDenied(LockId(99)));
    world.advance(ms(250));
    assert_eq!((world.requests(), world.lock.is_some()), (1, true));
    assert_eq!(world.record().claim.map(|claim| claim.hold), Some(Hold::Locked));
}

/// MT5: no lock at all is no reason to wait.
#[test]
fn where_there_is_no_lock_the_claim_alone_keeps_tabs_apart() {
    let mut world = expired();
    world.lock_mode = LockMode::Missing;
    world.need();
    let text = world.store.text.clone().unwrap();
    assert!(text.contains(r#""locked":0"#), "{text}");
    world.advance(secs(1));
    assert_eq!((world.requests(), world.state()), (1, State::Active));
}

/// MT3: another page has the lock and is frozen.
#[test]
fn a_caller_without_a_good_token_waits_five_seconds_for_the_lock_and_then_goes_on_alone() {
    let mut world = expired();
    world.lock_mode = LockMode::Taken;
    let began = world.clock.elapsed;
    let call = world.need();
    world.advance(ms(4_999));
    assert_eq!((world.requests(), world.lock.is_some()), (0, true));
    world.advance(ms(1));
    assert_eq!((world.requests(), world.lock), (1, None));
    assert_eq!(world.record().claim.map(|claim| claim.hold), Some(Hold::Alone));
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.settled_at(call) - began, 5_000 + world.server.latency);
}

/// As long as nobody needs what comes of it.
#[test]
fn with_a_good_token_the_lock_is_waited_for_to_its_end_and_callers_are_served_at_once() {
    let mut world = World::new();
    world.sign_in("ada");
    world.lock_mode = LockMode::Taken;
    let end = world.clock.elapsed + 900_000;
    world.advance_to_end(secs(200));
    assert!(world.lock.is_some());
    while world.clock.elapsed < end - 1_000 {
        let call = world.need();
        world.expect(call, Settled::Done);
        world.advance(secs(1));
    }
    assert_eq!((world.locks, world.requests()), (1, 0));
    world.advance(secs(1));
    assert_eq!(world.server.times(), [end]);
}

/// Whoever then needs a token counts from when the lock was asked for.
#[test]
fn a_caller_that_comes_while_the_lock_is_waited_for_waits_five_seconds_at_most() {
    let mut world = World::new();
    world.sign_in("ada");
    world.lock_mode = LockMode::Taken;
    world.advance_to_end(secs(200));
    world.advance(secs(1));
    let call = world.unauthorized();
    world.advance(secs(5));
    assert_eq!(world.requests(), 1, "the lock has been waited for long enough");
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
}

/// A good token is not what it waits for.
#[test]
fn a_caller_that_wants_a_newer_token_waits_five_seconds_for_the_lock_too() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.lock_mode = LockMode::Taken;
    let call = world.refresh();
    world.advance(ms(4_999));
    assert_eq!(world.requests(), 0);
    world.advance(ms(1 + 200));
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_lock_that_comes_in_time_begins_the_turn() {
    let mut world = expired();
    world.lock_mode = LockMode::Taken;
    let call = world.need();
    world.advance(secs(4));
    world.grant_lock();
    assert_eq!(world.record().claim.map(|claim| claim.hold), Some(Hold::Locked));
    world.advance(secs(1));
    world.expect(call, Settled::Done);
}

/// TM5: the five seconds are of awake time.
#[test]
fn a_sleep_is_not_held_against_the_wait_for_the_lock() {
    for asleep in [secs(20), hours(8)] {
        let mut world = expired();
        world.lock_mode = LockMode::Taken;
        world.need();
        world.advance(secs(2));
        world.sleep(asleep);
        world.input(Input::Tick);
        assert_eq!(world.requests(), 0, "{asleep:?}");
        world.advance(ms(1_900));
        assert_eq!(world.requests(), 0, "{asleep:?}");
        world.advance(ms(1_200));
        assert_eq!(world.requests(), 1, "{asleep:?}");
    }
}

/// Without other tabs there is nobody to take turns with.
#[test]
fn a_page_whose_store_nobody_shares_asks_for_no_lock_and_claims_nothing() {
    let mut world = World::with(|options| {
        for option in ["lock", "shared"] {
            options.number(option, 0.0).unwrap();
        }
    });
    world.sign_in("ada");
    world.trace.clear();
    world.sleep(minutes(20));
    world.need();
    world.advance(secs(1));
    assert_eq!(world.deeds(), ["read", "send", "write", "refreshed", "settle"]);
}

/// Twenty minutes after the sign-in, which is not in the trace.
fn expired() -> World {
    let mut world = World::expired();
    world.trace.clear();
    world
}
