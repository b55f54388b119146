//! The control API: each kind of fault, and what can be done to sessions and the clock.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::world::{EMAIL, PASSWORD, World, claims, eventually, send};

#[tokio::test]
async fn a_status_is_answered_unhandled_as_often_as_ordered() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    let retry_after = "Wed, 21 Oct 2099 07:28:00 GMT";
    world
        .fault(json!({ "path": "/auth/refresh", "times": 2, "status": 429, "retry_after": retry_after }))
        .await;
    for _ in 0..2 {
        let answer = world.refresh(&pair.refresh).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, retry_after));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json["error"], "fault");
    }
    assert_eq!(world.refresh(&pair.refresh).await.status, 200, "the faults must not have spent the token");
}

#[tokio::test]
async fn a_body_is_sent_as_it_is_with_the_type_ordered() {
    let world = World::start(&["--faults"]).await;
    for (fault, status, text, content_type) in [
        (
            json!({ "path": "/", "times": 1, "body": "not { json" }),
            200,
            "not { json",
            "text/plain; charset=utf-8",
        ),
        (json!({ "path": "/", "times": 1, "body": "" }), 200, "", "text/plain; charset=utf-8"),
        (json!({ "path": "/", "times": 1, "body": { "a": 1 } }), 200, "{\"a\":1}", "application/json"),
        (
            json!({ "path": "/", "times": 1, "status": 400, "body": "<x/>", "content_type": "text/xml" }),
            400,
            "<x/>",
            "text/xml",
        ),
    ] {
        world.fault(fault).await;
        let answer = world.get("/health").await;
        assert_eq!((answer.status, answer.text.as_str()), (status, text));
        assert_eq!(answer.header("content-type"), content_type);
    }
}

#[tokio::test]
async fn html_is_a_page_with_status_200() {
    let world = World::start(&["--faults"]).await;
    world.fault(json!({ "path": "/auth/refresh", "html": true })).await;
    let answer = world.refresh("x").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(answer.text.starts_with("<!doctype html>"));
}

#[tokio::test]
async fn dropped_before_nothing_has_happened() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    world.fault(json!({ "path": "/auth/refresh", "times": 1, "drop": "before" })).await;
    assert_is_cut_off(&world, &pair.refresh).await;
    assert_eq!(world.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn dropped_after_the_token_is_spent_and_the_answer_lost() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    world.fault(json!({ "path": "/auth/refresh", "times": 1, "drop": "after" })).await;
    assert_is_cut_off(&world, &pair.refresh).await;
    assert_eq!(world.refresh(&pair.refresh).await.status, 400);
}

#[tokio::test]
async fn with_a_grace_interval_a_lost_answer_can_be_had_again() {
    let world = World::start(&["--faults", "--grace", "10m"]).await;
    let pair = world.sign_in().await;
    world.fault(json!({ "path": "/auth/refresh", "times": 1, "drop": "after" })).await;
    assert_is_cut_off(&world, &pair.refresh).await;
    let next = world.refresh(&pair.refresh).await.pair();
    assert_eq!(world.me(&next.access).await.status, 200);
    assert_eq!(world.refresh(&next.refresh).await.status, 200);
}

#[tokio::test]
async fn latency_comes_before_the_handling() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    world.fault(json!({ "path": "/auth/refresh", "times": 1, "latency_ms": 300 })).await;
    let started = Instant::now();
    assert_eq!(world.refresh(&pair.refresh).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn answer_latency_comes_after_the_commit() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    world.fault(json!({ "path": "/auth/refresh", "times": 1, "answer_latency_ms": 600_000 })).await;
    let leaver = tokio::spawn(
        world.request(Method::POST, "/auth/refresh").json(&json!({ "refresh_token": pair.refresh })).send(),
    );
    eventually("the rotation is committed", async || {
        world.ledger("refresh").await.iter().any(|entry| entry["token_outcome"] == "rotated")
    })
    .await;
    leaver.abort();
    assert_eq!(world.refresh(&pair.refresh).await.status, 400);
}

#[tokio::test]
async fn latency_goes_with_another_fault_in_one_object() {
    let world = World::start(&["--faults"]).await;
    world.fault(json!({ "path": "/health", "latency_ms": 200, "status": 502 })).await;
    let started = Instant::now();
    assert_eq!(world.get("/health").await.status, 502);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_hanging_request_is_answered_once_the_faults_are_cleared() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    world.fault(json!({ "path": "/auth/refresh", "hang": true })).await;
    let hanging = tokio::spawn(
        world.request(Method::POST, "/auth/refresh").json(&json!({ "refresh_token": pair.refresh })).send(),
    );
    eventually("the request has arrived", async || world.ledger("refresh").await.len() == 1).await;
    assert!(!hanging.is_finished());
    assert_eq!(world.delete("/faults").await.status, 204);
    let answer = hanging.await.expect("no panic").expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn faults_queue_in_order_and_only_meet_their_paths() {
    let world = World::start(&["--faults"]).await;
    let first = world.fault(json!({ "path": "/api", "times": 1, "status": 501 })).await;
    let second = world.fault(json!({ "path": "/api/me", "times": null, "status": 502 })).await;
    assert!(second > first);
    let state = world.get("/faults/state").await.json;
    assert_eq!(state["faults"].as_array().expect("faults").len(), 2);
    assert_eq!(world.get("/health").await.status, 200);
    assert_eq!(world.get("/api/me").await.status, 501);
    assert_eq!(world.get("/api/me").await.status, 502);
    assert_eq!(world.get("/api/echo").await.status, 401);
    assert_eq!(world.get("/api/me").await.status, 502);
    assert_eq!(world.get("/faults/state").await.json["faults"][0]["id"], second);
    world.delete("/faults").await;
    assert_eq!(world.get("/api/me").await.status, 401);
}

#[tokio::test]
async fn the_state_counts_requests_but_not_its_own() {
    let world = World::start(&["--faults"]).await;
    world.get("/health").await;
    world.get("/health?x=1").await;
    world.get("/api/me").await;
    let state = world.get("/faults/state").await.json;
    assert_eq!(state["requests"], json!({ "/health": 2, "/api/me": 1 }));
    assert_eq!(state["clock_offset_ms"], 0);
    world.delete("/ledger").await;
    assert_eq!(world.get("/faults/state").await.json["requests"], json!({}));
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused_by_name() {
    let world = World::start(&["--faults"]).await;
    let choose = "expected one of latency_ms, answer_latency_ms, status, body, html, drop and hang";
    for (fault, description) in [
        (json!({ "path": "/" }), choose),
        (json!({ "path": "/", "html": false }), choose),
        (
            json!({ "path": "/", "hang": true, "drop": "after" }),
            "expected only one of status or body, html, drop and hang",
        ),
        (json!({ "path": "/", "status": 100 }), "status: expected 200 to 999"),
        (
            json!({ "path": "/", "status": 503, "retry_after": "a\nb" }),
            "retry_after: expected the text of a header",
        ),
        (
            json!({ "path": "/", "hang": true, "retry_after": "5" }),
            "content_type and retry_after: expected a status or a body with them",
        ),
        (
            json!({ "path": "/", "hang": true, "times": 0 }),
            "times: expected at least 1, or null for every request until cleared",
        ),
    ] {
        world.post("/faults", fault).await.assert_error(422, "invalid_request", description);
    }
    let unknown = world.post("/faults", json!({ "path": "/", "hangs": true })).await;
    assert!(unknown.text.contains("unknown field `hangs`"), "{}", unknown.text);
}

#[tokio::test]
async fn the_clock_can_be_shifted_for_tokens_and_the_date() {
    let world = World::start(&["--faults", "--access-ttl", "1h"]).await;
    let pair = world.sign_in().await;
    let year = 365 * 86_400_000_i64;
    let this_year = year_of(world.get("/health").await.header("date"));
    world.shift_clock(20 * year).await;
    assert_eq!(world.me(&pair.access).await.status, 401);
    let later = world.sign_in().await;
    let shift = claims(&later.access)["iat"].as_i64().expect("whole")
        - claims(&pair.access)["iat"].as_i64().expect("whole");
    assert!((20 * year / 1000..20 * year / 1000 + 3_600).contains(&shift));
    let shifted_year = year_of(world.get("/health").await.header("date"));
    assert!((19..=20).contains(&(shifted_year - this_year)));
    world.delete("/faults").await;
    assert_eq!(world.me(&pair.access).await.status, 200);
}

#[tokio::test]
async fn a_session_can_have_lives_of_its_own() {
    let world = World::start(&["--faults"]).await;
    let answer = world.sign_in_with(json!({ "access_ttl": 2.5, "refresh_ttl": -1 })).await;
    assert_eq!(answer.json["expires_in"], 2.5);
    let claims = claims(&answer.pair().access);
    let life = claims["exp"].as_f64().expect("a number") - claims["iat"].as_f64().expect("a number");
    assert!((life - 2.5).abs() < 0.001, "{life}");
    let refused = world.refresh(&answer.pair().refresh).await;
    refused.assert_error(400, "invalid_grant", "the refresh token has expired");
    let kept = world.sign_in_with(json!({ "access_ttl": 77 })).await;
    assert_eq!(world.refresh(&kept.pair().refresh).await.json["expires_in"], 77);
}

#[tokio::test]
async fn no_duration_goes_beyond_100_years() {
    let seconds = 3_155_760_000_i64;
    let longest = format!("{seconds}s");
    let world = World::start(&["--faults", "--access-ttl", &longest]).await;
    assert_eq!(world.sign_in_with(json!({})).await.json["expires_in"], seconds);
    assert_eq!(world.sign_in_with(json!({ "access_ttl": seconds })).await.json["expires_in"], seconds);
    for (name, life) in [("access_ttl", seconds + 1), ("refresh_ttl", -seconds - 1)] {
        let body = json!({ "email": EMAIL, "password": PASSWORD, name: life });
        let description = format!("{name}: expected at most 100 years of seconds");
        world.post("/auth/login", body).await.assert_error(422, "invalid_request", &description);
    }
    for sign in [1, -1] {
        world.shift_clock(sign * seconds * 1000).await;
        let beyond = json!({ "offset_ms": sign * (seconds * 1000 + 1) });
        let refused = world.post("/faults/clock", beyond).await;
        refused.assert_error(422, "invalid_request", "offset_ms: expected at most 100 years");
    }
    assert_eq!(world.get("/faults/state").await.json["clock_offset_ms"], -seconds * 1000);
}

#[tokio::test]
async fn sessions_can_be_ended_from_outside_by_id_or_account() {
    let world = World::start(&["--faults"]).await;
    let [one, two, three] = [world.sign_in().await, world.sign_in().await, world.sign_in().await];
    let revoked = world.post("/faults/revoke", json!({ "sid": claims(&one.access)["sid"] })).await;
    assert_eq!(revoked.json, json!({ "revoked": 1 }));
    assert_eq!(world.me(&one.access).await.status, 401);
    assert_eq!(world.me(&two.access).await.status, 200);
    let revoked = world.post("/faults/revoke", json!({ "email": "ann@example.com" })).await;
    assert_eq!(revoked.json, json!({ "revoked": 2 }));
    assert_eq!(world.me(&two.access).await.status, 401);
    assert_eq!(world.refresh(&three.refresh).await.status, 400);
}

#[tokio::test]
async fn access_tokens_can_be_cut_off_without_ending_the_session() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    let sid = claims(&pair.access)["sid"].clone();
    assert_eq!(world.post("/faults/expire-access", json!({ "sid": sid })).await.status, 204);
    assert_eq!(world.me(&pair.access).await.status, 401);
    let next = world.refresh(&pair.refresh).await.pair();
    assert_eq!(world.me(&next.access).await.status, 200);
    assert_eq!(world.me(&pair.access).await.status, 401);
    assert_eq!(world.post("/faults/expire-access", json!({ "sid": "none" })).await.status, 404);
}

async fn assert_is_cut_off(world: &World, refresh_token: &str) {
    let request =
        world.request(Method::POST, "/auth/refresh").json(&json!({ "refresh_token": refresh_token }));
    assert!(request.send().await.is_err(), "expected a closed connection");
    // The server itself is alive.
    assert_eq!(send(world.request(Method::GET, "/health")).await.status, 200);
}

fn year_of(date: &str) -> i32 {
    date.split(' ').nth(3).and_then(|year| year.parse().ok()).expect("an HTTP date")
}
