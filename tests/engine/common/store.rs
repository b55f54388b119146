//! The store: one text, in order, with the troubles of real ones.

use std::collections::VecDeque;

use evertoken::engine::input::Stored;
use evertoken::engine::output::Write;
use evertoken::engine::secret::Secret;

/// How a store answers from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each operation takes this long; what it does, it does at its end.
    Delayed(u64),
    /// Every write finds that somebody else has written.
    Denying,
    /// Every operation fails at once.
    Failing,
    /// No operation ever ends or has an effect.
    Hanging,
    /// Reads are answered at once, writes never.
    Mute,
    /// Like localStorage.
    Sync,
    /// Reads fail, writes work.
    Unreadable,
}

#[derive(Debug)]
pub struct Store {
    pub text: Option<String>,
    /// The record without tokens, where it has a place of its own.
    pub fence: Option<String>,
    pub mode: Mode,
    pub reads: u32,
    pub writes: u32,
    /// Every text that was ever held, newest last.
    pub history: VecDeque<String>,
}

impl Store {
    pub fn new() -> Self {
        Self { text: None, fence: None, mode: Mode::Sync, reads: 0, writes: 0, history: VecDeque::new() }
    }

    /// Replaces the text, as another tab or another program does.
    pub fn put(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.history.push_back(text.clone());
        self.text = Some(text);
    }

    /// What a read gives: the text, and the record from its own place; `None` when it fails.
    pub fn read(&self) -> Option<(Option<Secret>, Option<Secret>)> {
        let held = |text: &Option<String>| text.clone().map(Secret::new);
        (!matches!(self.mode, Mode::Failing | Mode::Unreadable))
            .then(|| (held(&self.text), held(&self.fence)))
    }

    /// Carries a write out, as one step.
    pub fn write(&mut self, write: &Write) -> Stored {
        if self.mode == Mode::Failing {
            return Stored::Failed;
        }
        if self.mode == Mode::Denying {
            return Stored::Conflict;
        }
        let compared = if write.fence.is_some() { &self.fence } else { &self.text };
        if !write.expected.is_met_by(compared.as_deref()) {
            return Stored::Conflict;
        }
        if let Some(text) = &write.text {
            self.put(text.expose());
        }
        if let Some(fence) = &write.fence {
            self.fence = Some(fence.expose().to_owned());
        }
        Stored::Durably
    }

    pub fn holds(&self, part: &str) -> bool {
        self.text.as_deref().is_some_and(|text| text.contains(part))
    }
}
