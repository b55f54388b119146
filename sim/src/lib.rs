//! Simulated browsers on the real engine, under a virtual clock.
//!
//! A run is a function of its seed: a browser with a store, a network, an auth server and a resource server, users and
//! machines that do anything at any moment for some virtual hours, then a calm in which everything must come right.
//! [`Invariant`] names what is checked on every step; [`Sabotage`] breaks the world on purpose, to show that it is.

mod actions;
mod batch;
#[cfg(feature = "broken")]
pub mod broken;
mod browser;
mod calls;
mod channel;
mod clock;
mod dice;
pub mod explore;
pub mod fleet;
mod invariant;
mod keeping;
mod locks;
mod network;
mod provider;
mod run;
mod sabotage;
mod scenario;
mod store;
mod tab;
mod trace;
mod traffic;
mod watch;
mod world;

pub use batch::{Totals, run_all};
pub use invariant::{Invariant, Violation};
pub use run::{Report, run};
pub use sabotage::Sabotage;
pub use trace::Trace;
