//! Whether a text is JSON (RFC 8259), and what the members of its outermost object are, found in one walk without
//! recursion or allocation.

use super::super::decimal::Decimal;
use super::source::Source;
use super::{Invalid, MAX_DEPTH, hex_digit, is_space};

/// Walks over a document once and says whether it is JSON.
pub struct Checker<'s, 'a> {
    source: &'s mut Source<'a>,
    /// What closes each open container.
    closing: [u8; MAX_DEPTH],
    depth: usize,
}

/// A member's name, escapes resolved, as far as it takes to know a name of three ASCII letters again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(u32);

/// The value of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Member {
    /// In thousandths, as [`Decimal`] holds them.
    Number(i64),
    #[default]
    Other,
    /// Where in the document the text stands, without its quotes, escapes unresolved.
    Text { begin: usize, end: usize },
}

impl Name {
    pub const fn new(letters: [u8; 3]) -> Self {
        let [first, second, third] = letters;
        Self(u32::from_be_bytes([1, first, second, third]))
    }

    const EMPTY: Self = Self(1);

    fn push(&mut self, byte: u8) {
        // The one in front counts the bytes: with more than three there is no telling names apart.
        self.0 = if self.0 > 0xff_ffff { u32::MAX } else { self.0 << 8 | u32::from(byte) };
    }
}

impl<'s, 'a> Checker<'s, 'a> {
    pub fn new(source: &'s mut Source<'a>) -> Self {
        Self { source, closing: [0; MAX_DEPTH], depth: 0 }
    }

    /// Checks the document and gives the byte that its value begins with. `member` is told of every member of an
    /// outermost object in order; what it has heard is worth nothing when the document proves invalid.
    pub fn document(&mut self, member: &mut dyn FnMut(Name, Member)) -> Result<u8, Invalid> {
        let first = self.peek();
        loop {
            let name = if self.closes_with() == b'}' { self.member_name()? } else { Name::EMPTY };
            let byte = self.token();
            let begin = self.source.position();
            let value = match byte {
                b'{' | b'[' => Member::Other,
                b'"' => {
                    self.string()?;
                    Member::Text { begin, end: self.source.position() - 1 }
                }
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                b'-' | b'0'..=b'9' => Member::Number(self.number(byte)?),
                _ => return Err(Invalid),
            };
            // The elements of an outermost array pass for members without a name.
            if self.depth == 1 {
                member(name, value);
            }
            if let b'{' | b'[' = byte {
                // `{` and `}`, `[` and `]` are two apart.
                *self.closing.get_mut(self.depth).ok_or(Invalid)? = byte + 2;
                self.depth += 1;
                if self.peek() != byte + 2 {
                    continue;
                }
            }
            // Here a value has ended, or an empty container is about to.
            loop {
                if self.depth == 0 {
                    self.peek();
                    return if self.source.run().is_empty() { Ok(first) } else { Err(Invalid) };
                }
                match self.token() {
                    b',' => break,
                    byte if byte == self.closes_with() => self.depth -= 1,
                    _ => return Err(Invalid),
                }
            }
        }
    }

    /// What closes the innermost container: 0 outside of all.
    fn closes_with(&self) -> u8 {
        self.depth.checked_sub(1).map_or(0, |innermost| self.closing[innermost])
    }

    fn member_name(&mut self) -> Result<Name, Invalid> {
        if self.token() != b'"' {
            return Err(Invalid);
        }
        let name = self.string()?;
        if self.token() == b':' { Ok(name) } else { Err(Invalid) }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> u8 {
        loop {
            let byte = self.source.peek();
            if !is_space(byte) {
                return byte;
            }
            self.source.pass(1);
        }
    }

    fn token(&mut self) -> u8 {
        let byte = self.peek();
        self.source.pass(1);
        byte
    }

    fn next(&mut self) -> u8 {
        let byte = self.source.peek();
        self.source.pass(1);
        byte
    }

    fn word(&mut self, letters: &[u8]) -> Result<Member, Invalid> {
        if letters.iter().all(|letter| self.next() == *letter) { Ok(Member::Other) } else { Err(Invalid) }
    }

    fn string(&mut self) -> Result<Name, Invalid> {
        let mut name = Name::EMPTY;
        loop {
            let run = self.source.run();
            let plain = run.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            // Four bytes are more than any name that is told apart.
            run.iter().take(plain.min(4)).for_each(|byte| name.push(*byte));
            self.source.pass(plain);
            if plain == 0 {
                match self.next() {
                    b'"' => return Ok(name),
                    b'\\' => name.push(self.escaped()?),
                    _ => return Err(Invalid),
                }
            }
        }
    }

    /// What an escape stands for, if that is a letter; else something that is none.
    fn escaped(&mut self) -> Result<u8, Invalid> {
        match self.next() {
            byte @ (b'"' | b'\\' | b'/') => Ok(byte),
            b'b' | b'f' | b'n' | b'r' | b't' => Ok(0),
            b'u' => {
                let mut unit = 0;
                for _ in 0..4 {
                    unit = unit << 4 | hex_digit(self.next()).ok_or(Invalid)?;
                }
                Ok(u8::try_from(unit).unwrap_or(0))
            }
            _ => Err(Invalid),
        }
    }

    fn number(&mut self, first: u8) -> Result<i64, Invalid> {
        let mut number = Decimal::default();
        number.push(first);
        while number.push(self.source.peek()) {
            self.source.pass(1);
        }
        number.thousandths().ok_or(Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn members(document: &str) -> Vec<(Name, Member)> {
        let mut members = vec![];
        let mut source = Source::plain(document);
        Checker::new(&mut source).document(&mut |name, member| members.push((name, member))).unwrap();
        members
    }

    #[test]
    fn members_of_the_outermost_object_are_told_and_no_others() {
        let [abc, d] = [Name::new(*b"abc"), Name(0x164)];
        let document = r#"{"abc":-1.5,"d":{"abc":2},"abc":["abc",{"abc":3}],"d":"e\"f","abc":null}"#;
        let begin = document.find("e\\").unwrap();
        assert_eq!(
            members(document),
            [
                (abc, Member::Number(-1_500)),
                (d, Member::Other),
                (abc, Member::Other),
                (d, Member::Text { begin, end: begin + 4 }),
                (abc, Member::Other),
            ]
        );
        assert!(members("7").is_empty());
    }

    #[test]
    fn a_name_is_three_letters_or_another_name() {
        let named = |name: &str| members(&alloc::format!(r#"{{"{name}":0}}"#))[0].0 == Name::new(*b"exp");
        for name in ["exp", r"\u0065xp", r"e\u0078p", r"ex\u0070", r"\u0065\u0078\u0070"] {
            assert!(named(name), "{name}");
        }
        for name in
            ["", "e", "ex", "expx", "xexp", "Exp", r"\nexp", r"exp\u0000", r"\u0165xp", r"\u0001exp", "éxp"]
        {
            assert!(!named(name), "{name}");
        }
    }
}
