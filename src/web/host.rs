//! The JavaScript side, as the shell calls it.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What the facade gives the shell. None of its methods throws: an exception that unwound through the shell would
    /// leave it locked for ever.
    pub type Host;

    #[wasm_bindgen(method)]
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
    );

    #[wasm_bindgen(method)]
    pub(super) fn snapshot(this: &Host, snapshot: JsValue);

    #[wasm_bindgen(method)]
    pub(super) fn event(this: &Host, event: JsValue, error: JsValue);

    /// A text, or what failed as an object.
    #[wasm_bindgen(method)]
    pub(super) fn settle(this: &Host, call: u32, told: JsValue);

    /// Answered by `storeRead`.
    #[wasm_bindgen(method)]
    pub(super) fn read(this: &Host, op: u32);

    /// Only if the store holds a text that begins with `expected`. Empty: nothing at all. `None`: anything. Answered by
    /// `storeWritten`.
    #[wasm_bindgen(method)]
    pub(super) fn write(this: &Host, op: u32, text: &str, expected: Option<&str>);

    /// Queues for the lock of the tabs; answered by `locked`.
    #[wasm_bindgen(method)]
    pub(super) fn lock(this: &Host, id: u32);

    #[wasm_bindgen(method)]
    pub(super) fn unlock(this: &Host, id: u32);

    #[wasm_bindgen(method)]
    pub(super) fn broadcast(this: &Host, message: &str);

    /// Sends a request, with the CSRF value of the moment in the header `csrf`. Answered by `answered` or `unreachable`;
    /// without an `attempt` nobody waits for that.
    #[wasm_bindgen(method)]
    pub(super) fn send(
        this: &Host,
        attempt: Option<u32>,
        url: &str,
        init: JsValue,
        headers: JsValue,
        csrf: Option<&str>,
    );

    /// Calls the app's callback. Answered by `answered` or `failed`.
    #[wasm_bindgen(method)]
    pub(super) fn refresh(
        this: &Host,
        attempt: u32,
        refresh: Option<&str>,
        access: Option<&str>,
        count: u32,
        reason: &str,
    );

    /// Gives up a token request; its answer may come all the same.
    #[wasm_bindgen(method)]
    pub(super) fn abort(this: &Host, attempt: u32);
}
