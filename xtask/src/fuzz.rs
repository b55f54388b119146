//! `fuzz`: the targets of `fuzz/`, built by plain cargo with the flags that cargo-fuzz would give.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::args::Fuzz;
use crate::process;
use crate::project::{self, Project};
use crate::setup;
use crate::totals::Totals;

/// What ends the fuzzing of one target.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Runs(u32),
    Seconds(u32),
}

/// What libFuzzer says at the end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    runs: u64,
    seconds: u64,
    /// Branches that were reached.
    coverage: u64,
    /// The message of the panic, or libFuzzer's summary.
    failure: Option<String>,
    /// The input that failed.
    artifact: Option<String>,
}

/// Inputs for each target in the suite of `cargo xtask test`, the corpus among them.
const SUITE_RUNS: u32 = 50_000;

/// An input that takes longer is reported; thousands are done in a second.
const SECONDS_FOR_ONE: u32 = 60;

const RUSTFLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

/// The command itself. Returns whether nothing was found.
pub(crate) fn command(project: &Project, options: &Fuzz) -> Result<bool> {
    let targets = chosen(project, &options.targets)?;
    build(project)?;
    if let Some(input) = &options.replay {
        return replay(project, &targets, input);
    }
    println!("fuzz: {}; {} s each", targets.join(", "), options.seconds);
    let totals = run(project, &targets, Limit::Seconds(options.seconds), "fuzz/grown")?;
    println!("{} passed, {} failed", totals.passed, totals.failed);
    Ok(totals.failed == 0)
}

/// A short run of every target, the same amount of work on every machine.
pub(crate) fn suite(project: &Project) -> Result<Totals> {
    let targets = chosen(project, &[])?;
    build(project)?;
    let scratch = "fuzz/scratch";
    let _ = fs::remove_dir_all(project.target.join(scratch));
    run(project, &targets, Limit::Runs(SUITE_RUNS), scratch)
}

/// A cargo command on the targets, for `check` too.
pub(crate) fn cargo(project: &Project, subcommand: &str) -> Result<Command> {
    let mut cargo = process::cargo();
    cargo
        .current_dir(project.root.join("fuzz"))
        .args([subcommand, "--release", "--target", &host()?])
        .arg("--target-dir")
        .arg(project.target.join("fuzz"))
        .env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join("\x1f"));
    Ok(cargo)
}

fn chosen(project: &Project, names: &[String]) -> Result<Vec<String>> {
    let files = project::files_under(&project.root.join("fuzz/fuzz_targets"));
    let known: Vec<String> =
        files.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("unknown target `{unknown}`; expected one of {}", known.join(", "));
    }
    Ok(known.into_iter().filter(|name| names.is_empty() || names.contains(name)).collect())
}

fn build(project: &Project) -> Result<()> {
    setup::ensure(project, &[])?;
    if process::capture(process::command("c++").arg("--version")).is_err() {
        bail!("no C++ compiler `c++`, which libFuzzer is built with: run `apt-get install build-essential`");
    }
    eprintln!("fuzz: building (a first time about 1 min)");
    process::run(cargo(project, "build")?.arg("--quiet"), "fix what is named above")
}

/// Runs the targets one after the other. What they find goes to `grown` in the target directory.
fn run(project: &Project, targets: &[String], limit: Limit, grown: &str) -> Result<Totals> {
    let mut totals = Totals { counted: true, ..Totals::default() };
    for target in targets {
        let report = run_one(project, target, limit, &project.target.join(grown).join(target))?;
        let Report { runs, seconds, coverage, .. } = report;
        println!("fuzz: {target}: {runs} runs in {seconds} s, {coverage} branches");
        let Some(failure) = report.failure else {
            totals.passed += 1;
            continue;
        };
        totals.failed += 1;
        let line = format!("fuzz: {target} failed: {failure}");
        println!("{line}");
        totals.report.push(line);
        if let Some(artifact) = report.artifact {
            println!("replay it with: cargo xtask fuzz {target} --replay {artifact}");
        }
    }
    Ok(totals)
}

fn run_one(project: &Project, target: &str, limit: Limit, grown: &Path) -> Result<Report> {
    let artifacts = format!("fuzz/artifacts/{target}/");
    fs::create_dir_all(grown).with_context(|| format!("cannot create {}", grown.display()))?;
    fs::create_dir_all(project.root.join(&artifacts))?;
    let mut fuzzer = process::command(binary(project, target)?);
    fuzzer.current_dir(&project.root).arg(grown).arg(Path::new("fuzz/corpus").join(target)).args([
        match limit {
            Limit::Runs(runs) => format!("-runs={runs}"),
            Limit::Seconds(seconds) => format!("-max_total_time={seconds}"),
        },
        format!("-timeout={SECONDS_FOR_ONE}"),
        format!("-artifact_prefix={artifacts}"),
        "-print_final_stats=1".to_owned(),
    ]);
    let dictionary = format!("fuzz/dictionaries/{target}.dict");
    if project.root.join(&dictionary).is_file() {
        fuzzer.arg(format!("-dict={dictionary}"));
    }
    let started = std::time::Instant::now();
    let output = fuzzer.output().with_context(|| format!("cannot start `{}`", process::shown(&fuzzer)))?;
    let mut report = Report::read(&String::from_utf8_lossy(&output.stderr));
    report.seconds = started.elapsed().as_secs();
    if !output.status.success() && report.failure.is_none() {
        report.failure = Some(format!("`{}` ended with {}", process::shown(&fuzzer), output.status));
    }
    Ok(report)
}

/// Shows an input as its target reads it, and gives it to the target.
fn replay(project: &Project, targets: &[String], input: &Path) -> Result<bool> {
    let [target] = targets else { bail!("fuzz: `--replay` expects one target") };
    let shown = project.target.join("fuzz/input.txt");
    let _ = fs::remove_file(&shown);
    let mut printer = process::command(binary(project, target)?);
    printer.arg(input).env("RUST_LIBFUZZER_DEBUG_PATH", &shown);
    let said = process::capture(&mut printer).map(|_| fs::read_to_string(&shown));
    println!("{}", said?.with_context(|| format!("{target} makes nothing of {}", input.display()))?);
    let replayed = process::status(process::command(binary(project, target)?).arg(input))?.success();
    println!("fuzz: {target} {} this input", if replayed { "takes" } else { "fails on" });
    Ok(replayed)
}

fn binary(project: &Project, target: &str) -> Result<PathBuf> {
    let name = format!("{target}{}", std::env::consts::EXE_SUFFIX);
    Ok(project.target.join("fuzz").join(host()?).join("release").join(name))
}

fn host() -> Result<String> {
    let version = process::capture(process::command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

impl Report {
    fn read(log: &str) -> Self {
        let mut report = Self::default();
        let mut panicked = false;
        for line in log.lines() {
            if panicked {
                // The line after `thread … panicked at …:` is the message.
                report.failure.get_or_insert_with(|| line.to_owned());
            }
            panicked = line.contains(" panicked at ");
            if let Some(summary) = line.strip_prefix("SUMMARY: ") {
                report.failure.get_or_insert_with(|| summary.to_owned());
            } else if let Some((_, path)) = line.split_once("Test unit written to ") {
                report.artifact = Some(path.to_owned());
            } else if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
                report.runs = runs.trim().parse().unwrap_or_default();
            } else if let Some((_, rest)) = line.split_once(" cov: ") {
                let count = rest.split(' ').next().and_then(|count| count.parse().ok());
                report.coverage = count.unwrap_or(report.coverage);
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_run_is_counted() {
        let log = "INFO: Seed: 1\n#2\tINITED cov: 17 ft: 17 corp: 1/1b exec/s: 0 rss: 27Mb\n\
                   #600\tDONE   cov: 223 ft: 534 corp: 306/41Kb lim: 4096 exec/s: 399873 rss: 28Mb\n\
                   Done 600 runs in 6 second(s)\nstat::number_of_executed_units: 600\n";
        assert_eq!(Report::read(log), Report { runs: 600, coverage: 223, ..Report::default() });
    }

    #[test]
    fn a_crash_is_told_by_its_message_and_its_input() {
        let log = "#9\tNEW    cov: 22 ft: 9 corp: 1/1b\n\
                   thread '<unnamed>' (5) panicked at src/driver.rs:125:9:\na token shows\nstack backtrace:\n\
                   SUMMARY: libFuzzer: deadly signal\n\
                   artifact_prefix='fuzz/artifacts/jwt/'; Test unit written to fuzz/artifacts/jwt/crash-5f\n\
                   stat::number_of_executed_units: 12\n";
        let expected = Report {
            runs: 12,
            seconds: 0,
            coverage: 22,
            failure: Some("a token shows".to_owned()),
            artifact: Some("fuzz/artifacts/jwt/crash-5f".to_owned()),
        };
        assert_eq!(Report::read(log), expected);
        let hang = "SUMMARY: libFuzzer: timeout\n";
        assert_eq!(Report::read(hang).failure.as_deref(), Some("libFuzzer: timeout"));
    }
}
