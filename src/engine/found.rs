//! What a look at the store has shown.

use super::claim::{Insist, Stamp};
use super::ids::Order;
use super::record::{self, Record, Stored};
use super::secret::Secret;

/// The outcome of a read.
#[derive(Debug)]
pub(super) struct Found {
    pub stored: Stored,
    pub seen: Seen,
    /// The record is newer than the pair beside it, which has not come through yet.
    pub behind: Option<Box<Record>>,
}

/// What a write would replace, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Seen {
    /// No record, or one that does not begin as this version writes it.
    Foreign,
    #[default]
    Nothing,
    Record(Stamp),
}

impl Found {
    /// Reads the one text of a store.
    pub(super) fn in_text(text: Option<&Secret>, name: &str) -> Self {
        let stored = decode(text, name);
        let seen = Seen::of(&stored, text);
        Self { stored, seen, behind: None }
    }

    /// Reads a pair and the record beside it. The higher one counts; at the same height the record knows more of how
    /// refreshing stands.
    pub(super) fn in_both(text: Option<&Secret>, fence: Option<&Secret>, name: &str) -> Self {
        let (pair, record) = (decode(text, name), decode(fence, name));
        let seen = Seen::of(&record, fence);
        let (stored, behind) = match (pair, record) {
            (Stored::Newer, _) | (_, Stored::Newer) => (Stored::Newer, None),
            (pair, Stored::Nothing) => (pair, None),
            (Stored::Record(pair), Stored::Record(record)) if pair.order() > record.order() => {
                (Stored::Record(pair), None)
            }
            (Stored::Record(pair), Stored::Record(record)) if pair.order() == record.order() => {
                (Stored::Record(pair.with_word_of(*record)), None)
            }
            (_, Stored::Record(record)) if record.session.is_none() => (Stored::Record(record), None),
            (Stored::Record(pair), Stored::Record(record)) if pair.is_of_session_of(&record) => {
                (Stored::Record(pair), Some(record))
            }
            // What the pair is of is over.
            (_, Stored::Record(record)) => (Stored::Nothing, Some(record)),
        };
        Self { stored, seen, behind }
    }
}

impl Seen {
    pub(super) fn of(stored: &Stored, text: Option<&Secret>) -> Self {
        let Some(text) = text else {
            return Self::Nothing;
        };
        match stored {
            Stored::Record(record) => {
                let stamp = record.stamp();
                let prefix = stamp.prefix(&record.name, record::SCHEMA, Insist::Claim);
                // A store that writes its texts in another way cannot compare them with how this version begins them.
                if text.expose().starts_with(&prefix) { Self::Record(stamp) } else { Self::Foreign }
            }
            Stored::Newer | Stored::Nothing => Self::Foreign,
        }
    }
}

impl Record {
    /// What orders it among others.
    pub fn order(&self) -> Order {
        Order(self.epoch, self.generation)
    }

    fn is_of_session_of(&self, other: &Self) -> bool {
        self.session.as_ref().map(|session| session.id) == other.session.as_ref().map(|session| session.id)
    }

    /// This pair, with what the record beside it says of it.
    fn with_word_of(mut self: Box<Self>, record: Self) -> Box<Self> {
        (self.claim, self.cooldown, self.offset) = (record.claim, record.cooldown, record.offset);
        if let (Some(session), Some(word)) = (self.session.as_mut(), &record.session) {
            (session.refused, session.lost) = (word.refused, word.lost);
        }
        self
    }
}

fn decode(text: Option<&Secret>, name: &str) -> Stored {
    text.map_or(Stored::Nothing, |text| Record::decode(text.expose(), name))
}
