//! Quantities of time. The engine owns no clock: every reading comes in with an input.
//!
//! What saturates stays out of line where it has many callers: copies of it would take half a kilobyte of the compressed
//! module.

use core::fmt;
use core::num::NonZeroU64;

/// A duration in milliseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

/// A reading of the monotonic clock (`performance.now()`), in milliseconds from an unknown start. It is kept as one more
/// than it is, so that one that may be missing takes no more memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(NonZeroU64);

/// A reading of the wall clock (`Date.now()`), in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    pub mono: Mono,
    pub wall: UnixMillis,
}

impl Now {
    #[must_use]
    pub const fn after(self, delay: Millis) -> Self {
        Self { mono: self.mono.after(delay), wall: self.wall.after(delay) }
    }

    #[must_use]
    pub const fn before(self, span: Millis) -> Self {
        Self { mono: self.mono.before(span), wall: self.wall.before(span) }
    }
}

impl Millis {
    pub const ZERO: Self = Self(0);

    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self · percent / 100`.
    #[inline(never)]
    pub const fn percent(self, percent: u64) -> Self {
        Self((self.0 / 100).saturating_mul(percent).saturating_add(self.0 % 100 * percent / 100))
    }

    /// `self · 2^exponent`, at most `cap`.
    #[inline(never)]
    pub fn doubled(self, exponent: u32, cap: Self) -> Self {
        let factor = 1_u64.checked_shl(exponent).unwrap_or(u64::MAX);
        Self(self.0.saturating_mul(factor)).min(cap)
    }
}

impl Mono {
    pub const fn new(millis: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(millis))
    }

    pub const fn millis(self) -> u64 {
        self.0.get() - 1
    }

    /// Time since `earlier`; zero when the clock seems to run backwards.
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.get().saturating_sub(earlier.0.get()))
    }

    #[inline(never)]
    pub const fn after(self, delay: Millis) -> Self {
        Self(self.0.saturating_add(delay.0))
    }

    pub const fn before(self, span: Millis) -> Self {
        Self::new(self.millis().saturating_sub(span.0))
    }
}

impl UnixMillis {
    /// Time since `earlier`; zero when `earlier` is later.
    #[inline(never)]
    pub const fn since(self, earlier: Self) -> Millis {
        let elapsed = self.0.saturating_sub(earlier.0);
        Millis(if elapsed > 0 { elapsed as u64 } else { 0 })
    }

    #[inline(never)]
    pub const fn after(self, delay: Millis) -> Self {
        Self(self.0.saturating_add_unsigned(delay.0))
    }

    pub const fn before(self, span: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }

    #[inline(never)]
    pub const fn shifted(self, by: i64) -> Self {
        Self(self.0.saturating_add(by))
    }
}

impl Default for Mono {
    fn default() -> Self {
        Self::new(0)
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl fmt::Debug for Mono {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mono {}", self.millis())
    }
}

impl fmt::Debug for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix {} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_neither_overflows_nor_loses_small_values() {
        assert_eq!(Millis(1_000).percent(40), Millis(400));
        assert_eq!(Millis(5).percent(40), Millis(2));
        assert_eq!(Millis(u64::MAX).percent(40), Millis(u64::MAX / 100 * 40 + u64::MAX % 100 * 40 / 100));
    }

    #[test]
    fn doubling_stops_at_the_cap() {
        assert_eq!(Millis(1_000).doubled(2, Millis(30_000)), Millis(4_000));
        assert_eq!(Millis(1_000).doubled(200, Millis(30_000)), Millis(30_000));
    }

    #[test]
    fn what_is_printed_says_which_clock_it_is() {
        let shown = alloc::format!("{:?}, {:?}, {:?}", Millis(5), Mono::new(6), UnixMillis(-7));
        assert_eq!(shown, "5 ms, mono 6, unix -7 ms");
    }

    #[test]
    fn a_clock_that_runs_backwards_gives_zero() {
        assert_eq!(Mono::new(5).since(Mono::new(9)), Millis::ZERO);
        assert_eq!(UnixMillis(i64::MIN).since(UnixMillis(i64::MAX)), Millis::ZERO);
    }
}
