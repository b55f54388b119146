//! Numbers that name things.

use core::num::NonZeroU64;

use super::time::UnixMillis;

/// Orders sessions: it grows when a session begins or ends, so that nothing of an earlier one counts any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Counts the token pairs that were held; it goes on over sessions, so a number names one pair for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// What orders token pairs, and the records of them: first the epoch, then the generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    pub epoch: Epoch,
    pub generation: Generation,
}

/// Tells one session from others in the record; no secret. It is kept as one more than it is, as
/// [`Mono`](super::time::Mono) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionId(NonZeroU64);

/// A caller's question, answered by one [`Output::Settle`](super::output::Output::Settle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// One token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u32);

/// One request for the lock that the tabs share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockId(pub u32);

/// One operation on the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreOp(pub u32);

impl Epoch {
    /// The epoch of a session that begins or ends at `wall`: above this one, and above those of tabs that have not
    /// heard of one another.
    pub fn next(self, wall: UnixMillis) -> Self {
        Self(self.0.saturating_add(1).max(u64::try_from(wall.0).unwrap_or(0)))
    }
}

impl Generation {
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl SessionId {
    pub const fn new(number: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(number))
    }

    pub const fn number(self) -> u64 {
        self.0.get() - 1
    }
}

impl AttemptId {
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl LockId {
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl StoreOp {
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}
