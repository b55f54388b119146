//! LC1, LC2: scheduling off, and the end.
use crate::common::*;

#[test]
fn stop_leaves_no_timer_and_no_request() {
    let mut world = World::new();
    world.sign_in("ada");
    world.input(Input::Stop);
    assert_eq!((world.armed(), world.snapshot().refresh_at), (None, None));
    world.advance(hours(5));
    assert_eq!((world.requests(), world.ends()), (0, vec![]));
}

/// At any step of a flight.
#[test]
fn stop_during_a_refresh_gives_it_up_and_settles_its_waiters() {
    for at in (0..1_000).step_by(20) {
        let mut world = World::expired();
        world.store.mode = Mode::Delayed(200);
        let call = world.need();
        world.advance(Millis(at));
        world.input(Input::Stop);
        world.advance(secs(3));
        assert_eq!((world.armed(), world.unsettled()), (None, 0), "at {at} ms");
        let committed = world.result(call).is_ok();
        if !committed {
            let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
            assert_eq!(error.cause, Some(Cause::Stopped), "at {at} ms");
        }
        // What was sent is answered all the same, and no refresh token is lost.
        let sent = world.requests();
        assert_eq!(world.store.holds("refresh.0.1"), sent == 1, "at {at} ms");
        world.advance(hours(1));
        assert_eq!(world.requests(), sent, "at {at} ms");
    }
}

#[test]
fn a_use_refreshes_also_when_stopped() {
    let mut world = World::new();
    world.sign_in("ada");
    world.input(Input::Stop);
    world.advance(hours(1));
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.armed(), None);
}

#[test]
fn start_and_new_tokens_begin_it_again() {
    let mut world = World::new();
    world.sign_in("ada");
    world.input(Input::Stop);
    world.advance(hours(1));
    world.input(Input::Start);
    world.advance(secs(1));
    assert_eq!((world.requests(), world.state()), (1, State::Active));
    world.input(Input::Stop);
    world.sign_in("ada");
    assert!(world.armed().is_some());
}

/// I3, RC6: whatever waits is settled.
#[test]
fn dispose_settles_every_caller_and_leaves_no_timer() {
    for mode in [Mode::Sync, Mode::Delayed(700), Mode::Hanging, Mode::Failing] {
        for at in (0..1_500).step_by(50) {
            let mut world = World::expired();
            world.store.mode = mode;
            world.need();
            world.unauthorized();
            world.force();
            world.sign_in("ada");
            world.sleep(minutes(20));
            world.need();
            world.advance(Millis(at));
            world.input(Input::Dispose);
            assert_eq!((world.unsettled(), world.armed()), (0, None), "{mode:?} at {at} ms");
            world.input(Input::Dispose);
            world.advance(hours(1));
            assert_eq!(world.armed(), None);
        }
    }
}

#[test]
fn callers_before_the_store_was_read_are_settled_too() {
    let mut world = World::unread(|_| {}, 1);
    world.store.mode = Mode::Hanging;
    world.boot();
    let pair = world.server.sign_in("ada", world.clock.truth());
    let calls = [world.need(), world.force(), world.set_tokens(&pair, SessionMode::Auto), world.sign_out()];
    world.input(Input::Dispose);
    for call in calls {
        world.expect_error(call, ErrorCode::Disposed);
    }
}

#[test]
fn after_it_everything_is_refused_and_nothing_happens() {
    let mut world = World::new();
    world.sign_in("ada");
    world.input(Input::Dispose);
    let (reads, writes) = (world.store.reads, world.store.writes);
    let pair = world.server.sign_in("bob", world.clock.truth());
    let calls = [
        world.need(),
        world.force(),
        world.refresh(),
        world.unauthorized_for(Generation(1)),
        world.set_tokens(&pair, SessionMode::New),
        world.sign_out(),
    ];
    for call in calls {
        world.expect_error(call, ErrorCode::Disposed);
    }
    for wake in [Wake::Hidden, Wake::Shown, Wake::Focus, Wake::Online] {
        world.wake(wake);
    }
    world.input(Input::Start);
    world.input(Input::Restore);
    world.input(Input::Tick);
    world.set_wall(7_200_000);
    world.advance(hours(5));
    assert_eq!((world.store.reads, world.store.writes, world.requests()), (reads, writes, 0));
}

/// MT10: what the server has made is not thrown away with the page.
#[test]
fn a_late_answer_is_stored_for_the_next_page() {
    let mut world = World::expired();
    let call = world.need();
    world.advance(ms(100));
    world.input(Input::Dispose);
    world.expect_error(call, ErrorCode::Disposed);
    world.advance(secs(1));
    assert!(world.store.holds("refresh.0.1"));
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::Active);
    world.advance(hours(1));
    assert_eq!(world.ends(), []);
}

#[test]
fn after_a_sign_out_it_is_not() {
    let mut world = World::expired();
    world.need();
    world.sign_out();
    world.input(Input::Dispose);
    world.advance(secs(1));
    assert!(!world.store.holds(CANARY));
}

/// Nor is a retry sooner for that.
#[test]
fn a_stop_and_a_start_do_not_hasten_a_retry() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance_until(secs(9), |world| world.count("retryScheduled") == 3);
    let retry = world.snapshot().next_retry_at.expect("a retry").since(world.clock.now().wall);
    world.input(Input::Stop);
    world.input(Input::Start);
    world.advance(Millis(retry.0 - 1));
    assert_eq!(world.requests(), 3);
    world.advance(ms(1));
    assert_eq!(world.requests(), 4);
}

#[test]
fn a_request_that_waits_with_its_401_is_told_that_the_engine_was_disposed() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    let call = world.unauthorized();
    world.input(Input::Dispose);
    world.expect_error(call, ErrorCode::Disposed);
}

/// A token that has drawn a 401 is replaced at the start, however long it has to live.
#[test]
fn a_start_refreshes_a_rejected_token() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    world.server.script.push_back(Reply::Silent);
    world.unauthorized();
    world.input(Input::Stop);
    world.input(Input::Start);
    world.advance(secs(2));
    assert_eq!((world.requests(), world.generation()), (2, Generation(2)));
}

/// No timer tells of it after a stop; the first use does.
#[test]
fn a_stopped_session_that_nothing_can_refresh_ends_when_it_is_used_after_its_end() {
    let mut world = World::with(|options| options.text("refresh.kind", "none".into()).unwrap());
    world.set_tokens(&format!(r#"{{"access_token":"a-{CANARY}","expires_in":60}}"#), SessionMode::Auto);
    world.input(Input::Stop);
    world.advance(minutes(2));
    assert_eq!(world.ends(), []);
    let call = world.need();
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::Expired]));
}
