//! One run.

use std::collections::BTreeMap;

use super::invariant::Violation;
use super::sabotage::Sabotage;
use super::trace::Trace;
use super::world::World;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    pub violation: Option<Violation>,
    /// Refreshes whose tokens were taken.
    pub refreshes: u64,
    /// Token requests sent.
    pub requests: u64,
    /// Inputs that engines were given.
    pub events: u64,
    /// Calls of the app to its API.
    pub calls: u64,
    /// How many sessions ended for which reason.
    pub ended: BTreeMap<&'static str, u64>,
    /// Virtual time, in milliseconds.
    pub elapsed: u64,
    pub trace: Trace,
}

/// Does the run that `seed` names: the same seed gives the same run.
///
/// ```
/// use evertoken_sim::{Sabotage, Trace, run};
///
/// let report = run(7, Sabotage::Nothing, Trace::default());
/// assert_eq!(report.elapsed, run(7, Sabotage::Nothing, Trace::default()).elapsed);
/// ```
pub fn run(seed: u64, sabotage: Sabotage, trace: Trace) -> Report {
    let mut world = World::new(seed, sabotage, trace);
    world.run_until(world.scenario.faults_end);
    if world.watch.violation.is_none() {
        world.begin_calm();
        world.run_until(world.scenario.end);
        // A page knows of its session what its last calls have shown. The first may come too early to tell, or wait for
        // what other tabs are at.
        for probe in 0..MOST_PROBES {
            if probe >= PROBES && world.is_served() {
                break;
            }
            world.probe();
            world.run_until(world.clock.elapsed + 20_000);
        }
        // With a lead of zero a token ends before its successor is there, and what one tab has stored the others hear of
        // a little later: those moments are no verdict on the calm.
        let latest = world.clock.elapsed + 600_000;
        while !world.is_settled() && world.clock.elapsed < latest {
            world.run_until(world.clock.elapsed + 1_000);
        }
    }
    if world.watch.violation.is_none() {
        world.finish();
    }
    Report {
        seed,
        violation: world.watch.violation,
        refreshes: world.watch.refreshes,
        requests: world.requests.len() as u64,
        events: world.watch.events,
        calls: world.watch.calls,
        ended: world.watch.ended,
        elapsed: world.clock.elapsed,
        trace: world.trace,
    }
}

const PROBES: u32 = 3;
const MOST_PROBES: u32 = 8;
