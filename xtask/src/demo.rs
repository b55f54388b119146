//! `demo`: the page, served by the auth server that it signs in to.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::args::{Demo, Profile};
use crate::build;
use crate::machine;
use crate::process;
use crate::project::{self, Project};
use crate::setup::{self, Need};

/// Generous: a loaded machine may take its time, a server that hangs must not hold us for ever.
const START: Duration = Duration::from_secs(60);

/// Builds what the demo needs and serves it until a signal, or until the check is through.
pub(crate) fn command(project: &Project, options: &Demo) -> Result<u8> {
    let mut needs = vec![Need::Wasm, Need::Npm];
    needs.extend(options.check.then_some(Need::Browser));
    setup::ensure(project, &needs)?;
    build::package(project, Profile::Release)?;
    build_page(project)?;
    let server = build_server(project)?;
    let directory = Scratch::create()?;
    let children = Children::watch()?;
    let (mut child, url) = start(project, &server, options, &directory.0, &children)?;
    if !options.check {
        println!("ready {url}");
        let status = child.wait()?;
        return Ok(exit_code(status));
    }
    let outcome = check(project, options, &url, &children);
    terminate(&child);
    child.wait()?;
    let (status, line) = outcome?;
    println!("{line}");
    Ok(exit_code(status))
}

/// Builds www/dist unless nothing it is made from has changed.
pub(crate) fn build_page(project: &Project) -> Result<()> {
    let www = project.root.join("www");
    let dist = www.join("dist");
    let places = [www.join("node_modules"), project.root.join("node_modules")];
    let vite = places.iter().map(|place| place.join("vite/bin/vite.js")).find(|path| path.is_file());
    let vite = vite.context("node_modules has no Vite: run `npm ci`; www/package.json must list it")?;
    let mut inputs = project::files_under(&www);
    inputs.retain(|path| !path.starts_with(&dist));
    inputs.extend(project::files_under(&project.root.join("pkg/dist")));
    inputs.extend(project::files_under(&project.root.join("pkg/wasm")));
    inputs.push(project.root.join("package-lock.json"));
    if dist.is_dir() && project.is_current("www", &inputs, &project::files_under(&dist)) {
        return Ok(());
    }
    eprintln!("vite: www to www/dist (about 5 s)");
    let mut node = process::command("node");
    node.current_dir(&www).arg(vite).args(["build", "--logLevel", "warn"]);
    process::run(&mut node, "fix what Vite names above")?;
    project.record("www", &inputs, &project::files_under(&dist))
}

/// Builds the auth server and says where its program is.
pub(crate) fn build_server(project: &Project) -> Result<PathBuf> {
    eprintln!("cargo: the auth server, dev profile (about 2 min the first time)");
    let mut cargo = process::cargo();
    cargo.current_dir(&project.root).args(["build", "-p", "evertoken-server"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let mut program = None;
    let status = process::each_line(&mut cargo, |line| {
        let message: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        if let Some(path) = message["executable"].as_str().filter(|path| path.contains("evertoken-server")) {
            program = Some(PathBuf::from(path));
        }
    })?;
    ensure!(status.success(), "the auth server does not compile; the compiler's messages are above");
    program.context("cargo named no program `evertoken-server`")
}

fn start(
    project: &Project,
    server: &Path,
    options: &Demo,
    directory: &Path,
    children: &Children,
) -> Result<(Child, String)> {
    let mut command = process::command(server);
    command.current_dir(&project.root);
    command.arg("--static").arg(project.root.join("www/dist"));
    command.arg("--database").arg(directory.join("demo.sqlite"));
    command.args([
        "--seed-user",
        "demo@evertoken.example:correct-horse",
        "--access-ttl",
        "60s",
        "--grace",
        "10s",
    ]);
    command.args(["--host", &options.host, "--port-or-free", &options.port.to_string()]);
    command.args(["--parent-pid", &std::process::id().to_string()]);
    if is_loopback(&options.host) {
        command.arg("--faults");
    } else {
        eprintln!("note: fault injection is off, since {} can be reached from other machines", options.host);
    }
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", server.display()))?;
    children.add(&child);
    let stdout = child.stdout.take().context("the server has no standard output")?;
    match listening(stdout) {
        Some(url) => Ok((child, url)),
        None => {
            terminate(&child);
            let status = child.wait()?;
            bail!("the server did not begin to listen ({status}); its message is above")
        }
    }
}

/// The address from the line `listening http://…`; later lines are read and dropped, so that the pipe never fills.
fn listening(stdout: ChildStdout) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        process::read_lines(stdout, |line| {
            if let Some(url) = line.strip_prefix("listening ") {
                // Nobody waits any longer: then nobody needs the address.
                let _ = sender.send(format!("{}/", url.trim_end_matches('/')));
            }
        })
    });
    receiver.recv_timeout(START).ok()
}

/// Drives the page in a headless browser; the last line of the script is its verdict.
fn check(project: &Project, options: &Demo, url: &str, children: &Children) -> Result<(ExitStatus, String)> {
    let script = project.root.join("tests/browser/demo-check.mjs");
    ensure!(
        script.is_file(),
        "tests/browser/demo-check.mjs is missing: there is nothing that drives the page"
    );
    let screenshot = match &options.screenshot {
        Some(path) => std::path::absolute(path)?,
        None => project.target.join("demo.png"),
    };
    let browser = machine::browser().context("no Chromium with chromedriver")?;
    let mut node = process::command("node");
    node.current_dir(&project.root).arg(script).arg(url).arg(&screenshot);
    node.env("CHROMIUM", browser.chromium).env("CHROMEDRIVER", browser.driver);
    let mut child = node.stdout(Stdio::piped()).spawn().context("cannot start node")?;
    children.add(&child);
    let mut last = String::new();
    process::read_lines(child.stdout.take().context("node has no standard output")?, |line| {
        let before = std::mem::replace(&mut last, line.to_owned());
        if !before.is_empty() {
            println!("{before}");
        }
    })?;
    let status = child.wait()?;
    if screenshot.is_file() {
        println!("screenshot {}", screenshot.display());
    }
    Ok((status, last))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// A directory of our own that goes away with us.
struct Scratch(PathBuf);

impl Scratch {
    fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("evertoken-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("warning: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Children that end when we are told to end.
struct Children(Arc<Mutex<Vec<u32>>>);

impl Children {
    #[cfg(unix)]
    fn watch() -> Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

        let children = Arc::new(Mutex::new(Vec::new()));
        let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let known = Arc::clone(&children);
        std::thread::spawn(move || {
            for _ in signals.forever() {
                for pid in known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter() {
                    signal(*pid);
                }
            }
        });
        Ok(Self(children))
    }

    #[cfg(not(unix))]
    fn watch() -> Result<Self> {
        Ok(Self(Arc::default()))
    }

    fn add(&self, child: &Child) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(child.id());
    }
}

fn terminate(child: &Child) {
    signal(child.id());
}

#[cfg(unix)]
fn signal(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended by itself in the meantime.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

#[cfg(not(unix))]
fn signal(pid: u32) {
    let _ = std::process::Command::new("taskkill").args(["/T", "/F", "/PID", &pid.to_string()]).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_get_fault_injection() {
        assert!(is_loopback("127.0.0.1") && is_loopback("::1") && is_loopback("localhost"));
        assert!(!is_loopback("0.0.0.0") && !is_loopback("example.com"));
    }

    #[test]
    fn the_address_is_the_one_the_server_prints() {
        let mut child = process::command("sh")
            .args(["-c", "echo starting; echo listening http://127.0.0.1:4173; echo later"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        assert_eq!(listening(child.stdout.take().unwrap()).as_deref(), Some("http://127.0.0.1:4173/"));
        child.wait().unwrap();
    }
}
