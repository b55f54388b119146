//! Answers that are errors: always JSON with `error` and `error_description`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error answer to a client. It never holds what the client sent as a secret.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    description: String,
    challenge: Option<HeaderValue>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        Self { status, code, description: description.into(), challenge: None }
    }

    /// 400: the request cannot be read.
    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// 422: the request is well formed, but a field is not what was expected.
    pub(crate) fn invalid_field(description: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", description)
    }

    /// 400 `invalid_grant` (RFC 6749 §5.2): the refresh token is of no use any more.
    pub(crate) fn invalid_grant(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
    }

    /// 401 for a request without a token; RFC 6750 §3.1 wants no error code in its challenge.
    pub(crate) fn missing_token() -> Self {
        let error =
            Self::new(StatusCode::UNAUTHORIZED, "missing_token", "expected an access token as Bearer");
        Self { challenge: Some(HeaderValue::from_static("Bearer")), ..error }
    }

    /// 401 `invalid_token` (RFC 6750 §3.1) with the reason in the challenge.
    pub(crate) fn invalid_token(description: &'static str) -> Self {
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{description}\"");
        let error = Self::new(StatusCode::UNAUTHORIZED, "invalid_token", description);
        Self { challenge: HeaderValue::from_str(&challenge).ok(), ..error }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.code, "error_description": self.description });
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Something of the server's own has failed: the database, entropy, a task. Clients learn only that.
#[derive(Debug)]
pub(crate) struct ServerFault(String);

impl ServerFault {
    pub(crate) fn password(error: impl std::fmt::Display) -> Self {
        Self(format!("password hash: {error}"))
    }

    pub(crate) fn stopped(error: impl std::fmt::Display) -> Self {
        Self(format!("background work ended early: {error}"))
    }

    pub(crate) fn corrupt(what: &str) -> Self {
        Self(format!("database: {what}"))
    }
}

impl std::fmt::Display for ServerFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ServerFault {}

impl From<rusqlite::Error> for ServerFault {
    fn from(error: rusqlite::Error) -> Self {
        Self(format!("database: {error}"))
    }
}

impl From<getrandom::Error> for ServerFault {
    fn from(error: getrandom::Error) -> Self {
        Self(format!("entropy: {error}"))
    }
}

impl From<ServerFault> for ApiError {
    fn from(fault: ServerFault) -> Self {
        eprintln!("evertoken-server: {fault}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "the server could not do its work; try again",
        )
    }
}
