//! The control API of `--faults`: answers delayed, spoilt or lost on purpose, sessions ended from outside, a clock
//! that can be shifted, and the ledger. It is unauthenticated, so it exists only on a loopback address.

mod control;
mod layer;
mod plan;
mod routes;

pub(crate) use control::Control;
pub(crate) use layer::{HangUp, intercept};
pub(crate) use routes::routes;
