//! Faults at work: every request passes here before its route.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use crate::body::{self, Fields};
use crate::cookie;
use crate::error::ApiError;
use crate::faults::Control;
use crate::faults::plan::{DropTime, Effect, Fault};
use crate::ledger::{self, Kind, OpenEntry, Outcome, Use};
use crate::state::AppState;
use crate::store::sessions;
use crate::tokens::RefreshToken;

/// In a response's extensions: close the connection instead of sending it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HangUp;

/// Counts the request and lets the first fault for its path have its way with it.
pub(crate) async fn intercept(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(control) = state.control.clone() else { return next.run(request).await };
    let path = request.uri().path().to_owned();
    if is_control_path(&path) {
        return next.run(request).await;
    }
    control.count_request(&path);
    let refreshing = kind_of(request.method(), &path) == Some(Kind::Refresh);
    let _in_flight = refreshing.then(|| control.ledger.begin_refresh());
    let response = match control.take(&path) {
        Some((fault, cleared)) => spoil(&state, &control, fault, cleared, request, next)
            .await
            .unwrap_or_else(IntoResponse::into_response),
        None => next.run(request).await,
    };
    if path.starts_with("/api/") && response.extensions().get::<HangUp>().is_none() {
        control.ledger.count_api(response.status());
    }
    response
}

async fn spoil(
    state: &AppState,
    control: &Arc<Control>,
    fault: Fault,
    mut cleared: watch::Receiver<u64>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (request, entry) = note(state, control, fault.id, request).await?;
    tokio::time::sleep(fault.spec.latency()).await;
    let response = match fault.effect {
        Effect::Answer(answer) => {
            let response = answer.into_response();
            if let Some(OpenEntry(number)) = entry {
                control.ledger.spoil(number, response.status().as_u16());
            }
            response
        }
        Effect::Drop(time) => {
            if time == DropTime::After {
                next.run(request).await;
            }
            if let Some(OpenEntry(number)) = entry {
                control.ledger.spoil(number, 0);
            }
            hang_up()
        }
        Effect::Hang => {
            // An error means that the server is going down; the request then goes the same way.
            let _ = cleared.changed().await;
            next.run(request).await
        }
        Effect::Nothing => next.run(request).await,
    };
    tokio::time::sleep(fault.spec.answer_latency()).await;
    Ok(response)
}

/// Writes the refresh token of a request into the ledger before the fault acts, so that not even a request that
/// is never handled goes unrecorded. Its handling, if any, completes the entry.
async fn note(
    state: &AppState,
    control: &Control,
    fault: u64,
    request: Request,
) -> Result<(Request, Option<OpenEntry>), ApiError> {
    let Some(kind) = kind_of(request.method(), request.uri().path()) else { return Ok((request, None)) };
    let (mut parts, body) = request.into_parts();
    let bytes = body::read(body, body::MEBIBYTE).await?;
    let token = presented(kind, &parts, &bytes);
    let facts = match token.as_ref().map(RefreshToken::hash) {
        Some(hash) => state.store.call(move |connection| sessions::facts(connection, hash)).await?,
        None => None,
    };
    let mut used = Use::of(token.as_ref(), None, Outcome::NotHandled, StatusCode::OK);
    if let Some(facts) = facts {
        used.family = Some(facts.family);
        used.reuse = facts.spent;
    }
    let entry = OpenEntry(control.ledger.open(kind, ledger::caller(&parts), used, fault));
    parts.extensions.insert(entry);
    Ok((Request::from_parts(parts, Body::from(bytes)), Some(entry)))
}

/// The refresh token of a request, as its route would find it.
fn presented(kind: Kind, parts: &Parts, body: &[u8]) -> Option<RefreshToken> {
    let fields = Fields::parse(&parts.headers, body).unwrap_or_default();
    let name = if kind == Kind::Revoke { "token" } else { "refresh_token" };
    let in_body = fields.text(name).ok().flatten().map(RefreshToken::presented);
    in_body.or_else(|| {
        cookie::refresh_token(&parts.headers).filter(|_| matches!(kind, Kind::Logout | Kind::Refresh))
    })
}

fn kind_of(method: &Method, path: &str) -> Option<Kind> {
    match (method, path) {
        (&Method::POST, "/auth/login" | "/auth/register") => Some(Kind::Login),
        (&Method::POST, "/auth/logout") => Some(Kind::Logout),
        (&Method::POST, "/auth/refresh") => Some(Kind::Refresh),
        (&Method::POST, "/auth/revoke") => Some(Kind::Revoke),
        _ => None,
    }
}

fn is_control_path(path: &str) -> bool {
    path == "/ledger" || path == "/faults" || path.starts_with("/faults/")
}

fn hang_up() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(HangUp);
    response
}
