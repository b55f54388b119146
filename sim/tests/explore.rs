//! Every order of events, up to small bounds: larger ones are `evertoken-sim explore`.

use evertoken_sim::explore::{Bounds, Locking, Setting, explore};

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

#[test]
fn two_faults_of_two_tabs_break_no_promise_in_the_first_steps() {
    let bounds = Bounds { faults: 2, late: 0, calls: 0, sign_outs: 0, depth: 26, ..Bounds::default() };
    let outcome = explore(&bounds, Setting::default(), |_, _| {});
    assert!(outcome.finding.is_none(), "{}", outcome.json());
    assert!(outcome.states > 100_000, "{}", outcome.json());
}

#[test]
fn a_fault_of_three_tabs_breaks_no_promise_in_the_first_steps() {
    let bounds =
        Bounds { tabs: 3, faults: 1, late: 0, calls: 0, sign_outs: 0, depth: 27, ..Bounds::default() };
    let outcome = explore(&bounds, Setting::default(), |_, _| {});
    assert!(outcome.finding.is_none(), "{}", outcome.json());
    assert!(outcome.states > 50_000, "{}", outcome.json());
}

#[test]
fn three_tabs_that_are_signed_out_keep_every_promise_in_every_order() {
    let bounds = Bounds { tabs: 3, faults: 0, late: 0, calls: 0, generations: 2, ..Bounds::default() };
    let outcome = explore(&bounds, Setting::default(), |_, _| {});
    assert!(outcome.finding.is_none(), "{}", outcome.json());
    assert!(outcome.states > 10_000, "{}", outcome.json());
}

#[test]
fn a_fault_breaks_no_promise_where_spent_tokens_are_answered_for_a_while() {
    let bounds = Bounds { faults: 1, late: 0, calls: 0, sign_outs: 0, ..Bounds::default() };
    let outcome = explore(&bounds, Setting { grace: 10_000, ..Setting::default() }, |_, _| {});
    assert!(outcome.finding.is_none(), "{}", outcome.json());
    assert!(outcome.states > 50_000, "{}", outcome.json());
}

#[test]
fn a_fault_breaks_no_promise_where_no_lock_is_to_be_had() {
    for locking in [Locking::Denied, Locking::Missing] {
        let bounds =
            Bounds { faults: 1, late: 0, calls: 0, sign_outs: 0, generations: 2, ..Bounds::default() };
        let outcome = explore(&bounds, Setting { locking, ..Setting::default() }, |_, _| {});
        assert!(outcome.finding.is_none(), "{locking:?}: {}", outcome.json());
        assert!(outcome.states > 10_000, "{locking:?}: {}", outcome.json());
    }
}
