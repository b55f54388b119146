//! Lists of words in one text: a table of texts takes a pointer and a length for each of them.

/// What stands between the bytes `by` in `text`: at least one word, that may be empty.
pub fn words(text: &str, by: u8) -> impl Iterator<Item = &[u8]> {
    text.as_bytes().split(move |byte| *byte == by)
}
