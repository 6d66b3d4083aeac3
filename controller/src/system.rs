//! The machine's clocks and random source: nothing else in this crate reads them.

use std::time::{Duration, SystemTime};

use gotemplate::Environment;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// How long the templates of one ExternalSecret may take together.
const TEMPLATES: Duration = Duration::from_secs(5);

/// Now, for measuring.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the one place that reads this clock")]
pub(crate) fn time() -> SystemTime {
    SystemTime::now()
}

/// The time of day, for the status of objects.
pub(crate) fn timestamp() -> Timestamp {
    Timestamp::try_from(time()).unwrap_or_default()
}

/// A random number from 0 up to 1, which spreads retries and protects nothing.
pub(crate) fn random() -> f64 {
    let bits = getrandom::u32().unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// A number that no other process has.
///
/// # Errors
/// If the system gives no random bytes.
pub(crate) fn unique() -> anyhow::Result<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(u128::from_le_bytes(bytes))
}

/// Time and randomness for templates. Randomness cannot run out halfway: it is a seed of the system,
/// stretched by SHA-256 over a counter. Whoever gets no seed gets no template, rather than a key of
/// zeros.
pub(crate) struct System {
    seed: [u8; 32],
    counter: u64,
    now: Timestamp,
    until: Instant,
}

impl System {
    /// # Errors
    /// If the system gives no random bytes.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self { seed, counter: 0, now: timestamp(), until: instant() + TEMPLATES })
    }
}

impl Environment for System {
    fn now(&self) -> i128 {
        self.now.as_nanosecond()
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

    fn expired(&self) -> bool {
        instant() > self.until
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
