//! Request bodies: read up to a limit, then parsed as JSON or as a form.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// The most that a request to `/auth` or `/faults` may carry.
pub(crate) const MEBIBYTE: usize = 1024 * 1024;

/// The most that `/api/echo` takes.
pub(crate) const ECHO_LIMIT: usize = 100 * MEBIBYTE;

/// The fields of a request, whether they came as JSON or as a form; none when the body was empty.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Parses a body as its `Content-Type` says; anything but JSON and a form is refused.
    ///
    /// That keeps no other origin out: any page can send a form without a preflight. A refresh and a sign-in by
    /// cookie therefore ask where they come from, and the control API takes JSON only ([`json_fields`]).
    pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        match media_type(headers).as_str() {
            JSON => from_json(body),
            "application/x-www-form-urlencoded" => from_form(body),
            _ => Err(ApiError::invalid_request(
                "content-type: expected application/json or application/x-www-form-urlencoded",
            )),
        }
    }

    /// The text of a field; `None` when it is absent, null or empty. The error names the field.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{name}: expected a string")),
        }
    }

    /// All fields as one JSON object.
    pub(crate) fn into_json(self) -> Value {
        Value::Object(self.0)
    }

    /// A field that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, String> {
        self.text(name)?.ok_or_else(|| format!("{name}: expected a string, found none"))
    }

    /// The number of a field, if it is there. The error names the field.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| format!("{name}: expected a number")),
        }
    }
}

/// Reads a whole body of at most `limit` bytes.
///
/// A body that is too large is read to its end all the same, up to [`ECHO_LIMIT`]: a client that is still sending
/// when the connection closes sees a reset instead of the 413.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::invalid_request("the request body ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > ECHO_LIMIT {
            break;
        } else {
            kept = Vec::new();
        }
    }
    if length > limit { Err(too_large(limit)) } else { Ok(kept.into()) }
}

/// Reads and parses the body of a request to `/auth`.
pub(crate) async fn fields(headers: &HeaderMap, body: Body) -> Result<Fields, ApiError> {
    Fields::parse(headers, &read(body, MEBIBYTE).await?)
}

/// Whether the `Content-Type` is JSON, which a page of another origin cannot send without a preflight.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers) == JSON
}

/// The `Content-Type` without its parameters, in lower case; empty when there is none.
fn media_type(headers: &HeaderMap) -> String {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

const JSON: &str = "application/json";

/// Reads and parses the body of a request to the control API: JSON, or nothing. A page of another origin needs a
/// preflight for that, and gets none.
pub(crate) async fn json_fields(headers: &HeaderMap, body: Body) -> Result<Fields, ApiError> {
    let bytes = read(body, MEBIBYTE).await?;
    if !bytes.is_empty() && !is_json(headers) {
        return Err(ApiError::invalid_request("content-type: expected application/json"));
    }
    Fields::parse(headers, &bytes)
}

fn too_large(limit: usize) -> ApiError {
    let description = format!("the request body is larger than {} MiB", limit / MEBIBYTE);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", description)
}

fn from_json(body: &[u8]) -> Result<Fields, ApiError> {
    // The text of a serde_json syntax error holds a position, never input.
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(Fields(fields)),
        Ok(_) => Err(ApiError::invalid_request("expected a JSON object")),
        Err(error) => Err(ApiError::invalid_request(format!("malformed JSON: {error}"))),
    }
}

fn from_form(body: &[u8]) -> Result<Fields, ApiError> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        // RFC 6749 §3.2: parameters must not be included more than once.
        if fields.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
            return Err(ApiError::invalid_request(format!("{name}: expected once, found again")));
        }
    }
    Ok(Fields(fields))
}
