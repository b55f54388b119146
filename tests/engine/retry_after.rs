//! LP3: the server says when.
use crate::common::*;

fn busy(retry_after: &str) -> Answer {
    Answer { retry_after: Some(retry_after.into()), ..answer(429, "") }
}

#[test]
fn nothing_is_sent_before_it() {
    for (header, least) in [
        ("3", 3_000),
        (" 12 ", 12_000),
        ("30", 30_000),
        ("999999", 3_600_000),
        ("Thu, 01 Jan 2026 00:21:00 GMT", 55_000),
        ("0", 500),
        ("-5", 500),
        ("abc", 500),
        ("1.5", 500),
    ] {
        for status in [429, 503, 500, 400] {
            let body = r#"{"error":"temporarily_unavailable"}"#;
            let mut world = answered(Answer { status, body: Secret::new(body.into()), ..busy(header) });
            world.advance(Millis(least + 60_000));
            let gap = world.gaps()[0] - world.server.latency;
            assert!(gap >= least, "{header} {status}: {gap}");
            assert!(gap <= least.max(1_000), "{header} {status}: {gap}");
        }
    }
}

/// A caller for whom it would come too late is told so at once.
#[test]
fn callers_are_turned_away_at_once_when_it_is_beyond_their_wait() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(busy("30")));
    let early = world.need();
    world.advance(ms(200));
    let error = world.expect_error(early, ErrorCode::RefreshUnavailable).clone();
    assert_eq!((error.status, error.cause), (Some(429), Some(Cause::RateLimited)));
    let now = world.clock.now().wall;
    assert_eq!(error.retry_at.map(|at| at.since(now)), Some(secs(30)));
    let late = world.need();
    world.expect_error(late, ErrorCode::RefreshUnavailable);
    world.advance(secs(16));
    let in_time = world.need();
    world.expect_waiting(in_time);
    world.advance(secs(15));
    world.expect(in_time, Settled::Done);
    assert_eq!(world.requests(), 2);
}

/// Forced refreshes and wakes included.
#[test]
fn nothing_hastens_it() {
    let mut world = answered(busy("600"));
    for _ in 0..20 {
        world.advance(secs(20));
        let forced = world.force();
        assert!(world.result(forced).is_err());
        for wake in [Wake::Hidden, Wake::Shown, Wake::Online, Wake::Focus] {
            world.wake(wake);
        }
    }
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_flight_that_has_failed_keeps_to_it() {
    let mut world = World::expired_with(|options| options.number("retries", 0.0).unwrap());
    world.server.script.push_back(Reply::Fixed(busy("600")));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::RefreshUnavailable);
    let forced = world.force();
    world.expect_error(forced, ErrorCode::RefreshUnavailable);
    world.wake(Wake::Online);
    world.advance(secs(590));
    assert_eq!(world.requests(), 1);
    world.advance(secs(10));
    assert_eq!(world.requests(), 2);
    assert_eq!(world.state(), State::Active);
}

/// I11: a server that asks for no time at all is not hammered.
#[test]
fn no_time_at_all_is_no_licence_to_storm() {
    for header in ["0", "1", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let mut world = answered(busy(header));
        world.server.always = Some(Reply::Fixed(busy(header)));
        world.advance(minutes(10));
        assert!(world.requests() < 300, "{header}: {}", world.requests());
        let flights = world.failures().iter().filter(|(_, exhausted)| *exhausted).count();
        assert!(flights < 240, "{header}: {flights}");
    }
}

#[test]
fn a_callback_can_name_the_time_too() {
    let mut world = World::expired_with(|options| options.text("refresh.kind", "callback".into()).unwrap());
    let failed = Outcome::Failed { status: Some(429), retry_after: Some("30".into()) };
    world.server.script.push_back(Reply::Outcome(failed));
    let call = world.need();
    world.advance(secs(60));
    world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!(world.gaps(), [30_200]);
}

/// Expired for long; the first attempt has been answered with `answer`, the next will be granted.
fn answered(answer: Answer) -> World {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(answer));
    world.need();
    world.advance(ms(200));
    assert_eq!(world.requests(), 1);
    world
}

/// A page that nobody waits for is not woken every second while a server wants to be left alone.
#[test]
fn a_refresh_that_waits_for_the_server_wakes_the_page_as_rarely_as_one_that_is_planned() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.always = Some(Reply::Fixed(Answer { retry_after: Some("3000".into()), ..answer(429, "") }));
    world.advance_to_end(secs(60));
    assert_eq!(world.requests(), 1, "it waits");
    let ticks = world.ticks;
    world.advance(minutes(40));
    assert!(world.ticks - ticks < 30, "{} timers", world.ticks - ticks);
}

/// Nor does an answer that comes late and asks for less.
#[test]
fn a_late_answer_does_not_shorten_it() {
    let mut world = World::new();
    world.sign_in("ada");
    // Else the record would tell.
    world.store.mode = Mode::Failing;
    world.sleep(minutes(20));
    world.server.script.push_back(Reply::Silent);
    world.need();
    world.advance(secs(10));
    let first = world.sent[0].0;
    world.server.script.push_back(Reply::Fixed(busy("3000")));
    world.advance(secs(5));
    assert_eq!(world.requests(), 2);
    world.answer_now(first, Outcome::Answered(busy("60")));
    world.advance(minutes(45));
    assert_eq!(world.requests(), 2);
}

/// Nobody is let through sooner because the token is still good for others.
#[test]
fn a_401_before_it_is_over_passes_though_the_token_is_good_for_long() {
    let mut world = World::with(|options| options.number("retries", 0.0).unwrap());
    world.sign_in("ada");
    world.advance(minutes(1));
    world.store.mode = Mode::Failing;
    world.server.script.push_back(Reply::Fixed(busy("60")));
    world.force();
    world.advance(secs(40));
    let call = world.unauthorized();
    world.expect(call, Settled::Pass);
    assert_eq!((world.requests(), world.bearer().is_some()), (1, true));
}

/// A failure at the very moment at which it is over is tried again as any other: a wake hastens that.
#[test]
fn a_failure_at_its_end_does_not_prolong_it() {
    let mut world = World::expired();
    world.server.script.extend([Reply::Silent, Reply::Silent]);
    world.need();
    world.advance_until(secs(20), |world| world.requests() == 2);
    world.answer_now(world.sent[0].0, Outcome::Answered(busy("5")));
    world.advance(secs(5));
    world.answer_now(world.sent[1].0, Outcome::Answered(answer(503, "")));
    world.wake(Wake::Online);
    world.advance(ms(1));
    assert_eq!(world.requests(), 3);
}
