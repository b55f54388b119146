//! The routes of the control API.

use std::net::IpAddr;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::body;
use crate::clock::{LONGEST_SECONDS, Millis};
use crate::error::ApiError;
use crate::faults::Control;
use crate::faults::plan::FaultSpec;
use crate::jwt::seconds;
use crate::state::AppState;
use crate::store::sessions;

/// `/faults…` and `/ledger`; added to the server only with `--faults`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/faults", post(add).delete(clear))
        .route("/faults/clock", post(set_clock))
        .route("/faults/revoke", post(revoke))
        .route("/faults/expire-access", post(expire_access))
        .route("/faults/state", get(show))
        .route("/ledger", get(ledger).delete(empty_ledger))
        .route_layer(middleware::from_fn(require_loopback_host))
}

/// Refuses a request whose `Host` is a name that anyone may own: the page of a site whose name has been pointed at
/// this machine (DNS rebinding) counts as of the same origin here, but cannot hide the name.
async fn require_loopback_host(request: Request, next: Next) -> Result<Response, ApiError> {
    let mut hosts = request.headers().get_all(header::HOST).iter().peekable();
    if hosts.peek().is_some() && hosts.all(|host| host.to_str().is_ok_and(is_loopback)) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "host_not_allowed",
        "host: expected a loopback address or localhost",
    ))
}

/// Whether a `Host` (RFC 9110 §7.2) is `localhost` or a loopback address, with any port or none.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn add(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let fields = body::json_fields(&parts.headers, body).await?;
    let spec: FaultSpec = serde_json::from_value(fields.into_json())
        .map_err(|error| ApiError::invalid_field(error.to_string()))?;
    let effect = spec.effect().map_err(ApiError::invalid_field)?;
    let id = control(&state)?.add(spec, effect);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

async fn clear(State(state): State<AppState>) -> Result<StatusCode, ApiError> {
    state.clock.set_offset(Millis(0));
    control(&state)?.clear();
    Ok(StatusCode::NO_CONTENT)
}

async fn set_clock(State(state): State<AppState>, request: Request) -> Result<Json<Value>, ApiError> {
    let (parts, body) = request.into_parts();
    let fields = body::json_fields(&parts.headers, body).await?;
    let offset = fields.number("offset_ms").map_err(ApiError::invalid_field)?;
    let offset = offset.ok_or_else(|| ApiError::invalid_field("offset_ms: expected a number, found none"))?;
    if offset.abs() > LONGEST_SECONDS * 1000.0 {
        return Err(ApiError::invalid_field("offset_ms: expected at most 100 years"));
    }
    state.clock.set_offset(Millis(offset as i64));
    Ok(Json(json!({ "offset_ms": state.clock.offset().0, "now": seconds(state.clock.now().0) })))
}

async fn revoke(State(state): State<AppState>, request: Request) -> Result<Json<Value>, ApiError> {
    let (parts, body) = request.into_parts();
    let fields = body::json_fields(&parts.headers, body).await?;
    let sid = fields.text("sid").map_err(ApiError::invalid_field)?.map(str::to_owned);
    let email = fields.text("email").map_err(ApiError::invalid_field)?.map(str::to_lowercase);
    let now = state.clock.now();
    let revoked = match (sid, email) {
        (Some(sid), None) => {
            state.store.call(move |connection| sessions::end_family(connection, &sid, now)).await?.into()
        }
        (None, Some(email)) => {
            state.store.call(move |connection| sessions::end_all_of(connection, &email, now)).await?
        }
        _ => return Err(ApiError::invalid_field("expected either sid or email")),
    };
    Ok(Json(json!({ "revoked": revoked })))
}

async fn expire_access(State(state): State<AppState>, request: Request) -> Result<StatusCode, ApiError> {
    let (parts, body) = request.into_parts();
    let fields = body::json_fields(&parts.headers, body).await?;
    let sid = fields.required("sid").map_err(ApiError::invalid_field)?.to_owned();
    if state.store.call(move |connection| sessions::cut_off_access(connection, &sid)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", "sid: expected the id of a session"))
    }
}

async fn show(State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    let control = control(&state)?;
    Ok(Json(json!({
        "faults": control.waiting(),
        "clock_offset_ms": state.clock.offset().0,
        "requests": control.requests(),
    })))
}

async fn ledger(State(state): State<AppState>) -> Result<Response, ApiError> {
    Ok(Json(control(&state)?.ledger.report()).into_response())
}

async fn empty_ledger(State(state): State<AppState>) -> Result<StatusCode, ApiError> {
    control(&state)?.forget_requests();
    Ok(StatusCode::NO_CONTENT)
}

fn control(state: &AppState) -> Result<&Control, ApiError> {
    state
        .control
        .as_deref()
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "not_found", "only with --faults"))
}
