//! Cuts a text at lodash's delimiters.
//!
//! lodash 4 looks for one pattern after the other at each place: `<%-([\s\S]+?)%>`,
//! `<%=([\s\S]+?)%>`, `\$\{([^\\}]*(?:\\.[^\\}]*)*)\}` (ES interpolation is on by default) and
//! `<%([\s\S]+?)%>`. What none of them takes is literal text, also an opening without its end.

use std::ops::Range;

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    /// All of it, with its delimiters.
    pub(super) whole: Range<usize>,
    /// What is between the delimiters; for literal text the same as `whole`.
    pub(super) inner: Range<usize>,
}

/// What a part does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    Text,
    /// `<%- %>`
    Escape,
    /// `<%= %>`
    Interpolate,
    /// `${ }`
    Template,
    /// `<% %>`
    Evaluate,
}

impl PieceKind {
    /// In words.
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Escape => "an escaped expression (<%- %>)",
            Self::Interpolate => "an expression (<%= %>)",
            Self::Template => "an expression (${ })",
            Self::Evaluate => "code (<% %>)",
        }
    }
}

/// The kind of the first expression in a text, in words; `None` when lodash prints it unchanged.
pub(crate) fn first_expression(text: &str) -> Option<&'static str> {
    Scanner::new(text).next_code().map(|piece| piece.kind.name())
}

/// All parts, in order. Empty literal text and `${}` are left out.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut scanner = Scanner::new(text);
    let mut pieces = Vec::new();
    let mut end = 0;
    let literal =
        |range: Range<usize>| Piece { kind: PieceKind::Text, whole: range.clone(), inner: range };
    while let Some(piece) = scanner.next_code() {
        if end < piece.whole.start {
            pieces.push(literal(end..piece.whole.start));
        }
        end = piece.whole.end;
        // lodash prints nothing for `${}`, without compiling anything.
        if piece.kind != PieceKind::Template || !piece.inner.is_empty() {
            pieces.push(piece);
        }
    }
    if end < text.len() {
        pieces.push(literal(end..text.len()));
    }
    pieces
}

/// Looks at every byte a bounded number of times, whatever is opened and never closed.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// Where the last `%>` begins: nothing behind it can be closed.
    last_close: Option<usize>,
    /// No `${` before this place has an end: the search from an earlier one has been here.
    dead_until: usize,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, last_close: text.rfind("%>"), dead_until: 0 }
    }

    fn next_code(&mut self) -> Option<Piece> {
        while let Some(next) = self.text.get(self.at..)?.find(['<', '$']) {
            let start = self.at + next;
            if let Some(piece) = self.code_at(start) {
                self.at = piece.whole.end;
                return Some(piece);
            }
            self.at = start + 1;
        }
        None
    }

    fn code_at(&mut self, start: usize) -> Option<Piece> {
        let rest = self.text.get(start..)?;
        if let Some(code) = rest.strip_prefix("<%") {
            if code.starts_with('-') {
                if let Some(piece) = self.closed(PieceKind::Escape, start, 3) {
                    return Some(piece);
                }
            } else if code.starts_with('=')
                && let Some(piece) = self.closed(PieceKind::Interpolate, start, 3)
            {
                return Some(piece);
            }
            return self.closed(PieceKind::Evaluate, start, 2);
        }
        rest.starts_with("${").then(|| self.template(start)).flatten()
    }

    /// Code up to the first `%>` behind at least one character.
    fn closed(&self, kind: PieceKind, start: usize, opening: usize) -> Option<Piece> {
        let code = start + opening;
        let first = self.text.get(code..)?.chars().next()?;
        let search = code + first.len_utf8();
        if self.last_close? < search {
            return None;
        }
        let close = search + self.text.get(search..)?.find("%>")?;
        Some(Piece { kind, whole: start..close + 2, inner: code..close })
    }

    /// Code up to the first `}` that no backslash stands before; a backslash takes any character
    /// but a line break.
    fn template(&mut self, start: usize) -> Option<Piece> {
        if start < self.dead_until {
            return None;
        }
        let code = start + 2;
        let mut escaped = false;
        for (place, c) in self.text.get(code..)?.char_indices() {
            match c {
                '\n' | '\r' | '\u{2028}' | '\u{2029}' if escaped => {
                    self.dead_until = code + place;
                    return None;
                }
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '}' => {
                    let close = code + place;
                    return Some(Piece {
                        kind: PieceKind::Template,
                        whole: start..close + 1,
                        inner: code..close,
                    });
                }
                _ => {}
            }
        }
        self.dead_until = self.text.len();
        None
    }
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
            "<%-%>",
            "<%\u{e9}%>",
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

    #[test]
    fn parts_cover_the_text() {
        let text = "a<%= x %>b<%- y %><% z %>${w}c";
        let parts = pieces(text);
        let inner: Vec<&str> = parts.iter().map(|part| &text[part.inner.clone()]).collect();
        assert_eq!(inner, ["a", " x ", "b", " y ", " z ", "w", "c"]);
        let all: String = parts.iter().map(|part| &text[part.whole.clone()]).collect();
        assert_eq!(all, text);
    }

    #[test]
    fn openings_without_an_end_cost_nothing() {
        for opening in ["${", "<%", "<%=", "${\\\n", "<%-%>"] {
            let text = opening.repeat(500_000);
            assert!(pieces(&text).len() <= 500_000);
        }
    }
}
