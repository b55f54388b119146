//! What is told, in which order, and how often.
use crate::common::*;
use evertoken::engine::metrics::Mark;

#[test]
fn verdict_and_snapshot_come_before_the_events_of_the_same_input() {
    let mut world = World::new();
    let response = world.server.sign_in("ada", world.clock.truth());
    let input =
        Input::SetTokens { call: CallId(1), response: Secret::new(response), session: SessionMode::Auto };
    world.engine.handle(world.clock.now(), input);
    let mut kinds = Vec::new();
    while let Some(output) = world.engine.poll_output() {
        kinds.push(match output {
            Output::Verdict(_) => "verdict",
            Output::Snapshot(_) => "snapshot",
            Output::Event(event) => event.name(),
            Output::WriteStore(..) => "write",
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(kinds, ["verdict", "snapshot", "sessionStarted", "write"]);
}

/// FR4: a day in the life of a page is told in few words.
#[test]
fn a_day_without_trouble_tells_each_refresh_once_and_nothing_else() {
    let mut world = World::new();
    world.sign_in("ada");
    for _ in 0..24 * 60 {
        world.advance(minutes(1));
        world.need();
        world.wake(Wake::Focus);
    }
    assert_eq!(world.count("refreshed"), world.requests());
    assert_eq!(world.events.len(), 1 + world.requests());
    let metrics = world.engine.metrics();
    assert_eq!((metrics.attempts, metrics.refreshed, metrics.proactive), {
        let requests = world.requests() as u32;
        (requests, requests, requests)
    });
    assert_eq!((metrics.failed, metrics.stray, metrics.rejected), (0, 0, 0));
    assert_eq!(metrics.latency.into_iter().map(u32::from).sum::<u32>(), metrics.attempts);
}

/// OB2: each failure is told, each retry with its moment, and giving up once.
#[test]
fn trouble_is_told_step_by_step() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Fixed(answer(502, "")));
    world.need();
    world.advance(secs(9));
    let retry = ["refreshFailed", "retryScheduled"];
    let expected = ["sessionStarted"].into_iter().chain(retry.repeat(3)).chain(["refreshFailed"]);
    assert_eq!(world.event_names(), expected.collect::<Vec<_>>());
    let attempts = world.events.iter().filter_map(|event| match event {
        Event::RetryScheduled { attempt, .. } => Some(*attempt),
        _ => None,
    });
    assert_eq!(attempts.collect::<Vec<_>>(), [2, 3, 4]);
    let announced: Vec<i64> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::RetryScheduled { retry_at, .. } => Some(retry_at.0),
            _ => None,
        })
        .collect();
    let sent: Vec<i64> = world.server.times()[1..].iter().map(|at| START + *at as i64).collect();
    assert_eq!(announced, sent, "the moments are those at which it is tried again");
    let snapshot = world.snapshot();
    assert_eq!((snapshot.error, snapshot.refreshing), (Some("server_error"), false));
    world.advance_until(secs(31), |world| world.requests() == 5);
}

/// The trail says what happened, in numbers.
#[test]
fn the_trail_has_the_steps_of_a_refresh_in_order() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(10));
    world.unauthorized();
    world.advance(secs(1));
    let marks = world.engine.trail().steps().map(|step| step[1]).filter(|code| *code < 64);
    let marks: Vec<i64> = marks.collect();
    let expected = [
        Mark::Unauthorized,
        Mark::FlightBegan,
        Mark::Locked,
        Mark::StoreRead,
        Mark::StoreWritten,
        Mark::AttemptSent,
        Mark::AttemptEnded,
        Mark::Granted,
        Mark::StoreWritten,
        Mark::Unlocked,
    ];
    assert!(marks.ends_with(&expected.map(|mark| mark as i64)), "{marks:?}");
}

/// The same seed and the same inputs give the same outputs: a trail can be replayed.
#[test]
fn the_same_seed_and_the_same_inputs_do_the_same() {
    let run = || {
        let mut world = World::unread(|_| {}, 7);
        world.boot();
        world.sign_in("ada");
        world.server.script.extend([Reply::Unreachable, Reply::Fixed(answer(503, ""))]);
        world.advance(hours(5));
        (world.server.times(), steps_of(&world.engine), world.snapshots)
    };
    assert_eq!(run(), run());
}

/// OB2: how the app's own function failed, and at which attempt a refusal came.
#[test]
fn failures_tell_their_status_and_attempt() {
    let mut world = World::expired_with(|options| options.text("refresh.kind", "callback".into()).unwrap());
    let failed = Outcome::Failed { status: Some(502), retry_after: None };
    world.server.script.push_back(Reply::Outcome(failed));
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
    world.need();
    world.advance(secs(5));
    let told = world.failures().into_iter().map(|(error, _)| (error.status, error.attempt));
    assert_eq!(told.collect::<Vec<_>>(), [(Some(502), 1), (Some(400), 2)]);
}

/// Who sends requests is not told again what holds already.
#[test]
fn a_verdict_that_says_the_same_is_not_told_again() {
    let mut world = World::new();
    world.sign_in("ada");
    let verdicts = world.verdicts;
    for _ in 0..5 {
        world.advance(secs(30));
        world.need();
        world.input(Input::Tick);
    }
    assert_eq!(world.verdicts, verdicts);
}

/// It holds until the margin before the end, by both clocks.
#[test]
fn a_verdict_holds_until_the_margin() {
    let mut world = World::new();
    world.sign_in("ada");
    let now = world.clock.now();
    let until = world.verdict.as_ref().and_then(|verdict| verdict.until).expect("an end");
    assert_eq!((until.mono.since(now.mono), until.wall.since(now.wall)), (secs(870), secs(870)));
}

/// In seconds: by how much a timer was late, and by how much the wall clock jumped.
#[test]
fn the_trail_tells_of_a_sleep_and_of_a_clock_that_was_set() {
    let mut world = World::new();
    world.sign_in("ada");
    let armed = world.armed().expect("a timer");
    world.sleep(Millis(armed.0 + 7_000));
    world.input(Input::Tick);
    world.set_wall(-90_000);
    world.input(Input::Tick);
    let trail = world.engine.trail().steps();
    let told = trail.filter(|step| [Mark::LateTimer as i64, Mark::WallJumped as i64].contains(&step[1]));
    assert_eq!(told.map(|step| step[2]).collect::<Vec<_>>(), [7, 90]);
}
