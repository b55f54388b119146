//! `fetch` with a token: attach, recover from a 401, send once more.

use std::rc::Rc;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Request, Response};

use super::data::error_data;
use super::shell::Shell;
use crate::engine::error::ErrorCode;
use crate::engine::ids::Generation;
use crate::engine::input::{Input, Reception};
use crate::engine::output::Settled;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Request, js_name = Request)]
    type AnyRequest;

    #[wasm_bindgen(constructor, js_class = "Request", catch)]
    fn new(input: &JsValue, init: &JsValue) -> Result<AnyRequest, JsValue>;
}

/// Sends a request with the session's token, refreshing first where that is needed, and once more after a 401 if the
/// engine says so. Without a session it is sent as it is, as is one that brings its own `Authorization`.
///
/// It attaches the token to whatever URL it is given: which ones may have it is the facade's to decide.
pub(crate) async fn fetch(shell: Rc<Shell>, input: JsValue, init: JsValue) -> Result<JsValue, JsValue> {
    let request = AnyRequest::new(&input, &init)?;
    if request.headers().has(AUTHORIZATION)? {
        return Ok(send(&request).await?.into());
    }
    match shell.token().await {
        Ok(_) => {}
        Err(error) if error.code == ErrorCode::SignedOut => return Ok(send(&request).await?.into()),
        Err(error) => return Err(error_data(&error)),
    }
    let spare = request.clone()?;
    let Some(generation) = authorize(&shell, &request.headers())? else {
        return Ok(send(&request).await?.into());
    };
    let response = send(&request).await?;
    if response.status() != 401 {
        return Ok(response.into());
    }
    let challenge = response.headers().get("www-authenticate")?;
    if !matches!(shell.unauthorized(generation, challenge).await, Ok(Settled::Resend)) {
        return Ok(response.into());
    }
    let Some(generation) = authorize(&shell, &spare.headers())? else {
        return Ok(response.into());
    };
    let again = send(&spare).await?;
    let reception = if again.status() == 401 { Reception::Rejected } else { Reception::Accepted };
    shell.handle(Input::Replayed { generation, reception });
    Ok(again.into())
}

fn authorize(shell: &Shell, headers: &Headers) -> Result<Option<Generation>, JsValue> {
    let Some((value, generation)) = shell.authorize() else {
        return Ok(None);
    };
    headers.set(AUTHORIZATION, value.expose())?;
    Ok(Some(generation))
}

/// Through `fetch` as it is now, so that tools which wrap it see the request.
async fn send(request: &Request) -> Result<Response, JsValue> {
    let fetch: Function = Reflect::get(&js_sys::global(), &JsValue::from_str("fetch"))?.unchecked_into();
    let promise: Promise = fetch.apply(&JsValue::UNDEFINED, &Array::of1(request))?.unchecked_into();
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

const AUTHORIZATION: &str = "authorization";
