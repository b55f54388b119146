//! NE4: a refused refresh token does not take the good access token away.
use crate::common::*;

#[test]
fn the_session_ends_at_the_tokens_end_and_not_before() {
    let mut world = refused();
    let requests = world.requests();
    world.advance_to_end(ms(1));
    assert_eq!((world.state(), world.ends()), (State::Ending, vec![]));
    let call = world.need();
    world.expect(call, Settled::Done);
    assert!(world.bearer().is_some());
    world.advance(ms(1));
    assert_eq!((world.state(), world.ends()), (State::SignedOut, vec![EndReason::Refused]));
    assert_eq!(world.bearer(), None);
    world.advance(hours(1));
    assert_eq!(world.ends().len(), 1);
    assert_eq!(world.requests(), requests, "NE7: a refused token is not sent again");
    assert!(!world.store.holds(CANARY));
}

#[test]
fn the_first_401_ends_it() {
    let mut world = refused();
    let call = world.unauthorized();
    world.expect(call, Settled::Pass);
    assert_eq!(world.ends(), [EndReason::Refused]);
    assert_eq!(world.state(), State::SignedOut);
}

#[test]
fn it_is_announced_and_the_failure_reaches_those_who_asked() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.revoke(0);
    world.advance(secs(10));
    let asked = world.refresh();
    let token = world.need();
    world.expect(token, Settled::Done);
    world.advance(secs(1));
    world.expect_error(asked, ErrorCode::SessionEnded);
    assert_eq!(world.event_names()[1..], ["refreshFailed", "sessionExpiring"]);
    let again = world.refresh();
    world.expect_error(again, ErrorCode::SessionEnded);
    let forced = world.force();
    world.expect_error(forced, ErrorCode::SessionEnded);
    assert_eq!(world.requests(), 1);
}

/// A caller that wants more life than is left gets what there is, as it would have a moment later.
#[test]
fn a_caller_that_wanted_more_life_gets_the_token_there_is() {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.revoke(0);
    world.advance(secs(400));
    let before = world.need_for(hours(1));
    world.expect_waiting(before);
    world.advance(secs(1));
    assert_eq!(world.state(), State::Ending);
    world.expect(before, Settled::Done);
    let after = world.need_for(hours(1));
    world.expect(after, Settled::Done);
    world.wake(Wake::Shown);
    assert_eq!(world.ends(), []);
}

/// The look at the store after a wake must not end what it looks after.
#[test]
fn a_caller_during_the_look_after_a_wake_does_not_end_it() {
    let mut world = refused();
    world.store.mode = Mode::Delayed(100);
    world.wake(Wake::Shown);
    let call = world.need_for(hours(1));
    world.expect_waiting(call);
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.state(), world.ends()), (State::Ending, vec![]));
}

#[test]
fn new_tokens_of_the_user_mend_the_session() {
    let mut world = refused();
    let response = world.server.sign_in("ada", world.clock.truth());
    let call = world.set_tokens(&response, SessionMode::Auto);
    world.expect(call, Settled::Updated);
    assert_eq!(world.state(), State::Active);
    world.advance(hours(1));
    assert_eq!(world.ends(), []);
}

/// So does a callback that says that the session has ended.
#[test]
fn a_callback_that_ends_the_session_leaves_a_good_token_to_its_end() {
    let mut world = World::with(|options| options.text("refresh.kind", "callback".into()).unwrap());
    world.sign_in("ada");
    world.server.always = Some(Reply::Outcome(Outcome::Ended));
    world.advance(minutes(1));
    let asked = world.refresh();
    world.advance(secs(1));
    world.expect_error(asked, ErrorCode::SessionEnded);
    assert_eq!((world.state(), world.count("sessionExpiring")), (State::Ending, 1));
    world.advance_to_end(ms(1));
    let call = world.need();
    world.expect(call, Settled::Done);
    world.advance(ms(1));
    assert_eq!((world.ends(), world.requests()), (vec![EndReason::Callback], 1));
}

/// NE7: the refusal is stored with its generation.
#[test]
fn neither_a_reload_nor_the_schedule_sends_the_refused_token_again() {
    let world = refused();
    let requests = world.requests();
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::Ending);
    let call = world.need();
    world.expect(call, Settled::Done);
    let asked = world.force();
    world.expect_error(asked, ErrorCode::SessionEnded);
    world.advance(hours(1));
    assert_eq!(world.ends(), [EndReason::Refused]);
    assert_eq!(world.requests(), requests);
}

#[test]
fn after_a_reload_past_the_end_there_is_no_session_and_no_request() {
    let mut world = refused();
    let requests = world.requests();
    world.sleep(hours(1));
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::SignedOut);
    let call = world.need();
    world.expect_error(call, ErrorCode::SignedOut);
    assert_eq!(world.requests(), requests);
}

/// NE7: another tab was refused this very token.
#[test]
fn a_refusal_that_another_tab_has_stored_counts_here() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.refuse_elsewhere();
    let call = world.refresh();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::SessionEnded);
    assert_eq!(world.requests(), 0);
    assert_eq!(world.state(), State::Ending);
    world.advance_to_end(Millis::ZERO);
    assert_eq!(world.ends(), [EndReason::Refused]);
}

/// Refused with 14 minutes of a good access token left.
#[track_caller]
fn refused() -> World {
    let mut world = World::new();
    world.sign_in("ada");
    world.server.revoke(0);
    world.advance(minutes(1));
    world.refresh();
    world.advance(secs(1));
    assert_eq!(world.state(), State::Ending);
    world
}

/// A reload must not send it again, also where no other tab shares the store and no claim is taken back.
#[test]
fn a_refusal_is_stored_where_the_tab_is_alone_with_its_store() {
    let mut world = World::with(|options| options.number("shared", 0.0).unwrap());
    world.sign_in("ada");
    world.advance(minutes(1));
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
    world.force();
    world.advance(secs(1));
    assert_eq!(world.state(), State::Ending);
    assert!(world.record().session.is_some_and(|session| session.refused));
}
