//! Programs that single commands need: taken from the path, else installed from crates.io.

use anyhow::Result;

use crate::process;

/// A program, and the version that is installed when there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// The program, and its crate: `cargo-<subcommand>`, or one of its own.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// How long the installation takes on two cores.
    pub(crate) minutes: u32,
}

/// What drives Firefox.
pub(crate) const GECKODRIVER: Tool = Tool { name: "geckodriver", version: "0.37.1", minutes: 2 };
pub(crate) const MUTANTS: Tool = Tool { name: "cargo-mutants", version: "27.1.0", minutes: 2 };
pub(crate) const TARPAULIN: Tool = Tool { name: "cargo-tarpaulin", version: "0.37.5", minutes: 5 };

/// Makes sure of `tool`.
pub(crate) fn ensure(tool: Tool) -> Result<()> {
    let Tool { name, version, minutes } = tool;
    if is_here(tool) {
        return Ok(());
    }
    eprintln!("installing {name} {version} from crates.io (about {minutes} min)");
    let krate = format!("{name}@{version}");
    let mut cargo = process::cargo();
    cargo.args(["install", "--locked", "--quiet", &krate]);
    process::run(&mut cargo, "see its message above; with a network it can be run again at any time")
}

pub(crate) fn is_here(Tool { name, .. }: Tool) -> bool {
    // By way of cargo, which also looks where it installs.
    let mut program = match name.strip_prefix("cargo-") {
        Some(subcommand) => {
            let mut cargo = process::cargo();
            cargo.arg(subcommand);
            cargo
        }
        None => process::command(name),
    };
    process::capture(program.arg("--version")).is_ok()
}
