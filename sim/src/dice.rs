//! Everything that chance decides in a run.

use evertoken::engine::jitter::Jitter;
use evertoken::engine::time::Millis;

/// Draws that follow from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(Jitter);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Jitter::new(seed))
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// A draw from `[low, high]`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.between(Millis(low), Millis(high)).0
    }

    /// A draw from `[1, high]` in which every order of magnitude is as likely.
    pub(crate) fn magnitude(&mut self, high: u64) -> u64 {
        let bits = self.between(0, u64::from(high.max(1).ilog2()));
        self.between(1 << bits, (2 << bits) - 1).min(high)
    }

    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.between(0, 999) < per_mille
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.between(0, from.len() as u64 - 1) as usize]
    }
}
