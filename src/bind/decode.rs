//! `decodeJwt`.

use js_sys::JSON;
use wasm_bindgen::prelude::*;

use crate::engine::jwt::{self, JwtError};
use crate::web::thrown;

/// Decodes a JWT's header and claims without verifying anything. Throws `{ code: 'invalid_token', reason }`.
#[wasm_bindgen(js_name = decodeJwt)]
pub fn decode_jwt(token: &str) -> Result<JsValue, JsValue> {
    let decoded = jwt::decode(token).map_err(refused)?;
    let both = ["{\"header\":", &decoded.header, ",\"claims\":", &decoded.payload, "}"].concat();
    JSON::parse(&both).map_err(|_| refused(JwtError::Json))
}

fn refused(error: JwtError) -> JsValue {
    thrown([("code", "invalid_token"), ("reason", error.as_str())])
}
