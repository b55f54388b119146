//! The protected API: `GET /api/me` and `/api/echo`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::clock::UnixMillis;
use crate::error::{ApiError, ServerFault};
use crate::jwt::{AccessClaims, TokenFlaw};
use crate::state::AppState;
use crate::store::sessions;
use crate::store::users::User;
use crate::{body, credentials};

/// Who the token belongs to and how many whole seconds it has left.
pub(super) async fn me(State(state): State<AppState>, request: Request) -> Result<Json<Value>, ApiError> {
    let now = state.clock.now();
    let (user, claims) = authenticate(&state, request.headers(), now).await?;
    let expires_in = claims.expires.since(now).0 / 1000;
    Ok(Json(json!({ "id": user.id, "email": user.email, "expires_in": expires_in })))
}

/// What the server received, down to the bytes of the body.
pub(super) async fn echo(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    if let Err(error) = authenticate(&state, &parts.headers, state.clock.now()).await {
        discard(body).await;
        return Err(error);
    }
    let bytes = body::read(body, body::ECHO_LIMIT).await?;
    let mut report = json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query().unwrap_or_default(),
        "headers": joined(&parts.headers),
        "header_lines": lines(&parts.headers),
        "body_length": bytes.len(),
    });
    let work = move || {
        report["body_base64"] = Value::from(STANDARD.encode(&bytes));
        report.to_string()
    };
    // Encoding 100 MiB takes long enough to hold up other requests.
    let json = tokio::task::spawn_blocking(work).await.map_err(ServerFault::stopped)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// Checks the Bearer token: signature and expiry, then that its session has not ended.
async fn authenticate(
    state: &AppState,
    headers: &HeaderMap,
    now: UnixMillis,
) -> Result<(User, AccessClaims), ApiError> {
    let token = credentials::bearer(headers).ok_or_else(ApiError::missing_token)?;
    let claims =
        state.access_tokens.verify(token, now).map_err(|flaw| ApiError::invalid_token(describe(flaw)))?;
    let (family, number) = (claims.family.clone(), claims.number);
    let holder =
        state.store.call(move |connection| sessions::access_holder(connection, &family, number)).await?;
    match holder {
        None => Err(ApiError::invalid_token("the session is not known")),
        Some(holder) if holder.revoked => Err(ApiError::invalid_token("the session has been ended")),
        Some(holder) if holder.cut_off => {
            Err(ApiError::invalid_token("the access token was cut off by a test"))
        }
        Some(holder) => Ok((holder.user, claims)),
    }
}

/// Takes in a body that nobody wants: a client that is still sending when the connection closes sees a reset
/// instead of the 401.
async fn discard(body: Body) {
    // Whether it ended early or was too large, nothing hangs on it any more.
    let _ = body::read(body, 0).await;
}

fn describe(flaw: TokenFlaw) -> &'static str {
    match flaw {
        TokenFlaw::Expired => "the access token has expired",
        TokenFlaw::Malformed => "the access token is malformed",
        TokenFlaw::WrongSignature => "the access token was not issued here",
    }
}

/// Each header once; the values of one that was sent several times are joined as RFC 9110 §5.3 says.
fn joined(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .map(|name| {
            let values: Vec<_> = headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect();
            (name.as_str().to_owned(), Value::from(values.join(", ")))
        })
        .collect()
}

/// Each header line by itself. Names are in lower case: the HTTP library does not keep their spelling.
fn lines(headers: &HeaderMap) -> Vec<[String; 2]> {
    headers.iter().map(|(name, value)| [name.as_str().to_owned(), text(value.as_bytes())]).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
