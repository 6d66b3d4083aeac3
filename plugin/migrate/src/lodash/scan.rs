//! Lodash templates: where the code in a text begins.
//!
//! KES compiled every string of a template with lodash 4, whose delimiters are `<%- %>`, `<%= %>`,
//! `<% %>` and, since its ES interpolation is on by default, `${ }`.

/// The kind of the first expression in a text, in words; `None` when lodash prints it unchanged.
pub(crate) fn first_expression(text: &str) -> Option<&'static str> {
    let mut at = 0;
    while let Some(next) = text[at..].find(['<', '$']) {
        let rest = &text[at + next..];
        if let Some(kind) = expression(rest) {
            return Some(kind);
        }
        at += next + 1;
    }
    None
}

/// Lodash's own pattern: each form needs at least one character before its closing delimiter,
/// and `${}` may be empty.
fn expression(rest: &str) -> Option<&'static str> {
    let closes = |code: &str| {
        let mut chars = code.chars();
        chars.next().is_some() && chars.as_str().contains("%>")
    };
    if let Some(code) = rest.strip_prefix("<%") {
        if code.strip_prefix('-').is_some_and(closes) {
            return Some("an escaped expression (<%- %>)");
        }
        if code.strip_prefix('=').is_some_and(closes) {
            return Some("an expression (<%= %>)");
        }
        return closes(code).then_some("code (<% %>)");
    }
    let code = rest.strip_prefix("${")?;
    let mut escaped = false;
    for c in code.chars() {
        match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' if escaped => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '}' => return Some("an expression (${ })"),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delimiter_is_found() {
        for text in [
            "a<%= x %>",
            "<%- x %>",
            "<% if (x) { %>",
            "${x}",
            "${}",
            "a $ < ${x}",
            "<%\n%>",
            "<%=%>x%>",
        ] {
            assert!(first_expression(text).is_some(), "{text}");
        }
    }

    #[test]
    fn text_that_lodash_prints_is_static() {
        for text in ["", "a", "$x", "${x", "<%", "<%%>", "<%= x", "100%>", "{{ .x }}", "$$", "<b>"]
        {
            assert_eq!(first_expression(text), None, "{text}");
        }
    }
}
