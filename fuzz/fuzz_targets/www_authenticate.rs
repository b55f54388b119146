//! Only `insufficient_scope` forbids a refresh, whatever challenge goes before it, and `invalid_token` allows it.
#![no_main]

use evertoken::engine::challenge::forbids_refresh;

libfuzzer_sys::fuzz_target!(|header: &str| {
    let forbidden = forbids_refresh(header);
    assert!(!forbidden || header.contains("insufficient_scope"));
    assert_eq!(forbids_refresh(&format!(r#"Basic realm="a, \"b\"", Negotiate dG9r==, {header}"#)), forbidden);
    assert!(!forbids_refresh(&format!(r#"Bearer error="invalid_token", {header}"#)));
    assert!(!forbidden || forbids_refresh(&format!(r#"Bearer error="insufficient_scope", {header}"#)));
});
