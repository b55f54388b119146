//! The JavaScript side, as the shell calls it.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::{AbortSignal, Response};

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

    /// Nothing, or a promise; of `false` when the store held something else than a text that begins with `expected`.
    /// Empty: nothing at all. `None`: anything.
    #[wasm_bindgen(method, catch)]
    pub(super) fn write(this: &Host, text: &str, expected: Option<&str>) -> Result<JsValue, JsValue>;

    /// Queues for the lock of the tabs; answered by `locked`.
    #[wasm_bindgen(method, catch)]
    pub(super) fn lock(this: &Host, id: u32) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn unlock(this: &Host, id: u32) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn broadcast(this: &Host, message: &str) -> Result<(), JsValue>;

    /// What the app's own rule has said of an answer, where there is one.
    #[wasm_bindgen(method, catch)]
    pub(super) fn ruling(this: &Host, response: &Response) -> Result<Option<bool>, JsValue>;

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
