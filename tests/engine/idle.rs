//! `whenIdle: 'lapse'`: a session that nobody uses is not kept alive.
use crate::common::*;

#[test]
fn a_session_that_nobody_uses_is_not_refreshed() {
    let mut world = lapsing(minutes(30));
    world.advance(hours(24));
    let last = world.server.times().last().copied().unwrap_or_default();
    assert!(last < minutes(30).0 + 5_000, "{last}");
    assert!(world.requests() > 0, "until then it is");
    assert_eq!((world.state(), world.ends()), (State::Stale, vec![]));
    let mut kept = World::new();
    kept.sign_in("ada");
    kept.advance(hours(24));
    assert_eq!(kept.state(), State::Active, "unless the app says so");
}

#[test]
fn a_use_refreshes_and_the_schedule_begins_again() {
    let mut world = lapsing(minutes(30));
    world.advance(hours(24));
    let requests = world.requests();
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), requests + 1);
    world.advance(minutes(20));
    assert_eq!(world.requests(), requests + 3);
}

/// Nor is a refresh that has failed tried again by itself.
#[test]
fn the_schedule_after_failures_lapses_too() {
    let mut world = lapsing(minutes(30));
    world.server.always = Some(Reply::Fixed(answer(503, "")));
    world.advance(minutes(40));
    let requests = world.requests();
    assert!(requests > 4);
    world.advance(hours(10));
    assert_eq!(world.requests(), requests);
    world.server.always = None;
    let call = world.force();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
}

type Act = fn(&mut World);

#[test]
fn what_a_person_does_is_use() {
    let uses: [(&str, Act); 5] = [
        ("touch", |world| world.input(Input::Touch)),
        ("need", |world| {
            world.need();
        }),
        ("refresh", |world| {
            world.refresh();
        }),
        ("401", |world| {
            world.unauthorized();
        }),
        ("start", |world| world.input(Input::Start)),
    ];
    for (name, act) in uses {
        let mut world = lapsing(minutes(30));
        for _ in 0..12 {
            world.advance(minutes(20));
            act(&mut world);
            world.advance(secs(5));
        }
        assert_eq!(world.state(), State::Active, "{name}");
        assert!(world.requests() > 12, "{name}: {}", world.requests());
    }
}

#[test]
fn what_the_page_does_by_itself_is_no_use() {
    let acts: [(&str, Act); 5] = [
        ("focus", |world| world.wake(Wake::Focus)),
        ("hidden and shown", |world| {
            world.wake(Wake::Hidden);
            world.wake(Wake::Shown);
        }),
        ("online", |world| world.wake(Wake::Online)),
        ("another tab", |world| world.announce_elsewhere()),
        ("tick", |world| world.input(Input::Tick)),
    ];
    for (name, act) in acts {
        let mut world = lapsing(minutes(30));
        for _ in 0..40 {
            world.advance(minutes(5));
            act(&mut world);
        }
        let last = world.server.times().last().copied().unwrap_or_default();
        assert!(last < minutes(30).0 + 5_000, "{name}: {last}");
        assert_eq!(world.state(), State::Stale, "{name}");
    }
}

/// A request with a good token asks nobody: the verdict makes its holder ask now and then.
#[test]
fn the_use_of_good_tokens_is_heard_of_every_quarter_of_the_time() {
    let mut world = lapsing(minutes(30));
    world.server.lifetime = 86_400;
    world.sign_in("ada");
    for _ in 0..50 {
        let now = world.clock.now();
        let until = world.verdict.as_ref().and_then(|verdict| verdict.until).expect("a bound");
        assert_eq!(until.mono.since(now.mono), secs(450));
        assert_eq!(until.wall.since(now.wall), secs(450));
        world.advance(secs(450));
        let call = world.need();
        world.expect(call, Settled::Done);
    }
    let mut kept = World::new();
    kept.server.lifetime = 86_400;
    kept.sign_in("ada");
    let until = kept.verdict.as_ref().and_then(|verdict| verdict.until).expect("a bound");
    assert!(until.mono.since(kept.clock.now().mono) > hours(23), "else its end is all that matters");
}

/// A page that sends with the verdict for as long as that allows, once a second.
#[test]
fn a_page_that_is_used_all_the_time_never_lapses() {
    for idle_after in [minutes(1), minutes(30)] {
        let mut world = lapsing(idle_after);
        for _ in 0..3 * 3_600 {
            world.advance(secs(1));
            let now = world.clock.now().mono;
            let verdict = world.verdict.as_ref().expect("a good token at every moment");
            if verdict.until.is_some_and(|until| until.mono <= now) {
                let call = world.need();
                world.expect(call, Settled::Done);
            }
        }
        assert_eq!(world.engine.metrics().waited, 0, "{idle_after:?}");
        assert_eq!(world.engine.metrics().proactive as usize, world.requests(), "{idle_after:?}");
    }
}

/// Zero is legal: then only use refreshes.
#[test]
fn no_idle_time_at_all_means_refreshes_on_use_only() {
    let mut world = lapsing(Millis::ZERO);
    world.advance(hours(2));
    assert_eq!((world.requests(), world.state()), (0, State::Stale));
    let call = world.need();
    world.advance(secs(1));
    world.expect(call, Settled::Done);
    let again = world.need();
    world.expect(again, Settled::Done);
    world.advance(minutes(14));
    assert_eq!(world.requests(), 1);
}

/// A page that is loaded is used, however late in its life the app makes its manager.
#[test]
fn a_stale_session_is_refreshed_after_a_reload() {
    let mut world = lapsing(minutes(1));
    world.sleep(hours(2));
    let mut world = world.reload(2);
    world.advance(secs(1));
    assert_eq!((world.state(), world.requests()), (State::Active, 1));
}

/// Whether there is a session at all is asked also where only use refreshes.
#[test]
fn a_cookie_session_is_resumed_after_a_reload() {
    for idle_after in [Millis::ZERO, minutes(1), minutes(30)] {
        let mut world = World::unread(
            |options| {
                options.text("whenIdle", "lapse".into()).unwrap();
                options.number("idleAfter", idle_after.0 as f64).unwrap();
                cookie(options);
            },
            1,
        );
        world.server.sign_in("ada", world.clock.truth());
        world.store.mode = Mode::Delayed(50);
        world.sleep(hours(2));
        world.boot();
        world.advance(secs(1));
        assert_eq!((world.state(), world.requests()), (State::Active, 1), "{idle_after:?}");
    }
}

fn lapsing(idle_after: Millis) -> World {
    let mut world = World::with(|options| {
        options.text("whenIdle", "lapse".into()).expect("a valid option");
        options.number("idleAfter", idle_after.0 as f64).expect("a valid option");
    });
    world.sign_in("ada");
    world
}
