//! `test engine --coverage`: which lines of the engine its native tests run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;
use crate::project::Project;
use crate::setup;
use crate::tools;
use crate::totals::Totals;

/// Percent of the lines of `src/engine`.
const LEAST: f64 = 95.0;

/// Runs the engine's unit and behaviour tests, no others, and counts one more: whether they run enough of its lines.
pub(crate) fn suite(project: &Project) -> Result<Totals> {
    setup::ensure(project, &[])?;
    tools::ensure(tools::TARPAULIN)?;
    let reports = project.cache().join("coverage");
    let mut cargo = process::cargo();
    cargo
        .current_dir(&project.root)
        // Its other way of tracing needs ptrace, which containers forbid.
        .args(["tarpaulin", "--engine", "llvm", "--skip-clean", "--no-fail-fast", "--color", "never"])
        .args(["--package", "evertoken", "--lib", "--test", "engine", "--include-files", "src/engine/*"])
        // Counting makes the slowest test slower than the default of a minute on a busy machine.
        .args(["--timeout", "1200", "--out", "json", "--output-dir"])
        .arg(&reports)
        // Instrumented objects beside the others would be built anew each time.
        .arg("--target-dir")
        .arg(project.target.join("coverage"));
    let _ = fs::remove_file(report_in(&reports));
    let mut totals = Totals::of(&mut cargo)?;
    if totals.failed > 0 {
        return Ok(totals);
    }
    let text = fs::read_to_string(report_in(&reports)).context("no report of cargo-tarpaulin")?;
    let files = lines(&serde_json::from_str(&text).context("report of cargo-tarpaulin")?, &project.root);
    for (path, (covered, all)) in files.iter().filter(|(_, (_, all))| *all > 0) {
        println!("{path:<32} {covered:>4} of {all:>4} lines {:>6.1} %", percent(*covered, *all));
    }
    let (covered, all) = files.iter().fold((0, 0), |sum, (_, (covered, all))| (sum.0 + covered, sum.1 + all));
    let share = percent(covered, all);
    println!("coverage of src/engine: {share:.1} % of {all} lines, {LEAST} % expected");
    if share >= LEAST {
        totals.passed += 1;
    } else {
        totals.failed += 1;
    }
    Ok(totals)
}

fn report_in(directory: &Path) -> PathBuf {
    directory.join("tarpaulin-report.json")
}

/// Covered and all lines of each file, by its path in the project.
fn lines(report: &Value, root: &Path) -> Vec<(String, (u64, u64))> {
    let files = report["files"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found: Vec<_> = files
        .iter()
        .filter_map(|file| {
            let path: PathBuf = file["path"].as_array()?.iter().filter_map(Value::as_str).collect();
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            Some((shown, (file["covered"].as_u64()?, file["coverable"].as_u64()?)))
        })
        .collect();
    found.sort();
    found
}

fn percent(covered: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { covered as f64 * 100.0 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_read_by_file() {
        let report = serde_json::json!({"files": [
            {"path": ["/", "p", "src", "engine", "time.rs"], "covered": 9, "coverable": 12, "traces": []},
            {"path": ["/", "p", "src", "engine", "jwt.rs"], "covered": 1, "coverable": 1, "traces": []},
        ]});
        let expected = [("src/engine/jwt.rs".to_owned(), (1, 1)), ("src/engine/time.rs".to_owned(), (9, 12))];
        assert_eq!(lines(&report, Path::new("/p")), expected);
    }

    #[test]
    fn nothing_measured_is_nothing_covered() {
        assert_eq!(lines(&Value::Null, Path::new("/p")), []);
        assert_eq!(percent(0, 0), 0.0);
    }
}
