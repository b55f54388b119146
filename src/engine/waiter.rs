//! Callers that wait for a token.

use super::ids::{CallId, Generation};
use super::session::Session;
use super::time::{Millis, Mono, Now};

/// One caller, with what would satisfy it.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    pub call: CallId,
    pub want: Want,
    pub deadline: Mono,
}

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A good token with this much left, or else one newer than the generation held at the call.
    Token { min_validity: Millis, after: Generation },
    /// A generation newer than this one.
    Newer(Generation),
    /// A good token of another generation than the one that drew a 401.
    Replacement(Generation),
}

impl Want {
    /// Whether `session` gives what is wanted.
    pub fn is_met(self, session: &Session, now: Now) -> bool {
        let Some(access) = session.good_access(now) else {
            return false;
        };
        match self {
            Self::Newer(after) | Self::Replacement(after) => access.generation > after,
            Self::Token { min_validity, after } => {
                access.generation > after || access.life.left(now).is_none_or(|left| left >= min_validity)
            }
        }
    }
}
