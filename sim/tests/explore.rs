//! Every order of events, up to small bounds: larger ones are `evertoken-sim explore`.

use evertoken_sim::explore::{Bounds, Locking, Setting, explore};

#[test]
fn two_tabs_that_are_used_and_signed_out_keep_every_promise_in_every_order() {
    let bounds = Bounds { faults: 0, late: 0, calls: 1, sign_outs: 1, ..Bounds::default() };
    expect_more_states_than(10_000, &bounds, Setting::default());
}

#[test]
fn a_fault_at_any_moment_of_two_tabs_breaks_no_promise() {
    let bounds = Bounds { faults: 1, late: 0, calls: 0, sign_outs: 0, ..Bounds::default() };
    expect_more_states_than(50_000, &bounds, Setting::default());
}

#[test]
fn two_faults_of_two_tabs_break_no_promise_in_the_first_steps() {
    let bounds = Bounds { faults: 2, late: 0, calls: 0, sign_outs: 0, depth: 26, ..Bounds::default() };
    expect_more_states_than(100_000, &bounds, Setting::default());
}

#[test]
fn a_fault_of_three_tabs_breaks_no_promise_in_the_first_steps() {
    let bounds =
        Bounds { tabs: 3, faults: 1, late: 0, calls: 0, sign_outs: 0, depth: 27, ..Bounds::default() };
    expect_more_states_than(50_000, &bounds, Setting::default());
}

#[test]
fn two_faults_of_three_tabs_break_no_promise_in_the_first_steps() {
    let bounds =
        Bounds { tabs: 3, faults: 2, late: 0, calls: 0, sign_outs: 0, depth: 20, ..Bounds::default() };
    expect_more_states_than(30_000, &bounds, Setting::default());
}

#[test]
fn three_tabs_that_are_signed_out_keep_every_promise_in_every_order() {
    let bounds = Bounds { tabs: 3, faults: 0, late: 0, calls: 0, generations: 2, ..Bounds::default() };
    expect_more_states_than(10_000, &bounds, Setting::default());
}

#[test]
fn a_fault_breaks_no_promise_where_spent_tokens_are_answered_for_a_while() {
    let bounds = Bounds { faults: 1, late: 0, calls: 0, sign_outs: 0, ..Bounds::default() };
    expect_more_states_than(50_000, &bounds, Setting { grace: 10_000, ..Setting::default() });
}

#[test]
fn a_fault_breaks_no_promise_where_no_lock_is_to_be_had() {
    for locking in [Locking::Denied, Locking::Missing] {
        let bounds =
            Bounds { faults: 1, late: 0, calls: 0, sign_outs: 0, generations: 2, ..Bounds::default() };
        expect_more_states_than(10_000, &bounds, Setting { locking, ..Setting::default() });
    }
}

/// No promise is broken, and there was something to break: more than so many states.
#[track_caller]
fn expect_more_states_than(least: usize, bounds: &Bounds, setting: Setting) {
    let outcome = explore(bounds, setting, |_, _| {});
    assert!(outcome.finding.is_none(), "{bounds:?} {setting:?}: {}", outcome.json());
    assert!(outcome.states > least, "{bounds:?} {setting:?}: {}", outcome.json());
}
