//! The machine's clock and random source, for templates.

use anyhow::Context as _;
use gotemplate::{Environment, Stretched};

/// Time as it passes, and randomness. Whoever gets no seed gets no template, rather than a key of zeros.
pub(crate) struct System(Stretched);

impl System {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("the system gives no random bytes")?;
        Ok(Self(Stretched::new(seed)))
    }
}

impl Environment for System {
    #[expect(clippy::disallowed_methods, reason = "the one place where templates get the time")]
    fn now(&self) -> i128 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}
