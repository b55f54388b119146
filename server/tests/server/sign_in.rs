//! Accounts and signing in.

use reqwest::Method;
use serde_json::json;

use crate::world::{EMAIL, PASSWORD, World, claims, part, send};

#[tokio::test]
async fn a_new_account_is_signed_in_at_once_and_can_sign_in_later() {
    let world = World::start(&[]).await;
    let registered =
        world.post("/auth/register", json!({ "email": "Bob@Example.com", "password": "12345678" })).await;
    assert_eq!(registered.status, 201);
    assert_eq!(registered.json["user"]["email"], "bob@example.com");
    assert_eq!(registered.json["token_type"], "Bearer");
    assert_eq!(registered.json["expires_in"], 900);
    assert_eq!(registered.header("cache-control"), "no-store");
    assert_eq!(world.me(&registered.pair().access).await.json["email"], "bob@example.com");
    let login =
        world.post("/auth/login", json!({ "email": "bob@example.COM", "password": "12345678" })).await;
    assert_eq!(login.status, 200);
    assert_eq!(login.json["user"], registered.json["user"]);
    assert_ne!(login.pair(), registered.pair());
}

#[tokio::test]
async fn an_email_can_be_taken_once() {
    let world = World::start(&[]).await;
    let taken =
        world.post("/auth/register", json!({ "email": "ANN@example.com", "password": "another one" })).await;
    taken.assert_error(409, "email_taken", "email: an account with it exists already");
    world.sign_in().await;
}

#[tokio::test]
async fn a_registration_that_cannot_be_names_the_field() {
    let world = World::start(&[]).await;
    let long = "p".repeat(1025);
    for (body, description) in [
        (json!({ "password": "12345678" }), "email: expected a string, found none"),
        (json!({ "email": 5, "password": "12345678" }), "email: expected a string"),
        (json!({ "email": "b@c" }), "password: expected a string, found none"),
        (json!({ "email": "b@c", "password": "1234567" }), "password: expected at least 8 characters"),
        (json!({ "email": "b@c", "password": long }), "password: expected at most 1024 bytes"),
        (json!({ "email": "bc", "password": "12345678" }), "email: expected an e-mail address"),
        (json!({ "email": "b c@d", "password": "12345678" }), "email: expected an e-mail address"),
        (json!({ "email": "b@c@d", "password": "12345678" }), "email: expected an e-mail address"),
        (json!({ "email": "b@c", "password": "12345678", "mode": "both" }), "mode: expected body or cookie"),
        (
            json!({ "email": "b@c", "password": "12345678", "access_ttl": 5 }),
            "access_ttl: expected only with --faults",
        ),
    ] {
        world.post("/auth/register", body).await.assert_error(422, "invalid_request", description);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_email_get_the_same_answer() {
    let world = World::start(&[]).await;
    for body in [
        json!({ "email": EMAIL, "password": "wrong" }),
        json!({ "email": "nobody@example.com", "password": PASSWORD }),
        json!({ "email": "nobody@example.com", "password": "no account has this password" }),
    ] {
        let refused = world.post("/auth/login", body).await;
        refused.assert_error(401, "invalid_credentials", "the e-mail or the password is wrong");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_400_that_names_the_problem() {
    let world = World::start(&[]).await;
    for (content_type, body, description) in [
        ("application/json", "{\"email\":", "malformed JSON: EOF while parsing a value at line 1 column 9"),
        ("application/json", "[]", "expected a JSON object"),
        ("text/plain", "{}", "content-type: expected application/json or application/x-www-form-urlencoded"),
        ("application/x-www-form-urlencoded", "email=a&email=b", "email: expected once, found again"),
    ] {
        let request =
            world.request(Method::POST, "/auth/login").header("content-type", content_type).body(body);
        send(request).await.assert_error(400, "invalid_request", description);
    }
}

#[tokio::test]
async fn a_body_above_one_mebibyte_is_refused_with_an_answer() {
    let world = World::start(&[]).await;
    let body = vec![b' '; 8 * 1024 * 1024];
    let request =
        world.request(Method::POST, "/auth/login").header("content-type", "application/json").body(body);
    send(request).await.assert_error(413, "payload_too_large", "the request body is larger than 1 MiB");
}

#[tokio::test]
async fn what_is_nowhere_is_a_json_404_and_a_wrong_method_a_405() {
    let world = World::start(&[]).await;
    world.get("/nowhere").await.assert_error(404, "not_found", "there is nothing at this path");
    world.get("/faults/state").await.assert_error(404, "not_found", "there is nothing at this path");
    world.get("/ledger").await.assert_error(404, "not_found", "there is nothing at this path");
    let wrong = world.get("/auth/login").await;
    wrong.assert_error(405, "method_not_allowed", "expected another method, see Allow");
    assert_eq!(wrong.header("allow"), "POST");
    assert_eq!(world.get("/health").await.json, json!({ "status": "ok" }));
}

#[tokio::test]
async fn an_access_token_has_the_documented_header_and_claims() {
    for (alg, expected) in [("eddsa", "EdDSA"), ("hs256", "HS256")] {
        let world = World::start(&["--alg", alg, "--access-ttl", "5m"]).await;
        let answer = world.sign_in_with(json!({})).await;
        let token = answer.pair().access;
        let header = part(&token, 0);
        assert_eq!(header["alg"], expected);
        assert_eq!(header["typ"], "at+jwt");
        assert!(header["kid"].is_string());
        let claims = claims(&token);
        assert_eq!(claims["sub"], answer.json["user"]["id"]);
        assert!(claims["iss"].is_string() && claims["aud"].is_string() && claims["sid"].is_string());
        assert_eq!(claims["jti"], format!("{}.1", claims["sid"].as_str().expect("text")));
        let life = claims["exp"].as_i64().expect("whole") - claims["iat"].as_i64().expect("whole");
        assert!((300..=301).contains(&life), "{life}");
        assert_eq!(world.me(&token).await.status, 200);
    }
}
