//! `POST /auth/refresh`.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::body::{self, Fields};
use crate::error::ApiError;
use crate::ledger::{Kind, Outcome, Use};
use crate::routes::answer;
use crate::state::AppState;
use crate::store::sessions::{self, RefusalReason, Rotation};
use crate::tokens::RefreshToken;
use crate::{cookie, credentials};

/// Spends a refresh token for the next pair.
pub(super) async fn refresh(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let recorder = state.recorder(Kind::Refresh, &parts);
    let fields = body::fields(&parts.headers, body).await?;
    let token = presented(&state, &parts, &fields)?;
    let (grace, now) = (state.config.grace.into(), state.clock.now());
    let rotation = state
        .store
        .call(move |connection| {
            let rotation = sessions::rotate(connection, &token, grace, now)?;
            recorder.record(entry(&token, &rotation));
            Ok(rotation)
        })
        .await?;
    Ok(match rotation {
        Rotation::Grace(grant) | Rotation::Rotated(grant) => {
            answer::tokens(&state, StatusCode::OK, &grant, now, &parts.headers)
        }
        Rotation::Refused(refusal) => ApiError::invalid_grant(refusal.reason.description()).into_response(),
    })
}

/// The refresh token of the request: in its body, else in its cookie.
fn presented(state: &AppState, parts: &Parts, fields: &Fields) -> Result<RefreshToken, ApiError> {
    let grant_type = fields.text("grant_type").map_err(ApiError::invalid_request)?;
    if grant_type.is_some_and(|grant_type| grant_type != "refresh_token") {
        let description = "grant_type: expected refresh_token";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", description));
    }
    if let Some(token) = fields.text("refresh_token").map_err(ApiError::invalid_request)? {
        return Ok(RefreshToken::presented(token));
    }
    let Some(token) = cookie::refresh_token(&parts.headers) else {
        return Err(ApiError::invalid_request(
            "refresh_token: expected one in the body or the cookie, found none",
        ));
    };
    credentials::check_refresh_origin(&parts.headers, &state.config.allowed_origins)?;
    Ok(token)
}

fn entry(token: &RefreshToken, rotation: &Rotation) -> Use {
    let (outcome, family, reuse, status) = match rotation {
        Rotation::Grace(grant) => (Outcome::Grace, Some(grant.family.clone()), true, StatusCode::OK),
        Rotation::Rotated(grant) => (Outcome::Rotated, Some(grant.family.clone()), false, StatusCode::OK),
        Rotation::Refused(refusal) => {
            let outcome = match refusal.reason {
                RefusalReason::Expired => Outcome::Expired,
                RefusalReason::Reused => Outcome::Reused,
                RefusalReason::Revoked => Outcome::Revoked,
                RefusalReason::Unknown => Outcome::Unknown,
            };
            (outcome, refusal.family.clone(), refusal.spent, StatusCode::BAD_REQUEST)
        }
    };
    Use { reuse, ..Use::of(Some(token), family, outcome, status) }
}
