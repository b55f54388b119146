//! The signing key, made once and kept, so that access tokens outlive a restart.

use rusqlite::{Connection, params};

use crate::clock::UnixMillis;
use crate::config::Algorithm;
use crate::error::ServerFault;
use crate::tokens::random_id;

/// A signing key as stored.
pub(crate) struct StoredKey {
    /// The `kid` of a JWT header.
    pub(crate) id: String,
    pub(crate) secret: [u8; 32],
}

/// The key for `algorithm`, made when there is none yet.
pub(crate) fn load_or_create(
    connection: &mut Connection,
    algorithm: Algorithm,
    now: UnixMillis,
) -> Result<StoredKey, ServerFault> {
    let mut secret = [0u8; 32];
    getrandom::fill(&mut secret)?;
    // Of two processes that start on one new file the first insert wins, and both read that one.
    connection.execute(
        "INSERT INTO signing_keys (algorithm, id, secret, created) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![algorithm.name(), random_id()?, secret, now.0],
    )?;
    let key = connection.query_row(
        "SELECT id, secret FROM signing_keys WHERE algorithm = ?1",
        params![algorithm.name()],
        |row| Ok(StoredKey { id: row.get(0)?, secret: row.get(1)? }),
    )?;
    Ok(key)
}
