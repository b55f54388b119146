//! What keeps a client signed in, and what it sees of the world.

use super::calendar::{Answer, Calendar, Due, Entry};
use super::person::Person;
use super::plan::{At, LIFE, NEVER, Plan};
use super::server::{Reply, Ticket};
use super::tally::{Count, Tally};

/// A policy: the code that keeps the tokens of one browser, with all its tabs.
pub(crate) trait Browser: Sized {
    const NAME: &'static str;

    /// The person has signed in and got `ticket` with an access token.
    fn open(ticket: Ticket, moment: &mut Moment<'_>) -> Self;

    /// The moment has come that [`next`](Self::next) named.
    fn wake(&mut self, moment: &mut Moment<'_>);

    /// The person does something for which the app needs a token, and whatever is known of that one does not do.
    /// Where nobody looks at the token, it is of no use.
    fn ask(&mut self, moment: &mut Moment<'_>) {
        moment.asked(None);
        moment.person.ask_after(moment.at);
    }

    fn answer(&mut self, answer: Answer, moment: &mut Moment<'_>);

    /// When there is something to do next.
    fn next(&self) -> At;

    /// Bytes that a real browser would keep on its disk, as far as they are counted.
    fn on_disk(&self) -> usize {
        0
    }
}

/// One client at one moment, and what its browser can do there.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) at: At,
    pub(crate) seat: u32,
    pub(crate) person: &'a mut Person,
    pub(crate) plan: &'a Plan,
    pub(crate) calendar: &'a mut Calendar,
    pub(crate) outbox: &'a mut Vec<Sent>,
    pub(crate) tally: &'a mut Tally,
}

/// A refresh that has reached the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) at: At,
    pub(crate) client: u32,
    pub(crate) seat: u32,
    pub(crate) ticket: Ticket,
    pub(crate) back: At,
    /// Its reply is not known yet.
    pub(crate) answer: Answer,
}

impl Moment<'_> {
    /// Sends a refresh. An answer comes back some hundred milliseconds later, and be it that there is none.
    pub(crate) fn send(&mut self, tab: u8, attempt: u32, ticket: Ticket) {
        self.tally.rates.requests.add(self.at, 1);
        self.tally.counts[Count::Requests] += 1;
        if self.person.tried == NEVER {
            self.person.tried = self.at;
        }
        let back = self.at + self.person.draw(QUICKEST, SLOWEST);
        let answer = Answer { visit: self.person.visit, tab, attempt, reply: Reply::Unreachable };
        let reply = if self.plan.is_out(self.at) {
            self.person.was_hit = true;
            if self.person.is_cut_off { Reply::Unreachable } else { Reply::Failing(503) }
        } else if !self.person.dice.chance(FAILING) {
            let (at, client, seat) = (self.at, self.person.number, self.seat);
            return self.outbox.push(Sent { at, client, seat, ticket, back, answer });
        } else if self.person.dice.chance(500) {
            Reply::Unreachable
        } else {
            Reply::Failing(500)
        };
        self.tally.counts[Count::Unanswered] += 1;
        let due = Due::Answer(Answer { reply, ..answer });
        self.calendar.note(Entry { seat: self.seat, at: back, due });
    }

    /// A pair has been received in the place of the one held.
    pub(crate) fn refreshed(&mut self) {
        self.tally.counts[Count::Refreshed] += 1;
        self.tally.rates.refreshed.add(self.at, 1);
        self.tally.settle_due(self.person, self.plan, self.at, self.at <= self.person.ends);
        self.holds_token();
    }

    /// From now on the person holds a token.
    pub(crate) fn holds_token(&mut self) {
        self.tally.lacked(self.person.ends, self.at);
        self.tally.recovered(self.person, self.plan, self.at);
        self.person.ends = self.at + LIFE;
        self.person.tried = NEVER;
    }

    /// The person is signed out, and will sign in again by hand.
    pub(crate) fn sign_out(&mut self) {
        if std::mem::replace(&mut self.person.is_signed_out, true) {
            return;
        }
        self.tally.counts[Count::SignedOut] += 1;
        self.tally.settle_due(self.person, self.plan, self.at, false);
        self.tally.visited(self.at - self.person.since);
        self.person.ends = self.person.ends.min(self.at);
    }

    /// A request of the app was served after `waited` milliseconds, or not at all.
    pub(crate) fn asked(&mut self, waited: Option<At>) {
        match waited {
            Some(0) => {}
            Some(waited) => self.tally.waits.add(waited),
            None => self.tally.counts[Count::TurnedAway] += 1,
        }
    }

    /// Milliseconds since 1970.
    pub(crate) fn wall(&self) -> i64 {
        START + i64::from(self.at)
    }
}

/// 2026-01-05T08:00:00Z, a Monday.
pub(crate) const START: i64 = 1_767_600_000_000;
/// How long an answer takes, in milliseconds.
const QUICKEST: At = super::calendar::SLICE;
const SLOWEST: At = 500;
/// Of a thousand requests, those that come to nothing at any time: half of them without an answer, half with a 500.
const FAILING: u64 = 50;
