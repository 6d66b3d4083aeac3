//! An error as AWS answers it.

use std::borrow::Cow;

/// A refusal: its code decides what a client does, its status hardly matters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// `__type` in JSON, `Code` in XML.
    pub code: Cow<'static, str>,
    /// For people; never a secret value.
    pub message: Cow<'static, str>,
    /// The HTTP status: 400 for nearly everything.
    pub status: u16,
}

impl AwsError {
    /// A refusal with status 400.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400 }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A value that breaks a constraint of the service's model, found before the service looks.
    pub(crate) fn validation(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("ValidationException", message)
    }

    /// The model's complaint about one member, in the words that all services share.
    pub(crate) fn constraint(member: &str, rule: &str) -> Self {
        Self::validation(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: {rule}"
        ))
    }

    pub(crate) fn length(member: &str, length: usize, min: usize, max: usize) -> Result<(), Self> {
        if length < min {
            let rule = format!("Member must have length greater than or equal to {min}");
            return Err(Self::constraint(member, &rule));
        }
        if length > max {
            let rule = format!("Member must have length less than or equal to {max}");
            return Err(Self::constraint(member, &rule));
        }
        Ok(())
    }

    pub(crate) fn range(member: &str, value: i64, min: i64, max: i64) -> Result<(), Self> {
        if value < min {
            let rule = format!("Member must have value greater than or equal to {min}");
            return Err(Self::constraint(member, &rule));
        }
        if value > max {
            let rule = format!("Member must have value less than or equal to {max}");
            return Err(Self::constraint(member, &rule));
        }
        Ok(())
    }
}
