//! When a token that nobody uses is refreshed ahead of its end.
use crate::common::*;

/// The lead is drawn from [300 s, 360 s]: at least the lead, at most a fifth more.
#[test]
fn a_token_of_15_minutes_is_refreshed_300_to_360_seconds_before_its_end() {
    let leads = leads(900, |_| {});
    assert_spread(&leads, 300_000, 360_000);
}

#[test]
fn a_token_of_30_minutes_with_a_lead_of_600_is_refreshed_600_to_720_seconds_before_its_end() {
    let leads = leads(1_800, |options| options.number("lead", 600_000.0).unwrap());
    assert_spread(&leads, 600_000, 720_000);
}

/// The lead is at most 40 % of the life.
#[test]
fn a_short_token_is_refreshed_in_the_last_half_of_its_life() {
    let leads = leads(100, |_| {});
    assert_spread(&leads, 40_000, 48_000);
}

#[test]
fn a_lead_of_zero_refreshes_at_the_end() {
    let leads = leads(900, |options| options.number("lead", 0.0).unwrap());
    assert!(leads.iter().all(|lead| *lead == 0), "{leads:?}");
}

/// The draw is made once per token, not once per look.
#[test]
fn the_moment_does_not_move_while_it_is_waited_for() {
    let mut world = World::new();
    world.sign_in("ada");
    let planned = world.snapshot().refresh_at;
    for _ in 0..50 {
        world.advance(secs(10));
        world.need();
        world.wake(Wake::Focus);
        assert_eq!(world.snapshot().refresh_at, planned);
    }
    world.advance(minutes(5));
    let sent = world.server.times()[0] as i64 + START;
    assert_eq!(Some(UnixMillis(sent)), planned);
}

/// `checkInterval`: no armed delay is longer, and a check costs no request.
#[test]
fn no_timer_is_armed_for_longer_than_the_check_interval() {
    for interval in [1_000.0, 120_000.0] {
        let mut world = World::with(|options| options.number("checkInterval", interval).unwrap());
        world.server.lifetime = 86_400 * 400;
        world.sign_in("ada");
        world.advance(hours(2));
        assert_eq!(world.longest_delay, Millis(interval as u64));
        assert_eq!(world.requests(), 0);
    }
}

#[test]
fn without_a_check_interval_the_one_timer_is_the_refresh() {
    let mut world = World::with(|options| options.number("checkInterval", 0.0).unwrap());
    world.sign_in("ada");
    let delay = world.armed().expect("a timer");
    assert!((secs(540)..=secs(600)).contains(&delay), "{delay:?}");
    world.advance(delay);
    assert_eq!(world.requests(), 1);
}

/// TM1: far deadlines neither fire at once nor never.
#[test]
fn a_far_end_never_fires_early_and_fires_in_the_end() {
    const YEAR_9999: u64 = 251_000_000_000;
    for lifetime in [2_142_720, 2_160_000, 86_400 * 30, 86_400 * 400, YEAR_9999, 1 << 53] {
        let mut world = World::new();
        world.server.lifetime = lifetime;
        world.sign_in("ada");
        world.advance(hours(24));
        assert_eq!(world.requests(), 0, "{lifetime}");
        assert!(world.longest_delay.0 < 1 << 31, "{lifetime}");
        assert_eq!(world.state(), State::Active, "{lifetime}");
    }
    let mut world = World::new();
    world.server.lifetime = 86_400 * 30;
    world.sign_in("ada");
    world.advance_to_end(secs(361));
    assert_eq!(world.requests(), 0);
    world.advance(secs(61));
    assert_eq!(world.requests(), 1);
}

/// How long before its end the first token is refreshed, for many seeds.
fn leads(lifetime: u64, change: impl Fn(&mut Options)) -> Vec<u64> {
    let leads = (0..500).map(|seed| {
        let mut world = World::unread(&change, seed);
        world.boot();
        world.server.lifetime = lifetime;
        world.sign_in("ada");
        let end = world.clock.elapsed + lifetime * 1_000;
        world.advance(Millis(lifetime * 1_000 + 1));
        end.saturating_sub(world.server.times()[0])
    });
    leads.collect()
}

#[track_caller]
fn assert_spread(leads: &[u64], low: u64, high: u64) {
    assert!(leads.iter().all(|lead| (low..=high).contains(lead)), "{leads:?}");
    let tenth = (high - low) / 10;
    assert!(leads.iter().any(|lead| *lead < low + tenth), "none near {low}");
    assert!(leads.iter().any(|lead| *lead > high - tenth), "none near {high}");
    let mean = leads.iter().sum::<u64>() / leads.len() as u64;
    assert!(mean.abs_diff(low.midpoint(high)) < tenth, "the mean is {mean}");
}
