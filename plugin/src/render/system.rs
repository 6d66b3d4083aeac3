//! The machine's clock and random source, for templates.

use anyhow::Context as _;
use gotemplate::Environment;
use sha2::{Digest as _, Sha256};

/// Time as it passes, and randomness that cannot run out halfway: a seed of the system, stretched
/// by SHA-256 over a counter. Whoever gets no seed gets no template, rather than a key of zeros.
pub(crate) struct System {
    seed: [u8; 32],
    counter: u64,
}

impl System {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("the system gives no random bytes")?;
        Ok(Self { seed, counter: 0 })
    }
}

impl Environment for System {
    #[expect(clippy::disallowed_methods, reason = "the one place where templates get the time")]
    fn now(&self) -> i128 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_come_twice() {
        let mut system = System::new().unwrap();
        let mut drawn = [[0; 40]; 4];
        for buffer in &mut drawn {
            system.fill_random(buffer);
        }
        let mut blocks: Vec<&[u8]> = drawn.iter().flat_map(|it| it.chunks(8)).collect();
        blocks.sort_unstable();
        blocks.dedup();
        assert_eq!(blocks.len(), 20);
    }
}
