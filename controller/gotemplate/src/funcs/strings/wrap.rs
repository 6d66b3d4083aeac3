//! `wrap` and `wrapWith`: goutils' word wrap, which counts bytes.

use super::{Call, Failure, Value, int, text};

/// Breaks lines at spaces; longer words stay whole.
pub(super) fn wrap(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    wrapped(call, text(arguments, 1), int(arguments, 0), b"", false)
}

/// Breaks lines with a text of the caller's, and longer words too.
pub(super) fn wrap_with(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    wrapped(call, text(arguments, 2), int(arguments, 0), text(arguments, 1), true)
}

fn wrapped(
    call: &mut Call<'_>,
    text: &[u8],
    width: i64,
    separator: &[u8],
    break_words: bool,
) -> Result<Value, Failure> {
    let separator = if separator.is_empty() { b"\n" } else { separator };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    call.work(text.len() / 64)?;
    call.reserve(text.len())?;
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if let Some((b' ', after)) = rest.split_first() {
            rest = after;
            continue;
        }
        let (line, taken) = match memchr::memrchr(b' ', rest.get(..=width).unwrap_or(rest)) {
            Some(space) => (space, space + 1),
            None if break_words => (width, width),
            None => {
                let behind = rest.get(width..).unwrap_or_default();
                let Some(space) = memchr::memchr(b' ', behind) else { break };
                (width + space, width + space + 1)
            }
        };
        call.reserve(separator.len())?;
        result.extend_from_slice(rest.get(..line).unwrap_or_default());
        result.extend_from_slice(separator);
        rest = rest.get(taken..).unwrap_or_default();
    }
    result.extend_from_slice(rest);
    Ok(Value::string(result))
}
