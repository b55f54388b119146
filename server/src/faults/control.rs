//! What the control API has set: the faults that wait for requests, and what has been counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::faults::plan::{Effect, Fault, FaultSpec};
use crate::ledger::Ledger;

/// State of the control API.
#[derive(Debug, Default)]
pub(crate) struct Control {
    pub(crate) ledger: Arc<Ledger>,
    faults: Mutex<Queue>,
    requests: Mutex<BTreeMap<String, u64>>,
    /// Counts the clearings; a request that hangs waits for the next one.
    clearings: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Queue {
    last_id: u64,
    waiting: Vec<Fault>,
}

impl Control {
    /// Puts a fault behind those that wait already; returns its id.
    pub(crate) fn add(&self, spec: FaultSpec, effect: Effect) -> u64 {
        let mut queue = locked(&self.faults);
        queue.last_id += 1;
        let id = queue.last_id;
        queue.waiting.push(Fault { id, spec, effect });
        id
    }

    /// The first fault for `path`, used up by this when it was its last time, and the way to learn of a clearing.
    pub(crate) fn take(&self, path: &str) -> Option<(Fault, watch::Receiver<u64>)> {
        let mut queue = locked(&self.faults);
        let at = queue.waiting.iter().position(|fault| path.starts_with(&fault.spec.path))?;
        let fault = queue.waiting[at].clone();
        match &mut queue.waiting[at].spec.times {
            Some(times) if *times > 1 => *times -= 1,
            Some(_) => drop(queue.waiting.remove(at)),
            None => {}
        }
        // Subscribed under the lock: a clearing that comes right after this is not missed.
        Some((fault, self.clearings.subscribe()))
    }

    /// Removes all faults and lets the requests that hang go on.
    pub(crate) fn clear(&self) {
        let mut queue = locked(&self.faults);
        queue.waiting.clear();
        self.clearings.send_modify(|clearings| *clearings += 1);
    }

    pub(crate) fn waiting(&self) -> Vec<Fault> {
        locked(&self.faults).waiting.clone()
    }

    pub(crate) fn count_request(&self, path: &str) {
        *locked(&self.requests).entry(path.to_owned()).or_default() += 1;
    }

    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        locked(&self.requests).clone()
    }

    /// Empties the ledger and the request counts.
    pub(crate) fn forget_requests(&self) {
        self.ledger.clear();
        locked(&self.requests).clear();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under these locks, so what a panicking thread left behind is still good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
