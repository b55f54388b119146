//! Refresh tokens: 256 random bits, of which the database only ever holds a SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// An opaque refresh token. It is a secret: not printable but by [`RefreshToken::expose`].
#[derive(Clone)]
pub(crate) struct RefreshToken(String);

/// SHA-256 of a refresh token, its key in the database. A plain hash will do: 256 random bits cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenHash(pub(crate) [u8; 32]);

/// A successor token that only the holder of its predecessor can read; kept for the grace interval.
///
/// A repeated refresh has to get the same successor again, yet the database must not hold a usable token. The
/// successor is therefore stored as its XOR with a pad that is derived from the predecessor, which is not stored
/// either. Each predecessor has at most one successor, so no pad is used twice.
pub(crate) struct SealedSuccessor(pub(crate) [u8; 32]);

impl RefreshToken {
    /// A new random token.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// A token as a client presented it, whatever it looks like.
    pub(crate) fn presented(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The first 12 hex digits of the SHA-256: names a token in the ledger without giving it away.
    pub(crate) fn fingerprint(&self) -> String {
        self.hash().0[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals `successor` for the holder of this token; `None` when that is no token of ours.
    pub(crate) fn seal(&self, successor: &Self) -> Option<SealedSuccessor> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&successor.0).ok()?.try_into().ok()?;
        Some(SealedSuccessor(xor(bytes, self.pad())))
    }

    /// Reads what [`RefreshToken::seal`] sealed with this very token.
    pub(crate) fn unseal(&self, sealed: &SealedSuccessor) -> Self {
        Self(URL_SAFE_NO_PAD.encode(xor(sealed.0, self.pad())))
    }

    fn pad(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(b"evertoken sealed successor\0")
            .chain_update(self.0.as_bytes())
            .finalize()
            .into()
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

fn xor(mut left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    for (byte, other) in left.iter_mut().zip(right) {
        *byte ^= other;
    }
    left
}

/// 128 random bits in hex, for ids of users, sessions and keys.
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_successor_opens_only_with_its_predecessor() {
        let [old, new, other] = std::array::from_fn(|_| RefreshToken::generate().expect("entropy"));
        let sealed = old.seal(&new).expect("a token of ours");
        assert_eq!(old.unseal(&sealed).expose(), new.expose());
        assert_ne!(other.unseal(&sealed).expose(), new.expose());
        assert_ne!(URL_SAFE_NO_PAD.encode(sealed.0), new.expose());
    }

    #[test]
    fn a_token_is_not_printed_by_debug() {
        let token = RefreshToken::generate().expect("entropy");
        assert_eq!(token.expose().len(), 43);
        assert_eq!(format!("{token:?}"), "RefreshToken(…)");
    }
}
