//! `pack`: the tarball that npm would publish, with a look at what is in it.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, anyhow, bail};

use crate::args::Profile;
use crate::build;
use crate::process;
use crate::project::Project;
use crate::setup::{self, Need};

const EXPECTED: &str = "tests/packaging/tarball.txt";

/// Packs and prints the path of the tarball as the last line.
pub(crate) fn command(project: &Project) -> Result<()> {
    setup::ensure(project, &[Need::Wasm, Need::Npm])?;
    build::package(project, Profile::Release)?;
    fs::create_dir_all(&project.target)?;
    let mut npm = process::command("npm");
    npm.current_dir(project.root.join("pkg"));
    npm.args(["pack", "--json", "--loglevel=error", "--pack-destination"]).arg(&project.target);
    let (name, files) = contents(&process::capture(&mut npm)?)?;
    let list = fs::read_to_string(project.root.join(EXPECTED)).unwrap_or_default();
    let expected: BTreeSet<String> =
        list.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let differences = differences(&expected, &files);
    if !differences.is_empty() {
        bail!(
            "the tarball does not hold what {EXPECTED} lists (- missing, + not listed):\n  {}\n\
             correct `files` in pkg/package.json, or the list when the change is meant",
            differences.join("\n  ")
        );
    }
    println!("{} files, as {EXPECTED} lists them", files.len());
    println!("{}", project.target.join(name).display());
    Ok(())
}

/// Name and files from the JSON of `npm pack`: a list of one, or since npm 12 an object by package name.
fn contents(json: &str) -> Result<(String, BTreeSet<String>)> {
    let report: serde_json::Value = serde_json::from_str(json).context("output of `npm pack --json`")?;
    let package = report.get(0).or_else(|| report.get("evertoken"));
    let package = package.ok_or_else(|| anyhow!("`npm pack --json` names no package"))?;
    let name = package["filename"].as_str().context("`npm pack --json` names no file")?;
    let files = package["files"].as_array().context("`npm pack --json` lists no files")?;
    let files = files.iter().filter_map(|file| file["path"].as_str()).map(str::to_owned).collect();
    Ok((name.to_owned(), files))
}

fn differences(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> Vec<String> {
    let missing = expected.difference(found).map(|path| format!("- {path}"));
    let more = found.difference(expected).map(|path| format!("+ {path}"));
    missing.chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_report_of_npm_is_read_in_both_shapes() {
        let package = r#"{"filename":"evertoken-0.1.0.tgz","files":[{"path":"package.json"},{"path":"dist/index.js"}]}"#;
        for json in [format!("[{package}]"), format!("{{\"evertoken\":{package}}}")] {
            let (name, files) = contents(&json).unwrap();
            assert_eq!(name, "evertoken-0.1.0.tgz");
            assert_eq!(files, set(&["package.json", "dist/index.js"]));
        }
        assert!(contents("[]").is_err());
    }

    #[test]
    fn missing_and_additional_files_are_both_named() {
        assert_eq!(differences(&set(&["a", "b"]), &set(&["b", "c"])), ["- a", "+ c"]);
        assert!(differences(&set(&["a"]), &set(&["a"])).is_empty());
    }
}
