//! `decodeJwt`.

use js_sys::{JSON, Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::engine::jwt::{self, JwtError};
use crate::web::thrown;

/// Decodes a JWT's header and claims without verifying anything. Throws `{ code: 'invalid_token', reason }`.
#[wasm_bindgen(js_name = decodeJwt)]
pub fn decode_jwt(token: &str) -> Result<Object, JsValue> {
    let decoded = jwt::decode(token).map_err(refused)?;
    let object = Object::new();
    for (name, text) in [("header", &decoded.header), ("claims", &decoded.payload)] {
        let value = JSON::parse(text).map_err(|_| refused(JwtError::Json))?;
        Reflect::set(&object, &JsValue::from_str(name), &value)?;
    }
    Ok(object)
}

fn refused(error: JwtError) -> JsValue {
    thrown([("code", "invalid_token"), ("reason", error.as_str())])
}
