//! Worlds that are broken on purpose, to show that each invariant can fail. What is broken lies between the engine and
//! the world; engines that are broken themselves come with the feature `broken`.

#[cfg(feature = "broken")]
use evertoken::engine::Flaw;

use super::invariant::Invariant;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    #[default]
    Nothing,
    /// Every 401 is said to be of the newest generation.
    BlameNewest,
    /// The engine has a flaw.
    #[cfg(feature = "broken")]
    Engine(Flaw),
    /// The lock is never given back.
    KeepLock,
    /// The page goes on after a sign-out with the token that it had.
    KeepVerdict,
    /// After a sign-out the store is given the old record.
    KeepRecord,
    /// Lost answers are reported as errors of the server.
    HideLoss,
    /// Some answers never reach their callers.
    LoseSettle,
    /// Some token requests arrive twice, though they were sent once.
    RepeatArrival,
    /// Some writes are made once more, a while later.
    RepeatWrite,
    /// Refresh requests are sent a second time after they were answered.
    ReplayRefresh,
    /// A request is sent again with the token that was refused.
    ResendSame,
    /// Token requests go somewhere else.
    SendElsewhere,
    /// Some token requests are sent twice in a row.
    SendTwice,
    /// Some callers are answered twice.
    SettleTwice,
    /// The network does not come back when the faults are over.
    StayOffline,
    /// What answers one call is told to another.
    SwapCalls,
    /// The other tabs are told a token.
    TellAll,
    /// Listeners hear of the end before it is sure.
    TellEndEarly,
    /// Listeners hear twice that the session has ended.
    TellEndTwice,
    /// Trouble of the server is reported as a refusal.
    TurnIntoRefusal,
    /// A token is sent for as long as it is there, whatever its time.
    TrustForEver,
    /// `Retry-After` never arrives.
    WithholdRetryAfter,
}

impl Sabotage {
    /// Each sabotage, with an invariant that it must break.
    pub const ALL: [(Self, Invariant); 21] = [
        (Self::BlameNewest, Invariant::I9),
        (Self::HideLoss, Invariant::I1b),
        (Self::KeepLock, Invariant::I15),
        (Self::KeepRecord, Invariant::I5),
        (Self::KeepVerdict, Invariant::I5),
        (Self::LoseSettle, Invariant::I3),
        (Self::RepeatArrival, Invariant::I6),
        (Self::RepeatWrite, Invariant::I10),
        (Self::ReplayRefresh, Invariant::I2),
        (Self::ResendSame, Invariant::I8),
        (Self::SendElsewhere, Invariant::I7),
        (Self::SendTwice, Invariant::I1),
        (Self::SettleTwice, Invariant::I3),
        (Self::StayOffline, Invariant::Calm),
        (Self::SwapCalls, Invariant::I16),
        (Self::TellAll, Invariant::I14),
        (Self::TellEndEarly, Invariant::I12),
        (Self::TellEndTwice, Invariant::I13),
        (Self::TrustForEver, Invariant::I4),
        (Self::TurnIntoRefusal, Invariant::Logout),
        (Self::WithholdRetryAfter, Invariant::I11),
    ];

    #[cfg(feature = "broken")]
    pub(crate) fn flaw(self) -> Option<Flaw> {
        match self {
            Self::Engine(flaw) => Some(flaw),
            _ => None,
        }
    }
}
