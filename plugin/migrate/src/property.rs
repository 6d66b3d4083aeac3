//! `property`: lodash paths (what KES looked up) become gjson paths (what ESO looks up).
//!
//! Both sides try the literal key before the path, so a path without brackets stays as it is but
//! for the characters that gjson would read as operators (specification 3.7).

/// The gjson path for a lodash path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Translated {
    pub(crate) path: String,
    /// The text had to change (I01).
    pub(crate) rewritten: bool,
}

/// Translates a property. The empty property has no counterpart and is the caller's business.
pub(crate) fn translate(property: &str) -> Translated {
    let path = if property.contains('[') {
        join(&segments(property))
    } else {
        property.split('.').map(|s| escape(s, false)).collect::<Vec<_>>().join(".")
    };
    Translated { rewritten: path != property, path }
}

/// The gjson path of a member of a member.
pub(crate) fn join(segments: &[String]) -> String {
    segments.iter().map(|segment| escape(segment, true)).collect::<Vec<_>>().join(".")
}

/// Protects the characters that gjson would read as operators.
fn escape(segment: &str, dots: bool) -> String {
    let mut out = String::with_capacity(segment.len());
    for (i, c) in segment.chars().enumerate() {
        let operator = matches!(c, '*' | '?' | '|' | '\\')
            || (i == 0 && matches!(c, '#' | '@' | '!' | '{' | '[' | '('))
            || (dots && c == '.');
        if operator {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Splits as lodash's `toPath` does: names between dots, `[0]`, `["quoted"]`, `['quoted']`.
pub(crate) fn segments(property: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = property;
    if rest.starts_with('.') {
        out.push(String::new());
    }
    while let Some(first) = rest.chars().next() {
        match first {
            '.' => {
                rest = &rest[1..];
                // A dot that nothing follows names an empty member.
                if rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]") {
                    out.push(String::new());
                }
            }
            '[' => {
                if let Some((segment, len)) = bracket(rest) {
                    out.push(segment);
                    rest = &rest[len..];
                } else {
                    // Not a form that lodash knows: it skips the bracket itself.
                    rest = &rest[1..];
                }
            }
            ']' => rest = &rest[1..],
            _ => {
                let len = rest.find(['.', '[', ']']).unwrap_or(rest.len());
                out.push(rest[..len].to_owned());
                rest = &rest[len..];
            }
        }
    }
    out
}

/// `[12]`, `['a.b']` or `["a\"b"]` at the start: the segment and how many bytes it took.
fn bracket(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('[')?;
    let quote = inner.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let end = inner.find(']')?;
        let number = &inner[..end];
        let digits = number.strip_prefix('-').unwrap_or(number);
        let valid = !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && digits.bytes().filter(|b| *b == b'.').count() <= 1
            && !digits.starts_with('.')
            && !digits.ends_with('.');
        return valid.then(|| (number.to_owned(), end + 2));
    };
    let mut out = String::new();
    let mut chars = inner.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            let (_, escaped) = chars.next()?;
            out.push(escaped);
        } else if c == quote {
            return inner[at + 1..].starts_with(']').then(|| (out, at + 3));
        } else {
            out.push(c);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(property: &str, path: &str) {
        let got = translate(property);
        assert_eq!(got.path, path, "{property}");
        assert_eq!(got.rewritten, property != path, "{property}");
    }

    #[test]
    fn plain_paths_stay() {
        for path in ["a", "a.b", "tls.crt", "we ird", "a-b", "0", "a.0.b", "über"] {
            check(path, path);
        }
    }

    #[test]
    fn brackets_become_segments() {
        check("list[0].name", "list.0.name");
        check("a[0][1]", "a.0.1");
        check("['e.f'].g", r"e\.f.g");
        check("[\"x.y\"].z", r"x\.y.z");
        check("['x']", "x");
        check("a[\"b\\\"c\"]", "a.b\"c");
        check("a['b]c'].d", "a.b]c.d");
    }

    #[test]
    fn operators_of_gjson_are_protected() {
        check("x|y", r"x\|y");
        check("a*.b?", r"a\*.b\?");
        check("#.@this.!x", r"\#.\@this.\!x");
        check("{a}.(b)", r"\{a}.\(b)");
        check("a#b.c@d", "a#b.c@d");
        check(r"a\b", r"a\\b");
    }

    proptest::proptest! {
        #[test]
        fn any_property_yields_a_path(property in "\\PC{0,24}|[\\[\\].'\"a0\\\\*-]{0,16}") {
            let _ = translate(&property);
        }

        /// What the bracket form names is what the escaped dot form names.
        #[test]
        fn quoted_members_survive(name in "[a-z.*|# ]{1,8}") {
            let got = translate(&format!("['{name}']")).path;
            proptest::prop_assert_eq!(unescape(&got), name);
        }
    }

    fn unescape(path: &str) -> String {
        let mut out = String::new();
        let mut chars = path.chars();
        while let Some(c) = chars.next() {
            out.push(if c == '\\' { chars.next().unwrap() } else { c });
        }
        out
    }
}
