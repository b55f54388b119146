//! Stores that keep the record in a place of its own, beside the pair.
use crate::common::*;

/// I10: of two sign-ins of one moment the later has an epoch of its own, also where the pair of the other has not come
/// through yet.
#[test]
fn a_sign_in_over_a_record_whose_pair_is_on_its_way_comes_after_it() {
    let mut world = World::with(apart);
    world.store.mode = Mode::Delayed(100);
    world.sign_in("ada");
    let mut elsewhere = World::unread(apart, 2);
    elsewhere.boot();
    elsewhere.sign_in("bob");
    let theirs = elsewhere.record();
    world.store.fence.clone_from(&elsewhere.store.fence);
    world.advance(secs(1));
    assert_eq!(world.snapshot().subject.as_deref(), Some("ada"));
    assert!(world.record().epoch > theirs.epoch, "{:?}", world.record());
}

/// I13: what the record says of the pair is heeded where the pair itself is lost, or has not come through.
#[test]
fn the_record_is_heeded_though_the_pair_beside_it_is_lost() {
    let mut world = World::expired_with(apart);
    world.refuse_elsewhere();
    world.store.text = None;
    world.need();
    world.advance(secs(1));
    assert_eq!((world.ends(), world.requests()), (vec![EndReason::Refused], 0));
}

/// I6: a pair that was lost from its place is no other pair: it is claimed under its own number, which is how the other
/// tabs know that theirs is spent.
#[test]
fn a_pair_that_was_lost_is_claimed_under_its_own_generation() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    world.advance(secs(5));
    let before = world.record().stamp();
    world.store.text = None;
    world.server.script.push_back(Reply::Slow(5_000));
    world.refresh();
    let fence = world.store.fence.clone().unwrap_or_default();
    assert!(fence.starts_with(&before.prefix("default", 1, Insist::Generation)), "{fence}");
    assert!(fence.contains(r#""locked":1"#), "{fence}");
}

/// I6: a claim on a pair that the store does not hold yet brings it along. Without it a crash would leave the others with
/// the word of a pair that nobody can have.
#[test]
fn a_claim_on_a_pair_that_is_not_stored_yet_stores_it() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.force();
    world.advance(secs(2));
    assert_eq!(world.requests(), 1);
    world.store.mode = Mode::Sync;
    world.server.script.push_back(Reply::Slow(5_000));
    world.force();
    world.advance(ms(100));
    assert!(world.store.fence.as_ref().is_some_and(|fence| fence.contains(r#""locked":1"#)));
    assert!(world.store.holds("refresh.0.1"));
    assert_eq!(world.record().stamp().order().generation, world.generation());
}

/// I15: the lock is not kept for a pair of another tab that is on its way.
#[test]
fn the_lock_goes_back_while_a_hand_over_waits_for_the_pair_of_another_tab() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    world.advance(secs(5));
    let before = world.record();
    world.store.mode = Mode::Delayed(50);
    world.refresh();
    world.advance(ms(20));
    assert!(world.lock.is_some());
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    world.sign_in_elsewhere("bob");
    let theirs = world.record();
    show(&mut world, &before, &theirs);
    world.advance(ms(200));
    assert_eq!((world.snapshot().refreshing, world.lock), (false, None));
}

/// The same where both have new tokens for one session.
#[test]
fn a_hand_over_over_a_record_whose_pair_is_on_its_way_comes_after_it() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Delayed(100);
    let before = world.record();
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    world.rotate_elsewhere();
    let theirs = world.record();
    show(&mut world, &before, &theirs);
    world.advance(secs(1));
    assert!(world.store.holds("refresh.1.0"));
    assert!(world.record().generation > theirs.generation, "{:?}", world.record());
}

/// The same where a look in between has shown the record already.
#[test]
fn a_hand_over_that_was_denied_after_a_look_comes_after_what_the_look_has_shown() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Delayed(200);
    let before = world.record();
    world.rotate_elsewhere();
    let theirs = world.record();
    show(&mut world, &before, &theirs);
    world.wake(Wake::Focus);
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    world.advance(secs(2));
    assert!(world.store.holds("refresh.1.0"));
    assert!(world.record().generation > theirs.generation, "{:?}", world.record());
}

/// I10: a session that begins where a pair was lost comes after the one that the record beside it tells of.
#[test]
fn a_sign_in_after_the_pair_was_lost_comes_after_its_record() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    let before = world.record().epoch;
    world.store.text = None;
    world.set_wall(-3_600_000);
    let mut world = world.reload(2);
    world.advance(secs(1));
    assert_eq!(world.state(), State::SignedOut);
    world.sign_in("bob");
    assert!(world.record().epoch > before, "{:?}", world.record());
}

/// MT: tabs that refresh one after the other do not use up the time that each pair has to come through.
#[test]
fn every_pair_has_its_own_time_to_come_through() {
    let mut world = World::expired_with(apart);
    let before = world.record();
    world.rotate_elsewhere();
    let second = world.record();
    world.rotate_elsewhere();
    let third = world.record();
    show(&mut world, &before, &second);
    world.wake(Wake::Shown);
    world.advance(ms(450));
    show(&mut world, &second, &third);
    world.advance(ms(450));
    show(&mut world, &third, &third);
    world.advance(secs(1));
    assert_eq!((world.state(), world.generation()), (State::Active, third.generation));
    assert_eq!((world.ends(), world.requests()), (vec![], 0));
}

/// A pair that needs longer than it should is still found.
#[test]
fn a_pair_that_comes_late_brings_its_session_back() {
    let mut world = World::expired_with(apart);
    let before = world.record();
    world.rotate_elsewhere();
    let after = world.record();
    show(&mut world, &before, &after);
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert_eq!(world.ends(), [EndReason::Superseded]);
    show(&mut world, &after, &after);
    world.advance(secs(10));
    assert_eq!((world.state(), world.generation()), (State::Active, after.generation));
    assert_eq!(world.requests(), 0);
    let looks = world.store.reads;
    world.advance(minutes(5));
    assert_eq!(world.store.reads, looks, "it is looked for no longer");
}

/// Nobody who has just signed in is signed out because the tokens of somebody else are lost.
#[test]
fn a_sign_in_stands_against_a_record_whose_pair_nobody_can_have() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    world.advance(secs(5));
    let before = world.record();
    world.sign_in_elsewhere("bob");
    let at = world.clock.now().wall.shifted(1_000);
    let bobs = Record { epoch: before.epoch.next(at), ..world.record() };
    show(&mut world, &before, &bobs);
    world.sign_in("cleo");
    world.advance(secs(5));
    assert_eq!((world.snapshot().subject.as_deref(), world.ends()), (Some("cleo"), vec![]));
    assert!(world.record().epoch > bobs.epoch, "{:?}", world.record());
}

/// I13: a pair that is older than its record, and over, is no session to end once more.
#[test]
fn a_pair_that_is_over_and_left_behind_is_not_taken_over() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    let before = world.record();
    world.rotate_elsewhere();
    let second = world.record();
    world.sleep(minutes(20));
    world.rotate_elsewhere();
    let third = world.record();
    show(&mut world, &before, &third);
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert_eq!(world.ends(), [EndReason::Superseded]);
    show(&mut world, &second, &third);
    world.advance(secs(10));
    assert_eq!((world.ends(), world.count("adopted")), (vec![EndReason::Superseded], 0));
}

/// I5: when somebody else has signed in, the access token of before is used no more.
#[test]
fn the_record_of_another_session_ends_this_one_before_its_pair_is_there() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    let before = world.record();
    world.sign_in_elsewhere("bob");
    let after = world.record();
    show(&mut world, &before, &after);
    world.wake(Wake::Shown);
    world.advance(secs(1));
    assert_eq!((world.bearer(), world.ends()), (None, vec![EndReason::SignedOutElsewhere]));
    show(&mut world, &after, &after);
    world.advance(secs(5));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// The same where the page is loaded meanwhile.
#[test]
fn a_pair_of_another_session_than_the_record_is_not_begun_with() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    let before = world.record();
    world.sign_in_elsewhere("bob");
    let after = world.record();
    show(&mut world, &before, &after);
    let mut world = world.reload(2);
    world.advance(secs(1));
    assert_eq!((world.state(), world.bearer()), (State::SignedOut, None));
    show(&mut world, &after, &after);
    world.advance(secs(5));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// A refresh that comes back to another session's record does not wait for ever for the pair beside it.
#[test]
fn an_answer_for_a_session_that_was_replaced_meanwhile_ends_with_it() {
    let mut world = World::with(apart);
    world.sign_in("ada");
    world.advance(secs(5));
    let before = world.record();
    world.server.script.push_back(Reply::Slow(1_000));
    world.refresh();
    world.sign_in_elsewhere("bob");
    let after = world.record();
    show(&mut world, &before, &after);
    world.advance(secs(5));
    assert_eq!((world.ends(), world.lock), (vec![EndReason::SignedOutElsewhere], None));
    show(&mut world, &after, &after);
    world.advance(secs(10));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// Nobody hears of a session that is over already.
#[test]
fn a_pair_of_another_session_than_the_record_is_not_adopted() {
    let mut elsewhere = World::with(apart);
    elsewhere.sign_in("ada");
    let before = elsewhere.record();
    elsewhere.sign_in_elsewhere("bob");
    let mut world = World::with(apart);
    show(&mut world, &before, &elsewhere.record());
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert_eq!((world.state(), world.event_names()), (State::SignedOut, vec![]));
}

fn show(world: &mut World, pair: &Record, record: &Record) {
    world.store.put(pair.encode().expose());
    world.store.fence = Some(record.encode_without_tokens().expose().to_owned());
}

fn apart(options: &mut Options) {
    options.number("apart", 1.0).expect("a switch");
}
