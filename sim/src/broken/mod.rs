//! Engines that are broken on purpose, to show that every promise can fail and that its failing is seen.
//!
//! A [`Sabotage`](super::Sabotage) breaks the world around a sound engine; these are the real engine with one decision
//! left out, built by the feature `broken`.

mod command;
mod engine;

pub use command::command;
pub use engine::{Broken, Catch, hunt_all};
