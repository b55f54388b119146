//! Access tokens: JWTs (RFC 7519) signed with one fixed algorithm and key.
//!
//! Only tokens of this server are ever checked, so the header must be, byte for byte, the one that it writes. That
//! rules out every confusion of algorithms (RFC 8725 §3.1) without parsing a header.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Number, json};
use sha2::Sha256;

use crate::clock::UnixMillis;
use crate::config::Algorithm;
use crate::error::ServerFault;
use crate::store::keys::StoredKey;
use crate::store::sessions::Grant;

/// Signs and checks access tokens.
pub(crate) struct AccessTokens {
    header: String,
    key: Key,
}

enum Key {
    Ed25519(Box<SigningKey>),
    Hmac(Hmac<Sha256>),
}

/// What the server reads of its own access token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AccessClaims {
    pub(crate) family: String,
    /// Which pair of the family this token came with.
    pub(crate) number: i64,
    pub(crate) expires: UnixMillis,
}

/// Why an access token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFlaw {
    Expired,
    Malformed,
    WrongSignature,
}

impl AccessTokens {
    pub(crate) fn new(algorithm: Algorithm, stored: &StoredKey) -> Result<Self, ServerFault> {
        let header = json!({ "alg": algorithm.name(), "typ": "at+jwt", "kid": stored.id });
        let key = match algorithm {
            Algorithm::Eddsa => Key::Ed25519(Box::new(SigningKey::from_bytes(&stored.secret))),
            Algorithm::Hs256 => Key::Hmac(
                Hmac::new_from_slice(&stored.secret)
                    .map_err(|_| ServerFault::corrupt("the signing key is unusable"))?,
            ),
        };
        Ok(Self { header: URL_SAFE_NO_PAD.encode(header.to_string()), key })
    }

    /// The access token of a grant. The same grant always gives the same token: Ed25519 and HMAC draw nothing.
    pub(crate) fn sign(&self, grant: &Grant) -> String {
        let (issued, expires) = numeric_dates(grant);
        let claims = json!({
            "iss": ISSUER,
            "sub": grant.user.id,
            "aud": AUDIENCE,
            "iat": issued,
            "exp": expires,
            "jti": format!("{}.{}", grant.family, grant.number),
            "sid": grant.family,
        });
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = match &self.key {
            Key::Ed25519(key) => URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes()),
            Key::Hmac(key) => {
                URL_SAFE_NO_PAD.encode(key.clone().chain_update(signed.as_bytes()).finalize().into_bytes())
            }
        };
        format!("{signed}.{signature}")
    }

    /// Checks form, signature and expiry of an access token.
    pub(crate) fn verify(&self, token: &str, now: UnixMillis) -> Result<AccessClaims, TokenFlaw> {
        let claims = self.read(token)?;
        if now >= claims.expires { Err(TokenFlaw::Expired) } else { Ok(claims) }
    }

    /// Checks form and signature only: an expired token still names the session to end.
    pub(crate) fn read(&self, token: &str) -> Result<AccessClaims, TokenFlaw> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFlaw::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenFlaw::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenFlaw::Malformed)?;
        if header != self.header || !self.signature_fits(signed.as_bytes(), &signature) {
            return Err(TokenFlaw::WrongSignature);
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenFlaw::Malformed)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenFlaw::Malformed)?;
        let number = claims.jti.rsplit_once('.').and_then(|(_, number)| number.parse().ok());
        let number = number.ok_or(TokenFlaw::Malformed)?;
        Ok(AccessClaims {
            family: claims.sid,
            number,
            expires: UnixMillis((claims.exp * 1000.0).round() as i64),
        })
    }

    fn signature_fits(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Key::Ed25519(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verifying_key().verify_strict(signed, &signature).is_ok()),
            Key::Hmac(key) => key.clone().chain_update(signed).verify_slice(signature).is_ok(),
        }
    }
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Claims {
    sid: String,
    jti: String,
    exp: f64,
}

/// `iat` and `exp` (RFC 7519 §2, NumericDate).
///
/// A life of whole seconds gives whole numbers, as most servers send them; `exp` is rounded up, so that no token
/// dies before its `expires_in` says. Any other life gives both to the millisecond.
fn numeric_dates(grant: &Grant) -> (Number, Number) {
    let issued = grant.issued.0;
    let life = grant.lifetimes.access.0;
    let expires = issued.saturating_add(life);
    if life % 1000 != 0 {
        return (seconds(issued), seconds(expires));
    }
    let last_second = if life > 0 { expires.saturating_add(999) } else { expires };
    (Number::from(issued.div_euclid(1000)), Number::from(last_second.div_euclid(1000)))
}

/// Milliseconds as a JSON number of seconds, without a fraction where there is none.
pub(crate) fn seconds(millis: i64) -> Number {
    match Number::from_f64(millis as f64 / 1000.0) {
        Some(number) if millis % 1000 != 0 => number,
        _ => Number::from(millis / 1000),
    }
}

const ISSUER: &str = "evertoken-server";
const AUDIENCE: &str = "evertoken-api";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;
    use crate::store::sessions::{Lifetimes, Mode};
    use crate::store::users::User;
    use crate::tokens::RefreshToken;

    fn grant(issued: i64, life: i64) -> Grant {
        Grant {
            user: User { id: "u".into(), email: "u@example.com".into() },
            family: "f".into(),
            number: 3,
            mode: Mode::Body,
            lifetimes: Lifetimes { access: Millis(life), refresh: Millis(1) },
            issued: UnixMillis(issued),
            refresh_token: RefreshToken::generate().expect("entropy"),
        }
    }

    fn tokens(algorithm: Algorithm) -> AccessTokens {
        AccessTokens::new(algorithm, &StoredKey { id: "k".into(), secret: [7; 32] }).expect("a good key")
    }

    #[test]
    fn a_token_is_good_until_its_expiry_and_no_longer() {
        for algorithm in [Algorithm::Eddsa, Algorithm::Hs256] {
            let tokens = tokens(algorithm);
            let token = tokens.sign(&grant(1_000_200, 1_500));
            let claims = tokens.verify(&token, UnixMillis(1_001_699)).expect("still good");
            assert_eq!(
                claims,
                AccessClaims { family: "f".into(), number: 3, expires: UnixMillis(1_001_700) }
            );
            assert_eq!(tokens.verify(&token, UnixMillis(1_001_700)), Err(TokenFlaw::Expired));
        }
    }

    #[test]
    fn a_life_of_whole_seconds_gives_whole_dates_and_never_dies_early() {
        assert_eq!(numeric_dates(&grant(1_000_200, 2_000)), (Number::from(1_000), Number::from(1_003)));
        assert_eq!(numeric_dates(&grant(1_000_200, 0)), (Number::from(1_000), Number::from(1_000)));
        assert_eq!(numeric_dates(&grant(1_000_200, -5_000)), (Number::from(1_000), Number::from(995)));
    }

    #[test]
    fn a_changed_token_is_refused() {
        for algorithm in [Algorithm::Eddsa, Algorithm::Hs256] {
            let tokens = tokens(algorithm);
            let token = tokens.sign(&grant(1_000_000, 60_000));
            let parts: Vec<&str> = token.split('.').collect();
            let claims = URL_SAFE_NO_PAD.encode(r#"{"sid":"f","jti":"f.3","exp":9999999999}"#);
            let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
            let now = UnixMillis(1_000_000);
            for (changed, flaw) in [
                (format!("{}.{}.{}", parts[0], claims, parts[2]), TokenFlaw::WrongSignature),
                (format!("{}.{}.", none, claims), TokenFlaw::WrongSignature),
                (format!("{}.{}.{}", none, parts[1], parts[2]), TokenFlaw::WrongSignature),
                (format!("{}.{}.{}", parts[0], parts[1], "!"), TokenFlaw::Malformed),
                (String::new(), TokenFlaw::Malformed),
                ("a.b".into(), TokenFlaw::Malformed),
            ] {
                assert_eq!(tokens.verify(&changed, now), Err(flaw), "{changed}");
            }
        }
    }

    #[test]
    fn the_key_of_another_server_does_not_fit() {
        let other = AccessTokens::new(Algorithm::Eddsa, &StoredKey { id: "k".into(), secret: [8; 32] })
            .expect("a good key");
        let token = other.sign(&grant(1_000_000, 60_000));
        assert_eq!(tokens(Algorithm::Eddsa).verify(&token, UnixMillis(0)), Err(TokenFlaw::WrongSignature));
    }
}
