//! `TokenManager`.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::Headers;

use crate::engine::Options;
use crate::engine::answer::{Answer, Outcome, Ruling};
use crate::engine::ids::{AttemptId, CallId, Generation, LockId, StoreOp};
use crate::engine::input::{Input, Reception, Revocation, SessionMode, Stored, Urgency, Wake};
use crate::engine::secret::Secret;
use crate::engine::time::Millis;
use crate::web::thrown;
use crate::web::{self, Host, Shell};

/// One token manager. A call is named by a number of the caller's choice below 2³¹ and answered once by
/// `host.settle(call, told)`, in the same turn or later. It runs until `dispose`, also when it is freed before.
#[wasm_bindgen]
pub struct TokenManager {
    shell: &'static Shell,
}

impl std::fmt::Debug for TokenManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenManager")
    }
}

#[wasm_bindgen]
impl TokenManager {
    /// Takes the options as JSON: see `Options::read`. Throws `{ option, message }` for one that cannot be used.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str, host: Host) -> Result<TokenManager, JsValue> {
        let config = Options::read(options).into_config();
        let config =
            config.map_err(|error| thrown([("option", &error.option), ("message", error.expected)]))?;
        Ok(Self { shell: Shell::new(config, host) })
    }

    /// Reads the store and begins. Call it once, when the host is ready to be called.
    pub fn restore(&self) {
        self.shell.handle(Input::Restore);
    }

    /// Something has happened to the page: `focus`, `hidden`, `online` or `shown`.
    pub fn wake(&self, kind: &str) {
        self.shell.handle(Input::Wake(match kind {
            "focus" => Wake::Focus,
            "hidden" => Wake::Hidden,
            "online" => Wake::Online,
            _ => Wake::Shown,
        }));
    }

    /// Hands over a token response as JSON text; `mode` is `auto`, `new` or `same`.
    #[wasm_bindgen(js_name = setTokens)]
    pub fn set_tokens(&self, call: u32, json: String, mode: &str) {
        let session = match mode {
            "new" => SessionMode::New,
            "same" => SessionMode::Same,
            _ => SessionMode::Auto,
        };
        self.shell.handle(Input::SetTokens { call: CallId(call), response: Secret::new(json), session });
    }

    #[wasm_bindgen(js_name = signOut)]
    pub fn sign_out(&self, call: u32, revoke: bool) {
        let revocation = if revoke { Revocation::Revoke } else { Revocation::Skip };
        self.shell.handle(Input::SignOut { call: CallId(call), revocation });
    }

    /// Settles when the verdict that the host holds may be sent, with `min_validity` milliseconds left where a refresh
    /// can give that.
    pub fn need(&self, call: u32, min_validity: f64) {
        self.shell.handle(Input::Need { call: CallId(call), min_validity: Millis(min_validity as u64) });
    }

    pub fn refresh(&self, call: u32, force: bool) {
        let urgency = if force { Urgency::Forced } else { Urgency::Normal };
        self.shell.handle(Input::Refresh { call: CallId(call), urgency });
    }

    /// A request that was sent with `generation` has drawn a 401. Settles with `resend` or `pass`.
    pub fn unauthorized(&self, call: u32, generation: f64, challenge: Option<String>) {
        let generation = Generation(generation as u64);
        self.shell.handle(Input::Unauthorized { call: CallId(call), generation, challenge });
    }

    /// How a request was taken that was sent again.
    pub fn replayed(&self, generation: f64, accepted: bool) {
        let reception = if accepted { Reception::Accepted } else { Reception::Rejected };
        self.shell.handle(Input::Replayed { generation: Generation(generation as u64), reception });
    }

    /// The lock was granted, or there is none.
    pub fn locked(&self, id: u32, granted: bool) {
        let id = LockId(id);
        self.shell.handle(if granted { Input::LockGranted(id) } else { Input::LockDenied(id) });
    }

    /// What the store holds, unless it could not be `read`: then nobody knows.
    #[wasm_bindgen(js_name = storeRead)]
    pub fn store_read(&self, op: u32, read: bool, text: Option<String>) {
        let op = StoreOp(op);
        self.shell.handle(if read {
            Input::StoreRead { op, text: text.map(Secret::new), fence: None }
        } else {
            Input::StoreFailed(op)
        });
    }

    /// Whether the store took a text, or held another than was expected; nothing: it failed.
    #[wasm_bindgen(js_name = storeWritten)]
    pub fn store_written(&self, op: u32, taken: Option<bool>) {
        let stored = match taken {
            Some(true) => Stored::Durably,
            Some(false) => Stored::Conflict,
            None => Stored::Failed,
        };
        self.shell.handle(Input::StoreWritten { op: StoreOp(op), stored });
    }

    /// A token request has been answered; what the app's callback returned is an answer without headers. `ruling`: what
    /// the app's own rule has said of it, where there is one.
    pub fn answered(
        &self,
        attempt: u32,
        status: u16,
        body: String,
        headers: Option<Headers>,
        ruling: Option<bool>,
    ) {
        let header = |name| headers.as_ref().and_then(|headers| headers.get(name).ok().flatten());
        let answer = Answer {
            status,
            body: Secret::new(body),
            content_type: header("content-type"),
            date: header("date"),
            request_id: header("x-request-id"),
            retry_after: header("retry-after"),
            ruling: ruling.map(|ends| if ends { Ruling::Terminal } else { Ruling::Transient }),
        };
        self.came(attempt, Outcome::Answered(answer));
    }

    /// The app's callback has failed; `ended`: because the session is over.
    pub fn failed(&self, attempt: u32, ended: bool, status: Option<u16>, retry_after: Option<String>) {
        self.came(attempt, if ended { Outcome::Ended } else { Outcome::Failed { status, retry_after } });
    }

    /// A token request has no answer that could be read to its end.
    pub fn unreachable(&self, attempt: u32) {
        self.came(attempt, Outcome::Unreachable);
    }

    /// Another tab has said something.
    pub fn notice(&self, message: String) {
        self.shell.handle(Input::Notice(message));
    }

    /// The app is being used.
    pub fn touch(&self) {
        self.shell.handle(Input::Touch);
    }

    pub fn start(&self) {
        self.shell.handle(Input::Start);
    }

    pub fn stop(&self) {
        self.shell.handle(Input::Stop);
    }

    pub fn dispose(&self) {
        self.shell.dispose();
    }

    pub fn metrics(&self) -> JsValue {
        self.shell.metrics()
    }

    /// The last steps, each `[monotonic ms, code, …details]`.
    pub fn diagnostics(&self) -> JsValue {
        self.shell.diagnostics()
    }

    /// `fetch` with the session's token; see `web::fetch`.
    pub fn fetch(&self, input: JsValue, init: JsValue) -> Promise {
        future_to_promise(web::fetch(self.shell, input, init))
    }
}

impl TokenManager {
    fn came(&self, attempt: u32, outcome: Outcome) {
        self.shell.handle(Input::Answer { attempt: AttemptId(attempt), outcome });
    }
}
