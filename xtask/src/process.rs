//! Child processes: one place that starts them, so that the environment rules hold for all.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// A command whose loopback traffic goes past any HTTP proxy of the user.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let bypass = no_proxy(std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).ok().as_deref());
    // Both spellings: curl and Node read one, Chromium and Python the other.
    command.env("NO_PROXY", &bypass).env("no_proxy", bypass);
    command
}

/// The cargo that runs this program, else the one on the path.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command on our own terminal. `cure` says what to do when it fails.
///
/// All it prints goes to standard error: standard output is for results that another program may read.
pub(crate) fn run(command: &mut Command, cure: &str) -> Result<()> {
    let status = status(command.stdout(std::io::stderr()))?;
    if !status.success() {
        bail!("`{}` failed ({}): {cure}", shown(command), ending(status));
    }
    Ok(())
}

/// As [`run`], for callers that look at the exit code themselves.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| format!("cannot start `{}`", shown(command)))
}

/// Standard output of a command; its errors go to the terminal only when it fails.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", shown(command), ending(output.status), stderr.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("output of `{}` is not UTF-8", shown(command)))
}

/// Runs a command and hands each line of its standard output over as it comes.
pub(crate) fn each_line(command: &mut Command, line: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if let Some(stdout) = child.stdout.take() {
        read_lines(stdout, line)?;
    }
    Ok(child.wait()?)
}

/// Feeds the lines of a pipe, whatever bytes are in them, to `line`.
pub(crate) fn read_lines(pipe: impl Read, mut line: impl FnMut(&str)) -> Result<()> {
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        line(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']));
        bytes.clear();
    }
    Ok(())
}

/// The command as somebody would type it, shortened.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
        if text.len() > 140 {
            text.truncate(text.floor_char_boundary(140));
            text.push('…');
            break;
        }
    }
    text
}

fn ending(status: ExitStatus) -> String {
    status.code().map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit {code}"))
}

fn no_proxy(existing: Option<&str>) -> String {
    const LOOPBACK: &str = "127.0.0.1,localhost,::1";
    match existing.map(str::trim) {
        None | Some("") => LOOPBACK.to_owned(),
        Some(list) => format!("{list},{LOOPBACK}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_bypasses_the_proxy_beside_what_the_user_excluded() {
        assert_eq!(no_proxy(None), "127.0.0.1,localhost,::1");
        assert_eq!(no_proxy(Some(" ")), "127.0.0.1,localhost,::1");
        assert_eq!(no_proxy(Some("corp.example")), "corp.example,127.0.0.1,localhost,::1");
    }

    #[test]
    fn lines_are_split_and_odd_bytes_survive() {
        let mut seen = Vec::new();
        read_lines(&b"one\r\ntwo \xff\nthree"[..], |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(seen, ["one", "two \u{fffd}", "three"]);
    }

    #[test]
    fn a_long_command_is_shown_shortened() {
        let text = shown(command("/usr/bin/tool").arg("é".repeat(200)));
        assert!(text.starts_with("tool é") && text.ends_with('…') && text.len() < 160, "{text}");
    }
}
