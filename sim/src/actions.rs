//! What users, pages and machines do, at any moment.

use evertoken::engine::ids::CallId;
use evertoken::engine::input::{Input, Revocation, SessionMode, Urgency, Wake};
use evertoken::engine::output::State;
use evertoken::engine::secret::Secret;
use evertoken::engine::time::Millis;

use super::eye::Intent;
use super::provider::Receipt;
use super::tab::Purpose;
use super::traffic::member;
use super::world::{Due, Page, World};

impl World {
    /// Something happens; the next thing is put on the calendar.
    pub(crate) fn act(&mut self) {
        let pause = self.dice.magnitude(self.scenario.pause);
        self.plan(pause, Due::Act);
        let tab = self.dice.between(0, self.tabs.len() as u64 - 1) as usize;
        if self.calm {
            // The last minute is for what is under way.
            if self.clock.elapsed + 60_000 < self.scenario.end {
                self.api_call(tab);
            }
            return;
        }
        match self.dice.between(0, 99) {
            0..=49 => {
                for _ in 0..self.dice.magnitude(8) {
                    self.api_call(tab);
                }
            }
            50..=53 => {
                let call = self.ask(tab, Purpose::Any);
                let min_validity = Millis(self.dice.magnitude(1_000_000));
                self.feed(tab, Input::Need { call, min_validity });
            }
            54..=56 => {
                let call = self.ask(tab, Purpose::Any);
                let urgency = self.dice.pick(&[Urgency::Forced, Urgency::Normal]);
                self.feed(tab, Input::Refresh { call, urgency });
            }
            57..=60 => self.change_user(tab),
            61..=66 => self.reload(tab),
            67..=75 => self.show_or_hide(tab),
            76..=79 => {
                let wake = self.dice.pick(&[Wake::Focus, Wake::Online]);
                self.feed(tab, Input::Wake(wake));
            }
            80..=82 => self.sleep(),
            83..=85 => self.set_clock(),
            86..=88 => self.trouble_store(),
            89..=92 => self.offline_until = self.clock.elapsed + self.dice.magnitude(900_000),
            93..=95 => self.refuses_until = self.clock.elapsed + self.dice.magnitude(600_000),
            96 => self.end_at_server(tab),
            _ => {
                let input = if self.dice.chance(400) { Input::Stop } else { Input::Start };
                self.feed(tab, input);
            }
        }
    }

    fn change_user(&mut self, tab: usize) {
        if self.tabs[tab].state() == State::SignedOut || self.dice.chance(300) {
            return self.login(self.tabs[tab].page);
        }
        let revocation = self.dice.pick(&[Revocation::Revoke, Revocation::Skip]);
        let call = self.expect_saved(tab);
        self.tabs[tab].eye.intends(Intent::Leave);
        self.feed(tab, Input::SignOut { call, revocation });
    }

    /// Somebody signs in, and the app hands the answer over.
    pub(crate) fn login(&mut self, page: Page) {
        if !self.is_open(page) {
            return;
        }
        let tab = page.tab;
        let same = self.dice.chance(500);
        if !same {
            self.tabs[tab].user += 1;
        }
        let modes = [SessionMode::Auto, SessionMode::New, SessionMode::Same];
        let session = self.dice.pick(if same { &modes } else { &modes[..2] });
        let (body, family) = self.provider.sign_in(self.tabs[tab].user, &self.clock);
        let receipt = Receipt { elapsed: self.clock.elapsed, lies: self.clock.lies(), page };
        if let Some(token) = member(&body, "access_token") {
            self.provider.received(&token, receipt);
        }
        let call = self.expect_saved(tab);
        self.tabs[tab].eye.intends(Intent::Begin(family));
        self.trace.note(self.clock.elapsed, || format!("sign-in {family}"));
        self.feed(tab, Input::SetTokens { call, response: Secret::new(body), session });
    }

    /// Opens a call that is answered when everything is stored.
    fn expect_saved(&mut self, tab: usize) -> CallId {
        let now = self.now(tab);
        CallId(self.tabs[tab].expect(Purpose::Any, now, SAVED))
    }

    fn reload(&mut self, tab: usize) {
        let page = self.tabs[tab].page;
        let undo = self.dice.chance(500);
        self.trace.note(self.clock.elapsed, || format!("tab {tab} is loaded anew"));
        self.store.forget(page, undo);
        self.open(tab, page.load + 1);
    }

    fn show_or_hide(&mut self, tab: usize) {
        let hidden = !self.tabs[tab].hidden;
        self.tabs[tab].hidden = hidden;
        self.feed(tab, Input::Wake(if hidden { Wake::Hidden } else { Wake::Shown }));
    }

    /// The machine sleeps; its network and its clocks may or may not tell.
    fn sleep(&mut self) {
        let left = self.scenario.faults_end.saturating_sub(self.clock.elapsed);
        let span = self.dice.magnitude(10_000_000).min(left);
        let stood_still = if self.dice.chance(500) { span } else { 0 };
        self.trace.note(self.clock.elapsed, || format!("the machine sleeps for {span} ms"));
        self.asleep = true;
        self.plan(span, Due::Awake { stood_still });
        for tab in 0..self.tabs.len() {
            if self.dice.chance(700) {
                let delay = span + self.dice.magnitude(3_000);
                let wake = self.dice.pick(&[Wake::Shown, Wake::Online, Wake::Focus]);
                self.tabs[tab].hidden &= wake != Wake::Shown;
                self.plan(delay, Due::Wake(self.tabs[tab].page, wake));
            }
        }
    }

    fn set_clock(&mut self) {
        let by = self.dice.magnitude(20_000_000) as i64;
        let by = if self.dice.chance(500) { by } else { -by };
        self.trace.note(self.clock.elapsed, || format!("the wall clock is set by {by} ms"));
        self.clock.set_wall(by);
    }

    fn trouble_store(&mut self) {
        let until = self.clock.elapsed + self.dice.magnitude(60_000);
        self.trace.note(self.clock.elapsed, || "the store is in trouble".into());
        if self.dice.chance(500) {
            self.store.hangs_until = until;
        } else {
            self.store.fails_until = until;
        }
    }

    /// The server ends the session: a password was changed, an administrator stepped in.
    fn end_at_server(&mut self, tab: usize) {
        if let Some(family) = self.tabs[tab].eye.family {
            self.trace.note(self.clock.elapsed, || format!("the server ends session {family}"));
            self.provider.revoke(family);
        }
    }
}

/// How long a call may take that is answered when everything is stored: the first read, a write under way, its own.
const SAVED: Millis = Millis::from_secs(6);
