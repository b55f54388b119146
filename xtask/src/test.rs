//! `test`: all suites, native ones first, with one line of totals at the end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::args::Profile;
use crate::check;
use crate::coverage;
use crate::fuzz;
use crate::machine;
use crate::process;
use crate::project::Project;
use crate::setup::{self, Need};
use crate::totals::Totals;
use crate::{build, demo};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Browser,
    Cargo { package: &'static str },
    Check,
    Coverage,
    Fetch,
    Fuzz,
    Node { directory: &'static str },
    Sim,
}

struct Suite {
    name: &'static str,
    kind: Kind,
    about: &'static str,
}

const SUITES: [Suite; 10] = [
    Suite {
        name: "engine",
        kind: Kind::Cargo { package: "evertoken" },
        about: "rules on a virtual clock, 1 min",
    },
    Suite {
        name: "server",
        kind: Kind::Cargo { package: "evertoken-server" },
        about: "the auth server, 2 min",
    },
    Suite { name: "sim", kind: Kind::Sim, about: "simulated browsers, engines broken on purpose, 3 min" },
    Suite { name: "fuzz", kind: Kind::Fuzz, about: "odd inputs for parsers and rules, 2 min" },
    Suite { name: "xtask", kind: Kind::Cargo { package: "xtask" }, about: "this command list, 1 min" },
    Suite { name: "check", kind: Kind::Check, about: "lints, docs, types, 3 min" },
    Suite { name: "facade", kind: Kind::Node { directory: "pkg/test" }, about: "TypeScript in Node, 3 min" },
    Suite {
        name: "packaging",
        kind: Kind::Node { directory: "tests/packaging" },
        about: "the packed tarball, 1 min",
    },
    Suite { name: "browser", kind: Kind::Browser, about: "Chromium against the server, 7 min" },
    Suite { name: "fetch", kind: Kind::Fetch, about: "fetch in Chromium, Firefox and WebKit, 5 min" },
];

/// Runs the named suites, or all; returns whether nothing failed. `coverage`: that of the engine is measured.
pub(crate) fn command(project: &Project, names: &[String], coverage: bool) -> Result<bool> {
    let suites = chosen(names)?;
    // Without these nothing runs; what single suites need beyond is their own failure.
    setup::ensure(project, &[])?;
    println!("suites (times are for a first run on two cores):");
    for suite in &suites {
        println!("  {:<10} {}", suite.name, suite.about);
    }
    let mut sum = Totals::default();
    for (number, suite) in suites.iter().enumerate() {
        println!("\n== {} ({} of {}) ==", suite.name, number + 1, suites.len());
        let started = Instant::now();
        let kind = if coverage { Kind::Coverage } else { suite.kind };
        let totals = run(project, suite.name, kind);
        println!(
            "== {}: {} passed, {} failed, {} s",
            suite.name,
            totals.passed,
            totals.failed,
            started.elapsed().as_secs()
        );
        let named = |lines: &[String]| lines.iter().map(|line| format!("{}: {line}", suite.name)).collect();
        let report = if totals.failed > 0 && totals.report.is_empty() {
            vec![format!("{}: the reason is in its part of the log", suite.name)]
        } else {
            named(&totals.report)
        };
        sum.add(Totals { skipped: named(&totals.skipped), report, ..totals });
    }
    println!();
    for line in &sum.skipped {
        println!("skipped: {line}");
    }
    for line in &sum.report {
        println!("failed: {line}");
    }
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(sum.failed == 0)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Suite>> {
    for name in names {
        if !SUITES.iter().any(|suite| suite.name == name) {
            let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
            bail!("unknown suite `{name}`; expected one of {}", known.join(", "));
        }
    }
    Ok(SUITES
        .iter()
        .filter(|suite| names.is_empty() || names.iter().any(|name| name == suite.name))
        .collect())
}

/// Runs one suite. A suite that could not be run has one failure.
fn run(project: &Project, name: &str, kind: Kind) -> Totals {
    let outcome = match kind {
        Kind::Browser => browser(project, "tests/browser"),
        Kind::Cargo { package } => cargo(project, package, &[]),
        Kind::Check => check::command(project),
        Kind::Coverage => coverage::suite(project),
        Kind::Fetch => setup::engines().and_then(|()| browser(project, "tests/fetch")),
        Kind::Fuzz => fuzz::suite(project),
        Kind::Node { directory } => node(project, directory),
        Kind::Sim => sim(project),
    };
    outcome.unwrap_or_else(|error| {
        println!("{name}: {error:#}");
        Totals { failed: 1, report: vec![format!("{error:#}")], ..Totals::default() }
    })
}

fn cargo(project: &Project, package: &str, arguments: &[&str]) -> Result<Totals> {
    let mut cargo = process::cargo();
    cargo.current_dir(&project.root).args(["test", "-p", package, "--no-fail-fast"]).args(arguments);
    Totals::of(&mut cargo)
}

/// The engine that ships, then those that are broken on purpose: a feature that no other build may have.
fn sim(project: &Project) -> Result<Totals> {
    let mut totals = cargo(project, "evertoken-sim", &[])?;
    totals.add(cargo(project, "evertoken-sim", &["--features", "broken", "--test", "broken"])?);
    Ok(totals)
}

fn node(project: &Project, directory: &str) -> Result<Totals> {
    let files = test_files(&project.root.join(directory));
    if files.is_empty() {
        return Ok(none_found(directory));
    }
    setup::ensure(project, &[Need::Wasm, Need::Npm])?;
    build::package(project, Profile::Release)?;
    Totals::of(node_test(project).args(files))
}

fn browser(project: &Project, directory: &str) -> Result<Totals> {
    let files = test_files(&project.root.join(directory));
    if files.is_empty() {
        return Ok(none_found(directory));
    }
    setup::ensure(project, &[Need::Wasm, Need::Npm, Need::Browser])?;
    build::package(project, Profile::Release)?;
    demo::build_page(project)?;
    let server = demo::build_server(project)?;
    let browser = machine::browser().context("no Chromium with chromedriver")?;
    let mut node = node_test(project);
    node.env("EVERTOKEN_SERVER", server)
        .env("CHROMIUM", browser.chromium)
        .env("CHROMEDRIVER", browser.driver);
    Totals::of(node.args(files))
}

fn node_test(project: &Project) -> Command {
    let mut node = process::command("node");
    // Colours would stand between us and the totals.
    node.current_dir(&project.root).env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    node.args(["--test", "--test-reporter=spec"]);
    node
}

/// `*.test.mjs` of a directory; Node 20 does not expand patterns itself.
fn test_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".test.mjs")))
        .collect();
    files.sort();
    files
}

fn none_found(directory: &str) -> Totals {
    Totals { skipped: vec![format!("no *.test.mjs in {directory}; add one to run it")], ..Totals::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_run_in_our_order_and_an_unknown_one_is_named() {
        let names = |list: &[&str]| chosen(&list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let order: Vec<&str> =
            names(&["browser", "engine"]).unwrap().iter().map(|suite| suite.name).collect();
        assert_eq!(order, ["engine", "browser"]);
        assert_eq!(names(&[]).unwrap().len(), SUITES.len());
        let error = names(&["engin"]).err().unwrap().to_string();
        assert!(error.starts_with("unknown suite `engin`; expected one of engine, server"), "{error}");
    }
}
