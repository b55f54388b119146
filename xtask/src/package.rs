//! The npm package in pkg/: what the build puts there, and what must not be there.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::process;
use crate::project::{self, Project};

/// What a content security policy without `unsafe-eval`, a service worker or `require()` would refuse.
const FORBIDDEN: [(&str, &str); 3] = [
    ("eval(", "a content security policy refuses it"),
    ("new Function", "a content security policy refuses it"),
    ("import(", "service workers refuse it"),
];

/// Compiles the facade, unless neither it nor the bindings have changed.
pub(crate) fn compile_facade(project: &Project) -> Result<()> {
    let package = project.root.join("pkg");
    ensure!(
        package.join("tsconfig.json").is_file(),
        "pkg/tsconfig.json is missing: the wasm is in pkg/wasm, but there is no facade to compile"
    );
    let mut inputs = project::files_under(&package.join("src"));
    inputs.extend(project::files_under(&package.join("wasm")));
    inputs.extend(
        ["pkg/tsconfig.json", "pkg/package.json", "package-lock.json"].map(|name| project.root.join(name)),
    );
    let dist = package.join("dist");
    if project.is_current("tsc", &inputs, &project::files_under(&dist)) && dist.is_dir() {
        return Ok(());
    }
    eprintln!("tsc: pkg/src to pkg/dist (about 5 s)");
    if dist.is_dir() {
        // A file that was renamed in src must not stay in the package under its old name.
        fs::remove_dir_all(&dist).context("cannot empty pkg/dist")?;
    }
    let compiler = project.root.join("node_modules/typescript/bin/tsc");
    ensure!(compiler.is_file(), "node_modules has no TypeScript: run `npm ci`");
    let mut tsc = process::command("node");
    tsc.current_dir(&project.root).arg(compiler).args(["-p", "pkg"]);
    process::run(&mut tsc, "fix the TypeScript errors above")?;
    project.record("tsc", &inputs, &project::files_under(&dist))
}

/// Puts the licences beside the package: both ask to go along with every copy, and npm packs no link.
pub(crate) fn add_licences(project: &Project) -> Result<()> {
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(project.root.join(name), project.root.join("pkg").join(name))
            .with_context(|| format!("cannot copy {name} into pkg/"))?;
    }
    Ok(())
}

/// Searches the shipped JavaScript for what some pages and runtimes refuse.
pub(crate) fn check_shipped(project: &Project) -> Result<()> {
    let package = project.root.join("pkg");
    let mut files = project::files_under(&package.join("dist"));
    files.extend(project::files_under(&package.join("wasm")));
    for path in files.iter().filter(|path| is_script(path)) {
        let text = fs::read_to_string(path)?;
        if let Some((line, what)) = forbidden(&text) {
            bail!("{}:{line}: {what}", path.strip_prefix(&project.root).unwrap_or(path).display());
        }
    }
    Ok(())
}

fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["js", "mjs", "cjs"].iter().any(|known| extension == *known))
}

fn forbidden(text: &str) -> Option<(usize, String)> {
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("//") || code.starts_with('*') || code.starts_with("export const inlined = ") {
            continue;
        }
        for (pattern, why) in FORBIDDEN {
            let found = code.match_indices(pattern).any(|(at, _)| !code[..at].ends_with(is_identifier));
            if found {
                return Some((number + 1, format!("`{pattern}` in shipped code: {why}")));
            }
        }
        // Code at column 0 is at the top level, where nothing else begins a line with `await`.
        if line.starts_with("await ") || (line.starts_with("const ") && line.contains(" = await ")) {
            return Some((
                number + 1,
                "top-level `await` in shipped code: `require()` refuses it".to_owned(),
            ));
        }
    }
    None
}

fn is_identifier(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.')
}

/// Notices that `wasm-pack build` has replaced the package by its own, and puts ours back where git can.
pub(crate) fn undo_wasm_pack(project: &Project) -> Result<()> {
    let package = project.root.join("pkg");
    let manifest = fs::read_to_string(package.join("package.json")).unwrap_or_default();
    let ignore = fs::read_to_string(package.join(".gitignore")).unwrap_or_default();
    let traces = traces_of_wasm_pack(&manifest, &ignore, |name| package.join(name).exists());
    if traces.is_empty() {
        return Ok(());
    }
    eprintln!(
        "note: wasm-pack wrote over pkg/ ({}); this package is made by `cargo xtask build`",
        traces.join(", ")
    );
    for name in
        ["evertoken.js", "evertoken.d.ts", "evertoken_bg.js", "evertoken_bg.wasm", "evertoken_bg.wasm.d.ts"]
    {
        let path = package.join(name);
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    if ignore.trim() == "*" {
        fs::remove_file(package.join(".gitignore")).context("cannot remove pkg/.gitignore")?;
    }
    if is_our_manifest(&manifest) {
        return Ok(());
    }
    // Beside the manifest it copies the README and the licence of the root over those of the package.
    let names = ["pkg/package.json", "pkg/README.md", "pkg/LICENSE"];
    let mut git = process::command("git");
    git.current_dir(&project.root).args(["ls-files", "--"]).args(names);
    let tracked = process::capture(&mut git).unwrap_or_default();
    let tracked: Vec<&str> = tracked.lines().collect();
    if !tracked.contains(&"pkg/package.json") {
        bail!(
            "pkg/package.json is wasm-pack's and git has no copy here: put pkg/ back from the source archive"
        );
    }
    let mut git = process::command("git");
    git.current_dir(&project.root).args(["checkout", "--quiet", "HEAD", "--"]).args(tracked);
    process::run(&mut git, "put pkg/package.json back from the source archive")
}

fn traces_of_wasm_pack(manifest: &str, ignore: &str, exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut traces = Vec::new();
    if !manifest.is_empty() && !is_our_manifest(manifest) {
        traces.push("package.json");
    }
    if ignore.trim() == "*" {
        traces.push(".gitignore");
    }
    if exists("evertoken_bg.wasm") {
        traces.push("evertoken_bg.wasm");
    }
    traces
}

/// Ours has an `exports` map; wasm-pack writes none.
fn is_our_manifest(manifest: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(manifest)
        .is_ok_and(|manifest| manifest.get("exports").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_pages_refuse_is_found_with_its_line() {
        assert_eq!(forbidden("const a = 1;\nreturn eval(a);").unwrap().0, 2);
        assert_eq!(forbidden("x = new Function('a')").unwrap().0, 1);
        assert!(forbidden("const m = await import('./a.js');").is_some());
        assert!(forbidden("const m = await load();").unwrap().1.starts_with("top-level `await`"));
        assert_eq!(
            forbidden("async function f() {\n    const m = await load();\n    retrieval(m);\n}"),
            None
        );
        assert_eq!(forbidden("// eval( is not used"), None);
        assert_eq!(forbidden("export const inlined = \"eval(\";"), None);
    }

    #[test]
    fn what_wasm_pack_leaves_is_recognised() {
        let ours = r#"{"name":"evertoken","exports":{}}"#;
        let theirs = r#"{"name":"evertoken","main":"evertoken.js"}"#;
        assert!(traces_of_wasm_pack(ours, "", |_| false).is_empty());
        assert!(traces_of_wasm_pack("", "", |_| false).is_empty());
        assert_eq!(
            traces_of_wasm_pack(theirs, "*\n", |_| true),
            ["package.json", ".gitignore", "evertoken_bg.wasm"]
        );
    }
}
