//! A session and its tokens.

use alloc::sync::Arc;

use super::ids::{Generation, SessionId};
use super::jwt::{self, Claims};
use super::life::Life;
use super::secret::Secret;
use super::time::{Millis, Mono, Now, UnixMillis};

/// What is held of a signed-in user. It may hold no token: a cookie session that is being resumed.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    /// The first generation of this session that this instance has held.
    pub first: Generation,
    /// Absent when the refresh token is a cookie, or when the app never had one.
    pub refresh: Option<Secret>,
    /// When the refresh token ends, if that is known.
    pub refresh_ends: Option<UnixMillis>,
    pub access: Option<AccessToken>,
    pub identity: Identity,
    pub standing: Standing,
}

/// An access token and what is known of it.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// Empty when the token is an HttpOnly cookie.
    pub token: Secret,
    /// The generation that it came with: a pair whose access token is not stored leaves the older one in place.
    pub generation: Generation,
    pub life: Life,
    /// How long before its end it is refreshed, drawn once.
    pub lead: Millis,
    pub received: Mono,
    /// How old it was when it was received: a store gives back what was issued long ago.
    pub age_then: Millis,
    /// A resource server has answered 401 to it.
    pub rejected: bool,
}

/// Whom a token is for, as its claims say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub issuer: Option<Arc<str>>,
    pub subject: Option<Arc<str>>,
    pub issued_at: Option<UnixMillis>,
}

/// How a session stands with the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The refresh token may be used.
    Good,
    /// The refresh token was refused; the session ends with its access token.
    Refused(Arc<Refusal>),
    /// A cookie session after a reload: nobody knows yet whether it is still there. `hinted`: a record says that
    /// there was one.
    Resuming { hinted: bool },
}

/// Why a session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: EndReason,
    pub status: Option<u16>,
    pub oauth_error: Option<Arc<str>>,
}

/// Why a session has ended. The names are public API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The app's refresh callback threw `SessionEnded`.
    Callback,
    /// The access token ended and there is no way to refresh it.
    Expired,
    /// An answer with new tokens was lost, and the old refresh token was then refused.
    RefreshResponseLostPossible,
    /// The token endpoint refused the refresh token.
    Refused,
    SignedOut,
    /// Another tab signed out.
    SignedOutElsewhere,
    /// Another tab has newer tokens, and they cannot be had here.
    Superseded,
}

impl EndReason {
    /// Why a session ends whose refresh token was refused. `lost`: an answer to it was not read.
    pub fn refused(lost: bool) -> Self {
        if lost { Self::RefreshResponseLostPossible } else { Self::Refused }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::Expired => "expired",
            Self::RefreshResponseLostPossible => "refresh_response_lost_possible",
            Self::Refused => "refused",
            Self::SignedOut => "signed_out",
            Self::SignedOutElsewhere => "signed_out_elsewhere",
            Self::Superseded => "superseded",
        }
    }
}

impl Refusal {
    pub fn because(reason: EndReason) -> Arc<Self> {
        Arc::new(Self { reason, status: None, oauth_error: None })
    }
}

impl Identity {
    /// Reads the claims of an access token; an opaque token has no identity.
    pub fn of(token: &Secret) -> (Self, Claims<'_>) {
        let claims = jwt::claims(token.expose()).unwrap_or_default();
        let identity =
            Self { issuer: claims.issuer(), subject: claims.subject(), issued_at: claims.issued_at() };
        (identity, claims)
    }

    /// Whether both name the same user of the same issuer.
    pub fn is_same_user(&self, other: &Self) -> bool {
        self.subject.is_some() && self.subject == other.subject && self.issuer == other.issuer
    }

    /// Whether a session of this may go on with tokens of `other`.
    pub fn may_be_of(&self, other: &Self) -> bool {
        other.subject.is_none() || self.is_same_user(other)
    }

    /// Whether they name different users.
    pub fn is_other_user(&self, other: &Self) -> bool {
        self.subject.is_some() && other.subject.is_some() && !self.is_same_user(other)
    }
}

impl AccessToken {
    pub fn age(&self, now: Now) -> Millis {
        now.mono.since(self.received).saturating_add(self.age_then)
    }

    /// Whether it may be sent.
    pub fn is_good(&self, now: Now) -> bool {
        !self.rejected && !self.life.is_over(now)
    }
}

impl Session {
    /// One that holds no token yet.
    pub fn new(id: SessionId, first: Generation, standing: Standing) -> Self {
        Self {
            id,
            first,
            refresh: None,
            refresh_ends: None,
            access: None,
            identity: Identity::default(),
            standing,
        }
    }

    /// The access token, if it may be sent.
    pub fn good_access(&self, now: Now) -> Option<&AccessToken> {
        self.access.as_ref().filter(|access| access.is_good(now))
    }

    /// The tokens held here; that of an HttpOnly cookie is empty.
    pub fn tokens(&self) -> [Option<&Secret>; 2] {
        [self.refresh.as_ref(), self.access.as_ref().map(|access| &access.token)]
    }

    /// Whether `text` repeats a part of a token held here.
    pub fn leaks_into(&self, text: &str) -> bool {
        self.tokens().into_iter().flatten().any(|token| token.leaks_into(text))
    }

    pub fn is_resuming(&self) -> bool {
        matches!(self.standing, Standing::Resuming { .. })
    }

    /// Whether anybody knows of it but perhaps the server.
    pub fn is_known(&self) -> bool {
        self.standing != Standing::Resuming { hinted: false }
    }

    pub fn is_refused(&self) -> bool {
        matches!(self.standing, Standing::Refused(_))
    }
}
