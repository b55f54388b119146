//! Machines that sleep, pages that are frozen, timers that come late.
use crate::common::*;

/// TM3: after any sleep, the first use never gets the old token.
#[test]
fn after_a_sleep_the_first_use_refreshes_once() {
    for stopped in [false, true] {
        let mut world = World::new();
        world.sign_in("ada");
        if stopped {
            world.sleep_without_monotonic(hours(8));
        } else {
            world.sleep(hours(8));
        }
        let calls: Vec<CallId> = (0..10).map(|_| world.need()).collect();
        for call in &calls {
            world.expect_waiting(*call);
        }
        assert_eq!(world.bearer(), None);
        world.advance(secs(1));
        for call in calls {
            world.expect(call, Settled::Done);
        }
        assert_eq!((world.requests(), world.count("sessionStarted")), (1, 1));
    }
}

/// TM2: back after two hours, in the very turn of `visibilitychange`.
#[test]
fn a_page_that_is_seen_again_refreshes_at_once_and_its_callers_wait_for_it() {
    let mut world = World::new();
    world.server.lifetime = 300;
    world.sign_in("ada");
    world.wake(Wake::Hidden);
    world.sleep(hours(2));
    world.wake(Wake::Shown);
    let call = world.need();
    assert_eq!(world.requests(), 1, "not even a tick later");
    world.expect_waiting(call);
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 1);
}

/// TM8: wakes are free as long as nothing is due, and cost one request when something is.
#[test]
fn a_flock_of_wakes_sends_nothing_or_one_request() {
    let flock = |world: &mut World| {
        for _ in 0..50 {
            for wake in [Wake::Shown, Wake::Focus, Wake::Shown, Wake::Online, Wake::Shown] {
                world.wake(wake);
            }
        }
    };
    let mut world = World::new();
    world.sign_in("ada");
    let snapshots = world.snapshots.len();
    flock(&mut world);
    world.advance(secs(2));
    assert_eq!(world.requests(), 0);
    assert_eq!(world.snapshots.len(), snapshots, "FR4: nothing that a person could see has changed");
    world.sleep(hours(1));
    flock(&mut world);
    world.advance(secs(2));
    assert_eq!(world.requests(), 1);
}

/// TM5: a deadline that straddles a sleep counts awake time.
#[test]
fn a_sleep_is_not_held_against_an_attempt_or_its_callers() {
    for asleep in [hours(8), minutes(1), secs(20)] {
        let mut world = World::expired();
        world.server.script.push_back(Reply::Silent);
        let call = world.need();
        world.advance(secs(2));
        world.sleep(asleep);
        world.input(Input::Tick);
        world.advance(ms(6_900));
        assert_eq!(world.requests(), 1, "{asleep:?}: 10 s awake are not over");
        world.expect_waiting(call);
        world.advance(secs(3));
        assert_eq!(world.requests(), 2, "{asleep:?}");
        world.expect(call, Settled::Done);
    }
}

/// TM5: what comes in the end is an attempt's answer, not a timeout.
#[test]
fn no_error_reaches_a_caller_before_ten_seconds_awake() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Silent);
    let call = world.need();
    world.advance(secs(2));
    world.sleep(hours(8));
    world.input(Input::Tick);
    world.advance(secs(11));
    world.expect_waiting(call);
    world.advance(secs(4));
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!(error.cause, Some(Cause::Timeout));
}

/// TM4: the wake comes before the network.
#[test]
fn after_a_wake_without_a_network_the_token_is_there_soon_after_it_is_back() {
    for online in [false, true] {
        for outage in [3_000, 15_000, 40_000] {
            let mut world = World::new();
            world.sign_in("ada");
            world.wake(Wake::Hidden);
            world.sleep(hours(8));
            world.server.latency = 50;
            world.server.always = Some(Reply::Unreachable);
            world.wake(Wake::Shown);
            world.advance(Millis(outage));
            assert_eq!((world.state(), world.ends()), (State::Stale, vec![]));
            world.server.always = None;
            if online {
                world.wake(Wake::Online);
            }
            world.advance(Millis(if online { 500 } else { 5_100 }));
            assert_eq!(world.state(), State::Active, "online {online}, after {outage} ms");
        }
    }
}

/// NE6: `online` only hastens; without it, and against it, the schedule goes on.
#[test]
fn online_hastens_a_retry_and_nothing_needs_it() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Unreachable);
    let call = world.need();
    world.advance(ms(300));
    world.server.always = None;
    world.advance(ms(800));
    assert_eq!((world.requests(), world.result(call).is_ok()), (2, true));
}

/// TM2: timers that are held up to once a minute, or once in six, keep the session alive.
#[test]
fn timers_that_come_minutes_late_lose_nothing() {
    for late in [secs(60), secs(360)] {
        let mut world = World::new();
        world.sign_in("ada");
        for _ in 0..100 {
            world.sleep(late);
            world.advance(secs(1));
            let call = world.need();
            world.advance(ms(500));
            world.expect(call, Settled::Done);
        }
        assert_eq!((world.ends(), world.count("refreshFailed")), (vec![], 0));
        let hours_passed = world.clock.elapsed as usize / 3_600_000 + 1;
        assert!(world.requests() <= hours_passed * 7, "{}", world.requests());
    }
}

/// A sleep without any event is noticed at the next check, for the price of no request.
#[test]
fn a_sleep_without_an_event_is_noticed_within_the_check_interval() {
    let mut world = World::new();
    world.server.lifetime = 7_200;
    world.sign_in("ada");
    world.advance(minutes(1));
    world.sleep_without_monotonic(hours(8));
    world.advance(minutes(2));
    assert_eq!(world.requests(), 1);
    assert_eq!(world.state(), State::Active);
}

/// MT8: what another tab has done meanwhile is read before anything is sent, and before a token is used.
#[test]
fn a_tab_that_slept_adopts_what_others_have_stored() {
    let mut world = World::new();
    world.sign_in("ada");
    world.wake(Wake::Hidden);
    for _ in 0..3 {
        world.sleep(minutes(14));
        world.rotate_elsewhere();
    }
    world.store.mode = Mode::Delayed(20);
    world.wake(Wake::Shown);
    let call = world.need();
    world.expect_waiting(call);
    world.advance(ms(20));
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.generation()), (0, Generation(4)));
    assert_eq!(world.count("adopted"), 1);
    world.advance(hours(1));
    assert_eq!(world.ends(), []);
}

/// Also when no event tells of the sleep, and the token would still be good.
#[test]
fn a_sleep_without_an_event_is_followed_by_a_look_at_the_store() {
    let mut world = World::new();
    world.server.lifetime = 86_400;
    world.sign_in("ada");
    world.sleep_without_monotonic(hours(1));
    world.sign_out_elsewhere();
    world.store.mode = Mode::Delayed(50);
    let call = world.need();
    world.expect_waiting(call);
    world.advance(ms(50));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!(world.ends(), [EndReason::SignedOutElsewhere]);
}

/// MT9: so is a sign-out and a sign-in elsewhere.
#[test]
fn a_tab_that_slept_sees_who_is_signed_in_now() {
    let mut world = World::new();
    world.sign_in("ada");
    world.wake(Wake::Hidden);
    world.sleep(minutes(5));
    world.sign_out_elsewhere();
    world.wake(Wake::Shown);
    assert_eq!(world.ends(), [EndReason::SignedOutElsewhere]);
    assert_eq!((world.state(), world.bearer()), (State::SignedOut, None));
    world.wake(Wake::Hidden);
    world.sign_in_elsewhere("bob");
    world.wake(Wake::Shown);
    assert_eq!(world.state(), State::Active);
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
    assert_eq!(world.requests(), 0);
}

/// TM4: a sleep that only the clocks tell of begins the prompt minute anew.
#[test]
fn after_a_sleep_that_no_event_tells_of_the_network_is_tried_promptly_again() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.latency = 50;
    world.server.always = Some(Reply::Unreachable);
    world.advance(hours(6));
    assert!(world.snapshot().next_retry_at.is_some());
    world.sleep_without_monotonic(hours(8));
    let before = world.requests();
    world.input(Input::Tick);
    world.advance(secs(30));
    assert!(world.requests() >= before + 6, "{}", world.requests() - before);
    world.server.always = None;
    world.advance(ms(5_100));
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
}

/// The server's word is in no store here; a wake does not make this tab forget it.
#[test]
fn a_wake_does_not_shorten_what_the_server_has_asked_for() {
    let mut world = World::expired_with(|options| options.number("retries", 0.0).unwrap());
    world.store.mode = Mode::Failing;
    let busy = Answer { retry_after: Some("60".into()), ..answer(429, "") };
    world.server.script.push_back(Reply::Fixed(busy));
    world.need();
    world.advance(ms(200));
    world.wake(Wake::Online);
    let call = world.force();
    world.expect_error(call, ErrorCode::RefreshUnavailable);
    world.advance(ms(59_999));
    assert_eq!(world.requests(), 1);
    world.advance(secs(10));
    assert_eq!((world.requests(), world.state()), (2, State::Active));
}

/// A failure is forgotten at a wake, and a token that is good for long is refreshed when it always was to be.
#[test]
fn a_wake_after_a_failure_is_no_reason_to_refresh_a_good_token() {
    let mut world = World::with(|options| options.number("retries", 0.0).unwrap());
    world.sign_in("ada");
    world.advance(minutes(1));
    world.server.script.push_back(Reply::Fixed(answer(503, "")));
    world.force();
    world.advance(secs(10));
    let call = world.refresh();
    world.expect_error(call, ErrorCode::RefreshUnavailable);
    world.wake(Wake::Shown);
    world.advance(minutes(5));
    assert_eq!(world.requests(), 1);
}

/// Nor is it a licence to storm.
#[test]
fn a_wake_hastens_a_retry_to_a_second_after_the_last_attempt() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance_until(secs(9), |world| world.count("retryScheduled") == 3);
    world.wake(Wake::Online);
    world.advance(secs(1));
    assert_eq!(world.gaps()[2], 1_000);
}

/// The page was frozen while its pair was stored; another tab has read that pair and signed out.
#[test]
fn who_is_woken_while_a_pair_is_stored_looks_when_that_is_done() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.refresh();
    world.advance(ms(100));
    world.store.mode = Mode::Mute;
    world.advance(ms(200));
    world.sign_out_elsewhere();
    world.wake(Wake::Shown);
    let op = StoreOp(world.store.reads + world.store.writes);
    world.input(Input::StoreWritten { op, stored: Stored::Durably });
    world.advance(secs(2));
    assert_eq!(world.ends(), [EndReason::SignedOutElsewhere]);
}
