//! The reference auth server of evertoken: sign-in, refresh tokens with rotation and reuse detection,
//! revocation, and a small protected API, over HTTP/1.1 and SQLite.
//!
//! [`Server::bind`] takes a [`Config`] and answers connections until [`Server::run`]'s future ends. Every rule
//! about tokens is in `store::sessions` (one transaction per refresh) and `tokens`; the routes only read
//! requests and write answers. With `--faults` the server also obeys a control API that delays, spoils or loses
//! answers, and keeps a ledger of every use of every refresh token, so that a client can be proven against it.

mod body;
mod clock;
mod config;
mod cookie;
mod cors;
mod credentials;
mod error;
mod faults;
mod jwt;
mod ledger;
mod passwords;
pub mod process;
mod routes;
mod server;
mod state;
mod static_files;
mod store;
mod tokens;

pub use config::{Algorithm, Args, Config, ConfigError};
pub use server::{Server, ServerError};
