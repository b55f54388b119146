//! What can happen to an engine.

use alloc::string::String;

use super::answer::Outcome;
use super::ids::{AttemptId, CallId, Generation, LockId, StoreOp};
use super::secret::Secret;
use super::time::Millis;

/// Something that happened. Inputs that come too late, twice or for nothing are counted and otherwise ignored.
#[derive(Clone, Debug)]
pub enum Input {
    /// A token request has come to an end.
    Answer {
        attempt: AttemptId,
        outcome: Outcome,
    },
    /// The manager is given up: every call is settled and nothing new begins. A late answer is still stored.
    Dispose,
    /// There is no lock to be had: the browser has none, refuses it or threw.
    LockDenied(LockId),
    /// The lock is this tab's until [`Output::Unlock`](super::output::Output::Unlock).
    LockGranted(LockId),
    /// A caller wants a token that may be sent, with `min_validity` left if a refresh can give that.
    Need {
        call: CallId,
        min_validity: Millis,
    },
    /// Another tab, or anybody else on the channel, has said this.
    Notice(String),
    /// A caller wants newer tokens. `Urgency::Forced` passes over the cooldown, never over `Retry-After`.
    Refresh {
        call: CallId,
        urgency: Urgency,
    },
    /// A request that was sent again after a 401 has been answered.
    Replayed {
        generation: Generation,
        reception: Reception,
    },
    /// Read the store and begin. The first input of every engine.
    Restore,
    /// The app hands over a token response, as JSON text.
    SetTokens {
        call: CallId,
        response: Secret,
        session: SessionMode,
    },
    SignOut {
        call: CallId,
        revocation: Revocation,
    },
    /// Scheduling on.
    Start,
    /// Scheduling off: nothing is refreshed unless a caller needs it.
    Stop,
    /// The store could not be read: nobody knows what it holds.
    StoreFailed(StoreOp),
    /// The store was read: its text, `None` when it has none. `fence`: the record from its own place, where
    /// it has one.
    StoreRead {
        op: StoreOp,
        text: Option<Secret>,
        fence: Option<Secret>,
    },
    StoreWritten {
        op: StoreOp,
        stored: Stored,
    },
    /// Perhaps a deadline has passed. Spurious ticks are harmless.
    Tick,
    /// The app is being used, though it asks for no token.
    Touch,
    /// A resource server answered 401 to a request that was sent with `generation`.
    Unauthorized {
        call: CallId,
        generation: Generation,
        challenge: Option<String>,
    },
    Wake(Wake),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    Forced,
    Normal,
}

/// How a resource server took a resent request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    Accepted,
    /// 401 again.
    Rejected,
}

/// How a token response relates to the session at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// Same issuer and subject: the same session; else a new one.
    Auto,
    New,
    Same,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Ask the revocation endpoint too, if there is one.
    Revoke,
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Somebody else has written meanwhile, and nothing was changed.
    Conflict,
    Durably,
    Failed,
}

/// Page lifecycle events that make the engine look at the clocks and the store again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    Focus,
    /// Hidden, frozen or left: the token is not used without asking until the page is back.
    Hidden,
    Online,
    Shown,
}
