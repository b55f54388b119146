//! The auth server: one session, rotation and reuse detection.

use std::fmt;

/// A refresh token: the `n`th of the session, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Token(pub(super) u8);

/// What the server says to a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ruling {
    Granted(Token),
    /// `reuse`: the token was spent, and the session is revoked for that.
    Refused {
        reuse: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    pub(super) live: Token,
    pub(super) revoked: bool,
    /// When the live token was made, in milliseconds since the world began.
    rotated: u64,
    grace: u64,
}

impl Server {
    pub(super) fn new(grace: u64) -> Self {
        Self { live: Token(1), revoked: false, rotated: 0, grace }
    }

    pub(super) fn refresh(&mut self, token: Token, elapsed: u64) -> Ruling {
        let live = token == self.live;
        let repeated = token.0 + 1 == self.live.0 && self.forgives(elapsed);
        if self.revoked || !live && !repeated {
            let reuse = !self.revoked;
            self.revoked = true;
            return Ruling::Refused { reuse };
        }
        if live {
            self.live = Token(token.0 + 1);
            self.rotated = elapsed;
        }
        Ruling::Granted(self.live)
    }

    /// Whether the token before the live one is still answered.
    pub(super) fn forgives(&self, elapsed: u64) -> bool {
        elapsed - self.rotated < self.grace
    }

    /// For how much longer it is.
    pub(super) fn grace_left(&self, elapsed: u64) -> u64 {
        (self.rotated + self.grace).saturating_sub(elapsed)
    }
}

impl Ruling {
    /// Status and body.
    pub(super) fn answer(self) -> (u16, String) {
        match self {
            Self::Granted(token) => (200, token.response()),
            Self::Refused { .. } => (400, r#"{"error":"invalid_grant"}"#.into()),
        }
    }
}

impl Token {
    /// Finds a refresh token in a text that holds one.
    pub(super) fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("refresh.")?;
        let digits = rest.split(|next: char| !next.is_ascii_digit()).next()?;
        digits.parse().ok().map(Self)
    }

    pub(super) fn access(self) -> String {
        format!("access.{}", self.0)
    }

    fn response(self) -> String {
        let (access, life) = (self.access(), LIFE / 1_000);
        format!(r#"{{"access_token":"{access}","refresh_token":"{self}","expires_in":{life}}}"#)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refresh.{}", self.0)
    }
}

/// How long access tokens live, in milliseconds.
pub(super) const LIFE: u64 = 120_000;
