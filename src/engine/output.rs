//! What an engine asks for.

use alloc::string::String;
use alloc::sync::Arc;

use super::endpoint::HttpRequest;
use super::error::TokenError;
use super::ids::{AttemptId, CallId, Generation, LockId, StoreOp};
use super::secret::Secret;
use super::session::Refusal;
use super::time::{Mono, Now, UnixMillis};

/// Something to do, as plain data.
#[derive(Clone, Debug)]
pub enum Output {
    /// Give up a token request that is of no more use.
    Abort(AttemptId),
    /// Tell the other tabs.
    Broadcast(String),
    Event(Event),
    /// Queue for the lock that the tabs of this name share.
    Lock(LockId),
    ReadStore(StoreOp),
    /// Tell the revocation endpoint; nobody waits for the answer.
    Revoke(HttpRequest),
    Send {
        attempt: AttemptId,
        request: TokenRequest,
    },
    Settle(CallId, Result<Settled, TokenError>),
    /// What the snapshot shows has changed.
    Snapshot(Snapshot),
    /// The token that may be sent has changed.
    Verdict(Option<Verdict>),
    /// Give the lock back, or leave the queue for it.
    Unlock(LockId),
    WriteStore(StoreOp, Write),
}

/// What to write, if the store still holds what is `expected`: else nothing is changed and the answer is
/// [`Stored::Conflict`](super::input::Stored::Conflict). Comparing and writing are one step where the store can do that.
#[derive(Clone, Debug)]
pub struct Write {
    pub expected: Expected,
    /// The new text; `None` leaves it as it is.
    pub text: Option<Secret>,
    /// The record without tokens, for its own place if it has one: there, and not in the text, the comparison is made.
    /// The text is written first.
    pub fence: Option<Secret>,
}

/// What a write replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there: it is no record, or cannot be compared.
    Anything,
    /// Nothing.
    Nothing,
    /// A text that begins so.
    Prefix(String),
}

/// A refresh to send.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    Call(CallbackRequest),
    Http(HttpRequest),
}

/// What the app's refresh callback is told.
#[derive(Clone, Debug)]
pub struct CallbackRequest {
    pub refresh: Option<Secret>,
    pub access: Option<Secret>,
    /// 1 for the first attempt of a refresh.
    pub attempt: u32,
    pub reason: Reason,
}

/// Why a refresh was begun. The names are public API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The app asked.
    Asked,
    /// A caller needs a token and there is no good one.
    Expired,
    /// A cookie session after a reload.
    Resume,
    /// The planned moment has come.
    Scheduled,
    /// A resource server answered 401.
    Unauthorized,
}

/// What a settled call is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Done,
    /// The pair is older than the one held.
    Ignored,
    /// The 401 goes to the caller.
    Pass,
    /// Send again, with the token held now.
    Resend,
    /// A session has begun.
    Started,
    /// The token held already.
    Unchanged,
    /// The session goes on with the new pair.
    Updated,
}

/// The token that may be sent, and how long nobody needs to ask again.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Empty when the access token is an HttpOnly cookie.
    pub bearer: Secret,
    pub generation: Generation,
    pub expires_at: Option<UnixMillis>,
    /// From here on ask the engine; `None` when nothing tells the end. Zero when it must be asked at once.
    pub until: Option<Now>,
    /// When this was judged.
    pub checked: Now,
}

/// What a person could see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub state: State,
    pub generation: Generation,
    pub subject: Option<Arc<str>>,
    pub expires_at: Option<UnixMillis>,
    pub refresh_at: Option<UnixMillis>,
    /// When the refresh token ends, where the server or the token says so.
    pub refresh_expires_at: Option<UnixMillis>,
    pub next_retry_at: Option<UnixMillis>,
    pub refreshing: bool,
    pub error: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    Active,
    /// Refused, but the access token is still good.
    Ending,
    /// Nobody knows yet whether there is a session.
    #[default]
    Restoring,
    SignedOut,
    /// Without a good token, and refreshable.
    Stale,
}

/// Something the app may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Adopted { generation: Generation, expires_at: Option<UnixMillis> },
    PersistFailed,
    RefreshFailed { error: TokenError, exhausted: bool },
    Refreshed { generation: Generation, expires_at: Option<UnixMillis>, extras: Option<String> },
    RetryScheduled { attempt: u32, retry_at: UnixMillis },
    SessionEnded(Arc<Refusal>),
    SessionExpiring { expires_at: Option<UnixMillis> },
    SessionStarted { generation: Generation, expires_at: Option<UnixMillis>, subject: Option<Arc<str>> },
    UserChanged { subject: Option<Arc<str>> },
}

impl Expected {
    /// Whether a store that holds `current` may be written.
    pub fn is_met_by(&self, current: Option<&str>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing => current.is_none(),
            Self::Prefix(prefix) => current.is_some_and(|current| current.starts_with(prefix.as_str())),
        }
    }
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Expired => "expired",
            Self::Resume => "resume",
            Self::Scheduled => "scheduled",
            Self::Unauthorized => "unauthorized",
        }
    }
}

impl Settled {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Pass => "pass",
            Self::Resend => "resend",
            Self::Started => "started",
            Self::Unchanged => "unchanged",
            Self::Updated => "updated",
        }
    }
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ending => "ending",
            Self::Restoring => "restoring",
            Self::SignedOut => "signedOut",
            Self::Stale => "stale",
        }
    }
}

impl Event {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adopted { .. } => "adopted",
            Self::PersistFailed => "persistFailed",
            Self::RefreshFailed { .. } => "refreshFailed",
            Self::Refreshed { .. } => "refreshed",
            Self::RetryScheduled { .. } => "retryScheduled",
            Self::SessionEnded(_) => "sessionEnded",
            Self::SessionExpiring { .. } => "sessionExpiring",
            Self::SessionStarted { .. } => "sessionStarted",
            Self::UserChanged { .. } => "userChanged",
        }
    }
}

impl Verdict {
    /// Whether nothing that its holder acts on differs; `checked` does not count.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.generation == other.generation && self.until == other.until && self.bearer.same_as(&other.bearer)
    }
}

impl Now {
    /// A moment that has always passed.
    pub const NEVER: Self = Self { mono: Mono::new(0), wall: UnixMillis(0) };
}
