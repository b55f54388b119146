//! Engines that are broken on purpose are caught, each by the promise that it breaks.

use evertoken_sim::Invariant;
use evertoken_sim::broken::{Broken, hunt_all};

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
