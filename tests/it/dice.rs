//! Chance that can be repeated.

use hoursmith_kit::{Random as _, SystemRandom};

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From `HOURSMITH_TEST_SEED`, to repeat a failure, else from chance. A failure shows it.
    pub fn new() -> Self {
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes);
        let given = std::env::var("HOURSMITH_TEST_SEED").ok();
        let seed = given.map_or_else(|| u64::from_le_bytes(bytes), |seed| seed.parse().unwrap());
        println!("HOURSMITH_TEST_SEED={seed}");
        Self(seed)
    }

    /// Others of their own, which fall as these do for the same seed.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(all.len()).unwrap();
        (count > 0).then(|| &all[usize::try_from(self.below(count)).unwrap()])
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
