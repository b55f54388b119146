//! Cargo subcommands that single commands need: taken from the path, else installed from crates.io.

use anyhow::Result;

use crate::process;

/// A subcommand, and the version that is installed when there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// What stands behind `cargo`; its crate is called `cargo-<name>`.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// How long the installation takes on two cores.
    pub(crate) minutes: u32,
}

pub(crate) const MUTANTS: Tool = Tool { name: "mutants", version: "27.1.0", minutes: 2 };
pub(crate) const TARPAULIN: Tool = Tool { name: "tarpaulin", version: "0.37.5", minutes: 5 };

/// Makes sure of `tool`.
pub(crate) fn ensure(tool: Tool) -> Result<()> {
    let Tool { name, version, minutes } = tool;
    if process::capture(process::cargo().args([name, "--version"])).is_ok() {
        return Ok(());
    }
    eprintln!("installing cargo-{name} {version} from crates.io (about {minutes} min)");
    let krate = format!("cargo-{name}@{version}");
    let mut cargo = process::cargo();
    cargo.args(["install", "--locked", "--quiet", &krate]);
    process::run(&mut cargo, "see its message above; with a network it can be run again at any time")
}
