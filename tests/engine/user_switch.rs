//! RC8, T12: another user is another session; nothing of one reaches the other.
use crate::common::*;

#[test]
fn the_waiters_of_the_former_user_are_turned_away_and_its_answer_is_dropped() {
    let mut world = World::expired();
    let waiting: Vec<CallId> = (0..5).map(|_| world.need()).collect();
    let refused = world.unauthorized();
    world.advance(ms(100));
    let call = world.sign_in("bob");
    world.expect(call, Settled::Started);
    for call in waiting {
        world.expect_error(call, ErrorCode::SessionChanged);
    }
    world.expect(refused, Settled::Pass);
    world.advance(secs(5));
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
    assert!(world.store.holds("refresh.1.0") && !world.store.holds("refresh.0."));
    assert_eq!(world.event_names()[1..], ["userChanged", "sessionStarted"]);
}

/// A 401 that the former user's token drew is not resent with the new user's.
#[test]
fn a_401_of_the_former_user_goes_to_its_caller() {
    let mut world = World::new();
    world.sign_in("ada");
    let of_ada = world.generation();
    world.sign_in("bob");
    world.advance(minutes(1));
    let late = world.unauthorized_for(of_ada);
    world.expect(late, Settled::Pass);
    assert_eq!(world.requests(), 0);
}

#[test]
fn the_same_user_goes_on_and_its_waiters_are_served() {
    let mut world = World::expired();
    let waiting = world.need();
    let call = world.sign_in("ada");
    world.expect(call, Settled::Updated);
    world.expect(waiting, Settled::Done);
    assert_eq!((world.count("sessionStarted"), world.count("userChanged")), (1, 0));
    world.advance(secs(5));
    assert!(world.store.holds("refresh.1.0"), "the running answer is dropped");
}

#[test]
fn the_pair_that_is_held_already_changes_nothing() {
    let mut world = World::new();
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Auto);
    let (snapshots, writes) = (world.snapshots.len(), world.store.writes);
    let again = world.set_tokens(&pair, SessionMode::Auto);
    world.expect(again, Settled::Unchanged);
    assert_eq!((world.snapshots.len(), world.store.writes), (snapshots, writes));
}

/// A pair from before the last refresh, handed over late.
#[test]
fn an_older_pair_is_ignored() {
    let mut world = World::new();
    let old = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&old, SessionMode::Auto);
    world.advance(minutes(15));
    let held = world.generation();
    assert_eq!(held, Generation(2));
    let call = world.set_tokens(&old, SessionMode::Auto);
    world.expect(call, Settled::Ignored);
    assert_eq!(world.generation(), held);
    assert!(world.store.holds("refresh.0.1"));
}

#[test]
fn an_opaque_pair_begins_a_session_unless_it_is_said_to_go_on() {
    let mut world = World::new();
    world.server.jwts = false;
    world.sign_in("ada");
    let first = world.record().epoch;
    world.sign_in("ada");
    assert!(world.record().epoch > first);
    let epoch = world.record().epoch;
    let pair = world.server.sign_in("ada", world.clock.truth());
    let same = world.set_tokens(&pair, SessionMode::Same);
    world.expect(same, Settled::Updated);
    assert_eq!(world.record().epoch, epoch);
    let rotated = pair.replace("refresh.2.0", "refresh.2.9");
    let same_access = world.set_tokens(&rotated, SessionMode::Auto);
    world.expect(same_access, Settled::Updated);
    assert_eq!(world.record().epoch, epoch);
    assert!(world.store.holds("refresh.2.9"));
}

#[test]
fn a_session_can_be_begun_anew_for_the_same_user() {
    let mut world = World::new();
    world.sign_in("ada");
    let epoch = world.record().epoch;
    let pair = world.server.sign_in("ada", world.clock.truth());
    let call = world.set_tokens(&pair, SessionMode::New);
    world.expect(call, Settled::Started);
    assert!(world.record().epoch > epoch);
    assert_eq!(world.count("userChanged"), 0);
}

/// T11: the token endpoint itself answers for somebody else.
#[test]
fn an_answer_for_another_user_is_another_session() {
    let mut world = World::expired();
    let pair = world.server.sign_in("bob", world.clock.truth());
    world.server.script.push_back(Reply::Fixed(answer(200, &pair)));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SessionChanged);
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
    assert_eq!(world.count("userChanged"), 1);
}

/// MT9: the other tab has signed somebody else in.
#[test]
fn another_user_in_the_store_is_adopted_and_waiters_are_turned_away() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.sign_in_elsewhere("bob");
    let call = world.force();
    world.expect_error(call, ErrorCode::SessionChanged);
    assert_eq!(world.requests(), 0);
    assert_eq!(world.event_names()[1..], ["userChanged", "adopted"]);
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// New tokens make a clean slate: cooldown and breaker were about the old ones.
#[test]
fn new_tokens_end_the_cooldown() {
    let mut world = World::expired();
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.need();
    world.advance(secs(9));
    world.server.always = None;
    world.sign_in("ada");
    assert_eq!(world.snapshot().error, None);
    let call = world.force();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
}

#[test]
fn a_response_without_a_usable_token_is_refused_and_changes_nothing() {
    let mut world = World::new();
    world.sign_in("ada");
    let snapshots = world.snapshots.len();
    for bad in ["", "null", "[]", "{}", "<html>", r#"{"access_token":""}"#, r#"{"access_token":"a b"}"#] {
        let call = world.set_tokens(bad, SessionMode::Auto);
        world.expect_error(call, ErrorCode::BadTokenResponse);
    }
    let call = world.set_tokens(r#"{"access_token":"a","token_type":"DPoP"}"#, SessionMode::Auto);
    world.expect_error(call, ErrorCode::UnsupportedTokenType);
    assert_eq!(world.snapshots.len(), snapshots);
}

/// A token does not begin anew by being handed over again.
#[test]
fn a_token_that_is_held_keeps_its_life_and_its_rejection() {
    let mut world = World::new();
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Auto);
    world.advance(minutes(5));
    let (ends, planned) = (world.snapshot().expires_at, world.snapshot().refresh_at);
    let rotated = pair.replace("refresh.0.0", "refresh.0.9");
    let call = world.set_tokens(&rotated, SessionMode::Auto);
    world.expect(call, Settled::Updated);
    assert_eq!((world.snapshot().expires_at, world.snapshot().refresh_at), (ends, planned));
    world.server.always = Some(Reply::Silent);
    world.unauthorized();
    assert_eq!(world.bearer(), None);
    let call = world.set_tokens(&pair, SessionMode::Auto);
    world.expect(call, Settled::Updated);
    assert_eq!((world.bearer(), world.state()), (None, State::Stale), "it has drawn a 401");
    let waiting = world.need();
    world.expect_waiting(waiting);
}

/// T12: two users are never one session, whatever the app says.
#[test]
fn another_user_begins_a_session_also_when_it_is_said_to_go_on() {
    let mut world = World::expired();
    let waiting = world.need();
    let epoch = world.record().epoch;
    let pair = world.server.sign_in("bob", world.clock.truth());
    let call = world.set_tokens(&pair, SessionMode::Same);
    world.expect(call, Settled::Started);
    world.expect_error(waiting, ErrorCode::SessionChanged);
    assert!(world.record().epoch > epoch);
    assert_eq!((world.count("userChanged"), world.snapshot().subject.as_deref()), (1, Some("bob")));
    world.advance(secs(5));
    assert!(world.store.holds("refresh.1.0") && !world.store.holds("refresh.0."));
}

/// After a reload without its access token nobody here knows whose session it is, but another tab may.
#[test]
fn tokens_of_a_user_are_no_part_of_a_session_whose_user_is_unknown() {
    for (is_known, settled) in [(false, Settled::Started), (true, Settled::Updated)] {
        let mut world = World::with(|options| options.text("persist", "refresh".into()).unwrap());
        world.sign_in("ada");
        let mut world = world.reload(2);
        if is_known {
            world.need();
            world.advance(secs(1));
        }
        let response = world.server.sign_in("ada", world.clock.truth());
        let call = world.set_tokens(&response, SessionMode::Same);
        world.expect(call, settled);
    }
}
