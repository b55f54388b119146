//! How long a token lives, on two clocks.

use super::time::{Millis, Now, UnixMillis};

/// A token's life: a duration from receipt, run on the wall clock and on the monotonic clock; whichever ends it
/// sooner counts. The monotonic clock may stop while a machine sleeps, the wall clock may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub received: UnixMillis,
    /// `None` when nothing tells: then only a 401 shows the end.
    pub total: Option<Millis>,
    ends: Now,
}

/// What a server says of a token's life; any of it may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// `expires_in` in milliseconds; may be negative.
    pub expires_in: Option<i64>,
    /// `expires_at` of the response, else the token's `exp`.
    pub expires_at: Option<UnixMillis>,
    /// The token's own `exp` and `iat`.
    pub claimed: Option<i64>,
}

impl Lifetime {
    /// The life from receipt at `now`: the shortest duration that is given; failing any, the end minus the
    /// server's time, which is `now.wall + offset`. An end that seems past without a known offset tells nothing
    /// but that a clock is wrong.
    pub fn total(self, now: Now, offset: Option<i64>) -> Option<Millis> {
        let durations = [self.expires_in, self.claimed];
        if let Some(shortest) = durations.into_iter().flatten().min() {
            return Some(Millis(u64::try_from(shortest).unwrap_or(0)));
        }
        let ends = self.expires_at?;
        let left = ends.0.saturating_sub(now.wall.shifted(offset.unwrap_or(0)).0);
        match u64::try_from(left) {
            Ok(left) if left > 0 => Some(Millis(left)),
            _ => offset.map(|_| Millis::ZERO),
        }
    }
}

impl Life {
    /// A life that begins now.
    pub fn begin(total: Option<Millis>, now: Now) -> Self {
        Self::resume(total, now.wall, now)
    }

    /// A life that began at `received`, read back at `now`. Of a `received` in the future nothing is used up.
    pub fn resume(total: Option<Millis>, received: UnixMillis, now: Now) -> Self {
        let left = total.unwrap_or_default().saturating_sub(now.wall.since(received));
        Self { received, total, ends: Now { mono: now.mono.after(left), wall: now.wall.after(left) } }
    }

    /// What is left; `None` when the life is unknown.
    pub fn left(&self, now: Now) -> Option<Millis> {
        self.total?;
        Some(now_until(now, self.ends))
    }

    /// Whether the life is known to be over.
    pub fn is_over(&self, now: Now) -> bool {
        self.left(now) == Some(Millis::ZERO)
    }

    /// When it ends on both clocks, if that is known.
    pub fn ends(&self) -> Option<Now> {
        self.total.map(|_| self.ends)
    }

    /// The wall clock was set back by `drift` (negative): the end moves with it.
    pub fn re_anchor(&mut self, drift: i64) {
        self.received = self.received.shifted(drift);
        self.ends.wall = self.ends.wall.shifted(drift);
    }
}

fn now_until(now: Now, end: Now) -> Millis {
    end.mono.since(now.mono).min(end.wall.since(now.wall))
}

#[cfg(test)]
mod tests {
    use super::super::time::Mono;
    use super::*;

    fn at(mono: u64, wall: i64) -> Now {
        Now { mono: Mono::new(mono), wall: UnixMillis(wall) }
    }

    fn total(
        expires_in: Option<i64>,
        claimed: Option<i64>,
        ends: Option<i64>,
        offset: Option<i64>,
    ) -> Option<u64> {
        let lifetime = Lifetime { expires_in, claimed, expires_at: ends.map(UnixMillis) };
        lifetime.total(at(0, 1_000_000), offset).map(|life| life.0)
    }

    #[test]
    fn the_shortest_duration_wins_and_the_clock_plays_no_part() {
        assert_eq!(total(Some(3_600), Some(600), Some(5), None), Some(600));
        assert_eq!(total(Some(300), Some(600), None, None), Some(300));
        assert_eq!(total(None, Some(600), Some(1), None), Some(600));
    }

    #[test]
    fn without_a_duration_the_end_is_measured_against_the_servers_time() {
        assert_eq!(total(None, None, Some(1_060_000), None), Some(60_000));
        assert_eq!(total(None, None, Some(1_060_000), Some(-3_600_000)), Some(3_660_000));
        assert_eq!(total(None, None, Some(1_060_000), Some(60_000)), Some(0));
    }

    #[test]
    fn an_end_that_seems_past_is_unknown_without_a_server_time() {
        assert_eq!(total(None, None, Some(5), None), None);
        assert_eq!(total(None, None, Some(1_000_000), None), None);
        assert_eq!(total(None, None, None, None), None);
    }

    #[test]
    fn a_duration_that_is_not_positive_is_dead_on_arrival() {
        assert_eq!(total(Some(0), None, None, None), Some(0));
        assert_eq!(total(Some(-2_000), Some(600), None, None), Some(0));
    }

    #[test]
    fn either_clock_can_end_it() {
        let life = Life::begin(Some(Millis(60_000)), at(0, 1_000_000));
        assert_eq!(life.left(at(10_000, 1_010_000)), Some(Millis(50_000)));
        assert!(life.is_over(at(60_000, 1_000_000)), "the monotonic clock");
        assert!(life.is_over(at(0, 1_060_000)), "the wall clock");
    }

    #[test]
    fn read_back_it_goes_on_where_it_was() {
        let life = Life::resume(Some(Millis(60_000)), UnixMillis(1_000_000), at(7, 1_045_000));
        assert_eq!(life.left(at(7, 1_045_000)), Some(Millis(15_000)));
        let future = Life::resume(Some(Millis(60_000)), UnixMillis(9_000_000), at(7, 1_045_000));
        assert_eq!(future.left(at(7, 1_045_000)), Some(Millis(60_000)));
    }

    #[test]
    fn an_unknown_life_is_never_over() {
        let life = Life::begin(None, at(0, 0));
        assert!(!life.is_over(at(u64::MAX, i64::MAX)));
        assert_eq!(life.left(at(0, 0)), None);
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_it() {
        let mut life = Life::begin(Some(Millis(60_000)), at(0, 1_000_000));
        life.re_anchor(-500_000);
        assert_eq!(life.left(at(30_000, 530_000)), Some(Millis(30_000)));
        assert_eq!(life.left(at(30_000, 555_000)), Some(Millis(5_000)));
        assert_eq!(life.ends(), Some(at(60_000, 560_000)));
        assert_eq!(life.received, UnixMillis(500_000));
    }
}
