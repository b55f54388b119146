//! Passwords: Argon2id, off the async runtime, and with the same work for accounts that do not exist.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::ServerFault;

/// Hashes and checks passwords, at most as many at a time as there are processors: each takes 19 MiB.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    slots: Arc<Semaphore>,
    /// Checked against when the account is unknown, so that the time of an answer does not tell which e-mails exist.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, ServerFault> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let decoy = hash("no account has this password")?;
        Ok(Self { slots: Arc::new(Semaphore::new(processors)), decoy: decoy.into() })
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, ServerFault> {
        self.run(move || hash(&password)).await?
    }

    /// Whether `password` is the one of `stored`; always false, after the same work, when there is none.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, ServerFault> {
        let decoy = self.decoy.clone();
        self.run(move || {
            let known = stored.is_some();
            let stored = stored.as_deref().unwrap_or(&decoy);
            let parsed = PasswordHash::new(stored).map_err(ServerFault::password)?;
            let matches = argon2()?.verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(matches && known)
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServerFault> {
        let _slot = self.slots.acquire().await.map_err(ServerFault::stopped)?;
        tokio::task::spawn_blocking(work).await.map_err(ServerFault::stopped)
    }
}

fn hash(password: &str) -> Result<String, ServerFault> {
    let hash: PasswordHash = argon2()?.hash_password(password.as_bytes()).map_err(ServerFault::password)?;
    Ok(hash.to_string())
}

/// Argon2id with 19 MiB, 2 passes, 1 lane: the least that the OWASP Password Storage Cheat Sheet recommends.
fn argon2() -> Result<Argon2<'static>, ServerFault> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(ServerFault::password)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
