//! Every order of events, up to small bounds: larger ones are `evertoken-sim explore`.

use evertoken_sim::explore::{Bounds, Setting, explore};

#[test]
fn two_tabs_that_are_used_and_signed_out_keep_every_promise_in_every_order() {
    let bounds = Bounds { faults: 0, late: 0, calls: 1, sign_outs: 1, ..Bounds::default() };
    let outcome = explore(&bounds, Setting::default(), |_, _| {});
    assert!(outcome.finding.is_none(), "{}", outcome.json());
    assert!(outcome.states > 10_000, "{}", outcome.json());
}

#[test]
fn a_fault_at_any_moment_of_two_tabs_breaks_no_promise() {
    let bounds = Bounds { faults: 1, late: 0, calls: 0, sign_outs: 0, ..Bounds::default() };
    let outcome = explore(&bounds, Setting::default(), |_, _| {});
    assert!(outcome.finding.is_none(), "{}", outcome.json());
    assert!(outcome.states > 50_000, "{}", outcome.json());
}
