//! Numbers over time, and how durations spread.

use super::plan::{At, SECOND};

/// One number for every ten seconds of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series(Vec<i32>);

/// Durations, counted by tenths of a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spread {
    counts: Vec<u32>,
    number: u64,
    sum: u64,
}

impl Series {
    pub(crate) fn new(end: At) -> Self {
        Self(vec![0; (end / STEP) as usize + 1])
    }

    pub(crate) fn add(&mut self, at: At, number: i32) {
        if let Some(step) = self.0.get_mut((at / STEP) as usize) {
            *step += number;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (sum, part) in self.0.iter_mut().zip(&other.0) {
            *sum += part;
        }
    }

    /// The numbers of the steps that lie between `from` and `to`.
    pub(crate) fn between(&self, from: At, to: At) -> &[i32] {
        let end = ((to / STEP) as usize).min(self.0.len() - 1);
        self.0.get((from.div_ceil(STEP)) as usize..end).unwrap_or_default()
    }

    /// The mean number per second between `from` and `to`.
    pub(crate) fn mean(&self, from: At, to: At) -> Option<f64> {
        let steps = self.between(from, to);
        let sum: i64 = steps.iter().map(|step| i64::from(*step)).sum();
        (!steps.is_empty()).then(|| per_second(sum as f64 / steps.len() as f64))
    }

    /// The highest number per second of any step between `from` and `to`.
    pub(crate) fn peak(&self, from: At, to: At) -> Option<f64> {
        self.between(from, to).iter().max().map(|step| per_second(f64::from(*step)))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<i32>()
    }
}

fn per_second(step: f64) -> f64 {
    step * f64::from(SECOND) / f64::from(STEP)
}

impl Spread {
    pub(crate) fn add(&mut self, duration: At) {
        let tenth = (duration / TENTH) as usize;
        if self.counts.len() <= tenth {
            self.counts.resize(tenth + 1, 0);
        }
        self.counts[tenth] += 1;
        self.number += 1;
        self.sum += u64::from(duration);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (sum, part) in self.counts.iter_mut().zip(&other.counts) {
            *sum += part;
        }
        self.number += other.number;
        self.sum += other.sum;
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// In seconds.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.number > 0).then(|| self.sum as f64 / self.number as f64 / f64::from(SECOND))
    }

    /// The duration that `percent` of all do not exceed by more than a tenth of a second, in seconds.
    pub(crate) fn quantile(&self, percent: u64) -> Option<f64> {
        let wanted = (self.number * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let tenth = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        })?;
        Some(tenth as f64 * f64::from(TENTH) / f64::from(SECOND))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>()
    }
}

/// A step of a series.
pub(crate) const STEP: At = 10 * SECOND;
const TENTH: At = SECOND / 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_read_from_the_counts() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile(50), None);
        for duration in [0, 0, 150, 2_000, 60_049] {
            spread.add(duration);
        }
        let quantiles = [1, 40, 50, 80, 100].map(|percent| spread.quantile(percent).unwrap());
        assert_eq!(quantiles, [0.0, 0.0, 0.1, 2.0, 60.0]);
        assert_eq!(spread.mean(), Some(12.4398));
    }

    #[test]
    fn a_series_tells_means_and_peaks_per_second() {
        let mut series = Series::new(60_000);
        for (at, number) in [(0, 5), (9_999, 5), (10_000, 40), (59_999, -50)] {
            series.add(at, number);
        }
        assert_eq!(series.mean(0, 20_000), Some(2.5));
        assert_eq!(series.peak(0, 60_000), Some(4.0));
        assert_eq!(series.between(0, 60_000), [10, 40, 0, 0, 0, -50]);
        assert_eq!(series.mean(70_000, 80_000), None);
    }
}
