//! Signing out and revocation.

use reqwest::Method;
use serde_json::json;

use crate::world::{World, send};

#[tokio::test]
async fn signing_out_by_access_token_ends_the_session() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    let other = world.sign_in().await;
    let out = send(world.request(Method::POST, "/auth/logout").bearer_auth(&pair.access)).await;
    assert_eq!((out.status, out.text.as_str()), (204, ""));
    assert_eq!(world.me(&pair.access).await.status, 401);
    let refused = world.refresh(&pair.refresh).await;
    refused.assert_error(400, "invalid_grant", "the session has been ended");
    assert_eq!(world.me(&other.access).await.status, 200);
}

#[tokio::test]
async fn signing_out_by_refresh_token_ends_the_session() {
    let world = World::start(&[]).await;
    let pair = world.sign_in().await;
    assert_eq!(world.post("/auth/logout", json!({ "refresh_token": pair.refresh })).await.status, 204);
    assert_eq!(world.me(&pair.access).await.status, 401);
}

#[tokio::test]
async fn signing_out_with_an_expired_access_token_still_ends_the_session() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in_with(json!({ "access_ttl": -5 })).await.pair();
    let out = send(world.request(Method::POST, "/auth/logout").bearer_auth(&pair.access)).await;
    assert_eq!(out.status, 204);
    assert_eq!(world.refresh(&pair.refresh).await.status, 400);
}

#[tokio::test]
async fn signing_out_of_nothing_is_no_error() {
    let world = World::start(&[]).await;
    assert_eq!(send(world.request(Method::POST, "/auth/logout")).await.status, 204);
    assert_eq!(world.post("/auth/logout", json!({ "refresh_token": "nonsense" })).await.status, 204);
    assert_eq!(send(world.request(Method::POST, "/auth/logout").bearer_auth("a.b.c")).await.status, 204);
}

#[tokio::test]
async fn either_token_of_a_session_can_be_revoked_as_json_or_as_a_form() {
    let world = World::start(&[]).await;
    for by_access in [true, false] {
        for as_form in [true, false] {
            let pair = world.sign_in().await;
            let fields = [
                ("token", if by_access { &pair.access } else { &pair.refresh }.as_str()),
                ("token_type_hint", "refresh_token"),
            ];
            let request = world.request(Method::POST, "/auth/revoke");
            let request =
                if as_form { request.form(&fields) } else { request.json(&json!({ "token": fields[0].1 })) };
            let answer = send(request).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, ""));
            assert_eq!(world.me(&pair.access).await.status, 401);
            assert_eq!(world.refresh(&pair.refresh).await.status, 400);
        }
    }
}

#[tokio::test]
async fn revoking_an_unknown_token_is_no_error() {
    let world = World::start(&[]).await;
    for token in ["nonsense", "a.b.c"] {
        assert_eq!(world.post("/auth/revoke", json!({ "token": token })).await.status, 200);
    }
    let missing = world.post("/auth/revoke", json!({})).await;
    missing.assert_error(400, "invalid_request", "token: expected a string, found none");
}
