//! Where things are: paths, versions, and what the last run left behind.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use crate::process;

/// The checkout this program works on.
#[derive(Debug)]
pub(crate) struct Project {
    /// The directory of the root Cargo.toml.
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the user put it.
    pub(crate) target: PathBuf,
    /// Minimum Rust version from Cargo.toml.
    pub(crate) msrv: Version,
}

/// A version as far as we compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32, pub(crate) u32);

impl Project {
    /// Asks cargo for the target directory and reads the manifest.
    pub(crate) fn open() -> Result<Self> {
        // The variable is read at run time, so that a moved checkout with its target directory still works.
        let manifest =
            std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask has no parent directory")?.to_path_buf();
        let text = process::capture(process::cargo().current_dir(&root).args([
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--offline",
        ]))?;
        let metadata: serde_json::Value =
            serde_json::from_str(&text).context("output of `cargo metadata`")?;
        let target =
            metadata["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
        let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
        let msrv = manifest
            .lines()
            .find_map(|line| line.trim().strip_prefix("rust-version = "))
            .and_then(Version::find)
            .ok_or_else(|| anyhow!("Cargo.toml: expected `rust-version` in [workspace.package]"))?;
        Ok(Self { target: PathBuf::from(target), root, msrv })
    }

    /// Everything of ours in the target directory.
    pub(crate) fn cache(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// Version of a package in Cargo.lock.
    pub(crate) fn locked(&self, package: &str) -> Result<String> {
        let lock = fs::read_to_string(self.root.join("Cargo.lock")).context("Cargo.lock")?;
        locked_version(&lock, package).ok_or_else(|| anyhow!("Cargo.lock: no package `{package}`"))
    }

    /// Whether `outputs` are what the run recorded under `name` made from the same `inputs`.
    pub(crate) fn is_current(&self, name: &str, inputs: &[PathBuf], outputs: &[PathBuf]) -> bool {
        fs::read_to_string(self.stamp(name)).is_ok_and(|stamp| stamp == fingerprint(inputs, outputs))
    }

    /// Records that `outputs` were made from `inputs`.
    pub(crate) fn record(&self, name: &str, inputs: &[PathBuf], outputs: &[PathBuf]) -> Result<()> {
        write_if_changed(&self.stamp(name), fingerprint(inputs, outputs).as_bytes())?;
        Ok(())
    }

    fn stamp(&self, name: &str) -> PathBuf {
        self.cache().join(format!("{name}.stamp"))
    }
}

impl Version {
    /// The first `1.2` or `1.2.3` in a text such as `rustc 1.95.0 (…)` or `v20.20.2`.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let mut parts = text[start..].split(|c: char| !c.is_ascii_digit() && c != '.').next()?.split('.');
        let mut next = || parts.next().map_or(Some(0), |part| part.parse().ok());
        Some(Self(next()?, next()?, next()?))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A hash to notice changes by; not for anything that an attacker chooses.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}

/// Writes a file unless it holds just that already, so that its time stamp means something.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    }
    // Written beside and renamed: an interrupted run leaves no half file.
    let part = path.with_extension("part");
    fs::write(&part, bytes).with_context(|| format!("cannot write {}", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// All files under a directory, sorted, without node_modules and hidden ones; empty when there is none.
pub(crate) fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if name == "node_modules" || name.to_string_lossy().starts_with('.') {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn fingerprint(inputs: &[PathBuf], outputs: &[PathBuf]) -> String {
    let mut hasher = DefaultHasher::new();
    for path in inputs.iter().chain(outputs) {
        hasher.write(path.to_string_lossy().as_bytes());
        match fs::read(path) {
            Ok(bytes) => hasher.write(&bytes),
            Err(_) => hasher.write(b"missing"),
        }
        hasher.write(&[0xff]);
    }
    format!("{:016x} {} {}", hasher.finish(), inputs.len(), outputs.len())
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_and_compared_by_number() {
        assert_eq!(Version::find("rustc 1.95.0 (59807616e 2026-04-14)"), Some(Version(1, 95, 0)));
        assert_eq!(Version::find("v20.20.2"), Some(Version(20, 20, 2)));
        assert_eq!(Version::find("\"1.95\""), Some(Version(1, 95, 0)));
        assert_eq!(Version::find("1.96.0-nightly"), Some(Version(1, 96, 0)));
        assert_eq!(Version::find("no digits"), None);
        assert!(Version(1, 100, 0) > Version(1, 95, 0));
    }

    #[test]
    fn the_lock_file_answers_for_the_exact_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }
}
