//! Which names a regular expression can match at most: what they all begin with.

/// What every match begins with, and whether it is nothing but that. Only what is literal up to the
/// first operator counts; for anything doubtful it is nothing at all, which is always true.
pub(crate) fn literal(pattern: &str) -> (String, bool) {
    let nothing = (String::new(), false);
    // An alternative on the outermost level need not begin so.
    let Some(rest) = pattern.strip_prefix('^').filter(|_| !pattern.contains('|')) else {
        return nothing;
    };
    let mut text = String::new();
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '$' => return (text, chars.peek().is_none()),
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => text.push(escaped),
                _ => return (text, false),
            },
            // The one before may be missing, or be there many times.
            '*' | '?' | '{' => {
                text.pop();
                return (text, false);
            }
            '.' | '[' | ']' | '(' | ')' | '+' | '}' | '^' => return (text, false),
            c => text.push(c),
        }
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use gotemplate::regexp::Regexp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_is_literal_counts() {
        for (pattern, beginning, exact) in [
            ("^shop/", "shop/", false),
            ("^shop/db$", "shop/db", true),
            (r"^shop\.db$", "shop.db", true),
            ("^shop/(a)", "shop/", false),
            ("^shops?/", "shop", false),
            ("^shop+", "shop", false),
            ("^sho{2}p", "sh", false),
            (r"^shop\d", "shop", false),
            ("shop/", "", false),
            ("^a|b", "", false),
            ("(?i)^shop", "", false),
            ("^", "", false),
            ("^shop$.", "shop", false),
        ] {
            assert_eq!(literal(pattern), (beginning.to_owned(), exact), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn whatever_matches_begins_so(pattern in r"\^?[ab./\\$*?+(){}|1,]{0,8}", name in "[ab./]{0,6}") {
            let Ok(regexp) = Regexp::new(&pattern) else { return Ok(()) };
            let (beginning, exact) = literal(&pattern);
            if regexp.is_match(name.as_bytes()) {
                prop_assert!(name.starts_with(&beginning), "{} {} {}", pattern, name, beginning);
                prop_assert!(!exact || name == beginning, "{} {}", pattern, name);
            }
        }
    }
}
