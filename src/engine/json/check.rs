//! Whether a text is JSON (RFC 8259), found without recursion or allocation.

use super::{Invalid, MAX_DEPTH, is_space};

/// Walks over a document once and says whether it is JSON.
pub(super) struct Checker<'a> {
    rest: &'a [u8],
    /// One bit for each open container: set for an object.
    objects: [u64; MAX_DEPTH / 64],
    depth: usize,
}

impl<'a> Checker<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, objects: [0; MAX_DEPTH / 64], depth: 0 }
    }

    pub(super) fn document(&mut self) -> Result<(), Invalid> {
        loop {
            // Here a value is due.
            match self.token()? {
                open @ (b'{' | b'[') => {
                    self.push(open == b'{')?;
                    // `{` and `}`, `[` and `]` are two apart.
                    if self.peek() == Some(open + 2) {
                        self.rest = &self.rest[1..];
                        self.depth -= 1;
                    } else {
                        self.member_name()?;
                        continue;
                    }
                }
                b'"' => self.string()?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                first => self.number(first)?,
            }
            // Here a value has ended.
            loop {
                if self.depth == 0 {
                    return if self.peek().is_none() { Ok(()) } else { Err(Invalid) };
                }
                let close = if self.in_object() { b'}' } else { b']' };
                match self.token()? {
                    b',' => break self.member_name()?,
                    byte if byte == close => self.depth -= 1,
                    _ => return Err(Invalid),
                }
            }
        }
    }

    fn push(&mut self, object: bool) -> Result<(), Invalid> {
        if self.depth == MAX_DEPTH {
            return Err(Invalid);
        }
        let bit = 1 << (self.depth % 64);
        let word = &mut self.objects[self.depth / 64];
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        Ok(())
    }

    fn in_object(&self) -> bool {
        let innermost = self.depth - 1;
        self.objects[innermost / 64] >> (innermost % 64) & 1 == 1
    }

    /// Inside an object, the name and colon that go before a value.
    fn member_name(&mut self) -> Result<(), Invalid> {
        if !self.in_object() {
            return Ok(());
        }
        if self.token()? != b'"' {
            return Err(Invalid);
        }
        self.string()?;
        if self.token()? == b':' { Ok(()) } else { Err(Invalid) }
    }

    fn peek(&mut self) -> Option<u8> {
        while let [byte, tail @ ..] = self.rest
            && is_space(*byte)
        {
            self.rest = tail;
        }
        self.rest.first().copied()
    }

    fn token(&mut self) -> Result<u8, Invalid> {
        self.peek();
        self.next()
    }

    fn next(&mut self) -> Result<u8, Invalid> {
        let (byte, rest) = self.rest.split_first().ok_or(Invalid)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn word(&mut self, letters: &[u8]) -> Result<(), Invalid> {
        self.rest = self.rest.strip_prefix(letters).ok_or(Invalid)?;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Invalid> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                0..=0x1f => return Err(Invalid),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            if !self.next()?.is_ascii_hexdigit() {
                                return Err(Invalid);
                            }
                        }
                    }
                    _ => return Err(Invalid),
                },
                _ => {}
            }
        }
    }

    /// Whether the next byte is one of `bytes`; then it is passed over.
    fn accept(&mut self, bytes: [u8; 2]) -> bool {
        let accepted = self.rest.first().is_some_and(|byte| bytes.contains(byte));
        self.rest = &self.rest[usize::from(accepted)..];
        accepted
    }

    fn digits(&mut self) -> usize {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[count..];
        count
    }

    fn number(&mut self, first: u8) -> Result<(), Invalid> {
        let lead = if first == b'-' { self.next()? } else { first };
        if !lead.is_ascii_digit() {
            return Err(Invalid);
        }
        if lead != b'0' {
            self.digits();
        }
        if self.accept([b'.'; 2]) && self.digits() == 0 {
            return Err(Invalid);
        }
        if self.accept([b'e', b'E']) {
            self.accept([b'+', b'-']);
            if self.digits() == 0 {
                return Err(Invalid);
            }
        }
        Ok(())
    }
}
