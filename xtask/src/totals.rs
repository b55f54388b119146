//! What a test run says about itself: totals and skipped tests, of libtest and of Node's test runner.

use std::process::Command;

use anyhow::Result;

use crate::process;

/// Sums over the lines of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Skipped tests, each with the reason its author gave.
    pub(crate) skipped: Vec<String>,
    /// What the runners say of failed tests, for the end of a long log.
    pub(crate) report: Vec<String>,
    /// Lines of the report that are still to come.
    pub(crate) reporting: usize,
    /// Whether any line was a total: a run that crashed early has none.
    pub(crate) counted: bool,
}

impl Totals {
    /// Runs a command, shows its output as it comes and counts on the way.
    pub(crate) fn of(command: &mut Command) -> Result<Self> {
        let mut totals = Self::default();
        let status = process::each_line(command, |line| {
            println!("{line}");
            totals.read(line);
        })?;
        if !totals.counted || (!status.success() && totals.failed == 0) {
            let line = format!("`{}` ended with {status} and no count of failures", process::shown(command));
            println!("{line}");
            totals.report.push(line);
            totals.failed += 1;
        }
        Ok(totals)
    }

    /// Takes another run into account.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
        self.report.extend(other.report);
    }

    /// Takes one line of output into account.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if line == "failures:" || line == "✖ failing tests:" {
            self.reporting = LONGEST_REPORT;
        } else if line.starts_with("test result: ") {
            self.reporting = 0;
        } else if self.reporting > 0 && !line.is_empty() {
            self.reporting -= 1;
            self.report.push(line.to_owned());
        }
        if let Some(result) = line.strip_prefix("test result: ") {
            self.libtest(result);
        } else if let Some(test) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ignored"))
        {
            self.skip(test.0, test.1.trim_start_matches(", "));
        } else if let Some(test) = line.strip_prefix("﹣ ") {
            // Node's spec reporter: `﹣ name (0.05ms) # reason`.
            let (name, reason) = test.split_once(" # ").unwrap_or((test, ""));
            let name = name.rsplit_once(" (").map_or(name, |(name, _)| name);
            self.skip(name, if reason == "SKIP" { "" } else { reason });
        } else if let Some(total) = line.strip_prefix("ℹ ") {
            self.node(total);
        }
    }

    /// `ok. 3 passed; 0 failed; 1 ignored; …`
    fn libtest(&mut self, result: &str) {
        for part in result.split(['.', ';']) {
            let Some((count, what)) = part.trim().split_once(' ') else { continue };
            let Ok(count) = count.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                _ => continue,
            }
            self.counted = true;
        }
    }

    /// `pass 3`, `fail 0`, `cancelled 0` and others at the end of a run.
    fn node(&mut self, total: &str) {
        let Some((what, count)) = total.split_once(' ') else { return };
        let Ok(count) = count.parse::<u64>() else { return };
        match what {
            "pass" => self.passed += count,
            // A test that was cut off by a failed hook or an ending process has not passed either.
            "fail" | "cancelled" => self.failed += count,
            _ => return,
        }
        self.counted = true;
    }

    fn skip(&mut self, name: &str, reason: &str) {
        let reason = if reason.is_empty() { "no reason given" } else { reason };
        self.skipped.push(format!("{name}: {reason}"));
    }
}

/// Of one section; the whole is in the log.
const LONGEST_REPORT: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Totals {
        let mut totals = Totals::default();
        text.lines().for_each(|line| totals.read(line));
        totals
    }

    #[test]
    fn libtest_totals_are_summed_over_binaries() {
        let totals = read(
            "running 3 tests\ntest a ... ok\ntest b ... ignored, needs a display\ntest c ... ignored\n\
             test result: ok. 41 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.5s\n\
             test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 12.34s\n",
        );
        assert_eq!((totals.passed, totals.failed, totals.counted), (42, 2, true));
        assert_eq!(totals.skipped, ["b: needs a display", "c: no reason given"]);
    }

    #[test]
    fn node_totals_count_cancelled_tests_as_failed() {
        let totals = read(
            "✔ works (1.2ms)\n﹣ second engine (0.1ms) # no Firefox here\n﹣ other (0.1ms) # SKIP\nℹ tests 6\n\
             ℹ suites 0\nℹ pass 3\nℹ fail 1\nℹ cancelled 1\nℹ skipped 2\nℹ todo 0\nℹ duration_ms 12.3\n",
        );
        assert_eq!((totals.passed, totals.failed, totals.counted), (3, 2, true));
        assert_eq!(totals.skipped, ["second engine: no Firefox here", "other: no reason given"]);
    }

    #[test]
    fn what_is_said_of_failed_tests_is_kept_and_no_more_than_fits_a_screen() {
        let totals = read(
            "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nleft: 1\n\nfailures:\n    b\n\n\
             test result: FAILED. 1 passed; 1 failed\n\nrunning 1 test\n✖ failing tests:\n\n✖ c (1ms)\n  'no'\n",
        );
        assert_eq!(totals.report, ["---- b stdout ----", "left: 1", "b", "✖ c (1ms)", "'no'"]);
        let long = read(&format!("failures:\n{}", "line\n".repeat(1_000)));
        assert_eq!(long.report.len(), LONGEST_REPORT);
    }

    #[test]
    fn a_suite_that_breaks_without_a_count_is_one_failure() {
        let sh = |script| Totals::of(process::command("sh").args(["-c", script])).unwrap();
        assert_eq!(sh("exit 0").failed, 1);
        assert_eq!(sh("echo 'test result: ok. 3 passed; 0 failed'; exit 101").failed, 1);
        assert_eq!(sh("echo 'test result: FAILED. 3 passed; 2 failed'; exit 101").failed, 2);
        let fine = sh("echo 'test result: ok. 3 passed; 0 failed'");
        assert_eq!((fine.passed, fine.failed), (3, 0));
    }

    #[test]
    fn a_run_that_crashed_has_no_count() {
        assert_eq!(read("error: could not compile `evertoken`\nℹ passing by\n"), Totals::default());
    }
}
