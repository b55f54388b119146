//! What users, pages and machines do, at any moment.

use evertoken::engine::ids::CallId;
use evertoken::engine::input::{Input, Revocation, SessionMode, Urgency, Wake};
use evertoken::engine::output::State;
use evertoken::engine::secret::Secret;
use evertoken::engine::time::Millis;

use super::locks::Locking;
use super::provider::Receipt;
use super::tab::Purpose;
use super::traffic::member;
use super::watch::Intent;
use super::world::{Due, World};

impl World {
    /// Something happens; the next thing is put on the calendar.
    pub(crate) fn act(&mut self) {
        let pause = self.dice.magnitude(self.scenario.pause);
        self.plan(pause, Due::Act);
        if self.calm {
            return self.act_calmly();
        }
        let run: Vec<usize> = (0..self.tabs.len()).filter(|tab| self.tabs[*tab].is_run()).collect();
        let Some(tab) = (!run.is_empty()).then(|| self.dice.pick(&run)) else {
            return self.open_another();
        };
        match self.dice.between(0, 99) {
            0..=43 => {
                for _ in 0..self.dice.magnitude(8) {
                    self.api_call(tab);
                }
            }
            44..=46 => {
                let call = self.ask(tab, Purpose::Token);
                let min_validity = Millis(self.dice.magnitude(1_000_000));
                self.feed(tab, Input::Need { call, min_validity });
            }
            47..=50 => {
                let call = self.ask(tab, Purpose::Token);
                let urgency = self.dice.pick(&[Urgency::Forced, Urgency::Normal]);
                self.feed(tab, Input::Refresh { call, urgency });
            }
            51 => self.all_at_once(&run),
            52..=55 => self.change_user(tab),
            56..=59 => self.reload(tab),
            60..=62 => self.open_another(),
            63 => self.close(tab),
            64 => self.dispose(tab),
            65..=67 => self.freeze(tab),
            68..=74 => self.show_or_hide(tab),
            75..=77 => {
                let wake = self.dice.pick(&[Wake::Focus, Wake::Online]);
                self.feed(tab, Input::Wake(wake));
            }
            78..=79 => self.sleep(),
            80..=81 => self.set_clock(),
            82..=84 => self.trouble_store(),
            85 => self.forge(tab),
            86..=87 if self.scenario.locking == Locking::Squatted => self.squat(),
            86..=87 => self.feed(tab, Input::Touch),
            88..=91 => self.offline_until = self.clock.elapsed + self.dice.magnitude(300_000),
            92..=94 => self.refuses_until = self.clock.elapsed + self.dice.magnitude(300_000),
            95 => self.end_at_server(tab),
            _ => {
                let input = if self.dice.chance(400) { Input::Stop } else { Input::Start };
                self.feed(tab, input);
            }
        }
    }

    fn act_calmly(&mut self) {
        // The last minute is for what is under way.
        if self.clock.elapsed + 60_000 < self.scenario.end {
            self.probe();
        }
    }

    /// Each tab calls the API.
    pub(crate) fn probe(&mut self) {
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].is_run() {
                self.api_call(tab);
            }
        }
    }

    /// Every tab wants newer tokens, within the blink of an eye.
    fn all_at_once(&mut self, run: &[usize]) {
        for tab in run {
            let call = self.ask(*tab, Purpose::Token);
            self.feed(*tab, Input::Refresh { call, urgency: Urgency::Normal });
        }
    }

    fn change_user(&mut self, tab: usize) {
        if self.tabs[tab].state() == State::SignedOut || self.dice.chance(300) {
            return self.login(tab);
        }
        let revocation = self.dice.pick(&[Revocation::Revoke, Revocation::Skip]);
        let call = self.expect_saved(tab, Purpose::SignOut);
        self.tabs[tab].eye.intends(Intent::Leave);
        self.feed(tab, Input::SignOut { call, revocation });
    }

    /// Somebody signs in, and the app hands the answer over.
    pub(crate) fn login(&mut self, tab: usize) {
        let page = self.tabs[tab].page;
        let same = self.dice.chance(500);
        let held = self.tabs[tab].eye.family.map(|family| self.provider.user(family));
        self.users += u64::from(!same);
        self.tabs[tab].user = if same { held.unwrap_or(self.tabs[tab].user) } else { self.users };
        let modes = [SessionMode::Auto, SessionMode::New, SessionMode::Same];
        let session = self.dice.pick(if same { &modes } else { &modes[..2] });
        let (body, family) = self.provider.sign_in(self.tabs[tab].user, &self.clock);
        let receipt = Receipt { elapsed: self.clock.elapsed, lies: self.clock.lies(), page };
        if let Some(token) = member(&body, "access_token") {
            self.provider.received(&token, receipt);
        }
        if session == SessionMode::Same {
            self.watch.vouched.insert(family);
        }
        let call = self.expect_saved(tab, Purpose::HandOver);
        self.tabs[tab].eye.intends(Intent::Begin(family));
        self.trace.note(self.clock.elapsed, || format!("sign-in {family}"));
        self.feed(tab, Input::SetTokens { call, response: Secret::new(body), session });
    }

    /// Opens a call that is answered when everything is stored.
    fn expect_saved(&mut self, tab: usize, purpose: Purpose) -> CallId {
        let now = self.now(tab);
        CallId(self.tabs[tab].expect(purpose, now, SAVED))
    }

    fn show_or_hide(&mut self, tab: usize) {
        let hidden = !self.tabs[tab].hidden;
        self.tabs[tab].hidden = hidden;
        self.feed(tab, Input::Wake(if hidden { Wake::Hidden } else { Wake::Shown }));
    }

    /// The server ends the session: a password was changed, an administrator stepped in.
    fn end_at_server(&mut self, tab: usize) {
        if let Some(family) = self.tabs[tab].eye.family {
            self.trace.note(self.clock.elapsed, || format!("the server ends session {family}"));
            self.provider.revoke(family);
        }
    }
}

/// How long a call may take that is answered when everything is stored: the first read, a write under way, its own, and
/// as many times as the engine tries where others write, too.
const SAVED: Millis = Millis::from_secs(30);
