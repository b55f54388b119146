//! The deadlines of an engine.

/// One variant for each deadline at which something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The attempt on the wire has had its time.
    Attempt,
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

impl Timer {
    pub const ALL: [Self; 10] = [
        Self::Attempt,
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
