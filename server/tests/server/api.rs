//! The protected API.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, send};

#[tokio::test]
async fn me_says_who_the_token_belongs_to_and_how_long_it_is_good() {
    let world = World::start(&["--access-ttl", "1h"]).await;
    let signed_in = world.sign_in_with(json!({})).await;
    let me = world.me(&signed_in.pair().access).await;
    assert_eq!(me.status, 200);
    assert_eq!(me.json["id"], signed_in.json["user"]["id"]);
    assert_eq!(me.json["email"], signed_in.json["user"]["email"]);
    let left = me.json["expires_in"].as_i64().expect("whole");
    assert!((3_400..=3_601).contains(&left), "{left}");
}

#[tokio::test]
async fn without_a_token_the_challenge_has_no_error() {
    let world = World::start(&[]).await;
    let basic = world.request(Method::GET, "/api/me").header("authorization", "Basic YTpi");
    for answer in [world.get("/api/me").await, world.get("/api/echo").await, send(basic).await] {
        answer.assert_error(401, "missing_token", "expected an access token as Bearer");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn a_token_that_is_no_good_is_refused_with_the_reason() {
    let world = World::start(&["--faults"]).await;
    let expired = world.sign_in_with(json!({ "access_ttl": -1 })).await.pair().access;
    let ended = world.sign_in().await;
    world.post("/auth/revoke", json!({ "token": ended.refresh })).await;
    let mut foreign = ended.access.clone();
    foreign.replace_range(..1, "f");
    for (token, reason) in [
        (expired.as_str(), "the access token has expired"),
        (ended.access.as_str(), "the session has been ended"),
        (foreign.as_str(), "the access token was not issued here"),
        ("nonsense", "the access token is malformed"),
    ] {
        let answer = world.me(token).await;
        answer.assert_error(401, "invalid_token", reason);
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{reason}\"");
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn the_scheme_may_be_spelt_in_any_case() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    let request =
        world.request(Method::GET, "/api/me").header("authorization", format!("bearer {}", pair.access));
    assert_eq!(send(request).await.status, 200);
}

#[tokio::test]
async fn echo_shows_what_arrived() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    let body = [0u8, 255, b'a'];
    let request = world
        .request(Method::PATCH, "/api/echo?a=1&b=%20")
        .bearer_auth(&pair.access)
        .header("X-One", "1")
        .header("X-One", "2")
        .body(body.to_vec());
    let echo = send(request).await.json;
    assert_eq!(echo["method"], "PATCH");
    assert_eq!(echo["path"], "/api/echo");
    assert_eq!(echo["query"], "a=1&b=%20");
    assert_eq!(echo["headers"]["x-one"], "1, 2");
    assert_eq!(echo["headers"]["authorization"], format!("Bearer {}", pair.access));
    let lines = echo["header_lines"].as_array().expect("lines");
    assert_eq!(lines.iter().filter(|line| line[0] == "x-one").count(), 2);
    assert_eq!(echo["body_length"], 3);
    assert_eq!(echo["body_base64"], STANDARD.encode(body));
}

#[tokio::test]
async fn echo_takes_bodies_that_other_routes_refuse() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    let body: Vec<u8> = (0..3 * 1024 * 1024).map(|at| (at % 251) as u8).collect();
    let echo =
        send(world.request(Method::POST, "/api/echo").bearer_auth(&pair.access).body(body.clone())).await;
    assert_eq!(echo.status, 200);
    assert_eq!(echo.json["body_length"], body.len());
    assert_eq!(echo.json["body_base64"], STANDARD.encode(&body));
}

#[tokio::test]
async fn a_large_body_with_a_bad_token_still_gets_its_401() {
    let world = World::start(&[]).await;
    let body = vec![1u8; 8 * 1024 * 1024];
    let answer = send(world.request(Method::POST, "/api/echo").bearer_auth("a.b.c").body(body)).await;
    assert_eq!((answer.status, &answer.json["error"]), (401, &json!("invalid_token")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_simultaneous_requests_are_all_answered() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    let answers = join_all((0..1_000).map(|_| world.me(&pair.access))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1_000);
}
