//! A token's life is a duration from receipt, on the monotonic and the wall clock; the sooner end counts.
use crate::common::*;

/// CK1, CK2, T20: a wrong clock changes nothing, by however much.
#[test]
fn a_wrong_wall_clock_changes_no_refresh() {
    let right = a_day_with(|_| {});
    let hours = [1, 24, 24 * 365 * 10, 24 * 365 * 55];
    for skew in hours.into_iter().flat_map(|hours| [hours, -hours]).map(|hours| hours * 3_600_000 + 60_000) {
        let skewed = a_day_with(|world| world.clock.ahead = skew);
        assert_eq!(skewed, right, "{skew} ms ahead");
    }
}

/// CK1: the same without `expires_in`; `exp − iat` is a duration too.
#[test]
fn a_wrong_wall_clock_changes_nothing_for_bare_jwts() {
    let right = a_day_with(|world| world.server.says_life = false);
    for skew in [-86_400_000, -3_540_000, 3_540_000, 86_400_000] {
        let skewed = a_day_with(|world| {
            world.server.says_life = false;
            world.clock.ahead = skew;
        });
        assert_eq!(skewed, right, "{skew} ms ahead");
    }
}

/// CK5: `iat` and `nbf` in the future are no reason not to use a token.
#[test]
fn a_token_from_the_future_is_used() {
    let mut world = World::new();
    let token = jwt_of(r#"{"sub":"ada","iat":1767290000,"nbf":1767290000,"exp":1767293600}"#);
    world.set_tokens(&format!(r#"{{"access_token":"{token}"}}"#), SessionMode::Auto);
    assert_eq!((world.state(), world.bearer()), (State::Active, Some(&*token)));
    let life = world.snapshot().expires_at.map(|ends| ends.since(world.clock.now().wall));
    assert_eq!(life, Some(hours(1)));
}

#[test]
fn the_shortest_life_that_is_named_counts() {
    let issued = START / 1_000;
    for (response, expected) in [
        (format!(r#""access_token":"{}","expires_in":3600"#, jwt("ada", issued, 600, 1)), Some(600)),
        (format!(r#""access_token":"{}","expires_in":60"#, jwt("ada", issued, 600, 1)), Some(60)),
        (format!(r#""access_token":"{}","expires_at":1"#, jwt("ada", issued, 600, 1)), Some(600)),
        (r#""access_token":"opaque","expires_in":"90""#.to_owned(), Some(90)),
        (format!(r#""access_token":"opaque","expires_at":{}"#, issued + 65), Some(60)),
        (r#""access_token":"opaque""#.to_owned(), None),
        (format!(r#""access_token":"{}""#, jwt_of(r#"{"exp":1700000000}"#)), None),
    ] {
        let mut world = World::new();
        world.set_tokens(&format!("{{{response}}}"), SessionMode::Auto);
        let life = world.snapshot().expires_at.map(|ends| ends.since(world.clock.now().wall));
        assert_eq!(life, expected.map(secs), "{response}");
    }
}

/// Without a duration the end is measured against the server's time, once that is known; it is stored.
#[test]
fn an_end_that_is_only_a_date_is_read_by_the_servers_clock() {
    let mut world = World::with(|options| options.text("refresh.kind", "endpoint".into()).unwrap());
    world.clock.ahead = 7_200_000;
    world.sign_in("ada");
    world.advance(minutes(1));
    world.refresh();
    world.advance(secs(1));
    let offset = world.record().offset.expect("a learnt offset");
    assert!((offset + 7_200_000).abs() <= 1_100, "{offset}");
    let mut world = world.reload(2);
    expect_the_servers_time_to_be_known(&mut world);
}

/// What is known of the server's time stays known when this machine's clock is set back.
#[test]
fn the_servers_time_is_still_known_after_the_clock_is_set_back() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(minutes(1));
    world.refresh();
    world.advance(secs(1));
    world.set_wall(-3_600_000);
    expect_the_servers_time_to_be_known(&mut world);
}

/// A token of which only the end is told, ten minutes from the server's now, has ten minutes to live.
#[track_caller]
fn expect_the_servers_time_to_be_known(world: &mut World) {
    let ends = world.clock.truth() / 1_000 + 600;
    let body = format!(r#"{{"access_token":"{}"}}"#, jwt_of(&format!(r#"{{"exp":{ends}}}"#)));
    world.set_tokens(&body, SessionMode::New);
    let life = world.snapshot().expires_at.map(|ends| ends.since(world.clock.now().wall));
    assert!(life.is_some_and(|life| life.0.abs_diff(600_000) <= 2_100), "{life:?}");
}

/// CK2: of a clock that is set back nothing is gained.
#[test]
fn a_clock_set_back_does_not_keep_a_token_alive() {
    for back in [-3_600_000, -86_400_000 * 365] {
        let mut world = World::new();
        world.sign_in("ada");
        world.server.always = Some(Reply::Unreachable);
        world.advance(minutes(5));
        world.set_wall(back);
        world.advance(ms(599_999));
        assert_eq!(world.state(), State::Active);
        world.advance(ms(1));
        assert_eq!(world.state(), State::Stale, "{back}");
        assert_eq!(world.bearer(), None);
    }
}

/// A jump ahead may be a sleep in which the monotonic clock stood still: the token is not used beyond it.
#[test]
fn a_clock_that_jumped_ahead_ends_the_token() {
    let mut world = World::new();
    world.sign_in("ada");
    world.set_wall(3_600_000);
    let call = world.need();
    world.expect_waiting(call);
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 1);
}

/// CK3: a clock that is set to and fro makes no loop.
#[test]
fn a_clock_that_jumps_to_and_fro_makes_no_storm() {
    let mut world = World::new();
    world.server.lifetime = 3_600;
    world.sign_in("ada");
    for jump in [1, -1, 1, 1, -1, -1, -1, 1, -1, 1] {
        world.set_wall(jump * 3_600_000);
        world.advance(minutes(24));
        let call = world.need();
        world.expect(call, Settled::Done);
    }
    assert!(world.requests() <= 4 + 5, "{}", world.requests());
    assert_eq!(world.count("refreshFailed"), 0);
}

/// The holder of a good token is told anew when the clocks part.
#[test]
fn a_jump_of_the_wall_clock_renews_the_verdict() {
    let mut world = World::new();
    world.sign_in("ada");
    let until = |world: &World| world.verdict.as_ref().and_then(|verdict| verdict.until);
    let before = until(&world).expect("a known end");
    world.set_wall(-600_000);
    world.input(Input::Tick);
    let after = until(&world).expect("a known end");
    assert_eq!(after.mono, before.mono);
    assert_eq!(after.wall, UnixMillis(before.wall.0 - 600_000));
}

/// Also of a token whose end nobody knows: its holder compares the clocks with the moment of the verdict.
#[test]
fn a_jump_of_the_wall_clock_renews_the_verdict_on_an_endless_token_too() {
    let mut world = World::new();
    world.set_tokens(r#"{"access_token":"opaque"}"#, SessionMode::Auto);
    world.advance(minutes(1));
    world.set_wall(-600_000);
    world.input(Input::Tick);
    let verdict = world.verdict.as_ref().expect("a good token");
    assert_eq!((verdict.until, verdict.checked), (None, world.clock.now()));
}

/// The instants of all refreshes of a day, by the server's clock.
fn a_day_with(change: impl FnOnce(&mut World)) -> Vec<u64> {
    let mut world = World::unread(|_| {}, 1);
    world.server.lifetime = 3_600;
    change(&mut world);
    world.boot();
    world.sign_in("ada");
    for _ in 0..24 * 12 {
        world.advance(minutes(5));
        let call = world.need();
        world.expect(call, Settled::Done);
    }
    assert!((24..=30).contains(&world.requests()), "{}", world.requests());
    assert_eq!((world.ends(), world.count("refreshFailed")), (vec![], 0));
    world.server.times()
}

/// What the store took late is stored, and what other tabs have made of it since is newer.
#[test]
fn a_sign_in_that_was_stored_late_is_not_stored_over_its_own_successor() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    world.sign_in_stored_late("bob");
    world.rotate_elsewhere();
    let record = world.record();
    world.advance(minutes(1));
    assert_eq!(world.record().stamp(), record.stamp());
    assert_eq!((world.generation(), world.count("adopted")), (record.generation, 1));
}
