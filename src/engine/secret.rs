//! Tokens: redacted in `Debug`, wiped when dropped.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use zeroize::Zeroize;

/// A token. It has no `Display`, `PartialEq` or `Serialize`; reading it is a visible [`expose`](Self::expose).
/// Clones share the one copy, which is wiped with the last of them.
#[derive(Default)]
pub struct Secret(Arc<Held>);

#[derive(Default)]
struct Held(Box<str>);

impl Secret {
    pub fn new(token: String) -> Self {
        Self(Arc::new(Held(token.into_boxed_str())))
    }

    /// The token itself. Every caller is a place where it can leak.
    pub fn expose(&self) -> &str {
        &self.0.0
    }

    /// Whether both hold the same token.
    pub fn same_as(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }

    /// Whether `text`, which is short, repeats eight consecutive bytes of this token, as a hostile error code could.
    pub fn leaks_into(&self, text: &str) -> bool {
        let mut parts = self.expose().as_bytes().windows(8);
        parts.any(|part| text.as_bytes().windows(8).any(|window| window == part))
    }

    /// Whether it may be put in a request body: not empty, no control characters.
    pub fn is_storable(&self) -> bool {
        !self.expose().is_empty() && !self.expose().chars().any(char::is_control)
    }

    /// Whether it may be put in a header: not empty, visible ASCII only (RFC 6750 §2.1).
    pub fn is_sendable(&self) -> bool {
        !self.expose().is_empty() && self.expose().bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl Clone for Secret {
    // Inlined at its many callers it would take more bytes than the calls.
    #[inline(never)]
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_shows_nothing_of_the_token() {
        assert_eq!(format!("{:?}", Secret::new("abcdefgh".into())), "Secret(…)");
    }

    #[test]
    fn eight_bytes_of_the_token_in_a_text_are_a_leak_and_seven_are_not() {
        let token = Secret::new("0123456789".into());
        assert!(token.leaks_into("bad token 23456789!"));
        assert!(!token.leaks_into("bad token 3456789!"));
    }

    #[test]
    fn line_breaks_spaces_and_empty_tokens_are_never_sent() {
        for bad in ["", "a b", "a\r\nb", "a\u{e9}"] {
            assert!(!Secret::new(bad.into()).is_sendable(), "{bad:?}");
        }
        assert!(Secret::new("eyJ.a-_~+/=".into()).is_sendable());
    }
}
