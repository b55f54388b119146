//! NE5: an attempt that was given up may still bring the only live pair.
use crate::common::*;

/// A failure leaves the attempt before it its chance: the server is strict, and a third request would be the end.
#[test]
fn a_failed_attempt_does_not_abort_the_one_before_it() {
    for failure in [
        Reply::Fixed(answer(503, "")),
        Reply::Fixed(answer(429, "")),
        Reply::Fixed(answer(200, "<html>")),
        Reply::Unreachable,
    ] {
        let mut world = World::expired();
        world.server.latency = 50;
        world.server.script.extend([Reply::Slow(11_500), failure.clone()]);
        let call = world.need();
        world.advance(ms(11_300));
        assert_eq!((world.requests(), world.aborted.len()), (2, 0), "{failure:?}");
        world.server.always = Some(failure.clone());
        world.advance(ms(200));
        world.expect(call, Settled::Done);
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "{failure:?}");
        world.server.always = None;
        world.advance(hours(1));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "{failure:?}");
    }
}

/// It comes while the next attempt queues for the lock: that attempt is of no use any more, whatever becomes of the lock.
#[test]
fn a_late_pair_is_the_end_of_a_flight_that_queues_for_the_lock() {
    for input in [Input::LockGranted, Input::LockDenied] {
        let mut world = World::expired();
        world.server.script.push_back(Reply::Slow(11_500));
        let call = world.need();
        world.lock_mode = LockMode::Taken;
        world.advance(ms(11_400));
        let lock = world.lock.expect("a lock that is asked for");
        world.store.mode = Mode::Delayed(200);
        world.advance(ms(200));
        world.input(input(lock));
        world.advance(secs(5));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.generation()), (1, Generation(2)), "{:?}", input(lock));
    }
}

/// The attempt after it was refused; the access token is still good, and the session may go on.
#[test]
fn a_late_pair_rescues_a_session_that_was_about_to_end() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.server.script.push_back(Reply::Slow(14_000));
    let refusal = answer(400, r#"{"error":"invalid_grant"}"#);
    world.server.script.push_back(Reply::Fixed(refusal));
    world.refresh();
    world.advance(secs(12));
    assert_eq!(world.state(), State::Ending);
    world.advance(secs(3));
    assert_eq!((world.state(), world.generation()), (State::Active, Generation(2)));
    assert!(world.store.holds("refresh.0.1") && !world.store.holds("refused"), "{:?}", world.store.text);
    world.advance(hours(2));
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
}

/// RC7: signed out and somebody else signed in meanwhile: nobody will ever use that pair.
#[test]
fn a_late_pair_of_the_former_user_is_revoked() {
    let mut world = World::with(|options| options.text("revoke.url", "/auth/revoke".into()).unwrap());
    world.sign_in("ada");
    world.advance(minutes(1));
    world.server.script.push_back(Reply::Slow(2_000));
    world.refresh();
    world.advance(ms(100));
    world.sign_out();
    world.sign_in("bob");
    world.advance(secs(3));
    let bodies = world.revoked.iter().filter_map(|request| request.body.as_ref());
    let revoked: Vec<&str> = bodies.filter_map(|body| body.expose().split('"').nth(3)).collect();
    assert_eq!(revoked, ["refresh.0.0.cAnArYx7", "refresh.0.1.cAnArYx7"]);
    assert_eq!((world.state(), world.snapshot().subject.as_deref()), (State::Active, Some("bob")));
    assert!(world.store.holds("refresh.1.0") && !world.store.holds("refresh.0."));
}

/// LP3: the server's word counts also when it comes late.
#[test]
fn a_late_429_holds_the_next_attempt_back() {
    let busy = Answer { retry_after: Some("60".into()), ..answer(429, "") };
    let mut world = World::expired();
    world.server.script.push_back(Reply::Silent);
    let call = world.need();
    world.advance(ms(10_100));
    let first = world.sent[0].0;
    world.answer_now(first, Outcome::Answered(busy));
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!(error.cause, Some(Cause::RateLimited));
    let forced = world.force();
    world.expect_error(forced, ErrorCode::RefreshUnavailable);
    world.wake(Wake::Online);
    world.advance(ms(59_900));
    assert_eq!(world.requests(), 1);
    world.advance(ms(200));
    assert_eq!((world.requests(), world.ends()), (2, vec![]));
}

/// The same while the next attempt flies: what comes after that one waits, also when it was the last of its flight.
#[test]
fn a_late_429_beside_a_flying_attempt_holds_the_one_after_it_back() {
    for retries in [1.0, 3.0] {
        for second in [answer(503, ""), answer(400, r#"{"error":"invalid_client"}"#)] {
            let busy = Answer { retry_after: Some("60".into()), ..answer(503, "") };
            let mut world = World::expired_with(|options| options.number("retries", retries).unwrap());
            world.server.script.extend([Reply::Silent, Reply::Silent]);
            world.need();
            world.advance_until(secs(12), |world| world.requests() == 2);
            world.answer_now(world.sent[0].0, Outcome::Answered(busy));
            let until = world.clock.now().wall.after(secs(60));
            world.answer_now(world.sent[1].0, Outcome::Answered(second.clone()));
            assert_eq!(world.snapshot().next_retry_at, Some(until), "{retries} {second:?}");
            world.wake(Wake::Online);
            world.advance(ms(59_900));
            assert_eq!(world.requests(), 2, "{retries} {second:?}");
            world.advance(secs(1));
            assert_eq!((world.requests(), world.state()), (3, State::Active), "{retries} {second:?}");
        }
    }
}

/// The app has handed over newer tokens of the same session meanwhile: revoking the late ones could end it.
#[test]
fn a_late_pair_of_the_same_session_is_not_revoked() {
    let mut world = World::with(|options| options.text("revoke.url", "/auth/revoke".into()).unwrap());
    world.sign_in("ada");
    world.advance(minutes(1));
    world.server.script.push_back(Reply::Slow(2_000));
    world.refresh();
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    world.advance(secs(3));
    assert_eq!((world.revoked.len(), world.generation()), (0, Generation(2)));
}

/// Without a refresh token there is nothing to revoke, and a cookie is somebody else's by now.
#[test]
fn a_late_answer_without_a_refresh_token_is_not_revoked() {
    let revoke = |options: &mut Options| options.text("revoke.url", "/auth/revoke".into()).unwrap();
    let mut signed_out = World::with(revoke);
    let mut other_user = World::with(|options| {
        revoke(options);
        cookie(options);
    });
    for (world, next) in [(&mut signed_out, None), (&mut other_user, Some("bob"))] {
        world.sign_in("ada");
        world.advance(minutes(1));
        world.refresh();
        let attempt = world.sent.last().expect("a request").0;
        world.call(|call| Input::SignOut { call, revocation: Revocation::Skip });
        if let Some(user) = next {
            world.sign_in(user);
        }
        let body = format!(r#"{{"access_token":"late-{CANARY}","expires_in":60}}"#);
        world.answer_now(attempt, Outcome::Answered(answer(200, &body)));
        assert_eq!(world.revoked.len(), 0, "{next:?}");
    }
}

/// Of two times that the server asks for the longer one holds, whichever comes first.
#[test]
fn a_late_answer_that_asks_for_more_is_heeded_while_a_refresh_waits() {
    for (first, late) in [("10", "60"), ("60", "10")] {
        let mut world = World::expired_with(|options| options.number("maxWait", 100_000.0).unwrap());
        let busy = |asked: &str| Answer { retry_after: Some(asked.into()), ..answer(429, "") };
        world.server.script.extend([Reply::Silent, Reply::Fixed(busy(first))]);
        world.need();
        world.advance_until(secs(20), |world| world.requests() == 2);
        world.advance(ms(200));
        let attempt = world.sent[0].0;
        world.answer_now(attempt, Outcome::Answered(busy(late)));
        world.advance(ms(59_500));
        assert_eq!(world.requests(), 2, "{first} s and then {late} s");
        world.advance(secs(1));
        assert_eq!(world.requests(), 3, "{first} s and then {late} s");
    }
}

/// The page is frozen, or the machine sleeps, while the answer lies there: the token is as old as its request.
#[test]
fn the_life_of_what_comes_late_counts_from_its_request() {
    for monotonic in [true, false] {
        for given_up in [false, true] {
            let mut world = World::new();
            world.sign_in("ada");
            world.server.script.extend([Reply::Slow(12_000), Reply::Silent]);
            world.advance(minutes(1));
            world.refresh();
            let asked = world.clock.now().wall;
            world.advance(if given_up { secs(11) } else { secs(9) });
            assert_eq!(world.aborted.len(), 0);
            if monotonic {
                world.sleep(minutes(5));
            } else {
                world.sleep_without_monotonic(minutes(5));
            }
            world.advance(secs(3));
            let snapshot = world.snapshot();
            assert_eq!(snapshot.generation, Generation(2), "{monotonic} {given_up}");
            assert_eq!(snapshot.expires_at, Some(asked.shifted(900_000)), "{monotonic} {given_up}");
            assert_eq!(world.record().offset, None, "{monotonic} {given_up}");
        }
    }
}

/// The page that is loaded next has no monotonic clock to go by.
#[test]
fn a_clock_that_was_set_back_meanwhile_makes_it_no_newer() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.server.script.extend([Reply::Slow(12_000), Reply::Silent]);
    world.refresh();
    world.advance(secs(5));
    world.set_wall(-3_600_000);
    world.advance(secs(7));
    let ends = world.clock.now().wall.shifted(900_000 - 12_000);
    assert_eq!(world.snapshot().expires_at, Some(ends));
    let world = world.reload(2);
    assert_eq!(world.snapshot().expires_at, Some(ends));
}

/// Longer than an answer may take is not late by itself: most of it may have passed before the token was made.
#[test]
fn the_life_of_what_comes_in_time_counts_from_its_receipt() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.server.latency = 10_000;
    world.refresh();
    world.advance(secs(10));
    let received = world.clock.now().wall;
    assert_eq!(world.snapshot().expires_at, Some(received.shifted(900_000)));
    assert!(world.record().offset.is_some());
}

/// A token that has ended on the way is not handed out, and the refresh token that came with it is used at once.
#[test]
fn what_has_ended_on_the_way_is_refreshed() {
    let mut world = World::expired();
    let call = world.need();
    world.sleep(minutes(20));
    world.advance(ms(1));
    assert_eq!((world.bearer(), world.generation()), (None, Generation(2)));
    world.expect_waiting(call);
    world.advance(secs(3));
    world.expect(call, Settled::Done);
    assert_eq!((world.state(), world.requests(), world.generation()), (State::Active, 2, Generation(3)));
    assert_eq!(world.server.requests[1].refresh_token.as_deref(), Some("refresh.0.1.cAnArYx7"));
}
