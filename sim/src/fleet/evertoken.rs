//! Our own policy: the very engine that pages run.

use std::sync::Arc;

use evertoken::engine::Engine;
use evertoken::engine::answer::{self, Outcome};
use evertoken::engine::ids::{AttemptId, CallId};
use evertoken::engine::input::{Input, SessionMode, Stored};
use evertoken::engine::output::{Event, Output, TokenRequest};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};

use super::browser::{Browser, Moment};
use super::calendar::Answer;
use super::plan::{At, NEVER};
use super::server::{RETRY_AFTER, Reply, Ticket};

/// A browser whose page runs evertoken, with a store like localStorage.
#[derive(Debug)]
pub(crate) struct Evertoken {
    /// The second tab of a browser shares the engine of the first. Where tabs are to come to terms over the store, each
    /// has one of these.
    tabs: [Engine; 1],
    store: Option<Box<str>>,
}

impl Browser for Evertoken {
    const NAME: &'static str = "evertoken";

    fn open(ticket: Ticket, moment: &mut Moment<'_>) -> Self {
        let engine = Engine::new(Arc::clone(&moment.plan.config), moment.person.dice.draw());
        let mut browser = Self { tabs: [engine], store: None };
        browser.feed(0, Input::Restore, moment);
        let response = Secret::new(ticket.response(moment.person.number, moment.wall()));
        let hand_over = Input::SetTokens { call: HAND_OVER, response, session: SessionMode::New };
        browser.feed(0, hand_over, moment);
        browser
    }

    fn wake(&mut self, moment: &mut Moment<'_>) {
        for tab in 0..self.tabs.len() {
            if timer(&self.tabs[tab]) <= moment.at {
                self.feed(tab, Input::Tick, moment);
            }
        }
    }

    fn ask(&mut self, moment: &mut Moment<'_>) {
        moment.person.ask_after(moment.at);
        // A call is named by its moment, so nobody need remember when it was made.
        self.feed(0, Input::Need { call: CallId(moment.at), min_validity: Millis::ZERO }, moment);
    }

    fn answer(&mut self, answer: Answer, moment: &mut Moment<'_>) {
        let outcome = match answer.reply {
            Reply::Granted(ticket) => status(200, &ticket.response(moment.person.number, moment.wall())),
            Reply::Refused { .. } => status(400, r#"{"error":"invalid_grant"}"#),
            Reply::Limited => Outcome::Answered(answer::Answer {
                status: 429,
                retry_after: Some(RETRY_AFTER.into()),
                ..answer::Answer::default()
            }),
            Reply::Failing(code) => status(code, ""),
            Reply::Unreachable => Outcome::Unreachable,
        };
        let input = Input::Answer { attempt: AttemptId(answer.attempt), outcome };
        self.feed(usize::from(answer.tab), input, moment);
    }

    fn next(&self) -> At {
        self.tabs.iter().map(timer).min().unwrap_or(NEVER)
    }

    fn on_disk(&self) -> usize {
        size_of_val(&self.store) + self.store.as_ref().map_or(0, |text| text.len())
    }
}

impl Evertoken {
    /// The law of the engine: one input, then all outputs, then one timer. The store answers at once.
    fn feed(&mut self, tab: usize, input: Input, moment: &mut Moment<'_>) {
        let now = Now { mono: Mono::new(u64::from(moment.at)), wall: UnixMillis(moment.wall()) };
        let mut input = Some(input);
        while let Some(next) = input.take() {
            self.tabs[tab].handle(now, next);
            while let Some(output) = self.tabs[tab].poll_output() {
                if let Some(reply) = self.perform(tab, output, moment) {
                    debug_assert!(input.is_none(), "one operation on the store at a time");
                    input = Some(reply);
                }
            }
        }
    }

    /// Does what the engine asks for; says what the store answers.
    fn perform(&mut self, tab: usize, output: Output, moment: &mut Moment<'_>) -> Option<Input> {
        match output {
            Output::ReadStore(op) => {
                let text = self.store.as_deref().map(|text| Secret::new(text.into()));
                return Some(Input::StoreRead { op, text, fence: None });
            }
            Output::WriteStore(op, write) => {
                let holds = write.expected.is_met_by(self.store.as_deref());
                if let Some(text) = write.text.filter(|_| holds) {
                    self.store = Some(text.expose().into());
                }
                let stored = if holds { Stored::Durably } else { Stored::Conflict };
                return Some(Input::StoreWritten { op, stored });
            }
            Output::Send { attempt, request: TokenRequest::Http(request) } => {
                let body = request.body.as_ref().map_or("", Secret::expose);
                let ticket = Ticket::read(body, moment.person.number);
                let ticket = ticket.expect("invariant: the engine sends the refresh token that it was given");
                moment.send(tab as u8, attempt.0, ticket);
            }
            Output::Settle(HAND_OVER, _) => {}
            Output::Settle(call, settled) => moment.asked(settled.ok().map(|_| moment.at - call.0)),
            // Until the verdict's bound the page sends without asking the engine.
            Output::Verdict(Some(verdict)) => {
                let bound = verdict.until.map_or(u64::MAX, |until| until.mono.millis());
                moment.person.ask_after(moment.at.max(At::try_from(bound).unwrap_or(NEVER)));
            }
            Output::Verdict(None) => moment.person.ask_after(moment.at),
            Output::Event(Event::Refreshed { .. }) => moment.refreshed(),
            Output::Event(Event::SessionEnded(_)) => moment.sign_out(),
            Output::Abort(_)
            | Output::Broadcast(_)
            | Output::Lock(_)
            | Output::Unlock(_)
            | Output::Event(_)
            | Output::Revoke(_)
            | Output::Send { request: TokenRequest::Call(_), .. }
            | Output::Snapshot(_) => {}
        }
        None
    }
}

fn timer(engine: &Engine) -> At {
    engine.poll_timeout().and_then(|timer| At::try_from(timer.millis()).ok()).unwrap_or(NEVER)
}

fn status(status: u16, body: &str) -> Outcome {
    Outcome::Answered(answer::Answer { status, body: Secret::new(body.into()), ..answer::Answer::default() })
}

/// Hands over the sign-in; no call of an app has this name.
const HAND_OVER: CallId = CallId(u32::MAX);
