//! What must always hold.

use std::fmt;

/// The promises that are checked on every step. The codes are those of the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// When the faults are over everything settles: a live session is active and serves, a dead one has ended.
    Calm,
    /// A refresh token whose answer was read and stored is not sent again.
    I1,
    /// A session that a lost answer cost ends with the reason that says so.
    I1b,
    /// One refresh is under way at a time: in a tab always, among tabs as far as lock and claims tell.
    I2,
    /// Every call is settled once and in time.
    I3,
    /// No request goes out with a token that is known to have ended.
    I4,
    /// After sign-out, or sign-in as somebody else, no token of before is sent or stored.
    I5,
    /// Without a lost answer the server never sees a reuse.
    I6,
    /// Tokens go where they belong, and nowhere else.
    I7,
    /// A request is sent again at most once, with a later generation.
    I8,
    /// A 401 for an older generation causes no refresh.
    I9,
    /// What is stored never goes back.
    I10,
    /// No storm: floor, backoff and `Retry-After` are kept, and one deadline is armed, within `checkInterval`.
    I11,
    /// The store is read again before a refusal ends the session.
    I12,
    /// A session ends once, and its refused token is not sent again.
    I13,
    /// No token shows in what is told, logged or broadcast.
    I14,
    /// The lock is held for a refresh, and given back in time.
    I15,
    /// A request is sent again as its caller gave it, and every call is told what answers it.
    I16,
    /// Nobody is logged out but by the server's refusal or their own wish.
    Logout,
}

/// A promise that was broken, and how.
#[derive(Clone, Debug)]
pub struct Violation {
    pub invariant: Invariant,
    pub text: String,
}

impl Invariant {
    pub const ALL: [Self; 19] = [
        Self::I1,
        Self::I1b,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I11,
        Self::I12,
        Self::I13,
        Self::I14,
        Self::I15,
        Self::I16,
        Self::Calm,
        Self::Logout,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::I1 => "I1",
            Self::I1b => "I1b",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::I9 => "I9",
            Self::I10 => "I10",
            Self::I11 => "I11",
            Self::I12 => "I12",
            Self::I13 => "I13",
            Self::I14 => "I14",
            Self::I15 => "I15",
            Self::I16 => "I16",
            Self::Logout => "logout",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant.as_str(), self.text)
    }
}
