//! What a template can learn from outside: the time, and random bytes.

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
