//! `check`: what a reviewer should not have to look for.

use std::process::Command;

use anyhow::{Result, anyhow, bail};

use crate::args::Profile;
use crate::build;
use crate::fuzz;
use crate::process;
use crate::project::Project;
use crate::rules;
use crate::setup::{self, Need};
use crate::toolchain::Toolchain;
use crate::totals::Totals;

enum Outcome {
    Passed,
    /// Cause and cure.
    Skipped(String),
}

/// Name, how long a first run may take, and what to do.
type Step = (&'static str, &'static str, fn(&Project) -> Result<Outcome>);

const STEPS: [Step; 8] = [
    ("source rules", "at once", source_rules),
    ("formatting", "at once", formatting),
    ("clippy", "1 min", clippy),
    ("clippy for wasm", "1 min", clippy_for_wasm),
    ("docs", "1 min", docs),
    ("package builds", "1 min", package_builds),
    ("types of pkg", "5 s", |project| types(project, "pkg")),
    ("types of www", "5 s", |project| types(project, "www")),
];

/// Runs every step, also after a failed one; each counts as one test.
pub(crate) fn command(project: &Project) -> Result<Totals> {
    setup::ensure(project, &[Need::Wasm, Need::Npm])?;
    let mut totals = Totals { counted: true, ..Totals::default() };
    for (name, time, step) in STEPS {
        println!("check: {name} ({time})");
        match step(project) {
            Ok(Outcome::Passed) => totals.passed += 1,
            Ok(Outcome::Skipped(why)) => {
                println!("check: {name} skipped: {why}");
                totals.skipped.push(format!("{name}: {why}"));
            }
            Err(error) => {
                let line = format!("check: {name} failed: {error:#}");
                println!("{line}");
                totals.report.push(line);
                totals.failed += 1;
            }
        }
    }
    Ok(totals)
}

fn source_rules(project: &Project) -> Result<Outcome> {
    let broken = rules::broken(project)?;
    if !broken.is_empty() {
        bail!("source rules are broken in {} places:\n  {}", broken.len(), broken.join("\n  "));
    }
    Ok(Outcome::Passed)
}

fn formatting(project: &Project) -> Result<Outcome> {
    for (directory, cure) in [(".", "run `cargo fmt --all`"), ("fuzz", "run `cargo fmt` in fuzz")] {
        let mut cargo = cargo(project);
        cargo.current_dir(project.root.join(directory)).args(["fmt", "--all", "--check"]);
        process::run(&mut cargo, cure)?;
    }
    Ok(Outcome::Passed)
}

fn clippy(project: &Project) -> Result<Outcome> {
    let mut cargo = cargo(project);
    cargo.args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    process::run(&mut cargo, "fix what is named above")?;
    let mut cargo = self::cargo(project);
    cargo.args(["clippy", "--quiet", "-p", "evertoken-sim", "--all-targets", "--features", "broken"]);
    process::run(cargo.args(["--", "-D", "warnings"]), "fix what is named above")?;
    let mut cargo = fuzz::cargo(project, "clippy")?;
    process::run(cargo.args(["--quiet", "--", "-D", "warnings"]), "fix what is named above")?;
    Ok(Outcome::Passed)
}

/// The code behind `cfg(target_arch = "wasm32")`, which no host build sees.
fn clippy_for_wasm(project: &Project) -> Result<Outcome> {
    let toolchain = Toolchain::find(project)?;
    let mut cargo = toolchain.cargo(project, "rustc", &[], false);
    cargo.args(["--quiet", "-p", "evertoken", "--lib", "--profile", "check"]);
    let driver = toolchain.clippy_driver();
    if let Some(driver) = &driver {
        // What `cargo clippy` does, with the driver that belongs to the compiler of the wasm.
        cargo.env("RUSTC_WORKSPACE_WRAPPER", driver).env("CLIPPY_CONF_DIR", &project.root);
    }
    cargo.args(["--", "-D", "warnings"]);
    process::run(&mut cargo, "fix what is named above")?;
    Ok(match driver {
        Some(_) => Outcome::Passed,
        None => Outcome::Skipped(
            "compiled without warnings, but this compiler has no clippy; \
             run `apt-get install rust-web-clippy` or `rustup component add clippy`"
                .to_owned(),
        ),
    })
}

fn docs(project: &Project) -> Result<Outcome> {
    let mut cargo = cargo(project);
    cargo.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--quiet", "--workspace", "--no-deps"]);
    process::run(&mut cargo, "fix the doc comments named above")?;
    Ok(Outcome::Passed)
}

fn package_builds(project: &Project) -> Result<Outcome> {
    build::package(project, Profile::Release)?;
    Ok(Outcome::Passed)
}

fn types(project: &Project, directory: &str) -> Result<Outcome> {
    if !project.root.join(directory).join("tsconfig.json").is_file() {
        return Err(anyhow!("{directory}/tsconfig.json is missing"));
    }
    let mut tsc = process::command("node");
    tsc.current_dir(&project.root).arg("node_modules/typescript/bin/tsc").args(["-p", directory, "--noEmit"]);
    process::run(&mut tsc, "fix the TypeScript errors above")?;
    Ok(Outcome::Passed)
}

fn cargo(project: &Project) -> Command {
    let mut cargo = process::cargo();
    cargo.current_dir(&project.root);
    cargo
}
