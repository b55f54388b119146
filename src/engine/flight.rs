//! One refresh, from its first attempt to its outcome.

use super::error::TokenError;
use super::ids::{AttemptId, Epoch, Generation};
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
}

/// Where a flight is.
#[derive(Clone, Debug)]
pub enum Step {
    /// Refused; the store is read once more before the session ends.
    Confirming(Refusal),
    /// Granted; waiters are served when the pair is stored.
    Committing,
    /// The store is read before anything is sent.
    Reading,
    /// An attempt is on the wire.
    Sending { attempt: Attempt, deadline: Mono },
    /// The next attempt is due at `until`. `hard`: the server named the time.
    Waiting { until: Mono, hard: bool },
}

/// A token request on the wire. One that is abandoned may still answer.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub id: AttemptId,
    pub epoch: Epoch,
    pub generation: Generation,
    pub sent: Now,
}
