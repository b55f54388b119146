//! What was read or claimed is acted on at once or not at all: a tab can be frozen between any two steps.
use crate::common::*;

type Pass = fn(&mut World);

/// More than two seconds pass without a step, by either clock, or something wakes the page.
const PASSES: [(&str, Pass); 6] = [
    ("frozen", |world| world.sleep(secs(3))),
    ("asleep", |world| world.sleep_without_monotonic(secs(3))),
    ("set ahead", |world| world.set_wall(3_600_000)),
    ("set back", |world| world.set_wall(-3_600_000)),
    ("focused", |world| world.wake(Wake::Focus)),
    ("shown", |world| world.wake(Wake::Shown)),
];

/// Frozen while the store is read (100 ms) or while the claim is written (300 ms).
const STEPS: [u64; 2] = [100, 300];

#[test]
fn whoever_comes_late_to_its_sending_reads_and_claims_again() {
    for at in STEPS {
        for (name, pass) in PASSES {
            let mut world = approaching(at);
            let (reads, claims) = (world.store.reads, world.count_deeds("claim"));
            pass(&mut world);
            world.advance(ms(150));
            assert_eq!(world.requests(), 0, "{name} at {at} ms");
            world.advance(secs(2));
            assert_eq!((world.requests(), world.state()), (1, State::Active), "{name} at {at} ms");
            assert_eq!(world.ends(), [], "{name} at {at} ms");
            assert!(world.store.reads > reads, "{name} at {at} ms: not read again");
            if at == STEPS[1] {
                assert_eq!(world.count_deeds("claim"), claims + 1, "{name} at {at} ms: not claimed again");
            }
        }
    }
}

/// The claim that counts is young when the request goes out.
#[test]
fn no_request_goes_out_with_an_old_claim() {
    for at in STEPS {
        for (name, pass) in PASSES {
            let mut world = approaching(at);
            pass(&mut world);
            world.advance_until(secs(5), |world| world.requests() == 1);
            let sent = START + world.server.times()[0] as i64 + world.clock.ahead;
            let claim = world.record().claim.map_or(0, |claim| claim.at.0);
            assert!((0..=2_000).contains(&(sent - claim)), "{name} at {at} ms: {}", sent - claim);
        }
    }
}

/// MT8: while it was frozen another tab has refreshed; nothing is sent.
#[test]
fn whoever_was_overtaken_meanwhile_adopts_and_sends_nothing() {
    for at in STEPS {
        for (name, pass) in PASSES {
            let mut world = approaching(at);
            pass(&mut world);
            world.rotate_elsewhere();
            world.advance(secs(5));
            assert_eq!((world.requests(), world.state()), (0, State::Active), "{name} at {at} ms");
            assert_eq!((world.count("adopted"), world.ends()), (1, vec![]), "{name} at {at} ms");
            assert_eq!(world.unsettled(), 0);
        }
    }
}

/// And whoever slept through a sign-out ends.
#[test]
fn whoever_slept_through_a_sign_out_sends_nothing() {
    for at in STEPS {
        for (name, pass) in PASSES {
            let mut world = approaching(at);
            pass(&mut world);
            world.sign_out_elsewhere();
            world.advance(secs(5));
            assert_eq!(world.requests(), 0, "{name} at {at} ms");
            assert_eq!(world.ends(), [EndReason::SignedOutElsewhere], "{name} at {at} ms");
        }
    }
}

/// Two seconds are enough for a slow store.
#[test]
fn a_turn_that_takes_less_than_two_seconds_goes_through() {
    let mut world = World::expired();
    world.store.mode = Mode::Delayed(1_900);
    world.need();
    world.advance(secs(4));
    assert_eq!((world.requests(), world.store.reads), (1, 2));
}

/// A page that is hardly ever run does not get through; the schedule goes on.
#[test]
fn a_page_that_is_always_late_gives_up_for_now() {
    let mut world = World::expired();
    world.store.mode = Mode::Delayed(100);
    let call = world.need();
    for _ in 0..3 {
        world.sleep(secs(3));
        world.advance(ms(100));
        world.expect_waiting(call);
    }
    world.sleep(secs(3));
    world.advance(ms(100));
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!((error.cause, world.requests(), world.ends()), (Some(Cause::Elsewhere), 0, vec![]));
    assert!(error.retry_at.is_some());
    world.advance(secs(31));
    assert_eq!((world.requests(), world.state(), world.lock), (1, State::Active, None));
}

/// With the lock, other tabs wait for a page that thaws; it tells nobody of a claim that it has not used.
#[test]
fn a_claim_that_was_not_used_is_taken_back() {
    let mut world = approaching(STEPS[1]);
    world.server.always = Some(Reply::Unreachable);
    for _ in 0..5 {
        world.sleep(secs(3));
        world.advance(ms(200));
    }
    world.advance(secs(1));
    assert_eq!((world.record().claim, world.lock), (None, None));
}

/// Without other tabs time is no matter.
#[test]
fn a_page_whose_store_nobody_shares_sends_as_late_as_it_comes() {
    let mut world = World::with(|options| {
        for option in ["lock", "shared"] {
            options.number(option, 0.0).unwrap();
        }
    });
    world.sign_in("ada");
    world.sleep(minutes(20));
    world.store.mode = Mode::Delayed(100);
    world.need();
    world.sleep(secs(3));
    world.advance(ms(100));
    assert_eq!((world.requests(), world.store.reads), (1, 2));
}

/// A caller wants a token, and the turn has come so far; each operation of the store takes 200 ms.
fn approaching(at: u64) -> World {
    let mut world = World::expired();
    world.store.mode = Mode::Delayed(200);
    world.need();
    world.advance(Millis(at));
    assert_eq!((world.requests(), world.lock.is_some()), (0, true));
    world
}
