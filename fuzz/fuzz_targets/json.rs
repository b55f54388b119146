//! What is JSON for another reader is JSON for this one and the other way round; both find the same members.
#![no_main]

use evertoken::engine::json::{MAX_DEPTH, Value, parse, parse_object};
use serde_json::{Map, from_slice, from_str};

libfuzzer_sys::fuzz_target!(|document: &str| {
    let valid = from_str::<serde::de::IgnoredAny>(document).is_ok();
    let deep = document.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() > MAX_DEPTH;
    assert!(deep || parse(document).is_ok() == valid, "for another reader it is JSON: {valid}");
    // The other one's values know no lone surrogates and no numbers beyond a double's.
    let Ok(theirs) = from_str::<Map<String, serde_json::Value>>(document) else { return };
    let Some(ours) = parse_object(document).filter(|_| !deep) else { return };
    let members = ours.members().map(|(name, raw)| (name.decode(), from_slice(raw).expect("a value")));
    assert_eq!(members.collect::<Map<_, _>>(), theirs);
    for (name, text) in theirs.iter().filter_map(|(name, value)| Some((name, value.as_str()?))) {
        assert!(ours.get(name).and_then(Value::as_text).is_some_and(|found| found.is(text)));
    }
});
