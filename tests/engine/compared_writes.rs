//! Writes that find something else in the store than was read.
use crate::common::*;

/// I2: what another tab writes and takes back is no reason to write without comparing.
#[test]
fn a_claim_that_came_and_went_is_still_compared_with() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    let before = world.store.text.clone().unwrap_or_default();
    let claimed = claimed_elsewhere(&world);
    world.store.mode = Mode::Delayed(300);
    world.refresh();
    // Read, then the claim is on its way.
    world.advance(ms(450));
    world.store.put(claimed.as_str());
    // The claim is denied, then what is there is read.
    world.advance(ms(300));
    world.store.put(before);
    // The next claim is on its way.
    world.advance(ms(300));
    world.store.put(claimed.as_str());
    world.advance(ms(300));
    assert_eq!((world.requests(), world.store.text.as_deref()), (0, Some(claimed.as_str())));
}

/// I2: a tab takes its own claim back, not that of the tab which came after it.
#[test]
fn the_claim_of_another_tab_stays_when_this_one_gives_up() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.server.reuse = Reuse::NoRotation;
    world.server.script.push_back(Reply::Slow(60_000));
    world.refresh();
    world.rotate_elsewhere();
    let claimed = claimed_elsewhere(&world);
    world.store.put(claimed.as_str());
    let notice = Notice { epoch: world.record().epoch, generation: world.record().generation };
    world.input(Input::Notice(notice.encode()));
    world.advance(secs(5));
    assert_eq!(world.generation(), world.record().generation, "adopted");
    assert_eq!((world.lock, world.store.text.as_deref()), (None, Some(claimed.as_str())));
}

/// I2: a save that brings nothing new leaves the claim of another tab where it is.
#[test]
fn a_save_that_is_tried_again_leaves_a_claim_where_it_is() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Failing;
    world.refresh();
    world.advance(secs(1));
    assert_eq!(world.count("persistFailed"), 1);
    world.store.mode = Mode::Sync;
    let mut elsewhere = world.record();
    elsewhere.generation = world.generation();
    elsewhere.session.as_mut().expect("a session").refresh =
        Some(Secret::new(format!("refresh.0.1.{CANARY}")));
    world.store.put(elsewhere.encode().expose());
    let claimed = claimed_elsewhere(&world);
    world.store.put(claimed.as_str());
    let writes = world.store.writes;
    world.advance(minutes(1));
    assert!(world.store.writes > writes, "it is tried again");
    assert_eq!(world.record().claim.map(|claim| claim.owner), Some(7));
}

/// I10: two tabs that sign in at the same moment are two sessions, and every tab can tell which came later.
#[test]
fn the_later_of_two_sign_ins_of_one_moment_has_an_epoch_of_its_own() {
    let mut world = World::new();
    world.store.mode = Mode::Delayed(100);
    world.sign_in("ada");
    let mut elsewhere = World::unread(|_| {}, 2);
    elsewhere.boot();
    elsewhere.sign_in("bob");
    let theirs = elsewhere.record();
    world.store.put(theirs.encode().expose());
    world.advance(secs(1));
    assert_eq!(world.snapshot().subject.as_deref(), Some("ada"));
    assert!(world.record().epoch > theirs.epoch, "{:?}", world.record());
}

/// The same where a look shows the other before the first is stored.
#[test]
fn a_sign_in_that_is_stored_after_a_look_has_shown_another_has_an_epoch_of_its_own() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    world.store.mode = Mode::Sync;
    let mut elsewhere = World::unread(|_| {}, 2);
    elsewhere.boot();
    elsewhere.sign_in("bob");
    let theirs = elsewhere.record();
    world.store.put(theirs.encode().expose());
    world.wake(Wake::Focus);
    world.advance(minutes(1));
    assert_eq!(world.snapshot().subject.as_deref(), Some("ada"));
    assert!(world.record().epoch > theirs.epoch, "{:?}", world.record());
}

/// I10: so are two pairs of one session.
#[test]
fn the_later_of_two_pairs_of_one_moment_has_a_generation_of_its_own() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Delayed(100);
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    world.rotate_elsewhere();
    let theirs = world.record();
    world.advance(secs(1));
    assert!(world.store.holds("refresh.1.0"));
    assert!(world.record().generation > theirs.generation, "{:?}", world.record());
    assert_eq!(world.generation(), world.record().generation);
}

/// What is in the store already is not written again under another number.
#[test]
fn a_pair_that_was_stored_late_keeps_its_generation() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.store.mode = Mode::Hanging;
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Same);
    let mut record = world.record();
    record.generation = world.generation();
    record.session.as_mut().expect("a session").refresh = Some(Secret::new(format!("refresh.1.0.{CANARY}")));
    world.store.put(record.encode().expose());
    world.store.mode = Mode::Delayed(100);
    world.advance(minutes(1));
    assert_eq!(world.record().generation, record.generation);
}

/// I5, I10: a page that cannot read its store writes over nothing that it does not know.
#[test]
fn a_sign_out_while_the_store_hangs_ends_no_session_that_began_later() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Delayed(5_000);
    let mut world = world.reload(2);
    world.advance(secs(3));
    world.sign_out();
    world.advance(secs(1));
    world.sign_in_elsewhere("bob");
    let mut theirs = world.record();
    theirs.epoch = theirs.epoch.next(world.clock.now().wall);
    world.store.put(theirs.encode().expose());
    world.advance(minutes(3));
    assert_eq!(world.record().stamp(), theirs.stamp());
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// What could not be stored is not tried again once it counts no more.
#[test]
fn a_save_that_failed_is_dropped_when_another_tab_has_signed_out() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    let record = world.record();
    world.store.mode = Mode::Failing;
    world.refresh();
    world.advance(secs(1));
    assert_eq!(world.count("persistFailed"), 1);
    world.store.mode = Mode::Sync;
    let epoch = record.epoch.next(world.clock.now().wall);
    world.store.put(Record { epoch, session: None, ..record }.encode().expose());
    world.wake(Wake::Focus);
    assert_eq!((world.ends(), world.armed()), (vec![EndReason::SignedOutElsewhere], None));
}

/// The record in the store, with the claim of a tab that is alone.
fn claimed_elsewhere(world: &World) -> String {
    let claim = Claim { owner: 7, hold: Hold::Alone, at: world.clock.now().wall, life: secs(12) };
    Record { claim: Some(claim.into()), ..world.record() }.encode().expose().to_owned()
}
