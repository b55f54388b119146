//! The JavaScript side, as the shell calls it.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

#[wasm_bindgen]
extern "C" {
    /// What the facade gives the shell. Every method is caught: an exception that unwound through the shell would
    /// leave it locked for ever.
    pub type Host;

    #[wasm_bindgen(method, catch)]
    pub(super) fn verdict(
        this: &Host,
        scheme: Option<&str>,
        bearer: Option<&str>,
        generation: f64,
        expires_at: Option<f64>,
        until_wall: f64,
        until_mono: f64,
        checked_wall: f64,
        checked_mono: f64,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn snapshot(this: &Host, snapshot: JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn event(this: &Host, event: JsValue, error: JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn settle(this: &Host, call: u32, error: JsValue, value: Option<&str>) -> Result<(), JsValue>;

    /// The stored text, or a promise of it.
    #[wasm_bindgen(method, catch)]
    pub(super) fn read(this: &Host) -> Result<JsValue, JsValue>;

    /// Nothing, or a promise.
    #[wasm_bindgen(method, catch)]
    pub(super) fn write(this: &Host, text: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn refresh(
        this: &Host,
        refresh_token: Option<&str>,
        access_token: Option<&str>,
        attempt: u32,
        reason: &str,
        signal: &AbortSignal,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn csrf(this: &Host) -> Result<JsValue, JsValue>;
}
