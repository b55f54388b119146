//! The command line of the simulator.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use evertoken_sim::{Sabotage, Totals, Trace, explore, fleet, run, run_all};

/// Tells what a client of a fleet takes.
#[global_allocator]
static ALLOCATOR: fleet::Counting = fleet::Counting;

const USAGE: &str = "\
usage: evertoken-sim [--seeds N] [--seed N] [--json]
       evertoken-sim broken [options]  engines that are broken on purpose: broken --help (feature `broken`)
       evertoken-sim explore [options] every order of events: explore --help
       evertoken-sim fleet [options]   many clients and one server: fleet --help

  --seeds N   do N runs with fresh seeds (default 1000)
  --seed N    do the one run that seed N names, and print all that happens
  --json      end with one line of JSON

exit code: 0 when every promise was kept, 1 when one was broken, 2 for wrong arguments";

/// What to do.
#[derive(Debug, Default)]
struct Arguments {
    seed: Option<u64>,
    seeds: Option<u64>,
    json: bool,
    help: bool,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    if words.next_if(|word| word == "fleet").is_some() {
        return fleet(words);
    }
    #[cfg(feature = "broken")]
    if words.next_if(|word| word == "broken").is_some() {
        return evertoken_sim::broken::command(words);
    }
    if words.next_if(|word| word == "explore").is_some() {
        return explore::command(words);
    }
    let arguments = match parse(words) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("evertoken-sim: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match arguments {
        Arguments { help: true, .. } => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Arguments { seed: Some(seed), .. } => replay(seed),
        Arguments { seeds, json, .. } => batch(seeds.unwrap_or(1_000), json),
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse().map_err(|_| format!("{word} needs a number, not `{value}`"))
        };
        match word.as_str() {
            "--seed" => arguments.seed = Some(number()?),
            "--seeds" => arguments.seeds = Some(number()?),
            "--json" => arguments.json = true,
            "--help" | "-h" => arguments.help = true,
            _ => return Err(format!("unknown argument `{word}`")),
        }
    }
    Ok(arguments)
}

fn fleet(words: impl Iterator<Item = String>) -> ExitCode {
    let words: Vec<String> = words.collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("{}", fleet::USAGE);
        return ExitCode::SUCCESS;
    }
    fleet::command(words.into_iter())
}

fn replay(seed: u64) -> ExitCode {
    match run(seed, Sabotage::Nothing, Trace::print()).violation {
        None => {
            println!("seed {seed}: every promise was kept");
            ExitCode::SUCCESS
        }
        Some(violation) => {
            println!("seed {seed}: {violation}");
            ExitCode::FAILURE
        }
    }
}

fn batch(count: u64, json: bool) -> ExitCode {
    let base = fresh_seed();
    eprintln!("{count} runs, their seeds drawn from {base}");
    let totals = run_all(base, count, Sabotage::Nothing, |totals| {
        let (runs, seeds) = (totals.runs, totals.broken_seeds.values().flatten().collect::<Vec<_>>());
        eprintln!("{runs} of {count} runs, broken: {seeds:?}");
    });
    for report in totals.examples.values() {
        tell(report.seed);
    }
    for (invariant, seeds) in &totals.broken_seeds {
        eprintln!("{}: {seeds:?}", invariant.as_str());
    }
    let seconds = totals.took.as_secs_f64();
    eprintln!(
        "{} runs in {seconds:.1} s, {} virtual hours, {} refreshes, {} broken",
        totals.runs,
        totals.elapsed / 3_600_000,
        totals.refreshes,
        totals.broken()
    );
    if json {
        println!("{}", totals.json());
    }
    code(&totals)
}

/// Does a run again that broke a promise, for its last events.
fn tell(seed: u64) {
    let report = run(seed, Sabotage::Nothing, Trace::keep());
    eprintln!();
    for line in report.trace.lines() {
        eprintln!("{line}");
    }
    if let Some(violation) = report.violation {
        eprintln!("seed {seed}: {violation}\nreplay with --seed {seed}");
    }
}

fn code(totals: &Totals) -> ExitCode {
    if totals.broken() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fresh_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64 ^ u64::from(std::process::id()) << 32
}
