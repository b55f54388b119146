//! Many runs, on every core.

use std::collections::BTreeMap;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use evertoken::engine::jitter::Jitter;

use super::invariant::Invariant;
use super::run::{Report, run};
use super::sabotage::Sabotage;
use super::trace::Trace;

/// The sums of many runs.
#[derive(Debug, Default)]
pub struct Totals {
    pub runs: u64,
    pub refreshes: u64,
    pub requests: u64,
    pub calls: u64,
    /// Virtual time, in milliseconds.
    pub elapsed: u64,
    pub ended: BTreeMap<&'static str, u64>,
    pub violations: BTreeMap<Invariant, u64>,
    /// One run for each promise that was broken.
    pub examples: BTreeMap<Invariant, Report>,
    /// The seeds of the runs that broke a promise.
    pub broken_seeds: BTreeMap<Invariant, Vec<u64>>,
    /// Real time.
    pub took: Duration,
}

/// Does `count` runs whose seeds follow from `base`. `progress` is told now and then what has come of those that are
/// done.
pub fn run_all(base: u64, count: u64, sabotage: Sabotage, progress: impl Fn(&Totals) + Sync) -> Totals {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let totals = Mutex::new(Totals::default());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                let seed = seed(base, number);
                let report = catch_unwind(|| run(seed, sabotage, Trace::default())).unwrap_or_else(|panic| {
                    eprintln!("seed {seed} panicked");
                    resume_unwind(panic)
                });
                totals.lock().unwrap_or_else(PoisonError::into_inner).add(report);
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let teller = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::park_timeout(PROGRESS);
                let totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
                if totals.runs < count {
                    progress(&totals);
                }
            }
        });
        let joined: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        teller.thread().unpark();
        // A panic of the engine is the worst of violations: it goes on to the caller.
        if let Some(panic) = joined.into_iter().find_map(Result::err) {
            resume_unwind(panic);
        }
    });
    let mut totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    totals.took = began.elapsed();
    totals
}

/// The seed of run `number` of a batch. Neighbouring batches share none.
fn seed(base: u64, number: u64) -> u64 {
    Jitter::new(base.wrapping_add(number)).draw()
}

impl Totals {
    /// Runs that broke a promise.
    pub fn broken(&self) -> u64 {
        self.violations.values().sum()
    }

    fn add(&mut self, report: Report) {
        self.runs += 1;
        self.refreshes += report.refreshes;
        self.requests += report.requests;
        self.calls += report.calls;
        self.elapsed += report.elapsed;
        for (reason, count) in &report.ended {
            *self.ended.entry(reason).or_default() += count;
        }
        if let Some(invariant) = report.violation.as_ref().map(|violation| violation.invariant) {
            *self.violations.entry(invariant).or_default() += 1;
            self.broken_seeds.entry(invariant).or_default().push(report.seed);
            self.examples.entry(invariant).or_insert(report);
        }
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        let violations = Invariant::ALL.map(|invariant| {
            let count = self.violations.get(&invariant).copied().unwrap_or_default();
            format!(r#""{}":{count}"#, invariant.as_str())
        });
        let ended: Vec<_> =
            self.ended.iter().map(|(reason, count)| format!(r#""{reason}":{count}"#)).collect();
        let per_second = self.refreshes as f64 / self.took.as_secs_f64().max(0.001);
        format!(
            r#"{{"runs":{},"violations":{{{}}},"refreshes":{},"refreshes_per_second":{per_second:.0},"requests":{},"calls":{},"virtual_hours":{},"ended":{{{}}}}}"#,
            self.runs,
            violations.join(","),
            self.refreshes,
            self.requests,
            self.calls,
            self.elapsed / 3_600_000,
            ended.join(","),
        )
    }
}

const PROGRESS: Duration = Duration::from_secs(5);
