//! Fresh runs keep every promise, and a broken world does not.

use std::time::{SystemTime, UNIX_EPOCH};

use evertoken_sim::{Invariant, Sabotage, Trace, run, run_all};

/// Promises that runs with several tabs and a hostile store still break, about one in a thousand: see `docs/sim.md`. The
/// list only gets shorter.
const OPEN: [Invariant; 8] = [
    Invariant::Calm,
    Invariant::I1b,
    Invariant::I2,
    Invariant::I5,
    Invariant::I10,
    Invariant::I11,
    Invariant::I13,
    Invariant::Logout,
];

#[test]
fn fresh_runs_keep_every_promise_but_for_the_open_ones() {
    let totals = run_all(fresh_seed(), 300, Sabotage::Nothing, |_, _| {});
    let open: u64 = OPEN.iter().filter_map(|promise| totals.violations.get(promise)).sum();
    assert!(open <= 4, "{open} of 300 runs broke an open promise: {}", totals.json());
    let closed = totals.examples.iter().find(|(promise, _)| !OPEN.contains(promise));
    if let Some((_, report)) = closed {
        let report = run(report.seed, Sabotage::Nothing, Trace::keep());
        for line in report.trace.lines() {
            eprintln!("{line}");
        }
        panic!("seed {}: {:?}; replay with --seed {0}", report.seed, report.violation);
    }
    assert_eq!(totals.runs, 300);
    // The runs had something to break.
    assert!(totals.refreshes > 3_000 && totals.requests > totals.refreshes, "{}", totals.json());
    for reason in ["refused", "refresh_response_lost_possible", "signed_out"] {
        assert!(totals.ended.contains_key(reason), "nobody was {reason}: {}", totals.json());
    }
}

#[test]
fn every_sabotage_breaks_the_promise_that_it_should() {
    for (sabotage, expected) in Sabotage::ALL {
        let base = fresh_seed();
        let caught = (0..50).any(|batch| {
            let totals = run_all(base + batch * 40, 40, sabotage, |_, _| {});
            totals.violations.contains_key(&expected)
        });
        assert!(caught, "{sabotage:?} did not break {expected:?} in 2,000 runs from {base}");
    }
}

#[test]
fn there_is_a_sabotage_for_every_promise() {
    for invariant in Invariant::ALL {
        assert!(Sabotage::ALL.iter().any(|(_, broken)| *broken == invariant), "{invariant:?}");
    }
}

#[test]
fn a_seed_names_one_run() {
    let seed = fresh_seed();
    let told = |_: u32| {
        let report = run(seed, Sabotage::Nothing, Trace::keep());
        (report.refreshes, report.requests, report.trace.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(told(1), told(2), "seed {seed}");
}

fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}
