//! Whether a text is valid JSON.

/// Whether the text is one JSON value with nothing but white space around it. Nested values are
/// kept track of in a list, so that depth costs no stack.
pub(crate) fn valid(json: &[u8]) -> bool {
    let mut open = Vec::new();
    let mut rest = space(json);
    'value: loop {
        rest = match rest {
            [b'{', inner @ ..] => match space(inner) {
                [b'}', after @ ..] => after,
                inner => {
                    open.push(b'}');
                    let Some(value) = key(inner) else { return false };
                    rest = value;
                    continue 'value;
                }
            },
            [b'[', inner @ ..] => match space(inner) {
                [b']', after @ ..] => after,
                inner => {
                    open.push(b']');
                    rest = inner;
                    continue 'value;
                }
            },
            _ => match scalar(rest) {
                Some(after) => after,
                None => return false,
            },
        };
        // A value is complete; so may be the ones around it.
        loop {
            rest = space(rest);
            let Some(&close) = open.last() else { return rest.is_empty() };
            match rest {
                [b',', next @ ..] => {
                    rest = space(next);
                    if close == b'}' {
                        let Some(value) = key(rest) else { return false };
                        rest = value;
                    }
                    continue 'value;
                }
                [end, after @ ..] if *end == close => {
                    open.pop();
                    rest = after;
                }
                _ => return false,
            }
        }
    }
}

fn space(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = text {
        text = rest;
    }
    text
}

/// What follows a key and its colon.
fn key(text: &[u8]) -> Option<&[u8]> {
    let after = string(text.strip_prefix(b"\"")?)?;
    Some(space(space(after).strip_prefix(b":")?))
}

fn scalar(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'"', rest @ ..] => string(rest),
        [b't', ..] => text.strip_prefix(b"true"),
        [b'f', ..] => text.strip_prefix(b"false"),
        [b'n', ..] => text.strip_prefix(b"null"),
        _ => number(text),
    }
}

/// What follows a string whose opening quote is read.
fn string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'u', rest @ ..] => {
                let (digits, rest) = rest.split_at_checked(4)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                rest
            }
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [] | [b'\\' | ..b' ', ..] => return None,
            [_, rest @ ..] => rest,
        };
    }
}

fn number(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let text = text.strip_prefix(b"0").or_else(|| digits(text))?;
    let text = match text {
        [b'.', fraction @ ..] => digits(fraction)?,
        _ => text,
    };
    match text {
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            digits(exponent)
        }
        _ => Some(text),
    }
}

/// What follows one or more digits.
fn digits(mut text: &[u8]) -> Option<&[u8]> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    while let [b'0'..=b'9', rest @ ..] = text {
        text = rest;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_costs_no_stack() {
        let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
        assert!(valid(&deep));
        assert!(!valid(&deep[1..]));
    }
}
