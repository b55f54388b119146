//! The routes of the control API.

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::body;
use crate::clock::Millis;
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
}

async fn add(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let fields = body::fields(&parts.headers, body).await?;
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
    let fields = body::fields(&parts.headers, body).await?;
    let offset = fields.number("offset_ms").map_err(ApiError::invalid_field)?;
    let offset = offset.ok_or_else(|| ApiError::invalid_field("offset_ms: expected a number, found none"))?;
    if offset.abs() > LARGEST_OFFSET_MS {
        return Err(ApiError::invalid_field("offset_ms: expected at most 100 years"));
    }
    state.clock.set_offset(Millis(offset as i64));
    Ok(Json(json!({ "offset_ms": state.clock.offset().0, "now": seconds(state.clock.now().0) })))
}

async fn revoke(State(state): State<AppState>, request: Request) -> Result<Json<Value>, ApiError> {
    let (parts, body) = request.into_parts();
    let fields = body::fields(&parts.headers, body).await?;
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
    let fields = body::fields(&parts.headers, body).await?;
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

const LARGEST_OFFSET_MS: f64 = 100.0 * 365.25 * 86_400_000.0;
