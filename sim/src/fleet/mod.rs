//! A fleet: many clients with one server, through a working day.
//!
//! Ours run the engine itself; beside them run small models of what people write by hand. All have the same people, the
//! same server and the same faults, so that the numbers can be compared.

mod browser;
mod calendar;
mod chart;
mod command;
mod evertoken;
mod fixed_lead;
mod interval;
mod memory;
mod on_401;
mod person;
mod plan;
mod report;
mod run;
mod server;
mod shard;
mod spread;
mod tally;
mod timers;

pub use command::{USAGE, command};
pub use memory::{Counting, allocations, held};
pub use plan::{Plan, Scenario};
pub use report::{Figure, Policy, Report, run_policy};
pub use tally::{Count, Counts};
