//! A store that keeps the record apart from the pair: a tab whose pair is older than the record sends nothing.
use crate::common::*;
use evertoken::engine::record::Record;

#[test]
fn writes_compare_with_the_record_and_not_with_the_pair() {
    let mut world = apart();
    let text = world.store.text.clone().unwrap();
    let fence = world.store.fence.clone().unwrap();
    assert!(text.contains(CANARY) && !fence.contains(CANARY), "{fence}");
    // The pair's place is not looked at: another process may show it late.
    world.store.text = Some(text.replace(r#""generation":1"#, r#""generation":0"#));
    world.sign_in("ada");
    assert_eq!((world.store.reads, world.generation()), (1, Generation(2)), "no conflict, no look");
    world.store.fence = Some(fence);
    world.sign_in("ada");
    assert_eq!((world.store.reads, world.generation()), (2, Generation(3)), "a conflict, a look");
    assert!(world.store.holds("refresh.2.0"));
}

/// A claim is about the refresh token that is there: the pair is not written again.
#[test]
fn a_claim_leaves_the_pair_alone() {
    let mut world = apart();
    world.sleep(minutes(20));
    let pairs = world.store.history.len();
    world.need();
    assert_eq!((world.requests(), world.store.history.len()), (1, pairs));
    let fence = world.store.fence.clone().unwrap();
    assert!(fence.contains(r#""locked":1"#) && !world.store.holds(r#""locked":1"#), "{fence}");
    world.advance(secs(1));
    assert_eq!((world.store.history.len(), world.state()), (pairs + 1, State::Active));
    assert!(world.store.fence.as_ref().is_some_and(|fence| fence.contains(r#""claim":null"#)));
}

/// The pair is written first: a tab that is closed in between leaves it newer than the record.
#[test]
fn of_the_two_the_newer_counts() {
    let mut world = apart();
    let fence = world.store.fence.clone();
    world.rotate_elsewhere();
    world.store.fence = fence;
    let mut world = world.reload(2);
    assert_eq!((world.generation(), world.state()), (Generation(2), State::Active));
    world.sleep(minutes(20));
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.server.requests[0].refresh_token.as_deref(), Some("refresh.0.1.cAnArYx7"));
}

#[test]
fn a_pair_that_has_not_come_through_is_looked_for_every_100_ms_and_after_half_a_second_more_and_more_rarely()
{
    for boots in [false, true] {
        let (mut world, _) = behind(boots);
        let reads = world.store.reads;
        for look in 1..=5 {
            world.advance(ms(99));
            assert_eq!(world.store.reads, reads + look - 1, "boots {boots}");
            world.advance(ms(1));
            assert_eq!(world.store.reads, reads + look, "boots {boots}");
        }
        // It is not waited for any longer, but looked for at pauses that double.
        world.advance(secs(20));
        assert!(
            (6..=12).contains(&(world.store.reads - reads)),
            "{} looks, boots {boots}",
            world.store.reads - reads
        );
        assert_eq!(world.requests(), 0, "boots {boots}");
    }
}

#[test]
fn a_pair_that_comes_through_in_time_is_adopted() {
    for boots in [false, true] {
        for late in [50, 250, 499] {
            let (mut world, pair) = behind(boots);
            let call = world.need();
            world.advance(Millis(late));
            world.expect_waiting(call);
            world.store.put(pair);
            world.advance(ms(100));
            world.expect(call, Settled::Done);
            assert_eq!((world.generation(), world.state()), (Generation(2), State::Active));
            assert_eq!((world.requests(), world.ends()), (0, vec![]), "boots {boots}, {late} ms");
        }
    }
}

/// The refresh token is spent; the access token is good to its end. The session goes on in the other tabs.
#[test]
fn a_pair_that_does_not_come_through_ends_the_session_here_with_its_token_and_nothing_is_written() {
    for boots in [false, true] {
        let mut world = apart();
        world.advance(minutes(1));
        let old = world.store.text.clone().unwrap();
        world.rotate_elsewhere();
        world.store.put(old);
        let before = (world.store.text.clone(), world.store.fence.clone());
        if boots {
            world = world.reload(2);
        } else {
            world.wake(Wake::Shown);
        }
        world.advance(ms(500));
        assert_eq!(world.state(), State::Ending, "boots {boots}");
        let call = world.need();
        world.expect(call, Settled::Done);
        for call in [world.refresh(), world.force()] {
            world.expect_error(call, ErrorCode::SessionEnded);
        }
        world.advance_to_end(ms(1));
        assert_eq!((world.state(), world.ends()), (State::Ending, vec![]));
        world.advance(ms(1));
        assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::Superseded]));
        world.advance(hours(1));
        assert_eq!((world.requests(), world.armed()), (0, None));
        assert_eq!((world.store.text, world.store.fence), before, "boots {boots}");
    }
}

#[test]
fn without_a_good_token_it_ends_at_once() {
    let (mut world, _) = behind(false);
    let before = (world.store.text.clone(), world.store.fence.clone());
    let call = world.need();
    world.advance(ms(500));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!((world.requests(), world.ends()), (0, vec![EndReason::Superseded]));
    assert_eq!((world.store.text, world.store.fence, world.lock), (before.0, before.1, None));
    let (mut world, _) = behind(true);
    world.advance(ms(500));
    assert_eq!((world.state(), world.requests(), world.ends()), (State::SignedOut, 0, vec![]));
}

/// Late is better than never.
#[test]
fn a_pair_that_comes_through_after_the_end_begins_the_session_again() {
    let (mut world, pair) = behind(false);
    world.advance(secs(1));
    assert_eq!(world.ends(), [EndReason::Superseded]);
    world.store.put(pair);
    world.wake(Wake::Shown);
    assert_eq!((world.state(), world.generation()), (State::Active, Generation(2)));
    world.advance(hours(1));
    assert_eq!((world.state(), world.ends().len()), (State::Active, 1));
}

#[test]
fn a_sign_in_after_it_begins_a_session_of_its_own() {
    let (mut world, _) = behind(false);
    world.advance(secs(1));
    let call = world.sign_in("bob");
    world.expect(call, Settled::Started);
    assert!(world.store.holds("refresh.1.0"));
    assert_eq!(world.reload(2).snapshot().subject.as_deref(), Some("bob"));
}

/// MT9: the tombstone is in the record's place; what the pair's place still shows is of no matter.
#[test]
fn a_record_that_is_a_tombstone_signs_out() {
    for boots in [false, true] {
        let mut world = apart();
        world.advance(minutes(1));
        let record = world.record();
        let tombstone = Record { epoch: record.epoch.next(UnixMillis(0)), session: None, ..record };
        world.store.fence = Some(tombstone.encode().expose().to_owned());
        if boots {
            world = world.reload(2);
        } else {
            world.wake(Wake::Shown);
            assert_eq!(world.ends(), [EndReason::SignedOutElsewhere]);
        }
        assert_eq!((world.state(), world.requests()), (State::SignedOut, 0), "boots {boots}");
    }
}

/// NE4, NE7: what the record says of the pair beside it.
#[test]
fn the_record_knows_more_of_how_refreshing_stands() {
    let mut world = apart();
    world.advance(minutes(1));
    let mut record = world.record();
    record.session.as_mut().unwrap().refused = true;
    world.store.fence = Some(record.encode_without_tokens().expose().to_owned());
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::Ending);
    world.advance_to_end(Millis::ZERO);
    assert_eq!((world.ends(), world.requests()), (vec![EndReason::Refused], 0));
}

/// The record's place is lost, and the pair with it is not.
#[test]
fn without_a_record_the_pair_counts() {
    let mut world = apart();
    world.store.fence = None;
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::Active);
    world.advance(hours(1));
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
    assert!(world.store.fence.is_some());
}

/// The record has shown that the token which is held is spent; then the store cannot be read.
#[test]
fn a_tab_that_waits_for_its_pair_sends_nothing_when_the_store_fails() {
    for mode in [Mode::Failing, Mode::Hanging] {
        let (mut world, pair) = behind(false);
        world.need();
        world.store.mode = mode;
        world.advance(minutes(10));
        assert_eq!((world.requests(), world.ends()), (0, vec![]), "{mode:?}");
        world.store.mode = Mode::Sync;
        world.store.put(pair);
        world.wake(Wake::Shown);
        world.advance(secs(1));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "{mode:?}");
        assert!(world.generation() >= Generation(2), "{mode:?}");
    }
}

/// Within its grace the server has given this tab and another the same pair, and only the other could store it.
#[test]
fn a_pair_that_may_be_the_one_that_is_held_is_waited_for() {
    for comes in [true, false] {
        let (mut world, pair) = twin();
        world.advance(ms(250));
        if comes {
            world.store.put(pair);
        }
        world.advance(ms(249));
        assert_eq!(world.generation(), Generation(2));
        world.advance(ms(1));
        let generation = if comes { Generation(2) } else { Generation(3) };
        assert_eq!(world.generation(), generation, "comes {comes}");
        assert_eq!((world.record().generation, world.requests()), (generation, 1), "comes {comes}");
    }
}

/// Nobody has seen whether it is the same one: under numbers of its own none is taken for the other.
#[test]
fn a_pair_that_is_waited_for_while_the_store_hangs_is_taken_for_another() {
    let (mut world, _) = twin();
    world.advance(ms(50));
    world.store.mode = Mode::Hanging;
    world.advance(ms(2_100));
    world.store.mode = Mode::Sync;
    world.advance(secs(30));
    assert_eq!((world.record().generation, world.requests()), (Generation(3), 1));
    assert_eq!(world.stored_pair().1.as_deref(), world.bearer());
}

/// A pair that could not be stored, and a record with its numbers whose pair, which comes with this, does not show yet.
fn twin() -> (World, String) {
    let mut world = apart();
    world.server.reuse = Reuse::Grace(60_000);
    let old = world.store.text.clone().expect("a pair");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.refresh();
    world.advance(secs(1));
    world.rotate_elsewhere();
    let pair = world.store.text.clone().expect("a pair");
    world.store.put(old);
    world.store.mode = Mode::Sync;
    world.wake(Wake::Shown);
    (world, pair)
}

/// Expired; another tab has refreshed, and its pair, which comes with this, does not show yet.
fn behind(boots: bool) -> (World, String) {
    let mut world = apart();
    let old = world.store.text.clone().expect("a pair");
    world.sleep(minutes(20));
    world.rotate_elsewhere();
    let pair = world.store.text.clone().expect("a pair");
    world.store.put(old);
    if boots {
        world = world.reload(2);
    } else {
        world.wake(Wake::Shown);
    }
    (world, pair)
}

fn apart() -> World {
    let mut world = World::with(|options| options.number("apart", 1.0).expect("a valid option"));
    world.sign_in("ada");
    world
}

/// The pair came through when nobody looked any more, and nobody has said so: the store is looked at once more.
#[test]
fn before_the_session_ends_the_pair_is_looked_for_once_more() {
    for rejected in [false, true] {
        let (mut world, pair) = ending();
        world.store.put(pair);
        if rejected {
            let call = world.unauthorized();
            world.expect(call, Settled::Resend);
        } else {
            world.advance_to_end(ms(0));
        }
        assert_eq!((world.state(), world.generation()), (State::Active, Generation(2)), "{rejected}");
        world.advance(hours(1));
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "{rejected}");
    }
}

/// A store that does not answer holds the end up for no longer than it may take, and callers wait for that.
#[test]
fn the_last_look_is_one_and_has_its_time() {
    let (mut world, _) = ending();
    world.store.mode = Mode::Hanging;
    let reads = world.store.reads;
    let rejected = world.unauthorized();
    let waiting = world.need();
    world.advance(ms(1_999));
    assert_eq!((world.state(), world.ends()), (State::Stale, vec![]));
    world.expect_waiting(waiting);
    world.advance(ms(1));
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::Superseded]));
    world.expect(rejected, Settled::Pass);
    world.expect_error(waiting, ErrorCode::SessionEnded);
    world.advance(hours(1));
    assert_eq!((world.store.reads - reads, world.armed(), world.ends().len()), (1, None, 1));
}

/// A tab that has a good token, whose pair is older than the record, and that has stopped to look for the newer one.
fn ending() -> (World, String) {
    let mut world = apart();
    world.advance(minutes(1));
    let old = world.store.text.clone().expect("a pair");
    world.rotate_elsewhere();
    let pair = world.store.text.clone().expect("a newer pair");
    world.store.put(old);
    world.wake(Wake::Shown);
    world.advance(minutes(3));
    assert_eq!(world.state(), State::Ending);
    (world, pair)
}

/// It was used once more when its token had just ended.
#[test]
fn who_wants_a_token_at_the_end_waits_for_the_last_look() {
    let (mut world, pair) = ending();
    world.store.put(pair);
    world.sleep(minutes(20));
    world.store.mode = Mode::Delayed(100);
    let call = world.need();
    world.expect_waiting(call);
    world.advance(secs(2));
    world.expect(call, Settled::Done);
}

/// The session that goes on elsewhere keeps its epoch, so that its pair is still the newer one.
#[test]
fn a_pair_that_comes_through_after_the_last_look_begins_the_session_again() {
    let (mut world, pair) = ending();
    world.advance_to_end(ms(0));
    assert_eq!(world.ends(), [EndReason::Superseded]);
    world.store.put(pair);
    world.wake(Wake::Shown);
    assert_eq!((world.state(), world.generation()), (State::Active, Generation(2)));
}

/// Tokens that are handed over meanwhile are newer than the pair that nobody has seen yet.
#[test]
fn tokens_handed_over_to_a_tab_that_is_behind_take_the_number_after_the_record() {
    let (mut world, _) = ending();
    let tokens = world.server.sign_in("ada", world.clock.truth());
    let call = world.set_tokens(&tokens, SessionMode::Same);
    world.expect(call, Settled::Updated);
    assert_eq!((world.generation(), world.state()), (Generation(3), State::Active));
}
