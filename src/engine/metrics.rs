//! Counters, and a trail of what happened.

use alloc::collections::VecDeque;

use super::time::{Millis, Mono};

/// Counters since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Token requests sent.
    pub attempts: u32,
    /// Refreshes that brought new tokens.
    pub refreshed: u32,
    /// Refreshes begun because their planned moment had come, and granted.
    pub proactive: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Callers that waited for a refresh.
    pub waited: u32,
    /// Callers that waited in vain.
    pub rejected: u32,
    /// 401s that a resend followed.
    pub recovered: u32,
    /// Pairs taken over from the store.
    pub adopted: u32,
    /// Answers that came too late or for nothing.
    pub stray: u32,
    pub persist_failed: u32,
    /// Answered refreshes by duration: up to 50, 100, 200, 400, 800, 1,600, 3,200 ms, and longer.
    pub latency: [u32; 8],
}

impl Metrics {
    pub fn time(&mut self, took: Millis) {
        let bucket = (took.0.saturating_sub(1) / 50).checked_ilog2().map_or(0, |power| power as usize + 1);
        self.latency[bucket.min(7)] += 1;
    }
}

/// The last steps as numbers. No token and no text gets in.
#[derive(Clone, Debug, Default)]
pub struct Trail(VecDeque<Step>);

/// When, what, and one detail.
pub type Step = (Mono, Mark, u32);

/// What happened. The numbers are part of the diagnostics format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mark {
    Restored = 1,
    TokensSet = 2,
    SignedOut = 3,
    FlightBegan = 4,
    AttemptSent = 5,
    /// Detail: the status, 0 when there was no answer.
    AttemptEnded = 6,
    Granted = 7,
    Adopted = 8,
    Failed = 9,
    SessionEnded = 10,
    /// Detail: the generation that drew the 401.
    Unauthorized = 11,
    Woke = 12,
    WallJumped = 13,
    LateTimer = 14,
    StoreRead = 15,
    StoreWritten = 16,
    StoreFailed = 17,
    StrayAnswer = 18,
    Disposed = 19,
    BreakerTripped = 20,
    Started = 21,
    Stopped = 22,
    /// Detail: the request for the lock.
    Locked = 23,
    Unlocked = 24,
    /// What was read or claimed came too late to be acted on.
    LeaseStale = 25,
    /// Another tab claimed a refresh and is gone.
    OwnerGone = 26,
    StoreConflict = 27,
    Superseded = 28,
}

impl Trail {
    /// How many steps are kept unless the configuration says otherwise.
    pub const LENGTH: usize = 200;

    /// Adds a step; of more than `length` the oldest go.
    pub fn push(&mut self, step: Step, length: usize) {
        if length == 0 {
            return;
        }
        if self.0.len() >= length {
            self.0.pop_front();
        }
        self.0.push_back(step);
    }

    /// Oldest first.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_fall_into_doubling_buckets() {
        let mut metrics = Metrics::default();
        for took in [0, 50, 51, 100, 101, 200, 3_200, 3_201, 1_000_000] {
            metrics.time(Millis(took));
        }
        assert_eq!(metrics.latency, [2, 2, 2, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn the_trail_keeps_the_last_steps() {
        let mut trail = Trail::default();
        for at in 0..500 {
            trail.push((Mono(at), Mark::Woke, 0), Trail::LENGTH);
        }
        assert_eq!(trail.steps().count(), Trail::LENGTH);
        assert_eq!(trail.steps().next().unwrap().0, Mono(300));
    }

    #[test]
    fn a_trail_of_no_length_keeps_nothing() {
        let mut trail = Trail::default();
        trail.push((Mono(1), Mark::Woke, 0), 0);
        assert_eq!(trail.steps().count(), 0);
    }
}
