//! A running server and a client of it.

use std::time::Duration;

use clap::Parser;
use evertoken_server::{Args, Config, Server};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub(crate) const EMAIL: &str = "ann@example.com";
pub(crate) const PASSWORD: &str = "correct horse";

/// A server of its own for one test, on a free port, with one account; it stops when this is dropped.
pub(crate) struct World {
    pub(crate) client: Client,
    url: String,
    _stop: oneshot::Sender<()>,
}

/// What came back: the body as JSON, or null when it is none.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// The tokens of a sign-in or a refresh.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl World {
    /// A server started with these further arguments.
    pub(crate) async fn start(args: &[&str]) -> Self {
        let seed = format!("{EMAIL}:{PASSWORD}");
        let args = [&["evertoken-server", "--seed-user", &seed], args].concat();
        let config = Config::try_from(Args::parse_from(args)).expect("valid settings");
        let server = Server::bind(config).await.expect("a free port and a fresh database");
        let url = server.url();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.run(async move {
            // Ends with an error when the world is dropped.
            let _ = stopped.await;
        }));
        Self { client: client(), url, _stop: stop }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn me(&self, access_token: &str) -> Answer {
        send(self.request(Method::GET, "/api/me").bearer_auth(access_token)).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Answer {
        self.post("/auth/refresh", json!({ "refresh_token": refresh_token })).await
    }

    /// Signs the account in, with further fields of the request.
    pub(crate) async fn sign_in_with(&self, more: Value) -> Answer {
        let mut body = json!({ "email": EMAIL, "password": PASSWORD });
        for (name, value) in more.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let answer = self.post("/auth/login", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    pub(crate) async fn sign_in(&self) -> Pair {
        self.sign_in_with(json!({})).await.pair()
    }

    /// Orders a fault.
    pub(crate) async fn fault(&self, fault: Value) -> u64 {
        let answer = self.post("/faults", fault).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["id"].as_u64().expect("an id")
    }

    pub(crate) async fn shift_clock(&self, offset_ms: i64) {
        assert_eq!(self.post("/faults/clock", json!({ "offset_ms": offset_ms })).await.status, 200);
    }

    /// The entries of one kind, in order.
    pub(crate) async fn ledger(&self, kind: &str) -> Vec<Value> {
        let report = self.get("/ledger").await.json;
        let entries = report["entries"].as_array().expect("entries").clone();
        entries.into_iter().filter(|entry| entry["kind"] == kind).collect()
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn pair(&self) -> Pair {
        let token = |name: &str| {
            self.json[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.text)).into()
        };
        Pair { access: token("access_token"), refresh: token("refresh_token") }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, error: &str, description: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.json, json!({ "error": error, "error_description": description }));
    }
}

/// One connection per request: a connection that a fault has closed must not spoil the next request.
pub(crate) fn client() -> Client {
    Client::builder().pool_max_idle_per_host(0).timeout(GUARD).build().expect("a client")
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    read(request.send().await.expect("an answer")).await
}

pub(crate) async fn read(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, text, json }
}

/// The claims of an access token, unchecked.
pub(crate) fn claims(access_token: &str) -> Value {
    part(access_token, 1)
}

/// The header (0) or the claims (1) of an access token.
pub(crate) fn part(access_token: &str, index: usize) -> Value {
    use base64::Engine;
    let part = access_token.split('.').nth(index).expect("three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Asks until `done` says so; a slow machine may take long, a broken server takes for ever.
pub(crate) async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + GUARD;
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) const GUARD: Duration = Duration::from_secs(60);
