//! Writes that meet what somebody else has written: the store is looked at once more, and the newest wish wins.
use crate::common::*;
use evertoken::engine::ids::Epoch;

/// RC7, MT9: the other tab has signed out while the request was on the wire.
#[test]
fn a_pair_that_meets_a_sign_out_is_not_stored_and_is_revoked() {
    for endpoint in [true, false] {
        let mut world = refreshing(|options| {
            if endpoint {
                options.text("revoke.url", "/auth/revoke".into()).unwrap();
            }
        });
        world.sign_out_elsewhere();
        world.advance(secs(1));
        assert_eq!((world.state(), world.bearer()), (State::SignedOut, None));
        assert_eq!(world.ends(), [EndReason::SignedOutElsewhere]);
        assert!(!world.store.holds(CANARY), "{:?}", world.store.text);
        assert_eq!(world.count("refreshed"), 0);
        assert_eq!(revoked(&world), if endpoint { vec!["refresh.0.1.cAnArYx7"] } else { vec![] });
        assert_eq!((world.unsettled(), world.lock), (0, None));
    }
}

/// MT2: the other tab is a generation further.
#[test]
fn a_pair_that_meets_a_newer_one_gives_way_to_it() {
    let mut world = refreshing(|_| {});
    world.rotate_elsewhere();
    world.rotate_elsewhere();
    let theirs = world.stored_pair();
    world.advance(secs(1));
    assert_eq!((world.generation(), world.bearer().map(str::to_owned)), (Generation(3), theirs.1.clone()));
    assert_eq!((world.stored_pair(), world.event_names()), (theirs, vec!["sessionStarted", "adopted"]));
    assert_eq!((world.unsettled(), world.lock, world.revoked.len()), (0, None, 0));
}

/// A look shows it while the write is under way, and the write fails.
#[test]
fn a_pair_that_is_being_stored_takes_another_number_than_one_that_a_look_shows() {
    let (mut world, _) = storing();
    assert_eq!((world.generation(), world.record().generation), (Generation(3), Generation(2)));
    world.advance(secs(3));
    world.store.mode = Mode::Sync;
    world.advance(secs(40));
    assert_eq!((world.record().generation, world.store.holds("refresh.1.0")), (Generation(3), true));
}

/// The same, and the write has been carried out all the same: the number that was taken since is stored at once.
#[test]
fn a_pair_that_took_another_number_while_it_was_stored_is_stored_again() {
    let (mut world, op) = storing();
    world.store.mode = Mode::Sync;
    world.input(Input::StoreWritten { op, stored: Stored::Durably });
    assert_eq!((world.record().generation, world.store.holds("refresh.1.0")), (Generation(3), true));
}

/// The app has handed over a pair, which is being stored; meanwhile a look has shown another of the same number.
fn storing() -> (World, StoreOp) {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Mute;
    let tokens = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&tokens, SessionMode::Same);
    let op = StoreOp(world.store.reads + world.store.writes);
    world.rotate_elsewhere();
    world.wake(Wake::Shown);
    (world, op)
}

/// Both have refreshed at once, within the server's grace: both pairs are good, and one is stored.
#[test]
fn of_two_pairs_of_one_generation_the_later_write_stands() {
    let mut world = refreshing(|_| {});
    world.rotate_elsewhere();
    world.advance(secs(1));
    assert_eq!((world.generation(), world.count("refreshed")), (Generation(2), 1));
    assert_eq!(world.stored_pair().1.as_deref(), world.bearer());
}

/// T12: the other tab has signed somebody else in.
#[test]
fn a_pair_that_meets_another_users_session_gives_way_to_it() {
    let mut world = refreshing(|options| options.text("revoke.url", "/auth/revoke".into()).unwrap());
    let waiting = world.need();
    world.sign_in_elsewhere("bob");
    let stored = world.store.text.clone();
    world.advance(secs(1));
    world.expect_error(waiting, ErrorCode::SessionChanged);
    assert_eq!((world.snapshot().subject.as_deref(), world.state()), (Some("bob"), State::Active));
    assert_eq!((revoked(&world), &world.store.text), (vec!["refresh.0.1.cAnArYx7"], &stored));
    assert_eq!(world.count("userChanged"), 1);
}

/// I5: the newest wish there is.
#[test]
fn a_sign_out_is_written_over_a_newer_pair() {
    for mode in [Mode::Sync, Mode::Delayed(300)] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(secs(5));
        world.rotate_elsewhere();
        world.store.mode = mode;
        let call = world.sign_out();
        world.advance(secs(2));
        world.expect(call, Settled::Done);
        assert!(!world.store.holds(CANARY), "{:?}", world.store.text);
        assert_eq!((world.record().session.is_none(), world.ends()), (true, vec![EndReason::SignedOut]));
    }
}

#[test]
fn a_sign_in_is_written_over_an_older_one() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.sign_in_elsewhere("carol");
    let call = world.sign_in("bob");
    world.expect(call, Settled::Started);
    assert_eq!((world.state(), world.stored_pair().1.as_deref()), (State::Active, world.bearer()));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// Whoever handed the tokens over is answered all the same.
#[test]
fn a_sign_in_that_meets_a_later_one_gives_way_to_it() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Delayed(300);
    let call = world.sign_in("bob");
    world.advance(ms(100));
    world.sign_in_elsewhere("cleo");
    let epoch = Epoch(world.clock.now().wall.0 as u64);
    world.put(Record { epoch, ..world.record() });
    world.advance(secs(1));
    world.expect(call, Settled::Started);
    assert_eq!(world.snapshot().subject.as_deref(), Some("cleo"));
}

/// Two tabs read the same and claim at once: the later one waits for the earlier.
#[test]
fn a_claim_that_meets_another_waits_for_it() {
    let mut world = World::expired();
    world.lock_mode = LockMode::Missing;
    world.store.mode = Mode::Delayed(100);
    let call = world.need();
    world.advance(ms(150));
    world.claim_elsewhere(Hold::Alone, 0);
    world.advance(secs(5));
    assert_eq!((world.requests(), world.count("refreshFailed")), (0, 0));
    world.rotate_elsewhere();
    world.announce_elsewhere();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 0);
}

/// Tokens are worth more than a claim that somebody has made meanwhile.
#[test]
fn a_pair_is_written_over_a_claim_of_its_own_generation() {
    let mut world = refreshing(|_| {});
    world.claim_elsewhere(Hold::Alone, 0);
    let reads = world.store.reads;
    world.advance(secs(1));
    assert_eq!((world.generation(), world.store.reads), (Generation(2), reads), "no look is needed");
    assert!(world.store.holds("refresh.0.1"));
}

/// A text of another hand cannot be compared with: it does not begin as this version writes it.
#[test]
fn a_text_in_another_order_is_written_over() {
    let mut world = World::expired();
    let text = world.store.text.clone().unwrap();
    let name = r#""name":"default","#;
    let reordered = text.replacen(name, "", 1).replacen("{", &format!("{{{name}"), 1);
    assert_ne!(reordered, text);
    world.store.put(reordered);
    let reads = world.store.reads;
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.store.reads), (1, reads + 1));
    assert!(world.store.holds("refresh.0.1"));
    assert_eq!((world.count("persistFailed"), world.count("refreshFailed")), (0, 0));
}

#[test]
fn a_store_that_never_agrees_is_given_up_after_a_few_tries() {
    let mut world = World::new();
    world.store.mode = Mode::Denying;
    let call = world.sign_in("ada");
    world.expect(call, Settled::Started);
    assert_eq!((world.count("persistFailed"), world.store.writes), (1, 6));
    world.advance(minutes(5));
    assert_eq!((world.state(), world.store.writes), (State::Active, 24), "again after 5, 20 and 80 s");
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    assert_eq!((world.state(), world.store.writes), (State::SignedOut, 30));
}

/// Nor does it make a flight that never ends.
#[test]
fn a_flight_whose_claim_never_holds_gives_way_and_the_schedule_goes_on() {
    let mut world = World::expired();
    let writes = world.store.writes;
    world.store.mode = Mode::Denying;
    let call = world.need();
    assert_eq!(world.store.writes - writes, 6);
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!((error.cause, world.requests(), world.lock), (Some(Cause::Elsewhere), 0, None));
    world.store.mode = Mode::Sync;
    world.advance(secs(31));
    assert_eq!((world.requests(), world.state()), (1, State::Active));
}

/// After a dispose nothing is read; what met something else stays as it is.
#[test]
fn a_late_pair_of_a_disposed_page_is_not_written_over_what_others_have_written() {
    let mut world = refreshing(|_| {});
    world.input(Input::Dispose);
    world.sign_out_elsewhere();
    let (reads, stored) = (world.store.reads, world.store.text.clone());
    world.advance(secs(10));
    assert_eq!((world.store.reads, world.store.text), (reads, stored));
}

/// A request is on the wire; it will be answered in 200 ms.
fn refreshing(change: impl FnOnce(&mut Options)) -> World {
    let mut world = World::expired_with(change);
    world.server.reuse = Reuse::Grace(10_000);
    world.need();
    assert_eq!(world.requests(), 1);
    world
}

/// The refresh tokens that the revocation endpoint was told of.
fn revoked(world: &World) -> Vec<&str> {
    let bodies = world.revoked.iter().filter_map(|request| request.body.as_ref());
    bodies.filter_map(|body| body.expose().split('"').nth(3)).collect()
}

/// I10: a sign-out that shares its epoch with another tab's session, since the clock was set back, takes one of its own.
#[test]
fn a_sign_out_with_the_epoch_of_another_session_comes_after_it() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.force();
    world.advance(secs(1));
    let adas = world.record();
    world.set_wall(-3_600_000);
    world.sign_in_elsewhere("bob");
    let bobs = Record { generation: Generation(1), ..world.record() };
    assert_eq!((bobs.epoch.0, adas.generation), (adas.epoch.0 + 1, Generation(2)));
    world.put(bobs.clone());
    world.sign_out();
    let record = world.record();
    assert!(record.session.is_none() && record.epoch > bobs.epoch, "{record:?}");
}

/// Of two sessions with one epoch the later write takes the next, so that nobody takes the one for the other.
#[test]
fn a_sign_in_with_the_epoch_of_another_session_comes_after_it() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.force();
    world.advance(secs(1));
    world.set_wall(-3_600_000);
    world.sign_in_elsewhere("bob");
    let bobs = Record { generation: Generation(1), ..world.record() };
    world.put(bobs.clone());
    world.sign_in("cleo");
    assert_eq!(world.snapshot().subject.as_deref(), Some("cleo"));
    assert!(world.record().epoch > bobs.epoch, "{:?}", world.record());
}

/// I5: a tombstone ends the session of its own epoch, too.
#[test]
fn a_tombstone_in_the_epoch_of_the_session_ends_it() {
    let mut world = World::new();
    world.sign_in("ada");
    let record = world.record();
    world.put(Record { session: None, generation: record.generation.next(), ..record });
    world.wake(Wake::Shown);
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::SignedOutElsewhere]));
}

/// The same where a look has shown it, and nothing was to be stored then.
#[test]
fn tokens_that_are_handed_over_after_a_look_at_another_session_of_the_epoch_come_after_it() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.force();
    world.advance(secs(5));
    let adas = world.record();
    world.sign_in_elsewhere("bob");
    world.put(Record { epoch: adas.epoch, generation: Generation(1), ..world.record() });
    world.wake(Wake::Shown);
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    assert_eq!(world.record().stamp().session, adas.stamp().session);
    assert!(world.record().epoch > adas.epoch, "{:?}", world.record());
}

/// The others hear of it by its number.
#[test]
fn a_session_that_has_run_out_ends_with_an_epoch_of_its_own() {
    let mut world = World::with(|options| options.text("refresh.kind", "none".into()).unwrap());
    world.set_tokens(&format!(r#"{{"access_token":"a-{CANARY}","expires_in":60}}"#), SessionMode::Auto);
    let before = world.record();
    world.advance(minutes(2));
    assert!(world.record().session.is_none() && world.record().epoch > before.epoch, "{:?}", world.record());
}
