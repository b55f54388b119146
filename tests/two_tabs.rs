//! Two engines on one store: what one writes, the other understands.
mod common;
use common::*;

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
