//! A page that is loaded begins with what the store holds.
use crate::common::*;

#[test]
fn a_good_token_is_used_without_a_request() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(5));
    let ends = world.snapshot().expires_at;
    let mut world = world.reload(2);
    assert_eq!((world.state(), world.snapshot().expires_at), (State::Active, ends));
    assert_eq!(world.snapshot().subject.as_deref(), Some("ada"));
    let call = world.need();
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.events.len()), (0, 0), "no login event");
    world.advance(minutes(6));
    assert_eq!(world.requests(), 1, "the schedule goes on where it was");
}

/// A page asks for its data as soon as it is loaded, and the token it finds may have been revoked meanwhile.
#[test]
fn a_401_right_after_the_load_is_recovered_from() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(5));
    let mut world = world.reload(2);
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
}

/// TM3: one refresh, and no event of a login.
#[test]
fn an_expired_token_is_refreshed_once() {
    let mut world = World::new();
    world.sign_in("ada");
    world.sleep(hours(8));
    let mut world = world.reload(2);
    assert_eq!((world.state(), world.requests()), (State::Stale, 1));
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.event_names()), (1, vec!["refreshed"]));
}

/// RC6, NE9: all that is asked in the first turn is answered once the store has been read.
#[test]
fn calls_before_the_store_is_read_wait_for_it() {
    for left in [-1_000, 1_000, 30_000, 89_000] {
        let mut world = World::new();
        world.sign_in("ada");
        world.sleep(Millis((900_000 - left) as u64));
        world.store.mode = Mode::Delayed(300);
        let mut world = world.reload(2);
        let calls: Vec<CallId> = (0..10).map(|_| world.need()).collect();
        world.wake(Wake::Shown);
        assert_eq!(world.state(), State::Restoring);
        world.advance(secs(2));
        for call in calls {
            world.expect(call, Settled::Done);
        }
        assert_eq!(world.requests(), 1, "{left}");
    }
}

/// CK6: a hundred reloads neither refresh nor shift anything.
#[test]
fn reloads_do_not_wear_the_session() {
    let mut world = World::new();
    world.clock.ahead = 1_800_000;
    world.server.lifetime = 7_200;
    world.sign_in("ada");
    world.advance(secs(5));
    world.refresh();
    world.advance(secs(5));
    let (ends, offset) = (world.snapshot().expires_at, world.record().offset);
    for seed in 0..100 {
        world.advance(secs(30));
        world = world.reload(seed);
        assert_eq!((world.snapshot().expires_at, world.record().offset), (ends, offset));
    }
    assert_eq!(world.requests(), 1);
}

/// ST4, NE8: nothing that a store can hold throws, sends or is taken for a session.
#[test]
fn broken_and_foreign_content_is_no_session() {
    let mut world = World::new();
    world.sign_in("ada");
    let good = world.store.text.clone().unwrap();
    let mut texts: Vec<String> = (0..good.len()).map(|end| good[..end].to_owned()).collect();
    let edits = [
        ("\"schema\":1", "\"schema\":0"),
        ("\"schema\":1", "\"schema\":\"1\""),
        ("\"name\":\"default\"", "\"name\":\"other\""),
        ("\"epoch\":1", "\"epoch\":-1"),
        ("\"epoch\":1", "\"epoch\":1e99"),
        ("\"generation\":1", "\"generation\":null"),
        ("\"session\":\"", "\"session\":\"zz"),
    ];
    texts.extend(edits.map(|(from, to)| good.replacen(from, to, 1)));
    texts.extend(["null", "[]", "5", "\"x\"", "{}", "<html>", "[object Object]"].map(str::to_owned));
    texts.push("[".repeat(100_000));
    texts.push("x".repeat(5_000_000));
    for text in texts {
        let mut world = World::unread(|_| {}, 1);
        world.store.put(&*text);
        world.boot();
        let shown: String = text.chars().take(200).collect();
        assert_eq!((world.state(), world.requests()), (State::SignedOut, 0), "{shown}");
        let call = world.sign_out();
        world.expect(call, Settled::Done);
        let call = world.sign_in("bob");
        world.expect(call, Settled::Started);
        assert_eq!(world.reload(2).state(), State::Active, "{shown}");
    }
}

/// A part that is broken costs that part.
#[test]
fn a_record_whose_access_token_is_broken_is_refreshed() {
    for (from, to) in [
        ("\"token\":\"", "\"token\":\"a b"),
        ("\"scheme\":\"Bearer\"", "\"scheme\":\"DPoP\""),
        ("\"received\":", "\"received\":\"x\",\"r\":"),
        ("\"access\":[", "\"access\":[5,"),
    ] {
        let mut world = World::new();
        world.sign_in("ada");
        let broken = world.store.text.clone().unwrap().replacen(from, to, 1);
        world.store.put(broken);
        let mut world = world.reload(2);
        assert_eq!(world.state(), State::Stale, "{to}");
        world.advance(secs(1));
        assert_eq!(world.state(), State::Active, "{to}");
    }
}

/// A newer version's record is read-only.
#[test]
fn a_record_of_a_newer_version_is_left_alone() {
    let mut world = World::unread(|_| {}, 1);
    let newer = r#"{"schema":2,"name":"default","session":{"id":1},"epoch":9}"#;
    world.store.put(newer);
    world.boot();
    assert_eq!((world.state(), world.count("persistFailed")), (State::SignedOut, 1));
    let call = world.sign_in("ada");
    world.expect(call, Settled::Started);
    world.advance(hours(1));
    assert_eq!(world.state(), State::Active);
    let call = world.sign_out();
    world.expect(call, Settled::Done);
    assert_eq!((world.store.text.as_deref(), world.store.writes), (Some(newer), 0));
}

/// A clock that was wrong when the record was written.
#[test]
fn a_record_from_the_future_gives_its_token_one_life_at_most() {
    let mut world = World::new();
    world.clock.ahead = 3_600_000 * 24 * 365;
    world.sign_in("ada");
    world.clock.ahead = 0;
    let mut world = world.reload(2);
    assert_eq!(world.state(), State::Active);
    world.server.always = Some(Reply::Unreachable);
    world.advance(minutes(15));
    assert_eq!(world.state(), State::Stale);
}

/// `persist: 'refresh'`: the access token never reaches the store.
#[test]
fn with_persist_refresh_a_reload_begins_with_a_refresh() {
    let mut world = World::with(|options| options.text("persist", "refresh".into()).unwrap());
    world.sign_in("ada");
    assert!(world.store.holds("refresh.0.0") && !world.store.holds("eyJ"));
    let mut world = world.reload(2);
    assert_eq!((world.state(), world.requests()), (State::Stale, 1));
    world.advance(secs(1));
    assert_eq!(world.state(), State::Active);
    assert!(world.store.holds("refresh.0.1") && !world.store.holds("eyJ"));
}

#[test]
fn restoring_twice_is_once() {
    let mut world = World::new();
    world.sign_in("ada");
    let reads = world.store.reads;
    world.boot();
    assert_eq!((world.store.reads, world.state()), (reads, State::Active));
}

/// A store that is slow at the start is not an empty one.
#[test]
fn a_record_that_comes_late_still_counts() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Delayed(5_000);
    let mut world = world.reload(2);
    world.advance(secs(3));
    assert_eq!(world.state(), State::SignedOut, "nobody waits for ever");
    world.advance(secs(3));
    assert_eq!(world.state(), State::Active);
    let call = world.need();
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 0);
}

/// Two looks are answered late: what the second shows is newer, and counts, though the first has just begun the session.
#[test]
fn a_late_first_look_does_not_hide_a_later_one() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Hanging;
    let mut world = world.reload(2);
    world.advance(secs(3));
    world.wake(Wake::Shown);
    world.advance(secs(3));
    assert_eq!(world.state(), State::SignedOut);
    let shown = |world: &World| world.store.text.clone().map(Secret::new);
    let adas = shown(&world);
    world.input(Input::StoreRead { op: StoreOp(1), text: adas, fence: None });
    assert_eq!(world.snapshot().subject.as_deref(), Some("ada"));
    world.sign_in_elsewhere("bob");
    let bobs = shown(&world);
    world.input(Input::StoreRead { op: StoreOp(2), text: bobs, fence: None });
    assert_eq!(world.snapshot().subject.as_deref(), Some("bob"));
}

/// A token's life runs from when it was handed over, not from when the store had been read.
#[test]
fn a_token_handed_over_before_the_store_is_read_lives_from_then() {
    let mut world = World::unread(|_| {}, 1);
    world.store.mode = Mode::Delayed(1_500);
    world.boot();
    let handed_over = world.clock.now().wall;
    world.sign_in("ada");
    world.advance(secs(3));
    let expires = world.snapshot().expires_at.unwrap();
    assert_eq!(expires.since(handed_over), secs(world.server.lifetime));
}

/// A sign-out counts for a session that the store has not shown yet.
#[test]
fn a_sign_out_before_a_late_record_ends_it() {
    let mut world = World::new();
    world.sign_in("ada");
    world.store.mode = Mode::Delayed(5_000);
    let mut world = world.reload(2);
    world.advance(secs(3));
    world.sign_out();
    world.advance(secs(20));
    assert_eq!(world.state(), State::SignedOut);
    assert!(!world.store.holds("access"), "{:?}", world.store.text);
}
