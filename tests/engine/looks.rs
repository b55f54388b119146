//! What a look at the store means for what is held here.
use crate::common::*;
use evertoken::engine::ids::{Epoch, SessionId};
use evertoken::engine::record::{StoredCooldown, StoredSession};

/// LP3: also where the refresh token is a cookie, and nothing in the record tells one from another.
#[test]
fn a_tab_of_a_cookie_session_heeds_the_time_that_another_was_told() {
    let mut world = World::with(cookie);
    world.sign_in("ada");
    world.advance(minutes(1));
    let at = world.clock.now().wall;
    let cooldown = Some(StoredCooldown { at, life: secs(60), cause: Cause::RateLimited });
    world.put(Record { cooldown, ..world.record() });
    world.wake(Wake::Shown);
    let requests = world.requests();
    let call = world.force();
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!((error.retry_at, world.requests()), (Some(at.after(secs(60))), requests));
}

/// The store has taken it after its time: what is there is no other tab's.
#[test]
fn a_sign_out_that_was_stored_late_keeps_its_number() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Delayed(2_500);
    world.sign_out();
    world.advance(secs(3));
    let stamp = world.record().stamp();
    assert_eq!(stamp.session, None);
    world.store.mode = Mode::Sync;
    world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(1) }.encode()));
    world.advance(minutes(5));
    assert_eq!(world.record().stamp(), stamp);
}

/// I5: a look shows the session that was signed out of, before the store has taken the sign-out at its second try.
#[test]
fn a_sign_out_does_not_give_in_to_the_session_that_it_ends() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.sign_out();
    world.store.mode = Mode::Sync;
    world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(1) }.encode()));
    world.advance(secs(2));
    assert!(world.store.reads >= 2);
    world.advance(secs(5));
    assert_eq!((world.record().session.is_none(), world.state()), (true, State::SignedOut));
}

/// The same when the clock was set back before the look: what is there was not begun since.
#[test]
fn a_sign_out_ends_what_was_begun_before_it_though_the_clock_was_set_back() {
    for nobodys in [false, true] {
        let mut world = set_back(Mode::Failing);
        if nobodys {
            let session =
                world.record().session.map(|ended| StoredSession { id: SessionId::new(70), ..ended });
            world.put(Record { session, epoch: Epoch(0), generation: Generation(0), ..world.record() });
        }
        world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(1) }.encode()));
        world.advance(minutes(2));
        assert_eq!((world.record().session.is_none(), world.state()), (true, State::SignedOut), "{nobodys}");
    }
}

/// Nor does anything come back that is shown after the sign-out was stored.
#[test]
fn a_session_of_before_a_stored_sign_out_does_not_come_back_when_the_clock_is_set_back() {
    let mut world = set_back(Mode::Sync);
    world.store.put(world.store.history[0].clone());
    world.wake(Wake::Shown);
    world.advance(secs(5));
    assert_eq!((world.state(), world.requests()), (State::SignedOut, 0));
}

/// Ada has signed in, an hour later bob, who has signed out while the store was in this mode; then the clock is set back.
fn set_back(mode: Mode) -> World {
    let mut world = World::new();
    world.sign_in("ada");
    world.sleep(hours(1));
    world.sign_in("bob");
    world.store.mode = mode;
    world.sign_out();
    world.store.mode = Mode::Sync;
    world.set_wall(-1_800_000);
    world
}

/// Anybody of this origin can write anything. There is no epoch below this one to step back to.
#[test]
fn a_session_of_epoch_zero_is_not_looked_at_for_ever() {
    let mut world = World::new();
    let nobodys = StoredSession {
        id: SessionId::new(70),
        refresh: None,
        refresh_ends: None,
        access: None,
        refused: false,
        lost: false,
    };
    world.store.put(record(nobodys, 0, 0));
    expect_one_look(world);
}

/// Nor is one whose pair's place has a tombstone of the same numbers.
#[test]
fn a_record_that_its_pair_denies_is_not_looked_at_for_ever() {
    let mut world = World::with(|options| options.number("apart", 1.0).unwrap());
    world.sign_in("ada");
    world.sign_out();
    let tombstone = world.record();
    world.sign_in_elsewhere("bob");
    world.put(Record { epoch: tombstone.epoch, generation: tombstone.generation, ..world.record() });
    world.store.put(tombstone.encode().expose());
    expect_one_look(world);
}

/// A page that is shown looks at the store once, and nobody is signed in by that.
#[track_caller]
fn expect_one_look(mut world: World) {
    world.store.mode = Mode::Delayed(10);
    let reads = world.store.reads;
    world.wake(Wake::Shown);
    world.advance(minutes(1));
    assert_eq!((world.store.reads, world.state()), (reads + 1, State::SignedOut));
}

/// I5: nor does any other come back that is shown late.
#[test]
fn a_session_of_before_the_last_sign_out_does_not_come_back() {
    let mut world = World::new();
    world.sign_in("ada");
    let adas = world.store.text.clone().unwrap();
    for user in ["bob", "cleo"] {
        world.advance(secs(5));
        world.sign_in(user);
        world.sign_out();
    }
    world.store.put(adas);
    world.wake(Wake::Shown);
    world.advance(secs(5));
    assert_eq!((world.state(), world.requests()), (State::SignedOut, 0));
}

/// I5: nor one that was refused here before somebody signed in and out, when the store takes none of it.
#[test]
fn what_ended_before_the_session_that_ended_last_does_not_come_back() {
    let mut world = World::expired();
    world.store.mode = Mode::Mute;
    world.server.revoke(0);
    world.need();
    world.advance(secs(7));
    assert_eq!(world.ends(), [EndReason::Refused]);
    world.sign_in("bob");
    world.advance(secs(1));
    world.sign_out();
    world.advance(secs(3));
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert_eq!((world.state(), world.record().session.is_some()), (State::SignedOut, true));
    world.store.mode = Mode::Sync;
    world.advance(minutes(2));
    assert!(world.state() == State::SignedOut && world.record().session.is_none());
}

/// I5: the refusal was of the session before; whoever has signed in meanwhile stays signed in.
#[test]
fn a_refusal_gives_in_to_a_session_that_was_begun_since() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
    world.need();
    world.store.mode = Mode::Delayed(100);
    world.advance(ms(350));
    assert_eq!((world.ends(), world.record().session.is_some()), (vec![EndReason::Refused], true));
    let before = world.record().epoch;
    world.sign_in_elsewhere("bob");
    let at = world.clock.now().wall.shifted(-100);
    let bobs = Record { epoch: before.next(at), ..world.record() };
    world.put(bobs.clone());
    world.advance(secs(2));
    assert_eq!(world.record().stamp(), bobs.stamp());
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// I10: of two sessions with one epoch the one that is refreshed here takes the next, before anybody takes its new pair
/// for one of the other.
#[test]
fn a_refresh_that_finds_another_session_of_its_epoch_comes_after_it() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.force();
    world.advance(secs(10));
    let adas = world.record();
    world.sign_in_elsewhere("bob");
    world.put(Record { epoch: adas.epoch, generation: Generation(1), ..world.record() });
    world.force();
    world.advance(secs(1));
    assert_eq!(world.record().stamp().session, adas.stamp().session);
    assert!(world.record().epoch > adas.epoch, "{:?}", world.record());
}

/// I6: as a pair that was lost, it is no other tab's.
#[test]
fn a_pair_whose_predecessor_shows_is_claimed_under_its_own_generation() {
    let mut world = World::with(|options| options.number("apart", 1.0).unwrap());
    world.sign_in("ada");
    let old = world.store.text.clone();
    world.advance(secs(5));
    world.force();
    world.advance(secs(10));
    assert_eq!(world.generation(), Generation(2));
    world.store.text = old;
    world.server.script.push_back(Reply::Slow(5_000));
    world.force();
    assert_eq!((world.requests(), world.generation()), (2, Generation(2)));
}

/// I1b: what was overtaken keeps that an answer was lost.
#[test]
fn a_pair_that_takes_the_next_generation_remembers_a_lost_answer() {
    let mut world = World::with(|options| options.number("retries", 0.0).unwrap());
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    world.server.script.push_back(Reply::Lost);
    world.force();
    world.advance(secs(1));
    world.rotate_elsewhere();
    world.store.mode = Mode::Sync;
    world.advance(secs(10));
    assert_eq!(world.record().generation, Generation(3));
    assert!(world.record().session.is_some_and(|session| session.lost));
}

/// What the record says is of a pair that is not held here.
#[test]
fn a_refusal_of_a_newer_pair_is_not_one_of_this() {
    let mut world = World::with(|options| options.number("apart", 1.0).unwrap());
    world.sign_in("ada");
    world.advance(minutes(1));
    let old = world.store.text.clone().unwrap();
    world.rotate_elsewhere();
    world.refuse_elsewhere();
    world.store.put(old);
    let before = (world.store.text.clone(), world.store.fence.clone());
    world.wake(Wake::Shown);
    world.advance(secs(1));
    assert_eq!(world.state(), State::Ending);
    world.advance(minutes(20));
    assert_eq!(world.ends(), [EndReason::Superseded]);
    assert_eq!((world.store.text, world.store.fence), before);
}

#[test]
fn a_visitor_who_signs_out_leaves_nothing_in_the_store() {
    let mut world = World::new();
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    assert_eq!((world.store.writes, world.store.text), (0, None));
}

/// A sign-out of no more than a tenth of a second ahead is of now.
#[test]
fn a_sign_in_gives_in_to_a_sign_out_of_a_tenth_of_a_second_ahead() {
    for (ahead, stays) in [(100, false), (101, true)] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(minutes(1));
        let at = world.clock.now().wall.0 + ahead;
        let tombstone = Record { session: None, epoch: Epoch(at as u64), ..world.record() };
        world.sign_out();
        world.put(tombstone.clone());
        world.sign_in("bob");
        assert_eq!(world.snapshot().subject.is_some(), stays, "{ahead} ms");
    }
}

/// What this tab has learnt from the store the others need not hear from it.
#[test]
fn what_was_adopted_is_not_told_again() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.rotate_elsewhere();
    world.wake(Wake::Shown);
    let told = world.broadcast.len();
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
    world.force();
    world.advance(secs(1));
    assert_eq!((world.state(), world.broadcast.len()), (State::Ending, told));
    assert!(world.record().session.is_some_and(|session| session.refused));
}

/// Only while nobody knows whether there is a session.
#[test]
fn a_store_that_cannot_be_read_is_looked_at_six_times_more() {
    let mut world = World::unread(|_| {}, 1);
    world.store.mode = Mode::Unreadable;
    world.boot();
    world.advance(hours(2));
    assert_eq!((world.store.reads, world.armed()), (6, None));

    let mut world = World::new();
    world.store.mode = Mode::Unreadable;
    world.wake(Wake::Shown);
    world.advance(hours(2));
    assert_eq!((world.store.reads, world.armed()), (2, None));
}

/// The store was slow at the start; what it shows late is of before.
#[test]
fn what_a_slow_store_shows_does_not_take_the_place_of_a_sign_in() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Hanging;
    let mut world = world.reload(2);
    world.advance(secs(3));
    let adas = world.store.text.clone().map(Secret::new);
    world.sign_in("bob");
    world.advance(secs(3));
    world.input(Input::StoreRead { op: StoreOp(1), text: adas, fence: None });
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// Whether there is a cookie session is asked once: not again when the page is seen, nor after a sign-out because the
/// store was slow at the start.
#[test]
fn no_look_asks_for_a_cookie_session_again() {
    let mut world = World::unread(cookie, 1);
    world.server.always = Some(Reply::Fixed(answer(401, "")));
    world.store.mode = Mode::Hanging;
    world.boot();
    world.advance(secs(3));
    world.store.mode = Mode::Sync;
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert_eq!((world.requests(), world.state()), (1, State::SignedOut));
    world.sign_in("ada");
    world.sign_out();
    world.input(Input::StoreRead { op: StoreOp(1), text: None, fence: None });
    world.advance(secs(3));
    assert_eq!((world.requests(), world.state()), (1, State::SignedOut));
}

/// An answer of the store that comes again tells nothing.
#[test]
fn of_a_read_that_was_given_up_the_first_answer_counts() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Hanging;
    world.wake(Wake::Shown);
    world.advance(secs(3));
    let look = StoreOp(world.store.reads + world.store.writes);
    for generation in [2, 2] {
        world.rotate_elsewhere();
        let text = world.store.text.clone().map(Secret::new);
        world.input(Input::StoreRead { op: look, text, fence: None });
        assert_eq!(world.generation(), Generation(generation));
    }
}

/// The look that is under way shows what is newer than the first one, which came late.
#[test]
fn a_late_first_look_does_not_end_the_next() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Hanging;
    let mut world = world.reload(2);
    world.advance(secs(3));
    world.wake(Wake::Shown);
    for (op, user) in [(1, "ada"), (2, "bob")] {
        let text = world.store.text.clone().map(Secret::new);
        world.input(Input::StoreRead { op: StoreOp(op), text, fence: None });
        assert_eq!(world.snapshot().subject.as_deref(), Some(user));
        world.sign_in_elsewhere("bob");
    }
}

/// A look was put off because the store could not be read; then the first one comes through.
#[test]
fn a_late_first_look_is_the_one_that_was_put_off() {
    let mut world = World::new();
    world.sign_in("ada");
    world.sign_out();
    world.store.mode = Mode::Hanging;
    let mut world = world.reload(2);
    world.advance(secs(3));
    world.store.mode = Mode::Unreadable;
    world.wake(Wake::Shown);
    assert!(world.armed().is_some());
    let text = world.store.text.clone().map(Secret::new);
    world.input(Input::StoreRead { op: StoreOp(1), text, fence: None });
    assert_eq!(world.armed(), None);
}

/// Whatever others say, and however often.
#[test]
fn a_look_does_not_hasten_a_retry() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance_until(secs(9), |world| world.count("retryScheduled") == 3);
    let retry = world.snapshot().next_retry_at.expect("a retry").since(world.clock.now().wall);
    assert!(retry > ms(1_500), "{retry:?}");
    let reads = world.store.reads;
    world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(1) }.encode()));
    world.advance(Millis(retry.0 - 1));
    assert_eq!((world.requests(), world.store.reads), (3, reads + 3));
}

/// A stored time that has just come is no reason to refresh.
#[test]
fn a_stored_time_that_is_over_tells_nothing() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    let cooldown = Some(StoredCooldown {
        at: world.clock.now().wall.shifted(-1_000),
        life: secs(1),
        cause: Cause::RateLimited,
    });
    world.put(Record { cooldown, ..world.record() });
    world.wake(Wake::Shown);
    world.advance(minutes(5));
    assert_eq!(world.requests(), 0);
}
