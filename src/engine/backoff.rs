//! When to try again.

use super::config::Config;
use super::jitter::Jitter;
use super::time::{Millis, Mono};

/// The delay before retry `number` (1 is the first) of a flight: `retry_delay · 2^(number − 1)` up to the cap, drawn
/// from its upper half, never below what the server asked for.
pub fn retry_delay(config: &Config, number: u32, asked: Option<Millis>, jitter: &mut Jitter) -> Millis {
    let delay = config.retry_delay.doubled(number.saturating_sub(1), config.retry_cap);
    spread(delay, jitter).max(asked.unwrap_or_default())
}

fn spread(delay: Millis, jitter: &mut Jitter) -> Millis {
    jitter.between(Millis(delay.0.div_ceil(2)), delay)
}

/// What a flight that failed has met.
#[derive(Clone, Copy, Debug)]
pub struct Met {
    /// The server said something, so it sets the pace.
    pub answered: bool,
    /// How long the token held is still good, if it is.
    pub left: Option<Millis>,
    /// How long before its end it is refreshed when nothing fails.
    pub lead: Millis,
}

/// The schedule after a flight has failed: it goes on until success, refusal or sign-out.
#[derive(Clone, Debug, Default)]
pub struct Background {
    /// When failing began, or the last wake since.
    since: Option<Mono>,
    failures: u32,
    /// A flight has failed since then.
    persists: bool,
}

impl Background {
    /// The delay before the next flight. `asked`: the server named it.
    pub fn delay(&mut self, now: Mono, met: Met, asked: Option<Millis>, jitter: &mut Jitter) -> Millis {
        let since = *self.since.get_or_insert(now);
        self.persists = true;
        if let Some(asked) = asked {
            // A server that asks for no time at all gets a little all the same.
            return asked.max(spread(PROMPT, jitter));
        }
        if let Some(left) = met.left.filter(|left| *left >= LONG) {
            // A whole fleet that tries again and again for tokens that nobody misses would be a storm when the server
            // is back. What lasts until then is no blip, so the delays after it are long from the start.
            self.failures = self.failures.max(2);
            let near = jitter.between(left.percent(92), left.percent(98));
            let planned = left.saturating_sub(met.lead);
            return if planned < SLOWEST_START { near } else { near.min(planned) };
        }
        if !met.answered && now.since(since) < FIRST_MINUTE {
            return spread(PROMPT, jitter);
        }
        let delay = SLOWEST_START.doubled(self.failures, SLOWEST);
        self.failures = self.failures.saturating_add(1);
        spread(delay, jitter)
    }

    /// Whether a flight has failed since the last success or wake.
    pub fn persists(&self) -> bool {
        self.persists
    }

    /// The machine woke or the network is said to be back: the prompt minute begins again.
    pub fn wake(&mut self, now: Mono) {
        if self.since.is_some() {
            *self = Self { since: Some(now), failures: 0, persists: false };
        }
    }
}

/// Stops refreshes that do not help: the server gives tokens that its resource servers refuse.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    until: Mono,
    trips: u32,
}

impl Breaker {
    pub fn is_open(&self, now: Mono) -> bool {
        self.closes_in(now).is_some()
    }

    /// How long refreshes are still held back.
    pub fn closes_in(&self, now: Mono) -> Option<Millis> {
        Some(self.until.since(now)).filter(|left| *left > Millis::ZERO)
    }

    /// A token that a refresh had just brought was refused.
    pub fn trip(&mut self, now: Mono) {
        if !self.is_open(now) {
            self.until = now.after(BREAKER_START.doubled(self.trips, BREAKER_CAP));
            self.trips = self.trips.saturating_add(1);
        }
    }
}

const FIRST_MINUTE: Millis = Millis::from_secs(60);
const PROMPT: Millis = Millis::from_secs(5);
const SLOWEST_START: Millis = Millis::from_secs(30);
/// As a mean three quarters of it: what a fleet that was cut off for hours does then is less than three times its usual.
const SLOWEST: Millis = Millis::from_secs(5 * 60);
/// With as much left of a token there is time.
const LONG: Millis = Millis::from_secs(60);
const BREAKER_START: Millis = Millis::from_secs(5);
const BREAKER_CAP: Millis = Millis::from_secs(300);

#[cfg(test)]
mod tests {
    use super::super::config::Options;
    use super::*;

    #[test]
    fn retries_double_from_one_second_to_the_cap_and_stay_in_the_upper_half() {
        let config = Options::default().into_config().unwrap();
        let mut jitter = Jitter::new(1);
        for (number, full) in [(1, 1_000), (2, 2_000), (3, 4_000), (6, 30_000), (1_000, 30_000)] {
            for _ in 0..1_000 {
                let delay = retry_delay(&config, number, None, &mut jitter).0;
                assert!((full / 2..=full).contains(&delay), "retry {number}: {delay}");
            }
        }
    }

    #[test]
    fn the_server_sets_the_least_delay() {
        let config = Options::default().into_config().unwrap();
        let mut jitter = Jitter::new(1);
        let asked = Some(Millis::from_secs(30));
        assert_eq!(retry_delay(&config, 1, asked, &mut jitter), Millis::from_secs(30));
    }

    const LEAD: Millis = Millis::from_secs(400);
    const CUT_OFF: Met = Met { answered: false, left: None, lead: LEAD };
    const REFUSED_SERVICE: Met = Met { answered: true, left: None, lead: LEAD };

    #[test]
    fn without_an_answer_the_first_minute_is_prompt_and_then_it_slows_down() {
        let (mut background, mut jitter) = (Background::default(), Jitter::new(1));
        for second in [0, 10, 59] {
            assert!(background.delay(Mono::new(second * 1_000), CUT_OFF, None, &mut jitter) <= PROMPT);
        }
        let mut now = Mono::new(60_000);
        let mut full = SLOWEST_START;
        for _ in 0..10 {
            let delay = background.delay(now, CUT_OFF, None, &mut jitter);
            assert!(delay <= full && delay.0 >= full.0 / 2, "{delay:?} of {full:?}");
            full = full.saturating_add(full).min(SLOWEST);
            now = now.after(delay);
        }
        background.wake(now);
        assert!(background.delay(now, CUT_OFF, None, &mut jitter) <= PROMPT);
    }

    #[test]
    fn while_the_token_is_good_the_next_flight_is_near_its_end_and_what_follows_is_slow() {
        let mut jitter = Jitter::new(1);
        for answered in [false, true] {
            for left in [60_000, 330_000, 429_000] {
                let met = Met { answered, left: Some(Millis(left)), lead: LEAD };
                for _ in 0..1_000 {
                    let mut background = Background::default();
                    let delay = background.delay(Mono::new(0), met, None, &mut jitter).0;
                    assert!((left * 92 / 100..=left * 98 / 100).contains(&delay), "{delay} of {left}");
                    let next = background.delay(Mono::new(delay), REFUSED_SERVICE, None, &mut jitter).0;
                    assert!((60_000..=120_000).contains(&next), "{next}");
                }
            }
        }
    }

    #[test]
    fn what_failed_before_it_was_due_is_tried_again_when_it_is() {
        let (mut background, mut jitter) = (Background::default(), Jitter::new(1));
        for (left, planned) in [(900_000, 500_000), (430_000, 30_000)] {
            let met = Met { answered: true, left: Some(Millis(left)), lead: LEAD };
            assert_eq!(background.delay(Mono::new(0), met, None, &mut jitter), Millis(planned));
        }
    }

    #[test]
    fn a_token_that_is_good_for_less_than_a_minute_leaves_no_time() {
        let (mut background, mut jitter) = (Background::default(), Jitter::new(1));
        let met = Met { answered: true, left: Some(Millis(59_999)), lead: LEAD };
        assert!(background.delay(Mono::new(0), met, None, &mut jitter) <= SLOWEST_START);
    }

    #[test]
    fn the_servers_word_counts_more_than_a_good_token() {
        let (mut background, mut jitter) = (Background::default(), Jitter::new(1));
        let met = Met { answered: true, left: Some(Millis(600_000)), lead: LEAD };
        let asked = Some(Millis::from_secs(20));
        assert_eq!(background.delay(Mono::new(0), met, asked, &mut jitter), Millis::from_secs(20));
    }

    #[test]
    fn the_breaker_doubles_to_five_minutes_and_closes_at_the_first_success() {
        let mut breaker = Breaker::default();
        let mut now = Mono::new(1_000);
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
            breaker.trip(now);
            assert!(breaker.is_open(now.after(Millis(seconds * 1_000 - 1))));
            now = now.after(Millis::from_secs(seconds));
            assert!(!breaker.is_open(now));
        }
        breaker = Breaker::default();
        breaker.trip(now);
        assert!(!breaker.is_open(now.after(Millis::from_secs(5))));
    }
}
