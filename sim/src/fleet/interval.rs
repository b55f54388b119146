//! A policy as people write it: a refresh every ten minutes, come what may.

use super::browser::{Browser, Moment};
use super::calendar::Answer;
use super::plan::{At, LIFE, MINUTE, NEVER};
use super::server::{Reply, Ticket};

/// `setInterval` in each tab, with the tokens in a store that all of them read.
#[derive(Debug)]
pub(crate) struct Interval {
    ticket: Ticket,
    timers: [At; 2],
}

impl Browser for Interval {
    const NAME: &'static str = "interval";

    fn open(ticket: Ticket, moment: &mut Moment<'_>) -> Self {
        let first = moment.at + PERIOD;
        // The second tab is opened some time later.
        let second = if moment.person.tabs > 1 { first + moment.person.draw(0, PERIOD) } else { NEVER };
        moment.person.ask_after(moment.at + LIFE);
        Self { ticket, timers: [first, second] }
    }

    fn wake(&mut self, moment: &mut Moment<'_>) {
        for tab in 0..2 {
            if self.timers[tab] <= moment.at {
                self.timers[tab] = moment.at + PERIOD;
                moment.send(tab as u8, 0, self.ticket);
            }
        }
    }

    /// The token has ended and nobody has looked.
    fn ask(&mut self, moment: &mut Moment<'_>) {
        moment.asked(None);
        moment.person.ask_after(moment.at);
    }

    fn answer(&mut self, answer: Answer, moment: &mut Moment<'_>) {
        match answer.reply {
            Reply::Granted(ticket) => {
                self.ticket = ticket;
                moment.refreshed();
                moment.person.ask_after(moment.at + LIFE);
            }
            Reply::Refused { .. } => moment.sign_out(),
            Reply::Failing(_) | Reply::Limited | Reply::Unreachable => {}
        }
    }

    fn next(&self) -> At {
        self.timers[0].min(self.timers[1])
    }

    fn on_disk(&self) -> usize {
        0
    }
}

const PERIOD: At = 10 * MINUTE;
