//! The routes, and what surrounds all of them.

mod answer;
mod api;
mod refresh;
mod sign_in;
mod sign_out;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get, post};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::AppState;
use crate::{cors, faults, static_files};

/// The whole server as one service.
pub(crate) fn router(state: AppState) -> Router {
    let mut routes = Router::new()
        .route("/auth/register", post(sign_in::register))
        .route("/auth/login", post(sign_in::login))
        .route("/auth/refresh", post(refresh::refresh))
        .route("/auth/logout", post(sign_out::logout))
        .route("/auth/revoke", post(sign_out::revoke))
        .route("/api/me", get(api::me))
        .route("/api/echo", any(api::echo))
        .route("/api/echo/{*rest}", any(api::echo))
        .route("/health", get(health));
    if state.control.is_some() {
        routes = routes.merge(faults::routes());
    }
    routes
        .fallback(static_files::page)
        .method_not_allowed_fallback(method_not_allowed)
        // Outside of the routes: an answer spoilt by a fault carries the CORS headers and the date of any other.
        .layer(middleware::from_fn_with_state(state.clone(), faults::intercept))
        .layer(cors::layer(&state.config.allowed_origins))
        .layer(middleware::from_fn_with_state(state.clone(), stamp))
        .with_state(state)
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "expected another method, see Allow")
}

/// Headers of every answer: the date by the server's own clock, and nothing that carries a token is stored.
async fn stamp(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(date) = HeaderValue::from_str(&state.clock.http_date()) {
        headers.insert(header::DATE, date);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
