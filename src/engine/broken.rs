//! Engines that are broken on purpose, to show that the simulator notices.
//!
//! Only the feature `broken` builds them, and only native tests have it: without it each clause that asks for a flaw is
//! a constant `false` and leaves nothing in the build.

use super::config::Config;

/// One decision that is left out, or made wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// An answer that comes after the sign-out begins the session anew.
    AnswerAfterSignOut,
    /// A commit does not compare what is there with what it replaces.
    CommitWithoutCompare,
    /// A token that is good is not handed out while a refresh is under way.
    GoodTokenWithheld,
    /// What was read or claimed is acted on however long ago that was.
    LeaseUnchecked,
    /// The lock is never given back.
    LockKept,
    /// An answer that was lost is not remembered.
    LossForgotten,
    /// Sign-ins and sign-outs do not count epochs.
    NoEpoch,
    /// The store is not read under the lock.
    NoReread,
    /// Refreshes begin beside the one under way.
    NoSingleFlight,
    /// A 401 for an older token begins a refresh.
    OldUnauthorized,
    /// A tab whose pair is older than the record sends it.
    OlderCopySends,
    /// That the refresh token was refused is not stored.
    RefusalNotStored,
    /// A refresh token is sent again that was refused.
    RefusedTokenSent,
    /// After a 401 the same token is sent again.
    ResentUnchanged,
    /// What the server asks to wait is not heard.
    RetryAfterIgnored,
    /// A refresh is tried again without end.
    RetryWithoutCap,
    /// The refresh token that comes with an answer is not taken.
    RotationIgnored,
    /// That a hidden page is shown again goes unheard.
    ShownUnheard,
    /// Once the wait for the lock is over, a claim that holds is ignored.
    StealOnTimer,
    /// Errors repeat what the server said, whatever is in it.
    TokensRepeated,
    /// An answer that tells nothing of the session ends it.
    TroubleIsRefusal,
    /// Whoever signs in goes on with the session that is there.
    UserChangeUnnoticed,
    /// A token is sent until a timer says that it has ended.
    VerdictWithoutEnd,
    /// Callers that waited for another token are told the same as all others.
    WaiterMistold,
    /// Callers wait for as long as it takes.
    WaitWithoutEnd,
    /// A refusal ends the session before another tab's tokens are looked for.
    WipeWithoutAdopting,
    /// The refresh token goes to the endpoint for revocations.
    WrongEndpoint,
}

impl Config {
    /// Whether the engine has `flaw`.
    #[cfg(feature = "broken")]
    pub(super) fn broken(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    #[cfg(not(feature = "broken"))]
    pub(super) const fn broken(&self, _: Flaw) -> bool {
        false
    }
}

#[cfg(all(feature = "broken", target_arch = "wasm32"))]
compile_error!("the feature `broken` is for native tests: nothing that ships is built with it");
