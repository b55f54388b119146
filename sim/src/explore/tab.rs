//! One tab: an engine, and all that is under way to it.

use std::collections::VecDeque;
use std::sync::Arc;

use evertoken::engine::ids::{AttemptId, CallId, LockId, Order, StoreOp};
use evertoken::engine::input::Stored;
use evertoken::engine::jitter::Jitter;
use evertoken::engine::notice::Notice;
use evertoken::engine::output::{State, Write};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::Now;
use evertoken::engine::{Config, Engine};

use super::print::Print;
use super::server::{Ruling, Token};

#[derive(Clone, Debug)]
pub(super) struct Tab {
    pub(super) engine: Engine,
    /// What its claims are signed with.
    pub(super) owner: u64,
    pub(super) fate: Fate,
    pub(super) lock: Lock,
    /// What the store has been asked for and has not done, and since when.
    pub(super) asked: VecDeque<(u64, Op)>,
    /// What the store has done and the tab has not heard of, and when it was asked for.
    pub(super) done: VecDeque<(u64, Reply)>,
    pub(super) wire: Vec<Request>,
    /// The newest notice of another tab.
    pub(super) notice: Option<Notice>,
    pub(super) calls: Vec<CallId>,
    pub(super) last: Last,
    pub(super) state: State,
    pub(super) refreshing: bool,
    /// The access token that it would send.
    pub(super) bearer: Option<Secret>,
    pub(super) eye: Eye,
    /// Its fingerprint, once taken.
    pub(super) print: Option<Print>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is run no more until it thaws. The lock stays with it.
    Frozen {
        since: u64,
    },
    /// Not opened, or crashed.
    Gone,
    Open,
}

/// How the tab believes the lock to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Asked(LockId),
    Free,
    Held(LockId),
}

#[derive(Clone, Debug)]
pub(super) enum Op {
    Read(StoreOp),
    Write(StoreOp, Write),
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Read(StoreOp, Option<Secret>),
    Unread(StoreOp),
    Written(StoreOp, Stored),
}

/// A token request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) attempt: AttemptId,
    pub(super) token: Token,
    /// What the server has said; `None` while the request is on its way to it.
    pub(super) ruling: Option<Ruling>,
}

/// The newest of the numbers that name things.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    pub(super) attempt: AttemptId,
    pub(super) call: u32,
    pub(super) lock: LockId,
    pub(super) op: StoreOp,
}

/// What has been seen of a tab that the promises ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Eye {
    /// The attempt on the wire that it still waits for.
    pub(super) attempt: Option<Live>,
    /// The refresh token that it has sent, until the successor is stored or no answer can bring one.
    pub(super) using: Option<Token>,
    /// How often the store has failed it or kept it waiting since it sent.
    pub(super) unstored: u8,
    /// What it wrote last could not be written.
    pub(super) unclaimed: bool,
    /// The store has failed it, or kept it waiting, since it got the lock.
    pub(super) strained: bool,
    /// How often it was kept from hearing of the store since it last read.
    pub(super) blind: u8,
    /// The last read has failed.
    pub(super) unread: bool,
    /// The newest refresh token that was in the store when it last looked or claimed.
    pub(super) knew: Option<Token>,
    /// It was refused, and what it read last was asked for before that.
    pub(super) refused: Option<StoreOp>,
    /// It knows that the session has ended.
    pub(super) over: bool,
    /// The newest record that it has read or written.
    pub(super) order: Order,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) id: AttemptId,
    pub(super) since: u64,
    pub(super) locked: bool,
}

impl Tab {
    /// A tab that is not opened yet. `seed`: no two tabs may have the same.
    pub(super) fn gone(config: &Arc<Config>, seed: u64) -> Self {
        Self {
            engine: Engine::new(Arc::clone(config), seed),
            owner: Jitter::new(!seed).draw(),
            fate: Fate::Gone,
            lock: Lock::Free,
            asked: VecDeque::new(),
            done: VecDeque::new(),
            wire: Vec::new(),
            notice: None,
            calls: Vec::new(),
            last: Last::default(),
            state: State::Restoring,
            refreshing: false,
            bearer: None,
            eye: Eye::default(),
            print: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.fate == Fate::Open
    }

    /// Whether a timer of it is due.
    pub(super) fn is_due(&self, now: Now) -> bool {
        self.is_open() && self.engine.poll_timeout().is_some_and(|at| at <= now.mono)
    }

    /// Since when it has waited for the store.
    pub(super) fn storing_since(&self) -> Option<u64> {
        let done = self.done.front().map(|(since, _)| *since);
        done.or(self.asked.front().map(|(since, _)| *since))
    }

    /// Whether it has not heard yet what it has asked to read.
    pub(super) fn is_reading(&self) -> bool {
        self.asked.iter().any(|(_, op)| matches!(op, Op::Read(_)))
            || self.done.iter().any(|(_, reply)| matches!(reply, Reply::Read(..) | Reply::Unread(_)))
    }

    /// Since when it has waited for an answer, an attempt that it has given up not counted.
    pub(super) fn sending_since(&self) -> Option<u64> {
        self.eye.attempt.map(|live| live.since)
    }

    /// Whether the store is busy for it.
    pub(super) fn is_storing(&self) -> bool {
        !self.asked.is_empty() || !self.done.is_empty()
    }

    /// Whether a crash or a freeze meets it in the middle of something.
    pub(super) fn is_busy(&self) -> bool {
        self.is_storing() || !self.wire.is_empty() || self.lock != Lock::Free
    }
}
