//! What goes out to JavaScript as plain data.

use serde::ser::{Serialize, SerializeMap, Serializer};
use wasm_bindgen::JsValue;

use crate::engine::Engine;
use crate::engine::error::TokenError;
use crate::engine::ids::Generation;
use crate::engine::output::{Event, Snapshot};
use crate::engine::time::UnixMillis;

/// The members of an object; those without a value are left out. One type for everything that goes out: each type
/// that serde is derived for costs its own code.
struct Object<'a>(&'a [Member<'a>]);

type Member<'a> = (&'static str, Option<Value<'a>>);

enum Value<'a> {
    Flag(bool),
    Number(f64),
    Object(Object<'a>),
    Row(&'a [Value<'a>]),
    Text(&'a str),
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0 {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Object(object) => object.serialize(serializer),
            Self::Row(values) => serializer.collect_seq(*values),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

pub(super) fn error_data(error: &TokenError) -> JsValue {
    out(&error_members(error))
}

pub(super) fn snapshot_data(snapshot: &Snapshot) -> JsValue {
    out(&[
        text("state", Some(snapshot.state.as_str())),
        generation(snapshot.generation),
        text("subject", snapshot.subject.as_deref()),
        time("expiresAt", snapshot.expires_at),
        time("refreshAt", snapshot.refresh_at),
        time("nextRetryAt", snapshot.next_retry_at),
        flag("refreshing", snapshot.refreshing),
        text("error", snapshot.error),
    ])
}

pub(super) fn event_data(event: &Event) -> JsValue {
    let kind = text("type", Some(event.name()));
    match event {
        Event::PersistFailed => out(&[kind]),
        Event::RefreshFailed { error, exhausted } => out(&[
            kind,
            ("error", Some(Value::Object(Object(&error_members(error))))),
            flag("exhausted", *exhausted),
            time("nextRetryAt", error.retry_at),
        ]),
        Event::Refreshed { generation: held, expires_at, extras } => {
            out(&[kind, generation(*held), time("expiresAt", *expires_at), text("extras", extras.as_deref())])
        }
        Event::RetryScheduled { attempt, retry_at } => {
            out(&[kind, number("attempt", f64::from(*attempt)), time("retryAt", Some(*retry_at))])
        }
        Event::SessionEnded(refusal) => out(&[
            kind,
            text("reason", Some(refusal.reason.as_str())),
            ("status", refusal.status.map(|status| Value::Number(f64::from(status)))),
            text("oauthError", refusal.oauth_error.as_deref()),
        ]),
        Event::SessionExpiring { expires_at } => out(&[kind, time("expiresAt", *expires_at)]),
        Event::Adopted { generation: held, expires_at } => {
            out(&[kind, generation(*held), time("expiresAt", *expires_at)])
        }
        Event::SessionStarted { generation: held, expires_at, subject } => out(&[
            kind,
            generation(*held),
            time("expiresAt", *expires_at),
            text("subject", subject.as_deref()),
        ]),
        Event::UserChanged { subject } => out(&[kind, text("subject", subject.as_deref())]),
    }
}

pub(super) fn metrics_data(engine: &Engine) -> JsValue {
    let metrics = engine.metrics();
    let count = |name, count| number(name, f64::from(count));
    let latency = metrics.latency.map(|count| Value::Number(f64::from(count)));
    out(&[
        count("attempts", metrics.attempts),
        count("refreshed", metrics.refreshed),
        count("proactive", metrics.proactive),
        count("failed", metrics.failed),
        count("waited", metrics.waited),
        count("rejected", metrics.rejected),
        count("recovered", metrics.recovered),
        count("adopted", metrics.adopted),
        count("stray", metrics.stray),
        count("persistFailed", metrics.persist_failed),
        ("latency", Some(Value::Row(&latency))),
    ])
}

/// Each step as `[monotonic ms, code, detail]`.
pub(super) fn diagnostics_data(engine: &Engine) -> JsValue {
    let steps: Vec<[Value<'_>; 3]> = engine
        .trail()
        .steps()
        .map(|(at, mark, detail)| [at.0 as f64, f64::from(mark as u8), f64::from(detail)].map(Value::Number))
        .collect();
    let rows: Vec<Value<'_>> = steps.iter().map(|step| Value::Row(step)).collect();
    serialize(&Value::Row(&rows))
}

fn error_members(error: &TokenError) -> [Member<'_>; 8] {
    [
        text("code", Some(error.code.as_str())),
        flag("transient", error.code.is_transient()),
        text("cause", error.cause.map(|cause| cause.as_str())),
        ("status", error.status.map(|status| Value::Number(f64::from(status)))),
        text("oauthError", error.oauth_error.as_deref()),
        number("attempt", f64::from(error.attempt)),
        time("retryAt", error.retry_at),
        text("requestId", error.request_id.as_deref()),
    ]
}

fn flag(name: &'static str, flag: bool) -> Member<'static> {
    (name, Some(Value::Flag(flag)))
}

fn generation(generation: Generation) -> Member<'static> {
    number("generation", generation.0 as f64)
}

fn number(name: &'static str, number: f64) -> Member<'static> {
    (name, Some(Value::Number(number)))
}

fn text<'a>(name: &'static str, text: Option<&'a str>) -> Member<'a> {
    (name, text.map(Value::Text))
}

fn time(name: &'static str, time: Option<UnixMillis>) -> Member<'static> {
    (name, time.map(|time| Value::Number(time.0 as f64)))
}

fn out(members: &[Member<'_>]) -> JsValue {
    serialize(&Value::Object(Object(members)))
}

fn serialize(value: &Value<'_>) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
    value.serialize(&serializer).unwrap_or_default()
}
