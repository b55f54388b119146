//! A record that was read is written so that it is read again as the same.
#![no_main]

use evertoken::engine::record::{Record, Stored};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Stored::Record(record) = Record::decode(text, "default") else { return };
    let written = record.encode();
    let Stored::Record(again) = Record::decode(written.expose(), "default") else {
        panic!("what was written cannot be read: {}", written.expose());
    };
    assert_eq!(again.encode().expose(), written.expose());
    assert_eq!(format!("{again:?}"), format!("{record:?}"));
});
