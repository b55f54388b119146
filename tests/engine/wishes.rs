//! What the user has done here and the store does not hold yet, against records of before the clock was set back.
use evertoken::engine::ids::{Epoch, SessionId};
use evertoken::engine::record::StoredSession;

use crate::common::*;

/// A sign-out that had nothing to end leaves no wish behind that would outdo what another tab stores later.
#[test]
fn a_sign_out_without_a_session_stands_in_nobodys_way() {
    let mut world = World::new();
    world.sign_in("ada");
    world.sign_out();
    world.sign_out();
    world.sign_in_elsewhere("bob");
    world.set_wall(-3_600_000);
    world.wake(Wake::Shown);
    world.advance(secs(1));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// Nobody is signed out again because the record of before the clock was set back has lost its pair.
#[test]
fn a_sign_in_outdoes_a_record_whose_pair_is_lost() {
    let mut world = World::with(|options| options.number("apart", 1.0).expect("a switch"));
    world.sign_in("ada");
    world.sleep(minutes(1));
    let adas = world.store.text.clone();
    world.sign_in_elsewhere("bob");
    let at = world.clock.now().wall;
    let bobs = Record { epoch: world.record().epoch.next(at), ..world.record() };
    world.put(bobs.clone());
    world.store.text = adas;
    world.set_wall(-3_600_000);
    world.sign_in("cleo");
    world.advance(secs(5));
    assert_eq!((world.snapshot().subject.as_deref(), world.ends()), (Some("cleo"), vec![]));
    assert!(world.record().epoch > bobs.epoch, "{:?}", world.record());
}

/// I5: nor does a sign-in come back that was made before the clock was set back, when others have signed in since.
#[test]
fn a_sign_in_of_before_the_clock_was_set_back_outdoes_nothing() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Delayed(3_000);
    world.sign_in("bob");
    world.sleep(minutes(1));
    let record = world.record();
    world.sign_in_elsewhere("cleo");
    let at = world.clock.now().wall;
    let cleos = Record { epoch: record.epoch.next(at), ..world.record() };
    world.set_wall(-3_600_000);
    world.store.mode = Mode::Sync;
    world.put(cleos.clone());
    world.wake(Wake::Shown);
    world.advance(secs(5));
    assert_eq!(world.snapshot().subject.as_deref(), Some("cleo"));
    assert_eq!(world.record().stamp(), cleos.stamp());
}

/// Nor one that the store has taken late.
#[test]
fn a_sign_in_that_was_stored_late_outdoes_nothing() {
    let mut world = World::new();
    world.sign_in("ada");
    let at = world.clock.now().wall;
    world.put(Record { epoch: world.record().epoch.next(at.shifted(60_000)), ..world.record() });
    world.wake(Wake::Shown);
    world.advance(secs(5));
    world.sign_in_stored_late("bob");
    world.sign_in_elsewhere("cleo");
    world.wake(Wake::Shown);
    world.advance(secs(1));
    assert_eq!(world.snapshot().subject.as_deref(), Some("cleo"));
}

/// A sign-out that is stored only at its second try ends no session that another tab has begun since, with the same
/// epoch because the clock was set back.
#[test]
fn a_sign_out_of_before_gives_in_to_a_session_of_its_own_epoch() {
    let mut world = World::new();
    world.sign_in("ada");
    world.set_wall(-3_600_000);
    world.store.mode = Mode::Failing;
    world.sign_out();
    world.store.mode = Mode::Sync;
    world.sign_in_elsewhere("bob");
    let bobs = Record { generation: Generation(1), ..world.record() };
    world.put(bobs.clone());
    world.advance(minutes(1));
    assert_eq!(world.record().stamp(), bobs.stamp());
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// Nor one whose number is higher than that of a session that was begun since, because the clock was set back.
#[test]
fn a_sign_out_of_before_ends_no_session_that_was_begun_since() {
    for (ahead, looks) in [(3_600_000, false), (-60_000, false), (-60_000, true)] {
        let mut world = World::new();
        world.sign_in("ada");
        world.sleep(hours(1));
        world.store.mode = Mode::Failing;
        world.sign_out();
        world.store.mode = Mode::Sync;
        world.set_wall(-1_800_000);
        world.sign_in_elsewhere("bob");
        let epoch = world.clock.now().wall.shifted(ahead).0;
        let bobs = Record { epoch: Epoch(epoch as u64), ..world.record() };
        world.put(bobs.clone());
        if looks {
            let notice = Notice { epoch: Epoch(1 << 51), generation: Generation(1) };
            world.input(Input::Notice(notice.encode()));
        }
        world.advance(minutes(1));
        assert_eq!(world.record().stamp(), bobs.stamp());
        assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
    }
}

/// A session that the store does not hold yet was never seen by others: no sign-out of theirs was meant for it.
#[test]
fn a_sign_in_that_is_not_stored_yet_is_ended_by_no_sign_out_of_before() {
    for is_late in [false, true] {
        let mut world = World::new();
        world.sign_in("ada");
        world.sleep(hours(1));
        let at = world.clock.now().wall.0 as u64;
        let tombstone = Record { session: None, epoch: Epoch(at), ..world.record() };
        world.set_wall(-3_600_000);
        world.store.mode = if is_late { Mode::Delayed(2_500) } else { Mode::Failing };
        world.sign_in("bob");
        world.advance(secs(3));
        world.put(tombstone.clone());
        world.store.mode = Mode::Sync;
        world.advance(minutes(1));
        // Stored late, it may have been seen, and ended.
        let subject = if is_late { None } else { Some("bob") };
        assert_eq!(world.snapshot().subject.as_deref(), subject, "late: {is_late}");
        assert_eq!(world.record().session.is_none(), is_late);
    }
}

/// I1b: what takes higher numbers keeps its refresh token, and that one of its answers was lost.
#[test]
fn a_sign_in_that_outdoes_a_record_remembers_a_lost_answer() {
    let mut world = outdoing(Reply::Lost);
    world.advance(minutes(20));
    assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible]);
}

/// Nor is an answer passed over that comes late: it holds the only live refresh token.
#[test]
fn a_sign_in_that_outdoes_a_record_takes_its_late_answer() {
    let mut world = outdoing(Reply::Slow(20_000));
    world.advance(secs(30));
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
    assert!(world.store.holds("refresh.1.1"), "{:?}", world.store.text);
}

/// A sign-in that was refreshed, with this reply, before the store took it; there it has met a sign-out of before the
/// clock was set back.
fn outdoing(reply: Reply) -> World {
    let mut world = World::with(|options| options.number("retries", 0.0).expect("a number"));
    world.sign_in("ada");
    world.sleep(hours(1));
    let at = world.clock.now().wall.0 as u64;
    let tombstone = Record { session: None, epoch: Epoch(at), ..world.record() };
    world.set_wall(-3_600_000);
    world.store.mode = Mode::Failing;
    world.sign_in("bob");
    let (before, seen) = (world.generation(), world.requests());
    world.server.script.push_back(reply);
    world.server.always = Some(Reply::Grant);
    world.force();
    world.advance(secs(1));
    assert_eq!((world.generation(), world.requests()), (before, seen + 1));
    world.put(tombstone.clone());
    world.store.mode = Mode::Sync;
    world.advance(secs(10));
    assert!(world.record().epoch > tombstone.epoch, "{:?}", world.record());
    world
}

/// Clocks are corrected by seconds more often than by hours: a sign-out of seconds ago ends no session that was begun
/// after it, though it seems to be of a moment from now.
#[test]
fn a_sign_in_outdoes_a_sign_out_of_before_a_small_correction_of_the_clock() {
    for ahead in [150, 700, 1_900, 2_100] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(minutes(1));
        let at = world.clock.now().wall.0 + ahead;
        let tombstone = Record { session: None, epoch: Epoch(at as u64), ..world.record() };
        world.sign_out();
        world.put(tombstone.clone());
        world.sign_in("bob");
        world.advance(secs(5));
        assert_eq!(world.ends(), [EndReason::SignedOut], "{ahead}");
        assert_eq!(world.snapshot().subject.as_deref(), Some("bob"), "{ahead}");
        assert!(world.record().epoch > tombstone.epoch, "{ahead}: {:?}", world.record());
    }
}

/// Its write was under way when a look showed the record that it outdoes, and takes the higher numbers at once.
#[test]
fn a_sign_in_that_outdoes_a_record_while_it_is_written_is_written_again_at_once() {
    let mut world = World::new();
    world.sign_in("ada");
    world.sleep(hours(1));
    let at = world.clock.now().wall.0 as u64;
    let tombstone = Record { session: None, epoch: Epoch(at), ..world.record() };
    world.set_wall(-3_600_000);
    world.store.mode = Mode::Mute;
    world.sign_in("bob");
    world.put(tombstone.clone());
    world.wake(Wake::Shown);
    world.advance(ms(1_900));
    world.store.mode = Mode::Sync;
    world.advance(ms(200));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
    assert!(world.record().epoch > tombstone.epoch && world.store.holds("refresh.1.0"));
}

/// The store could not be read, so nobody knows whose session the sign-out was to end: the clock tells that it was begun
/// before, unless it has been set back.
#[test]
fn a_sign_out_of_a_session_that_could_not_be_read_ends_what_is_older() {
    for set_back in [false, true] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(secs(5));
        world.store.mode = Mode::Failing;
        let mut world = world.reload(2);
        world.sign_out();
        if set_back {
            world.set_wall(-3_600_000);
        }
        world.store.mode = Mode::Sync;
        world.advance(ms(2_500));
        let state = if set_back { State::Active } else { State::SignedOut };
        assert_eq!(world.state(), state, "set back {set_back}");
        world.advance(secs(30));
        assert_eq!((world.state(), world.store.holds("refresh.0.0")), (state, set_back));
    }
}

/// The epochs of before the clock was set back were known, and those since count on from them: the later one is higher.
#[test]
fn a_session_that_was_begun_after_a_sign_out_stands_where_all_count_on() {
    let mut world = World::new();
    world.sign_in("ada");
    world.set_wall(-3_600_000);
    world.advance(secs(5));
    world.store.mode = Mode::Delayed(500);
    world.sign_out();
    world.sign_in_elsewhere("bob");
    let record = world.record();
    world.put(Record { epoch: record.epoch.next(UnixMillis(0)), ..record });
    world.advance(secs(5));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
    assert!(world.store.holds("refresh.1.0"));
}

/// Where no other tab writes, what could not be stored at once is still the last word.
#[test]
fn a_sign_in_that_failed_to_be_stored_outdoes_a_record_of_the_future_where_no_other_tab_writes() {
    for shared in [false, true] {
        let mut world = World::with(|options| options.number("shared", shared.into()).unwrap());
        world.sign_in("ada");
        world.set_wall(-3_600_000);
        world.store.mode = Mode::Failing;
        let mut world = world.reload(2);
        world.sign_in("bob");
        world.store.mode = Mode::Sync;
        world.wake(Wake::Shown);
        world.advance(secs(10));
        assert_eq!(world.snapshot().subject.as_deref(), Some(if shared { "ada" } else { "bob" }));
        assert_eq!(world.store.holds("refresh.1.0"), !shared);
    }
}

/// The store took neither end, until nobody tried any more.
#[test]
fn two_sessions_that_the_user_has_ended_are_over_when_the_store_works_again() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Hanging;
    world.sign_out();
    world.advance(minutes(5));
    world.sign_in("bob");
    world.advance(secs(5));
    world.sign_out();
    world.advance(minutes(5));
    world.store.mode = Mode::Sync;
    world.wake(Wake::Shown);
    assert!(world.state() == State::SignedOut && world.record().session.is_none());
}

/// The page was not run meanwhile, and the clock has passed what it showed before it was set back.
#[test]
fn an_end_that_is_stored_late_gives_in_to_a_session_that_was_begun_after_the_clock_was_set_back() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.advance(secs(60));
    world.sign_in("ada");
    world.sign_out();
    world.advance(secs(1));
    world.set_wall(-30_000);
    let began = world.clock.now().wall;
    world.sleep(minutes(10));
    world.store.mode = Mode::Sync;
    let bobs = bobs_session(&mut world);
    world.store.put(record(bobs, began.0 as u64, 1));
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert!(world.store.holds("refresh.1."), "{:?}", world.store.text);
}

/// Two tabs that knew nothing of each other have begun in one epoch.
#[test]
fn an_end_that_is_stored_late_gives_in_to_another_session_of_the_same_epoch() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    let epoch = world.clock.now().wall.0 as u64;
    world.sign_out();
    let bobs = bobs_session(&mut world);
    world.store.put(record(bobs, epoch, 1));
    world.store.mode = Mode::Sync;
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert!(world.store.holds("refresh.1."), "{:?}", world.store.text);
}

/// No tab writes it, and who steps back to it would look at the store for ever.
#[test]
fn a_record_of_epoch_zero_is_not_looked_at_again_and_again() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Failing;
    world.sign_out();
    world.set_wall(-3_600_000);
    let bobs = bobs_session(&mut world);
    world.store.put(record(bobs, 0, 1));
    world.store.mode = Mode::Sync;
    let reads = world.store.reads;
    world.wake(Wake::Shown);
    world.advance(minutes(10));
    assert!(world.store.reads - reads <= 5, "{}", world.store.reads - reads);
}

/// The pair's place denies the session that the record beside it is of, so it cannot be adopted; it is not ended either.
#[test]
fn a_session_that_was_begun_since_and_cannot_be_adopted_is_left_alone() {
    let mut world = World::with(|options| options.number("apart", 1.0).unwrap());
    world.sign_in("ada");
    let begun = world.record();
    world.advance(secs(5));
    world.store.mode = Mode::Hanging;
    world.sign_out();
    world.advance(minutes(5));
    let bobs = record(bobs_session(&mut world), begun.epoch.0 + 1, 2);
    let denial = Record { epoch: Epoch(begun.epoch.0 + 2), session: None, ..begun };
    world.store.text = Some(denial.encode().expose().to_owned());
    world.store.fence = Some(bobs.clone());
    world.store.mode = Mode::Sync;
    world.wake(Wake::Shown);
    world.advance(secs(10));
    assert_eq!(world.store.fence, Some(bobs));
}

fn bobs_session(world: &mut World) -> StoredSession {
    let body = world.server.sign_in("bob", world.clock.truth());
    StoredSession {
        id: SessionId::new(7),
        refresh: body.split('"').nth(7).map(|token| Secret::new(token.to_owned())),
        refresh_ends: None,
        access: None,
        refused: false,
        lost: false,
    }
}
