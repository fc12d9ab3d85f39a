//! Keys of random streams: splittable and counter-based, so that numbers depend on (seed, stream, index) alone.
//!
//! A key is a ChaCha8 seed. A child key is the first 32 bytes of the parent's stream with the child's label, so that
//! the children of different labels are independent and no generator carries state from one use to the next.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The key of a random stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 32]);

/// Streams from this label on generate numbers; lower ones derive keys.
const NUMBERS: u64 = 1 << 63;

impl Key {
    /// The root key of a run.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(bytes)
    }

    /// The child key with a number, such as a step or an epoch.
    #[must_use]
    pub fn fold(&self, label: u64) -> Self {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(label & !NUMBERS);
        let mut bytes = [0; 32];
        generator.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The child key with a name, such as a parameter or a source of noise (FNV-1a of the name).
    #[must_use]
    pub fn named(&self, label: &str) -> Self {
        let hash = label
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        self.fold(hash)
    }

    /// A generator of numbers for one `chunk` of a sequence; chunks may be drawn in any order.
    #[must_use]
    pub fn generator(&self, chunk: u64) -> ChaCha8Rng {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(NUMBERS | chunk);
        generator
    }
}
