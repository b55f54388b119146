//! The cookie that holds the refresh token of a session in cookie mode.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::clock::Millis;
use crate::tokens::RefreshToken;

/// The refresh token of the request's cookie, if it has one.
pub(crate) fn refresh_token(headers: &HeaderMap) -> Option<RefreshToken> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == NAME && !value.is_empty())
        .map(|(_, value)| RefreshToken::presented(value))
}

/// `Set-Cookie` for a refresh token that lives as long as `life`.
pub(crate) fn set(token: &RefreshToken, life: Millis, headers: &HeaderMap) -> Option<HeaderValue> {
    // Rounded up: the browser must not forget a token that the server still takes.
    let max_age = life.0.max(0).saturating_add(999) / 1000;
    written(token.expose(), max_age, headers)
}

/// `Set-Cookie` that removes the cookie.
pub(crate) fn cleared(headers: &HeaderMap) -> Option<HeaderValue> {
    written("", 0, headers)
}

fn written(value: &str, max_age: i64, headers: &HeaderMap) -> Option<HeaderValue> {
    // This server speaks plain HTTP; behind a proxy that speaks TLS the browser's side is https.
    let https =
        headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
    let secure = if https { "; Secure" } else { "" };
    let line = format!("{NAME}={value}; HttpOnly; SameSite=Strict; Path=/auth; Max-Age={max_age}{secure}");
    HeaderValue::from_str(&line).ok()
}

const NAME: &str = "evertoken_refresh";
