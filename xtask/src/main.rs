//! The one command list of the project: `cargo xtask help`.

mod args;
mod arrange;
mod bench;
mod build;
mod check;
mod contexts;
mod coverage;
mod demo;
mod fuzz;
mod glue;
mod glue_types;
mod inline;
mod machine;
mod names;
mod pack;
mod package;
mod process;
mod project;
mod rules;
mod setup;
mod streams;
mod test;
mod toolchain;
mod tools;
mod totals;
mod wasm;

use std::process::ExitCode;

use anyhow::Result;

use args::{Action, Profile};
use project::Project;
use setup::Need;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let action = match args::parse(&arguments) {
        Ok(action) => action,
        Err(error) => {
            eprintln!("xtask: {error}");
            return ExitCode::from(2);
        }
    };
    match perform(action) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(action: Action) -> Result<u8> {
    if action == Action::Help {
        println!("{}", args::HELP);
        return Ok(0);
    }
    let project = Project::open()?;
    match action {
        Action::Bench(options) => bench::command(&project, &options).map(|()| 0),
        Action::Build { profile } => {
            setup::ensure(&project, &[Need::Wasm, Need::Npm])?;
            build::package(&project, profile).map(|()| 0)
        }
        Action::Check => {
            let totals = check::command(&project)?;
            println!("{} of {} checks passed", totals.passed, totals.passed + totals.failed);
            Ok(u8::from(totals.failed > 0))
        }
        Action::Demo(options) => demo::command(&project, &options),
        Action::Fuzz(options) => fuzz::command(&project, &options).map(|clean| u8::from(!clean)),
        Action::Help => Ok(0),
        Action::Mutants { arguments } => mutants(&project, &arguments),
        Action::Pack => pack::command(&project).map(|()| 0),
        Action::Setup { check } => setup::command(&project, check).map(|complete| u8::from(!complete)),
        Action::Sim { arguments } => sim(&project, &arguments),
        Action::Size { json } => size(&project, json),
        Action::Test { suites, coverage } => {
            test::command(&project, &suites, coverage).map(|passed| u8::from(!passed))
        }
    }
}

fn size(project: &Project, json: bool) -> Result<u8> {
    setup::ensure(project, &[Need::Wasm, Need::Npm])?;
    build::package(project, Profile::Release)?;
    let mut node = process::command("node");
    node.current_dir(&project.root).arg("xtask/js/size.mjs");
    if json {
        node.arg("--json");
    }
    Ok(u8::from(!process::status(&mut node)?.success()))
}

fn sim(project: &Project, arguments: &[String]) -> Result<u8> {
    setup::ensure(project, &[])?;
    let mut cargo = process::cargo();
    cargo.current_dir(&project.root).args(["run", "--release", "-p", "evertoken-sim"]);
    if arguments.iter().any(|argument| argument == "broken" || argument == "--flaw") {
        cargo.args(["--features", "broken"]);
    }
    cargo.arg("--").args(arguments);
    let status = process::status(&mut cargo)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Changes the engine in small ways that its tests must notice, all of it unless the arguments name files.
fn mutants(project: &Project, arguments: &[String]) -> Result<u8> {
    setup::ensure(project, &[])?;
    tools::ensure(tools::MUTANTS)?;
    let mut cargo = process::cargo();
    cargo.current_dir(&project.root).args(["mutants", "--package", "evertoken", "--output"]);
    cargo.arg(project.cache());
    if !arguments.iter().any(|argument| argument.starts_with("--file") || argument.starts_with("-f")) {
        cargo.args(["--file", "src/engine/**/*.rs"]);
    }
    // What only luck would find is no proof: a few cases, the same for every mutant.
    cargo.env("PROPTEST_CASES", "64").env("PROPTEST_RNG_SEED", "1");
    let status = process::status(cargo.args(arguments))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
