//! The store is read before a refresh token is sent and before a session ends: another tab may have been quicker.
use crate::common::*;

#[test]
fn what_another_tab_has_refreshed_is_adopted_and_nothing_is_sent() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(8));
    world.rotate_elsewhere();
    world.advance(minutes(7));
    assert_eq!((world.requests(), world.generation()), (0, Generation(2)));
    assert_eq!(world.event_names(), ["sessionStarted", "adopted"]);
    world.advance(minutes(7));
    assert_eq!(world.requests(), 1, "and then its own turn comes");
}

/// Rotated elsewhere, and that token has ended too: the newer refresh token is the one to send.
#[test]
fn of_an_expired_pair_in_the_store_the_refresh_token_is_used() {
    let mut world = World::new();
    world.sign_in("ada");
    world.rotate_elsewhere();
    world.sleep(hours(1));
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.server.requests[0].refresh_token.as_deref(), Some("refresh.0.1.cAnArYx7"));
    assert!(world.server.is_alive(0));
}

/// MT2, I12: refused because another tab has rotated meanwhile.
#[test]
fn the_loser_of_a_race_adopts_the_winners_pair() {
    let mut world = World::new();
    world.server.reuse = Reuse::Grace(0);
    world.sign_in("ada");
    world.sleep(minutes(20));
    let call = world.need();
    let refusal = answer(400, r#"{"error":"invalid_grant"}"#);
    world.rotate_elsewhere();
    let attempt = world.sent[0].0;
    let reads = world.store.reads;
    world.answer_now(attempt, Outcome::Answered(refusal));
    world.expect(call, Settled::Done);
    assert_eq!((world.ends(), world.store.reads - reads), (vec![], 1));
    assert!(world.store.holds("refresh.0.1"));
}

/// The winner's token has ended already: its refresh token gets its chance.
#[test]
fn the_loser_sends_the_winners_refresh_token_when_that_is_all_there_is() {
    let mut world = World::new();
    world.server.lifetime = 2;
    world.sign_in("ada");
    world.sleep(minutes(20));
    world.server.script.push_back(Reply::Slow(9_000));
    world.server.revoke(0);
    world.need();
    let winner = world.server.sign_in("ada", world.clock.truth());
    let mut record = world.record();
    record.generation = Generation(2);
    let session = record.session.as_mut().unwrap();
    session.refresh = Some(Secret::new("refresh.1.0.cAnArYx7".into()));
    world.store.put(record.encode().expose());
    assert!(winner.contains("refresh.1.0"));
    world.advance(secs(10));
    assert_eq!((world.requests(), world.ends()), (2, vec![]));
}

#[test]
fn when_the_store_knows_no_better_the_session_ends_once() {
    let mut world = World::expired();
    world.server.revoke(0);
    world.need();
    world.advance(secs(1));
    assert_eq!((world.requests(), world.ends()), (1, vec![EndReason::Refused]));
    world.advance(hours(1));
    assert_eq!(world.ends().len(), 1);
}

/// I10: what is older than what is held is never adopted.
#[test]
fn an_older_record_is_not_adopted() {
    let mut world = World::new();
    world.sign_in("ada");
    let old = world.store.text.clone().unwrap();
    world.advance(minutes(12));
    assert_eq!(world.generation(), Generation(2));
    world.store.put(old);
    world.wake(Wake::Shown);
    assert_eq!(world.generation(), Generation(2));
    world.advance(minutes(12));
    assert_eq!(world.generation(), Generation(3));
    assert!(world.store.holds("refresh.0.2"), "the next refresh puts the store right");
}

/// With `persist: 'refresh'` a record has no access token: the one held is as good as before.
#[test]
fn a_record_without_an_access_token_does_not_take_the_good_one_away() {
    for in_cookie in [false, true] {
        let mut world = World::with(|options| {
            options.text("persist", "refresh".into()).unwrap();
            if in_cookie {
                cookie(options);
            }
        });
        let pair = world.server.sign_in("ada", world.clock.truth());
        let pair = if in_cookie { pair.replace("refresh_token", "ignored") } else { pair };
        world.set_tokens(&pair, SessionMode::Auto);
        world.advance(minutes(1));
        let requests = world.requests();
        let bearer = world.bearer().map(str::to_owned);
        let mut record = world.record();
        record.generation = Generation(5);
        world.store.put(record.encode().expose());
        world.wake(Wake::Shown);
        assert_eq!((world.state(), world.requests()), (State::Active, requests), "cookie {in_cookie}");
        assert_eq!(world.bearer().map(str::to_owned), bearer);
        assert_eq!(world.generation(), Generation(5));
    }
}

/// The other tab's session has been refused and its token has ended: there is nothing to send.
#[test]
fn a_refused_session_is_adopted_but_its_token_is_not_sent() {
    let mut world = World::new();
    world.sign_in("ada");
    world.rotate_elsewhere();
    world.refuse_elsewhere();
    world.sleep(hours(1));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!((world.requests(), world.ends()), (0, vec![EndReason::Refused]));
    assert_eq!(world.state(), State::SignedOut);
}

/// Whose user nobody knows, because the token is opaque: it is the same session.
#[test]
fn who_waits_is_served_by_an_opaque_token_of_another_tab() {
    let mut world = World::new();
    world.server.jwts = false;
    world.sign_in("ada");
    world.sleep(minutes(20));
    world.claim_elsewhere(Hold::Alone, 0);
    let call = world.need();
    world.rotate_elsewhere();
    world.announce_elsewhere();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
}

#[test]
fn who_waits_is_served_by_a_new_session_of_the_same_user() {
    let mut world = World::expired();
    world.claim_elsewhere(Hold::Alone, 0);
    let call = world.need();
    world.sign_in_elsewhere("ada");
    world.announce_elsewhere();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
}

/// What the server asked of the session before is nothing to the new one.
#[test]
fn a_session_of_another_tab_does_not_wait_for_what_the_one_before_was_told() {
    let mut world = World::expired();
    let busy = Answer { retry_after: Some("10".into()), ..answer(429, "") };
    world.server.script.push_back(Reply::Fixed(busy));
    world.need();
    world.advance(ms(200));
    world.sign_in_elsewhere("bob");
    let mut record = Record { cooldown: None, ..world.record() };
    record.session.as_mut().expect("a session").access = None;
    world.put(record);
    world.wake(Wake::Shown);
    let call = world.need();
    world.advance(ms(1_500));
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 2);
}

#[test]
fn an_expired_pair_without_a_refresh_token_is_not_sent_for() {
    let mut world = World::expired_with(|options| options.number("shared", 0.0).unwrap());
    world.rotate_elsewhere();
    let mut record = world.record();
    record.session.as_mut().expect("a session").refresh = None;
    world.put(record);
    world.sleep(minutes(20));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!((world.requests(), world.ends()), (0, vec![EndReason::Expired]));
}

/// The refresh here has been overtaken, whatever becomes of its write.
#[test]
fn a_pair_that_is_being_stored_is_no_refresh_any_more_when_a_newer_one_shows() {
    let mut world = World::expired();
    world.server.reuse = Reuse::NoRotation;
    world.need();
    world.rotate_elsewhere();
    world.rotate_elsewhere();
    world.store.mode = Mode::Delayed(500);
    world.announce_elsewhere();
    world.advance(ms(300));
    assert!(world.snapshot().refreshing);
    world.advance(ms(200));
    assert_eq!((world.generation(), world.snapshot().refreshing), (Generation(3), false));
}
