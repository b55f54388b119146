//! `POST /auth/logout` and `POST /auth/revoke`: both end the whole session that a token belongs to.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::body::{self, Fields};
use crate::error::{ApiError, ServerFault};
use crate::ledger::{Kind, Outcome, Recorder, Use};
use crate::state::AppState;
use crate::store::sessions;
use crate::tokens::RefreshToken;
use crate::{cookie, credentials};

/// Ends the session named by the refresh token in the body, the cookie, or the Bearer token.
///
/// The cookie needs no proof of its origin here: `SameSite=Strict` keeps it from other sites, and the worst that a
/// page of the same site could do with it is to sign the user out.
pub(super) async fn logout(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let recorder = state.recorder(Kind::Logout, &parts);
    let fields = body::fields(&parts.headers, body).await?;
    let credential = logout_credential(&parts.headers, &fields)?;
    end(&state, credential, recorder, StatusCode::NO_CONTENT).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cleared) = cookie::cleared(&parts.headers) {
        response.headers_mut().insert(header::SET_COOKIE, cleared);
    }
    Ok(response)
}

/// RFC 7009: ends the session of a refresh or access token; a token that is not known is no error (§2.2).
pub(super) async fn revoke(State(state): State<AppState>, request: Request) -> Result<StatusCode, ApiError> {
    let (parts, body) = request.into_parts();
    let recorder = state.recorder(Kind::Revoke, &parts);
    let fields = body::fields(&parts.headers, body).await?;
    let token = fields.required("token").map_err(ApiError::invalid_request)?;
    // The hint is not needed: an access token has dots, a refresh token has none.
    let credential = Credential::of_either_kind(token);
    end(&state, credential, recorder, StatusCode::OK).await?;
    Ok(StatusCode::OK)
}

/// What names the session to end.
enum Credential {
    Access(String),
    None,
    Refresh(RefreshToken),
}

impl Credential {
    fn of_either_kind(token: &str) -> Self {
        if token.contains('.') {
            Self::Access(token.to_owned())
        } else {
            Self::Refresh(RefreshToken::presented(token))
        }
    }
}

fn logout_credential(headers: &HeaderMap, fields: &Fields) -> Result<Credential, ApiError> {
    if let Some(token) = fields.text("refresh_token").map_err(ApiError::invalid_request)? {
        return Ok(Credential::Refresh(RefreshToken::presented(token)));
    }
    if let Some(token) = cookie::refresh_token(headers) {
        return Ok(Credential::Refresh(token));
    }
    Ok(credentials::bearer(headers).map_or(Credential::None, |token| Credential::Access(token.to_owned())))
}

async fn end(
    state: &AppState,
    credential: Credential,
    recorder: Recorder,
    status: StatusCode,
) -> Result<(), ServerFault> {
    let now = state.clock.now();
    let (token, family) = match credential {
        // Also an expired access token: its session may well be alive.
        Credential::Access(token) => {
            (None, state.access_tokens.read(&token).ok().map(|claims| claims.family))
        }
        Credential::None => (None, None),
        Credential::Refresh(token) => (Some(token), None),
    };
    state
        .store
        .call(move |connection| {
            let facts = match &token {
                Some(token) => sessions::facts(connection, token.hash())?,
                None => None,
            };
            let reuse = facts.as_ref().is_some_and(|facts| facts.spent);
            let family = facts.map(|facts| facts.family).or(family);
            let outcome = match &family {
                Some(family) => {
                    sessions::end_family(connection, family, now)?;
                    Outcome::Revoked
                }
                None => Outcome::Unknown,
            };
            recorder.record(Use { reuse, ..Use::of(token.as_ref(), family, outcome, status) });
            Ok(())
        })
        .await
}
