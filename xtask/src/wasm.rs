//! From Rust source to a small wasm module and the JavaScript that wasm-bindgen writes for it.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::args::Profile;
use crate::names::{self, Names};
use crate::project::{self, Project};
use crate::toolchain::{self, Toolchain};
use crate::{glue, process};

/// The crate version that the dependency of this program is pinned to.
const BINDGEN_VERSION: &str = "0.2.130";

/// Both levels, one after the other: 0.2 KB less after compression than the better of the two.
const OPTIMISATIONS: [&str; 6] = [
    "-Os",
    "-Oz",
    // The linker puts the stack there, of which the first KB is the end.
    "--low-memory-unused",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

/// How every module begins.
const MAGIC: &[u8] = b"\0asm";

/// What wasm-bindgen made.
#[derive(Debug)]
pub(crate) struct Bindings {
    pub(crate) wasm: Vec<u8>,
    pub(crate) glue: String,
    pub(crate) types: String,
}

/// Compiles the root crate as a wasm `cdylib`; returns the path of the linked module.
pub(crate) fn compile(project: &Project, toolchain: &Toolchain, profile: Profile) -> Result<PathBuf> {
    toolchain::warn_of_user_flags();
    eprintln!("wasm: {} (about 1 min the first time, then seconds)", toolchain.describe());
    let mut made = cargo_rustc(project, toolchain, profile)?;
    if profile == Profile::Dev {
        return Ok(made.wasm);
    }
    let stamp = project.cache().join("lto.stamp");
    if made.lto.is_none() {
        let known = fs::read_to_string(&stamp).unwrap_or_default();
        if known == project::hash(&fs::read(&made.wasm)?) {
            return Ok(made.wasm);
        }
        // Cargo had nothing to do, so its output says nothing about this module: build the one crate again.
        let mut clean = toolchain.cargo(project, "clean", &[], false);
        process::run(
            clean.args(["--quiet", "-p", "evertoken", "--profile", profile.cargo()]),
            "run the build again",
        )?;
        made = cargo_rustc(project, toolchain, profile)?;
    }
    ensure!(
        made.lto == Some(true),
        "the wasm was linked without `lto=fat`: [profile.wasm] in Cargo.toml must say `lto = \"fat\"`, and [lib] \
         must not list crate types (a cdylib beside an rlib loses LTO)"
    );
    project::write_if_changed(&stamp, project::hash(&fs::read(&made.wasm)?).as_bytes())?;
    Ok(made.wasm)
}

struct Made {
    wasm: PathBuf,
    /// Whether the final compiler call had `lto=fat`; unknown when cargo had nothing to do.
    lto: Option<bool>,
}

fn cargo_rustc(project: &Project, toolchain: &Toolchain, profile: Profile) -> Result<Made> {
    let flags = remapped(project);
    let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    if profile == Profile::Release {
        flags.extend(toolchain.size_flags());
    }
    let mut cargo = toolchain.cargo(project, "rustc", &flags, profile == Profile::Release);
    cargo.args(["--verbose", "--lib", "--crate-type", "cdylib", "--profile", profile.cargo()]);
    cargo.args(["-p", "evertoken", "--message-format", "json-render-diagnostics"]);
    let mut child = cargo
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::shown(&cargo)))?;
    let (stdout, stderr) =
        (child.stdout.take().context("no stdout")?, child.stderr.take().context("no stderr")?);
    let messages = std::thread::spawn(move || {
        let mut wasm = None;
        process::read_lines(stdout, |line| wasm = artifact(line).or(wasm.take()))?;
        anyhow::Ok(wasm)
    });
    let lto = RefCell::new(None);
    process::read_lines(stderr, |line| {
        if line.contains("--crate-name evertoken ") {
            *lto.borrow_mut() = Some(line.contains("lto=fat"));
        }
        if !is_noise(line) {
            eprintln!("{line}");
        }
    })?;
    let status = child.wait()?;
    let wasm = messages.join().map_err(|_| anyhow::anyhow!("the reader of cargo's messages panicked"))??;
    ensure!(status.success(), "the wasm build failed; the compiler's messages are above");
    Ok(Made { wasm: wasm.context("cargo named no .wasm file among its artifacts")?, lto: lto.into_inner() })
}

/// Verbose cargo prints each compiler call; people want the errors and what is being compiled.
fn is_noise(line: &str) -> bool {
    let line = line.trim_start();
    ["Running `", "Fresh ", "Dirty ", "Caused by:", "process didn't exit successfully: `"]
        .iter()
        .any(|start| line.starts_with(start))
}

fn artifact(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let names = message.get("filenames")?.as_array()?;
    names.iter().filter_map(|name| name.as_str()).find(|name| name.ends_with(".wasm")).map(PathBuf::from)
}

/// Keeps paths of the building machine out of the module, where panic locations would carry them.
fn remapped(project: &Project) -> Vec<String> {
    let mut flags = vec![format!("--remap-path-prefix={}=", project.root.display())];
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cargo_home =
        std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home.map(|home| home.join(".cargo")));
    if let Some(cargo_home) = cargo_home {
        flags.push(format!("--remap-path-prefix={}=cargo", cargo_home.display()));
    }
    flags
}

/// Runs wasm-bindgen on a linked module.
pub(crate) fn bind(project: &Project, module: &Path, profile: Profile) -> Result<Bindings> {
    let locked = project.locked("wasm-bindgen")?;
    if locked != BINDGEN_VERSION {
        bail!(
            "Cargo.lock has wasm-bindgen {locked}, this program writes glue for {BINDGEN_VERSION}: set both \
             `wasm-bindgen-cli-support` in xtask/Cargo.toml and BINDGEN_VERSION in xtask/src/wasm.rs to {locked}"
        );
    }
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .web(true)?
        .omit_default_module_path(true)
        .typescript(true)
        .keep_debug(profile == Profile::Dev)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(true)
        .out_name("evertoken");
    let mut output = bindgen.generate_output().context("wasm-bindgen")?;
    ensure!(
        output.snippets().values().all(Vec::is_empty)
            && output.local_modules().is_empty()
            && output.npm_dependencies().is_empty(),
        "the crate brings JavaScript of its own (`inline_js`, `module = \"…\"`); the glue factory cannot carry it"
    );
    let names = match profile {
        Profile::Dev => Names::default(),
        Profile::Release => names::shorten(&mut output),
    };
    let directory = project.cache().join("bindgen");
    fs::create_dir_all(&directory)?;
    output.emit(&directory).context("wasm-bindgen")?;
    let glue = glue::factory(&fs::read_to_string(directory.join("evertoken.js"))?)?;
    Ok(Bindings {
        wasm: fs::read(directory.join("evertoken_bg.wasm"))?,
        glue: names.apply(&glue)?,
        types: fs::read_to_string(directory.join("evertoken.d.ts"))?,
    })
}

/// Shrinks the module with wasm-opt; a module seen before comes from the cache. Without binaryen, a warning.
pub(crate) fn optimise(project: &Project, wasm: &[u8]) -> Result<Vec<u8>> {
    let tool = project.root.join("node_modules/binaryen/bin/wasm-opt");
    if !tool.is_file() {
        eprintln!("warning: no wasm-opt (run `npm ci`): the module stays about a tenth larger");
        return Ok(wasm.to_vec());
    }
    let directory = project.cache().join("opt");
    let mut tools = fs::read(project.root.join("node_modules/binaryen/package.json")).unwrap_or_default();
    tools.extend(OPTIMISATIONS.concat().bytes());
    let name = format!("{}-{}", project::hash(wasm), project::hash(&tools));
    let best = directory.join(format!("{name}.wasm"));
    if let Ok(bytes) = fs::read(&best) {
        return Ok(bytes);
    }
    eprintln!("wasm-opt (about 15 s)");
    if directory.is_dir() {
        // Modules of earlier builds: each edit makes another.
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let [input, output] = ["in", "out"].map(|end| directory.join(format!("{name}.{end}")));
    fs::write(&input, wasm)?;
    let mut node = process::command("node");
    node.arg(&tool).arg(&input).args(OPTIMISATIONS).arg("-o").arg(&output);
    process::run(&mut node, "see the message of wasm-opt above")?;
    let bytes = fs::read(&output)?;
    ensure!(
        bytes.starts_with(MAGIC),
        "wasm-opt wrote no module: is another build running in this directory?"
    );
    fs::remove_file(input)?;
    // A name of its own only when it is whole.
    fs::rename(output, best)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_found_among_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","filenames":["/t/a b/evertoken.wasm"]}"#;
        assert_eq!(artifact(line), Some(PathBuf::from("/t/a b/evertoken.wasm")));
        assert_eq!(artifact(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(artifact("not json"), None);
    }

    #[test]
    fn compiler_calls_are_noise_and_errors_are_not() {
        assert!(is_noise("     Running `rustc --crate-name evertoken`"));
        assert!(!is_noise("error[E0432]: unresolved import"));
        assert!(!is_noise("   Compiling evertoken v0.1.0"));
    }

    #[test]
    fn the_pinned_dependency_is_the_version_this_program_claims() {
        let manifest = include_str!("../Cargo.toml");
        assert!(manifest.contains(&format!("wasm-bindgen-cli-support = \"={BINDGEN_VERSION}\"")));
    }
}
