//! The bytes of a document, piece by piece: as they lie in memory, or out of base64url.
//!
//! Reading allocates nothing and fetches no byte twice, however long the document is.

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A document that is read once, from its beginning to its end.
pub struct Source<'a> {
    /// What has not come into `piece` yet.
    rest: &'a [u8],
    is_encoded: bool,
    piece: [u8; CARRIED + PIECE],
    at: usize,
    end: usize,
    /// The beginning of a character, behind `end`; it opens the next piece.
    carried: usize,
    /// Where in the document `piece` begins.
    offset: usize,
    flaw: Option<Flaw>,
    copy: Option<&'a mut Vec<u8>>,
}

/// What is wrong with the bytes as such, whatever they should say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Not base64url without padding (RFC 7515 §2).
    Base64,
    Utf8,
}

impl<'a> Source<'a> {
    /// The document as it stands.
    pub fn plain(document: &'a str) -> Self {
        Self::new(document.as_bytes(), false, None)
    }

    /// The document that `segment` encodes, which goes into `copy` as it is read. A [`flaw`](Self::flaw) ends it
    /// early.
    pub fn base64url(segment: &'a [u8], copy: Option<&'a mut Vec<u8>>) -> Self {
        Self::new(segment, true, copy)
    }

    fn new(rest: &'a [u8], is_encoded: bool, copy: Option<&'a mut Vec<u8>>) -> Self {
        let piece = [0; CARRIED + PIECE];
        Self { rest, is_encoded, piece, at: 0, end: 0, carried: 0, offset: 0, flaw: None, copy }
    }

    /// The next byte: 0 at the end, because no JSON has a 0 in it.
    pub fn peek(&mut self) -> u8 {
        self.run().first().copied().unwrap_or(0)
    }

    /// The next bytes, as many as are at hand: none at the end of the document only.
    pub fn run(&mut self) -> &[u8] {
        if self.at == self.end {
            self.fetch();
        }
        &self.piece[self.at..self.end]
    }

    /// Passes over `count` bytes of the [`run`](Self::run).
    pub fn pass(&mut self, count: usize) {
        self.at = self.end.min(self.at + count);
    }

    /// How many bytes of the document have been passed over.
    pub fn position(&self) -> usize {
        self.offset + self.at
    }

    /// Reads to the end of the document and says what is wrong with its bytes; of two flaws, the one that a reader
    /// who decodes first and looks at the text then would meet.
    pub fn flaw(&mut self) -> Option<Flaw> {
        while !self.rest.is_empty() {
            self.fetch();
        }
        self.flaw
    }

    /// Gets the next piece: empty at the end, and where there is a flaw.
    fn fetch(&mut self) {
        self.piece.copy_within(self.end..self.end + self.carried, 0);
        self.offset += self.end;
        self.at = 0;
        let room = if self.is_encoded { PIECE / 3 * 4 } else { PIECE };
        let (now, rest) = self.rest.split_at(room.min(self.rest.len()));
        self.rest = rest;
        let fresh = &mut self.piece[self.carried..];
        let mut held = self.carried + now.len();
        if !self.is_encoded {
            fresh[..now.len()].copy_from_slice(now);
        } else if let Ok(count) = URL_SAFE_NO_PAD.decode_slice(now, fresh) {
            held = self.carried + count;
        } else {
            self.flaw = Some(Flaw::Base64);
            self.rest = &[];
            held = 0;
        }
        self.end = match core::str::from_utf8(&self.piece[..held]) {
            Ok(_) => held,
            // A piece may end within a character, the document may not.
            Err(error) if error.error_len().is_none() && !rest.is_empty() => error.valid_up_to(),
            Err(_) => {
                self.flaw = Some(Flaw::Utf8);
                held = 0;
                0
            }
        };
        self.carried = held - self.end;
        if let Some(copy) = &mut self.copy {
            copy.extend_from_slice(&self.piece[..self.end]);
        }
    }
}

/// Seven groups of three bytes, which are 28 characters of base64: of 32 and more at a time the `base64` crate makes
/// unrolled loops that cost the module a kilobyte and a half.
const PIECE: usize = 21;
/// All but the last byte of a character.
const CARRIED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::{format, vec};

    /// The document as it is read in runs, and as it is copied.
    fn read(mut source: Source<'_>) -> (Vec<u8>, Option<Flaw>) {
        let mut bytes = vec![];
        loop {
            assert_eq!(source.position(), bytes.len());
            let run = source.run();
            if run.is_empty() {
                return (bytes, source.flaw());
            }
            bytes.extend_from_slice(run);
            let count = run.len();
            source.pass(count);
        }
    }

    #[test]
    fn every_byte_comes_once_and_in_order() {
        for unit in ["0123456789", "é", "日本", "a🦀", "🦀🦀b"] {
            for length in 0..100 {
                let document: String = unit.chars().cycle().take(length).collect();
                let segment = URL_SAFE_NO_PAD.encode(&document);
                let mut copy = vec![];
                let decoded = read(Source::base64url(segment.as_bytes(), Some(&mut copy)));
                assert_eq!(decoded, (document.clone().into_bytes(), None));
                assert_eq!(copy, document.as_bytes());
                assert_eq!(read(Source::plain(&document)), decoded);
            }
        }
    }

    #[test]
    fn the_end_reads_as_zero_and_is_no_byte() {
        let mut source = Source::plain("a");
        assert_eq!(source.peek(), b'a');
        for _ in 0..3 {
            source.pass(1);
            assert_eq!((source.peek(), source.position()), (0, 1));
            assert!(source.run().is_empty());
        }
    }

    #[test]
    fn a_wrong_letter_counts_before_a_wrong_character_wherever_they_stand() {
        let wrong = URL_SAFE_NO_PAD.encode(b"\xff");
        for filler in [0, 4, 28, 56, 280] {
            let filler = "A".repeat(filler);
            for (segment, flaw) in [
                (filler.clone(), None),
                (format!("{filler}{wrong}"), Some(Flaw::Utf8)),
                (format!("{filler}="), Some(Flaw::Base64)),
                (format!("gICA{filler}="), Some(Flaw::Base64)),
                (format!("gICA{filler}"), Some(Flaw::Utf8)),
            ] {
                assert_eq!(Source::base64url(segment.as_bytes(), None).flaw(), flaw, "{segment}");
                assert_eq!(read(Source::base64url(segment.as_bytes(), None)).1, flaw, "{segment}");
            }
        }
    }
}
