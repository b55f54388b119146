//! The claim in the record: the fence between tabs, and the trace that a tab leaves which is gone.
use crate::common::*;
use evertoken::engine::ids::Epoch;
use evertoken::engine::record::StoredCooldown;

/// Found under the lock, a claim of somebody who had it is one of the dead: the answer is lost, nobody waits.
#[test]
fn the_token_of_an_owner_that_is_gone_is_sent_at_once() {
    let mut world = claimed(Hold::Locked, 1_000);
    let call = world.need();
    assert_eq!(world.requests(), 1);
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.ends(), world.record().claim), (vec![], None));
}

/// MT10: the server may have rotated for the one that is gone, and nobody can know.
#[test]
fn a_refusal_after_an_owner_that_is_gone_is_a_lost_answer() {
    for (hold, ago) in [(Hold::Locked, 1_000), (Hold::Alone, 12_001), (Hold::Locked, 86_400_000)] {
        let mut world = claimed(hold, ago);
        world.server.revoke(0);
        world.need();
        world.advance(secs(1));
        assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible], "{hold:?} {ago}");
        assert_eq!(world.requests(), 1, "{hold:?} {ago}");
    }
}

/// The loss outlives the page that has found it.
#[test]
fn a_lost_answer_is_still_known_after_a_reload() {
    let mut world = claimed(Hold::Locked, 1_000);
    world.server.script.push_back(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance(ms(300));
    assert!(world.store.holds(r#""lost":1"#), "{:?}", world.store.text);
    world.server.revoke(0);
    let mut world = world.reload(2);
    world.advance(secs(2));
    assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible]);
}

/// So is an answer that this page itself has not read.
#[test]
fn an_answer_that_was_not_read_is_stored_as_lost() {
    for reply in [Reply::Unreachable, Reply::Silent, Reply::Fixed(answer(200, "{\"access_token\":\"cut"))] {
        let mut world = World::expired();
        world.server.script.push_back(reply.clone());
        world.need();
        world.advance_until(secs(11), |world| world.count("retryScheduled") == 1);
        assert!(world.store.holds(r#""lost":1"#), "{reply:?}: {:?}", world.store.text);
        world.server.revoke(0);
        let mut world = world.reload(2);
        world.advance(secs(1));
        assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible], "{reply:?}");
    }
}

/// Of an answer that was read nothing is lost.
#[test]
fn after_an_answer_that_was_read_nothing_is_lost() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance(ms(300));
    assert!(!world.store.holds("lost"), "{:?}", world.store.text);
    world.server.revoke(0);
    let mut world = world.reload(2);
    world.advance(secs(1));
    assert_eq!(world.ends(), [EndReason::Refused]);
}

/// Its owner may be waiting for the answer: a second request would show the server a spent token.
#[test]
fn a_claim_made_without_the_lock_is_waited_for_to_its_end() {
    for mode in [LockMode::Free, LockMode::Missing] {
        let mut world = claimed(Hold::Alone, 4_000);
        world.lock_mode = mode;
        let call = world.need();
        world.advance(ms(8_000));
        assert_eq!((world.requests(), world.count("refreshFailed")), (0, 0), "{mode:?}");
        world.expect_waiting(call);
        assert_eq!(world.lock, None, "{mode:?}: nobody is kept waiting meanwhile");
        world.advance(ms(1));
        assert_eq!(world.requests(), 1, "{mode:?}");
        world.advance(secs(1));
        world.expect(call, Settled::Done);
    }
}

/// Who has the lock is no concern of a tab that waits for it in vain.
#[test]
fn a_claim_made_under_the_lock_is_live_for_whoever_has_not_got_the_lock() {
    let mut world = claimed(Hold::Locked, 0);
    world.lock_mode = LockMode::Taken;
    let call = world.need();
    world.advance(secs(12));
    assert_eq!((world.requests(), world.count("refreshFailed")), (0, 0));
    world.expect_waiting(call);
}

#[test]
fn what_the_owner_of_a_live_claim_brings_is_adopted() {
    for told in [true, false] {
        let mut world = claimed(Hold::Alone, 4_000);
        let call = world.need();
        world.advance(secs(1));
        world.rotate_elsewhere();
        if told {
            world.announce_elsewhere();
        } else {
            world.expect_waiting(call);
            world.advance(secs(7));
        }
        world.advance(ms(1));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.event_names()), (0, vec!["sessionStarted", "adopted"]), "{told}");
    }
}

/// A caller whose wait is over before the claim is, is told why.
#[test]
fn a_caller_that_waits_for_a_claim_in_vain_is_told_so() {
    let mut world = World::expired_with(|options| options.number("maxWait", 3_000.0).unwrap());
    world.claim_elsewhere(Hold::Alone, 0);
    let call = world.need();
    world.advance(secs(3));
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!(error.cause, Some(Cause::Elsewhere));
    let ends = world.record().claim.map(|claim| claim.at.after(claim.life));
    assert_eq!(error.retry_at.map(|at| at.0), ends.map(|ends| ends.0 + 1));
}

/// The clock was set back since: such a claim would be live for as long as that.
#[test]
fn a_claim_from_the_future_tells_nothing() {
    for ahead in [60_000, 86_400_000 * 365] {
        let mut world = claimed(Hold::Alone, -ahead);
        let call = world.need();
        assert_eq!(world.requests(), 1, "{ahead}");
        world.advance(secs(1));
        world.expect(call, Settled::Done);
    }
}

/// This tab has replaced the pair and could not store the new one.
#[test]
fn a_claim_on_an_older_pair_tells_nothing() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.refresh();
    world.advance(secs(2));
    world.store.mode = Mode::Mute;
    let claim = Claim { owner: 7, hold: Hold::Locked, at: world.clock.now().wall, life: secs(12) };
    world.store.put(Record { claim: Some(claim.into()), ..world.record() }.encode().expose());
    world.server.revoke(0);
    world.sleep(minutes(20));
    world.need();
    world.advance(secs(15));
    assert_eq!(world.ends(), [EndReason::Refused]);
}

/// Its owner may have the very tokens that are held here under a later number: within their grace servers answer two tabs
/// alike.
#[test]
fn a_live_claim_on_an_older_pair_is_waited_for() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.refresh();
    world.advance(secs(1));
    world.store.mode = Mode::Sync;
    world.claim_elsewhere(Hold::Alone, 0);
    world.force();
    world.advance(ms(11_900));
    assert_eq!((world.requests(), world.generation()), (1, Generation(2)));
    world.advance(secs(2));
    assert_eq!((world.requests(), world.generation()), (2, Generation(3)));
}

/// Nobody refreshes the session that was begun here after it, and could not be stored.
#[test]
fn a_live_claim_on_another_session_is_not_waited_for() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.sign_in("bob");
    world.store.mode = Mode::Sync;
    world.claim_elsewhere(Hold::Alone, 0);
    world.force();
    assert_eq!(world.requests(), 1);
}

/// What this page could not take back is no other tab's claim.
#[test]
fn a_claim_of_its_own_is_no_reason_to_wait() {
    for mode in [LockMode::Free, LockMode::Missing] {
        let mut world = World::expired();
        world.lock_mode = mode;
        world.server.script.push_back(Reply::Fixed(answer(503, "")));
        world.need();
        world.store.mode = Mode::Failing;
        world.advance(ms(300));
        world.store.mode = Mode::Sync;
        assert!(world.record().claim.is_some());
        world.advance(secs(2));
        assert_eq!((world.requests(), world.state()), (2, State::Active), "{mode:?}");
    }
}

#[test]
fn after_a_failed_attempt_the_claim_is_taken_back() {
    for reply in [Reply::Unreachable, Reply::Silent, Reply::Fixed(answer(503, "")), busy("2")] {
        let mut world = World::expired();
        world.server.script.push_back(reply.clone());
        world.need();
        assert!(world.record().claim.is_some());
        world.advance_until(secs(11), |world| world.count("retryScheduled") == 1);
        assert_eq!(world.record().claim, None, "{reply:?}");
    }
}

/// LP3: the server's word is in the record with it, for every tab and every page to come.
#[test]
fn a_time_that_the_server_names_holds_for_other_tabs_reloads_and_forced_refreshes() {
    let mut world = World::expired();
    world.server.script.push_back(busy("600"));
    world.need();
    world.advance(secs(1));
    let cooldown = world.record().cooldown.expect("a cooldown in the store");
    assert_eq!(cooldown.cause, Cause::RateLimited);
    let mut reloaded = world.reload(2);
    let forced = reloaded.force();
    let error = reloaded.expect_error(forced, ErrorCode::RefreshUnavailable);
    assert_eq!(
        (error.retry_at, error.cause),
        (Some(cooldown.at.after(cooldown.life)), Some(Cause::RateLimited))
    );
    let need = reloaded.need();
    reloaded.expect_error(need, ErrorCode::RefreshUnavailable);
    reloaded.wake(Wake::Online);
    reloaded.advance(secs(598));
    assert_eq!(reloaded.requests(), 1);
    reloaded.advance(secs(2));
    assert_eq!((reloaded.requests(), reloaded.state()), (2, State::Active));
}

/// The other tab has its own flight when it finds the word in the record.
#[test]
fn a_flight_finds_the_time_that_another_tab_was_told() {
    let mut world = World::expired();
    let mut record = world.record();
    let at = world.clock.now().wall;
    record.cooldown = Some(StoredCooldown { at, life: secs(60), cause: Cause::ServerError });
    world.put(record);
    let call = world.need();
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!((error.retry_at, error.cause), (Some(at.after(secs(60))), Some(Cause::ServerError)));
    world.advance(ms(59_999));
    assert_eq!((world.requests(), world.lock), (0, None));
    world.advance(ms(1));
    assert_eq!(world.requests(), 1);
}

/// Of two tabs that were told different times each keeps to the longer one.
#[test]
fn the_longer_of_two_times_holds() {
    for (ours, theirs) in [(60, 10), (10, 60)] {
        let mut world = World::expired_with(|options| options.number("retries", 0.0).unwrap());
        world.server.script.push_back(busy(&format!("{ours}")));
        world.need();
        world.advance(ms(200));
        let at = world.clock.now().wall;
        let cooldown = Some(StoredCooldown { at, life: secs(theirs), cause: Cause::ServerError });
        world.put(Record { cooldown, ..world.record() });
        world.wake(Wake::Shown);
        world.advance(ms(59_999));
        assert_eq!(world.requests(), 1, "{ours} s here and {theirs} s there");
        world.advance(secs(2));
        assert_eq!(world.requests(), 2);
    }
}

#[test]
fn a_stored_wait_of_before_the_clock_was_set_back_tells_nothing() {
    for (back, waits) in [(1_000, 601), (2_500, 0), (3_000_000, 0), (86_400_000 * 365, 0)] {
        let mut world = World::expired();
        world.server.script.push_back(busy("600"));
        world.need();
        world.advance(ms(200));
        world.set_wall(-back);
        let mut world = world.reload(2);
        world.force();
        world.advance(secs(waits));
        assert_eq!(world.requests(), 2, "{back}");
        assert_eq!(world.gaps()[0] - 200, waits * 1_000, "{back}");
    }
}

/// No server is granted more than an hour.
#[test]
fn a_stored_wait_of_more_than_an_hour_tells_nothing() {
    let mut world = World::expired();
    let at = world.clock.now().wall;
    let life = Millis(3_600_001);
    world.put(Record {
        cooldown: Some(StoredCooldown { at, life, cause: Cause::ServerError }),
        ..world.record()
    });
    world.need();
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_503_without_a_time_leaves_no_cooldown_for_others() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance(ms(300));
    assert_eq!((world.record().claim, world.record().cooldown), (None, None));
}

fn busy(retry_after: &str) -> Reply {
    Reply::Fixed(Answer { retry_after: Some(retry_after.into()), ..answer(429, "") })
}

/// I6: one that another tab has made since, because it could not wait for the lock, is not taken back with its own.
#[test]
fn a_stop_leaves_the_claim_of_another_tab_as_it_is() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Silent);
    world.need();
    world.claim_elsewhere(Hold::Alone, 0);
    let claimed = world.store.text.clone();
    world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(1) }.encode()));
    world.input(Input::Stop);
    assert_eq!((world.requests(), world.store.text), (1, claimed));
}

/// An expired session that another tab has claimed so many milliseconds ago.
fn claimed(hold: Hold, ago: i64) -> World {
    let mut world = World::expired();
    world.claim_elsewhere(hold, ago);
    world
}

/// OI4: a caller does not wait for the end of a claim whose pair has come, and has to be refreshed in turn.
#[test]
fn a_pair_without_an_access_token_ends_the_wait_for_the_claim_that_brought_it() {
    let mut world =
        World::expired_with(|options| options.text("persist", "refresh".into()).expect("a way to persist"));
    world.claim_elsewhere(Hold::Alone, 0);
    let call = world.need();
    world.advance(secs(2));
    world.expect_waiting(call);
    world.rotate_elsewhere();
    let mut record = world.record();
    record.claim = None;
    record.session.as_mut().expect("a session in the store").access = None;
    world.put(record);
    world.announce_elsewhere();
    world.advance(secs(3));
    world.expect(call, Settled::Done);
}

/// Where there is no lock another tab may have read the record before the refusal was in it, and is about to claim.
#[test]
fn a_refusal_cannot_be_written_over_by_who_has_read_before_it() {
    let mut world = World::new();
    world.sign_in("ada");
    let read = world.record();
    world.server.revoke(0);
    world.advance(secs(10));
    world.refresh();
    world.advance(secs(1));
    let refused = world.record();
    assert_eq!(refused.claim.as_ref().map(|claim| claim.life), Some(Millis::ZERO));

    let mut world = World::new();
    world.put(read);
    let mut world = world.reload(2);
    world.lock_mode = LockMode::Missing;
    world.store.mode = Mode::Delayed(50);
    world.force();
    world.advance(ms(60));
    world.put(refused);
    world.advance(secs(20));
    assert_eq!((world.requests(), world.record().session.map(|session| session.refused)), (0, Some(true)));
}
