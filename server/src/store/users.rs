//! Accounts.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::clock::UnixMillis;
use crate::error::ServerFault;
use crate::tokens::random_id;

/// An account as answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct User {
    pub(crate) id: String,
    /// In lower case, as stored.
    pub(crate) email: String,
}

/// An account with the PHC string of its password.
pub(crate) struct UserWithHash {
    pub(crate) user: User,
    pub(crate) password_hash: String,
}

/// Adds an account; `None` when the e-mail is taken.
pub(crate) fn create(
    connection: &Connection,
    email: &str,
    password_hash: &str,
    now: UnixMillis,
) -> Result<Option<User>, ServerFault> {
    let id = random_id()?;
    let added = connection.execute(
        "INSERT INTO users (id, email, password_hash, created) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (email) DO NOTHING",
        params![id, email, password_hash, now.0],
    )?;
    Ok((added == 1).then(|| User { id, email: email.to_owned() }))
}

/// Adds an account or sets the password of the one that has this e-mail.
pub(crate) fn seed(
    connection: &Connection,
    email: &str,
    password_hash: &str,
    now: UnixMillis,
) -> Result<(), ServerFault> {
    connection.execute(
        "INSERT INTO users (id, email, password_hash, created) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash",
        params![random_id()?, email, password_hash, now.0],
    )?;
    Ok(())
}

pub(crate) fn find(connection: &Connection, email: &str) -> Result<Option<UserWithHash>, ServerFault> {
    let found = connection
        .prepare_cached("SELECT id, email, password_hash FROM users WHERE email = ?1")?
        .query_row(params![email], |row| {
            Ok(UserWithHash {
                user: User { id: row.get(0)?, email: row.get(1)? },
                password_hash: row.get(2)?,
            })
        })
        .optional()?;
    Ok(found)
}
