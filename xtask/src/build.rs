//! `build`: everything that goes into the npm package.

use std::fs;

use anyhow::{Context, Result};

use crate::args::Profile;
use crate::project::{self, Project};
use crate::streams::{self, Split};
use crate::toolchain::Toolchain;
use crate::{arrange, glue_types, inline, package, process, wasm};

/// Makes pkg/wasm and pkg/dist; cheap when nothing has changed.
pub(crate) fn package(project: &Project, profile: Profile) -> Result<()> {
    package::undo_wasm_pack(project)?;
    bindings(project, profile)?;
    package::compile_facade(project)?;
    package::add_licences(project)?;
    package::check_shipped(project)
}

fn bindings(project: &Project, profile: Profile) -> Result<()> {
    let toolchain = Toolchain::find(project)?;
    let linked = wasm::compile(project, &toolchain, profile)?;
    let bindings = wasm::bind(project, &linked, profile)?;
    let module = match profile {
        Profile::Dev => bindings.wasm,
        Profile::Release => arrange::by_type(&wasm::optimise(project, &bindings.wasm)?)?,
    };
    let Split { parts, module } = streams::split(&module)?;
    let inlined = inline::module(&parts)?;
    let directory = project.root.join("pkg/wasm");
    fs::create_dir_all(&directory).context("cannot create pkg/wasm")?;
    let files = [
        ("evertoken.wasm", module),
        ("glue.js", bindings.glue.into_bytes()),
        ("glue.d.ts", glue_types::declarations(&bindings.types)?.into_bytes()),
        ("inline.js", inlined.js.into_bytes()),
        ("inline.d.ts", inlined.types.as_bytes().to_vec()),
    ];
    for (name, bytes) in &files {
        project::write_if_changed(&directory.join(name), bytes)?;
    }
    let written = files.map(|(name, _)| directory.join(name));
    if project.is_current("verify", &[], &written) {
        return Ok(());
    }
    let mut node = process::command("node");
    node.arg(project.root.join("xtask/js/verify.mjs")).arg(&directory);
    process::run(&mut node, "the module that was just built is broken; run with `--dev` to compare")?;
    project.record("verify", &[], &written)
}
