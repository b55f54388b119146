//! A store that answers late or never, and timers that are a little late, as those of browsers always are.
use crate::common::*;
use evertoken::engine::ids::Epoch;
use evertoken::engine::notice::Notice;

/// ST2: it costs durability, not the session.
#[test]
fn a_refresh_goes_out_though_the_store_hangs_and_timers_are_late() {
    for mode in [Mode::Hanging, Mode::Mute] {
        for late in [0, 1, 5, 100, 1_900] {
            let mut world = expired(mode);
            let call = world.need();
            run_late(&mut world, late, secs(14));
            assert_eq!(world.requests(), 1, "{mode:?}, timers {late} ms late");
            world.expect(call, Settled::Done);
        }
    }
}

/// I1: while the store stood still another tab had its turn.
#[test]
fn a_store_that_stalls_once_is_asked_again_before_anything_is_sent() {
    for (late, lacks) in [(0, None), (5, None), (0, Some("lock")), (0, Some("shared"))] {
        let mut world = World::expired_with(|options| {
            if let Some(option) = lacks {
                options.number(option, 0.0).unwrap();
            }
        });
        world.store.mode = Mode::Hanging;
        let call = world.need();
        world.rotate_elsewhere();
        run_late(&mut world, late, ms(1_500));
        world.store.mode = Mode::Sync;
        run_late(&mut world, late, secs(2));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.count("adopted")), (0, 1), "timers {late} ms late, no {lacks:?}");
    }
}

/// I12: and before a refusal ends anything.
#[test]
fn a_store_that_stalls_once_is_asked_again_before_a_refusal_counts() {
    for late in [0, 5] {
        let mut world = expired(Mode::Sync);
        world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
        let call = world.need();
        world.rotate_elsewhere();
        world.store.mode = Mode::Hanging;
        run_late(&mut world, late, ms(1_900));
        world.store.mode = Mode::Sync;
        run_late(&mut world, late, secs(2));
        world.expect(call, Settled::Done);
        assert_eq!((world.state(), world.ends()), (State::Active, vec![]), "timers {late} ms late");
    }
}

/// No other tab can have had its turn meanwhile.
#[test]
fn a_store_of_this_page_alone_is_not_asked_again() {
    for refused in [false, true] {
        let mut world = World::expired_with(|options| {
            for option in ["lock", "shared"] {
                options.number(option, 0.0).unwrap();
            }
        });
        if refused {
            world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
            world.need();
        }
        world.store.mode = Mode::Hanging;
        world.need();
        world.advance(ms(2_200));
        assert_eq!(world.requests(), 1, "refused: {refused}");
        assert_eq!(world.ends().len(), usize::from(refused));
    }
}

/// A store that hangs for good holds refreshes up by one read.
#[test]
fn a_store_that_goes_on_hanging_is_not_asked_twice_each_time() {
    let mut world = expired(Mode::Hanging);
    world.need();
    world.advance(secs(10));
    world.sleep(minutes(20));
    let (reads, call) = (world.store.reads, world.need());
    world.advance(ms(2_000 + 200 + 2_000));
    world.expect(call, Settled::Done);
    assert_eq!((world.store.reads - reads, world.requests()), (1, 2));
}

/// I6: whoever had the lock next would find the claim, take this tab for gone, and send a spent refresh token.
#[test]
fn the_lock_is_kept_while_new_tokens_cannot_be_stored() {
    for trouble in [Mode::Failing, Mode::Mute] {
        let mut world = granted(trouble);
        world.advance(secs(4));
        assert!(world.lock.is_some(), "{trouble:?}");
        world.store.mode = Mode::Sync;
        world.advance(secs(4));
        assert_eq!((world.lock, world.record().claim), (None, None), "{trouble:?}");
        assert_eq!((world.record().generation, world.requests()), (Generation(2), 1), "{trouble:?}");
    }
}

/// A look that does not end either has shown nothing, least of all that the claim is gone.
#[test]
fn the_lock_is_kept_though_a_look_hangs_too() {
    let mut world = expired(Mode::Sync);
    world.need();
    world.store.mode = Mode::Hanging;
    world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(1) }.encode()));
    world.advance(secs(3));
    assert!(world.lock.is_some());
    world.store.mode = Mode::Sync;
    world.advance(secs(5));
    assert_eq!((world.lock, world.record().generation), (None, Generation(2)));
}

/// I15: and no longer than its claim keeps the others waiting.
#[test]
fn the_lock_is_not_kept_beyond_the_claim() {
    for trouble in [Mode::Failing, Mode::Mute] {
        let mut world = granted(trouble);
        world.advance_until(secs(15), |world| world.lock.is_none());
        let claim = world.record().claim.expect("the claim that was left");
        let kept = world.clock.now().wall.since(claim.at);
        assert!((secs(12)..=ms(12_100)).contains(&kept), "{trouble:?}: {kept:?}");
        assert_eq!(world.state(), State::Active);
    }
}

/// A read that fails shows nothing; that is no reason to take the store for empty, and to send if the claim fails too.
#[test]
fn a_store_that_shows_nothing_where_a_record_was_is_asked_again() {
    let mut world = expired(Mode::Hanging);
    let call = world.need();
    world.rotate_elsewhere();
    world.store.mode = Mode::Mute;
    // One of them is under way.
    for op in (0..100).rev() {
        world.input(Input::StoreRead { op: StoreOp(op), text: None, fence: None });
    }
    world.advance(secs(3));
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.count("adopted")), (0, 1));
}

/// Another tab, for which the lock took too long, may have claimed meanwhile.
#[test]
fn a_claim_that_fails_is_tried_once_more() {
    for mode in [LockMode::Missing, LockMode::Free] {
        let mut world = expired(Mode::Mute);
        world.lock_mode = mode;
        world.need();
        world.advance_until(secs(10), |world| world.requests() == 1);
        assert_eq!(world.count_deeds("claim"), 2, "{mode:?}");
    }
}

/// Twenty minutes after a sign-in that was stored.
fn expired(mode: Mode) -> World {
    let mut world = World::expired();
    world.store.mode = mode;
    world
}

/// Lets time pass with timers that fire `late` ms after their deadline.
#[track_caller]
fn run_late(world: &mut World, late: u64, span: Millis) {
    let end = world.clock.elapsed + span.0;
    loop {
        let left = world.armed().filter(|left| world.clock.elapsed + left.0 + late <= end);
        let Some(left) = left else {
            break;
        };
        world.advance(Millis(left.0.saturating_sub(1)));
        world.sleep(Millis(left.0.min(1) + late));
        world.input(Input::Tick);
    }
    world.sleep(Millis(end - world.clock.elapsed));
}

/// The server has given new tokens, and the store is in trouble.
fn granted(trouble: Mode) -> World {
    let mut world = expired(Mode::Sync);
    world.need();
    world.store.mode = trouble;
    world.advance(ms(200));
    assert_eq!(world.generation(), Generation(2));
    world
}

/// I1: what the first look has shown, when it comes after another was begun, is of use: there is a newer pair.
#[test]
fn a_look_that_is_answered_after_the_next_was_begun_still_shows_what_is_newer() {
    let mut world = expired(Mode::Hanging);
    let look = StoreOp(world.store.reads + world.store.writes + 1);
    let call = world.need();
    world.advance(ms(2_100));
    world.rotate_elsewhere();
    let text = world.store.text.clone().map(Secret::new);
    world.input(Input::StoreRead { op: look, text, fence: None });
    world.expect(call, Settled::Done);
    assert_eq!((world.generation(), world.requests()), (Generation(2), 0));
}

/// It is too old for anything else.
#[test]
fn a_look_that_is_answered_after_the_next_was_begun_tells_nothing_of_what_is_held() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Hanging;
    let look = StoreOp(world.store.reads + world.store.writes + 1);
    world.force();
    world.advance(ms(2_100));
    world.refuse_elsewhere();
    let text = world.store.text.clone().map(Secret::new);
    world.input(Input::StoreRead { op: look, text, fence: None });
    assert_eq!(world.state(), State::Active);
}

/// I1: nor is it sent by. Where nothing is claimed in the store, only the look that is under way shows what is spent.
#[test]
fn a_pair_that_a_late_look_has_shown_is_not_sent_before_the_next_look_is_answered() {
    let mut world = World::expired_with(|options| options.number("shared", 0.0).unwrap());
    world.store.mode = Mode::Hanging;
    let look = world.store.reads + world.store.writes + 1;
    let call = world.need();
    world.advance(ms(2_100));
    for (op, keeps_access) in [(look, false), (look + 1, true)] {
        assert_eq!(world.requests(), 0);
        world.rotate_elsewhere();
        let mut shown = world.record();
        shown.session.as_mut().expect("a session").access.take_if(|_| !keeps_access);
        world.input(Input::StoreRead { op: StoreOp(op), text: Some(shown.encode()), fence: None });
    }
    world.expect(call, Settled::Done);
    assert_eq!((world.generation(), world.requests()), (Generation(3), 0));
}

/// I5: a sign-out that the store did not take in all its tries is made up for when it can be read again.
#[test]
fn a_sign_out_that_was_given_up_is_stored_at_the_next_look() {
    let mut world = sign_out_given_up();
    assert!(world.record().session.is_some());
    world.store.mode = Mode::Sync;
    world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(1) }.encode()));
    world.advance(secs(2));
    assert_eq!((world.record().session.is_none(), world.state()), (true, State::SignedOut));
}

/// Whoever has emptied it has ended the session, too.
#[test]
fn a_sign_out_that_was_given_up_is_not_owed_to_an_empty_store() {
    let mut world = sign_out_given_up();
    world.store.mode = Mode::Sync;
    world.store.text = None;
    let writes = world.store.writes;
    world.wake(Wake::Focus);
    assert_eq!((world.store.writes, &world.store.text), (writes, &None));
}

/// I12: what was refused is not what is held by then, and the look that is still under way decides.
#[test]
fn a_refusal_is_of_no_pair_that_a_late_look_has_shown() {
    let mut world = expired(Mode::Sync);
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
    let call = world.need();
    world.store.mode = Mode::Hanging;
    let look = world.store.reads + world.store.writes + 1;
    world.advance(ms(2_300));
    world.rotate_elsewhere();
    let mut record = world.record();
    record.session.as_mut().expect("a session").access = None;
    world.put(record);
    for op in [look, look + 1] {
        let text = world.store.text.clone().map(Secret::new);
        world.input(Input::StoreRead { op: StoreOp(op), text, fence: None });
    }
    world.store.mode = Mode::Sync;
    world.advance(secs(8));
    world.expect(call, Settled::Done);
    assert_eq!(world.ends(), []);
}

/// A timer is late, so that the wait for the lock and a look are over at once: what the refresh begins to read then is
/// no answer of nothing to that look.
#[test]
fn a_read_that_has_just_begun_is_not_over() {
    let mut world = expired(Mode::Hanging);
    world.lock_mode = LockMode::Taken;
    world.need();
    world.advance(ms(3_500));
    world.wake(Wake::Shown);
    let reads = world.store.reads;
    world.sleep(ms(2_100));
    world.input(Input::Tick);
    assert_eq!(world.store.reads, reads + 1);
}

/// A user has signed out, and the store took it in none of the tries that there are.
fn sign_out_given_up() -> World {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.sign_out();
    world.advance(minutes(30));
    world
}
