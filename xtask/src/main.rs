//! The one command list of the project: `cargo xtask help`.

mod args;
mod build;
mod glue;
mod glue_types;
mod inline;
mod names;
mod package;
mod process;
mod project;
mod toolchain;
mod wasm;

use std::process::ExitCode;

use anyhow::Result;

use args::Action;
use project::Project;

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
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(action: Action) -> Result<ExitCode> {
    if action == Action::Help {
        println!("{}", args::HELP);
        return Ok(ExitCode::SUCCESS);
    }
    let project = Project::open()?;
    match action {
        Action::Build { profile } => build::package(&project, profile)?,
        _ => anyhow::bail!("later"),
    }
    Ok(ExitCode::SUCCESS)
}
