//! `fetch` with a token: attach, recover from a 401, send once more.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, Response};

use super::shell::Shell;
use crate::engine::ids::Generation;
use crate::engine::input::{Input, Reception};
use crate::engine::output::Settled;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Request, js_name = Request)]
    type AnyRequest;

    #[wasm_bindgen(constructor, js_class = "Request", catch)]
    fn new(input: &JsValue, init: &JsValue) -> Result<AnyRequest, JsValue>;

    /// As it is now, so that tools which wrap it see the request.
    #[wasm_bindgen(js_name = fetch, catch)]
    fn send(request: &Request) -> Result<Promise, JsValue>;
}

/// Sends a request with the session's token, refreshing first where that is needed, and once more after a 401 if the
/// engine says so. Without a session it is sent as it is, as is one that brings its own `Authorization`.
///
/// It attaches the token to whatever URL it is given: which ones may have it is the facade's to decide.
pub(crate) async fn fetch(shell: &'static Shell, input: JsValue, init: JsValue) -> Result<JsValue, JsValue> {
    let mut request: Request = AnyRequest::new(&input, &init)?.into();
    let mut spare = None;
    let mut sent = None;
    if !request.headers().has(AUTHORIZATION)? {
        let told = shell.need().await?;
        if told.is_object() {
            return Err(told);
        }
        spare = Some(request.clone()?);
        sent = authorize(shell, &request)?;
    }
    loop {
        let response: Response = JsFuture::from(send(&request)?).await?.unchecked_into();
        let rejected = response.status() == 401;
        let (Some(generation), Some(next)) = (sent, spare.take()) else {
            if let Some(generation) = sent {
                let reception = if rejected { Reception::Rejected } else { Reception::Accepted };
                shell.handle(Input::Replayed { generation, reception });
            }
            return Ok(response.into());
        };
        if !rejected {
            return Ok(response.into());
        }
        let challenge = response.headers().get("www-authenticate")?;
        if shell.unauthorized(generation, challenge).await? != Settled::Resend.as_str() {
            return Ok(response.into());
        }
        sent = authorize(shell, &next)?;
        request = next;
    }
}

/// Sets the header for one send; says which generation it names.
fn authorize(shell: &Shell, request: &Request) -> Result<Option<Generation>, JsValue> {
    let Some((value, generation)) = shell.authorize() else {
        return Ok(None);
    };
    request.headers().set(AUTHORIZATION, value.expose())?;
    Ok(Some(generation))
}

const AUTHORIZATION: &str = "authorization";
