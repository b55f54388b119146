//! What the engine learns from answers: how long they take, what time it is at the server, and what the app makes of
//! them.
use crate::common::*;
use evertoken::engine::answer::Ruling;

/// NE5: four times the median, so that a slow server is not asked twice.
#[test]
fn attempts_wait_longer_for_a_slow_server() {
    for (latency, waits) in [(200, 10_000), (2_400, 10_000), (5_000, 20_000), (9_000, 30_000)] {
        let mut world = World::new();
        world.server.latency = latency;
        world.sign_in("ada");
        for _ in 0..3 {
            world.advance(secs(30));
            world.refresh();
        }
        world.advance(secs(30));
        assert_eq!(world.requests(), 3);
        assert_eq!(waited(&mut world), waits, "{latency}");
    }
}

/// Never shorter than the option says: an answer that is on its way would meet a second request.
#[test]
fn attempts_never_wait_shorter_than_the_option_says() {
    let mut world = World::with(|options| options.number("attemptTimeout", 3_000.0).unwrap());
    world.server.latency = 5;
    world.sign_in("ada");
    for _ in 0..20 {
        world.advance(secs(30));
        world.refresh();
    }
    world.advance(secs(30));
    assert_eq!(waited(&mut world), 3_000);
}

/// An answer that came too late shows how long one should have waited.
#[test]
fn late_answers_teach_too() {
    let mut world = World::new();
    world.server.reuse = Reuse::Grace(60_000);
    world.sign_in("ada");
    for _ in 0..3 {
        world.advance(secs(60));
        world.server.script.extend([Reply::Slow(11_500), Reply::Silent]);
        world.refresh();
    }
    world.advance(secs(60));
    assert_eq!((world.generation(), world.ends()), (Generation(4), vec![]));
    assert_eq!(waited(&mut world), 30_000);
}

/// The claim tells the other tabs how long that is.
#[test]
fn a_claim_lives_as_long_as_its_attempt() {
    let mut world = World::new();
    world.server.latency = 5_000;
    world.sign_in("ada");
    for _ in 0..4 {
        world.advance(secs(30));
        world.refresh();
    }
    assert_eq!(world.record().claim.map(|claim| claim.life), Some(secs(22)));
}

/// CK6: without a readable `Date`, a token that has just been made shows the server's time.
#[test]
fn the_issue_of_a_new_token_shows_the_servers_time() {
    for (latency, ahead) in [(200, 3_600_000), (4_000, -86_400_000), (10, 0)] {
        let mut world = World::new();
        world.server.dated = false;
        world.server.latency = latency;
        world.clock.ahead = ahead;
        world.sign_in("ada");
        assert_eq!(world.record().offset, None, "a hand-over may be late");
        world.advance(secs(30));
        world.refresh();
        world.advance(secs(10));
        let offset = world.record().offset.expect("a learnt offset");
        assert!((offset + ahead).abs() <= 500 + latency as i64 / 2, "{ahead}: {offset}");
    }
}

/// It was issued long ago.
#[test]
fn a_token_that_comes_again_teaches_nothing_of_the_time() {
    let mut world = World::new();
    world.server.dated = false;
    let body = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&body, SessionMode::Auto);
    world.advance(minutes(8));
    world.server.always = Some(Reply::Fixed(answer(200, &body)));
    world.refresh();
    world.advance(secs(1));
    assert_eq!((world.requests(), world.record().offset), (1, None));
}

/// `isTerminal` says that a 500 is the end.
#[test]
fn an_answer_that_the_app_calls_the_end_is_a_refusal() {
    let mut world = World::expired();
    let reads = world.store.reads;
    world.server.script.push_back(ruled(500, Ruling::Terminal));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!((world.requests(), world.ends()), (1, vec![EndReason::Refused]));
    assert_eq!(world.store.reads, reads + 2, "before the request, and before the end");
}

/// MT2: the store decides all the same.
#[test]
fn an_answer_that_the_app_calls_the_end_ends_nothing_when_another_tab_was_quicker() {
    let mut world = World::expired();
    world.server.reuse = Reuse::NoRotation;
    world.server.script.push_back(ruled(500, Ruling::Terminal));
    let call = world.need();
    world.rotate_elsewhere();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.ends(), world.count("adopted")), (vec![], 1));
}

/// `isTerminal` says that a 400 is not.
#[test]
fn an_answer_that_the_app_calls_transient_is_tried_again() {
    for status in [400, 401, 403, 422, 429] {
        let mut world = World::expired();
        world.server.script.push_back(ruled(status, Ruling::Transient));
        let call = world.need();
        world.advance(secs(2));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.ends()), (2, vec![]), "{status}");
        let cause = if status == 429 { Cause::RateLimited } else { Cause::ServerError };
        assert_eq!(world.failures()[0].0.cause, Some(cause), "{status}");
    }
}

/// Tokens are tokens, whatever the app thinks of them.
#[test]
fn no_rule_of_the_app_makes_a_grant_the_end() {
    for ruling in [Ruling::Terminal, Ruling::Transient] {
        let mut world = World::expired();
        let pair = world.server.sign_in("ada", world.clock.truth());
        let granted = Answer { ruling: Some(ruling), ..answer(200, &pair) };
        world.server.script.push_back(Reply::Fixed(granted));
        let call = world.need();
        world.advance(secs(1));
        world.expect(call, Settled::Done);
        assert_eq!(world.ends(), []);
    }
}

fn ruled(status: u16, ruling: Ruling) -> Reply {
    Reply::Fixed(Answer { ruling: Some(ruling), ..answer(status, r#"{"error":"invalid_grant"}"#) })
}

/// How long the next attempt waits for an answer that never comes.
#[track_caller]
fn waited(world: &mut World) -> u64 {
    world.server.script.push_back(Reply::Silent);
    world.refresh();
    let sent = world.server.times().last().copied().expect("a request");
    let failures = world.failures().len();
    world.advance_until(minutes(1), |world| world.failures().len() > failures);
    world.clock.elapsed - sent
}
