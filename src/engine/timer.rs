//! The deadlines of an engine.

use super::time::Mono;

/// One variant for each deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The attempt on the wire has had its time.
    Attempt,
    /// A look at the clocks, so that a sleep or a set clock is noticed.
    Check,
    /// The access token ends.
    Expiry,
    /// The lock has been waited for long enough.
    Lock,
    /// The store is to be looked at.
    Look,
    /// The store has had its time to be read.
    Read,
    /// A refresh is due.
    Refresh,
    /// The next attempt of the flight is due.
    Retry,
    /// What could not be stored is tried again.
    Save,
    /// The first caller has waited long enough.
    Waiter,
    /// The store has had its time to be written.
    Write,
}

/// When each deadline falls due, if it is armed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timers([Option<Mono>; Timer::ALL.len()]);

impl Timer {
    pub const ALL: [Self; 11] = [
        Self::Attempt,
        Self::Check,
        Self::Expiry,
        Self::Lock,
        Self::Look,
        Self::Read,
        Self::Refresh,
        Self::Retry,
        Self::Save,
        Self::Waiter,
        Self::Write,
    ];
}

impl Timers {
    pub fn set(&mut self, timer: Timer, deadline: Option<Mono>) {
        self.0[timer as usize] = deadline;
    }

    pub fn is_due(&self, timer: Timer, now: Mono) -> bool {
        self.0[timer as usize].is_some_and(|deadline| deadline <= now)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Mono> {
        self.0.iter().flatten().min().copied()
    }
}
