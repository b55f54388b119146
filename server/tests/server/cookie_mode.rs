//! Sessions whose refresh token is an HttpOnly cookie.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::world::{Answer, World, send};

const CSRF: &str = "a refresh by cookie has to come from the same origin or carry X-Requested-With";

#[tokio::test]
async fn the_refresh_token_is_in_a_strict_http_only_cookie_and_not_in_the_body() {
    let world = World::start(&["--refresh-ttl", "1h"]).await;
    let answer = world.sign_in_with(json!({ "mode": "cookie" })).await;
    assert!(!answer.text.contains("refresh_token"));
    let (token, attributes) = set_cookie(&answer);
    assert_eq!(token.len(), 43);
    assert!(!answer.text.contains(&token));
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/auth; Max-Age=3600");
}

#[tokio::test]
async fn the_cookie_is_secure_where_the_browser_speaks_https() {
    let world = World::start(&[]).await;
    let (token, _) = set_cookie(&world.sign_in_with(json!({ "mode": "cookie" })).await);
    let refresh =
        with_cookie(&world, &token).header("x-requested-with", "x").header("x-forwarded-proto", "https");
    assert!(set_cookie(&send(refresh).await).1.ends_with("; Secure"));
}

#[tokio::test]
async fn a_refresh_by_cookie_stays_in_cookie_mode_and_rotates() {
    let world = World::start(&[]).await;
    let (first, _) = set_cookie(&world.sign_in_with(json!({ "mode": "cookie" })).await);
    let answer = send(with_cookie(&world, &first).header("x-requested-with", "evertoken")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json["refresh_token"].is_null());
    let (second, _) = set_cookie(&answer);
    assert_ne!(second, first);
    let access = answer.json["access_token"].as_str().expect("a token");
    assert_eq!(world.me(access).await.status, 200);
    let reused = send(with_cookie(&world, &first).header("x-requested-with", "evertoken")).await;
    assert_eq!((reused.status, &reused.json["error"]), (400, &json!("invalid_grant")));
    assert_eq!(world.me(access).await.status, 401);
}

#[tokio::test]
async fn a_refresh_by_cookie_from_elsewhere_is_refused_and_spends_nothing() {
    let world = World::start(&["--allow-origin", "http://app.example"]).await;
    let (mut token, _) = set_cookie(&world.sign_in_with(json!({ "mode": "cookie" })).await);
    let own = world.url("");
    for (name, value) in [
        ("accept", "*/*"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
    ] {
        send(with_cookie(&world, &token).header(name, value)).await.assert_error(403, "csrf", CSRF);
    }
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", own.as_str()),
        ("origin", "http://app.example"),
        ("x-requested-with", "evertoken"),
    ] {
        let answer = send(with_cookie(&world, &token).header(name, value)).await;
        assert_eq!(answer.status, 200, "{name}: {value}");
        token = set_cookie(&answer).0;
    }
}

#[tokio::test]
async fn an_empty_json_object_counts_as_an_empty_body() {
    let world = World::start(&[]).await;
    let (token, _) = set_cookie(&world.sign_in_with(json!({ "mode": "cookie" })).await);
    let answer = send(with_cookie(&world, &token).header("x-requested-with", "x").json(&json!({}))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_token_in_the_body_goes_before_the_cookie() {
    let world = World::start(&[]).await;
    let (cookie, _) = set_cookie(&world.sign_in_with(json!({ "mode": "cookie" })).await);
    let body = world.sign_in().await;
    let request = with_cookie(&world, &cookie).json(&json!({ "refresh_token": body.refresh }));
    assert_ne!(send(request).await.pair(), body);
    let untouched = send(with_cookie(&world, &cookie).header("x-requested-with", "x")).await;
    assert_eq!(untouched.status, 200);
}

#[tokio::test]
async fn signing_out_by_cookie_ends_the_session_and_clears_the_cookie() {
    let world = World::start(&[]).await;
    let answer = world.sign_in_with(json!({ "mode": "cookie" })).await;
    let (token, _) = set_cookie(&answer);
    let cookie = format!("other=1; evertoken_refresh={token}");
    let out = send(world.request(Method::POST, "/auth/logout").header("cookie", cookie)).await;
    assert_eq!(out.status, 204);
    let (value, attributes) = set_cookie(&out);
    assert_eq!(
        (value.as_str(), attributes.as_str()),
        ("", "HttpOnly; SameSite=Strict; Path=/auth; Max-Age=0")
    );
    assert_eq!(world.me(answer.json["access_token"].as_str().expect("a token")).await.status, 401);
}

fn with_cookie(world: &World, token: &str) -> RequestBuilder {
    world.request(Method::POST, "/auth/refresh").header("cookie", format!("evertoken_refresh={token}"))
}

/// The value and the attributes of the refresh cookie that an answer sets.
#[track_caller]
fn set_cookie(answer: &Answer) -> (String, String) {
    let line = answer.header("set-cookie").strip_prefix("evertoken_refresh=").expect("the refresh cookie");
    let (value, attributes) = line.split_once("; ").expect("attributes");
    (value.to_owned(), attributes.to_owned())
}
