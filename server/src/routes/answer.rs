//! The token answer of a sign-in and of a refresh (RFC 6749 §5.1).

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Number, Value, json};

use crate::clock::UnixMillis;
use crate::cookie;
use crate::jwt::seconds;
use crate::state::AppState;
use crate::store::sessions::{Grant, Mode};

/// Hands out a grant: the refresh token in the body or as the cookie, as the session began. `now` is the time by
/// which the request was decided.
pub(super) fn tokens(
    state: &AppState,
    status: StatusCode,
    grant: &Grant,
    now: UnixMillis,
    request: &HeaderMap,
) -> Response {
    let mut body = json!({
        "access_token": state.access_tokens.sign(grant),
        "token_type": "Bearer",
        "expires_in": expires_in(grant, now),
        "user": grant.user,
    });
    if grant.mode == Mode::Body {
        body["refresh_token"] = Value::from(grant.refresh_token.expose());
        return (status, Json(body)).into_response();
    }
    let mut response = (status, Json(body)).into_response();
    if let Some(cookie) = cookie::set(&grant.refresh_token, grant.lifetimes.refresh, request) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What is left of the access token's life: all of it, but for a pair handed out again within the grace interval.
fn expires_in(grant: &Grant, now: UnixMillis) -> Number {
    let life = grant.lifetimes.access.0;
    let left = life.saturating_sub(now.since(grant.issued).0);
    // Whole seconds stay whole, as most servers send them.
    if life % 1000 == 0 { Number::from(left.div_euclid(1000)) } else { seconds(left) }
}
