//! A module taken apart into streams of like things, which compress better than the instructions they come from: all
//! opcodes one after the other, all offsets, all constants. `xtask/js/inline.js` puts them together in the browser.
//!
//! Each stream is bytes of the module in their order. Left out is what both sides can tell: sizes of functions, and
//! alignments, which are hints and become the natural ones. A variable is named by how many others have been used
//! since it was used last, a function by how many others have been called. The most frequent pairs of an opcode and
//! its operand are one opcode that WebAssembly does not have: what follows is easier to foretell from them.

use anyhow::{Context, Result};

/// Numbers in LEB128, unless said otherwise; in the order in which they are written.
#[derive(Clone, Copy)]
enum Stream {
    /// The module up to its code, as it is.
    Before,
    /// The module behind its code, as it is.
    After,
    /// How many functions; for each how many groups of variables; for each group how many, and their type.
    Groups,
    Blocks,
    Branches,
    Calls,
    Variables,
    /// Constants that are added or subtracted.
    Sums,
    Ints,
    Longs,
    Offsets,
    Rest,
    /// Single bytes.
    Opcodes,
}

/// The streams of a module, and the module that they make: the same but for alignments and overlong sizes.
#[derive(Debug)]
pub(crate) struct Split {
    /// All but the opcodes, and the opcodes, which have other frequent bytes.
    pub(crate) parts: [Vec<u8>; 2],
    pub(crate) module: Vec<u8>,
}

pub(crate) fn split(wasm: &[u8]) -> Result<Split> {
    let parts = taken_apart(wasm).context("the module has code that xtask/src/streams.rs does not know")?;
    let module = joined(&parts).context("the streams of the module make no module")?;
    Ok(Split { parts, module })
}

/// The opposite, by the same rule as in JavaScript.
fn joined(parts: &[Vec<u8>; 2]) -> Option<Vec<u8>> {
    let [others, opcodes] = parts.each_ref().map(|part| Reader(part));
    let mut streams = [opcodes; STREAMS];
    let mut rest = others;
    let mut lengths = [0; STREAMS - 1];
    for length in &mut lengths {
        *length = rest.number()? as usize;
    }
    for (stream, length) in streams.iter_mut().zip(lengths) {
        *stream = Reader(rest.take(length)?);
    }
    let mut wasm = streams[Stream::Before as usize].0.to_vec();
    wasm.push(CODE);
    let code = wasm.len();
    let mut joiner = Joiner {
        streams,
        wasm,
        function: 0,
        variables: Recent::default(),
        called: Recent::default(),
        operand: None,
    };
    walk(&mut joiner)?;
    measure(&mut joiner.wasm, code);
    joiner.wasm.extend(streams[Stream::After as usize].0);
    Some(joiner.wasm)
}

fn taken_apart(wasm: &[u8]) -> Option<[Vec<u8>; 2]> {
    let mut rest = Reader(wasm);
    rest.take(HEADER)?;
    let (before, code) = loop {
        let before = &wasm[..wasm.len() - rest.0.len()];
        let id = rest.byte()?;
        let length = rest.number()? as usize;
        let section = Reader(rest.take(length)?);
        if id == CODE {
            break (before, section);
        }
    };
    let mut splitter = Splitter {
        code,
        streams: Default::default(),
        variables: Recent::default(),
        called: Recent::default(),
    };
    splitter.streams[Stream::Before as usize].extend(before);
    splitter.streams[Stream::After as usize].extend(rest.0);
    walk(&mut splitter)?;
    let (opcodes, others) = splitter.streams.split_last()?;
    let mut first = Vec::new();
    for stream in others {
        first.extend(leb128(stream.len()));
    }
    first.extend(others.concat());
    Some([first, opcodes.clone()])
}

/// One direction of the way between code and streams.
trait Side {
    fn begin_function(&mut self) -> Option<()>;
    fn end_function(&mut self);
    fn opcode(&mut self) -> Option<u8>;
    fn byte(&mut self, stream: Stream) -> Option<u8>;
    fn number(&mut self, stream: Stream) -> Option<u32>;
    fn alignment(&mut self, natural: u8) -> Option<()>;
    fn int(&mut self) -> Option<()>;
    fn variable(&mut self) -> Option<()>;
    fn call(&mut self) -> Option<()>;

    fn numbers(&mut self, stream: Stream, count: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.number(stream).map(drop))
    }
}

/// Goes through the code; `None` where it cannot be understood.
fn walk(side: &mut impl Side) -> Option<()> {
    for _ in 0..side.number(Stream::Groups)? {
        side.begin_function()?;
        let groups = side.number(Stream::Groups)?;
        side.numbers(Stream::Groups, groups.checked_mul(2)?)?;
        let mut depth = 1;
        while depth > 0 {
            let opcode = side.opcode()?;
            match opcode {
                0x02..=0x04 => {
                    depth += 1;
                    side.numbers(Stream::Blocks, 1)?;
                }
                0x0b => depth -= 1,
                0x0c | 0x0d => side.numbers(Stream::Branches, 1)?,
                0x0e => {
                    let targets = side.number(Stream::Branches)?;
                    side.numbers(Stream::Branches, targets.checked_add(1)?)?;
                }
                0x10 => side.call()?,
                0x11 | 0x1c => side.numbers(Stream::Rest, 2)?,
                0x20..=0x22 => side.variable()?,
                0x23..=0x26 | 0x3f | 0x40 | 0xd0 | 0xd2 => side.numbers(Stream::Rest, 1)?,
                0x28..=0x3e => {
                    side.alignment(ALIGNMENTS[usize::from(opcode - 0x28)] - b'0')?;
                    side.numbers(Stream::Offsets, 1)?;
                }
                0x41 => side.int()?,
                0x42 => side.numbers(Stream::Longs, 1)?,
                0x43 | 0x44 => {
                    let bytes = if opcode == 0x43 { 4 } else { 8 };
                    (0..bytes).try_for_each(|_| side.byte(Stream::Rest).map(drop))?;
                }
                0xfc => match side.number(Stream::Rest)? {
                    // Conversions.
                    0..8 => {}
                    // Memories and tables: two operands, or one.
                    second @ (8..=15 | 17) => side.numbers(Stream::Rest, 2 - second % 2)?,
                    _ => return None,
                },
                0x00 | 0x01 | 0x05 | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => {}
                _ => return None,
            }
        }
        side.end_function();
    }
    Some(())
}

struct Splitter<'a> {
    code: Reader<'a>,
    streams: [Vec<u8>; STREAMS],
    variables: Recent,
    called: Recent,
}

impl Splitter<'_> {
    fn put(&mut self, stream: Stream, operand: &[u8]) {
        let opcodes = &mut self.streams[Stream::Opcodes as usize];
        let short = opcodes
            .last()
            .and_then(|&opcode| SHORT.iter().position(|&(of, byte)| (of, &[byte][..]) == (opcode, operand)));
        match (short, opcodes.last_mut()) {
            (Some(short), Some(opcode)) => *opcode = FIRST_SHORT + short as u8,
            _ => self.streams[stream as usize].extend(operand),
        }
    }
}

impl Side for Splitter<'_> {
    fn begin_function(&mut self) -> Option<()> {
        self.variables = Recent::default();
        self.code.number().map(drop)
    }

    fn end_function(&mut self) {}

    fn opcode(&mut self) -> Option<u8> {
        self.byte(Stream::Opcodes)
    }

    fn byte(&mut self, stream: Stream) -> Option<u8> {
        let byte = self.code.byte()?;
        self.streams[stream as usize].push(byte);
        Some(byte)
    }

    fn number(&mut self, stream: Stream) -> Option<u32> {
        let mut operand = Vec::new();
        let number = self.code.copy_number(&mut operand)?;
        self.put(stream, &operand);
        Some(number)
    }

    fn alignment(&mut self, _natural: u8) -> Option<()> {
        self.code.number().map(drop)
    }

    fn int(&mut self) -> Option<()> {
        let mut int = Vec::new();
        self.code.copy_number(&mut int)?;
        self.put(stream_of_int(&self.code), &int);
        Some(())
    }

    fn variable(&mut self) -> Option<()> {
        let rank = self.variables.rank(self.code.number()?)?;
        self.put(Stream::Variables, &leb128(rank));
        Some(())
    }

    fn call(&mut self) -> Option<()> {
        let rank = self.called.rank(self.code.number()?)?;
        self.put(Stream::Calls, &leb128(rank));
        Some(())
    }
}

struct Joiner<'a> {
    streams: [Reader<'a>; STREAMS],
    wasm: Vec<u8>,
    function: usize,
    variables: Recent,
    called: Recent,
    /// What the last opcode says of its operand.
    operand: Option<u8>,
}

impl Joiner<'_> {
    fn rank(&mut self, stream: Stream) -> Option<u32> {
        match self.operand.take() {
            Some(rank) => Some(rank.into()),
            None => self.streams[stream as usize].number(),
        }
    }
}

impl Side for Joiner<'_> {
    fn begin_function(&mut self) -> Option<()> {
        self.variables = Recent::default();
        self.function = self.wasm.len();
        Some(())
    }

    fn end_function(&mut self) {
        measure(&mut self.wasm, self.function);
    }

    fn opcode(&mut self) -> Option<u8> {
        let opcode = self.streams[Stream::Opcodes as usize].byte()?;
        let short = SHORT.get(usize::from(opcode.wrapping_sub(FIRST_SHORT)));
        self.operand = short.map(|(_, operand)| *operand);
        let opcode = short.map_or(opcode, |(opcode, _)| *opcode);
        self.wasm.push(opcode);
        Some(opcode)
    }

    fn byte(&mut self, stream: Stream) -> Option<u8> {
        let byte = self.streams[stream as usize].byte()?;
        self.wasm.push(byte);
        Some(byte)
    }

    fn number(&mut self, stream: Stream) -> Option<u32> {
        if let Some(operand) = self.operand.take() {
            self.wasm.push(operand);
            return Some(operand.into());
        }
        self.streams[stream as usize].copy_number(&mut self.wasm)
    }

    fn alignment(&mut self, natural: u8) -> Option<()> {
        self.wasm.push(natural);
        Some(())
    }

    fn int(&mut self) -> Option<()> {
        let stream = stream_of_int(&self.streams[Stream::Opcodes as usize]);
        self.numbers(stream, 1)
    }

    fn variable(&mut self) -> Option<()> {
        let rank = self.rank(Stream::Variables)?;
        self.wasm.extend(leb128(self.variables.at(rank)?));
        Some(())
    }

    fn call(&mut self) -> Option<()> {
        let rank = self.rank(Stream::Calls)?;
        self.wasm.extend(leb128(self.called.at(rank)?));
        Some(())
    }
}

/// Which stream a constant goes into, by the opcode after it.
fn stream_of_int(then: &Reader<'_>) -> Stream {
    if matches!(then.0.first(), Some(0x6a | 0x6b)) { Stream::Sums } else { Stream::Ints }
}

/// Things that have numbers, those used last first.
#[derive(Default)]
struct Recent(Vec<usize>);

impl Recent {
    fn rank(&mut self, number: u32) -> Option<usize> {
        let number = number as usize;
        self.reach(number)?;
        let rank = self.0.iter().position(|known| *known == number)?;
        self.at(rank as u32)?;
        Some(rank)
    }

    fn at(&mut self, rank: u32) -> Option<usize> {
        let rank = rank as usize;
        self.reach(rank)?;
        self.0[..=rank].rotate_right(1);
        self.0.first().copied()
    }

    /// Adds those not used yet, in their order, up to `last`.
    fn reach(&mut self, last: usize) -> Option<()> {
        self.0.extend(self.0.len()..=last.min(MOST));
        (last <= MOST).then_some(())
    }
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u32> {
        self.copy_number(&mut Vec::new())
    }

    /// The low 32 bits of a number of any length, whose bytes also go to `copy`.
    fn copy_number(&mut self, copy: &mut Vec<u8>) -> Option<u32> {
        let mut number = 0;
        for place in 0.. {
            let byte = self.byte()?;
            copy.push(byte);
            number |= u32::from(byte & 0x7f).checked_shl(7 * place).unwrap_or_default();
            if byte < 0x80 {
                break;
            }
        }
        Some(number)
    }
}

/// Puts in front of what stands behind `start` how long it is.
fn measure(bytes: &mut Vec<u8>, start: usize) {
    let length = leb128(bytes.len() - start);
    bytes.splice(start..start, length);
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

const STREAMS: usize = Stream::Opcodes as usize + 1;
const CODE: u8 = 10;
/// Bytes of the magic number and the version.
const HEADER: usize = 8;
/// Engines have no more variables in a function; functions are fewer by far.
const MOST: usize = 50_000;
/// Opcodes of which one operand is frequent. Those of which all are get nothing from it: the opcodes become so many
/// that they need two characters each. Found by trying one after the other with the whole module.
const SHORT: [(u8, u8); 9] =
    [(0x20, 0), (0x20, 1), (0x41, 0), (0x41, 1), (0x21, 0), (0x24, 0), (0x23, 0), (0x42, 2), (0x42, 0)];
/// The first of opcodes in a row that WebAssembly leaves free.
const FIRST_SHORT: u8 = 0xe0;
/// The natural alignment of each access to the memory, as a power of two; from `i32.load` on.
const ALIGNMENTS: &[u8; 23] = b"23230011001122232301012";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{arrange, inline, process};

    /// Instructions of every kind that `walk` tells apart, and functions in no order of types.
    const MODULE: &str = r#"(module
        (type $plain (func))
        (type $sum (func (param i32 i64) (result i32)))
        (import "a" "b" (func $out (type $plain)))
        (memory 1) (table 2 funcref) (global (mut i32) (i32.const 70000))
        (elem (i32.const 0) func $many $sum)
        (export "many" (func $many)) (export "sum" (func $sum))
        (func $sum (type $sum) (i32.add (local.get 0) (i32.const 9)))
        (func $many (type $plain) (local i32 i32 i32 f64 funcref)
            (block (loop
                (if (local.tee 0 (i32.sub (i32.const -70000) (i32.const 300))) (then (br 1)) (else (br_if 2 (local.get 2))))
                (br_table 0 1 0 1 (local.get 0))))
            (drop (i64.const -9223372036854775808))
            (local.set 1 (i32.trunc_sat_f32_s (f32.const 1.5)))
            (local.set 3 (f64.const -0.1))
            (i32.store align=1 (local.get 0) (i32.load16_u offset=300 align=1 (local.get 1)))
            (i64.store align=8 (local.get 0) (i64.load align=4 (local.get 1)))
            (global.set 0 (global.get 0))
            (drop (memory.grow (memory.size)))
            (drop (ref.is_null (local.tee 4 (ref.null func))))
            (table.set 0 (i32.const 0) (ref.func $many))
            (drop (select (result funcref) (table.get 0 (i32.const 0)) (local.get 4) (i32.const 1)))
            (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
            (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
            (drop (call $sum (i32.const 1) (i64.const 1)))
            (call_indirect (type $plain) (i32.const 0))
            return)
        (data (i32.const 8) "text"))"#;

    #[test]
    fn javascript_makes_the_module_from_its_texts() {
        let given = wat::parse_str(MODULE).unwrap();
        let Split { parts, module } = split(&arrange::by_type(&given).unwrap()).unwrap();
        // What `verify.mjs` reads.
        let directory = std::env::temp_dir().join(format!("evertoken-streams-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("package.json"), r#"{"type":"module"}"#).unwrap();
        fs::write(directory.join("evertoken.wasm"), &module).unwrap();
        fs::write(directory.join("inline.js"), inline::module(&parts).unwrap().js).unwrap();
        let mut node = process::command("node");
        node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/js/verify.mjs")).arg(&directory);
        let verified = process::run(&mut node, "");
        fs::remove_dir_all(&directory).unwrap();
        verified.unwrap();
    }

    #[test]
    fn what_is_left_out_comes_back_in_its_natural_form() {
        let natural = wat::parse_str(MODULE.replace(" align=1", "").replace(" align=4", "")).unwrap();
        let Split { parts, module } = split(&wat::parse_str(MODULE).unwrap()).unwrap();
        assert_eq!(module, natural);
        assert_eq!(split(&natural).unwrap().parts, parts);
    }

    #[test]
    fn a_variable_that_is_used_again_is_a_small_number() {
        let mut recent = Recent::default();
        let ranks: Vec<_> = [5, 5, 0, 5, 1].map(|variable| recent.rank(variable).unwrap()).into();
        assert_eq!(ranks, [5, 0, 1, 1, 2]);
        let mut recent = Recent::default();
        let variables: Vec<_> = ranks.iter().map(|rank| recent.at(*rank as u32).unwrap()).collect();
        assert_eq!(variables, [5, 5, 0, 5, 1]);
    }

    #[test]
    fn code_that_is_not_known_is_an_error() {
        let simd = wat::parse_str("(module (func (drop (v128.const i64x2 0 0))))").unwrap();
        assert!(split(&simd).unwrap_err().to_string().contains("xtask/src/streams.rs does not know"));
        let whole = wat::parse_str(MODULE).unwrap();
        let end = wasmparser::Parser::new(0).parse_all(&whole).find_map(|payload| match payload.unwrap() {
            wasmparser::Payload::CodeSectionStart { range, .. } => Some(range.end),
            _ => None,
        });
        for length in 0..end.unwrap() {
            assert!(split(&whole[..length]).is_err(), "{length}");
        }
    }
}
