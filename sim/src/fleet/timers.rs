//! The timers of the tabs of one browser.

use super::plan::{At, NEVER};

/// One timer for each tab.
#[derive(Debug)]
pub(crate) struct Timers([At; 2]);

impl Timers {
    pub(crate) fn new() -> Self {
        Self([NEVER; 2])
    }

    pub(crate) fn set(&mut self, tab: u8, at: At) {
        self.0[usize::from(tab)] = at;
    }

    /// Takes the next timer that is due; says of which tab.
    pub(crate) fn take_due(&mut self, now: At) -> Option<u8> {
        let tab = self.0.iter().position(|timer| *timer <= now)?;
        self.0[tab] = NEVER;
        Some(tab as u8)
    }

    pub(crate) fn next(&self) -> At {
        self.0[0].min(self.0[1])
    }
}
