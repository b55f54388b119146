//! The invariants, checked at every step, and what is known for that.

mod agreement;
mod calls;
mod eye;
mod ledger;
mod places;
mod sends;
mod steps;
mod turn;

pub(crate) use eye::{Eye, Intent};
pub(crate) use ledger::Watch;
pub(crate) use turn::Lease;
