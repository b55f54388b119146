//! Token requests, over `fetch` or the app's callback.

use js_sys::{Function, JsString, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Response};

use super::shell::Shell;
use crate::engine::answer::{Answer, MAX_BODY, Outcome, Ruling};
use crate::engine::endpoint::{Credentials, HttpRequest};
use crate::engine::output::CallbackRequest;
use crate::engine::secret::Secret;

#[wasm_bindgen]
extern "C" {
    /// What a rejected refresh callback tells: see the facade's `Host.refresh`.
    type CallbackFailure;

    #[wasm_bindgen(method, getter, catch)]
    fn ended(this: &CallbackFailure) -> Result<Option<bool>, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    fn status(this: &CallbackFailure) -> Result<Option<u16>, JsValue>;

    #[wasm_bindgen(method, getter, catch, js_name = retryAfter)]
    fn retry_after(this: &CallbackFailure) -> Result<Option<String>, JsValue>;
}

/// Asks the app's callback for tokens.
pub(super) fn call(
    shell: &Shell,
    request: &CallbackRequest,
    signal: &AbortSignal,
) -> Result<Promise, JsValue> {
    let refresh = request.refresh.as_ref().map(Secret::expose);
    let access = request.access.as_ref().map(Secret::expose);
    shell.host().refresh(refresh, access, request.attempt, request.reason.as_str(), signal)
}

/// What became of a call of the app's callback.
pub(super) fn called(outcome: Result<JsValue, JsValue>) -> Outcome {
    match outcome {
        Ok(text) => Outcome::Answered(Answer { status: 200, body: body(&text), ..Answer::default() }),
        Err(error) if error.is_object() => {
            let failure: CallbackFailure = error.unchecked_into();
            if failure.ended() == Ok(Some(true)) {
                return Outcome::Ended;
            }
            Outcome::Failed {
                status: failure.status().ok().flatten(),
                retry_after: failure.retry_after().ok().flatten(),
            }
        }
        Err(_) => Outcome::Failed { status: None, retry_after: None },
    }
}

/// Sends `request` and reads its answer to the end.
pub(super) async fn send(
    shell: &Shell,
    request: &HttpRequest,
    signal: Option<&AbortSignal>,
) -> Result<Answer, JsValue> {
    let init = init(shell, request, signal)?;
    set(&init, "keepalive", &request.keepalive.into())?;
    let answered = fetch(shell.native_fetch(), &request.endpoint.url, &init)?;
    let response: Response = JsFuture::from(answered).await?.unchecked_into();
    let ruling = shell.host().ruling(&response).ok().flatten();
    let body = body(&JsFuture::from(response.text()?).await?);
    let headers = response.headers();
    let header = |name| headers.get(name).ok().flatten();
    Ok(Answer {
        status: response.status(),
        body,
        content_type: header("content-type"),
        date: header("date"),
        request_id: header("x-request-id"),
        retry_after: header("retry-after"),
        ruling: ruling.map(|ends| if ends { Ruling::Terminal } else { Ruling::Transient }),
    })
}

fn init(shell: &Shell, request: &HttpRequest, signal: Option<&AbortSignal>) -> Result<Object, JsValue> {
    let headers = Object::new();
    let endpoint = &*request.endpoint;
    for (name, value) in request.headers() {
        set(&headers, name, &value.into())?;
    }
    if let Some(name) = &endpoint.csrf_header {
        let value = shell.host().csrf()?;
        if value.is_string() {
            set(&headers, name, &value)?;
        }
    }
    let credentials = match endpoint.credentials {
        Credentials::Include => "include",
        Credentials::Omit => "omit",
        Credentials::SameOrigin => "same-origin",
    };
    let init = Object::new();
    set(&init, "headers", &headers)?;
    if let Some(signal) = signal {
        set(&init, "signal", signal)?;
    }
    if let Some(body) = &request.body {
        set(&init, "body", &body.expose().into())?;
    }
    for (name, value) in [
        ("method", endpoint.method.as_str()),
        ("credentials", credentials),
        ("cache", "no-store"),
        // A token never follows a redirect.
        ("redirect", "error"),
        ("referrerPolicy", "no-referrer"),
    ] {
        set(&init, name, &value.into())?;
    }
    Ok(init)
}

/// The text of an answer. One that is too long to be a token response is not copied.
fn body(text: &JsValue) -> Secret {
    let text: &JsString = text.unchecked_ref();
    let short = text.is_string() && text.length() <= MAX_BODY;
    Secret::new(short.then(|| text.as_string()).flatten().unwrap_or_default())
}

fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(object, &name.into(), value).map(|_| ())
}

fn fetch(native: &Function, url: &str, init: &Object) -> Result<Promise, JsValue> {
    native.call2(&JsValue::UNDEFINED, &url.into(), init).map(JsCast::unchecked_into)
}
