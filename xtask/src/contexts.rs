//! Which character stands for which byte.
//!
//! Brotli foretells a character of a text from the classes of the two before it (RFC 7932, section 7.1): digits are
//! one, capital vowels another, and so on. Bytes after which the same bytes are likely get characters of one class.

/// Puts the `frequent` bytes of a text into an order: each is written as the character in its place.
pub(crate) fn order(bytes: &[u8], mut frequent: Vec<u8>, characters: &[u8]) -> Vec<u8> {
    let mut places = [frequent.len(); 256];
    for (place, byte) in frequent.iter().enumerate() {
        places[usize::from(*byte)] = place;
    }
    let mut followers = vec![Row::of(frequent.len() + 1); frequent.len()];
    for pair in bytes.windows(2) {
        let [first, second] = [pair[0], pair[1]].map(|byte| places[usize::from(byte)]);
        if let Some(followers) = followers.get_mut(first) {
            followers.0[second] += 1;
        }
    }
    let mut classes = vec![Row::of(frequent.len() + 1); CLASSES];
    for (character, followers) in characters.iter().zip(&followers) {
        classes[class(*character)].exchange(&Row::of(0), followers);
    }
    for _ in 0..MOST_PASSES {
        if !improve(&mut frequent, characters, &mut followers, &mut classes) {
            break;
        }
    }
    frequent
}

/// Exchanges each byte in turn with the one that it gains most from; says whether any has gained.
fn improve(frequent: &mut [u8], characters: &[u8], followers: &mut [Row], classes: &mut [Row]) -> bool {
    let mut improved = false;
    for this in 0..frequent.len() {
        let here = class(characters[this]);
        let gain = |other: usize| {
            let mut rows = [here, class(characters[other])].map(|class| classes[class].clone());
            let before = rows[0].bits() + rows[1].bits();
            rows[0].exchange(&followers[this], &followers[other]);
            rows[1].exchange(&followers[other], &followers[this]);
            (before.saturating_sub(rows[0].bits() + rows[1].bits()), other, rows)
        };
        let others = (0..frequent.len()).filter(|other| class(characters[*other]) != here);
        let best = others.map(gain).max_by_key(|(gained, ..)| *gained);
        if let Some((1.., other, [ours, theirs])) = best {
            classes[here] = ours;
            classes[class(characters[other])] = theirs;
            frequent.swap(this, other);
            followers.swap(this, other);
            improved = true;
        }
    }
    improved
}

/// How often each byte comes next.
#[derive(Clone)]
struct Row(Vec<u64>);

impl Row {
    fn of(length: usize) -> Self {
        Self(vec![0; length])
    }

    fn exchange(&mut self, without: &Self, with: &Self) {
        for (count, less) in self.0.iter_mut().zip(&without.0) {
            *count -= less;
        }
        for (count, more) in self.0.iter_mut().zip(&with.0) {
            *count += more;
        }
    }

    /// What the bytes that come next take, in 1/256 bit, and what it takes to say which ones can come.
    fn bits(&self) -> u64 {
        let [each, whole] = [self.0.iter().map(|count| weight(*count)).sum(), weight(self.0.iter().sum())];
        let distinct = self.0.iter().filter(|count| **count > 0).count() as u64;
        whole - u64::min(whole, each) + distinct * (4 << 8)
    }
}

/// In whole numbers, so that the text is the same on every machine.
fn weight(count: u64) -> u64 {
    let count = count.max(1) as f64;
    (count * count.log2() * 256.0) as u64
}

/// The classes of RFC 7932 for what stands before, in any order.
fn class(character: u8) -> usize {
    match character {
        b' ' => 0,
        b'"' | b'\'' => 1,
        b'%' => 2,
        b'(' | b'<' | b'[' | b'{' => 3,
        b')' | b'>' | b']' | b'}' => 4,
        b',' | b':' | b';' => 5,
        b'.' => 6,
        b'=' => 7,
        b'0'..=b'9' => 8,
        b'A' | b'E' | b'I' | b'O' | b'U' => 9,
        b'A'..=b'Z' => 10,
        b'a' | b'e' | b'i' | b'o' | b'u' => 11,
        b'a'..=b'z' => 12,
        _ => 13,
    }
}

const CLASSES: usize = 14;
/// The first few gain nearly all.
const MOST_PASSES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_before_the_same_byte_share_classes() {
        let characters: Vec<u8> = (b' '..=b'z').collect();
        let frequent: Vec<u8> = (0..characters.len() as u8).collect();
        // Even bytes stand before 0, odd ones before 1.
        let bytes: Vec<u8> = frequent[2..].iter().flat_map(|byte| [*byte, byte % 2].repeat(5)).collect();
        let mixed = |frequent: &[u8]| {
            let mut kinds = [[false; 2]; CLASSES];
            for (byte, character) in frequent.iter().zip(&characters) {
                kinds[class(*character)][usize::from(byte % 2)] = true;
            }
            kinds.iter().filter(|kinds| **kinds == [true, true]).count()
        };
        assert!(mixed(&frequent) > 5);
        let ordered = order(&bytes, frequent.clone(), &characters);
        assert!(mixed(&ordered) <= 3, "{ordered:?}");
        assert!(frequent.iter().all(|byte| ordered.contains(byte)));
    }
}
