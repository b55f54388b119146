//! `bench`: what is in `benches/`, by name. Native ones are Rust, the others scripts for Node.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::args::{Bench, Profile};
use crate::build;
use crate::process;
use crate::project::{self, Project};
use crate::setup::{self, Need};

pub(crate) fn command(project: &Project, options: &Bench) -> Result<()> {
    let all = benchmarks(project);
    let names: Vec<String> = all.iter().map(|path| name(path)).collect();
    if let Some(unknown) = options.names.iter().find(|wanted| !names.contains(wanted)) {
        bail!("unknown benchmark `{unknown}`; expected one of {}", names.join(", "));
    }
    let chosen =
        all.into_iter().filter(|path| options.names.is_empty() || options.names.contains(&name(path)));
    let (native, scripts): (Vec<_>, Vec<_>) =
        chosen.partition(|path| path.extension().is_some_and(|extension| extension == "rs"));
    ensure!(
        native.is_empty() || options.flags.is_empty(),
        "bench: {} is for overhead and storm; name one of them",
        options.flags.join(" ")
    );
    for path in native {
        setup::ensure(project, &[])?;
        let mut cargo = process::cargo();
        cargo.current_dir(&project.root).args(["bench", "-p", "evertoken", "--bench", &name(&path)]);
        ensure!(process::status(&mut cargo)?.success(), "a native benchmark failed; its message is above");
    }
    if scripts.is_empty() {
        return Ok(());
    }
    setup::ensure(project, &[Need::Wasm, Need::Npm, Need::Browser])?;
    setup::peers(project)?;
    build::package(project, Profile::Release)?;
    for script in scripts {
        let mut node = process::command("node");
        node.current_dir(&project.root).arg(&script).args(&options.flags);
        let failed = "a script failed, or missed a target under --check";
        ensure!(process::status(&mut node)?.success(), "{}: {failed}", name(&script));
    }
    Ok(())
}

/// What lies directly in `benches/`; what lies deeper is for these to use.
fn benchmarks(project: &Project) -> Vec<PathBuf> {
    let directory = project.root.join("benches");
    let mut files = project::files_under(&directory);
    files.retain(|path| {
        path.parent() == Some(&directory)
            && path.extension().is_some_and(|extension| extension == "rs" || extension == "mjs")
    });
    files.sort();
    files
}

fn name(path: &std::path::Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
