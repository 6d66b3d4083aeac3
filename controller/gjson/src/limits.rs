//! How much a path may cost.

/// What one lookup may use. The defaults are far above what any property of a secret needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of JSON and of paths read, each time they are read.
    pub work: usize,
    /// Bytes of text that modifiers, queries and multipaths make.
    pub bytes: usize,
    /// Path components, multipaths, queries and modifiers within one another.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { work: 64 << 20, bytes: 32 << 20, depth: 200 }
    }
}

/// The limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// [`Limits::work`].
    #[error("the path takes too much work")]
    Work,
    /// [`Limits::bytes`].
    #[error("the path makes too much text")]
    Bytes,
    /// [`Limits::depth`].
    #[error("the path is nested too deeply")]
    Depth,
}

/// What is left of the limits.
pub(crate) struct Budget {
    left: Limits,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { left: limits }
    }

    /// Accounts for bytes read.
    pub(crate) fn work(&mut self, bytes: usize) -> Result<(), LimitExceeded> {
        // One more, so that a loop over nothing is not free.
        let Some(left) = self.left.work.checked_sub(bytes.saturating_add(1)) else {
            return Err(LimitExceeded::Work);
        };
        self.left.work = left;
        Ok(())
    }

    /// Accounts for bytes about to be made.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), LimitExceeded> {
        let Some(left) = self.left.bytes.checked_sub(bytes) else {
            return Err(LimitExceeded::Bytes);
        };
        self.left.bytes = left;
        Ok(())
    }

    /// Appends to a text that is being made.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), LimitExceeded> {
        self.reserve(bytes.len())?;
        out.extend_from_slice(bytes);
        Ok(())
    }

    /// Goes one level down; [`Self::leave`] comes back. An error ends the whole lookup, so that
    /// nobody needs to come back from one.
    pub(crate) fn enter(&mut self) -> Result<(), LimitExceeded> {
        let Some(left) = self.left.depth.checked_sub(1) else {
            return Err(LimitExceeded::Depth);
        };
        self.left.depth = left;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.left.depth += 1;
    }
}
