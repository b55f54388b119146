//! The database: accounts, sessions (families of refresh tokens) and the signing key, in SQLite.

pub(crate) mod keys;
mod schema;
pub(crate) mod sessions;
pub(crate) mod users;

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Mutex;

use crate::error::ServerFault;

/// The one connection of this process. Several processes may share a database file: SQLite serialises them, which
/// is why every change that depends on what it reads begins with `BEGIN IMMEDIATE`.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens the SQLite file at `path`, making it when it is missing; `:memory:` is a database of its own.
    pub(crate) fn open(path: &str) -> Result<Self, ServerFault> {
        let connection = schema::open(path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs `work` on the connection, off the async runtime, after all work that asked before.
    ///
    /// What has been asked for is done even if the asker goes away meanwhile (a client that closes its
    /// connection): a rotation is committed or never begun, and the ledger, written by `work`, misses nothing.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, ServerFault>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, ServerFault> + Send + 'static,
    {
        let connection = self.connection.clone();
        let task = tokio::spawn(async move {
            let mut connection = connection.lock_owned().await;
            tokio::task::spawn_blocking(move || work(&mut connection)).await
        });
        task.await.map_err(ServerFault::stopped)?.map_err(ServerFault::stopped)?
    }
}
