//! Which compiler makes the wasm, with which flags.
//!
//! The release build compiles std itself (`build-std`) wherever its source is at hand: that is what lets panics
//! abort at once and formatting code disappear. Where there is no source, a prebuilt std makes a larger module.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::project::{Project, Version};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const SEPARATOR: &str = "\x1f";

/// Flags that make the module small, each with what its absence costs.
const SIZE_FLAGS: [(&str, &str); 3] = [
    ("-Cpanic=immediate-abort", "panic messages stay in the module, about a third more bytes"),
    ("-Zfmt-debug=none", "Debug code stays in the module, a few KB"),
    ("-Zlocation-detail=none", "source paths stay in the module, about 1 KB"),
];

/// A compiler that can make wasm here.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// Short name, also that of the target subdirectory: two compilers in one directory evict each other.
    pub(crate) name: &'static str,
    rustc: PathBuf,
    std: Std,
    linker: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Std {
    /// Compiled with our crate, from source.
    Built,
    /// As the toolchain ships it.
    Shipped,
}

impl Toolchain {
    /// The first compiler that can make wasm: the user's own, then Debian's `rustc-web`.
    pub(crate) fn find(project: &Project) -> Result<Self> {
        match Self::search(project) {
            Some(found) => Ok(found),
            None => bail!(
                "no Rust compiler here can make {TARGET}; either\n  \
                 rustup target add {TARGET} && rustup component add rust-src\n\
                 or, on Debian,\n  apt-get install -y --no-install-recommends rustc-web rust-web-src"
            ),
        }
    }

    pub(crate) fn search(project: &Project) -> Option<Self> {
        let own = PathBuf::from(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let sysroot = print(&own, &["--print", "sysroot"]).map(PathBuf::from);
        if let Some(sysroot) = &sysroot {
            if has_source(sysroot) {
                return Some(Self { name: "own", rustc: own, std: Std::Built, linker: None });
            }
            if sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
                return Some(Self { name: "shipped", rustc: own, std: Std::Shipped, linker: None });
            }
        }
        let debian = PathBuf::from(DEBIAN_RUSTC);
        let version = print(&debian, &["--version"]).and_then(|text| Version::find(&text))?;
        let root = print(&debian, &["--print", "sysroot"]).map(PathBuf::from)?;
        (version >= project.msrv && has_source(&root)).then(|| Self {
            name: "debian",
            rustc: debian,
            std: Std::Built,
            linker: sysroot.and_then(|sysroot| rust_lld(&sysroot)).or_else(wasm_ld),
        })
    }

    /// One line for people.
    pub(crate) fn describe(&self) -> String {
        let version = print(&self.rustc, &["--version"]).unwrap_or_default();
        let std = match self.std {
            Std::Built => "std built from source",
            Std::Shipped => "prebuilt std; `rustup component add rust-src` makes the module a third smaller",
        };
        format!("{version}, {std}")
    }

    /// Flags of the release build that this compiler takes; prints what a refused one costs.
    pub(crate) fn size_flags(&self) -> Vec<&'static str> {
        if self.std == Std::Shipped {
            return Vec::new();
        }
        let mut flags = vec!["-Zunstable-options"];
        for (flag, cost) in SIZE_FLAGS {
            let mut probe = process::command(&self.rustc);
            probe.env("RUSTC_BOOTSTRAP", "1").args([
                "-Zunstable-options",
                flag,
                "--target",
                TARGET,
                "--print",
                "cfg",
            ]);
            if process::capture(&mut probe).is_ok() {
                flags.push(flag);
            } else {
                eprintln!("note: {} refuses {flag}: {cost}", self.rustc.display());
            }
        }
        flags
    }

    /// A cargo command for the wasm target: compiler, linker, flags and target directory set by environment only.
    pub(crate) fn cargo(
        &self,
        project: &Project,
        subcommand: &str,
        flags: &[&str],
        small_std: bool,
    ) -> Command {
        let mut cargo = process::cargo();
        cargo.current_dir(&project.root).arg(subcommand).args(["--target", TARGET]);
        cargo.env("CARGO_TARGET_DIR", project.target.join(format!("wasm-{}", self.name)));
        cargo.env("RUSTC", &self.rustc);
        if self.std == Std::Built {
            cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
            if small_std {
                cargo.arg("-Zbuild-std-features=optimize_for_size");
            }
        }
        if let Some(linker) = &self.linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        // The encoded variable wins over RUSTFLAGS and over every rustflags in a config file.
        cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join(SEPARATOR));
        cargo
    }

    /// Clippy of the same release as the compiler, when there is one.
    pub(crate) fn clippy_driver(&self) -> Option<PathBuf> {
        let sysroot = print(&self.rustc, &["--print", "sysroot"])?;
        let driver = Path::new(&sysroot).join("bin/clippy-driver");
        driver.is_file().then_some(driver)
    }
}

/// Says once that flags of the user do not reach the wasm build.
pub(crate) fn warn_of_user_flags() {
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"] {
        if std::env::var_os(name).is_some_and(|value| !value.is_empty()) {
            eprintln!("note: {name} is ignored for the wasm build, which has flags of its own");
        }
    }
}

/// What `rustc` prints for a question, if it answers.
pub(crate) fn print(rustc: &Path, arguments: &[&str]) -> Option<String> {
    let text = process::capture(process::command(rustc).args(arguments)).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn has_source(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
}

/// Debian's compiler comes without a wasm linker; rustup's toolchain has one.
fn rust_lld(sysroot: &Path) -> Option<PathBuf> {
    let host = print(Path::new("rustc"), &["-vV"])?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "))?;
    let lld = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
    lld.is_file().then_some(lld)
}

fn wasm_ld() -> Option<PathBuf> {
    let path = PathBuf::from("/usr/bin/wasm-ld");
    path.is_file().then_some(path)
}
