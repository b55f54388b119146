//! Sessions: families of refresh tokens, their rotation, the detection of reuse, and their end.
//!
//! A family begins with a sign-in. Each refresh spends one token and makes its only successor. A token that comes
//! twice is held by two parties, and the server cannot tell which of them is the thief: the whole family ends
//! (RFC 9700 §4.14.2). A grace interval softens that for clients that lost an answer: within it a repeat of the
//! token spent last gets the same successor again, as long as that one has not been used.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::clock::{Millis, UnixMillis};
use crate::error::ServerFault;
use crate::store::users::User;
use crate::tokens::{RefreshToken, SealedSuccessor, TokenHash, random_id};

/// How the client of a session holds its refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Body,
    Cookie,
}

/// How long the tokens of a family live, fixed at its sign-in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    pub(crate) access: Millis,
    pub(crate) refresh: Millis,
}

/// What a sign-in or a refresh hands out; the access token is made from it.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) user: User,
    pub(crate) family: String,
    /// Counts the token pairs of the family from 1.
    pub(crate) number: i64,
    pub(crate) mode: Mode,
    pub(crate) lifetimes: Lifetimes,
    /// When this pair was made: with a grace answer, some time ago.
    pub(crate) issued: UnixMillis,
    pub(crate) refresh_token: RefreshToken,
}

/// What became of a refresh.
#[derive(Debug)]
pub(crate) enum Rotation {
    /// A repeat within the grace interval: the same successor again.
    Grace(Grant),
    Refused(Refusal),
    Rotated(Grant),
}

/// Why a refresh token is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: RefusalReason,
    /// The family of the token, where it has one.
    pub(crate) family: Option<String>,
    /// Whether the token had been spent before.
    pub(crate) spent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalReason {
    Expired,
    Reused,
    Revoked,
    Unknown,
}

/// What the ledger wants to know of a token that is not being handled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenFacts {
    pub(crate) family: String,
    pub(crate) spent: bool,
}

/// Who holds an access token, and whether it still counts.
#[derive(Debug)]
pub(crate) struct AccessHolder {
    pub(crate) user: User,
    pub(crate) revoked: bool,
    /// Refused by order of a test.
    pub(crate) cut_off: bool,
}

/// Begins a session of `user`.
pub(crate) fn begin(
    connection: &mut Connection,
    user: &User,
    mode: Mode,
    lifetimes: Lifetimes,
    now: UnixMillis,
) -> Result<Grant, ServerFault> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    forget_long_expired(&tx, now)?;
    let family = random_id()?;
    tx.execute(
        "INSERT INTO families (id, user_id, mode, access_ttl, refresh_ttl, created, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![family, user.id, mode.name(), lifetimes.access.0, lifetimes.refresh.0, now.0, now.0],
    )?;
    let refresh_token = RefreshToken::generate()?;
    let grant = Grant { user: user.clone(), family, number: 1, mode, lifetimes, issued: now, refresh_token };
    insert_token(&tx, &grant, None)?;
    tx.commit()?;
    Ok(grant)
}

/// Spends `presented` for its successor, or finds out why not; everything in one transaction, so that of any
/// number of simultaneous refreshes with one token exactly one rotates.
pub(crate) fn rotate(
    connection: &mut Connection,
    presented: &RefreshToken,
    grace: Millis,
    now: UnixMillis,
) -> Result<Rotation, ServerFault> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(held) = find_held(&tx, presented.hash())? else {
        return Ok(Rotation::Refused(Refusal { reason: RefusalReason::Unknown, family: None, spent: false }));
    };
    let refused = |reason| {
        let refusal = Refusal { reason, family: Some(held.family.clone()), spent: held.used_at.is_some() };
        Ok(Rotation::Refused(refusal))
    };
    if held.revoked {
        return refused(RefusalReason::Revoked);
    }
    if let Some(used_at) = held.used_at {
        // Also a token that has expired meanwhile: a stolen one must not become harmless by waiting.
        let in_grace = grace > Millis(0) && now.since(used_at) <= grace;
        if in_grace && let Some(sealed) = &held.sealed_successor {
            let successor = presented.unseal(sealed);
            return Ok(Rotation::Grace(held.grant(held.number + 1, used_at, successor)));
        }
        end_family(&tx, &held.family, now)?;
        tx.commit()?;
        return refused(RefusalReason::Reused);
    }
    if now >= held.expires {
        return refused(RefusalReason::Expired);
    }
    let refresh_token = RefreshToken::generate()?;
    let grant = held.grant(held.number + 1, now, refresh_token);
    let sealed = if grace > Millis(0) { presented.seal(&grant.refresh_token) } else { None };
    tx.execute(
        "UPDATE refresh_tokens SET used_at = ?2, sealed_successor = ?3 WHERE hash = ?1",
        params![presented.hash().0, now.0, sealed.map(|sealed| sealed.0)],
    )?;
    // The token before this one can no longer ask for a repeat: this one, its successor, is now used.
    tx.execute("UPDATE refresh_tokens SET sealed_successor = NULL WHERE hash = ?1", params![held.parent])?;
    insert_token(&tx, &grant, Some(presented.hash()))?;
    tx.commit()?;
    Ok(Rotation::Rotated(grant))
}

/// The family and state of a token, without any change.
pub(crate) fn facts(connection: &Connection, hash: TokenHash) -> Result<Option<TokenFacts>, ServerFault> {
    let found = connection
        .prepare_cached("SELECT family, used_at IS NOT NULL FROM refresh_tokens WHERE hash = ?1")?
        .query_row(params![hash.0], |row| Ok(TokenFacts { family: row.get(0)?, spent: row.get(1)? }))
        .optional()?;
    Ok(found)
}

/// The holder of the access token with this number in this family; `None` when there is no such session.
pub(crate) fn access_holder(
    connection: &Connection,
    family: &str,
    number: i64,
) -> Result<Option<AccessHolder>, ServerFault> {
    let found = connection
        .prepare_cached(
            "SELECT users.id, users.email, families.revoked IS NOT NULL, ?2 <= families.access_floor
             FROM families JOIN users ON users.id = families.user_id WHERE families.id = ?1",
        )?
        .query_row(params![family, number], |row| {
            let user = User { id: row.get(0)?, email: row.get(1)? };
            Ok(AccessHolder { user, revoked: row.get(2)?, cut_off: row.get(3)? })
        })
        .optional()?;
    Ok(found)
}

/// Ends a session; false when there is none, or it has ended before.
pub(crate) fn end_family(
    connection: &Connection,
    family: &str,
    now: UnixMillis,
) -> Result<bool, ServerFault> {
    let ended = connection.execute(
        "UPDATE families SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL",
        params![family, now.0],
    )?;
    Ok(ended == 1)
}

/// Ends all sessions of an account; returns how many were live.
pub(crate) fn end_all_of(
    connection: &Connection,
    email: &str,
    now: UnixMillis,
) -> Result<usize, ServerFault> {
    let ended = connection.execute(
        "UPDATE families SET revoked = ?2
         WHERE revoked IS NULL AND user_id = (SELECT id FROM users WHERE email = ?1)",
        params![email, now.0],
    )?;
    Ok(ended)
}

/// Refuses the access tokens issued so far in a family, and no later ones; false when there is no such family.
pub(crate) fn cut_off_access(connection: &Connection, family: &str) -> Result<bool, ServerFault> {
    let changed = connection.execute(
        "UPDATE families SET access_floor = (SELECT max(number) FROM refresh_tokens WHERE family = ?1) WHERE id = ?1",
        params![family],
    )?;
    Ok(changed == 1)
}

/// A refresh token as found in the database, with its family.
struct Held {
    family: String,
    user: User,
    mode: Mode,
    lifetimes: Lifetimes,
    revoked: bool,
    number: i64,
    parent: Option<[u8; 32]>,
    expires: UnixMillis,
    used_at: Option<UnixMillis>,
    sealed_successor: Option<SealedSuccessor>,
}

impl Held {
    fn grant(&self, number: i64, issued: UnixMillis, refresh_token: RefreshToken) -> Grant {
        Grant {
            user: self.user.clone(),
            family: self.family.clone(),
            number,
            mode: self.mode,
            lifetimes: self.lifetimes,
            issued,
            refresh_token,
        }
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            family: row.get("family")?,
            user: User { id: row.get("user_id")?, email: row.get("email")? },
            mode: Mode::named(&row.get::<_, String>("mode")?),
            lifetimes: Lifetimes {
                access: Millis(row.get("access_ttl")?),
                refresh: Millis(row.get("refresh_ttl")?),
            },
            revoked: row.get("revoked")?,
            number: row.get("number")?,
            parent: row.get("parent")?,
            expires: UnixMillis(row.get("token_expires")?),
            used_at: row.get::<_, Option<i64>>("used_at")?.map(UnixMillis),
            sealed_successor: row.get::<_, Option<[u8; 32]>>("sealed_successor")?.map(SealedSuccessor),
        })
    }
}

fn find_held(tx: &Transaction<'_>, hash: TokenHash) -> Result<Option<Held>, ServerFault> {
    let held = tx
        .prepare_cached(
            "SELECT t.family, t.number, t.parent, t.expires AS token_expires, t.used_at, t.sealed_successor,
                    f.user_id, f.mode, f.access_ttl, f.refresh_ttl, f.revoked IS NOT NULL AS revoked, u.email
             FROM refresh_tokens t JOIN families f ON f.id = t.family JOIN users u ON u.id = f.user_id
             WHERE t.hash = ?1",
        )?
        .query_row(params![hash.0], Held::from_row)
        .optional()?;
    Ok(held)
}

fn insert_token(tx: &Transaction<'_>, grant: &Grant, parent: Option<TokenHash>) -> Result<(), ServerFault> {
    let expires = grant.issued.plus(grant.lifetimes.refresh);
    tx.execute(
        "INSERT INTO refresh_tokens (hash, family, number, parent, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            grant.refresh_token.hash().0,
            grant.family,
            grant.number,
            parent.map(|hash| hash.0),
            grant.issued.0,
            expires.0
        ],
    )?;
    tx.execute("UPDATE families SET expires = ?2 WHERE id = ?1", params![grant.family, expires.0])?;
    Ok(())
}

/// Deletes what expired a week ago: until then a late client is told "expired" instead of "unknown".
fn forget_long_expired(tx: &Transaction<'_>, now: UnixMillis) -> Result<(), ServerFault> {
    // A test that shifts the clock far ahead and back again must find its sessions still there.
    let now = now.min(UnixMillis::system());
    tx.execute("DELETE FROM families WHERE expires < ?1", params![now.plus(Millis(-KEPT_AFTER_EXPIRY.0)).0])?;
    Ok(())
}

const KEPT_AFTER_EXPIRY: Millis = Millis(7 * 86_400_000);

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Cookie => "cookie",
        }
    }

    /// The mode of a stored name; the table's CHECK admits no third.
    fn named(name: &str) -> Self {
        if name == "cookie" { Self::Cookie } else { Self::Body }
    }
}

impl RefusalReason {
    /// The `error_description` of an `invalid_grant`.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Expired => "the refresh token has expired",
            Self::Reused => "the refresh token was used before; the session has been ended",
            Self::Revoked => "the session has been ended",
            Self::Unknown => "the refresh token is not known",
        }
    }
}
