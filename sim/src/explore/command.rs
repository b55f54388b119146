//! `explore` on the command line.

use std::process::ExitCode;

use super::bounds::{Bounds, Locking, Setting};
use super::search::{Outcome, explore};

const USAGE: &str = "\
usage: evertoken-sim explore [bounds] [setting] [--json]

bounds, each of one path:
  --tabs N          tabs (default 2)
  --faults N        crashes, freezes, lost messages, failing store operations (default 2)
  --late N          times that more than a second passes while something is under way (default 1)
  --calls N         calls that need a refresh (default 1)
  --sign-outs N     sign-outs (default 1)
  --generations N   token pairs that the server gives out (default 3)
  --depth N         steps (default: no bound)
  --states N        stop after so many states (default: no bound)

setting:
  --lock granted | denied | missing    what the tabs have of a lock (default granted)
  --grace MS                           how long a spent refresh token is answered (default 0: strict)
  --lead MS                            how long before its end a token is refreshed (default 0)
  --flaw NAME                          what is broken in the engines (feature `broken`)

  --json            end with one line of JSON

exit code: 0 when every promise was kept, 1 when one was broken, 2 for wrong arguments";

/// Explores as `words` say, and tells what came of it.
pub fn command(words: impl Iterator<Item = String>) -> ExitCode {
    let (bounds, setting, json) = match parse(words) {
        Ok(Some(parsed)) => parsed,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("evertoken-sim explore: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let outcome = explore(&bounds, setting, |depth, states| eprintln!("{depth} steps: {states} states"));
    tell(&outcome);
    if json {
        println!("{}", outcome.json());
    }
    if outcome.finding.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(outcome: &Outcome) {
    let whole = if outcome.complete { "all of them" } else { "more were left out" };
    eprintln!(
        "{} states ({whole}), {} transitions, {} steps deep, {} leaves, {} calms, {:.1} s",
        outcome.states,
        outcome.transitions,
        outcome.depth,
        outcome.leaves,
        outcome.calms,
        outcome.took.as_secs_f64()
    );
    if let Some(finding) = &outcome.finding {
        eprintln!();
        for line in &finding.trace {
            eprintln!("{line}");
        }
        eprintln!();
        for line in &finding.path {
            eprintln!("{line}");
        }
        eprintln!("{} in {} steps", finding.violation, finding.path.len());
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<(Bounds, Setting, bool)>, String> {
    let (mut bounds, mut setting, mut json) = (Bounds::default(), Setting::default(), false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--calls" => bounds.calls = number(&word, &value()?)?,
            "--depth" => bounds.depth = number(&word, &value()?)?,
            "--faults" => bounds.faults = number(&word, &value()?)?,
            #[cfg(feature = "broken")]
            "--flaw" => setting.flaw = Some(flaw(&value()?)?),
            "--generations" => bounds.generations = number(&word, &value()?)?,
            "--grace" => setting.grace = number(&word, &value()?)?,
            "--help" | "-h" => return Ok(None),
            "--json" => json = true,
            "--late" => bounds.late = number(&word, &value()?)?,
            "--lead" => setting.lead = number(&word, &value()?)?,
            "--lock" => setting.locking = Locking::parse(&value()?)?,
            "--sign-outs" => bounds.sign_outs = number(&word, &value()?)?,
            "--states" => bounds.states = number(&word, &value()?)?,
            "--tabs" => bounds.tabs = number(&word, &value()?)?,
            _ => return Err(format!("unknown argument `{word}`")),
        }
    }
    if !(1..=8).contains(&bounds.tabs) {
        return Err("--tabs needs a number from 1 to 8".into());
    }
    Ok(Some((bounds, setting, json)))
}

fn number<N: std::str::FromStr>(word: &str, value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("{word} needs a number, not `{value}`"))
}

#[cfg(feature = "broken")]
fn flaw(name: &str) -> Result<evertoken::engine::Flaw, String> {
    let broken = crate::broken::Broken::named(name);
    broken.map(|broken| broken.flaw).ok_or_else(|| format!("no flaw is called `{name}`"))
}

impl Locking {
    fn parse(value: &str) -> Result<Self, String> {
        match value {
            "denied" => Ok(Self::Denied),
            "granted" => Ok(Self::Granted),
            "missing" => Ok(Self::Missing),
            _ => Err(format!("--lock needs granted, denied or missing, not `{value}`")),
        }
    }
}

impl Outcome {
    /// One line of JSON.
    pub fn json(&self) -> String {
        let broken = self.finding.as_ref().map(|finding| finding.violation.invariant.as_str());
        format!(
            r#"{{"states":{},"transitions":{},"depth":{},"leaves":{},"calms":{},"complete":{},"violations":{},"broken":{},"path":{},"seconds":{:.1}}}"#,
            self.states,
            self.transitions,
            self.depth,
            self.leaves,
            self.calms,
            self.complete,
            usize::from(broken.is_some()),
            broken.map_or("null".into(), |code| format!("\"{code}\"")),
            self.finding.as_ref().map_or(0, |finding| finding.path.len()),
            self.took.as_secs_f64(),
        )
    }
}
