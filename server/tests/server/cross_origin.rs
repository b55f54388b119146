//! CORS for the origins of `--allow-origin`.

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, World, send};

const APP: &str = "http://app.example:5173";

#[tokio::test]
async fn a_listed_origin_may_call_with_credentials_and_read_the_headers_it_needs() {
    let world = World::start(&["--allow-origin", "http://other.example", "--allow-origin", APP]).await;
    let answer = from(&world, APP).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-expose-headers"), "www-authenticate,retry-after,date");
    assert!(answer.header("vary").contains("origin"));
}

#[tokio::test]
async fn another_origin_gets_no_permission() {
    for args in [&["--allow-origin", APP][..], &[]] {
        let world = World::start(args).await;
        assert_eq!(from(&world, "http://evil.example").await.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn a_preflight_allows_what_it_asks_for() {
    let world = World::start(&["--allow-origin", APP, "--faults"]).await;
    world.fault(json!({ "path": "/", "status": 500 })).await;
    let request = world
        .request(Method::OPTIONS, "/api/echo")
        .header("origin", APP)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,x-requested-with");
    let answer = send(request).await;
    assert_eq!(answer.status, 200, "a preflight is not what a fault is for");
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert_eq!(answer.header("access-control-allow-methods"), "PATCH");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization,x-requested-with");
}

#[tokio::test]
async fn a_spoilt_answer_can_be_read_across_origins_too() {
    let world = World::start(&["--allow-origin", APP, "--faults"]).await;
    world.fault(json!({ "path": "/api/me", "status": 503, "retry_after": "7" })).await;
    let answer = from(&world, APP).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "7"));
    assert_eq!(answer.header("access-control-allow-origin"), APP);
}

async fn from(world: &World, origin: &str) -> Answer {
    send(world.request(Method::GET, "/api/me").header("origin", origin)).await
}
