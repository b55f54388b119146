//! A policy as people write it: a refresh every ten minutes, come what may.

use super::browser::{Browser, Moment};
use super::calendar::Answer;
use super::plan::{At, LIFE, MINUTE};
use super::server::{Reply, Ticket};
use super::timers::Timers;

/// `setInterval` in each tab, with the tokens in a store that all of them read.
#[derive(Debug)]
pub(crate) struct Interval {
    ticket: Ticket,
    timers: Timers,
}

impl Browser for Interval {
    const NAME: &'static str = "interval";

    fn open(ticket: Ticket, moment: &mut Moment<'_>) -> Self {
        let mut timers = Timers::new();
        timers.set(0, moment.at + PERIOD);
        if moment.person.tabs > 1 {
            // The second tab is opened some time later.
            timers.set(1, moment.at + PERIOD + moment.person.draw(0, PERIOD));
        }
        moment.person.ask_after(moment.at + LIFE);
        Self { ticket, timers }
    }

    fn wake(&mut self, moment: &mut Moment<'_>) {
        while let Some(tab) = self.timers.take_due(moment.at) {
            self.timers.set(tab, moment.at + PERIOD);
            moment.send(tab, 0, self.ticket);
        }
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
        self.timers.next()
    }
}

const PERIOD: At = 10 * MINUTE;
