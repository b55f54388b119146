//! Engines that are broken on purpose, and the promises that tell.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use evertoken::engine::Flaw;

use crate::invariant::Invariant;
use crate::run::{Report, run};
use crate::sabotage::Sabotage;
use crate::trace::Trace;

/// A broken engine.
#[derive(Clone, Copy, Debug)]
pub struct Broken {
    pub flaw: Flaw,
    /// What is left out, or done wrongly.
    pub what: &'static str,
    /// The promise that it must break.
    pub promise: Invariant,
}

/// The first run in which a broken engine breaks its promise and the sound one keeps all.
#[derive(Debug)]
pub struct Catch {
    pub seed: u64,
    pub report: Report,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::new(Flaw::AnswerAfterSignOut, "a late answer begins the session anew", Invariant::I5),
        Self::new(Flaw::CommitWithoutCompare, "commit without a generation check", Invariant::I10),
        Self::new(Flaw::GoodTokenWithheld, "callers wait though the token is good", Invariant::I3),
        Self::new(Flaw::LeaseUnchecked, "no lease check before sending", Invariant::I2),
        Self::new(Flaw::LockKept, "the lock is not given back", Invariant::I15),
        Self::new(Flaw::LossForgotten, "a lost answer is not remembered", Invariant::I1b),
        Self::new(Flaw::NoEpoch, "no epoch", Invariant::I10),
        Self::new(Flaw::NoReread, "no re-read under the lock", Invariant::I1),
        Self::new(Flaw::NoSingleFlight, "refreshes beside the one under way", Invariant::I2),
        Self::new(Flaw::OldUnauthorized, "a 401 for an older token begins a refresh", Invariant::I9),
        Self::new(Flaw::OlderCopySends, "a tab with an older pair sends it", Invariant::I10),
        Self::new(Flaw::RefusalNotStored, "a refusal is not stored", Invariant::I13),
        Self::new(Flaw::RefusedTokenSent, "a refused token is sent again", Invariant::I13),
        Self::new(Flaw::ResentUnchanged, "after a 401 the same token again", Invariant::I8),
        Self::new(Flaw::RetryAfterIgnored, "`Retry-After` is not heard", Invariant::I11),
        Self::new(Flaw::RetryWithoutCap, "retries without a cap", Invariant::I11),
        Self::new(Flaw::RotationIgnored, "the new refresh token is not taken", Invariant::I6),
        Self::new(Flaw::ShownUnheard, "a page shown again goes unheard", Invariant::Calm),
        Self::new(Flaw::StealOnTimer, "a live claim is ignored once the wait is over", Invariant::I2),
        Self::new(Flaw::TokensRepeated, "errors repeat what the server said", Invariant::I14),
        Self::new(Flaw::TroubleIsRefusal, "a server in trouble ends the session", Invariant::Logout),
        Self::new(Flaw::UserChangeUnnoticed, "another user goes on with the session", Invariant::I5),
        Self::new(Flaw::VerdictWithoutEnd, "tokens are sent until a timer says no", Invariant::I4),
        Self::new(Flaw::WaiterMistold, "who waits after a 401 is not told to send again", Invariant::I16),
        Self::new(Flaw::WaitWithoutEnd, "callers have no deadline", Invariant::I3),
        Self::new(Flaw::WipeWithoutAdopting, "a refusal ends the session, unread", Invariant::I12),
        Self::new(Flaw::WrongEndpoint, "the refresh token goes elsewhere", Invariant::I7),
    ];

    const fn new(flaw: Flaw, what: &'static str, promise: Invariant) -> Self {
        Self { flaw, what, promise }
    }

    /// The one whose flaw is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|broken| broken.name() == name)
    }

    pub fn name(self) -> String {
        format!("{:?}", self.flaw)
    }

    /// The first of the seeds from 1 to `most` that catches it.
    pub fn hunt(self, most: u64) -> Option<Catch> {
        (1..=most).find_map(|seed| {
            let report = run(seed, Sabotage::Engine(self.flaw), Trace::default());
            let is_caught = report.violation.as_ref().is_some_and(|broken| broken.invariant == self.promise);
            // What the sound engine meets there too is no word on the flaw.
            let is_clean = || run(seed, Sabotage::Nothing, Trace::default()).violation.is_none();
            (is_caught && is_clean()).then_some(Catch { seed, report })
        })
    }
}

/// Hunts all of them, on every core; in the order of [`Broken::ALL`].
pub fn hunt_all(most: u64) -> Vec<Option<Catch>> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(BTreeMap::new());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(broken) = Broken::ALL.get(number)
                {
                    let catch = broken.hunt(most);
                    found.lock().unwrap_or_else(PoisonError::into_inner).insert(number, catch);
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
