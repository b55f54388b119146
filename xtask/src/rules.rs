//! Rules on source files that no compiler knows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project::{self, Project};

/// What the engine must not reach for: it decides from values alone, so that a simulated browser runs the same code.
const BEHIND_THE_WALL: [&str; 10] = [
    "wasm_bindgen",
    "js_sys",
    "web_sys",
    "gloo",
    "std::time",
    "Instant::now",
    "SystemTime",
    "getrandom",
    "std::thread",
    "println!",
];
const LINES: usize = 500;
const SOURCES: [&str; 11] = [
    "src",
    "server",
    "sim",
    "xtask/src",
    "xtask/js",
    "pkg/src",
    "pkg/test",
    "tests",
    "www",
    "benches",
    "fuzz",
];
const GENERATED: [&str; 3] = ["dist", "target", "node_modules"];

/// Every broken rule as `file:line: what`.
pub(crate) fn broken(project: &Project) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in SOURCES.iter().flat_map(|directory| sources(&project.root.join(directory))) {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path.strip_prefix(&project.root).unwrap_or(&path);
        let shown = path.display();
        let lines = length(&text);
        if lines > LINES {
            found.push(format!("{shown}: {lines} lines, at most {LINES} expected: split it"));
        }
        if path.starts_with("src/engine") {
            found.extend(wall(&text).into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
        }
        if path.starts_with("src/bind") {
            found.extend(borrows(&text).into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
        }
    }
    Ok(found)
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let is_source = |path: &PathBuf| {
        let known = ["rs", "ts", "mts", "mjs", "js", "css"];
        path.extension().is_some_and(|extension| known.iter().any(|known| extension == *known))
            && !path.iter().any(|part| GENERATED.iter().any(|generated| part == *generated))
    };
    // Only what lies inside counts: the checkout itself may lie in a directory called `target`.
    let inside =
        |path: &PathBuf| path.strip_prefix(directory).map(PathBuf::from).is_ok_and(|path| is_source(&path));
    project::files_under(directory).into_iter().filter(inside).collect()
}

/// Lines without the unit tests at a Rust file's end.
fn length(text: &str) -> usize {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text).lines().count()
}

fn wall(text: &str) -> Vec<(usize, String)> {
    code_lines(text)
        .filter_map(|(number, line)| {
            let name = BEHIND_THE_WALL.iter().find(|name| line.contains(**name))?;
            Some((number, format!("`{name}` in the engine, which takes time, chance and answers as values")))
        })
        .collect()
}

fn borrows(text: &str) -> Vec<(usize, String)> {
    code_lines(text)
        .filter(|(_, line)| line.contains("fn ") && line.contains("&mut self"))
        .map(|(number, _)| {
            let why = "an exported method that is entered twice would throw; use `&self`";
            (number, format!("`&mut self` in src/bind: {why}"))
        })
        .collect()
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines.filter(|(_, line)| !line.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_wall_names_the_line_and_leaves_comments_alone() {
        let text = "//! No std::time here.\nuse std::collections::BTreeMap;\nlet now = Instant::now();\n";
        let found = wall(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 3);
        assert!(found[0].1.starts_with("`Instant::now` in the engine"));
    }

    #[test]
    fn exported_methods_take_a_shared_reference() {
        assert_eq!(borrows("pub fn a(&self) {}\n    pub async fn b(&mut self) {}\n")[0].0, 2);
        assert!(borrows("pub fn a(&self, b: &mut Vec<u8>) {}\n").is_empty());
    }

    #[test]
    fn unit_tests_do_not_count_as_length() {
        assert_eq!(length("a\nb\n\n#[cfg(test)]\nmod tests {\n    c\n}\n"), 2);
        assert_eq!(length("a\nb\nc\n"), 3);
    }
}
