//! Every order of events, up to a bound, on the real engine.
//!
//! Where a simulation draws one history after the other, an exploration takes from each state every step that could
//! come next: the store does what it was asked for, an answer comes, the lock is granted, a timer fires, somebody wants
//! a token or signs out, a tab crashes or is frozen, a message is lost. It goes breadth first, so that the first path
//! to a broken promise is a shortest one. Two states are one when their fingerprints are: see `print`.

mod bounds;
mod calm;
mod command;
mod ledger;
mod outputs;
mod print;
mod search;
mod server;
mod step;
mod tab;
mod world;

pub use bounds::{Bounds, Locking, Setting};
pub use command::command;
pub use search::{Finding, Outcome, explore};
