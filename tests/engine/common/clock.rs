//! Time: what really passes, and the two clocks that tell of it.

use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};

/// The wall clock when every world begins: 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000;

/// True time since the world began, with a monotonic clock that can stand still and a wall clock that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub elapsed: u64,
    /// How much of it the monotonic clock has missed.
    pub missed: u64,
    /// How far the wall clock is ahead of the truth.
    pub ahead: i64,
}

impl Clock {
    pub fn new() -> Self {
        Self { elapsed: 5_000, missed: 0, ahead: 0 }
    }

    pub fn now(&self) -> Now {
        Now {
            mono: Mono::new(self.elapsed - self.missed),
            wall: UnixMillis(self.truth().saturating_add(self.ahead)),
        }
    }

    /// What a clock that is right would show.
    pub fn truth(&self) -> i64 {
        START + self.elapsed as i64
    }

    /// When the monotonic clock shows `at`, in elapsed time.
    pub fn when(&self, at: Mono) -> u64 {
        at.millis().saturating_add(self.missed)
    }
}

pub const fn ms(count: u64) -> Millis {
    Millis(count)
}

pub const fn secs(count: u64) -> Millis {
    Millis(count * 1_000)
}

pub const fn minutes(count: u64) -> Millis {
    Millis(count * 60_000)
}

pub const fn hours(count: u64) -> Millis {
    Millis(count * 3_600_000)
}
