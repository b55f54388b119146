//! What a fault is: which requests it meets and what it does to them.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A fault as `POST /faults` describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultSpec {
    /// Meets requests whose path begins with this.
    pub(crate) path: String,
    /// How many requests it meets; without it, all until cleared.
    pub(crate) times: Option<u32>,
    /// Waits this long before the request is handled.
    latency_ms: Option<u64>,
    /// Waits this long with the answer of a request that has been handled.
    answer_latency_ms: Option<u64>,
    /// Answers with this status, unhandled.
    status: Option<u16>,
    /// Answers with this, unhandled; status 200 unless `status` says otherwise. Text is sent as it is.
    body: Option<Value>,
    /// Of `body`; by default JSON or plain text, whichever it is.
    content_type: Option<String>,
    /// Sent as the `Retry-After` header, word for word.
    retry_after: Option<String>,
    /// Answers 200 with an HTML page, as a captive portal does.
    html: Option<bool>,
    /// Closes the connection without an answer.
    drop: Option<DropTime>,
    /// Never answers, until cleared.
    hang: Option<bool>,
}

/// A fault that waits for requests.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fault {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) spec: FaultSpec,
    /// What the spec comes to.
    #[serde(skip)]
    pub(crate) effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DropTime {
    /// The request is handled and committed, and its answer lost.
    After,
    /// The request is not handled.
    Before,
}

/// What a fault does to a request, beside delaying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    Answer(SpoiltAnswer),
    Drop(DropTime),
    Hang,
    Nothing,
}

/// An answer given in place of the real one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpoiltAnswer {
    status: StatusCode,
    content_type: HeaderValue,
    retry_after: Option<HeaderValue>,
    body: String,
}

impl FaultSpec {
    /// What the fault does; the error says which fields contradict each other or cannot be.
    pub(crate) fn effect(&self) -> Result<Effect, String> {
        if self.times == Some(0) {
            return Err("times: expected at least 1, or null for every request until cleared".to_owned());
        }
        let html = self.html == Some(true);
        let hang = self.hang == Some(true);
        let answers = self.status.is_some() || self.body.is_some();
        if [answers, html, hang, self.drop.is_some()].iter().filter(|chosen| **chosen).count() > 1 {
            return Err("expected only one of status or body, html, drop and hang".to_owned());
        }
        if !answers && (self.content_type.is_some() || self.retry_after.is_some()) {
            return Err("content_type and retry_after: expected a status or a body with them".to_owned());
        }
        let delayed = self.latency_ms.is_some() || self.answer_latency_ms.is_some();
        match self.drop {
            _ if answers => self.spoilt_answer().map(Effect::Answer),
            Some(time) => Ok(Effect::Drop(time)),
            None if html => Ok(Effect::Answer(SpoiltAnswer::html())),
            None if hang => Ok(Effect::Hang),
            None if delayed => Ok(Effect::Nothing),
            None => {
                Err("expected one of latency_ms, answer_latency_ms, status, body, html, drop and hang"
                    .to_owned())
            }
        }
    }

    pub(crate) fn latency(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.latency_ms.unwrap_or(0))
    }

    pub(crate) fn answer_latency(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.answer_latency_ms.unwrap_or(0))
    }

    fn spoilt_answer(&self) -> Result<SpoiltAnswer, String> {
        let status =
            StatusCode::from_u16(self.status.unwrap_or(200)).ok().filter(|status| status.as_u16() >= 200);
        let body = match &self.body {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => r#"{"error":"fault","error_description":"this answer was ordered by a test"}"#.to_owned(),
        };
        let is_json = serde_json::from_str::<Value>(&body).is_ok();
        let content_type = self.content_type.as_deref().unwrap_or(if is_json { JSON } else { TEXT });
        Ok(SpoiltAnswer {
            status: status.ok_or("status: expected 200 to 999")?,
            content_type: header_value("content_type", content_type)?,
            retry_after: self
                .retry_after
                .as_deref()
                .map(|text| header_value("retry_after", text))
                .transpose()?,
            body,
        })
    }
}

impl SpoiltAnswer {
    fn html() -> Self {
        Self {
            status: StatusCode::OK,
            content_type: HeaderValue::from_static(HTML),
            retry_after: None,
            body: "<!doctype html><title>Sign in</title><p>Please sign in to this network.</p>\n".to_owned(),
        }
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, self.content_type);
        if let Some(retry_after) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after);
        }
        response
    }
}

fn header_value(name: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("{name}: expected the text of a header"))
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
