//! Spread for delays.

use super::time::Millis;

/// A small generator (SplitMix64) that spreads delays. It is predictable: never make a secret with it.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed, before the first draw.
    pub fn state(&self) -> u64 {
        self.0
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A draw from `[low, high]`; `low` when the interval is empty.
    pub fn between(&mut self, low: Millis, high: Millis) -> Millis {
        let width = high.0.saturating_sub(low.0);
        if width == 0 {
            return low;
        }
        // The bias of `%` is below 2^-30 for any delay that the engine draws.
        let offset = if width == u64::MAX { self.draw() } else { self.draw() % (width + 1) };
        Millis(low.0 + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_the_interval_and_reach_both_ends() {
        let mut jitter = Jitter::new(7);
        let draws: alloc::vec::Vec<u64> =
            (0..10_000).map(|_| jitter.between(Millis(10), Millis(20)).0).collect();
        assert_eq!(draws.iter().min(), Some(&10));
        assert_eq!(draws.iter().max(), Some(&20));
    }

    /// The values that other implementations give.
    #[test]
    fn it_is_splitmix64() {
        let mut jitter = Jitter::new(1_234_567);
        let draws = [(); 3].map(|()| jitter.draw());
        assert_eq!(draws, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let (mut one, mut two) = (Jitter::new(42), Jitter::new(42));
        assert!((0..100).all(|_| one.draw() == two.draw()));
    }
}
