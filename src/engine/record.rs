//! The record: what the store holds, version 1.
//!
//! `{"schema":1,"name","session","epoch","generation","claim":{"owner","locked","at","life"},"refresh","refreshEnds",
//! "access":[{"audience":"","scheme","token","expiry":{"received","life"},"keyId":null}],"refused","lost",
//! "cooldown":{"at","life","cause"},"offset"}`. A session of `null` is a tombstone: it carries the epoch, so that other tabs
//! see the sign-out, and no token. What tells one state of a record from another stands first, in this order: see
//! [`Stamp`].

use alloc::boxed::Box;
use alloc::string::String;

use super::claim::{self, Claim, Hold, Insist, Stamp};
use super::decimal;
use super::encode;
use super::error::Cause;
use super::ids::{Epoch, Generation, SessionId};
use super::json::{self, Object, Text, Value};
use super::secret::Secret;
use super::time::{Millis, UnixMillis};

/// The version that this code writes.
pub const SCHEMA: i64 = 1;

/// What a store says.
#[derive(Clone, Debug)]
pub enum Stored {
    /// Nothing, something of another program, or something broken.
    Nothing,
    /// Written by a newer version: it is neither read nor overwritten.
    Newer,
    Record(Box<Record>),
}

/// A record of this version.
#[derive(Clone, Debug)]
pub struct Record {
    pub name: String,
    pub epoch: Epoch,
    pub generation: Generation,
    pub claim: Option<Box<Claim>>,
    /// The server asked for peace.
    pub cooldown: Option<StoredCooldown>,
    /// The server's time minus this machine's, in milliseconds.
    pub offset: Option<i64>,
    /// `None`: signed out.
    pub session: Option<StoredSession>,
}

/// The session of a record.
#[derive(Clone, Debug)]
pub struct StoredSession {
    pub id: SessionId,
    pub refresh: Option<Secret>,
    pub refresh_ends: Option<UnixMillis>,
    pub access: Option<StoredAccess>,
    /// The refresh token of this generation was refused and is never sent again.
    pub refused: bool,
    /// The refresh token of this generation was sent and no answer was read.
    pub lost: bool,
}

/// For how long no tab sends the refresh token of this generation, because the server said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredCooldown {
    pub at: UnixMillis,
    pub life: Millis,
    pub cause: Cause,
}

/// The access token of a record.
#[derive(Clone, Debug)]
pub struct StoredAccess {
    pub token: Secret,
    pub received: UnixMillis,
    pub life: Option<Millis>,
}

impl Record {
    pub fn encode(&self) -> Secret {
        self.written(true)
    }

    /// The record for a place of its own beside a store that cannot compare.
    pub fn encode_without_tokens(&self) -> Secret {
        self.written(false)
    }

    fn written(&self, with_tokens: bool) -> Secret {
        let mut out = self.stamp().prefix(&self.name, SCHEMA, Insist::Claim);
        if let Some(session) = &self.session {
            if let Some(refresh) = session.refresh.as_ref().filter(|_| with_tokens) {
                encode::json_pair(&mut out, "refresh", refresh.expose());
            }
            if let Some(ends) = session.refresh_ends {
                encode::json_number(&mut out, "refreshEnds", ends.0);
            }
            encode::json_name(&mut out, "access");
            out.push('[');
            if let Some(access) = session.access.as_ref().filter(|_| with_tokens) {
                access.encode(&mut out);
            }
            out.push(']');
            for (name, holds) in [("refused", session.refused), ("lost", session.lost)] {
                if holds {
                    encode::json_number(&mut out, name, self.generation.0 as i64);
                }
            }
        }
        if let Some(cooldown) = &self.cooldown {
            encode::json_name(&mut out, "cooldown");
            out.push('{');
            encode::json_number(&mut out, "at", cooldown.at.0);
            encode::json_number(&mut out, "life", cooldown.life.0.min(i64::MAX as u64) as i64);
            encode::json_pair(&mut out, "cause", cooldown.cause.as_str());
            out.push('}');
        }
        if let Some(offset) = self.offset {
            encode::json_number(&mut out, "offset", offset);
        }
        out.push('}');
        Secret::new(out)
    }

    pub fn stamp(&self) -> Stamp {
        Stamp {
            session: self.session.as_ref().map(|session| session.id),
            epoch: self.epoch,
            generation: self.generation,
            claim: self.claim.clone(),
        }
    }

    /// Reads what a store gave; `name` is the name that the record must carry.
    pub fn decode(stored: &str, name: &str) -> Stored {
        let Some(root) = json::parse_object(stored) else {
            return Stored::Nothing;
        };
        match integer(root, "schema") {
            Some(SCHEMA) => {
                Self::read(root, name).map_or(Stored::Nothing, |record| Stored::Record(Box::new(record)))
            }
            Some(SCHEMA..) => Stored::Newer,
            _ => Stored::Nothing,
        }
    }

    fn read(root: Object<'_>, name: &str) -> Option<Self> {
        root.text("name").filter(|stored| stored.is(name))?;
        let (epoch, generation) = (counter(root, "epoch")?, counter(root, "generation")?);
        let session = match root.get("session")? {
            Value::Null => None,
            Value::String(id) => Some(StoredSession {
                id: SessionId::new(hex(id)?),
                refresh: secret(root, "refresh"),
                refresh_ends: integer(root, "refreshEnds").map(UnixMillis),
                access: StoredAccess::decode(root),
                refused: counter(root, "refused") == Some(generation),
                lost: counter(root, "lost") == Some(generation),
            }),
            _ => return None,
        };
        Some(Self {
            name: name.into(),
            epoch: Epoch(epoch),
            generation: Generation(generation),
            claim: root.object("claim").and_then(decode_claim).map(Box::new),
            cooldown: root.object("cooldown").and_then(StoredCooldown::decode),
            offset: integer(root, "offset"),
            session,
        })
    }
}

impl StoredAccess {
    fn encode(&self, out: &mut String) {
        out.push('{');
        encode::json_pair(out, "audience", "");
        encode::json_pair(out, "scheme", "Bearer");
        encode::json_pair(out, "token", self.token.expose());
        encode::json_name(out, "expiry");
        out.push('{');
        encode::json_number(out, "received", self.received.0);
        if let Some(life) = self.life {
            encode::json_number(out, "life", life.0.min(i64::MAX as u64) as i64);
        }
        out.push('}');
        claim::null(out, "keyId");
        out.push('}');
    }

    fn decode(root: Object<'_>) -> Option<Self> {
        let entry = root.get("access")?.first()?.as_object()?;
        let expiry = entry.object("expiry")?;
        entry.text("scheme").filter(|scheme| scheme.is("Bearer"))?;
        let received = integer(expiry, "received").map(UnixMillis)?;
        let token = Secret::new(entry.text("token")?.decode());
        // An empty token stands for an HttpOnly cookie.
        let is_good = token.expose().is_empty() || token.is_sendable();
        is_good.then(|| Self { token, received, life: counter(expiry, "life").map(Millis) })
    }
}

impl StoredCooldown {
    /// How much longer nothing is sent. One from the future was written before the clock was set back, and would be as
    /// long at every look: it tells nothing.
    pub fn left(&self, wall: UnixMillis) -> Millis {
        let is_known = self.at.since(wall) <= claim::SKEW;
        if is_known { self.life.saturating_sub(wall.since(self.at)) } else { Millis::ZERO }
    }

    fn decode(object: Object<'_>) -> Option<Self> {
        let cause = object.text("cause")?;
        Some(Self {
            at: integer(object, "at").map(UnixMillis)?,
            life: counter(object, "life").map(Millis)?,
            cause: Cause::ALL.into_iter().find(|known| cause.is(known.as_str()))?,
        })
    }
}

fn decode_claim(object: Object<'_>) -> Option<Claim> {
    Some(Claim {
        owner: hex(object.text("owner")?)?,
        hold: if integer(object, "locked")? == 0 { Hold::Alone } else { Hold::Locked },
        at: integer(object, "at").map(UnixMillis)?,
        life: counter(object, "life").map(Millis)?,
    })
}

fn hex(text: Text<'_>) -> Option<u64> {
    encode::from_hex(&text.decode())
}

pub(super) fn integer(object: Object<'_>, name: &str) -> Option<i64> {
    match object.get(name)? {
        Value::Number(digits) => decimal::integer(digits),
        _ => None,
    }
}

pub(super) fn counter(object: Object<'_>, name: &str) -> Option<u64> {
    let value = integer(object, name).filter(|value| *value < HIGHEST)?;
    u64::try_from(value).ok()
}

fn secret(object: Object<'_>, name: &str) -> Option<Secret> {
    Some(Secret::new(object.text(name)?.decode())).filter(Secret::is_storable)
}

/// No honest counter gets here; from one that is higher there would be no way on.
const HIGHEST: i64 = 1 << 52;

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            name: "app \"1\"".into(),
            epoch: Epoch(3),
            generation: Generation(7),
            claim: Some(Box::new(Claim {
                owner: 0xfeed,
                hold: Hold::Locked,
                at: UnixMillis(1_700_000_000_000),
                life: Millis(12_000),
            })),
            cooldown: Some(StoredCooldown {
                at: UnixMillis(1_700_000_000_000),
                life: Millis(60_000),
                cause: Cause::RateLimited,
            }),
            offset: Some(-1_500),
            session: Some(StoredSession {
                id: SessionId::new(0xabcd),
                refresh: Some(Secret::new("refresh-token".into())),
                refresh_ends: Some(UnixMillis(1_800_000_000_000)),
                access: Some(StoredAccess {
                    token: Secret::new("access-token".into()),
                    received: UnixMillis(1_700_000_000_000),
                    life: Some(Millis(900_000)),
                }),
                refused: false,
                lost: true,
            }),
        }
    }

    fn decoded(text: &str) -> Record {
        match Record::decode(text, "app \"1\"") {
            Stored::Record(record) => *record,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_survives_the_store() {
        let back = decoded(record().encode().expose());
        assert_eq!((back.epoch, back.generation, back.offset), (Epoch(3), Generation(7), Some(-1_500)));
        assert_eq!((back.claim, back.cooldown), (record().claim, record().cooldown));
        let session = back.session.unwrap();
        assert_eq!(session.id, SessionId::new(0xabcd));
        assert!(session.lost);
        assert_eq!(session.refresh.unwrap().expose(), "refresh-token");
        assert_eq!(session.refresh_ends, Some(UnixMillis(1_800_000_000_000)));
        assert!(!session.refused);
        let access = session.access.unwrap();
        assert_eq!(access.token.expose(), "access-token");
        assert_eq!((access.received, access.life), (UnixMillis(1_700_000_000_000), Some(Millis(900_000))));
    }

    #[test]
    fn a_refusal_counts_for_its_own_generation_only() {
        let mut refused = record();
        refused.session.as_mut().unwrap().refused = true;
        let text = refused.encode().expose().replace("\"generation\":7", "\"generation\":8");
        assert!(!decoded(&text).session.unwrap().refused);
        assert!(decoded(refused.encode().expose()).session.unwrap().refused);
    }

    #[test]
    fn a_tombstone_has_an_epoch_and_no_token() {
        let tombstone = Record { session: None, ..record() };
        let back = decoded(tombstone.encode().expose());
        assert_eq!(back.epoch, Epoch(3));
        assert!(back.session.is_none());
    }

    #[test]
    fn foreign_and_broken_content_is_nothing() {
        let good = record().encode();
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            "5",
            "{\"schema\":0}",
            "{\"schema\":\"1\"}",
            "{\"schema\":1}",
            &good.expose()[..good.expose().len() - 1],
            &good.expose().replace("\"epoch\":3", "\"epoch\":-3"),
            &good.expose().replace("\"000000000000abcd\"", "\"xyz\""),
        ] {
            assert!(matches!(Record::decode(bad, "app \"1\""), Stored::Nothing), "{bad}");
        }
        assert!(matches!(Record::decode(good.expose(), "other"), Stored::Nothing));
    }

    #[test]
    fn a_newer_schema_is_recognised() {
        let newer = record().encode().expose().replace("\"schema\":1", "\"schema\":2");
        assert!(matches!(Record::decode(&newer, "app \"1\""), Stored::Newer));
    }
}
