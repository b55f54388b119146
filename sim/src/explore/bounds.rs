//! How far an exploration goes, and in what surroundings.

/// How far an exploration goes. What is counted, is counted for each path.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub tabs: u8,
    /// Crashes, freezes, lost messages and store operations that fail.
    pub faults: u8,
    /// How often more than a second passes while something is under way.
    pub late: u8,
    /// Calls of the app that need a refresh.
    pub calls: u8,
    pub sign_outs: u8,
    /// Token pairs that the server gives out, the first included.
    pub generations: u8,
    /// Steps.
    pub depth: usize,
    /// Stops after so many states, whatever is left.
    pub states: usize,
}

/// The surroundings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    pub locking: Locking,
    /// How long, in milliseconds, the server answers a spent refresh token with its successor. Zero: it revokes the
    /// session when it sees one.
    pub grace: u64,
    /// How long before its end a token is refreshed, in milliseconds. So short a lead is not spread: all tabs want to
    /// refresh at the same moment.
    pub lead: u64,
    /// What is broken in the engines.
    #[cfg(feature = "broken")]
    pub flaw: Option<evertoken::engine::Flaw>,
}

/// What the tabs have of a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locking {
    /// It is refused each time.
    Denied,
    #[default]
    Granted,
    /// None is asked for.
    Missing,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            tabs: 2,
            faults: 2,
            late: 1,
            calls: 1,
            sign_outs: 1,
            generations: 3,
            depth: usize::MAX,
            states: usize::MAX,
        }
    }
}
