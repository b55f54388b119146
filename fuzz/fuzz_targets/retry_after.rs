//! A wait is an hour at most, as long as its seconds say, and no longer the later it is.
#![no_main]

use evertoken::engine::answer::retry_after;
use evertoken::engine::time::{Millis, UnixMillis};

libfuzzer_sys::fuzz_target!(|header: &str| {
    let waits = [i64::MIN, 0, 784_111_777_000, 253_402_300_000_000, i64::MAX]
        .map(|now| retry_after(header, UnixMillis(now)));
    assert!(waits.is_sorted_by(|early, late| early >= late) && waits[0].is_some() == waits[4].is_some());
    assert!(waits[0] <= Some(Millis(3_600_000)));
    if let Ok(seconds) = header.trim_ascii().parse::<u32>() {
        let expected = (!header.contains('+')).then_some(Millis(u64::from(seconds.min(3_600)) * 1_000));
        assert_eq!(waits, [expected; 5]);
    }
});
