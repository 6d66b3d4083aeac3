//! How much a template may use.

/// What one execution may use. The defaults are far above any real Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nodes evaluated, iterations and comparisons counted one each.
    pub steps: u64,
    /// Bytes written as the result.
    pub output_bytes: usize,
    /// Bytes of all values that functions made.
    pub value_bytes: usize,
    /// Templates calling templates, and parentheses within parentheses.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 1_000_000, output_bytes: 4 << 20, value_bytes: 64 << 20, depth: 100 }
    }
}

/// The limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// [`Limits::steps`].
    #[error("the template takes too many steps")]
    Steps,
    /// [`Limits::output_bytes`].
    #[error("the template's result is too large")]
    Output,
    /// [`Limits::value_bytes`].
    #[error("the template makes too many or too large values")]
    Values,
    /// [`Limits::depth`].
    #[error("the template is nested too deeply")]
    Depth,
    /// [`Environment::expired`](crate::Environment::expired).
    #[error("the template takes too long")]
    Deadline,
}
