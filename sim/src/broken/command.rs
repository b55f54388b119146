//! `broken` on the command line.

use std::process::ExitCode;

use super::engine::{Broken, Catch, hunt_all};
use crate::run::run;
use crate::sabotage::Sabotage;
use crate::trace::Trace;

const USAGE: &str = "\
usage: evertoken-sim broken [--seeds N] [--json]
       evertoken-sim broken --flaw NAME --seed N

  --seeds N     look for each broken engine in the runs of the seeds 1 to N (default 1000)
  --json        end with one line of JSON
  --flaw NAME   do the one run that --seed names with this broken engine, and print all that happens

exit code: 0 when every broken engine was caught, 1 when one was not, 2 for wrong arguments";

/// What to do.
#[derive(Debug)]
struct Arguments {
    seeds: u64,
    replay: (Option<Broken>, Option<u64>),
    json: bool,
}

/// Catches broken engines as `words` say, and prints the table.
pub fn command(words: impl Iterator<Item = String>) -> ExitCode {
    let arguments = match parse(words) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("evertoken-sim broken: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match arguments.replay {
        (Some(broken), Some(seed)) => replay(broken, seed),
        _ => table(arguments.seeds, arguments.json),
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments { seeds: 1_000, replay: (None, None), json: false };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number =
            |value: String| value.parse::<u64>().map_err(|_| format!("{word} needs a number, not `{value}`"));
        match word.as_str() {
            "--flaw" => {
                let name = value()?;
                let broken = Broken::named(&name).ok_or_else(|| format!("no flaw is called `{name}`"))?;
                arguments.replay.0 = Some(broken);
            }
            "--help" | "-h" => return Ok(None),
            "--json" => arguments.json = true,
            "--seed" => arguments.replay.1 = Some(value().and_then(number)?),
            "--seeds" => arguments.seeds = value().and_then(number)?,
            _ => return Err(format!("unknown argument `{word}`")),
        }
    }
    if arguments.replay.0.is_some() != arguments.replay.1.is_some() {
        return Err("--flaw and --seed go together".into());
    }
    Ok(Some(arguments))
}

fn replay(broken: Broken, seed: u64) -> ExitCode {
    let report = run(seed, Sabotage::Engine(broken.flaw), Trace::print());
    match report.violation {
        Some(violation) => {
            println!("seed {seed} with {}: {violation}", broken.name());
            ExitCode::SUCCESS
        }
        None => {
            println!("seed {seed} with {}: every promise was kept", broken.name());
            ExitCode::FAILURE
        }
    }
}

fn table(seeds: u64, json: bool) -> ExitCode {
    let caught = hunt_all(seeds);
    println!("| flaw | what is broken | promise | seed | events |");
    println!("|---|---|---|---:|---:|");
    for (broken, catch) in Broken::ALL.iter().zip(&caught) {
        println!("{}", row(*broken, catch.as_ref()));
    }
    let missed = caught.iter().filter(|catch| catch.is_none()).count();
    println!("{} of {} broken engines caught in {seeds} seeds", caught.len() - missed, caught.len());
    if json {
        println!("{}", line(seeds, &caught));
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(broken: Broken, catch: Option<&Catch>) -> String {
    let Broken { what, promise, .. } = broken;
    let (name, promise) = (broken.name(), promise.as_str());
    let Some(Catch { seed, report }) = catch else {
        return format!("| `{name}` | {what} | `{promise}` | not caught | |");
    };
    format!("| `{name}` | {what} | `{promise}` | {seed} | {} |", report.events)
}

fn line(seeds: u64, caught: &[Option<Catch>]) -> String {
    let engines = Broken::ALL.iter().zip(caught).map(|(broken, catch)| {
        let number = |number: Option<u64>| number.map_or("null".into(), |number| number.to_string());
        let seed = number(catch.as_ref().map(|catch| catch.seed));
        let events = number(catch.as_ref().map(|catch| catch.report.events));
        let (name, promise) = (broken.name(), broken.promise.as_str());
        format!(r#"{{"flaw":"{name}","promise":"{promise}","seed":{seed},"events":{events}}}"#)
    });
    let found = caught.iter().flatten().count();
    let engines: Vec<_> = engines.collect();
    format!(
        r#"{{"seeds":{seeds},"broken":{},"caught":{found},"engines":[{}]}}"#,
        caught.len(),
        engines.join(",")
    )
}
