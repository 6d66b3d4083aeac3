//! The caller's random source as the crates of the cipher world want it.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::environment::Environment;

/// Random numbers from the environment of the template, and from nowhere else.
pub(in crate::funcs) struct EnvironmentRng<'a>(pub(in crate::funcs) &'a mut dyn Environment);

impl TryRng for EnvironmentRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill_random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill_random(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_random(buffer);
        Ok(())
    }
}

impl TryCryptoRng for EnvironmentRng<'_> {}
