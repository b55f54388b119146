//! One refresh, from its first attempt to its outcome.

use alloc::sync::Arc;

use super::error::TokenError;
use super::ids::{AttemptId, Order};
use super::output::Reason;
use super::session::Refusal;
use super::time::{Mono, Now};

/// The refresh that every caller shares.
#[derive(Clone, Debug)]
pub struct Flight {
    pub reason: Reason,
    pub step: Step,
    /// Attempts sent so far.
    pub attempts: u32,
    /// The last failure.
    pub error: Option<TokenError>,
    pub lease: Lease,
    /// How often the lease was over before it was used.
    pub stale: u32,
    /// How often the claim could not be written.
    pub unclaimed: u32,
    /// How often the store did not show a pair that another tab had told of.
    pub unseen: u32,
}

/// For how long what was read or claimed may be acted on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lease {
    pub from: Now,
    /// The page was woken since.
    pub woken: bool,
}

/// Where a flight is.
#[derive(Clone, Debug)]
pub enum Step {
    /// The claim is being written.
    Claiming,
    /// Refused; the store is read once more before the session ends.
    Confirming(Arc<Refusal>),
    /// Granted; waiters are served when the pair is stored.
    Committing,
    /// Other tabs have the lock.
    Queueing,
    /// The store is read before anything is sent.
    Reading,
    /// An attempt is on the wire.
    Sending { attempt: Attempt, deadline: Mono },
    /// The next attempt is due at `until`. `hard`: the server named the time.
    Waiting { until: Mono, hard: bool },
}

impl Flight {
    pub fn new(reason: Reason, step: Step) -> Self {
        Self {
            reason,
            step,
            attempts: 0,
            error: None,
            lease: Lease::default(),
            stale: 0,
            unclaimed: 0,
            unseen: 0,
        }
    }
}

/// A token request on the wire. One that is abandoned may still answer.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub id: AttemptId,
    pub order: Order,
    pub sent: Now,
}
