//! What came of a run, in numbers.

use std::time::Instant;

use super::browser::Browser as _;
use super::evertoken::Evertoken;
use super::fixed_lead::FixedLead;
use super::interval::Interval;
use super::on_401::On401;
use super::person::PAUSE;
use super::plan::{At, Plan, Scenario, clock};
use super::run;
use super::tally::{Count, Counts, Tally};

/// What keeps the clients of a run signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Evertoken,
    FixedLead,
    Interval,
    On401,
}

/// A policy's day.
#[derive(Clone, Debug)]
pub struct Report {
    pub policy: Policy,
    pub(crate) plan: Plan,
    pub(crate) tally: Tally,
    /// Real seconds.
    pub(crate) wall: f64,
}

/// One number of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its name in the table.
    pub label: &'static str,
    pub(crate) digits: usize,
    /// `None` where the run was too short for it, or where it has no meaning.
    pub value: Option<f64>,
}

/// Plays the day of `plan` under `policy`.
pub fn run_policy(policy: Policy, plan: &Plan, threads: usize) -> Report {
    let began = Instant::now();
    let tally = match policy {
        Policy::Evertoken => run::play::<Evertoken>(plan, threads),
        Policy::FixedLead => run::play::<FixedLead>(plan, threads),
        Policy::Interval => run::play::<Interval>(plan, threads),
        Policy::On401 => run::play::<On401>(plan, threads),
    };
    Report { policy, plan: plan.clone(), tally, wall: began.elapsed().as_secs_f64() }
}

impl Policy {
    pub const ALL: [Self; 4] = [Self::Evertoken, Self::FixedLead, Self::Interval, Self::On401];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evertoken => Evertoken::NAME,
            Self::FixedLead => FixedLead::NAME,
            Self::Interval => Interval::NAME,
            Self::On401 => On401::NAME,
        }
    }
}

impl Report {
    pub fn counts(&self) -> &Counts {
        &self.tally.counts
    }

    /// Refreshes per second when nothing is the matter.
    pub(crate) fn steady(&self) -> Option<f64> {
        let (from, to) = match self.plan.scenario {
            Scenario::Calm | Scenario::Outage => (clock(9, 45), clock(10, 0)),
            Scenario::Deploy => (clock(14, 0), QUIET),
        };
        self.tally.rates.requests.mean(from, to)
    }

    /// Refreshes per second in the worst ten seconds after what makes the day special.
    pub(crate) fn peak(&self) -> Option<f64> {
        let from = match self.plan.scenario {
            Scenario::Calm => clock(9, 45),
            Scenario::Deploy => clock(9, 1),
            Scenario::Outage => clock(10, self.plan.outage_minutes),
        };
        self.tally.rates.requests.peak(from, QUIET)
    }

    pub(crate) fn peak_ratio(&self) -> Option<f64> {
        Some(self.peak()? / self.steady()?)
    }

    pub(crate) fn median_recovery(&self) -> Option<f64> {
        self.tally.recoveries.quantile(50)
    }

    /// Bytes of a client at rest.
    pub fn client_bytes(&self) -> Option<f64> {
        self.tally.weight.rest.each()
    }

    /// Per cent of the due refreshes that were done before the token's end.
    pub(crate) fn in_time(&self, due: Count, late: Count) -> Option<f64> {
        let (due, late) = (self.counts()[due], self.counts()[late]);
        (due > 0).then(|| 100.0 - 100.0 * late as f64 / due as f64)
    }

    /// What came of it, in the order in which it is shown.
    pub fn figures(&self) -> Vec<Figure> {
        let (counts, tally) = (self.counts(), &self.tally);
        let number = |count: Count| Some(counts[count] as f64);
        let per_client = |sum: f64| Some(sum / f64::from(self.plan.clients));
        let outage = self.plan.outage();
        vec![
            figure("signed_out", "users logged out", 0, number(Count::SignedOut)),
            figure("reused", "reuse errors", 0, number(Count::Reused)),
            figure("limited", "429s received", 0, number(Count::Limited)),
            figure("requests", "refreshes sent", 0, number(Count::Requests)),
            figure("refreshed", "refreshes that brought a pair", 0, number(Count::Refreshed)),
            figure("least", "the least possible", 0, number(Count::Least)),
            figure(
                "per_least",
                "refreshes per least possible",
                3,
                Some(counts[Count::Refreshed] as f64 / counts[Count::Least] as f64),
            ),
            figure("steady_per_second", "refreshes/s, steady", 1, self.steady()),
            figure(
                "outage_per_second",
                "refreshes/s, worst 10 s in the outage",
                1,
                outage.and_then(|(from, to)| tally.rates.requests.peak(from, to)),
            ),
            figure("peak_per_second", "refreshes/s, worst 10 s afterwards", 1, self.peak()),
            figure("peak_ratio", "worst afterwards / steady", 2, self.peak_ratio()),
            figure(
                "in_time_outside",
                "% in time, outside the outage",
                4,
                self.in_time(Count::DueOutside, Count::DueOutsideLate),
            ),
            figure("in_time", "% in time, over all", 3, self.in_time(Count::Due, Count::DueLate)),
            figure("hit", "clients that noticed the outage", 0, Some(tally.recoveries.number() as f64)),
            figure("recovery_median", "s to recover, median", 1, self.median_recovery()),
            figure("recovery_mean", "s to recover, mean", 1, tally.recoveries.mean()),
            figure("recovery_95", "s to recover, 95 %", 1, tally.recoveries.quantile(95)),
            figure("recovery_max", "s to recover, longest", 1, tally.recoveries.quantile(100)),
            figure("lost", "clients that did not recover", 0, number(Count::Lost)),
            figure(
                "lacked",
                "s without a token, per client",
                1,
                per_client(counts[Count::Lacked] as f64 / 1_000.0),
            ),
            figure("asked", "requests of the app", 0, Some(counts[Count::Worked] as f64 / f64::from(PAUSE))),
            figure("waited", "requests that waited", 0, Some(tally.waits.number() as f64)),
            figure("wait_median", "s waited, median", 1, tally.waits.quantile(50)),
            figure("wait_95", "s waited, 95 %", 1, tally.waits.quantile(95)),
            figure("wait_max", "s waited, longest", 1, tally.waits.quantile(100)),
            figure("turned_away", "requests that got no token", 0, number(Count::TurnedAway)),
        ]
    }

    /// What the run took of the machine: no result of it, since another machine has others.
    pub(crate) fn measurements(&self) -> Vec<Figure> {
        let weight = self.tally.weight;
        let on_disk =
            (weight.rest.clients > 0).then(|| weight.rest.on_disk as f64 / weight.rest.clients as f64);
        vec![
            figure("client_bytes", "bytes of a client, at rest", 0, self.client_bytes()),
            figure("client_bytes_most", "bytes of a client, most", 0, weight.most.each()),
            figure("disk_bytes", "bytes on its disk", 0, on_disk),
            figure("wall_seconds", "real seconds", 1, Some(self.wall)),
        ]
    }
}

fn figure(key: &'static str, label: &'static str, digits: usize, value: Option<f64>) -> Figure {
    Figure { key, label, digits, value }
}

/// From here on people leave.
const QUIET: At = clock(16, 30);
