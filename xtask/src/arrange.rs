//! Functions in the order of their types: then what a module says of each function is a few runs of equal numbers.

use std::convert::Infallible;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FunctionSectionReader, Parser, Payload};

/// Makes the same module with its functions in order.
pub(crate) fn by_type(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut arrangement = Arrangement::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    arrangement.imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::FunctionSection(functions) => {
                let types = functions.into_iter().collect::<Result<Vec<u32>, _>>()?;
                arrangement.order = (0..types.len()).collect();
                arrangement.order.sort_by_key(|function| types[*function]);
            }
            _ => {}
        }
    }
    let mut module = Module::new();
    arrangement
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("cannot put the functions in order: {error}"))?;
    Ok(module.finish())
}

#[derive(Default)]
struct Arrangement {
    /// How many functions are imported; they stay where they are.
    imported: u32,
    /// Of the others, the old places in the new order.
    order: Vec<usize>,
}

impl Reencode for Arrangement {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        let Some(old) = function.checked_sub(self.imported) else {
            return Ok(function);
        };
        let new = self.order.iter().position(|place| *place == old as usize);
        Ok(self.imported + new.unwrap_or_default() as u32)
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let mut types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        types.sort_unstable();
        for one in types {
            functions.function(one);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for place in self.order.clone() {
            utils::parse_function_body(self, code, bodies[place].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_move_and_whatever_names_them_follows() {
        let module = |functions: [&str; 3], [one, two, three]: [u32; 3]| {
            let [first, second, third] = functions.map(|name| match name {
                "one" => format!("(func (type 1) (i32.add (call {two} (i32.const 1)) (i32.const 2)))"),
                "two" => "(func (type 0) (drop (local.get 0)) call 0)".to_owned(),
                _ => format!("(func (type 1) (call {one}))"),
            });
            wat::parse_str(format!(
                r#"(module (type (func (param i32))) (type (func)) (import "a" "b" (func (type 1)))
                (table 3 funcref) (export "one" (func {one})) (start {three})
                (elem (i32.const 0) func 0 {two} {three}) {first} {second} {third})"#
            ))
            .unwrap()
        };
        let arranged = by_type(&module(["one", "two", "three"], [1, 2, 3])).unwrap();
        assert_eq!(arranged, module(["two", "one", "three"], [2, 1, 3]));
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(by_type(b"\0asm").is_err());
    }
}
