//! The two ways to read a token agree: on its flaw, or on claims as the JSON of its payload has them. Written anew it
//! says the same.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use evertoken::engine::json::{Text, Value, parse_object};
use evertoken::engine::jwt;

libfuzzer_sys::fuzz_target!(|token: &str| {
    let (claims, decoded) = (jwt::claims(token), jwt::decode(token));
    let Ok(decoded) = decoded else { return assert_eq!(decoded.err(), claims.err()) };
    let claims = claims.expect("claims of a token that decodes");
    let payload = parse_object(&decoded.payload).expect("an object");
    let text = |name| payload.get(name).and_then(Value::as_text).map(Text::decode);
    assert_eq!(
        (claims.issuer().as_deref(), claims.subject().as_deref()),
        (text("iss").as_deref(), text("sub").as_deref())
    );
    let dates = [claims.expires_at(), claims.issued_at(), claims.not_before()];
    let numbers = ["exp", "iat", "nbf"].map(|name| matches!(payload.get(name), Some(Value::Number(_))));
    assert_eq!(dates.map(|date| date.is_some()), numbers);
    let again = format!("{}.{}.", BASE64.encode(&decoded.header), BASE64.encode(&decoded.payload));
    let twin = jwt::claims(&again).expect("claims of a token written anew");
    assert_eq!([twin.expires_at(), twin.issued_at(), twin.not_before()], dates);
    let twin = jwt::decode(&again).expect("a token written anew");
    assert_eq!((twin.header, twin.payload), (decoded.header, decoded.payload));
});
