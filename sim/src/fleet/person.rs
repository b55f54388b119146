//! The person at a browser: when they work, and how they fare.

use super::plan::{At, DAY, HOUR, MINUTE, NEVER, Plan, SECOND, Scenario, clock};
use super::server::Account;
use crate::dice::Dice;

/// One client as the world sees it, whatever keeps it signed in.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) number: u32,
    /// Some have the app open in two tabs.
    pub(crate) tabs: u8,
    /// In an outage this one gets no answer at all; the others get 503.
    pub(crate) is_cut_off: bool,
    pub(crate) dice: Dice,
    pub(crate) account: Account,
    /// Counts the sign-ins, so that an answer for an earlier one is known as such.
    pub(crate) visit: u16,
    /// When today's work begins, and ends.
    pub(crate) arrives: At,
    pub(crate) leaves: At,
    /// When they sign in next, if they are not signed in.
    pub(crate) back: At,
    /// When the current sign-in was.
    pub(crate) since: At,
    /// The next request that is not sent without a thought.
    pub(crate) ask: At,
    /// When the token held ends, or when they were signed out.
    pub(crate) ends: At,
    /// When the refresh of the token held was first tried.
    pub(crate) tried: At,
    /// The outage was noticed.
    pub(crate) was_hit: bool,
    pub(crate) has_recovered: bool,
    pub(crate) is_signed_out: bool,
    /// The entry in the calendar that counts.
    pub(crate) planned: At,
}

impl Person {
    pub(crate) fn new(number: u32, mut dice: Dice, scenario: Scenario) -> Self {
        let arrives = match scenario {
            // The sum of two draws: a triangle over an hour with its top at nine.
            Scenario::Calm | Scenario::Outage => {
                clock(8, 30) + draw(&mut dice, 0, HOUR / 2) + draw(&mut dice, 0, HOUR / 2)
            }
            Scenario::Deploy => clock(9, 0) + draw(&mut dice, 0, MINUTE),
        };
        Self {
            number,
            tabs: 1 + u8::from(dice.chance(TWO_TABS)),
            is_cut_off: dice.chance(500),
            account: Account::default(),
            visit: 0,
            arrives,
            leaves: arrives + draw(&mut dice, 8 * HOUR, 9 * HOUR),
            back: arrives,
            since: arrives,
            ask: NEVER,
            ends: 0,
            tried: NEVER,
            was_hit: false,
            has_recovered: false,
            is_signed_out: false,
            planned: NEVER,
            dice,
        }
    }

    pub(crate) fn draw(&mut self, low: At, high: At) -> At {
        draw(&mut self.dice, low, high)
    }

    /// Draws when the first request after `from` comes. Requests come at random, so those that are sent without a
    /// thought need not be played: the next one is as far from any moment as from the last one.
    pub(crate) fn ask_after(&mut self, from: At) {
        let chance = (self.dice.between(1, 1 << 40) as f64) / (1_u64 << 40) as f64;
        let pause = -chance.ln() * f64::from(PAUSE);
        self.ask = from.saturating_add(1).saturating_add(pause as At);
    }

    /// Goes home, until tomorrow.
    pub(crate) fn leave(&mut self) {
        self.arrives += DAY;
        self.leaves += DAY;
        self.back = self.arrives;
        self.ends = 0;
        self.ask = NEVER;
    }

    /// Whether they were at work when the outage ended.
    pub(crate) fn was_there(&self, plan: &Plan) -> bool {
        plan.outage().is_some_and(|(_, end)| (self.arrives..self.leaves).contains(&end))
    }
}

fn draw(dice: &mut Dice, low: At, high: At) -> At {
    dice.between(u64::from(low), u64::from(high)) as At
}

/// Of a thousand, those with two tabs.
const TWO_TABS: u64 = 300;
/// Between two requests of one person, on average.
pub(crate) const PAUSE: At = 60 * SECOND;
