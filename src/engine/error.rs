//! What a caller of the token manager is told when something fails.

use alloc::string::String;
use alloc::sync::Arc;
use core::ops::Deref;

use super::time::UnixMillis;

/// Stable names of failures; they are public API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The response handed over has no usable token.
    BadTokenResponse,
    /// The token endpoint says that this client is set up wrongly. The session is kept.
    Configuration,
    /// The manager has been disposed of.
    Disposed,
    /// No token can be had now; the session goes on and the engine keeps trying.
    RefreshUnavailable,
    /// Another session has begun while the caller waited.
    SessionChanged,
    /// The session has ended while the caller waited.
    SessionEnded,
    /// There is no session.
    SignedOut,
    /// The server gave a token of a type that is not `Bearer`.
    UnsupportedTokenType,
}

/// Why a refresh attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An answer that is no token response: HTML, truncated, of wrong types, dead on arrival.
    BadResponse,
    /// The app's refresh callback failed.
    Callback,
    /// Another tab is refreshing, and its answer has not come.
    Elsewhere,
    /// No answer: offline, DNS, CORS, a reset connection.
    Network,
    /// 429.
    RateLimited,
    /// The token endpoint refused the refresh token.
    Refused,
    /// Another status that is no refusal.
    ServerError,
    /// `stop` was called.
    Stopped,
    /// No answer within the attempt timeout, or within `maxWait`.
    Timeout,
}

/// A [`Failure`] that many callers share.
#[derive(Debug, PartialEq, Eq)]
pub struct TokenError(Arc<Failure>);

/// What is known of a failure; it never holds a token or a response body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: ErrorCode,
    pub cause: Option<Cause>,
    /// HTTP status of the token endpoint's answer.
    pub status: Option<u16>,
    /// The `error` member of the answer (RFC 6749 §5.2), when it is a plain code.
    pub oauth_error: Option<Arc<str>>,
    /// Attempts made by the refresh that failed.
    pub attempt: u32,
    /// When the engine tries again by itself.
    pub retry_at: Option<UnixMillis>,
    /// `x-request-id` of the answer.
    pub request_id: Option<String>,
}

impl ErrorCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadTokenResponse => "bad_token_response",
            Self::Configuration => "configuration",
            Self::Disposed => "disposed",
            Self::RefreshUnavailable => "refresh_unavailable",
            Self::SessionChanged => "session_changed",
            Self::SessionEnded => "session_ended",
            Self::SignedOut => "signed_out",
            Self::UnsupportedTokenType => "unsupported_token_type",
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_transient(self) -> bool {
        self == Self::RefreshUnavailable
    }
}

impl Cause {
    pub const ALL: [Self; 9] = [
        Self::BadResponse,
        Self::Callback,
        Self::Elsewhere,
        Self::Network,
        Self::RateLimited,
        Self::Refused,
        Self::ServerError,
        Self::Stopped,
        Self::Timeout,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadResponse => "bad_response",
            Self::Callback => "callback",
            Self::Elsewhere => "elsewhere",
            Self::Network => "network",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::ServerError => "server_error",
            Self::Stopped => "stopped",
            Self::Timeout => "timeout",
        }
    }
}

impl From<Failure> for TokenError {
    fn from(failure: Failure) -> Self {
        Self(Arc::new(failure))
    }
}

impl Clone for TokenError {
    // Inlined at its many callers it would take more bytes than the calls.
    #[inline(never)]
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Deref for TokenError {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl TokenError {
    pub fn new(code: ErrorCode) -> Self {
        Failure::new(code).into()
    }

    pub fn unavailable(cause: Cause) -> Self {
        Failure::unavailable(cause).into()
    }
}

impl Failure {
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            cause: None,
            status: None,
            oauth_error: None,
            attempt: 0,
            retry_at: None,
            request_id: None,
        }
    }

    pub fn unavailable(cause: Cause) -> Self {
        Self { cause: Some(cause), ..Self::new(ErrorCode::RefreshUnavailable) }
    }
}
