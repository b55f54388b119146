//! Clocks and entropy.

use js_sys::Date;
use wasm_bindgen::prelude::*;

use crate::engine::time::{Mono, Now, UnixMillis};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn monotonic() -> f64;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn fill_with_entropy(bytes: &mut [u8]) -> Result<(), JsValue>;
}

/// Reads both clocks.
pub(super) fn now() -> Now {
    Now { mono: Mono::new(monotonic() as u64), wall: UnixMillis(Date::now() as i64) }
}

/// A seed for the engine's jitter. Without `crypto` the clocks must do: it is no secret.
pub(super) fn seed() -> u64 {
    let mut bytes = [0; 8];
    if fill_with_entropy(&mut bytes).is_err() {
        let now = now();
        return now.mono.millis() ^ now.wall.0 as u64;
    }
    u64::from_le_bytes(bytes)
}
