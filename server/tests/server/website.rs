//! The website of `--static`.

use std::fs;
use std::path::PathBuf;

use crate::world::World;

const CSP: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

#[tokio::test]
async fn files_have_their_types_and_are_revalidated() {
    let site = Site::new("types");
    let world = World::start(&["--static", site.path()]).await;
    for (path, content_type, text) in [
        ("/", "text/html", "<p>home"),
        ("/index.html", "text/html", "<p>home"),
        ("/docs/", "text/html", "<p>docs"),
        ("/a.js", "text/javascript", "1"),
        ("/a.wasm", "application/wasm", "\0asm"),
        ("/a.css", "text/css", "a{}"),
    ] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, text), "{path}");
        assert_eq!(answer.header("content-type"), content_type, "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        let csp = if content_type == "text/html" { CSP } else { "" };
        assert_eq!(answer.header("content-security-policy"), csp, "{path}");
    }
}

#[tokio::test]
async fn the_policy_can_be_left_out() {
    let site = Site::new("no-csp");
    let world = World::start(&["--static", site.path(), "--no-csp"]).await;
    assert_eq!(world.get("/").await.header("content-security-policy"), "");
}

#[tokio::test]
async fn nothing_outside_of_the_directory_is_served() {
    let site = Site::new("outside");
    fs::write(site.0.join("secret.txt"), "secret").expect("a file");
    let world = World::start(&["--static", site.path()]).await;
    for path in ["/%2e%2e/secret.txt", "/..%2fsecret.txt", "/docs/%2e%2e/%2e%2e/secret.txt", "/missing.js"] {
        let answer = world.get(path).await;
        answer.assert_error(404, "not_found", "there is nothing at this path");
    }
}

#[tokio::test]
async fn nothing_hidden_is_served() {
    let site = Site::new("hidden");
    let root = site.0.join("site");
    for dir in [".git", ".git/refs", "docs/.private"] {
        fs::create_dir_all(root.join(dir)).expect("a directory");
    }
    for file in
        [".env", "docs/.env", ".git/config", ".git/refs/head", ".git/index.html", "docs/.private/a.js"]
    {
        fs::write(root.join(file), "secret").expect("a file");
    }
    fs::write(root.join("docs/a.b..js"), "shown").expect("a file");
    let world = World::start(&["--static", site.path()]).await;
    for path in [
        "/.env",
        "/%2eenv",
        "/docs/.env",
        "/docs/%2Eenv",
        "/docs%2f.env",
        "/docs//.env",
        "/.git/config",
        "/%2egit/config",
        "/.git/refs/head",
        "/.git",
        "/.git/",
        "/docs/.private/a.js",
    ] {
        let answer = world.get(path).await;
        answer.assert_error(404, "not_found", "there is nothing at this path");
    }
    assert_eq!(world.get("/docs/a.b..js").await.text, "shown");
}

#[tokio::test]
async fn the_api_goes_before_the_website() {
    let site = Site::new("api");
    let world = World::start(&["--static", site.path()]).await;
    assert_eq!(world.get("/health").await.json["status"], "ok");
    assert_eq!(world.get("/auth/login").await.status, 405);
    let post = world.post("/index.html", serde_json::json!({})).await;
    post.assert_error(404, "not_found", "there is nothing at this path");
}

/// A small website on disk, removed when dropped: `site/` with `secret.txt`, where a test wants one, beside it.
struct Site(PathBuf);

impl Site {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("evertoken-server-{}-{name}", std::process::id()));
        fs::create_dir_all(root.join("site/docs")).expect("a directory");
        for (file, text) in [
            ("index.html", "<p>home"),
            ("docs/index.html", "<p>docs"),
            ("a.js", "1"),
            ("a.wasm", "\0asm"),
            ("a.css", "a{}"),
        ] {
            fs::write(root.join("site").join(file), text).expect("a file");
        }
        Self(root)
    }

    fn path(&self) -> &'static str {
        // Leaked: a few bytes per test, for arguments that are plain `&str`.
        self.0.join("site").to_str().expect("UTF-8").to_owned().leak()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
