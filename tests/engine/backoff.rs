//! How a failing token endpoint is tried again.
use crate::common::*;

/// LP4: a flight has three retries, 1, 2 and 4 s apart, each drawn from the upper half.
#[test]
fn a_flight_retries_three_times_after_one_two_and_four_seconds() {
    let (mut low, mut high) = ([u64::MAX; 3], [0; 3]);
    for seed in 0..400 {
        let world = failing(seed, Reply::Unreachable);
        let gaps = world.gaps();
        for (retry, full) in [1_000, 2_000, 4_000].into_iter().enumerate() {
            let delay = gaps[retry] - world.server.latency;
            assert!((full / 2..=full).contains(&delay), "seed {seed}, retry {retry}: {delay}");
            low[retry] = low[retry].min(delay);
            high[retry] = high[retry].max(delay);
        }
        let told: Vec<bool> = world.failures().iter().map(|(_, exhausted)| *exhausted).collect();
        assert_eq!(told[..4], [false, false, false, true], "seed {seed}");
    }
    for (retry, full) in [1_000, 2_000, 4_000].into_iter().enumerate() {
        assert!(low[retry] < full * 55 / 100 && high[retry] > full * 95 / 100, "the delays do not spread");
    }
}

/// LP4: no doubling goes beyond the cap.
#[test]
fn no_delay_is_longer_than_the_cap() {
    for seed in 0..20 {
        let mut world = World::unread(|options| options.number("retries", 20.0).unwrap(), seed);
        world.boot();
        world.sign_in("ada");
        world.server.always = Some(Reply::Unreachable);
        world.sleep(minutes(20));
        world.need();
        world.advance(minutes(10));
        let delays: Vec<u64> = world.gaps().iter().take(20).map(|gap| gap - world.server.latency).collect();
        assert_eq!(delays.len(), 20);
        for (delay, full) in delays.iter().zip([1, 2, 4, 8, 16].into_iter().chain([30; 15])) {
            assert!((full * 500..=full * 1_000).contains(delay), "seed {seed}: {delays:?}");
        }
    }
}

/// What is announced as the next attempt is made, also when the refresh was asked for long before it was due.
#[test]
fn an_asked_refresh_that_failed_is_tried_again_when_it_says() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    world.server.always = Some(Reply::Unreachable);
    world.force();
    world.advance_until(secs(60), |world| world.failures().iter().any(|(_, exhausted)| *exhausted));
    world.server.always = None;
    let made = world.requests();
    let announced = world.snapshot().next_retry_at.unwrap();
    world.advance(announced.since(world.clock.now().wall).saturating_add(ms(1)));
    assert_eq!(world.requests(), made + 1);
}

#[test]
fn no_retries_means_one_attempt() {
    let mut world = World::with(|options| options.number("retries", 0.0).unwrap());
    world.sign_in("ada");
    world.server.always = Some(Reply::Fixed(answer(500, "")));
    world.sleep(minutes(20));
    let call = world.need();
    world.advance(secs(1));
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!((error.attempt, error.status), (1, Some(500)));
    assert_eq!(world.requests(), 1);
}

/// TM7, NE1: without an HTTP answer the schedule is prompt for a minute, then from 30 s to 5 min, for ever.
#[test]
fn after_the_flight_the_schedule_goes_on_until_success() {
    let mut world = failing(1, Reply::Unreachable);
    world.advance(hours(6));
    let (times, latency) = (world.server.times(), world.server.latency);
    let ended = times[3] + latency;
    for pair in times[3..].windows(2) {
        let (end, rest) = (pair[0] + latency, pair[1] - pair[0] - latency);
        let most = if end - ended < 60_000 { 5_000 } else { 5 * 60_000 };
        assert!((1_000..=most).contains(&rest), "{rest} ms after {} s", (end - ended) / 1_000);
    }
    for rest in &world.gaps()[times.len() - 20..] {
        assert!((150_000..=5 * 60_000 + latency).contains(rest), "{rest}");
    }
    assert_eq!((world.state(), world.ends()), (State::Stale, vec![]));
    world.server.always = None;
    world.advance(minutes(5));
    assert_eq!(world.state(), State::Active);
}

/// A token that is good for minutes is nothing to storm a server for that is in trouble.
#[test]
fn while_the_token_is_good_what_failed_is_tried_again_near_its_end() {
    for reply in [Reply::Unreachable, Reply::Fixed(answer(503, ""))] {
        for seed in 0..50 {
            let mut world = World::unread(|_| {}, seed);
            world.boot();
            world.sign_in("ada");
            let end = world.clock.elapsed + 900_000;
            world.server.always = Some(reply.clone());
            world.advance_to_end(ms(1));
            let times = world.server.times();
            let left = end - times[3] - world.server.latency;
            let next = times[4] - times[3] - world.server.latency;
            assert!((left * 92 / 100..=left * 98 / 100).contains(&next), "{next} ms of {left}");
            assert!(times.len() <= 6, "{} requests", times.len());
        }
    }
}

/// What was short is over before the token is: nobody notices.
#[test]
fn trouble_of_three_minutes_ahead_of_the_end_leaves_no_gap() {
    for seed in 0..50 {
        let mut world = World::unread(|_| {}, seed);
        world.boot();
        world.sign_in("ada");
        world.server.always = Some(Reply::Fixed(answer(503, "")));
        world.advance_until(minutes(11), |world| world.count("refreshFailed") == 4);
        world.advance(minutes(3));
        world.server.always = None;
        world.advance_until(minutes(5), |world| world.count("refreshed") == 1);
        assert!(!world.snapshots.iter().any(|snapshot| snapshot.state == State::Stale), "seed {seed}");
    }
}

/// The schedule can wait for a good token's end; a caller whose token has drawn a 401 cannot.
#[test]
fn a_caller_without_a_good_token_need_not_wait_as_long_as_the_schedule() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.advance_until(minutes(11), |world| world.count("refreshFailed") == 4);
    world.server.always = None;
    let turned_away = world.unauthorized();
    world.expect(turned_away, Settled::Pass);
    world.advance(secs(30));
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
}

/// An attempt more or less is not what it takes; of a whole fleet it is four times the load.
#[test]
fn a_flight_that_nobody_waits_for_sends_once_after_one_has_failed() {
    let mut world = failing(1, Reply::Fixed(answer(503, "")));
    let requests = world.requests();
    world.advance(secs(40));
    assert_eq!(world.requests(), requests + 1);
    assert_eq!(world.failures().len(), 5);
}

#[test]
fn a_flight_that_somebody_waits_for_is_retried_all_the_same() {
    let mut world = failing(1, Reply::Fixed(answer(503, "")));
    let requests = world.requests();
    world.advance_until(secs(31), |world| world.requests() > requests);
    world.need();
    world.advance(secs(10));
    assert_eq!(world.requests(), requests + 4);
}

/// What failed before a success no longer slows anything down.
#[test]
fn after_a_success_the_schedule_begins_anew() {
    let mut world = failing(1, Reply::Unreachable);
    world.advance(hours(3));
    world.server.always = None;
    world.advance(minutes(5));
    assert_eq!(world.state(), State::Active);
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.server.requests.clear();
    world.sleep(minutes(20));
    world.need();
    world.advance(minutes(1));
    let rest = world.gaps()[3];
    assert!((15_000..=30_400).contains(&rest), "{:?}", world.gaps());
}

/// RC4: later callers are answered from the cooldown, not with new requests.
#[test]
fn callers_after_a_failed_flight_get_its_error_at_once() {
    for reply in [Reply::Unreachable, Reply::Fixed(answer(503, "")), Reply::Fixed(answer(429, ""))] {
        let mut world = failing(1, reply.clone());
        let first = world.failures().last().map(|(error, _)| (*error).clone()).expect("a failure");
        let requests = world.requests();
        for _ in 0..1_000 {
            let call = world.need();
            assert_eq!(world.expect_error(call, ErrorCode::RefreshUnavailable), &first);
        }
        assert_eq!(world.requests(), requests, "{reply:?}");
        assert!(first.retry_at.is_some());
    }
}

/// RC4: ten seconds of calls one after another.
#[test]
fn serial_callers_do_not_hammer_a_dead_endpoint() {
    for reply in [Reply::Unreachable, Reply::Fixed(answer(503, "")), Reply::Fixed(answer(429, ""))] {
        let mut world = World::new();
        world.sign_in("ada");
        world.server.always = Some(reply.clone());
        world.server.latency = 5;
        world.sleep(minutes(20));
        for _ in 0..1_000 {
            world.need();
            world.advance(ms(10));
        }
        assert!(world.requests() <= 5, "{reply:?}: {}", world.requests());
    }
}

#[test]
fn a_forced_refresh_passes_over_the_cooldown() {
    let mut world = failing(1, Reply::Fixed(answer(503, "")));
    world.server.always = None;
    let call = world.force();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
}

/// NE1: two hours without a network, whatever its errors, lose nothing.
#[test]
fn a_network_that_fails_for_hours_costs_nothing_but_time() {
    let mut world = World::new();
    world.sign_in("ada");
    let stored = world.stored_pair();
    world.server.always = Some(Reply::Unreachable);
    world.advance(hours(2));
    assert_eq!(world.stored_pair(), stored);
    assert_eq!((world.state(), world.ends()), (State::Stale, vec![]));
    world.server.always = None;
    world.wake(Wake::Online);
    world.advance(ms(500));
    assert_eq!(world.state(), State::Active);
}

/// NE4: a failed refresh takes nothing from a token that is still good.
#[test]
fn a_good_token_is_handed_out_while_refreshes_fail() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.advance_to_end(secs(5));
    assert!(world.count("refreshFailed") > 4);
    let call = world.need();
    world.expect(call, Settled::Done);
    assert_eq!(world.state(), State::Active);
    world.advance(secs(5));
    assert_eq!(world.state(), State::Stale);
    let call = world.need();
    world.expect_error(call, ErrorCode::RefreshUnavailable);
}

/// TM7: of a day of trouble of all kinds nothing is left but some failures.
#[test]
fn every_second_refresh_fails_for_a_day_and_the_schedule_lives() {
    for seed in 0..5 {
        let mut world = World::unread(|_| {}, seed);
        world.boot();
        world.sign_in("ada");
        // Each with the attempts of its flight.
        let kinds = [
            (Reply::Unreachable, 4),
            (Reply::Fixed(answer(503, "")), 4),
            (Reply::Fixed(answer(200, "<html>")), 4),
            (Reply::Fixed(answer(429, "")), 4),
            (Reply::Outcome(Outcome::Failed { status: Some(500), retry_after: None }), 4),
            (Reply::Fixed(answer(400, r#"{"error":"invalid_client"}"#)), 1),
        ];
        for (kind, attempts) in kinds.iter().cycle().skip(seed as usize).take(500) {
            world.server.script.extend(std::iter::repeat_n(kind.clone(), *attempts));
            world.server.script.push_back(Reply::Grant);
        }
        for _ in 0..24 * 60 {
            world.advance(minutes(1));
            assert!(world.armed().is_some(), "seed {seed}: no timer");
            let call = world.need();
            world.expect(call, Settled::Done);
        }
        let metrics = world.engine.metrics();
        assert!(metrics.refreshed > 96 && metrics.failed > 90, "seed {seed}: {metrics:?}");
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "seed {seed}");
    }
}

/// A server that answers sets the pace: no prompt minute.
#[test]
fn after_answers_of_a_server_in_trouble_the_schedule_doubles_from_30_seconds_to_five_minutes() {
    for seed in 0..50 {
        let mut world = World::unread(|options| options.number("retries", 0.0).unwrap(), seed);
        world.boot();
        world.sign_in("ada");
        world.server.always = Some(Reply::Fixed(answer(500, "")));
        world.sleep(minutes(20));
        world.need();
        world.advance(hours(2));
        for (gap, full) in world.gaps().iter().zip([30, 60, 120, 240, 300, 300, 300]) {
            let delay = gap - world.server.latency;
            assert!((full * 500..=full * 1_000).contains(&delay), "seed {seed}: {delay} of {full} s");
        }
    }
}

/// The token is expired, a caller waits, and every attempt is answered so; the flight has just failed.
fn failing(seed: u64, reply: Reply) -> World {
    let mut world = World::unread(|_| {}, seed);
    world.boot();
    world.sign_in("ada");
    world.server.always = Some(reply);
    world.sleep(minutes(20));
    let call = world.need();
    world.advance_until(secs(10), |world| world.settled.contains_key(&call));
    world
}
