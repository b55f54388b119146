//! True time, and the clocks of a machine that tell of it more or less well.

use evertoken::engine::time::{Mono, Now, UnixMillis};

/// True time in milliseconds since the run began, and how the machine's clocks depart from it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) elapsed: u64,
    lies: Lies,
    ahead: i64,
    /// When the wall clock was last set.
    set_at: Option<u64>,
}

/// What the clocks have hidden so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lies {
    /// Time in which the monotonic clock stood still.
    pub(crate) stood_still: u64,
    /// All that the wall clock was ever set back by.
    pub(crate) set_back: u64,
}

impl Clock {
    /// Both clocks as a page shows them whose monotonic clock began at `origin`.
    pub(crate) fn now(&self, origin: u64) -> Now {
        let mono = self.elapsed.saturating_sub(self.lies.stood_still).saturating_sub(origin);
        Now { mono: Mono::new(mono), wall: UnixMillis(self.truth() + self.ahead) }
    }

    /// The monotonic clock now: the origin of a page that opens.
    pub(crate) fn origin(&self) -> u64 {
        self.elapsed.saturating_sub(self.lies.stood_still)
    }

    /// When the monotonic clock of such a page will show `at`.
    pub(crate) fn when(&self, at: Mono, origin: u64) -> u64 {
        at.millis().saturating_add(origin).saturating_add(self.lies.stood_still)
    }

    /// What a right clock shows, in milliseconds since 1970.
    pub(crate) fn truth(&self) -> i64 {
        START + self.elapsed as i64
    }

    pub(crate) fn lies(&self) -> Lies {
        self.lies
    }

    pub(crate) fn set_wall(&mut self, by: i64) {
        self.ahead += by;
        self.set_at = Some(self.elapsed);
        self.lies.set_back += by.min(0).unsigned_abs();
    }

    pub(crate) fn was_set_since(&self, then: u64) -> bool {
        self.set_at.is_some_and(|set| set >= then)
    }

    pub(crate) fn stand_still(&mut self, span: u64) {
        self.lies.stood_still += span;
    }
}

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;
