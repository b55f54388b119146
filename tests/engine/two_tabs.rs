//! Two engines on one store: what one writes, the other understands.
use crate::common::*;

/// MT9, I5.
#[test]
fn the_sign_out_of_one_tab_ends_the_session_of_the_other() {
    let (mut one, mut two) = tabs();
    one.sign_out();
    show(&one, &mut two);
    assert_eq!((two.state(), two.ends()), (State::SignedOut, vec![EndReason::SignedOutElsewhere]));
    assert_eq!(two.bearer(), None);
    let writes = two.store.writes;
    two.advance(hours(1));
    assert_eq!((two.requests(), two.store.writes), (0, writes), "it leaves the tombstone as it is");
}

/// I12: so does the end that the server has decided.
#[test]
fn the_refusal_of_one_tab_ends_the_session_of_the_other() {
    let (mut one, mut two) = tabs();
    one.server.revoke(0);
    one.sleep(hours(1));
    one.need();
    one.advance(secs(1));
    assert_eq!(one.ends(), [EndReason::Refused]);
    show(&one, &mut two);
    assert_eq!(two.ends(), [EndReason::SignedOutElsewhere]);
}

/// NE4, NE7: while the access token is good, both use it and neither sends the refused token again.
#[test]
fn a_refusal_with_a_good_token_is_known_to_both() {
    let (mut one, mut two) = tabs();
    one.server.revoke(0);
    one.refresh();
    one.advance(secs(1));
    assert_eq!(one.state(), State::Ending);
    show(&one, &mut two);
    assert_eq!((two.state(), two.ends()), (State::Ending, vec![]));
    two.advance_to_end(Millis::ZERO);
    assert_eq!((two.ends(), two.requests()), (vec![EndReason::Refused], 0));
}

/// MT8.
#[test]
fn the_refresh_of_one_tab_serves_the_other() {
    let (mut one, mut two) = tabs();
    one.refresh();
    one.advance(secs(1));
    show(&one, &mut two);
    assert_eq!(two.bearer(), one.bearer());
    assert_eq!((two.generation(), two.snapshot().expires_at), (one.generation(), one.snapshot().expires_at));
    assert_eq!((two.requests(), two.event_names()), (0, vec!["adopted"]));
}

#[test]
fn the_sign_in_of_one_tab_is_the_others_too() {
    let (mut one, mut two) = tabs();
    one.sign_out();
    show(&one, &mut two);
    one.sign_in("bob");
    show(&one, &mut two);
    assert_eq!((two.state(), two.bearer()), (State::Active, one.bearer()));
    assert_eq!(two.snapshot().subject.as_deref(), Some("bob"));
    two.sign_out();
    show(&two, &mut one);
    assert_eq!(one.state(), State::SignedOut);
}

/// The same session in two tabs, five seconds old.
fn tabs() -> (World, World) {
    let mut one = World::new();
    one.sign_in("ada");
    one.advance(secs(5));
    let mut two = World::unread(|_| {}, 2);
    two.clock = one.clock;
    two.store.put(one.store.text.clone().unwrap_or_default());
    two.boot();
    assert_eq!(two.state(), State::Active);
    (one, two)
}

/// `to` is looked at after what `from` has done.
#[track_caller]
fn show(from: &World, to: &mut World) {
    to.clock = from.clock;
    to.store.put(from.store.text.clone().unwrap_or_default());
    to.wake(Wake::Shown);
}

/// Two tabs that know nothing of each other sign in: they are never taken for one session.
#[test]
fn the_later_of_two_sign_ins_is_the_one_that_counts() {
    let mut one = World::new();
    one.sign_in("ann");
    let mut two = World::new();
    two.clock = one.clock;
    two.advance(secs(1));
    two.sign_in("bob");
    let stored = two.store.text.clone().unwrap_or_default();
    show(&one, &mut two);
    assert_eq!(two.snapshot().subject.as_deref(), Some("bob"), "the older session is no news");
    two.store.put(stored);
    one.server.always = Some(Reply::Fixed(answer(503, "")));
    one.advance(secs(5));
    one.unauthorized();
    let waiting = one.need();
    one.advance(secs(1));
    one.expect_waiting(waiting);
    two.clock = one.clock;
    show(&two, &mut one);
    one.expect_error(waiting, ErrorCode::SessionChanged);
    assert_eq!(one.snapshot().subject.as_deref(), Some("bob"));
    assert_eq!(one.count("userChanged"), 1);
}

/// A tab that has slept through a sign-in signs out: that is the newest wish there is.
#[test]
fn a_sign_out_in_a_stale_tab_reaches_the_others() {
    let (mut one, mut two) = tabs();
    one.sign_out();
    one.advance(secs(1));
    one.sign_in("carol");
    two.clock = one.clock;
    two.advance(secs(1));
    two.sign_out();
    show(&two, &mut one);
    assert_eq!((one.state(), one.ends().last()), (State::SignedOut, Some(&EndReason::SignedOutElsewhere)));
}

/// While a refresh waits for the hour that the server has named, the other tab's sign-out is seen all the same.
#[test]
fn a_sign_out_elsewhere_is_seen_while_a_refresh_waits() {
    let (mut one, mut two) = tabs();
    two.server.always = Some(Reply::Fixed(Answer { retry_after: Some("3000".into()), ..answer(429, "") }));
    two.refresh();
    two.advance(secs(1));
    one.clock = two.clock;
    one.sign_out();
    show(&one, &mut two);
    assert_eq!(two.state(), State::SignedOut);
}
