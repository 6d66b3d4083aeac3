//! The machine's clock, read once by whoever prints.

use jiff::Timestamp;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "the one place where commands get the time")]
pub(crate) fn now() -> Timestamp {
    // Before 1970 or after 9999 nothing that is printed would be right, whatever is done.
    Timestamp::try_from(std::time::SystemTime::now()).unwrap_or_default()
}
