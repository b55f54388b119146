//! What the watch knows of the whole run.

use std::collections::{BTreeMap, BTreeSet};

use evertoken::engine::ids::Order;

use crate::invariant::Violation;
use crate::provider::RefreshId;
use crate::tab::Payload;
use crate::world::Page;

#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) violation: Option<Violation>,
    /// Refreshes whose tokens were taken.
    pub(crate) refreshes: u64,
    /// Inputs that engines were given.
    pub(crate) events: u64,
    /// Calls of the app to its API.
    pub(crate) calls: u64,
    /// How sessions ended.
    pub(crate) ended: BTreeMap<&'static str, u64>,
    /// Sign-ins that are over.
    pub(crate) left: BTreeMap<usize, Left>,
    /// When a sign-in was last left, among all that was begun.
    pub(crate) last_left: u64,
    /// Sign-ins of which the app says that they go on with the session that is there.
    pub(crate) vouched: BTreeSet<usize>,
    /// And at what time.
    pub(crate) last_left_at: u64,
    /// The newest refresh token of each sign-in that the store has held.
    pub(crate) landed: BTreeMap<usize, u32>,
    /// Until when the server wants to be left in peace, by the refresh token that it said so to.
    pub(crate) peace: BTreeMap<RefreshId, u64>,
    /// Refused tokens whose page goes on with its access token, when it had had the time to store that, and
    /// the numbers that it held them under.
    pub(crate) turned_down: BTreeMap<RefreshId, (Page, u64, Order)>,
    /// Requests of the app that have arrived, and how often.
    pub(crate) arrived: BTreeMap<Payload, u32>,
    /// Requests of the app that were answered 401.
    pub(crate) rejected: BTreeSet<Payload>,
    /// Sign-ins whose page went away between the pair and the record beside it.
    pub(crate) halves: BTreeSet<usize>,
    /// When something was last written.
    pub(crate) written: u64,
    /// When the store last failed, was late, or lost what it held.
    pub(crate) trouble: Option<u64>,
    pub(crate) cleared: Option<u64>,
    /// The store has lost its record, too.
    pub(crate) emptied: bool,
}

/// A sign-in that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    /// The number of the first thing that began after it.
    pub(crate) since: u64,
    /// Whether the store has learnt it.
    pub(crate) known: bool,
}

impl Watch {
    pub(crate) fn was_cleared_since(&self, then: u64) -> bool {
        self.cleared.is_some_and(|cleared| cleared >= then)
    }
}
