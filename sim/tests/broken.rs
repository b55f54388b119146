//! Engines that are broken on purpose are caught, each by the promise that it breaks.

use evertoken::engine::Flaw;
use evertoken_sim::Invariant;
use evertoken_sim::broken::{Broken, hunt_all};
use evertoken_sim::explore::{Bounds, Setting, explore};

#[test]
fn every_broken_engine_is_caught_within_1000_seeds() {
    let caught = hunt_all(1_000);
    let missed: Vec<_> = Broken::ALL
        .iter()
        .zip(&caught)
        .filter(|(_, catch)| catch.is_none())
        .map(|(broken, _)| broken)
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    assert_eq!(caught.len(), Broken::ALL.len());
}

#[test]
fn there_is_a_broken_engine_for_every_promise() {
    for promise in Invariant::ALL {
        assert!(Broken::ALL.iter().any(|broken| broken.promise == promise), "{promise:?}");
    }
}

#[test]
fn what_is_broken_in_the_turn_of_two_tabs_is_found_in_one_order_or_another() {
    for (flaw, promise) in [
        (Flaw::AnswerAfterSignOut, Invariant::I5),
        (Flaw::CommitWithoutCompare, Invariant::I10),
        (Flaw::LeaseUnchecked, Invariant::I2),
        (Flaw::LockKept, Invariant::I15),
        (Flaw::NoEpoch, Invariant::I5),
        (Flaw::NoReread, Invariant::I1),
        (Flaw::RotationIgnored, Invariant::I6),
        (Flaw::StealOnTimer, Invariant::I2),
        (Flaw::WipeWithoutAdopting, Invariant::I12),
    ] {
        let bounds = Bounds { faults: 1, late: 0, calls: 0, sign_outs: 0, ..Bounds::default() };
        let setting = Setting { flaw: Some(flaw), ..Setting::default() };
        let outcome = explore(&bounds, setting, |_, _| {});
        let found = outcome.finding.as_ref().map(|finding| finding.violation.invariant);
        assert_eq!(found, Some(promise), "{flaw:?}: {}", outcome.json());
    }
}
