//! The store: one text, in order, with the troubles of real ones.

use std::collections::VecDeque;

/// How a store answers from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each operation takes this long; what it does, it does at its end.
    Delayed(u64),
    /// Every operation fails at once.
    Failing,
    /// No operation ever ends or has an effect.
    Hanging,
    /// Like localStorage.
    Sync,
}

#[derive(Debug)]
pub struct Store {
    pub text: Option<String>,
    pub mode: Mode,
    pub reads: u32,
    pub writes: u32,
    /// Every text that was ever held, newest last.
    pub history: VecDeque<String>,
}

impl Store {
    pub fn new() -> Self {
        Self { text: None, mode: Mode::Sync, reads: 0, writes: 0, history: VecDeque::new() }
    }

    /// Replaces the text, as another tab or another program does.
    pub fn put(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.history.push_back(text.clone());
        self.text = Some(text);
    }

    pub fn holds(&self, part: &str) -> bool {
        self.text.as_deref().is_some_and(|text| text.contains(part))
    }
}
