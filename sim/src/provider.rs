//! The auth server with its resource server: rotation, reuse detection, grace.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::clock::{Clock, Lies};
use super::world::Page;

/// How the server treats tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) rotation: Rotation,
    /// Life of an access token in seconds.
    pub(crate) lifetime: u64,
    pub(crate) spelling: Spelling,
    /// Resource servers ask whether the session is still there.
    pub(crate) introspects: bool,
    /// How far the clocks of resource servers are ahead, in milliseconds.
    pub(crate) skew: i64,
}

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It is spent; for so many milliseconds it is answered all the same, with the successor that it had.
    Grace(u64),
    /// It goes on.
    Never,
    /// It is spent once its successor is used; until then it is answered with that.
    Overlap,
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
    dies: i64,
    /// First and last: within its grace the server hands it out again.
    pub(crate) received: Option<(Receipt, Receipt)>,
}

/// When and where an access token was received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) elapsed: u64,
    pub(crate) lies: Lies,
    pub(crate) page: Page,
}

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) policy: Policy,
    /// Every access token that was made, in that order.
    access: Vec<Access>,
    families: Vec<Family>,
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
        Self { policy, access: Vec::new(), families: Vec::new() }
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
        let rotation = self.policy.rotation;
        let since = clock.elapsed - family.rotated;
        let live = family.live == id.number;
        let repeated = family.live == id.number + 1
            && match rotation {
                Rotation::Grace(grace) => since <= grace,
                Rotation::Never => false,
                Rotation::Overlap => true,
            };
        if family.revoked || !live && !repeated {
            let reuse = !family.revoked;
            family.revoked = true;
            return Ruling::Refused { reuse };
        }
        if live && rotation != Rotation::Never {
            family.live += 1;
            family.rotated = clock.elapsed;
        }
        let successor = RefreshId { number: family.live, ..id };
        let again = repeated && rotation != Rotation::Overlap;
        let body = if again { family.last.clone() } else { self.pair(id.family, clock) };
        self.families[id.family].last.clone_from(&body);
        Ruling::Granted { body, successor }
    }

    /// Whose sign-in it is.
    pub(crate) fn user(&self, family: usize) -> u64 {
        self.families[family].user
    }

    pub(crate) fn revoke(&mut self, family: usize) {
        self.families[family].revoked = true;
    }

    pub(crate) fn is_alive(&self, family: usize) -> bool {
        !self.families[family].revoked
    }

    /// Whether a resource server takes an access token.
    pub(crate) fn accepts(&self, token: &str, clock: &Clock) -> bool {
        let now = clock.elapsed as i64 + self.policy.skew;
        self.access(token).is_some_and(|access| {
            now < access.dies && (self.is_alive(access.family) || !self.policy.introspects)
        })
    }

    /// What is known of an access token, if it was made here.
    pub(crate) fn access(&self, token: &str) -> Option<&Access> {
        self.access.get(number(token)?)
    }

    /// A page has received `token` as new.
    pub(crate) fn received(&mut self, token: &str, receipt: Receipt) {
        if let Some(access) = number(token).and_then(|number| self.access.get_mut(number)) {
            let (first, _) = access.received.unwrap_or((receipt, receipt));
            access.received = Some((first, receipt));
        }
    }

    /// The life in milliseconds that answers tell, if they do.
    pub(crate) fn told_life(&self) -> Option<u64> {
        (self.policy.spelling != Spelling::Nothing).then_some(self.policy.lifetime * 1_000)
    }

    fn pair(&mut self, index: usize, clock: &Clock) -> String {
        let (made, family, lifetime) = (self.access.len(), &self.families[index], self.policy.lifetime);
        let access = match self.policy.spelling {
            Spelling::Both | Spelling::Jwt => {
                let issued = clock.truth().div_euclid(1_000);
                let (user, expires) = (family.user, issued + lifetime as i64);
                let claims = format!(
                    r#"{{"iss":"https://id.example","sub":"user{user}","iat":{issued},"exp":{expires},"jti":{made}}}"#
                );
                format!("eyJhbGciOiJub25lIn0.{}.{CANARY}{made}", URL_SAFE_NO_PAD.encode(claims))
            }
            Spelling::ExpiresIn | Spelling::Nothing => format!("access.{CANARY}{made}"),
        };
        let dies = (clock.elapsed + lifetime * 1_000) as i64;
        self.access.push(Access { family: index, dies, received: None });
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
        let (family, number) = token.strip_prefix("refresh.")?.strip_prefix(CANARY)?.split_once('.')?;
        Some(Self { family: family.parse().ok()?, number: number.parse().ok()? })
    }

    pub(crate) fn token(self) -> String {
        format!("refresh.{CANARY}{}.{}", self.family, self.number)
    }
}

/// Which of the access tokens this is.
fn number(token: &str) -> Option<usize> {
    token.rsplit_once(CANARY)?.1.parse().ok()
}

/// A part of every token, and of nothing else.
pub(crate) const CANARY: &str = "kanarienvogel";
