//! The binary: its one line, its end, its port, and its database file.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::world::{EMAIL, GUARD, PASSWORD, client, read, send};

#[tokio::test]
async fn it_prints_one_line_when_it_accepts_and_ends_cleanly_on_sigterm_and_sigint() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Process::start(&[]);
        assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
        assert_eq!(send(client().get(format!("{}/health", server.url))).await.status, 200);
        let status = server.end(signal);
        assert!(status.success(), "{status}");
        assert_eq!(server.rest_of_output(), "");
    }
}

#[tokio::test]
async fn a_request_that_hangs_does_not_hold_its_end() {
    let mut server = Process::start(&["--faults"]);
    let fault = json!({ "path": "/health", "hang": true });
    assert_eq!(send(client().post(format!("{}/faults", server.url)).json(&fault)).await.status, 201);
    let hanging = tokio::spawn(client().get(format!("{}/health", server.url)).send());
    let state = format!("{}/faults/state", server.url);
    crate::world::eventually("the request has arrived", async || {
        send(client().get(&state)).await.json["requests"]["/health"] == 1
    })
    .await;
    assert!(server.end(Signal::TERM).success());
    assert!(hanging.await.expect("no panic").is_err());
}

#[tokio::test]
async fn a_database_file_keeps_accounts_sessions_and_the_key() {
    let file = DatabaseFile::new();
    let args = ["--database", file.path(), "--grace", "1h"];
    let mut server = Process::start(&args);
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    let first = send(client().post(format!("{}/auth/register", server.url)).json(&account)).await.pair();
    let second = server.refresh(&first.refresh).await.pair();
    assert!(server.end(Signal::TERM).success());
    let bytes = file.bytes();
    assert!(contains(&bytes, EMAIL.as_bytes()), "the file must hold the account");
    for token in [&first.refresh, &second.refresh] {
        assert!(!contains(&bytes, token.as_bytes()), "the file must not hold a refresh token");
    }

    let server = Process::start(&args);
    assert_eq!(send(client().post(format!("{}/auth/login", server.url)).json(&account)).await.status, 200);
    let me = client().get(format!("{}/api/me", server.url)).bearer_auth(&second.access);
    assert_eq!(send(me).await.status, 200, "the key must be the same");
    assert_eq!(server.refresh(&first.refresh).await.pair(), second, "the grace interval goes on");
    assert_eq!(server.refresh(&second.refresh).await.status, 200);
}

#[tokio::test]
async fn two_servers_on_one_file_agree_on_who_spent_a_token() {
    let file = DatabaseFile::new();
    let seed = format!("{EMAIL}:{PASSWORD}");
    let args = ["--database", file.path(), "--seed-user", &seed];
    let servers = [Process::start(&args), Process::start(&args)];
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    for _ in 0..10 {
        let pair = send(client().post(format!("{}/auth/login", servers[0].url)).json(&account)).await.pair();
        let refreshes = (0..10).map(|at| servers[at % 2].refresh(&pair.refresh));
        let answers = futures_util::future::join_all(refreshes).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400, 400, 400]);
        let me = client().get(format!("{}/api/me", servers[1].url)).bearer_auth(&pair.access);
        assert_eq!(send(me).await.status, 401);
    }
}

#[test]
fn a_taken_port_is_an_error_or_gives_way_to_a_free_one() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = command(&["--port", &port]).output().expect("a process");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("evertoken-server: listen: "));
    assert!(output.stdout.is_empty());
    let server = Process::start(&["--port-or-free", &port]);
    assert!(!server.url.ends_with(&port));
}

#[test]
fn faults_are_refused_on_an_open_address() {
    let output = command(&["--faults", "--host", "0.0.0.0"]).output().expect("a process");
    assert!(!output.status.success());
    let expected = "evertoken-server: --faults opens an unauthenticated control API: expected a loopback --host, not 0.0.0.0\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
}

#[test]
fn it_ends_with_the_process_it_was_told_to_watch() {
    let mut parent = Command::new("sleep").arg("600").spawn().expect("a process");
    let mut server = Process::start(&["--parent-pid", &parent.id().to_string()]);
    parent.kill().expect("our own child");
    parent.wait().expect("an end");
    assert!(server.wait().success());
}

struct Process {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    url: String,
    client: Client,
}

impl Process {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).stdout(Stdio::piped()).spawn().expect("a process");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        let url = line.strip_prefix("listening ").and_then(|url| url.strip_suffix('\n'));
        let url = url.unwrap_or_else(|| panic!("unexpected first line {line:?}")).to_owned();
        Self { child, output, url, client: client() }
    }

    async fn refresh(&self, refresh_token: &str) -> crate::world::Answer {
        let body: Value = json!({ "refresh_token": refresh_token });
        let request = self.client.post(format!("{}/auth/refresh", self.url)).json(&body);
        read(request.send().await.expect("an answer")).await
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a small id")).expect("an id");
        kill_process(pid, signal).expect("our own child");
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + GUARD;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server did not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn rest_of_output(&mut self) -> String {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        rest
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken-server"));
    command.args(args);
    command
}

/// A database in the temporary directory, removed when dropped with what SQLite puts beside it.
struct DatabaseFile(PathBuf);

impl DatabaseFile {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("evertoken-server-{}-{count}.sqlite", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    /// The file with its write-ahead log, where there still is one.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(&self.0).expect("a file");
        bytes.extend(std::fs::read(format!("{}-wal", self.path())).unwrap_or_default());
        bytes
    }
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.path()));
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
