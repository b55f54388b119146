//! How long the token endpoint takes to answer.

use super::time::Millis;

/// The last answers' durations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latency {
    last: [u32; LENGTH],
    count: usize,
}

impl Latency {
    pub(super) fn learn(&mut self, took: Millis) {
        self.last[self.count % LENGTH] = u32::try_from(took.0).unwrap_or(u32::MAX);
        self.count += 1;
    }

    /// How long an attempt waits for its answer: four times the usual, at least `least` and at most three times that.
    /// It is never shorter than `least`: a request that is sent again while the answer is on its way shows a server
    /// that does not forgive it a spent refresh token.
    pub(super) fn timeout(&self, least: Millis) -> Millis {
        let known = self.count.min(LENGTH);
        if known < ENOUGH {
            return least;
        }
        let mut sorted = self.last;
        let sorted = &mut sorted[..known];
        sorted.sort_unstable();
        Millis(u64::from(sorted[known / 2]) * 4).clamp(least, least.percent(300))
    }
}

const LENGTH: usize = 8;
const ENOUGH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Millis = Millis::from_secs(10);

    fn after(answers: &[u64]) -> u64 {
        let mut latency = Latency::default();
        for took in answers {
            latency.learn(Millis(*took));
        }
        latency.timeout(LEAST).0
    }

    #[test]
    fn it_is_four_times_the_median_between_the_least_and_three_times_that() {
        assert_eq!(after(&[60_000, 60_000]), 10_000, "two answers tell nothing");
        assert_eq!(after(&[50, 60, 70]), 10_000);
        assert_eq!(after(&[100, 3_000, 60_000]), 12_000);
        assert_eq!(after(&[60_000; 3]), 30_000);
        assert_eq!(after(&[100, 100, 5_000, 6_000]), 20_000, "of an even number the longer of the two");
    }

    #[test]
    fn only_the_last_eight_answers_count() {
        assert_eq!(after(&[&[60_000; 20][..], &[50; 8]].concat()), 10_000);
    }
}
