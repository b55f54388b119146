//! Counters, and a trail of what happened.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::secret::Secret;
use super::session::Identity;
use super::time::Millis;

/// Counters since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Token requests sent.
    pub attempts: u32,
    /// Refreshes that brought new tokens.
    pub refreshed: u32,
    /// Refreshes begun because their planned moment had come, and granted.
    pub proactive: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Callers that waited for a refresh.
    pub waited: u32,
    /// Callers that waited in vain.
    pub rejected: u32,
    /// 401s that a resend followed.
    pub recovered: u32,
    /// Pairs taken over from the store.
    pub adopted: u32,
    /// Answers that came too late or for nothing.
    pub stray: u32,
    pub persist_failed: u32,
    /// Answered refreshes by duration: up to 50, 100, 200, 400, 800, 1,600, 3,200 ms, and longer; 65,535 of each at most.
    pub latency: [u16; 8],
}

impl Metrics {
    pub fn time(&mut self, took: Millis) {
        let bucket = (took.0.saturating_sub(1) / 50).checked_ilog2().map_or(0, |power| power as usize + 1);
        let count = &mut self.latency[bucket.min(7)];
        *count = count.saturating_add(1);
    }
}

/// The last steps as numbers. No token and no text gets in.
#[derive(Clone, Debug, Default)]
pub struct Trail(Option<Box<Kept>>);

/// Monotonic milliseconds, a code, and what there is to tell: one detail of a [`Mark`], or an input as
/// [`Kind`](super::note::Kind) says.
pub type Step = Box<[i64]>;

#[derive(Clone, Debug, Default)]
struct Kept {
    steps: Vec<Step>,
    tokens: Names,
    users: Names,
}

/// Fingerprints of what goes by a number.
#[derive(Clone, Debug, Default)]
struct Names {
    seen: Vec<u64>,
    /// How many were forgotten again.
    forgotten: usize,
}

/// What happened. The numbers are part of the diagnostics format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mark {
    Restored = 1,
    TokensSet = 2,
    SignedOut = 3,
    FlightBegan = 4,
    AttemptSent = 5,
    /// Detail: the status, 0 when there was no answer.
    AttemptEnded = 6,
    Granted = 7,
    Adopted = 8,
    Failed = 9,
    SessionEnded = 10,
    /// Detail: the generation that drew the 401.
    Unauthorized = 11,
    Woke = 12,
    WallJumped = 13,
    LateTimer = 14,
    StoreRead = 15,
    StoreWritten = 16,
    StoreFailed = 17,
    StrayAnswer = 18,
    Disposed = 19,
    BreakerTripped = 20,
    Started = 21,
    Stopped = 22,
    /// Detail: the request for the lock.
    Locked = 23,
    Unlocked = 24,
    /// What was read or claimed came too late to be acted on.
    LeaseStale = 25,
    /// Another tab claimed a refresh and is gone.
    OwnerGone = 26,
    StoreConflict = 27,
    Superseded = 28,
}

impl Trail {
    /// How many steps are kept unless the configuration says otherwise.
    pub const LENGTH: usize = 200;

    /// Adds a step; of more than `length` the oldest go.
    pub(super) fn push(&mut self, step: impl Into<Step>, length: usize) {
        if length == 0 {
            return;
        }
        let steps = &mut self.0.get_or_insert_default().steps;
        if steps.len() >= length {
            steps.remove(0);
        }
        steps.push(step.into());
    }

    /// The number by which `token` goes.
    pub(super) fn token(&mut self, token: &Secret) -> i64 {
        self.0.get_or_insert_default().tokens.number_of([token.expose(), ""])
    }

    /// The number by which a user goes; 0 for nobody.
    pub(super) fn user(&mut self, identity: &Identity) -> i64 {
        let Some(subject) = &identity.subject else {
            return 0;
        };
        let issuer = identity.issuer.as_deref().unwrap_or_default();
        self.0.get_or_insert_default().users.number_of([subject, issuer])
    }

    /// Oldest first.
    pub fn steps(&self) -> impl Iterator<Item = &[i64]> {
        self.0.iter().flat_map(|kept| kept.steps.iter().map(|step| &**step))
    }
}

impl Names {
    /// The first that is seen is 1.
    #[inline(never)]
    fn number_of(&mut self, parts: [&str; 2]) -> i64 {
        // FNV-1a: nothing of it is shown.
        let mut print = 0xcbf2_9ce4_8422_2325_u64;
        for part in parts {
            for byte in part.as_bytes() {
                print = (print ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
            print = print.rotate_left(1);
        }
        let at = self.seen.iter().position(|seen| *seen == print).unwrap_or_else(|| {
            if self.seen.len() >= SEEN {
                self.seen.remove(0);
                self.forgotten += 1;
            }
            self.seen.push(print);
            self.seen.len() - 1
        });
        (self.forgotten + at + 1) as i64
    }
}

/// More than are ever told apart at a time.
const SEEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_fall_into_doubling_buckets() {
        let mut metrics = Metrics::default();
        for took in [0, 50, 51, 100, 101, 200, 3_200, 3_201, 1_000_000] {
            metrics.time(Millis(took));
        }
        assert_eq!(metrics.latency, [2, 2, 2, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn the_trail_keeps_the_last_steps() {
        let mut trail = Trail::default();
        for at in 0..500 {
            trail.push([at, Mark::Woke as i64, 0], Trail::LENGTH);
        }
        assert_eq!(trail.steps().count(), Trail::LENGTH);
        assert_eq!(trail.steps().next(), Some(&[300, 12, 0][..]));
    }

    #[test]
    fn a_trail_of_no_length_keeps_nothing() {
        let mut trail = Trail::default();
        trail.push([1, 12, 0], 0);
        assert_eq!(trail.steps().count(), 0);
    }

    #[test]
    fn what_is_seen_again_has_the_number_that_it_had() {
        let mut names = Names::default();
        let mut number_of = |name: u64| names.number_of([&alloc::format!("{name}"), ""]);
        assert_eq!([7, 9, 7, 8].map(&mut number_of), [1, 2, 1, 3]);
        for name in 100..200 {
            assert_eq!(number_of(name), name as i64 - 96);
        }
        assert_eq!(number_of(7), 104, "forgotten meanwhile");
        assert_eq!(number_of(199), 103);
    }

    #[test]
    fn users_of_different_issuers_are_different_ones() {
        let mut trail = Trail::default();
        let identity = |subject: &str, issuer: Option<&str>| Identity {
            subject: Some(subject.into()),
            issuer: issuer.map(Into::into),
            ..Identity::default()
        };
        assert_eq!(trail.user(&Identity::default()), 0);
        assert_eq!(trail.user(&identity("ada", None)), 1);
        assert_eq!(trail.user(&identity("ada", Some("a"))), 2);
        assert_eq!(trail.user(&identity("ad", Some("aa"))), 3);
        assert_eq!(trail.user(&identity("ada", None)), 1);
    }
}
