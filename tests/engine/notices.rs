//! What tabs tell each other on the channel: a hint to look at the store, never more.
use crate::common::*;
use evertoken::engine::ids::{Epoch, Order};
use evertoken::engine::notice::Notice;

#[test]
fn word_of_something_newer_is_followed_by_one_look() {
    let mut world = signed_in();
    let reads = world.store.reads;
    world.rotate_elsewhere();
    world.announce_elsewhere();
    assert_eq!((world.store.reads, world.count("adopted")), (reads + 1, 1));
    assert_eq!(world.generation(), Generation(2));
    world.advance(minutes(1));
    assert_eq!(world.store.reads, reads + 1);
}

/// What one process has written another may see later than the message that tells of it.
#[test]
fn what_the_store_does_not_show_at_once_is_looked_for_twice_more() {
    for signed_out in [false, true] {
        for late in [0, 500, 1_500, 2_500] {
            let mut world = signed_in();
            if signed_out {
                world.sign_out();
            }
            let (old, reads) = (world.store.text.clone(), world.store.reads);
            world.sign_in_elsewhere("bob");
            let new = core::mem::replace(&mut world.store.text, old);
            world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(9) }.encode()));
            world.advance(ms(late));
            world.store.text = new;
            world.advance(minutes(1));
            let is_seen = late < 2_000;
            assert_eq!(world.snapshot().subject.as_deref() == Some("bob"), is_seen, "{signed_out} {late}");
            assert_eq!(world.store.reads, reads + 3, "{signed_out} {late}");
        }
    }
}

/// What has been looked for in vain is not looked for anew because it is said again.
#[test]
fn the_same_word_again_is_followed_by_one_look() {
    let mut world = signed_in();
    for looks in [3, 1] {
        let reads = world.store.reads;
        world.input(Input::Notice(Notice { epoch: Epoch(1 << 51), generation: Generation(9) }.encode()));
        world.advance(minutes(1));
        assert_eq!(world.store.reads, reads + looks);
    }
}

/// MT9: the sign-out of another tab is heard of at once.
#[test]
fn word_of_a_sign_out_ends_the_session() {
    let mut world = signed_in();
    world.sign_out_elsewhere();
    world.announce_elsewhere();
    assert_eq!(world.ends(), [EndReason::SignedOutElsewhere]);
    world.sign_in_elsewhere("bob");
    world.announce_elsewhere();
    world.advance(secs(1));
    assert_eq!((world.state(), world.snapshot().subject.as_deref()), (State::Active, Some("bob")));
}

#[test]
fn word_of_the_same_or_of_something_older_is_followed_by_none() {
    let mut world = signed_in();
    world.refresh();
    world.advance(secs(2));
    let reads = world.store.reads;
    let held = world.record().stamp().order();
    let older = Order { generation: Generation(1), ..held };
    for Order { epoch, generation } in [held, older, Order { epoch: Epoch(0), generation: Generation(99) }] {
        world.input(Input::Notice(Notice { epoch, generation }.encode()));
        world.advance(secs(2));
    }
    assert_eq!(world.store.reads, reads);
}

/// Anybody of this origin can say anything on the channel.
#[test]
fn ten_thousand_forged_messages_in_a_second_cost_two_looks() {
    for mode in [Mode::Sync, Mode::Delayed(30), Mode::Hanging] {
        let mut world = signed_in();
        world.store.mode = mode;
        let reads = world.store.reads;
        for forged in 0..10_000 {
            let notice = Notice { epoch: Epoch(1 << 51), generation: Generation(forged) };
            world.input(Input::Notice(notice.encode()));
            if forged % 10 == 0 {
                world.advance(ms(1));
            }
            if forged % 100 == 0 {
                let call = world.need();
                world.expect(call, Settled::Done);
            }
        }
        assert!(world.store.reads - reads <= 2, "{mode:?}: {}", world.store.reads - reads);
        assert_eq!((world.state(), world.requests(), world.ends()), (State::Active, 0, vec![]));
    }
}

#[test]
fn what_is_no_message_of_ours_is_ignored() {
    let mut world = signed_in();
    let (reads, snapshots) = (world.store.reads, world.snapshots.len());
    let long = format!(r#"{{"v":1,"epoch":4000000000000,"generation":9,"x":"{}"}}"#, "x".repeat(1_000_000));
    for message in [
        "",
        "null",
        "[]",
        "{}",
        "refresh!",
        r#"{"v":2,"epoch":4000000000000,"generation":9}"#,
        r#"{"v":1,"epoch":1e300,"generation":9}"#,
        r#"{"v":1,"epoch":4000000000000,"generation":-1}"#,
        r#"{"v":1,"epoch":"4000000000000","generation":9}"#,
        &long,
    ] {
        world.input(Input::Notice(message.into()));
        world.advance(secs(2));
    }
    assert_eq!((world.store.reads, world.snapshots.len()), (reads, snapshots));
}

#[test]
fn each_pair_and_each_end_is_announced_once_when_it_is_stored() {
    let mut world = World::new();
    let mut expected = Vec::new();
    world.store.mode = Mode::Delayed(300);
    world.sign_in("ada");
    world.advance(ms(299));
    assert_eq!(world.broadcast, expected);
    world.advance(ms(1));
    expected.push(stored(&world));
    assert_eq!(world.broadcast, expected);
    world.store.mode = Mode::Sync;
    // Claims, failures and what is written beside a pair are no news.
    world.server.script.push_back(Reply::Fixed(answer(503, "")));
    world.advance(secs(5));
    world.refresh();
    world.advance(ms(300));
    assert_eq!(world.broadcast, expected);
    world.advance(secs(5));
    expected.push(stored(&world));
    assert_eq!(world.broadcast, expected);
    world.server.revoke(0);
    world.refresh();
    world.advance(secs(1));
    assert_eq!((world.state(), &world.broadcast), (State::Ending, &expected));
    world.sign_out();
    expected.push(stored(&world));
    assert_eq!(world.broadcast, expected);
    world.sign_in("bob");
    expected.push(stored(&world));
    assert_eq!(world.broadcast, expected);
}

/// An echo would go round for ever.
#[test]
fn what_others_have_stored_is_not_announced() {
    let mut world = signed_in();
    world.broadcast.clear();
    world.rotate_elsewhere();
    world.announce_elsewhere();
    world.rotate_elsewhere();
    world.wake(Wake::Shown);
    world.server.script.push_back(Reply::Fixed(answer(503, "")));
    world.refresh();
    world.advance(ms(300));
    world.sign_out_elsewhere();
    world.announce_elsewhere();
    world.advance(secs(1));
    assert_eq!((world.count("adopted"), world.ends().len()), (2, 1));
    assert_eq!(world.broadcast, [""; 0]);
}

#[test]
fn what_could_not_be_stored_is_not_announced() {
    let mut world = World::new();
    world.store.mode = Mode::Failing;
    world.sign_in("ada");
    assert_eq!(world.broadcast, [""; 0]);
    world.store.mode = Mode::Sync;
    world.advance(secs(5));
    assert_eq!(world.broadcast, [stored(&world)]);
}

/// A late answer is stored for the next page; this one says nothing any more, and hears nothing.
#[test]
fn after_a_dispose_nothing_is_said_and_nothing_heard() {
    let mut world = signed_in();
    world.sleep(minutes(20));
    world.need();
    world.broadcast.clear();
    world.input(Input::Dispose);
    world.advance(secs(1));
    assert!(world.store.holds("refresh.0.1"));
    let reads = world.store.reads;
    world.rotate_elsewhere();
    world.announce_elsewhere();
    world.advance(hours(1));
    assert_eq!((world.store.reads, world.armed()), (reads, None));
    assert_eq!(world.broadcast, [""; 0]);
}

#[test]
fn a_page_whose_store_nobody_shares_neither_tells_nor_hears() {
    let mut world = World::with(|options| options.number("shared", 0.0).unwrap());
    world.sign_in("ada");
    world.advance(minutes(30));
    world.rotate_elsewhere();
    let reads = world.store.reads;
    world.announce_elsewhere();
    assert_eq!((world.store.reads, world.broadcast.len()), (reads, 0));
}

/// Word that comes while the store is read for the first time is followed by a look after it.
#[test]
fn word_that_comes_before_the_store_is_read_is_not_forgotten() {
    let mut before = signed_in();
    before.store.mode = Mode::Delayed(500);
    let mut world = before.reload(2);
    world.advance(ms(400));
    let old = world.store.text.clone().unwrap();
    world.rotate_elsewhere();
    world.announce_elsewhere();
    let new = world.store.text.replace(old).unwrap();
    world.advance(ms(100));
    assert_eq!(world.generation(), Generation(1), "what the read had seen");
    world.store.text = Some(new);
    world.advance(ms(500));
    assert_eq!(world.generation(), Generation(2));
}

/// The message that tells of what the store holds: nothing else is in it.
fn stored(world: &World) -> String {
    let Order { epoch, generation } = world.record().stamp().order();
    format!(r#"{{"v":1,"epoch":{},"generation":{}}}"#, epoch.0, generation.0)
}

fn signed_in() -> World {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world
}

/// What was refused is not what is held by then.
#[test]
fn a_refusal_does_not_outlast_the_pair_that_it_was_of() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(answer(400, r#"{"error":"invalid_grant"}"#)));
    world.store.mode = Mode::Delayed(10);
    let call = world.need();
    world.advance(ms(100));
    world.rotate_elsewhere();
    let mut record = world.record();
    record.session.as_mut().expect("a session").access = None;
    world.put(record.clone());
    world.advance_until(secs(1), |world| world.count("refreshFailed") == 1);
    world.input(Input::Notice(Notice { epoch: record.epoch, generation: Generation(9) }.encode()));
    world.advance(secs(3));
    world.expect(call, Settled::Done);
    assert_eq!((world.state(), world.ends()), (State::Active, vec![]));
}

/// The store has taken it when its time was over, so that nobody was told.
#[test]
fn a_pair_that_was_stored_late_is_told_of_at_the_next_look() {
    let mut world = World::new();
    world.store.mode = Mode::Delayed(2_500);
    world.sign_in("ada");
    world.advance(secs(3));
    assert_eq!(world.broadcast.len(), 0);
    world.store.mode = Mode::Sync;
    world.wake(Wake::Shown);
    assert_eq!(world.broadcast, [stored(&world)]);
}
