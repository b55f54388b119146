//! Sessions whose refresh token is an HttpOnly cookie.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::world::{Answer, EMAIL, PASSWORD, World, send};

const NEWCOMER: &str = "bob@example.com";
const SIGN_IN_CSRF: &str = "a sign-in by cookie has to come from the same origin or carry X-Requested-With";
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
async fn a_sign_in_by_cookie_from_elsewhere_is_refused_and_makes_no_session_or_account() {
    let world = World::start(&["--allow-origin", "http://app.example"]).await;
    for path in ["/auth/login", "/auth/register"] {
        for form in [true, false] {
            for (name, value) in [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
                ("origin", "http://evil.example"),
                ("origin", "null"),
            ] {
                let answer = send(sign_in_by_cookie(&world, path, form).header(name, value)).await;
                answer.assert_error(403, "csrf", SIGN_IN_CSRF);
                assert_eq!(answer.header("set-cookie"), "", "{path} {name}: {value}");
            }
        }
        let old_browser = send(sign_in_by_cookie(&world, path, true)).await;
        old_browser.assert_error(403, "csrf", SIGN_IN_CSRF);
    }
    let account = json!({ "email": NEWCOMER, "password": PASSWORD });
    let unknown = world.post("/auth/login", account).await;
    assert_eq!(unknown.status, 401, "a refused registration must not make the account");
}

#[tokio::test]
async fn a_sign_in_by_cookie_from_the_same_or_a_listed_origin_or_with_the_header_is_taken() {
    let world = World::start(&["--allow-origin", "http://app.example"]).await;
    let own = world.url("");
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", own.as_str()),
        ("origin", "http://app.example"),
        ("x-requested-with", "evertoken"),
    ] {
        for form in [true, false] {
            let answer = send(sign_in_by_cookie(&world, "/auth/login", form).header(name, value)).await;
            assert_eq!(answer.status, 200, "{name}: {value}: {}", answer.text);
            set_cookie(&answer);
        }
    }
    let program = send(sign_in_by_cookie(&world, "/auth/register", false)).await;
    assert_eq!(program.status, 201, "JSON without Origin and Sec-Fetch-Site: {}", program.text);
}

#[tokio::test]
async fn a_sign_in_without_a_cookie_needs_no_proof_of_its_origin() {
    let world = World::start(&[]).await;
    let form = world.request(Method::POST, "/auth/login").form(&[("email", EMAIL), ("password", PASSWORD)]);
    let answer = send(form.header("origin", "http://evil.example")).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, ""));
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

/// A sign-in, or the registration of a new account, as a form or as JSON.
fn sign_in_by_cookie(world: &World, path: &str, form: bool) -> RequestBuilder {
    let email = if path == "/auth/register" { NEWCOMER } else { EMAIL };
    let fields = [("email", email), ("password", PASSWORD), ("mode", "cookie")];
    let request = world.request(Method::POST, path);
    if form { request.form(&fields) } else { request.json(&BTreeMap::from(fields)) }
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
