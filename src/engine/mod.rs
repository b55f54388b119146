//! The engine: every rule that can log a user out, decided in one place.
//!
//! It takes time, randomness and answers as plain values and gives back what to do, so that a real page, a simulated
//! browser and a test run the very same code. See [`Engine`] for the law of its use.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod answer;
mod backoff;
mod broken;
mod callers;
pub mod challenge;
pub mod claim;
pub mod config;
mod date;
mod decimal;
mod desk;
mod encode;
pub mod endpoint;
#[expect(clippy::module_inception, reason = "the file is named for its noun, like every other")]
mod engine;
pub mod error;
mod few;
mod flight;
mod found;
mod grant;
mod hint;
pub mod ids;
pub mod input;
pub mod jitter;
pub mod json;
pub mod jwt;
mod latency;
mod life;
mod look;
pub mod metrics;
pub mod note;
pub mod notice;
mod outbox;
pub mod output;
pub mod record;
mod refresh;
pub mod response;
mod restore;
mod schedule;
pub mod secret;
pub mod session;
mod sessions;
pub mod time;
mod timer;
mod turn;
mod waiter;
mod words;
mod writes;

#[cfg(feature = "broken")]
pub use broken::Flaw;
pub use config::{Config, ConfigError, Options};
pub use engine::Engine;
pub use input::Input;
pub use output::Output;
