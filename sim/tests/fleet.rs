//! Small fleets: nobody of ours is logged out, nothing gets lost, and a seed names one run.

use std::process::Command;

use evertoken::engine::json;
use evertoken_sim::fleet::{Count, Plan, Policy, Report, Scenario, run_policy};

#[test]
fn nobody_of_ours_is_logged_out_and_the_hand_written_policies_lose_people() {
    for scenario in [Scenario::Calm, Scenario::Deploy, Scenario::Outage] {
        let ours = day(Policy::Evertoken, scenario);
        assert_eq!(number(&ours, Count::SignedOut), 0, "{scenario:?}");
        assert_eq!(number(&ours, Count::Refused), 0, "{scenario:?}");
        assert_eq!(number(&ours, Count::SignedIn), u64::from(CLIENTS), "{scenario:?}");
        // There was something to go wrong.
        assert!(number(&ours, Count::Unanswered) > u64::from(CLIENTS) / 5, "{scenario:?}");
        let theirs = day(Policy::FixedLead, scenario);
        assert!(number(&theirs, Count::SignedOut) > u64::from(CLIENTS) / 50, "{scenario:?}");
        assert!(number(&theirs, Count::Reused) > 0, "{scenario:?}");
    }
}

#[test]
fn nothing_gets_lost() {
    for policy in Policy::ALL {
        let report = day(policy, Scenario::Outage);
        let of = |count| number(&report, count);
        let served = of(Count::Granted) + of(Count::Limited) + of(Count::Refused) + of(Count::Unserved);
        assert_eq!(
            of(Count::Requests),
            of(Count::Unanswered) + served,
            "{policy:?}: what becomes of a request"
        );
        assert_eq!(
            of(Count::SignedIn),
            of(Count::SignedOut) + of(Count::Left),
            "{policy:?}: how sign-ins end"
        );
        let missed = of(Count::Granted) - of(Count::Refreshed);
        assert!(
            missed <= of(Count::Dropped) + of(Count::Pending),
            "{policy:?}: {missed} grants were not taken"
        );
        assert!(of(Count::Due) >= of(Count::DueOutside) && of(Count::DueLate) >= of(Count::DueOutsideLate));
        assert!(of(Count::Lacked) < of(Count::Worked), "{policy:?}");
    }
}

#[test]
fn outside_the_outage_every_refresh_of_ours_is_done_in_time() {
    let report = day(Policy::Evertoken, Scenario::Outage);
    let (due, late) = (number(&report, Count::DueOutside), number(&report, Count::DueOutsideLate));
    assert!(due > 5 * u64::from(CLIENTS), "{due}");
    assert!(late * 1_000 <= due, "{late} of {due}");
}

#[test]
fn a_seed_names_one_run_on_any_number_of_threads() {
    for policy in Policy::ALL {
        let told = |seed, threads| {
            let report = run_policy(policy, &Plan::new(400, 3, Scenario::Outage, seed), threads);
            (*report.counts(), report.figures())
        };
        let once = told(7, 1);
        for threads in [1, 2, 3] {
            assert_eq!(told(7, threads), once, "{policy:?} on {threads} threads");
        }
        assert_ne!(told(8, 2), once, "{policy:?}");
    }
}

#[test]
fn the_command_ends_with_json_and_leaves_a_chart() {
    let chart = std::env::temp_dir().join(format!("evertoken-fleet-{}.svg", std::process::id()));
    let output = fleet(&["--clients", "300", "--hours", "3", "--json", "--svg", &chart.to_string_lossy()]);
    let text = String::from_utf8(output.stdout).unwrap();
    let last = json::parse_object(text.lines().last().unwrap()).expect("a line of JSON");
    let ours = last.at("policies.evertoken").and_then(json::Value::as_object).expect("our policy");
    for figure in ["signed_out", "peak_ratio", "client_bytes", "in_time_outside", "wall_seconds"] {
        assert!(matches!(ours.get(figure), Some(json::Value::Number(_))), "{figure}");
    }
    let svg = std::fs::read_to_string(&chart).unwrap();
    std::fs::remove_file(&chart).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
}

#[test]
fn wrong_arguments_are_named() {
    for (words, problem) in [
        (&["--clients", "many"][..], "--clients needs a number from 1 to 20000000, not `many`"),
        (&["--scenario", "flood"], "--scenario needs one of calm, deploy, outage, not `flood`"),
        (&["--svg"], "--svg needs a value"),
        (&["--fast"], "unknown argument `--fast`"),
    ] {
        let output = fleet(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with(&format!("evertoken-sim fleet: {problem}\n")), "{told}");
    }
}

fn day(policy: Policy, scenario: Scenario) -> Report {
    run_policy(policy, &Plan::new(CLIENTS, 3, scenario, 1), 2)
}

fn number(report: &Report, count: Count) -> u64 {
    report.counts()[count]
}

fn fleet(words: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_evertoken-sim"))
        .arg("fleet")
        .args(words)
        .output()
        .expect("the simulator runs")
}

const CLIENTS: u32 = 2_000;
