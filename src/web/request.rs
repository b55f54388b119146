//! Token requests over `fetch`.

use std::rc::Rc;

use js_sys::{Array, Function, JsString, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};

use super::shell::Shell;
use crate::engine::answer::{Answer, Outcome};
use crate::engine::endpoint::{Credentials, HttpRequest};
use crate::engine::output::{CallbackRequest, TokenRequest};
use crate::engine::secret::Secret;

const KEEPALIVE: &str = "keepalive";
/// The longest answer that is taken, in UTF-16 units.
const MAX_ANSWER: u32 = 1 << 20;

#[wasm_bindgen]
extern "C" {
    /// What a rejected refresh callback tells: see the facade's `Host.refresh`.
    type CallbackFailure;

    #[wasm_bindgen(method, getter)]
    fn ended(this: &CallbackFailure) -> Option<bool>;

    #[wasm_bindgen(method, getter)]
    fn status(this: &CallbackFailure) -> Option<u16>;

    #[wasm_bindgen(method, getter, js_name = retryAfter)]
    fn retry_after(this: &CallbackFailure) -> Option<String>;
}

/// Carries out one attempt.
pub(super) async fn attempt(shell: Rc<Shell>, request: TokenRequest, signal: AbortSignal) -> Outcome {
    match request {
        TokenRequest::Call(request) => call(&shell, request, &signal).await,
        TokenRequest::Http(request) => match send(&shell, &request, Some(&signal)).await {
            Ok(answer) => Outcome::Answered(answer),
            Err(_) => Outcome::Unreachable,
        },
    }
}

async fn call(shell: &Shell, request: CallbackRequest, signal: &AbortSignal) -> Outcome {
    let refresh = request.refresh.as_ref().map(Secret::expose);
    let access = request.access.as_ref().map(Secret::expose);
    let asked = shell.host().refresh(refresh, access, request.attempt, request.reason.as_str(), signal);
    let answer = match asked {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    match answer.map(|text| text.as_string()) {
        Ok(text) => Outcome::Answered(Answer {
            status: 200,
            body: Secret::new(text.unwrap_or_default()),
            ..Answer::default()
        }),
        Err(error) if error.is_object() => {
            let failure: CallbackFailure = error.unchecked_into();
            if failure.ended() == Some(true) {
                return Outcome::Ended;
            }
            Outcome::Failed { status: failure.status(), retry_after: failure.retry_after() }
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
    let response = match fetch(shell.native_fetch(), &request.url, &init).await {
        // Browsers refuse `keepalive` at once when too much of it is under way.
        Err(_) if request.keepalive => {
            Reflect::set(&init, &KEEPALIVE.into(), &JsValue::FALSE)?;
            fetch(shell.native_fetch(), &request.url, &init).await?
        }
        outcome => outcome?,
    };
    let headers = response.headers();
    let text: JsString = JsFuture::from(response.text()?).await?.unchecked_into();
    if text.length() > MAX_ANSWER {
        return Err(JsValue::UNDEFINED);
    }
    let header = |name| headers.get(name).ok().flatten();
    Ok(Answer {
        status: response.status(),
        body: Secret::new(text.as_string().unwrap_or_default()),
        content_type: header("content-type"),
        date: header("date"),
        request_id: header("x-request-id"),
        retry_after: header("retry-after"),
    })
}

fn init(shell: &Shell, request: &HttpRequest, signal: Option<&AbortSignal>) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &request.headers {
        headers.set(name, value)?;
    }
    if let Some(name) = &request.csrf_header
        && let Some(value) = shell.host().csrf()?
    {
        headers.set(name, &value)?;
    }
    let init = RequestInit::new();
    init.set_method(&request.method);
    init.set_headers(&headers);
    if let Some(body) = &request.body {
        init.set_body(&JsValue::from_str(body.expose()));
    }
    if request.keepalive {
        Reflect::set(&init, &KEEPALIVE.into(), &JsValue::TRUE)?;
    }
    init.set_signal(signal);
    let credentials = match request.credentials {
        Credentials::Include => "include",
        Credentials::Omit => "omit",
        Credentials::SameOrigin => "same-origin",
    };
    for (name, value) in [
        ("credentials", credentials),
        ("cache", "no-store"),
        // A token never follows a redirect.
        ("redirect", "error"),
        ("referrerPolicy", "no-referrer"),
    ] {
        Reflect::set(&init, &JsValue::from_str(name), &JsValue::from_str(value))?;
    }
    Ok(init)
}

async fn fetch(native: &Function, url: &str, init: &RequestInit) -> Result<Response, JsValue> {
    let arguments = Array::of2(&JsValue::from_str(url), init);
    let promise: Promise = native.apply(&JsValue::UNDEFINED, &arguments)?.unchecked_into();
    Ok(JsFuture::from(promise).await?.unchecked_into())
}
