//! What every route shares.

use std::sync::Arc;

use axum::http::request::Parts;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::ServerFault;
use crate::faults::Control;
use crate::jwt::AccessTokens;
use crate::ledger::{Kind, Recorder};
use crate::passwords::Passwords;
use crate::store::{Store, keys, users};

/// The parts of a running server; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct AppState {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) store: Store,
    pub(crate) passwords: Passwords,
    pub(crate) access_tokens: Arc<AccessTokens>,
    /// Only with `--faults`.
    pub(crate) control: Option<Arc<Control>>,
}

impl AppState {
    /// Opens the database, loads or makes the signing key, and adds the seed users.
    pub(crate) async fn new(config: Config) -> Result<Self, ServerFault> {
        let clock = Arc::new(Clock::default());
        let store = Store::open(&config.database)?;
        let passwords = Passwords::new()?;
        let (algorithm, now) = (config.algorithm, clock.now());
        let key = store.call(move |connection| keys::load_or_create(connection, algorithm, now)).await?;
        for user in config.seed_users.clone() {
            let hash = passwords.hash(user.password).await?;
            store.call(move |connection| users::seed(connection, &user.email, &hash, now)).await?;
        }
        Ok(Self {
            control: config.faults.then(|| Arc::new(Control::default())),
            access_tokens: Arc::new(AccessTokens::new(algorithm, &key)?),
            config: Arc::new(config),
            clock,
            store,
            passwords,
        })
    }

    /// Where this request's use of a refresh token goes; nowhere without `--faults`.
    pub(crate) fn recorder(&self, kind: Kind, request: &Parts) -> Recorder {
        Recorder::new(self.control.clone(), kind, request)
    }
}
