//! A token that decodes is made of two JSON objects, and says the same when it is written anew.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use evertoken::engine::jwt;

libfuzzer_sys::fuzz_target!(|token: &str| {
    let Ok(decoded) = jwt::decode(token) else { return };
    let again = format!("{}.{}.", BASE64.encode(&decoded.header), BASE64.encode(&decoded.payload));
    let twin = jwt::decode(&again).expect("a token written anew");
    assert_eq!((twin.header, twin.payload), (decoded.header, decoded.payload));
    let told = |token| {
        let claims = jwt::claims(token).expect("claims");
        let dates = [claims.expires_at(), claims.issued_at(), claims.not_before()];
        (dates, claims.issuer(), claims.subject())
    };
    assert_eq!(told(&again), told(token));
});
