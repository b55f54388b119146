//! A span is over at its end and not before: what holds at the very moment.
use crate::common::*;

fn busy(seconds: &str) -> Reply {
    Reply::Fixed(Answer { retry_after: Some(seconds.into()), ..answer(429, "") })
}

/// For half a minute the same token is the best there is; then it is worth another try.
#[test]
fn the_same_token_is_put_off_for_half_a_minute() {
    for (after, sends) in [(29_999, false), (30_000, true)] {
        let mut world = World::new();
        let body = world.server.sign_in("ada", world.clock.truth());
        world.set_tokens(&body, SessionMode::Auto);
        world.server.always = Some(Reply::Fixed(answer(200, &body)));
        world.advance(minutes(7));
        world.need_for(minutes(9));
        world.advance(ms(200 + after));
        let call = world.need_for(minutes(9));
        assert_eq!((world.requests(), world.settled.contains_key(&call)), (1 + usize::from(sends), !sends));
    }
}

#[test]
fn a_token_is_near_its_end_when_less_than_the_margin_is_left() {
    for (left, sends) in [(30_000, 0), (29_999, 1)] {
        let mut world = World::with(|options| options.number("lead", 0.0).unwrap());
        world.sign_in("ada");
        world.advance_to_end(Millis(left));
        let call = world.need();
        world.expect(call, Settled::Done);
        assert_eq!(world.requests(), sends, "{left} ms left");
    }
}

/// A hidden page refreshes on use only. After a failure use waits for the moment that was announced.
#[test]
fn a_token_used_near_its_end_is_not_tried_again_before_its_time() {
    let mut world = World::with(|options| {
        for option in ["lead", "retries"] {
            options.number(option, 0.0).unwrap();
        }
    });
    world.sign_in("ada");
    world.advance_to_end(secs(29));
    world.wake(Wake::Hidden);
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance(ms(200));
    let (error, _) = *world.failures().last().expect("a failure");
    let wait = error.retry_at.expect("a moment").since(world.clock.now().wall);
    assert!((secs(2)..secs(29)).contains(&wait), "{wait:?}");
    for (pause, requests) in [(0, 1), (wait.0 - 1, 1), (1, 2)] {
        world.advance(Millis(pause));
        let call = world.need();
        world.expect(call, Settled::Done);
        assert_eq!(world.requests(), requests);
    }
}

#[test]
fn a_token_is_new_for_a_second() {
    for (age, sends) in [(999, 0), (1_000, 1)] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(Millis(age));
        world.refresh();
        assert_eq!(world.requests(), sends, "{age} ms old");
    }
}

/// What is asked for five seconds later is one right after the other, and the third of those has to wait for two.
#[test]
fn refreshes_follow_each_other_within_five_seconds() {
    for (pause, waits) in [(5_000, 2_000), (5_001, 1_000)] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(secs(10));
        world.force();
        world.advance(Millis(pause));
        world.force();
        world.advance(ms(500));
        world.force();
        world.advance(secs(2));
        assert_eq!(world.gaps(), [pause, waits]);
    }
}

/// It may be there just in time.
#[test]
fn a_caller_whose_wait_ends_when_the_server_lets_refresh_goes_on_waiting() {
    let mut world = World::expired_with(|options| options.number("maxWait", 10_200.0).unwrap());
    world.server.always = Some(busy("10"));
    let call = world.need();
    world.advance(ms(200));
    world.expect_waiting(call);

    let mut world = World::expired_with(|options| options.number("maxWait", 10_000.0).unwrap());
    world.server.always = Some(busy("10"));
    let before = world.need();
    world.advance(ms(200));
    world.expect_error(before, ErrorCode::RefreshUnavailable);
    let call = world.need();
    world.expect_waiting(call);
}

/// A failed flight answers callers for half a minute while its token is good for long.
#[test]
fn a_401_half_a_minute_after_a_failed_refresh_is_worth_another() {
    for (after, sends) in [(29_999, 1), (30_000, 2)] {
        let mut world = World::with(|options| options.number("retries", 0.0).unwrap());
        world.sign_in("ada");
        world.advance(minutes(1));
        world.server.script.push_back(Reply::Fixed(answer(503, "")));
        world.force();
        world.advance(ms(200 + after));
        world.unauthorized();
        assert_eq!(world.requests(), sends, "after {after} ms");
    }
}

/// Nor is it in the store any more when it is over.
#[test]
fn a_time_that_is_over_is_not_stored() {
    for retries in [0.0, 3.0] {
        let mut world = World::expired_with(|options| options.number("retries", retries).unwrap());
        world.server.script.push_back(busy("60"));
        world.need();
        world.advance(ms(200));
        assert!(world.record().cooldown.is_some());
        world.advance(secs(60));
        assert_eq!((world.requests(), world.record().cooldown), (2, None));
        assert!(world.record().claim.is_some());
    }
}

/// What is longer by two seconds is the same life, seen through rounding.
#[test]
fn a_token_is_extended_when_its_life_is_longer_by_more_than_two_seconds() {
    for (pause, extended) in [(60_800, false), (60_801, true)] {
        let mut world = World::new();
        let body = |life: u64| {
            format!(
                r#"{{"access_token":"opaque-{CANARY}","refresh_token":"r-{CANARY}","expires_in":{life}}}"#
            )
        };
        world.set_tokens(&body(900), SessionMode::Auto);
        let ends = world.snapshot().expires_at;
        world.advance(Millis(pause));
        world.server.always = Some(Reply::Fixed(answer(200, &body(841))));
        world.force();
        world.advance(secs(1));
        assert_eq!((world.requests(), world.snapshot().expires_at > ends), (1, extended), "after {pause} ms");
    }
}

/// Up to two seconds a timer is slow; later than that the page did not run, and waits count awake time.
#[test]
fn a_timer_that_is_two_seconds_late_was_slow() {
    for (late, wait) in [(2_000, 15_000), (2_001, 17_001)] {
        let mut world = World::expired();
        world.server.always = Some(Reply::Silent);
        let call = world.need();
        let began = world.clock.elapsed;
        let armed = world.armed().expect("a timer");
        world.sleep(Millis(armed.0 + late));
        world.input(Input::Tick);
        world.advance(secs(20));
        assert_eq!(world.settled_at(call) - began, wait, "{late} ms late");
    }
}

#[test]
fn a_pair_that_has_not_come_through_is_looked_for_for_a_minute() {
    for (after, looks) in [(59_999, true), (60_000, false)] {
        let mut world = World::expired_with(|options| options.number("apart", 1.0).unwrap());
        let old = world.store.text.clone().unwrap();
        world.rotate_elsewhere();
        world.store.put(old);
        world.wake(Wake::Shown);
        world.advance(Millis(after));
        world.wake(Wake::Shown);
        let reads = world.store.reads;
        world.advance(hours(1));
        assert_eq!(world.store.reads > reads, looks, "after {after} ms");
    }
}
