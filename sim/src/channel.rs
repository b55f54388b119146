//! The channel on which tabs tell each other what is in the store.

use super::world::{Due, Page, World};

/// How bad the channel is: chances per mille, for each message and tab.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Air {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Takes up to a minute.
    pub(crate) late: u64,
}

impl World {
    pub(crate) fn broadcast(&mut self, from: Page, message: &str) {
        let air = self.scenario.air;
        for tab in 0..self.tabs.len() {
            let page = self.tabs[tab].page;
            if page == from || self.tabs[tab].gone || self.dice.chance(air.lost) {
                continue;
            }
            let copies = if self.dice.chance(air.doubled) { 2 } else { 1 };
            for _ in 0..copies {
                let longest = if self.dice.chance(air.late) { 60_000 } else { 50 };
                let delay = self.dice.magnitude(longest);
                self.plan(delay, Due::Notice(page, message.to_owned()));
            }
        }
    }

    /// Somebody else on the origin says something on the channel.
    pub(crate) fn forge(&mut self, tab: usize) {
        let wall = self.now(tab).wall.0;
        let number = self.dice.magnitude(1 << 40);
        let message = match self.dice.between(0, 6) {
            0 => String::new(),
            1 => "{}".repeat(number as usize % 200),
            2 => format!(r#"{{"v":2,"epoch":{wall},"generation":{number}}}"#),
            3 => format!(r#"{{"v":1,"epoch":{wall},"generation":-{number}}}"#),
            4 => format!(r#"{{"v":1,"epoch":"{wall}","generation":{number},"session":null}}"#),
            // What nobody can tell from a true one.
            _ => format!(r#"{{"v":1,"epoch":{},"generation":{number}}}"#, wall + number as i64),
        };
        for _ in 0..self.dice.magnitude(8) {
            let delay = self.dice.magnitude(2_000);
            self.plan(delay, Due::Notice(self.tabs[tab].page, message.clone()));
        }
    }
}
