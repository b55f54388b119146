//! Tokens can be sent and stored, are read again as the same, and are not repeated in the extras.
#![no_main]

use evertoken::engine::json;
use evertoken::engine::response::{Fields, parse};
use evertoken::engine::secret::Secret;

libfuzzer_sys::fuzz_target!(|input: (bool, bool, &str)| {
    let (in_cookie, mapped, body) = input;
    let fields = if mapped { evertoken_fuzz::mapped_fields() } else { Fields::default() };
    let Ok(response) = parse(body, &fields, in_cookie) else { return };
    let extras = response.extras.as_deref().unwrap_or("{}");
    assert!(json::parse_object(extras).is_some(), "extras are no object: {extras}");
    assert!(response.access.iter().all(Secret::is_sendable));
    for token in response.access.iter().chain(&response.refresh) {
        assert!(token.is_storable() && !(token.expose().len() >= 8 && extras.contains(token.expose())));
        let body = serde_json::json!({"access": "A", "refresh": token.expose()}).to_string();
        let twin = parse(&body, &Fields::default(), false).expect("a response");
        assert!(twin.refresh.expect("a token").same_as(token));
    }
});
