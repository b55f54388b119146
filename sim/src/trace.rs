//! What happened in a run, as text.

use std::collections::VecDeque;

/// Where the lines of a run go. A run without a trace formats none.
#[derive(Debug, Default)]
pub struct Trace {
    kind: Kind,
    last: VecDeque<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Kind {
    Keep,
    #[default]
    Off,
    Print,
}

impl Trace {
    /// Keeps the last lines.
    pub fn keep() -> Self {
        Self { kind: Kind::Keep, last: VecDeque::new() }
    }

    /// Prints every line to standard output.
    pub fn print() -> Self {
        Self { kind: Kind::Print, last: VecDeque::new() }
    }

    /// The lines kept, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.last.iter().map(String::as_str)
    }

    pub(crate) fn note(&mut self, elapsed: u64, line: impl FnOnce() -> String) {
        let kept = match self.kind {
            Kind::Off => return,
            Kind::Keep => true,
            Kind::Print => false,
        };
        let (seconds, ms) = (elapsed / 1_000, elapsed % 1_000);
        let line = format!("{seconds:6}.{ms:03}  {}", line());
        if !kept {
            println!("{line}");
            return;
        }
        if self.last.len() == LENGTH {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }
}

const LENGTH: usize = 40;
