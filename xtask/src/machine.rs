//! What this machine has: programs, versions, room.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process;
use crate::project::{Project, Version};

pub(crate) const NODE: Version = Version(20, 0, 0);
const FIRST_BUILD_GB: u64 = 10;
const LATER_BUILD_GB: u64 = 1;
const MEMORY_GB: u64 = 2;

/// A browser and the program that drives it.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Chromium and its driver: named by `CHROMIUM` and `CHROMEDRIVER`, else where Debian puts them.
pub(crate) fn browser() -> Option<Browser> {
    let chromium =
        named("CHROMIUM", &["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"])?;
    let driver = named("CHROMEDRIVER", &["/usr/bin/chromedriver", "/usr/lib/chromium-browser/chromedriver"])?;
    Some(Browser { chromium, driver })
}

/// Debian packages of what the suite `fetch` runs beside Chromium and this machine lacks.
pub(crate) fn missing_engines() -> Vec<&'static str> {
    let programs: [(&str, &[&str], &str); 3] = [
        ("FIREFOX", &["/usr/bin/firefox-esr", "/usr/bin/firefox"], "firefox-esr"),
        ("WEBKITDRIVER", &["/usr/bin/WebKitWebDriver"], "webkit2gtk-driver"),
        ("XVFB", &["/usr/bin/Xvfb"], "xvfb"),
    ];
    let missing = |(variable, places, package)| named(variable, places).is_none().then_some(package);
    programs.into_iter().filter_map(missing).collect()
}

/// Lines about what is missing or too old and no package manager of ours puts right, each with its cure.
pub(crate) fn shortcomings(project: &Project) -> Vec<String> {
    let rust = "install Rust from https://rustup.rs, or run `rustup update stable`";
    let node = "install Node.js 20 or newer, https://nodejs.org";
    let mut lines = Vec::new();
    lines.extend(room(project));
    if process::capture(process::command("cc").arg("--version")).is_err() {
        lines.push("no C compiler and linker `cc`: run `apt-get install build-essential`".to_owned());
    }
    lines.extend(too_old("rustc", project.msrv, rust));
    lines.extend(too_old("node", NODE, node));
    lines.extend(too_old("npm", Version(1, 0, 0), node));
    lines
}

/// Says when the linker may run out of memory.
pub(crate) fn warn_of_little_memory() {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    if let Some(kb) = memory_kb(&text).filter(|kb| *kb < MEMORY_GB << 20) {
        eprintln!(
            "warning: {} MB of memory; linking may need {MEMORY_GB} GB (try CARGO_BUILD_JOBS=1)",
            kb >> 10
        );
    }
}

/// Whether we may install packages.
pub(crate) fn is_root() -> bool {
    #[cfg(unix)]
    return rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    return false;
}

fn room(project: &Project) -> Option<String> {
    let is_first = !project.cache().join("lto.stamp").exists();
    let needed = if is_first { FIRST_BUILD_GB } else { LATER_BUILD_GB };
    let place = project.target.ancestors().find(|path| path.exists())?;
    let free = free_bytes(place)? >> 30;
    (free < needed).then(|| {
        format!(
            "{free} GB free where {} is, {needed} GB needed: free some, or set CARGO_TARGET_DIR to a roomier disk",
            project.target.display()
        )
    })
}

#[cfg(unix)]
fn free_bytes(place: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(place).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_place: &Path) -> Option<u64> {
    None
}

fn memory_kb(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn too_old(program: &str, least: Version, cure: &str) -> Option<String> {
    match process::capture(process::command(program).arg("--version")) {
        Err(_) => Some(format!("no `{program}` on the path, {least} needed: {cure}")),
        Ok(text) => version_line(program, &text, least, cure),
    }
}

fn version_line(program: &str, text: &str, least: Version, cure: &str) -> Option<String> {
    match Version::find(text) {
        Some(found) if found >= least => None,
        Some(found) => Some(format!("`{program}` is {found}, {least} needed: {cure}")),
        None => Some(format!("`{program} --version` says `{}`, expected a version: {cure}", text.trim())),
    }
}

fn named(variable: &str, places: &[&str]) -> Option<PathBuf> {
    let places = places.iter().map(PathBuf::from);
    std::env::var_os(variable).map(PathBuf::from).into_iter().chain(places).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_program_is_named_with_both_versions_and_the_cure() {
        let line = version_line("node", "v18.19.1\n", NODE, "install it").unwrap();
        assert_eq!(line, "`node` is 18.19.1, 20.0.0 needed: install it");
        assert_eq!(version_line("node", "v20.0.0\n", NODE, "install it"), None);
        assert!(version_line("node", "?", NODE, "install it").unwrap().contains("expected a version"));
    }

    #[test]
    fn memory_is_read_in_kilobytes() {
        assert_eq!(memory_kb("MemTotal:       24675328 kB\nMemFree: 1 kB\n"), Some(24_675_328));
        assert_eq!(memory_kb(""), None);
    }
}
