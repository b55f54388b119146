//! `setup`: what the other commands need beyond cargo and Node. They call it themselves, each for its own needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use crate::machine;
use crate::process;
use crate::project::{self, Project};
use crate::toolchain::Toolchain;
use crate::tools;

/// Something a command cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Chromium and its driver.
    Browser,
    /// The packages of package-lock.json.
    Npm,
    /// A compiler for the wasm target.
    Wasm,
}

const EVERYTHING: [Need; 3] = [Need::Wasm, Need::Npm, Need::Browser];
const ATTEMPTS: u32 = 3;
const APT: &str = "/usr/bin/apt-get";
const FIREFOX: &str = "firefox-esr";

/// The command itself; `check` installs nothing. Returns whether all is there.
pub(crate) fn command(project: &Project, check: bool) -> Result<bool> {
    if check {
        return Ok(report(project));
    }
    ensure(project, &EVERYTHING)?;
    engines()?;
    fetch(project)?;
    println!("ready: every command of `cargo xtask help` has what it needs");
    Ok(true)
}

/// Makes sure of some needs; installs what is missing where that is possible.
pub(crate) fn ensure(project: &Project, needs: &[Need]) -> Result<()> {
    let lines = machine::shortcomings(project);
    if !lines.is_empty() {
        bail!("this machine lacks something:\n  {}", lines.join("\n  "));
    }
    machine::warn_of_little_memory();
    let packages = missing_packages(project, needs);
    if !packages.is_empty() {
        install(&packages)?;
        let missing = missing_packages(project, needs);
        if !missing.is_empty() {
            bail!("still missing after the installation: {}", missing.join(" "));
        }
    }
    if needs.contains(&Need::Npm) {
        npm_ci(&project.root, "TypeScript, binaryen, esbuild, Vite, the browser driver's client")?;
    }
    Ok(())
}

/// Firefox and WebKit with their drivers. What cannot be had here is said, and skipped by the tests, so no failure.
pub(crate) fn engines() -> Result<()> {
    let packages = machine::missing_engines();
    if !packages.is_empty() {
        match refusal(&packages, Path::new(APT).is_file(), machine::is_root()) {
            Some(line) => eprintln!("{line}"),
            None => install(&packages)?,
        }
    }
    if machine::missing_engines().contains(&FIREFOX) { Ok(()) } else { tools::ensure(tools::GECKODRIVER) }
}

/// Debian packages for needs that nothing here meets.
fn missing_packages(project: &Project, needs: &[Need]) -> Vec<&'static str> {
    let mut packages = Vec::new();
    if needs.contains(&Need::Wasm) && Toolchain::search(project).is_none() {
        // Clippy of the same release, so that `check` can lint the code that only exists on the target.
        packages.extend(["rustc-web", "rust-web-src", "rust-web-clippy"]);
    }
    if needs.contains(&Need::Browser) && machine::browser().is_none() {
        packages.extend(["chromium", "chromium-driver"]);
    }
    packages
}

fn install(packages: &[&str]) -> Result<()> {
    if let Some(line) = refusal(packages, Path::new(APT).is_file(), machine::is_root()) {
        bail!(line);
    }
    eprintln!("installing with apt-get: {} (about 1 min)", packages.join(" "));
    retried("apt-get update", || {
        let mut apt = apt();
        apt.args(["update", "-q"]);
        apt
    })?;
    retried("apt-get install", || {
        let mut apt = apt();
        apt.args(["install", "-q", "-y", "--no-install-recommends"]).args(packages);
        apt
    })
}

fn apt() -> Command {
    let mut command = process::command(APT);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Why we cannot install packages ourselves, and what the user can do.
fn refusal(packages: &[&str], has_apt: bool, is_root: bool) -> Option<String> {
    let names = packages.join(", ");
    if !has_apt {
        return Some(format!("missing: {names}; {}", elsewhere(packages)));
    }
    let command = format!("sudo apt-get install -y --no-install-recommends {}", packages.join(" "));
    (!is_root).then(|| format!("missing: {names}; run this, then try again:\n  {command}"))
}

fn elsewhere(packages: &[&str]) -> String {
    let mut cures = Vec::new();
    if packages.contains(&"rustc-web") {
        cures.push("run `rustup target add wasm32-unknown-unknown && rustup component add rust-src`");
    }
    if packages.contains(&"chromium") {
        cures.push("install Chromium and chromedriver and name them in CHROMIUM and CHROMEDRIVER");
    }
    if packages.contains(&FIREFOX) {
        cures.push("install Firefox and name it in FIREFOX");
    }
    cures.join("; ")
}

/// The libraries that the benchmarks compare with.
pub(crate) fn peers(project: &Project) -> Result<()> {
    npm_ci(&project.root.join("benches"), "the peers of the benchmarks")
}

/// `npm ci`, unless node_modules was made from this very lock file.
fn npm_ci(directory: &Path, what: &str) -> Result<()> {
    if npm_is_current(directory) {
        return Ok(());
    }
    let lock = fs::read(directory.join("package-lock.json"))
        .map_err(|_| anyhow!("package-lock.json is missing: put it back from git or the source archive"))?;
    eprintln!("npm ci: {what} (about 20 s)");
    retried("npm ci", || {
        let mut npm = process::command("npm");
        npm.current_dir(directory).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        npm
    })?;
    // npm empties node_modules before it begins, so an interrupted run leaves no stamp.
    project::write_if_changed(&npm_stamp(directory), project::hash(&lock).as_bytes())?;
    Ok(())
}

fn npm_is_current(directory: &Path) -> bool {
    let lock = fs::read(directory.join("package-lock.json")).unwrap_or_default();
    fs::read_to_string(npm_stamp(directory)).is_ok_and(|made_from| made_from == project::hash(&lock))
}

fn npm_stamp(directory: &Path) -> PathBuf {
    directory.join("node_modules/.made-from")
}

/// Downloads the crates of all commands now, so that the next ones work offline.
fn fetch(project: &Project) -> Result<()> {
    retried("cargo fetch", || {
        let mut cargo = process::cargo();
        cargo.current_dir(&project.root).args(["fetch", "--quiet"]);
        cargo
    })?;
    let toolchain = Toolchain::find(project)?;
    retried("cargo fetch", || {
        let mut cargo = toolchain.cargo(project, "fetch", &[], false);
        cargo.arg("--quiet");
        cargo
    })
}

fn retried(name: &str, command: impl Fn() -> Command) -> Result<()> {
    for attempt in 1..=ATTEMPTS {
        if process::status(command().stdout(std::io::stderr()))?.success() {
            return Ok(());
        }
        if attempt < ATTEMPTS {
            eprintln!("{name} failed, which may be the network; once more in {attempt} s");
            std::thread::sleep(Duration::from_secs(u64::from(attempt)));
        }
    }
    bail!(
        "`{name}` failed {ATTEMPTS} times: see its message above; with a network it can be run again at any time"
    )
}

/// Prints what is here and what is missing.
fn report(project: &Project) -> bool {
    let mut missing = machine::shortcomings(project);
    machine::warn_of_little_memory();
    match Toolchain::search(project) {
        Some(toolchain) => println!("wasm: {}", toolchain.describe()),
        None => {
            missing.push("no compiler for wasm: `cargo xtask setup` installs Debian's rustc-web".to_owned())
        }
    }
    match machine::browser() {
        Some(browser) => {
            println!("browser: {} with {}", browser.chromium.display(), browser.driver.display())
        }
        None => {
            missing.push("no Chromium with chromedriver: `cargo xtask setup` installs Debian's".to_owned())
        }
    }
    let engines = machine::missing_engines();
    if !engines.is_empty() {
        missing.push(format!("{}: `cargo xtask setup` installs Debian's", engines.join(", ")));
    }
    if !tools::is_here(tools::GECKODRIVER) {
        missing.push("no geckodriver: `cargo xtask setup` installs it from crates.io".to_owned());
    }
    if !npm_is_current(&project.root) {
        missing.push(
            "node_modules is not that of package-lock.json: `cargo xtask setup` runs `npm ci`".to_owned(),
        );
    }
    for line in &missing {
        println!("missing: {line}");
    }
    if missing.is_empty() {
        println!("nothing is missing");
    }
    missing.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_install_gets_the_exact_command() {
        let packages = ["chromium", "chromium-driver"];
        assert_eq!(refusal(&packages, true, true), None);
        assert_eq!(
            refusal(&packages, true, false).unwrap(),
            "missing: chromium, chromium-driver; run this, then try again:\n  \
             sudo apt-get install -y --no-install-recommends chromium chromium-driver"
        );
        assert!(refusal(&packages, false, true).unwrap().contains("name them in CHROMIUM and CHROMEDRIVER"));
        assert!(refusal(&["rustc-web"], false, false).unwrap().contains("rustup target add"));
    }

    #[test]
    fn what_fails_once_is_tried_again() {
        let tries = std::cell::Cell::new(0);
        let second_time_lucky = || {
            tries.set(tries.get() + 1);
            process::command(if tries.get() == 2 { "true" } else { "false" })
        };
        retried("download", second_time_lucky).unwrap();
        assert_eq!(tries.get(), 2);
    }
}
