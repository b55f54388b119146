//! `fleet` on the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use super::chart;
use super::plan::{CAPACITY, Plan, Scenario};
use super::report::{Figure, Policy, Report, run_policy};
use super::tally::Count;

pub const USAGE: &str = "\
usage: evertoken-sim fleet [options]

  --clients N      browsers, each with a person (default 100000)
  --hours N        length of the run, which begins at eight in the morning: 1 to 240 (default 24)
  --scenario NAME  calm: people sign in between 8:30 and 9:30
                   deploy: all of them sign in in the minute after nine
                   outage (default): calm, but the server is away from 10:00 on
  --minutes N      how long it is away: 1 to 360 (default 10)
  --seed N         the run follows from it (default 1)
  --only POLICY    one of evertoken, fixed-lead, interval, on-401 instead of all
  --draw PERCENT   the longest lead that evertoken draws, of the least: 100 to 300 (default as in pages)
  --json           end with one line of JSON
  --svg FILE       where the chart goes (default target/fleet.svg)

exit code: 0 when every goal was met, 1 when one was missed, 2 for wrong arguments
Goals are meant for large fleets: with some thousand clients chance alone doubles a rate.";

#[derive(Debug)]
struct Arguments {
    clients: u32,
    hours: u32,
    scenario: Scenario,
    seed: u64,
    minutes: u32,
    only: Option<Policy>,
    draw: Option<u64>,
    json: bool,
    svg: PathBuf,
}

/// A number that the fleet is to keep to.
#[derive(Debug)]
struct Goal {
    key: &'static str,
    text: String,
    value: f64,
    is_met: bool,
}

/// Plays what `words` ask for.
pub fn command(words: impl Iterator<Item = String>) -> ExitCode {
    let arguments = match Arguments::parse(words) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("evertoken-sim fleet: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Arguments { clients, hours, scenario, seed, .. } = arguments;
    let mut plan = Plan::new(clients, hours, scenario, seed);
    plan.outage_minutes = arguments.minutes;
    if let Some(percent) = arguments.draw {
        plan = plan.with_draw(percent);
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut reports = Vec::new();
    for policy in Policy::ALL.into_iter().filter(|policy| arguments.only.is_none_or(|only| only == *policy)) {
        eprintln!("{}: {clients} clients, {hours} hours, {} threads", policy.as_str(), threads);
        reports.push(run_policy(policy, &plan, threads));
    }
    print_table(&reports);
    let goals = goals(&reports);
    for goal in &goals {
        println!("{}  {}", if goal.is_met { "met   " } else { "MISSED" }, goal.text);
    }
    if let Err(problem) = write(&arguments.svg, &chart::draw(&reports)) {
        eprintln!("evertoken-sim fleet: cannot write {}: {problem}", arguments.svg.display());
        return ExitCode::FAILURE;
    }
    println!("chart: {}", arguments.svg.display());
    if arguments.json {
        println!("{}", json(&plan, &reports, &goals));
    }
    if goals.iter().all(|goal| goal.is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            clients: 100_000,
            hours: 24,
            scenario: Scenario::Outage,
            seed: 1,
            minutes: 10,
            only: None,
            draw: None,
            json: false,
            svg: PathBuf::from("target/fleet.svg"),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--clients" => arguments.clients = number(&word, &value()?, 1, 20_000_000)? as u32,
                "--hours" => arguments.hours = number(&word, &value()?, 1, 240)? as u32,
                "--seed" => arguments.seed = number(&word, &value()?, 0, u64::MAX)?,
                "--scenario" => {
                    let names = Scenario::ALL.map(|scenario| (scenario.as_str(), scenario));
                    arguments.scenario = choice(&word, &value()?, &names)?;
                }
                "--only" => {
                    let names = Policy::ALL.map(|policy| (policy.as_str(), policy));
                    arguments.only = Some(choice(&word, &value()?, &names)?);
                }
                "--minutes" => arguments.minutes = number(&word, &value()?, 1, 360)? as u32,
                "--draw" => arguments.draw = Some(number(&word, &value()?, 100, 300)?),
                "--json" => arguments.json = true,
                "--svg" => arguments.svg = value()?.into(),
                _ => return Err(format!("unknown argument `{word}`")),
            }
        }
        Ok(arguments)
    }
}

fn number(word: &str, text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("{word} needs a number from {least} to {most}, not `{text}`"))
}

fn choice<T: Copy>(word: &str, text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(name, _)| *name == text);
    chosen.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("{word} needs one of {}, not `{text}`", names.join(", "))
    })
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, text)
}

/// A column for each policy.
fn print_table(reports: &[Report]) {
    let columns: Vec<Vec<Figure>> = reports.iter().map(all_figures).collect();
    let Some(plan) = reports.first().map(|report| &report.plan) else {
        return;
    };
    println!(
        "{} clients, {} hours, {}, seed {}; the server takes {:.0} refreshes/s, {CAPACITY} times one in ten minutes each",
        plan.clients,
        plan.hours,
        plan.scenario.as_str(),
        plan.seed,
        plan.capacity() as f64 / 1_000.0
    );
    print!("{:<40}", "");
    for report in reports {
        print!("{:>16}", report.policy.as_str());
    }
    println!();
    for (row, figure) in columns.first().into_iter().flatten().enumerate() {
        print!("{:<40}", figure.label);
        for column in &columns {
            print!("{:>16}", column[row].text().unwrap_or_else(|| "-".into()));
        }
        println!();
    }
}

fn all_figures(report: &Report) -> Vec<Figure> {
    [report.figures(), report.measurements()].concat()
}

/// What is asked of our own policy, by itself and beside the others.
fn goals(reports: &[Report]) -> Vec<Goal> {
    let Some(ours) = reports.iter().find(|report| report.policy == Policy::Evertoken) else {
        return Vec::new();
    };
    let mut goals = Vec::new();
    let mut at_most = |key, text: &str, value: Option<f64>, limit: f64| {
        if let Some(value) = value {
            goals.push(Goal {
                key,
                text: format!("{text}: {value:.3}, at most {limit:.3}"),
                value,
                is_met: value <= limit,
            });
        }
    };
    let missed = |share: Option<f64>| share.map(|share| 100.0 - share);
    at_most("signed_out", "users logged out", Some(ours.counts()[Count::SignedOut] as f64), 0.0);
    at_most("peak_ratio", "worst rate afterwards / steady", ours.peak_ratio(), 3.0);
    at_most("client_bytes", "bytes of a client, at rest", ours.client_bytes(), 1_024.0);
    let outside = ours.in_time(Count::DueOutside, Count::DueOutsideLate);
    at_most("late_outside", "% late outside the outage", missed(outside), 0.1);
    at_most("late", "% late over all", missed(ours.in_time(Count::Due, Count::DueLate)), 1.0);
    for theirs in reports.iter().filter(|report| report.policy != Policy::Evertoken) {
        let name = theirs.policy.as_str();
        let reused = theirs.counts()[Count::Reused] as f64;
        at_most(
            "reused",
            &format!("reuse errors, {name} has {reused}"),
            Some(ours.counts()[Count::Reused] as f64),
            reused / 1_000.0,
        );
        if let Some(median) = theirs.median_recovery() {
            at_most(
                "recovery",
                &format!("median s to recover, {name} has {median}"),
                ours.median_recovery(),
                median / 10.0,
            );
        }
    }
    goals
}

fn json(plan: &Plan, reports: &[Report], goals: &[Goal]) -> String {
    let policies = reports.iter().map(|report| {
        let figures = all_figures(report);
        let members =
            figures.iter().filter_map(|figure| Some(format!(r#""{}":{}"#, figure.key, figure.text()?)));
        format!(r#""{}":{{{}}}"#, report.policy.as_str(), members.collect::<Vec<_>>().join(","))
    });
    let goals = goals.iter().map(|goal| {
        format!(
            r#"{{"goal":"{}","text":"{}","value":{},"met":{}}}"#,
            goal.key, goal.text, goal.value, goal.is_met
        )
    });
    format!(
        r#"{{"clients":{},"hours":{},"scenario":"{}","seed":{},"policies":{{{}}},"goals":[{}]}}"#,
        plan.clients,
        plan.hours,
        plan.scenario.as_str(),
        plan.seed,
        policies.collect::<Vec<_>>().join(","),
        goals.collect::<Vec<_>>().join(","),
    )
}

impl Figure {
    fn text(&self) -> Option<String> {
        self.value.filter(|value| value.is_finite()).map(|value| format!("{value:.*}", self.digits))
    }
}
