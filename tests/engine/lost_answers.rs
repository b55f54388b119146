//! MT10: when no answer was read, the refresh token may be spent.
use crate::common::*;

/// I1b: it is resent promptly, within a server's grace.
#[test]
fn within_the_grace_a_lost_answer_costs_nothing() {
    for seed in 0..50 {
        let mut world = expired(seed, Reuse::Grace(10_000));
        world.server.script.push_back(Reply::Lost);
        world.server.script.push_back(Reply::Lost);
        let call = world.need();
        world.advance(secs(5));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.ends()), (3, vec![]), "seed {seed}");
    }
}

#[test]
fn a_strict_server_ends_the_session_once_with_the_reason() {
    let mut world = expired(1, Reuse::Strict);
    world.server.script.push_back(Reply::Lost);
    let call = world.need();
    world.advance(secs(5));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible]);
    let requests = world.requests();
    world.advance(hours(10));
    assert_eq!((world.requests(), world.ends().len()), (requests, 1));
}

/// An answer that was read loses nothing, so a refusal after it has the plain reason.
#[test]
fn after_answers_that_were_read_a_refusal_is_just_that() {
    let mut world = expired(1, Reuse::Strict);
    world.server.script.push_back(Reply::Fixed(answer(503, "")));
    world.server.revoke(0);
    world.need();
    world.advance(secs(5));
    assert_eq!(world.ends(), [EndReason::Refused]);
}

/// A later pair makes an earlier loss meaningless.
#[test]
fn a_loss_does_not_outlive_the_generation() {
    let mut world = expired(1, Reuse::Grace(10_000));
    world.server.script.push_back(Reply::Lost);
    world.need();
    world.advance(minutes(5));
    assert_eq!(world.state(), State::Active);
    world.server.revoke(0);
    world.advance(minutes(20));
    assert_eq!(world.ends(), [EndReason::Refused]);
}

/// NE5: a timeout abandons the attempt; what it brings late is taken when nothing newer is there.
#[test]
fn the_late_answer_of_an_abandoned_attempt_is_adopted() {
    for late in [10_500, 11_500, 15_000, 20_000] {
        let mut world = expired(1, Reuse::Strict);
        world.server.script.push_back(Reply::Slow(late));
        world.server.always = Some(Reply::Silent);
        world.need();
        world.advance(Millis(late + 100));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "{late}");
        assert_eq!(world.generation(), Generation(2));
        let call = world.need();
        world.expect(call, Settled::Done);
        assert!(world.store.holds("refresh.0.1"));
        world.server.always = None;
        world.advance(minutes(30));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
    }
}

/// A late answer ends the trouble that its absence has caused.
#[test]
fn a_late_answer_during_the_cooldown_ends_it() {
    let mut world = World::expired_with(|options| options.number("retries", 0.0).unwrap());
    world.server.script.push_back(Reply::Slow(12_000));
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.wake(Wake::Hidden);
    world.need();
    world.advance(ms(11_900));
    assert_eq!((world.requests(), world.snapshot().error), (1, Some("timeout")));
    world.advance(ms(100));
    assert_eq!((world.state(), world.snapshot().error), (State::Active, None));
}

/// The attempt that flies when a late answer is adopted is of no more use.
#[test]
fn what_flies_beside_an_adopted_answer_is_aborted() {
    let mut world = expired(1, Reuse::Grace(60_000));
    world.server.script.extend([Reply::Slow(13_000), Reply::Slow(8_000)]);
    let call = world.need();
    world.advance(secs(13));
    world.expect(call, Settled::Done);
    assert_eq!(world.aborted, [world.sent[1].0]);
    world.advance(minutes(1));
    assert_eq!((world.generation(), world.count("refreshed")), (Generation(2), 1));
}

/// The other way round: the next attempt's answer makes the abandoned one useless.
#[test]
fn the_abandoned_attempt_is_aborted_when_the_next_is_answered() {
    let mut world = expired(1, Reuse::Grace(60_000));
    world.server.script.push_back(Reply::Slow(60_000));
    world.need();
    world.advance(secs(12));
    assert_eq!((world.requests(), &world.aborted[..]), (2, &[world.sent[0].0][..]));
    world.advance(minutes(2));
    assert_eq!((world.generation(), world.count("refreshed")), (Generation(2), 1));
}

/// A browser allows six connections to a host: attempts that hang must not take them all.
#[test]
fn a_server_that_never_answers_ties_up_few_connections() {
    let mut world = expired(1, Reuse::Strict);
    world.server.always = Some(Reply::Silent);
    world.need();
    world.advance(hours(6));
    let open = world.requests() - world.aborted.len();
    assert!(world.requests() > 20 && open <= 4, "{open} of {} are open", world.requests());
    world.server.always = None;
    world.advance(minutes(20));
    assert_eq!(world.state(), State::Active);
}

/// Late refusals and failures of abandoned attempts change nothing.
#[test]
fn only_tokens_are_taken_from_a_late_answer() {
    for late in [
        Outcome::Answered(answer(400, r#"{"error":"invalid_grant"}"#)),
        Outcome::Answered(answer(503, "")),
        Outcome::Answered(answer(200, "<html>")),
        Outcome::Unreachable,
        Outcome::Ended,
    ] {
        let mut world = expired(1, Reuse::Strict);
        world.server.script.push_back(Reply::Silent);
        world.need();
        world.advance(ms(10_100));
        let first = world.sent[0].0;
        world.answer_now(first, late.clone());
        assert_eq!((world.state(), world.ends()), (State::Stale, vec![]), "{late:?}");
        world.advance(secs(3));
        assert_eq!(world.state(), State::Active, "{late:?}");
    }
}

#[test]
fn answers_to_nothing_and_answers_twice_are_counted_and_ignored() {
    let mut world = expired(1, Reuse::Strict);
    world.need();
    world.advance(secs(1));
    let snapshots = world.snapshots.len();
    let pair = world.server.sign_in("mallory", world.clock.truth());
    for attempt in [world.sent[0].0, AttemptId(99), AttemptId(0)] {
        world.answer_now(attempt, Outcome::Answered(answer(200, &pair)));
    }
    assert_eq!((world.engine.metrics().stray, world.snapshots.len()), (3, snapshots));
    assert_eq!(world.snapshot().subject.as_deref(), Some("ada"));
}

/// A stop while the answer was on its way loses it as much as a broken line.
#[test]
fn an_answer_cut_off_by_stop_is_a_lost_one() {
    let mut world = expired(1, Reuse::Strict);
    world.server.script.push_back(Reply::Slow(3_600_000));
    world.need();
    world.input(Input::Stop);
    world.input(Input::Start);
    world.advance(secs(5));
    assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible]);
}

fn expired(seed: u64, reuse: Reuse) -> World {
    let mut world = World::unread(|_| {}, seed);
    world.boot();
    world.server.reuse = reuse;
    world.sign_in("ada");
    world.sleep(minutes(20));
    world
}

/// I1b: what one tab has lost, the others know, whoever was refused.
#[test]
fn a_refusal_of_another_tab_names_the_loss_that_is_in_the_record() {
    let mut world = World::expired();
    let mut record = world.record();
    let session = record.session.as_mut().expect("a session in the store");
    (session.refused, session.lost) = (true, true);
    world.store.put(record.encode().expose());
    world.need();
    assert_eq!((world.ends(), world.requests()), (vec![EndReason::RefreshResponseLostPossible], 0));
}

/// The same after a reload: the access token is used to its end, and the reason is still known then.
#[test]
fn a_refusal_that_is_read_back_names_the_loss() {
    let mut world = World::new();
    world.sign_in("ada");
    let mut record = world.record();
    let session = record.session.as_mut().expect("a session in the store");
    (session.refused, session.lost) = (true, true);
    world.store.put(record.encode().expose());
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::Ending);
    world.advance_to_end(Millis::ZERO);
    assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible]);
}

/// Browsers allow few connections to one host: three may be waited for, and the oldest of four is let go.
#[test]
fn the_oldest_of_four_attempts_without_an_answer_is_aborted() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Silent);
    world.need();
    world.advance_until(minutes(1), |world| world.requests() == 4);
    world.advance(secs(9));
    assert_eq!(world.aborted, []);
    world.advance(secs(1));
    assert_eq!(world.aborted, [world.sent[0].0]);
}
