//! Keyed integers: a mixing function and a permutation of `0..n` that needs no memory.
//!
//! The permutation is a balanced Feistel network over the next even number of bits, walked along its cycle until the
//! value lies below `n` (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). Any element and its place
//! are found in constant time, so a shuffled split of a billion rows holds two numbers.

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every input bit reaches every output bit.
#[must_use]
pub(crate) fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A key for the purpose `stream` and its `index`-th use under `seed`.
#[must_use]
pub(crate) fn derive(seed: u64, stream: Stream, index: u64) -> u64 {
    mix(mix(mix(seed) ^ (stream as u64)) ^ index)
}

/// What a key is for; two purposes never share random numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Split = 1,
    Sample = 2,
    Blocks = 3,
    Rows = 4,
    Synthetic = 5,
}

/// A permutation of `0..len` chosen by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permutation {
    len: u64,
    half: u32,
    key: u64,
}

const ROUNDS: u64 = 8;

impl Permutation {
    /// The permutation of `0..len` that `key` chooses.
    pub(crate) fn new(len: usize, key: u64) -> Self {
        let len = len as u64;
        let bits = u64::BITS - len.saturating_sub(1).leading_zeros();
        Self { len, half: bits.div_ceil(2).max(1), key }
    }

    /// The place of element `index`, which must be below `len`.
    pub(crate) fn forward(&self, index: usize) -> usize {
        let mut value = index as u64;
        loop {
            value = (0..ROUNDS).fold(value, |value, round| {
                let (left, right) = self.halves(value);
                (right << self.half) | (left ^ self.round(right, round))
            });
            if value < self.len {
                return value as usize;
            }
        }
    }

    fn halves(&self, value: u64) -> (u64, u64) {
        (value >> self.half, value & self.mask())
    }

    fn mask(&self) -> u64 {
        (1 << self.half) - 1
    }

    fn round(&self, half: u64, round: u64) -> u64 {
        mix(half ^ self.key.rotate_left(round as u32 * 8 + 1) ^ (round << 56)) & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_place_is_taken_once(len in 1_usize..3000, key: u64) {
            let permutation = Permutation::new(len, key);
            let mut seen = vec![false; len];
            for index in 0..len {
                let place = permutation.forward(index);
                prop_assert!(!seen[place]);
                seen[place] = true;
            }
        }
    }

    #[test]
    fn first_places_are_evenly_spread_over_keys() {
        let (len, keys) = (10, 20_000);
        let mut counts = vec![0_i32; len * len];
        for key in 0..keys {
            let permutation = Permutation::new(len, mix(key));
            for index in 0..len {
                counts[index * len + permutation.forward(index)] += 1;
            }
        }
        let expected = keys as i32 / len as i32;
        assert!(counts.iter().all(|count| (count - expected).abs() < 6 * 45), "{counts:?}");
    }
}
