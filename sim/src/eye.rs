//! What the watch knows: of the whole run, and of each page.

use std::collections::{BTreeMap, BTreeSet};

use evertoken::engine::ids::StoreOp;
use evertoken::engine::record::{Record, Stored, StoredSession};
use evertoken::engine::time::Mono;

use super::invariant::Violation;
use super::provider::RefreshId;

/// What is known of the run.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) violation: Option<Violation>,
    /// Refreshes whose tokens were taken.
    pub(crate) refreshes: u64,
    /// Calls of the app to its API.
    pub(crate) calls: u64,
    /// How sessions ended.
    pub(crate) ended: BTreeMap<&'static str, u64>,
    /// Sign-ins that are over.
    pub(crate) left: BTreeMap<usize, Left>,
    /// The newest refresh token of each sign-in that the store has held.
    pub(crate) landed: BTreeMap<usize, u32>,
    /// Refresh tokens that the store says were refused.
    pub(crate) refused: BTreeSet<RefreshId>,
}

/// A sign-in that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    /// The number of the first thing that began after it.
    pub(crate) since: u64,
    /// Whether the store has learnt it.
    pub(crate) known: bool,
}

/// What is known of a page.
#[derive(Debug, Default)]
pub(crate) struct Eye {
    /// The engine has said what it found in the store.
    pub(crate) booted: bool,
    /// The engine began without knowing what the store held.
    pub(crate) blind: bool,
    /// The sign-in that is held.
    pub(crate) family: Option<usize>,
    pub(crate) session: Session,
    /// What the user wants and the engine has not been seen to do.
    intents: Vec<Intent>,
    /// Sign-outs that were asked for in this step.
    pub(crate) wishes: u32,
    /// A sign-out is being handled.
    pub(crate) leaving: bool,
    /// Sign-ins that end with this step.
    pub(crate) parting: Vec<usize>,
    /// The newest refresh token that was received.
    pub(crate) held: Option<RefreshId>,
    /// The token request that the engine waits for.
    pub(crate) flying: Option<usize>,
    /// The last one went without an answer.
    pub(crate) lost: Option<RefreshId>,
    pub(crate) refused: Option<RefreshId>,
    pub(crate) confirmation: Confirmation,
    /// The server asked for peace until then.
    pub(crate) hard: Option<(Mono, Option<RefreshId>)>,
    /// The schedule says: not before.
    pub(crate) soft: Option<Mono>,
    pub(crate) retrying: bool,
    /// A caller asked for a refresh by name.
    pub(crate) asked: bool,
    pub(crate) last_sent: Option<(Mono, Option<usize>)>,
    /// The last answer that told when to come back.
    pub(crate) told_when: bool,
    /// Operations of the store that have not ended.
    pub(crate) operations: u32,
    /// The read that counts, and when it was asked for.
    reading: Option<(StoreOp, u64)>,
    /// Whether it told the truth, and what it gave.
    told: bool,
    read: Option<String>,
    /// Somebody has signed in or out.
    acted: bool,
    /// The read that the page began with.
    first: Option<StoreOp>,
    /// The last answer of the API.
    pub(crate) last_status: Option<u16>,
    /// The second of the last ticks, and how many it saw.
    pub(crate) ticks: (u64, u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Session {
    #[default]
    Closed,
    Open,
    /// Read back refused: it may serve out its token, or not begin.
    Refused,
}

/// A user's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Begin(usize),
    Leave,
}

/// How far the store was asked about a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Confirmation {
    Asked,
    Done,
    #[default]
    None,
    Wanted,
}

impl Eye {
    pub(crate) fn intends(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    pub(crate) fn taken(&mut self, successor: RefreshId) {
        self.held = Some(successor);
        (self.lost, self.hard, self.soft) = (None, None, None);
    }

    pub(crate) fn read_asked(&mut self, op: StoreOp, elapsed: u64) {
        self.reading = Some((op, elapsed));
        self.first.get_or_insert(op);
        if self.confirmation == Confirmation::Wanted {
            self.confirmation = Confirmation::Asked;
        }
    }

    pub(crate) fn read_answered(&mut self, op: StoreOp, text: Option<&str>, holds: bool) {
        if self.reading.is_some_and(|(reading, _)| reading == op) {
            self.told = text.is_some() == holds;
            self.read = text.map(str::to_owned);
            self.confirm();
        }
    }

    /// The first read is answered after the page began without it, and nothing has begun since: it begins again.
    pub(crate) fn begins_again(&mut self, op: StoreOp, text: Option<&str>) -> bool {
        let idle = self.blind && !self.acted && self.session == Session::Closed;
        let again = self.booted && idle && self.first == Some(op) && text.and_then(session_of).is_some();
        if again {
            self.booted = false;
            self.told = true;
            self.read = text.map(str::to_owned);
        }
        again
    }

    /// A read that takes this long counts as failed.
    pub(crate) fn read_expired(&mut self, elapsed: u64) {
        if self.reading.is_some_and(|(_, asked)| elapsed >= asked + 2_000) {
            self.confirm();
        }
    }

    fn confirm(&mut self) {
        if self.confirmation == Confirmation::Asked {
            self.confirmation = Confirmation::Done;
        }
    }

    /// The engine says what it found; the sign-in that it was.
    pub(crate) fn boot(&mut self) -> Option<usize> {
        self.booted = true;
        self.blind = !self.told;
        let family = self.restore();
        self.follow();
        family
    }

    /// Takes over what was read; its sign-in.
    pub(crate) fn restore(&mut self) -> Option<usize> {
        let session = self.read.as_deref().and_then(session_of)?;
        let id = session.refresh.as_ref().and_then(|token| RefreshId::parse(token.expose()))?;
        self.session = if session.refused { Session::Refused } else { Session::Open };
        (self.family, self.held) = (Some(id.family), Some(id));
        self.refused = session.refused.then_some(id);
        Some(id.family)
    }

    /// Does what users want, once the engine does.
    pub(crate) fn follow(&mut self) {
        if !self.booted {
            return;
        }
        for intent in std::mem::take(&mut self.intents) {
            self.acted = true;
            self.parting.extend(self.family.take());
            (self.lost, self.refused, self.hard, self.soft) = (None, None, None, None);
            self.confirmation = Confirmation::None;
            match intent {
                Intent::Begin(family) => {
                    self.family = Some(family);
                    self.held = Some(RefreshId { family, number: 0 });
                    if self.session == Session::Refused {
                        self.session = Session::Open;
                    }
                }
                Intent::Leave => self.wishes += 1,
            }
        }
    }
}

/// The session in a record, if there is one.
pub(crate) fn session_of(text: &str) -> Option<StoredSession> {
    record(text)?.session
}

pub(crate) fn record(text: &str) -> Option<Record> {
    match Record::decode(text, "default") {
        Stored::Record(record) => Some(record),
        Stored::Newer | Stored::Nothing => None,
    }
}
