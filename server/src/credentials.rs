//! What a request shows to prove who sent it: a Bearer token, a refresh token, or the cookie.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::body;
use crate::error::ApiError;

/// The Bearer token of a request (RFC 6750 §2.1); other schemes count as none.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Refuses a refresh by cookie that another site's page could have sent.
pub(crate) fn check_refresh_origin(headers: &HeaderMap, allowed: &[HeaderValue]) -> Result<(), ApiError> {
    if is_same_origin(headers, allowed) {
        return Ok(());
    }
    Err(csrf("a refresh by cookie has to come from the same origin or carry X-Requested-With"))
}

/// Refuses a sign-in by cookie that another site's page could have sent, to plant a session of its own account.
///
/// Programs other than browsers send neither `Origin` nor `Sec-Fetch-Site`; from them JSON is enough. An old browser
/// may send neither too, but not JSON across origins without a preflight.
pub(crate) fn check_sign_in_origin(headers: &HeaderMap, allowed: &[HeaderValue]) -> Result<(), ApiError> {
    let browser = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    if is_same_origin(headers, allowed) || (!browser && body::is_json(headers)) {
        return Ok(());
    }
    Err(csrf("a sign-in by cookie has to come from the same origin or carry X-Requested-With"))
}

/// Whether one of these holds: `X-Requested-With` is there (a page of another origin needs a preflight for it),
/// `Sec-Fetch-Site` says `same-origin`, or `Origin` is this server's own or on the list of `--allow-origin`.
fn is_same_origin(headers: &HeaderMap, allowed: &[HeaderValue]) -> bool {
    let fetch_site = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    headers.contains_key("x-requested-with") || fetch_site || origin_is_trusted(headers, allowed)
}

fn csrf(description: &'static str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "csrf", description)
}

fn origin_is_trusted(headers: &HeaderMap, allowed: &[HeaderValue]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    if allowed.contains(origin) {
        return true;
    }
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    matches!((authority, host), (Some((_, authority)), Some(host)) if authority.eq_ignore_ascii_case(host))
}
