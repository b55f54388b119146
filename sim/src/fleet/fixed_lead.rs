//! A policy as people write it: a timer for a minute before the token's end, and again in a second when that fails.

use super::browser::{Browser, Moment};
use super::calendar::Answer;
use super::plan::{At, LIFE, MINUTE, SECOND};
use super::server::{Reply, Ticket};
use super::timers::Timers;

/// Each tab by itself, with the tokens in a store that all of them read.
#[derive(Debug)]
pub(crate) struct FixedLead {
    /// The refresh token in the store.
    ticket: Ticket,
    timers: Timers,
}

impl Browser for FixedLead {
    const NAME: &'static str = "fixed-lead";

    fn open(ticket: Ticket, moment: &mut Moment<'_>) -> Self {
        let mut browser = Self { ticket, timers: Timers::new() };
        for tab in 0..moment.person.tabs {
            browser.plan(tab, moment);
        }
        moment.person.ask_after(moment.at + LIFE);
        browser
    }

    fn wake(&mut self, moment: &mut Moment<'_>) {
        while let Some(tab) = self.timers.take_due(moment.at) {
            moment.send(tab, 0, self.ticket);
        }
    }

    fn answer(&mut self, answer: Answer, moment: &mut Moment<'_>) {
        match answer.reply {
            Reply::Granted(ticket) => {
                self.ticket = ticket;
                moment.refreshed();
                self.plan(answer.tab, moment);
                moment.person.ask_after(moment.at + LIFE);
            }
            Reply::Refused { .. } => moment.sign_out(),
            Reply::Failing(_) | Reply::Limited | Reply::Unreachable => {
                self.timers.set(answer.tab, moment.at + AGAIN);
            }
        }
    }

    fn next(&self) -> At {
        self.timers.next()
    }
}

impl FixedLead {
    /// `setTimeout` until a minute before the end. Timers of tabs that are not in sight keep to whole seconds.
    fn plan(&mut self, tab: u8, moment: &mut Moment<'_>) {
        let late = if tab == 0 { 0 } else { moment.person.draw(0, SECOND) };
        self.timers.set(tab, moment.at + LIFE - LEAD + late);
    }
}

const LEAD: At = MINUTE;
const AGAIN: At = SECOND;
