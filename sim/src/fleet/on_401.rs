//! A policy as people write it: an interceptor that refreshes after a 401, and sends the person to the sign-in page when
//! that fails.

use super::browser::{Browser, Moment};
use super::calendar::Answer;
use super::plan::{At, LIFE, NEVER};
use super::server::{Reply, Ticket};

/// One refresh at a time in each tab, with the tokens in a store that all of them read.
#[derive(Debug)]
pub(crate) struct On401 {
    ticket: Ticket,
    /// Since when a request of each tab waits for a refresh.
    waits: [At; 2],
}

impl Browser for On401 {
    const NAME: &'static str = "on-401";

    fn open(ticket: Ticket, moment: &mut Moment<'_>) -> Self {
        moment.person.ask_after(moment.at + LIFE);
        Self { ticket, waits: [NEVER; 2] }
    }

    fn wake(&mut self, _: &mut Moment<'_>) {}

    /// A request in one of the tabs gets its 401.
    fn ask(&mut self, moment: &mut Moment<'_>) {
        moment.person.ask_after(moment.at);
        let tab = moment.person.draw(0, At::from(moment.person.tabs) - 1) as usize;
        if self.waits[tab] == NEVER {
            self.waits[tab] = moment.at;
            moment.send(tab as u8, 0, self.ticket);
        }
    }

    fn answer(&mut self, answer: Answer, moment: &mut Moment<'_>) {
        let since = std::mem::replace(&mut self.waits[usize::from(answer.tab)], NEVER);
        match answer.reply {
            Reply::Granted(ticket) => {
                self.ticket = ticket;
                moment.refreshed();
                moment.asked(Some(moment.at - since));
                moment.person.ask_after(moment.at + LIFE);
            }
            Reply::Failing(_) | Reply::Limited | Reply::Refused { .. } | Reply::Unreachable => {
                moment.asked(None);
                moment.sign_out();
            }
        }
    }

    fn next(&self) -> At {
        NEVER
    }
}
