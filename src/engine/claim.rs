//! The claim: what a tab writes into the record before it sends the refresh token.

use alloc::boxed::Box;
use alloc::string::String;

use super::encode;
use super::ids::{Epoch, Generation, Order, SessionId};
use super::time::{Millis, UnixMillis};

/// Says that a tab is about to send the record's refresh token, or has sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The engine that claims.
    pub owner: u64,
    pub hold: Hold,
    pub at: UnixMillis,
    /// How long after `at` its owner may be waiting for an answer.
    pub life: Millis,
}

/// Whether the tab that claims has the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Its wait for the lock was over, or there is none to be had.
    Alone,
    Locked,
}

/// What tells one state of a record from the next: every write names the one that it replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `None`: signed out.
    pub session: Option<SessionId>,
    pub epoch: Epoch,
    pub generation: Generation,
    pub claim: Option<Box<Claim>>,
}

/// How much of a [`Stamp`] a write insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insist {
    /// That nobody has claimed since, either.
    Claim,
    Generation,
}

impl Claim {
    /// Whether its owner may still be waiting for an answer. A claim from the future was made before the clock was
    /// set back, and tells nothing; but the clocks of two processes may differ a little.
    pub fn is_live(&self, wall: UnixMillis) -> bool {
        self.at.since(wall) <= SKEW && wall.since(self.at) <= self.life
    }

    /// How much longer its owner may wait.
    pub fn left(&self, wall: UnixMillis) -> Millis {
        self.life.saturating_sub(wall.since(self.at))
    }
}

impl Stamp {
    /// How the text of a record begins that has this stamp. Stores compare with it, so they need to read nothing.
    pub fn prefix(&self, name: &str, schema: i64, insist: Insist) -> String {
        let mut out = String::from("{");
        encode::json_number(&mut out, "schema", schema);
        encode::json_pair(&mut out, "name", name);
        match self.session {
            Some(session) => hex(&mut out, "session", session.number()),
            None => null(&mut out, "session"),
        }
        encode::json_number(&mut out, "epoch", self.epoch.0 as i64);
        encode::json_number(&mut out, "generation", self.generation.0 as i64);
        // The comma ends the number: 7 is no beginning of 71.
        if insist == Insist::Generation {
            out.push(',');
            return out;
        }
        match &self.claim {
            None => null(&mut out, "claim"),
            Some(claim) => {
                encode::json_name(&mut out, "claim");
                out.push('{');
                hex(&mut out, "owner", claim.owner);
                encode::json_number(&mut out, "locked", i64::from(claim.hold == Hold::Locked));
                encode::json_number(&mut out, "at", claim.at.0);
                encode::json_number(&mut out, "life", claim.life.0.min(i64::MAX as u64) as i64);
                out.push('}');
            }
        }
        out
    }

    /// What orders records.
    pub fn order(&self) -> Order {
        Order { epoch: self.epoch, generation: self.generation }
    }
}

fn hex(out: &mut String, name: &str, number: u64) {
    encode::json_name(out, name);
    out.push('"');
    encode::hex(out, number);
    out.push('"');
}

/// Appends `"name":null`.
pub fn null(out: &mut String, name: &str) {
    encode::json_name(out, name);
    out.push_str("null");
}

/// How far the clocks of two processes may differ.
pub(super) const SKEW: Millis = Millis::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_live_from_its_time_to_its_end() {
        let claim = Claim { owner: 1, hold: Hold::Alone, at: UnixMillis(1_000), life: Millis(12_000) };
        assert!(claim.is_live(UnixMillis(1_000)) && claim.is_live(UnixMillis(13_000)));
        assert!(
            !claim.is_live(UnixMillis(13_001))
                && claim.is_live(UnixMillis(-1_000))
                && !claim.is_live(UnixMillis(-1_001))
        );
        assert_eq!(claim.left(UnixMillis(3_000)), Millis(10_000));
    }

    #[test]
    fn generation_7_is_no_beginning_of_generation_71() {
        let stamp = |generation| Stamp { generation: Generation(generation), ..Stamp::default() };
        let long = stamp(71).prefix("app", 1, Insist::Claim);
        assert!(!long.starts_with(&stamp(7).prefix("app", 1, Insist::Generation)));
        assert!(long.starts_with(&stamp(71).prefix("app", 1, Insist::Generation)));
    }
}
