//! The auth server: rotation with reuse detection for each client, and one limit for all.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::plan::{At, LIFE, Plan};

/// The session of one client as the server knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    live: Ticket,
    is_revoked: bool,
}

/// One refresh token: the `number`th of a sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticket {
    family: u32,
    number: u32,
}

/// What comes back to a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Granted(Ticket),
    /// 429 with `Retry-After`.
    Limited,
    Refused {
        reuse: bool,
    },
    /// A 5xx.
    Failing(u16),
    Unreachable,
}

/// How many refreshes the server takes: so many a second, and as many at once.
#[derive(Debug)]
pub(crate) struct Limit {
    /// In thousandths of a request per second.
    rate: u64,
    level: u64,
    at: At,
}

impl Account {
    pub(crate) fn sign_in(&mut self) -> Ticket {
        *self = Self { live: Ticket { family: self.live.family + 1, number: 0 }, is_revoked: false };
        self.live
    }

    /// Rotates, strictly: a ticket that was spent before revokes the session.
    pub(crate) fn refresh(&mut self, ticket: Ticket) -> Reply {
        if self.is_revoked || ticket.family != self.live.family {
            return Reply::Refused { reuse: false };
        }
        if ticket != self.live {
            self.is_revoked = true;
            return Reply::Refused { reuse: true };
        }
        self.live.number += 1;
        Reply::Granted(self.live)
    }
}

impl Ticket {
    /// The token response that hands it out at `wall` (milliseconds since 1970): a JWT of some 130 characters and a
    /// refresh token of 32.
    pub(crate) fn response(self, client: u32, wall: i64) -> String {
        let issued = wall / 1_000;
        let (life, refresh) = (LIFE / 1_000, self.token(client));
        let claims = format!(r#"{{"sub":"{client}","iat":{issued},"exp":{}}}"#, issued + i64::from(life));
        let claims = URL_SAFE_NO_PAD.encode(claims);
        format!(
            r#"{{"access_token":"{HEADER}.{claims}.{SIGNATURE}","refresh_token":"{refresh}","token_type":"Bearer","expires_in":{life}}}"#
        )
    }

    fn token(self, client: u32) -> String {
        format!("rt_{client:08x}{:08x}{:013x}", self.family, self.number)
    }

    /// Reads the body of a refresh request that `client` has sent.
    pub(crate) fn read(body: &str, client: u32) -> Option<Self> {
        let token = body.strip_prefix(r#"{"refresh_token":"rt_"#)?.strip_suffix(r#""}"#)?;
        let number = |from: usize, to: usize| u32::from_str_radix(token.get(from..to)?, 16).ok();
        (number(0, 8)? == client).then_some(Self { family: number(8, 16)?, number: number(16, 29)? })
    }
}

impl Limit {
    pub(crate) fn new(plan: &Plan) -> Self {
        let rate = plan.capacity();
        Self { rate, level: rate, at: 0 }
    }

    /// How many of `wanted` requests it takes by `at`.
    pub(crate) fn take(&mut self, wanted: usize, at: At) -> usize {
        let gained = self.rate * u64::from(at.saturating_sub(self.at)) / 1_000;
        self.level = (self.level + gained).min(self.rate);
        self.at = at;
        let taken = wanted.min((self.level / 1_000) as usize);
        self.level -= taken as u64 * 1_000;
        taken
    }
}

/// `{"alg":"HS256"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiJ9";
/// As long as one of HS256.
const SIGNATURE: &str = "bm90IGEgc2lnbmF0dXJlLCBidXQgYXMgbG9uZyBhcyB";
/// What a refresh beyond the limit is told to wait, in seconds.
pub(crate) const RETRY_AFTER: &str = "30";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_survives_its_way_through_a_request() {
        let ticket = Ticket { family: 3, number: 77 };
        let body = format!(r#"{{"refresh_token":"{}"}}"#, ticket.token(0xabc));
        assert_eq!(Ticket::read(&body, 0xabc), Some(ticket));
        assert_eq!(Ticket::read(&body, 0xabd), None);
        assert_eq!(Ticket::read("{}", 0xabc), None);
    }

    #[test]
    fn a_spent_ticket_revokes_its_session_and_no_other() {
        let mut account = Account::default();
        let first = account.sign_in();
        assert!(matches!(account.refresh(first), Reply::Granted(_)));
        assert_eq!(account.refresh(first), Reply::Refused { reuse: true });
        assert_eq!(account.refresh(account.live), Reply::Refused { reuse: false });
        let next = account.sign_in();
        assert_eq!(account.refresh(first), Reply::Refused { reuse: false });
        assert!(matches!(account.refresh(next), Reply::Granted(_)));
    }

    #[test]
    fn the_limit_takes_its_rate_and_no_more_than_a_second_of_it_at_once() {
        let mut limit = Limit { rate: 10_000, level: 10_000, at: 0 };
        assert_eq!(limit.take(50, 0), 10);
        assert_eq!(limit.take(50, 200), 2);
        assert_eq!(limit.take(1, 400), 1);
        assert_eq!(limit.take(50, 60_000), 10);
    }
}
