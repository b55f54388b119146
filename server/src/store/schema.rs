//! Tables and how the database is opened.

use std::time::Duration;

use rusqlite::Connection;

use crate::error::ServerFault;

pub(super) fn open(path: &str) -> Result<Connection, ServerFault> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A file in WAL mode stays readable during a write. FULL, because a rotation that has been answered must
    // survive a power cut: the client has already thrown the old refresh token away.
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => connection.execute_batch(SCHEMA)?,
        VERSION => {}
        other => {
            return Err(ServerFault::corrupt(&format!(
                "expected schema version {VERSION}, found {other} in {path}"
            )));
        }
    }
    Ok(connection)
}

/// How long a write waits for another process that shares the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What `PRAGMA user_version` says of a database with this schema.
const VERSION: i64 = 1;

/// Times are milliseconds since the Unix epoch. `IF NOT EXISTS`: two processes may open a new file at once.
const SCHEMA: &str = "
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
-- One row per sign-in. access_floor: access tokens up to this number of the family are refused (tests only).
CREATE TABLE IF NOT EXISTS families (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    mode TEXT NOT NULL CHECK (mode IN ('body', 'cookie')),
    access_ttl INTEGER NOT NULL,
    refresh_ttl INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER,
    access_floor INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS families_by_user ON families (user_id);
CREATE INDEX IF NOT EXISTS families_by_expiry ON families (expires);
-- number counts from 1 within the family; it is the last part of the access token's jti. sealed_successor is
-- unreadable without the token itself, and only there while a repeat would be answered.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    hash BLOB PRIMARY KEY,
    family TEXT NOT NULL REFERENCES families (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    parent BLOB,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used_at INTEGER,
    sealed_successor BLOB,
    UNIQUE (family, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signing_keys (
    algorithm TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    secret BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
";
