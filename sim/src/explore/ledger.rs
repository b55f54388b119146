//! What the promises ask of the past.

use evertoken::engine::ids::Order;

use super::server::Token;

/// What has happened so far, as far as a promise hangs on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Ledger {
    /// The highest record that was ever stored.
    pub(super) order: Order,
    /// The newest refresh token that was ever stored.
    pub(super) stored: Option<Token>,
    /// The refresh tokens that may be sent twice, as bits: an answer was lost, or who sent it crashed, was frozen, waited
    /// long for the answer, or could not store the successor twice.
    pub(super) excused: u32,
    /// A store operation has failed or taken too long: claims may be missing.
    pub(super) unclaimed: bool,
    /// Somebody has signed out.
    pub(super) wished: bool,
    /// The store has shown the end of the session.
    pub(super) over: bool,
}

impl Ledger {
    /// Trouble met a tab that had sent `token`.
    pub(super) fn excuse(&mut self, token: Option<Token>) {
        if let Some(token) = token {
            self.excused |= 1 << token.0;
        }
    }

    pub(super) fn excuses(&self, token: Token) -> bool {
        self.excused >> token.0 & 1 == 1
    }
}
