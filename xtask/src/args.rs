//! The command line, parsed by hand: few commands, and errors that name what was expected.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};

pub(crate) const HELP: &str = "\
cargo xtask <command>

  setup [--check]        install or check what the other commands need (they call it themselves)
  build [--dev]          wasm, glue and TypeScript into pkg/wasm and pkg/dist
  demo [options]         build everything and serve the demo; Ctrl-C ends it
      --port N           port to take when it is free (4173)
      --host H           address to listen on (127.0.0.1)
      --check            drive the demo in a headless browser, then stop
      --screenshot PATH  where --check leaves its picture (target/demo.png)
  test [suite…]          run the tests; without a suite, all of them
      --coverage         with the suite engine: the lines of src/engine that it runs, 95 % at least
  check                  formatting, lints, docs, types and the rules on source files
  fuzz [target…]         look for inputs that break a promise; without a target, all of them
      --seconds N        time for each target (30)
      --replay FILE      give one target one input, shown as it reads it
  mutants [arguments]    change the engine in small ways that its tests must notice (hours); arguments are
                         passed on to cargo-mutants: --file src/engine/life.rs, --list, --shard 0/8
  size [--json]          bytes of what ships, against goal and budget
  bench [name…]          run the benchmarks in benches/; without a name, all of them
      --json             of overhead or storm: one JSON object
      --check            of these: a missed target is a failure
  sim [arguments]        run the simulator; arguments are passed on
  pack                   make the npm package and check its file list
  help                   this text";

/// Which cargo profile the wasm is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    pub(crate) fn cargo(self) -> &'static str {
        match self {
            Self::Dev => "wasm-dev",
            Self::Release => "wasm",
        }
    }
}

/// One parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Bench(Bench),
    Build { profile: Profile },
    Check,
    Demo(Demo),
    Fuzz(Fuzz),
    Help,
    Mutants { arguments: Vec<String> },
    Pack,
    Setup { check: bool },
    Sim { arguments: Vec<String> },
    Size { json: bool },
    Test { suites: Vec<String>, coverage: bool },
}

/// Options of `bench`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bench {
    /// None: all of them.
    pub(crate) names: Vec<String>,
    /// Passed on to the scripts.
    pub(crate) flags: Vec<String>,
}

/// Options of `demo`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Demo {
    pub(crate) port: u16,
    pub(crate) host: String,
    pub(crate) check: bool,
    pub(crate) screenshot: Option<PathBuf>,
}

/// Options of `fuzz`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fuzz {
    /// None: all of them.
    pub(crate) targets: Vec<String>,
    pub(crate) seconds: u32,
    pub(crate) replay: Option<PathBuf>,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: &[String]) -> Result<Action> {
    let Some((command, rest)) = arguments.split_first() else {
        return Ok(Action::Help);
    };
    match command.as_str() {
        "bench" => bench(rest),
        "build" => flag(command, rest, "--dev")
            .map(|dev| Action::Build { profile: if dev { Profile::Dev } else { Profile::Release } }),
        "check" => none(command, rest).map(|()| Action::Check),
        "demo" => demo(rest).map(Action::Demo),
        "fuzz" => fuzz(rest).map(Action::Fuzz),
        "help" | "--help" | "-h" => Ok(Action::Help),
        "mutants" => Ok(Action::Mutants { arguments: rest.to_vec() }),
        "pack" => none(command, rest).map(|()| Action::Pack),
        "setup" => flag(command, rest, "--check").map(|check| Action::Setup { check }),
        "sim" => Ok(Action::Sim { arguments: rest.to_vec() }),
        "size" => flag(command, rest, "--json").map(|json| Action::Size { json }),
        "test" => test(rest),
        _ => bail!(
            "unknown command `{command}`; expected one of setup, build, demo, test, check, fuzz, mutants, size, bench, sim, pack, help"
        ),
    }
}

fn bench(arguments: &[String]) -> Result<Action> {
    let (flags, names): (Vec<_>, Vec<_>) =
        arguments.iter().cloned().partition(|argument| argument.starts_with('-'));
    if let Some(unknown) = flags.iter().find(|flag| *flag != "--json" && *flag != "--check") {
        bail!("bench: unknown option `{unknown}`; expected names, --json or --check");
    }
    Ok(Action::Bench(Bench { names, flags }))
}

fn demo(arguments: &[String]) -> Result<Demo> {
    let mut demo = Demo { port: 4173, host: "127.0.0.1".to_owned(), check: false, screenshot: None };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| anyhow!("demo: `{option}` expects a value"));
        match option.as_str() {
            "--check" => demo.check = true,
            "--host" => value()?.clone_into(&mut demo.host),
            "--port" => {
                let text = value()?;
                demo.port =
                    text.parse().map_err(|_| anyhow!("demo: `--port` expects 0 to 65535, not `{text}`"))?;
            }
            "--screenshot" => {
                demo.screenshot = Some(PathBuf::from(value()?));
                demo.check = true;
            }
            _ => bail!(
                "demo: unknown option `{option}`; expected --port N, --host H, --check or --screenshot PATH"
            ),
        }
    }
    Ok(demo)
}

fn fuzz(arguments: &[String]) -> Result<Fuzz> {
    let mut fuzz = Fuzz { targets: Vec::new(), seconds: 30, replay: None };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| anyhow!("fuzz: `{option}` expects a value"));
        match option.as_str() {
            "--replay" => fuzz.replay = Some(PathBuf::from(value()?)),
            "--seconds" => {
                let text = value()?;
                let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
                fuzz.seconds =
                    seconds.ok_or_else(|| anyhow!("fuzz: `--seconds` expects 1 or more, not `{text}`"))?;
            }
            unknown if unknown.starts_with('-') => {
                bail!("fuzz: unknown option `{unknown}`; expected targets, --seconds N or --replay FILE")
            }
            target => fuzz.targets.push(target.to_owned()),
        }
    }
    Ok(fuzz)
}

fn test(arguments: &[String]) -> Result<Action> {
    let (options, suites): (Vec<_>, Vec<_>) =
        arguments.iter().cloned().partition(|argument| argument.starts_with('-'));
    let coverage = flag("test", &options, "--coverage")?;
    if coverage && suites != ["engine"] {
        bail!("test: `--coverage` is measured of the engine; expected `test engine --coverage`");
    }
    Ok(Action::Test { suites, coverage })
}

fn none(command: &str, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => Ok(()),
        [unknown, ..] => bail!("{command}: unknown option `{unknown}`; it takes none"),
    }
}

fn flag(command: &str, arguments: &[String], name: &str) -> Result<bool> {
    match arguments.iter().find(|argument| *argument != name) {
        None => Ok(!arguments.is_empty()),
        Some(unknown) => bail!("{command}: unknown option `{unknown}`; expected {name} or nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Action> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_and_their_options_are_read() {
        assert_eq!(parsed("").unwrap(), Action::Help);
        assert_eq!(parsed("build").unwrap(), Action::Build { profile: Profile::Release });
        assert_eq!(parsed("build --dev").unwrap(), Action::Build { profile: Profile::Dev });
        assert_eq!(
            parsed("test engine browser").unwrap(),
            Action::Test { suites: vec!["engine".into(), "browser".into()], coverage: false }
        );
        assert_eq!(
            parsed("test engine --coverage").unwrap(),
            Action::Test { suites: vec!["engine".into()], coverage: true }
        );
        assert_eq!(
            parsed("bench storm --json").unwrap(),
            Action::Bench(Bench { names: vec!["storm".into()], flags: vec!["--json".into()] })
        );
        assert_eq!(
            parsed("sim --seed 7").unwrap(),
            Action::Sim { arguments: vec!["--seed".into(), "7".into()] }
        );
        assert_eq!(
            parsed("fuzz jwt --replay a.bin").unwrap(),
            Action::Fuzz(Fuzz { targets: vec!["jwt".into()], seconds: 30, replay: Some("a.bin".into()) })
        );
        assert_eq!(
            parsed("demo --port 0 --screenshot a.png").unwrap(),
            Action::Demo(Demo {
                port: 0,
                host: "127.0.0.1".into(),
                check: true,
                screenshot: Some("a.png".into()),
            })
        );
    }

    #[test]
    fn what_is_unknown_is_named() {
        let message = |line: &str| parsed(line).unwrap_err().to_string();
        assert!(message("biuld").starts_with("unknown command `biuld`; expected one of setup, build"));
        assert_eq!(message("build --fast"), "build: unknown option `--fast`; expected --dev or nothing");
        assert_eq!(message("demo --port"), "demo: `--port` expects a value");
        assert_eq!(message("demo --port 70000"), "demo: `--port` expects 0 to 65535, not `70000`");
        assert_eq!(message("fuzz --seconds 0"), "fuzz: `--seconds` expects 1 or more, not `0`");
        assert!(message("bench --quick").starts_with("bench: unknown option `--quick`; expected names"));
        assert!(message("fuzz jwt --runs 5").starts_with("fuzz: unknown option `--runs`"));
        assert!(message("test --coverage").ends_with("expected `test engine --coverage`"));
        assert!(message("test engine --quick").starts_with("test: unknown option `--quick`"));
        assert_eq!(message("check all"), "check: unknown option `all`; it takes none");
    }
}
