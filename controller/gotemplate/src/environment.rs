//! What a template can learn from outside: the time, and random bytes.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The caller's clock and random source. The engine itself has neither.
pub trait Environment {
    /// Now, in nanoseconds since the Unix epoch.
    fn now(&self) -> i128;

    /// Fills `buffer` with random bytes fit for keys.
    fn fill_random(&mut self, buffer: &mut [u8]);

    /// Whether the time that the caller allows has run out. Asked every few hundred steps.
    fn expired(&self) -> bool {
        false
    }
}

/// Random bytes that cannot run out halfway: a seed, stretched by SHA-256 over a counter.
///
/// Whoever can get no seed makes none of these, and so no key of zeros.
#[derive(Clone)]
pub struct Stretched {
    seed: [u8; 32],
    counter: u64,
}

impl Stretched {
    /// All that follows from this seed, which has to be random and is used once.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// Fills `buffer` with bytes that did not come before.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block =
                Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes());
            self.counter += 1;
            for (byte, random) in chunk.iter_mut().zip(block.finalize()) {
                *byte = random;
            }
        }
    }
}

impl fmt::Debug for Stretched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stretched").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_come_twice() {
        let mut stretched = Stretched::new([7; 32]);
        let mut drawn = [[0; 40]; 4];
        for buffer in &mut drawn {
            stretched.fill(buffer);
        }
        let mut blocks: Vec<&[u8]> = drawn.iter().flat_map(|it| it.chunks(8)).collect();
        blocks.sort_unstable();
        blocks.dedup();
        assert_eq!(blocks.len(), 20);
    }

    #[test]
    fn nothing_of_the_seed_is_shown() {
        assert_eq!(format!("{:?}", Stretched::new([7; 32])), "Stretched { .. }");
    }
}
