//! Who may use the control API: nobody whom a web page has sent.

use reqwest::Method;
use serde_json::json;

use crate::world::{World, send};

const ROUTES: [(Method, &str); 8] = [
    (Method::POST, "/faults"),
    (Method::DELETE, "/faults"),
    (Method::POST, "/faults/clock"),
    (Method::POST, "/faults/revoke"),
    (Method::POST, "/faults/expire-access"),
    (Method::GET, "/faults/state"),
    (Method::GET, "/ledger"),
    (Method::DELETE, "/ledger"),
];

#[tokio::test]
async fn a_form_is_refused_and_changes_nothing() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    for (path, form) in [
        ("/faults", [("path", "/"), ("drop", "before")]),
        ("/faults/clock", [("offset_ms", "1000"), ("x", "")]),
        ("/faults/revoke", [("email", "ann@example.com"), ("x", "")]),
        ("/faults/expire-access", [("sid", "x"), ("x", "")]),
    ] {
        let refused = send(world.request(Method::POST, path).form(&form)).await;
        refused.assert_error(400, "invalid_request", "content-type: expected application/json");
    }
    let untyped = send(world.request(Method::POST, "/faults").body("{\"path\":\"/\",\"hang\":true}")).await;
    untyped.assert_error(400, "invalid_request", "content-type: expected application/json");
    assert_eq!(world.get("/faults/state").await.json["faults"], json!([]));
    assert_eq!(world.me(&pair.access).await.status, 200);
}

#[tokio::test]
async fn a_host_that_is_not_loopback_is_refused_on_every_route() {
    let world = World::start(&["--faults"]).await;
    let pair = world.sign_in().await;
    for (method, path) in ROUTES {
        for host in [
            "evil.example",
            "evil.example:8787",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "localhost@evil.example",
            "192.168.0.7:8787",
            "[::2]:8787",
            "",
        ] {
            let body = json!({ "path": "/api", "hang": true, "email": "ann@example.com" });
            let request = world.request(method.clone(), path).header("host", host).json(&body);
            let refused = send(request).await;
            refused.assert_error(403, "host_not_allowed", "host: expected a loopback address or localhost");
        }
    }
    assert_eq!(world.get("/faults/state").await.json["faults"], json!([]));
    assert_eq!(world.ledger("login").await.len(), 1, "the ledger must not have been emptied");
    assert_eq!(world.me(&pair.access).await.status, 200);
}

#[tokio::test]
async fn every_way_to_write_loopback_is_taken() {
    let world = World::start(&["--faults"]).await;
    for host in
        ["127.0.0.1", "127.0.0.1:8787", "localhost", "LocalHost:5173", "[::1]", "[::1]:8787", "127.0.0.2:1"]
    {
        for path in ["/ledger", "/faults/state"] {
            let answer = send(world.request(Method::GET, path).header("host", host)).await;
            assert_eq!(answer.status, 200, "{host} {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn the_rest_of_the_server_has_any_name() {
    let world = World::start(&["--faults"]).await;
    let answer = send(world.request(Method::GET, "/health").header("host", "auth.example")).await;
    assert_eq!(answer.status, 200);
}
