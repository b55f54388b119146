//! Rotation, the detection of reuse, and the grace interval.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, World, claims, send};

const REUSED: &str = "the refresh token was used before; the session has been ended";
const ENDED: &str = "the session has been ended";

#[tokio::test]
async fn a_refresh_gives_a_new_pair_of_the_same_session() {
    let world = World::start(&[]).await;
    let first = world.sign_in().await;
    let answer = world.refresh(&first.refresh).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["token_type"], "Bearer");
    assert_eq!(answer.json["expires_in"], 900);
    assert_eq!(answer.header("cache-control"), "no-store");
    let second = answer.pair();
    assert_ne!(second.access, first.access);
    assert_ne!(second.refresh, first.refresh);
    assert_eq!(claims(&second.access)["sid"], claims(&first.access)["sid"]);
    assert_eq!(world.me(&second.access).await.status, 200);
    assert_eq!(world.me(&first.access).await.status, 200, "a refresh must not end the older access token");
    assert_eq!(world.refresh(&second.refresh).await.status, 200);
}

#[tokio::test]
async fn a_token_used_twice_ends_the_whole_session_at_once() {
    let world = World::start(&[]).await;
    let first = world.sign_in().await;
    let bystander = world.sign_in().await;
    let second = world.refresh(&first.refresh).await.pair();
    world.refresh(&first.refresh).await.assert_error(400, "invalid_grant", REUSED);
    world.refresh(&second.refresh).await.assert_error(400, "invalid_grant", ENDED);
    world.refresh(&first.refresh).await.assert_error(400, "invalid_grant", ENDED);
    assert_eq!(world.me(&second.access).await.status, 401);
    assert_eq!(world.me(&bystander.access).await.status, 200, "another session of the account must go on");
    assert_eq!(world.refresh(&bystander.refresh).await.status, 200);
}

#[tokio::test]
async fn a_token_used_twice_is_noticed_even_after_it_has_expired() {
    let world = World::start(&["--faults", "--refresh-ttl", "1h"]).await;
    let first = world.sign_in().await;
    let second = world.refresh(&first.refresh).await.pair();
    world.shift_clock(1_800_000).await;
    let third = world.refresh(&second.refresh).await.pair();
    world.shift_clock(3_700_000).await;
    world.refresh(&first.refresh).await.assert_error(400, "invalid_grant", REUSED);
    world.refresh(&third.refresh).await.assert_error(400, "invalid_grant", ENDED);
}

#[tokio::test]
async fn a_form_as_in_rfc_6749_is_taken_too() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &pair.refresh), ("client_id", "spa")];
    let answer = send(world.request(Method::POST, "/auth/refresh").form(&form)).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.pair(), pair);
    let form = [("grant_type", "password"), ("refresh_token", "x")];
    let refused = send(world.request(Method::POST, "/auth/refresh").form(&form)).await;
    refused.assert_error(400, "unsupported_grant_type", "grant_type: expected refresh_token");
}

#[tokio::test]
async fn a_request_without_a_token_is_invalid_and_an_unknown_token_no_grant() {
    let world = World::start(&[]).await;
    let missing = "refresh_token: expected one in the body or the cookie, found none";
    send(world.request(Method::POST, "/auth/refresh")).await.assert_error(400, "invalid_request", missing);
    world.refresh("").await.assert_error(400, "invalid_request", missing);
    world.refresh("nonsense").await.assert_error(400, "invalid_grant", "the refresh token is not known");
    let wrong = world.post("/auth/refresh", json!({ "refresh_token": 5 })).await;
    wrong.assert_error(400, "invalid_request", "refresh_token: expected a string");
}

#[tokio::test]
async fn a_refresh_token_expires_and_each_rotation_starts_its_life_again() {
    let world = World::start(&["--faults", "--refresh-ttl", "1h"]).await;
    let first = world.sign_in().await;
    world.shift_clock(3_000_000).await;
    let second = world.refresh(&first.refresh).await.pair();
    world.shift_clock(6_000_000).await;
    let third = world.refresh(&second.refresh).await.pair();
    world.shift_clock(9_700_000).await;
    world.refresh(&third.refresh).await.assert_error(400, "invalid_grant", "the refresh token has expired");
}

#[tokio::test]
async fn of_fifty_simultaneous_refreshes_with_one_token_one_wins_and_the_session_ends() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    let answers = fifty(&world, &pair.refresh).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((lost.status, &lost.json["error"]), (400, &json!("invalid_grant")));
    }
    world.refresh(&won[0].pair().refresh).await.assert_error(400, "invalid_grant", ENDED);
    assert_eq!(world.me(&won[0].pair().access).await.status, 401);
}

#[tokio::test]
async fn within_the_grace_interval_all_fifty_get_the_same_pair() {
    let world = World::start(&["--grace", "10m"]).await;
    let pair = world.sign_in().await;
    let answers = fifty(&world, &pair.refresh).await;
    let pairs: HashSet<_> =
        answers.iter().map(|answer| (answer.pair().access, answer.pair().refresh)).collect();
    assert_eq!(pairs.len(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200));
    let next = world.refresh(&answers[0].pair().refresh).await;
    assert_eq!(next.status, 200);
    assert_eq!(world.me(&next.pair().access).await.status, 200);
}

#[tokio::test]
async fn a_repeat_within_the_grace_interval_says_how_much_life_is_left() {
    let world = World::start(&["--faults", "--grace", "10m"]).await;
    let first = world.sign_in().await;
    let rotated = world.refresh(&first.refresh).await;
    world.shift_clock(100_000).await;
    let repeated = world.refresh(&first.refresh).await;
    assert_eq!(repeated.pair(), rotated.pair());
    let left = repeated.json["expires_in"].as_i64().expect("whole");
    // The clock was shifted by 100 s; what the requests themselves took is not bounded.
    assert!((600..=800).contains(&left), "{left}");
}

#[tokio::test]
async fn the_grace_interval_ends_when_the_successor_is_used() {
    let world = World::start(&["--grace", "10m"]).await;
    let first = world.sign_in().await;
    let second = world.refresh(&first.refresh).await.pair();
    let third = world.refresh(&second.refresh).await.pair();
    world.refresh(&first.refresh).await.assert_error(400, "invalid_grant", REUSED);
    world.refresh(&third.refresh).await.assert_error(400, "invalid_grant", ENDED);
}

#[tokio::test]
async fn the_grace_interval_ends_by_time() {
    let world = World::start(&["--faults", "--grace", "10m"]).await;
    let first = world.sign_in().await;
    let second = world.refresh(&first.refresh).await.pair();
    world.shift_clock(601_000).await;
    world.refresh(&first.refresh).await.assert_error(400, "invalid_grant", REUSED);
    world.refresh(&second.refresh).await.assert_error(400, "invalid_grant", ENDED);
}

#[tokio::test]
async fn a_grace_interval_does_not_outlive_the_session() {
    let world = World::start(&["--grace", "10m"]).await;
    let first = world.sign_in().await;
    let second = world.refresh(&first.refresh).await.pair();
    assert_eq!(world.post("/auth/logout", json!({ "refresh_token": second.refresh })).await.status, 204);
    world.refresh(&first.refresh).await.assert_error(400, "invalid_grant", ENDED);
}

async fn fifty(world: &World, refresh_token: &str) -> Vec<Answer> {
    join_all((0..50).map(|_| world.refresh(refresh_token))).await
}
