//! The auth server with its resource server: rotation, reuse detection, grace.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::clock::{Clock, Lies};
use super::world::Page;

/// How the server treats tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How long, in milliseconds, a spent refresh token is answered with the successor that it had; `None`: refresh
    /// tokens do not rotate.
    pub(crate) grace: Option<u64>,
    /// Life of an access token in seconds.
    pub(crate) lifetime: u64,
    pub(crate) spelling: Spelling,
    /// Resource servers ask whether the session is still there.
    pub(crate) introspects: bool,
}

/// What an answer tells of a token's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// A JWT and `expires_in`.
    Both,
    ExpiresIn,
    Jwt,
    Nothing,
}

/// One refresh token: the `number`th of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RefreshId {
    pub(crate) family: usize,
    pub(crate) number: u32,
}

/// What the server says to a refresh token.
#[derive(Clone, Debug)]
pub(crate) enum Ruling {
    Granted {
        body: String,
        successor: RefreshId,
    },
    /// `reuse`: the token was spent before.
    Refused {
        reuse: bool,
    },
}

/// An access token as the server knows it, and as a page got it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) family: usize,
    dies: u64,
    pub(crate) received: Option<Receipt>,
}

/// When and where an access token was last received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) elapsed: u64,
    pub(crate) lies: Lies,
    pub(crate) page: Page,
}

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) policy: Policy,
    pub(crate) access: HashMap<String, Access>,
    families: Vec<Family>,
    made: u32,
}

#[derive(Debug)]
struct Family {
    user: u64,
    live: u32,
    rotated: u64,
    revoked: bool,
    /// The last answer, given again within the grace.
    last: String,
}

impl Provider {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, access: HashMap::new(), families: Vec::new(), made: 0 }
    }

    /// Signs `user` in: the answer, and the number of the sign-in.
    pub(crate) fn sign_in(&mut self, user: u64, clock: &Clock) -> (String, usize) {
        let family = self.families.len();
        self.families.push(Family { user, live: 0, rotated: 0, revoked: false, last: String::new() });
        (self.pair(family, clock), family)
    }

    pub(crate) fn refresh(&mut self, token: Option<RefreshId>, clock: &Clock) -> Ruling {
        let Some((id, family)) = token.and_then(|id| Some((id, self.families.get_mut(id.family)?))) else {
            return Ruling::Refused { reuse: false };
        };
        let since = clock.elapsed - family.rotated;
        let repeated = family.live == id.number + 1 && self.policy.grace.is_some_and(|grace| since <= grace);
        let live = family.live == id.number;
        if family.revoked || !live && !repeated {
            let reuse = !family.revoked;
            family.revoked = true;
            return Ruling::Refused { reuse };
        }
        if live && self.policy.grace.is_some() {
            family.live += 1;
            family.rotated = clock.elapsed;
        }
        let successor = RefreshId { number: family.live, ..id };
        let body = if repeated { family.last.clone() } else { self.pair(id.family, clock) };
        self.families[id.family].last.clone_from(&body);
        Ruling::Granted { body, successor }
    }

    pub(crate) fn revoke(&mut self, family: usize) {
        self.families[family].revoked = true;
    }

    pub(crate) fn is_alive(&self, family: usize) -> bool {
        !self.families[family].revoked
    }

    /// Whether a resource server takes an access token.
    pub(crate) fn accepts(&self, token: &str, clock: &Clock) -> bool {
        self.access.get(token).is_some_and(|access| {
            clock.elapsed < access.dies && (self.is_alive(access.family) || !self.policy.introspects)
        })
    }

    /// A page has received `token` as new.
    pub(crate) fn received(&mut self, token: &str, receipt: Receipt) {
        if let Some(access) = self.access.get_mut(token) {
            access.received = Some(receipt);
        }
    }

    /// The life in milliseconds that answers tell, if they do.
    pub(crate) fn told_life(&self) -> Option<u64> {
        (self.policy.spelling != Spelling::Nothing).then_some(self.policy.lifetime * 1_000)
    }

    fn pair(&mut self, index: usize, clock: &Clock) -> String {
        self.made += 1;
        let (made, family, lifetime) = (self.made, &self.families[index], self.policy.lifetime);
        let access = match self.policy.spelling {
            Spelling::Both | Spelling::Jwt => {
                let issued = clock.truth().div_euclid(1_000);
                let (user, expires) = (family.user, issued + lifetime as i64);
                let claims = format!(
                    r#"{{"iss":"https://id.example","sub":"user{user}","iat":{issued},"exp":{expires},"jti":{made}}}"#
                );
                format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
            }
            Spelling::ExpiresIn | Spelling::Nothing => format!("opaque.{made}"),
        };
        let dies = clock.elapsed + lifetime * 1_000;
        self.access.insert(access.clone(), Access { family: index, dies, received: None });
        let life = match self.policy.spelling {
            Spelling::Both | Spelling::ExpiresIn => format!(r#","expires_in":{lifetime}"#),
            Spelling::Jwt | Spelling::Nothing => String::new(),
        };
        let refresh = RefreshId { family: index, number: family.live }.token();
        format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","token_type":"Bearer"{life}}}"#)
    }
}

impl RefreshId {
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let (family, number) = token.strip_prefix("refresh.")?.split_once('.')?;
        Some(Self { family: family.parse().ok()?, number: number.parse().ok()? })
    }

    fn token(self) -> String {
        format!("refresh.{}.{}", self.family, self.number)
    }
}
