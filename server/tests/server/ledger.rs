//! The ledger: every use of every refresh token.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::{World, claims, eventually, send};

#[tokio::test]
async fn a_session_is_told_from_sign_in_to_sign_out() {
    let world = World::start(&["--faults"]).await;
    let first = world.sign_in().await;
    let second = world.refresh(&first.refresh).await.pair();
    world.post("/auth/logout", json!({ "refresh_token": second.refresh })).await;
    let report = world.get("/ledger").await.json;
    let entries = report["entries"].as_array().expect("entries");
    let told: Vec<_> = entries.iter().map(|entry| (text(entry, "kind"), text(entry, "outcome"))).collect();
    assert_eq!(told, [("login", "issued"), ("refresh", "rotated"), ("logout", "revoked")]);
    assert!(entries.iter().all(|entry| entry["family"] == claims(&first.access)["sid"]));
    assert_eq!(entries[1]["token_fingerprint"], fingerprint(&first.refresh));
    assert_eq!(entries[2]["token_fingerprint"], fingerprint(&second.refresh));
    assert_eq!((&entries[0]["n"], &entries[2]["n"]), (&json!(1), &json!(3)));
    assert_eq!((&report["refreshes"], &report["reuses"]), (&json!(1), &json!(0)));
    assert!(!report.to_string().contains(&second.refresh[..8]), "the ledger must not hold a token");
}

#[tokio::test]
async fn every_outcome_of_a_refresh_is_told_apart() {
    let world = World::start(&["--faults", "--grace", "1h"]).await;
    let first = world.sign_in().await;
    let second = world.refresh(&first.refresh).await.pair();
    world.refresh(&first.refresh).await;
    world.refresh(&second.refresh).await;
    world.refresh(&first.refresh).await;
    world.refresh(&second.refresh).await;
    world.refresh("nonsense").await;
    let expired = world.sign_in_with(json!({ "refresh_ttl": -1 })).await.pair();
    world.refresh(&expired.refresh).await;
    let told: Vec<_> = world
        .ledger("refresh")
        .await
        .iter()
        .map(|entry| (text(entry, "outcome").to_owned(), entry["reuse"] == true, entry["status"].as_u64()))
        .collect();
    let expected = [
        ("rotated", false, 200),
        ("grace", true, 200),
        ("rotated", false, 200),
        ("reused", true, 400),
        ("revoked", true, 400),
        ("unknown", false, 400),
        ("expired", false, 400),
    ];
    assert_eq!(told, expected.map(|(outcome, reuse, status)| (outcome.to_owned(), reuse, Some(status))));
    assert_eq!(world.get("/ledger").await.json["reuses"], 3);
}

#[tokio::test]
async fn a_use_that_a_fault_answered_is_there_with_what_happened_to_the_token() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    let fault = world.fault(json!({ "path": "/auth/refresh", "times": 1, "status": 503 })).await;
    world.refresh(&pair.refresh).await;
    let lost = world.fault(json!({ "path": "/auth/refresh", "times": 1, "drop": "after" })).await;
    let request =
        world.request(Method::POST, "/auth/refresh").json(&json!({ "refresh_token": pair.refresh }));
    request.send().await.expect_err("a closed connection");
    world.fault(json!({ "path": "/auth/refresh", "times": 1, "html": true })).await;
    world.refresh(&pair.refresh).await;
    let entries = world.ledger("refresh").await;
    let family = &claims(&pair.access)["sid"];
    for (entry, fault, token_outcome, status, reuse) in [
        (&entries[0], json!(fault), "not_handled", 503, false),
        (&entries[1], json!(lost), "rotated", 0, false),
        (&entries[2], json!(lost + 1), "not_handled", 200, true),
    ] {
        assert_eq!(entry["outcome"], "faulted");
        assert_eq!(entry["token_outcome"], token_outcome);
        assert_eq!((&entry["fault"], &entry["status"]), (&fault, &json!(status)));
        assert_eq!(entry["reuse"], reuse);
        assert_eq!(entry["token_fingerprint"], fingerprint(&pair.refresh));
        assert_eq!(&entry["family"], family);
    }
}

#[tokio::test]
async fn a_use_whose_client_left_during_the_latency_is_there_too() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    world.fault(json!({ "path": "/auth/refresh", "latency_ms": 600_000 })).await;
    let leaver = tokio::spawn(
        world.request(Method::POST, "/auth/refresh").json(&json!({ "refresh_token": pair.refresh })).send(),
    );
    eventually("the request has arrived", async || world.ledger("refresh").await.len() == 1).await;
    leaver.abort();
    let entry = &world.ledger("refresh").await[0];
    assert_eq!((text(entry, "outcome"), text(entry, "token_outcome")), ("faulted", "not_handled"));
    assert_eq!(entry["token_fingerprint"], fingerprint(&pair.refresh));
    world.delete("/faults").await;
    assert_eq!(world.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn a_caller_is_named_by_header_or_query() {
    let world = World::start(&["--faults"]).await;
    let first = world.sign_in().await;
    let request = world.request(Method::POST, "/auth/refresh").header("x-ledger-caller", "tab 1");
    let second = send(request.json(&json!({ "refresh_token": first.refresh }))).await.pair();
    world.post("/auth/refresh?caller=tab%202", json!({ "refresh_token": second.refresh })).await;
    let callers: Vec<_> = world.ledger("refresh").await.iter().map(|entry| entry["caller"].clone()).collect();
    assert_eq!(callers, ["tab 1", "tab 2"]);
    assert_eq!(world.ledger("login").await[0]["caller"], "");
}

#[tokio::test]
async fn a_cookie_refresh_is_recorded_like_any_other() {
    let world = World::start(&["--faults"]).await;
    let answer = world.sign_in_with(json!({ "mode": "cookie" })).await;
    let cookie = answer.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let token = cookie.split_once('=').expect("a value").1.to_owned();
    world.fault(json!({ "path": "/auth/refresh", "times": 1, "status": 500 })).await;
    for _ in 0..2 {
        let request = world.request(Method::POST, "/auth/refresh").header("cookie", &cookie);
        send(request.header("x-requested-with", "x")).await;
    }
    let entries = world.ledger("refresh").await;
    assert_eq!((text(&entries[0], "outcome"), text(&entries[1], "outcome")), ("faulted", "rotated"));
    assert!(entries.iter().all(|entry| entry["token_fingerprint"] == fingerprint(&token)));
}

#[tokio::test]
async fn simultaneous_refreshes_and_answers_of_the_api_are_counted() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    world.me(&pair.access).await;
    world.get("/api/me").await;
    world.fault(json!({ "path": "/auth/refresh", "times": 3, "hang": true })).await;
    let request =
        || world.request(Method::POST, "/auth/refresh").json(&json!({ "refresh_token": "x" })).send();
    let hanging: Vec<_> = (0..3).map(|_| tokio::spawn(request())).collect();
    eventually("three are in flight", async || {
        world.get("/ledger").await.json["in_flight_refreshes_max"] == 3
    })
    .await;
    world.delete("/faults").await;
    join_all(hanging).await;
    let report = world.get("/ledger").await.json;
    assert_eq!(report["api"], json!({ "ok": 1, "unauthorized": 1 }));
    assert_eq!((&report["refreshes"], &report["in_flight_refreshes_max"]), (&json!(3), &json!(3)));
    assert_eq!(world.delete("/ledger").await.status, 204);
    eventually("no refresh is in flight any more", async || {
        world.delete("/ledger").await;
        world.get("/ledger").await.json["in_flight_refreshes_max"] == 0
    })
    .await;
    let empty = json!({
        "entries": [], "refreshes": 0, "reuses": 0, "api": { "ok": 0, "unauthorized": 0 }, "in_flight_refreshes_max": 0,
    });
    assert_eq!(world.get("/ledger").await.json, empty);
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().expect("text")
}

fn fingerprint(token: &str) -> String {
    Sha256::digest(token).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
