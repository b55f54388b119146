//! A notice that was heard is told so that it is heard as the same; it is short and names what a record can hold.
#![no_main]

use evertoken::engine::notice::Notice;

libfuzzer_sys::fuzz_target!(|message: &str| {
    let Some(notice) = Notice::decode(message) else { return };
    assert!(message.len() <= 128 && notice.epoch.0.max(notice.generation.0) < 1 << 52);
    assert_eq!(Notice::decode(&notice.encode()), Some(notice));
});
