//! `JMESPath` expressions that name one member, as segments.
//!
//! The provider evaluates `JMESPath`, ESO a gjson path. Both can name a member of a member and an
//! element of a list; whatever else `JMESPath` can do has no exact counterpart.

/// The segments of a path such as `a.b`, `"a-b"[0].c`.
///
/// # Errors
/// What stands in the expression that only `JMESPath` knows.
pub(super) fn segments(path: &str) -> Result<Vec<String>, &'static str> {
    let mut rest = path.trim();
    let mut out = Vec::new();
    loop {
        let segment;
        (segment, rest) = if let Some(inner) = rest.strip_prefix('[') {
            index(inner)?
        } else {
            if !out.is_empty() {
                rest = rest.strip_prefix('.').ok_or_else(|| construct(rest))?.trim_start();
            }
            name(rest)?
        };
        out.push(segment);
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(out);
        }
    }
}

/// `name` or `"quoted name"`.
fn name(text: &str) -> Result<(String, &str), &'static str> {
    if let Some(inner) = text.strip_prefix('"') {
        let end = closing_quote(inner).ok_or("a quote that is not closed")?;
        let literal = text.get(..end + 2).unwrap_or_default();
        let decoded: String =
            serde_json::from_str(literal).map_err(|_| "a quoted name that is no JSON text")?;
        if decoded.is_empty() {
            return Err("an empty name");
        }
        return Ok((decoded, text.get(end + 2..).unwrap_or_default()));
    }
    let len = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match text.get(..len).filter(|name| begins && !name.is_empty()) {
        Some(name) => Ok((name.to_owned(), text.get(len..).unwrap_or_default())),
        None => Err(construct(text)),
    }
}

fn closing_quote(inner: &str) -> Option<usize> {
    let mut escaped = false;
    inner.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })
}

/// `0]` and what follows.
fn index(inner: &str) -> Result<(String, &str), &'static str> {
    let (number, rest) = inner.split_once(']').ok_or("a bracket that is not closed")?;
    let number = number.trim();
    if number.is_empty() {
        return Err("a flattened list");
    }
    if number == "*" {
        return Err("a wildcard");
    }
    if number.starts_with('?') {
        return Err("a filter");
    }
    if number.contains(':') {
        return Err("a slice");
    }
    if number.starts_with('-') {
        return Err("an index from the end");
    }
    // No longer list fits into a secret of 64 KiB.
    match number.parse::<u16>() {
        Ok(index) if number.bytes().all(|b| b.is_ascii_digit()) => Ok((index.to_string(), rest)),
        _ => Err("something in brackets that is no index"),
    }
}

/// What begins here.
fn construct(text: &str) -> &'static str {
    match text.chars().next() {
        None => "no name where one is expected",
        Some('*') => "a wildcard",
        Some('|') => "a pipe",
        Some('&' | '!' | '=' | '<' | '>') => "an operator",
        Some('@') => "the current node `@`",
        Some('`' | '\'') => "a literal",
        Some('{') => "a multiselect",
        Some('(') => "a function or parentheses",
        Some('-') => "a `-` outside of quotes",
        Some('/') => "a `/` outside of quotes",
        Some(_) => "a character that no bare name may hold",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_are_segments() {
        for (path, expected) in [
            ("username", &["username"] as &[_]),
            ("a.b_1", &["a", "b_1"]),
            (" a . b ", &["a", "b"]),
            ("\"db-password\"", &["db-password"]),
            ("\"a.b\".c", &["a.b", "c"]),
            ("\"q\\\"q\\u00e4\"", &["q\"q\u{e4}"]),
            ("list[0].name", &["list", "0", "name"]),
            ("a[01][2]", &["a", "1", "2"]),
            ("[3]", &["3"]),
        ] {
            assert_eq!(segments(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn everything_else_is_named_and_refused() {
        for (path, expected) in [
            ("", "no name where one is expected"),
            ("a.", "no name where one is expected"),
            ("db-password", "a `-` outside of quotes"),
            ("a.*", "a wildcard"),
            ("a[*]", "a wildcard"),
            ("a[]", "a flattened list"),
            ("a[?b]", "a filter"),
            ("a[1:2]", "a slice"),
            ("a[-1]", "an index from the end"),
            ("a[b]", "something in brackets that is no index"),
            ("a[0", "a bracket that is not closed"),
            ("a | b", "a pipe"),
            ("a || b", "a pipe"),
            ("a == b", "an operator"),
            ("length(a)", "a function or parentheses"),
            ("@", "the current node `@`"),
            ("`1`", "a literal"),
            ("{a: b}", "a multiselect"),
            ("\"a", "a quote that is not closed"),
            ("\"\"", "an empty name"),
            ("\"\\x\"", "a quoted name that is no JSON text"),
            ("\u{e4}", "a character that no bare name may hold"),
            ("a b", "a character that no bare name may hold"),
        ] {
            assert_eq!(segments(path).unwrap_err(), expected, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_or_refused(path in "\\PC{0,24}|[\\[\\].\"a0*|\\\\ -]{0,16}") {
            if let Ok(segments) = segments(&path) {
                proptest::prop_assert!(segments.iter().all(|segment| !segment.is_empty()));
            }
        }

        #[test]
        fn quoted_names_come_back(names in proptest::collection::vec("\\PC{1,8}", 1..4)) {
            let quoted: Vec<_> =
                names.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
            proptest::prop_assert_eq!(segments(&quoted.join(".")), Ok(names));
        }
    }
}
