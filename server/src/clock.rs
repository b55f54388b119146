//! The server's clock: the system clock plus an offset that tests may set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnixMillis(pub(crate) i64);

/// A span in milliseconds; negative under `--faults`, to issue tokens that are already expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millis(pub(crate) i64);

/// The longest duration that the command line or a test may set, in seconds: 100 years, above what anyone means and
/// far below where adding it to a time could overflow.
pub(crate) const LONGEST_SECONDS: f64 = 100.0 * 365.25 * 86_400.0;

impl UnixMillis {
    /// The real time, whatever offset a test has set.
    pub(crate) fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    pub(crate) fn plus(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    pub(crate) fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<Duration> for Millis {
    fn from(span: Duration) -> Self {
        Self(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The time that tokens, expiry and the `Date` header go by.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis::system().plus(self.offset())
    }

    pub(crate) fn offset(&self) -> Millis {
        Millis(self.offset_ms.load(Ordering::SeqCst))
    }

    pub(crate) fn set_offset(&self, offset: Millis) {
        self.offset_ms.store(offset.0, Ordering::SeqCst);
    }

    /// The `Date` header (RFC 9110 §6.6.1).
    pub(crate) fn http_date(&self) -> String {
        let since = Duration::from_millis(u64::try_from(self.now().0).unwrap_or(0).min(LATEST_HTTP_DATE_MS));
        httpdate::fmt_http_date(UNIX_EPOCH + since)
    }
}

/// The end of the year 9999: an HTTP date has four digits for the year.
const LATEST_HTTP_DATE_MS: u64 = 253_402_300_799_000;
