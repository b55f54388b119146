//! Short names at the border between the wasm and its glue.
//!
//! wasm-bindgen names imports and exports for people, with hashes that do not compress, and each name stands both
//! in the module and in the glue. Nobody but the two reads them, so the release build numbers them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use wasm_bindgen_cli_support::Output;

use crate::glue;

/// How the glue names an export.
const INSTANCE: &str = "wasm.";

/// New names by old ones.
#[derive(Debug, Default)]
pub(crate) struct Names {
    imports: BTreeMap<String, String>,
    exports: BTreeMap<String, String>,
    modules: BTreeMap<String, String>,
}

/// Renames everything that the module imports and exports. Exports that the glue does without go: each would keep its
/// code in the module.
pub(crate) fn shorten(output: &mut Output) -> Names {
    let mut names = Names::default();
    let module = output.wasm_mut();
    for import in module.imports.iter_mut() {
        import.module = numbered(&mut names.modules, &import.module);
        import.name = numbered(&mut names.imports, &import.name);
    }
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| glue::does_without(&export.name))
        .map(|export| export.id())
        .collect();
    for export in unused {
        module.exports.delete(export);
    }
    for export in module.exports.iter_mut() {
        export.name = numbered(&mut names.exports, &export.name);
    }
    names
}

impl Names {
    /// Puts the new names into the glue.
    pub(crate) fn apply(&self, glue: &str) -> Result<String> {
        let mut text = String::with_capacity(glue.len());
        let mut imports = 0;
        for line in glue.lines() {
            let indent = line.len() - line.trim_start().len();
            let (space, code) = line.split_at(indent);
            let key = code.split_once(": ").and_then(|(key, rest)| {
                let module = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
                let new = match module {
                    Some(module) => self.modules.get(module),
                    None => self.imports.get(key).filter(|_| rest.starts_with("function(")),
                };
                new.map(|new| (new, rest))
            });
            text.push_str(space);
            match key {
                Some((new, rest)) => {
                    imports += 1;
                    text.push_str(&format!("{new}: {}", self.exports_in(rest)));
                }
                None => text.push_str(&self.exports_in(code)),
            }
            text.push('\n');
        }
        let expected = self.imports.len() + self.modules.len();
        ensure!(
            imports == expected,
            "the glue names {imports} of the module's {expected} imports and their modules"
        );
        Ok(text)
    }

    /// A line with `wasm.<name>` replaced.
    fn exports_in(&self, line: &str) -> String {
        let mut text = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = rest.find(INSTANCE) {
            let (before, after) = rest.split_at(at + INSTANCE.len());
            let end = after.find(|c| !is_word(c)).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            text.push_str(before);
            text.push_str(self.exports.get(name).map_or(name, String::as_str));
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

fn numbered(names: &mut BTreeMap<String, String>, old: &str) -> String {
    let next = short(names.len());
    names.entry(old.to_owned()).or_insert(next).clone()
}

/// `a` … `z`, `A` … `Z`, `aa` …: always an identifier.
fn short(mut number: usize) -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut name = Vec::new();
    loop {
        name.push(char::from(LETTERS[number % LETTERS.len()]));
        number /= LETTERS.len();
        if number == 0 {
            return name.into_iter().rev().collect();
        }
        number -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let map =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Names {
            imports: map(&[("__wbg_call_40b0", "a")]),
            exports: map(&[("counter_new", "a"), ("memory", "b")]),
            modules: map(&[("./evertoken_bg.js", "a")]),
        }
    }

    #[test]
    fn names_are_replaced_at_the_border_only() {
        let glue = "    __wbg_call_40b0: function() { return wasm.memory.buffer; },\n    \
                    \"./evertoken_bg.js\": import0,\n\
                    function counter_new(arg0) {\n    wasm.counter_new(arg0, wasm.other);\n}\n";
        let expected = "    a: function() { return wasm.b.buffer; },\n    a: import0,\n\
                        function counter_new(arg0) {\n    wasm.a(arg0, wasm.other);\n}\n";
        assert_eq!(names().apply(glue).unwrap(), expected);
    }

    #[test]
    fn an_import_that_the_glue_does_not_have_is_an_error() {
        let error = names().apply("\"./evertoken_bg.js\": import0,\n").unwrap_err().to_string();
        assert_eq!(error, "the glue names 1 of the module's 2 imports and their modules");
    }

    #[test]
    fn short_names_are_distinct() {
        let all: std::collections::BTreeSet<String> = (0..3000).map(short).collect();
        assert_eq!(all.len(), 3000);
        assert_eq!([short(0), short(51), short(52), short(104)], ["a", "Z", "aa", "ba"]);
    }
}
