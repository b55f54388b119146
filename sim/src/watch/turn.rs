//! What is known of a page's turn: how far it is on its way to a send.

use evertoken::engine::ids::{LockId, StoreOp};
use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};

#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Whether the store was looked at since the lock was had, or since the last send.
    pub(crate) look: Look,
    pub(crate) claim: Claiming,
    /// The lock that the page knows to be its own.
    pub(crate) lock: Option<Held>,
    /// Tells the page's own claims.
    pub(crate) owner: Option<u64>,
    /// When the last one was made, as it says itself.
    pub(crate) claimed_at: Option<UnixMillis>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    Asked(StoreOp),
    Done,
    #[default]
    Wanted,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Claiming {
    Asked(StoreOp, Lease),
    /// The store could not be written.
    Failed,
    Made(Lease),
    #[default]
    None,
    /// Somebody else has written.
    Refused,
}

/// A claim as its page knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) made: Now,
    /// From when and until when it holds, in true time.
    pub(crate) since: u64,
    pub(crate) until: u64,
    /// The page was woken since.
    pub(crate) woken: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) id: LockId,
    pub(crate) since: Mono,
    pub(crate) held_up: u64,
}

impl Turn {
    pub(crate) fn woken(&mut self) {
        if let Claiming::Asked(_, lease) | Claiming::Made(lease) = &mut self.claim {
            lease.woken = true;
        }
    }

    pub(crate) fn read_asked(&mut self, op: StoreOp) {
        if matches!(self.look, Look::Asked(_) | Look::Wanted) {
            self.look = Look::Asked(op);
        }
        if matches!(self.claim, Claiming::Refused) {
            self.claim = Claiming::None;
        }
    }

    /// The last read has been answered, or its time is over.
    pub(crate) fn read_done(&mut self) {
        if matches!(self.look, Look::Asked(_)) {
            self.look = Look::Done;
        }
    }
}

impl Lease {
    /// Whether it may still be acted on.
    pub(crate) fn holds(&self, now: Now) -> bool {
        let wall = (now.wall.0 - self.made.wall.0).unsigned_abs();
        !self.woken && now.mono.since(self.made.mono) <= LEASE && wall <= LEASE.0
    }
}

/// What was claimed longer ago is not acted on.
const LEASE: Millis = Millis::from_secs(2);
