//! What goes out to JavaScript as plain data.

use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::engine::Engine;
use crate::engine::error::TokenError;
use crate::engine::ids::Generation;
use crate::engine::output::{Event, Snapshot};
use crate::engine::time::UnixMillis;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorData<'a> {
    code: &'static str,
    transient: bool,
    cause: Option<&'static str>,
    status: Option<u16>,
    oauth_error: Option<&'a str>,
    attempt: u32,
    retry_at: Option<f64>,
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotData<'a> {
    state: &'static str,
    generation: f64,
    subject: Option<&'a str>,
    expires_at: Option<f64>,
    refresh_at: Option<f64>,
    next_retry_at: Option<f64>,
    refreshing: bool,
    error: Option<&'static str>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct EventData<'a> {
    r#type: &'static str,
    generation: Option<f64>,
    expires_at: Option<f64>,
    subject: Option<&'a str>,
    extras: Option<&'a str>,
    error: Option<ErrorData<'a>>,
    exhausted: Option<bool>,
    attempt: Option<u32>,
    retry_at: Option<f64>,
    reason: Option<&'static str>,
    status: Option<u16>,
    oauth_error: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetricsData {
    attempts: u32,
    refreshed: u32,
    proactive: u32,
    failed: u32,
    waited: u32,
    rejected: u32,
    recovered: u32,
    adopted: u32,
    stray: u32,
    persist_failed: u32,
    latency: [u32; 8],
}

/// A step of the diagnostics: `[monotonic ms, code, detail]`.
type StepData = (f64, u8, u32);

pub(super) fn error_data(error: &TokenError) -> JsValue {
    out(&ErrorData::of(error))
}

pub(super) fn snapshot_data(snapshot: &Snapshot) -> JsValue {
    out(&SnapshotData {
        state: snapshot.state.as_str(),
        generation: number(snapshot.generation),
        subject: snapshot.subject.as_deref(),
        expires_at: snapshot.expires_at.map(wall),
        refresh_at: snapshot.refresh_at.map(wall),
        next_retry_at: snapshot.next_retry_at.map(wall),
        refreshing: snapshot.refreshing,
        error: snapshot.error,
    })
}

pub(super) fn event_data(event: &Event) -> JsValue {
    let mut data = EventData { r#type: event.name(), ..EventData::default() };
    match event {
        Event::Adopted { generation, expires_at } => data.pair(*generation, *expires_at),
        Event::PersistFailed => {}
        Event::RefreshFailed { error, exhausted } => {
            data.error = Some(ErrorData::of(error));
            data.exhausted = Some(*exhausted);
            data.retry_at = error.retry_at.map(wall);
        }
        Event::Refreshed { generation, expires_at, extras } => {
            data.pair(*generation, *expires_at);
            data.extras = extras.as_deref();
        }
        Event::RetryScheduled { attempt, retry_at } => {
            data.attempt = Some(*attempt);
            data.retry_at = Some(wall(*retry_at));
        }
        Event::SessionEnded(refusal) => {
            data.reason = Some(refusal.reason.as_str());
            data.status = refusal.status;
            data.oauth_error = refusal.oauth_error.as_deref();
        }
        Event::SessionExpiring { expires_at } => data.expires_at = expires_at.map(wall),
        Event::SessionStarted { generation, expires_at, subject } => {
            data.pair(*generation, *expires_at);
            data.subject = subject.as_deref();
        }
        Event::UserChanged { subject } => data.subject = subject.as_deref(),
    }
    out(&data)
}

pub(super) fn metrics_data(engine: &Engine) -> JsValue {
    let metrics = engine.metrics();
    out(&MetricsData {
        attempts: metrics.attempts,
        refreshed: metrics.refreshed,
        proactive: metrics.proactive,
        failed: metrics.failed,
        waited: metrics.waited,
        rejected: metrics.rejected,
        recovered: metrics.recovered,
        adopted: metrics.adopted,
        stray: metrics.stray,
        persist_failed: metrics.persist_failed,
        latency: metrics.latency,
    })
}

pub(super) fn diagnostics_data(engine: &Engine) -> JsValue {
    let steps = engine.trail().steps();
    out(&steps.map(|(at, mark, detail)| (at.0 as f64, mark as u8, detail)).collect::<Vec<StepData>>())
}

impl EventData<'_> {
    fn pair(&mut self, generation: Generation, expires_at: Option<UnixMillis>) {
        self.generation = Some(number(generation));
        self.expires_at = expires_at.map(wall);
    }
}

impl<'a> ErrorData<'a> {
    fn of(error: &'a TokenError) -> Self {
        Self {
            code: error.code.as_str(),
            transient: error.code.is_transient(),
            cause: error.cause.map(|cause| cause.as_str()),
            status: error.status,
            oauth_error: error.oauth_error.as_deref(),
            attempt: error.attempt,
            retry_at: error.retry_at.map(wall),
            request_id: error.request_id.as_deref(),
        }
    }
}

pub(super) fn number(generation: Generation) -> f64 {
    generation.0 as f64
}

pub(super) fn wall(time: UnixMillis) -> f64 {
    time.0 as f64
}

fn out(data: &impl Serialize) -> JsValue {
    serde_wasm_bindgen::to_value(data).unwrap_or_default()
}
