//! Pieces of Go template text.

use super::types::Ty;

/// How much an expression holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A literal, a field, a variable, something in parentheses.
    Operand,
    /// A function with arguments.
    Call,
    /// `a | f`
    Pipe,
}

/// A Go expression.
#[derive(Clone, Debug)]
pub(super) struct Go {
    pub(super) text: String,
    pub(super) shape: Shape,
    /// What it holds.
    pub(super) ty: Ty,
    /// Evaluating it twice costs nothing and it cannot fail.
    pub(super) simple: bool,
}

impl Go {
    /// A variable or a literal.
    pub(super) fn simple(text: impl Into<String>, ty: Ty) -> Self {
        Self { text: text.into(), shape: Shape::Operand, ty, simple: true }
    }

    pub(super) fn call(text: impl Into<String>, ty: Ty) -> Self {
        Self { text: text.into(), shape: Shape::Call, ty, simple: false }
    }

    pub(super) fn text(text: &str) -> Self {
        Self::simple(quote(text), Ty::Text)
    }

    /// As an argument of a function.
    pub(super) fn arg(&self) -> String {
        match self.shape {
            Shape::Operand => self.text.clone(),
            Shape::Call | Shape::Pipe => format!("({})", self.text),
        }
    }

    /// As the last argument of a function, by a pipe.
    pub(super) fn pipe(&self, function: &str, ty: Ty) -> Self {
        Self { text: format!("{} | {function}", self.text), shape: Shape::Pipe, ty, simple: false }
    }
}

/// A Go string literal. It has no backquote, so that an action can stand in a raw string.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '`' => out.push_str("\\x60"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.extend(["\\u", &format!("{:04x}", u32::from(c))]);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// True for what Go reads as one name behind a dot.
pub(super) fn is_name(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A part of the text that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// What stands between `{{ ` and ` }}`.
    Action(String),
}

/// Joins pieces; literal braces become actions that print them. For Helm each action becomes a
/// raw string that prints the action.
pub(super) fn join(pieces: &[Piece], helm: bool) -> String {
    let mut out = String::new();
    let literal = |text: &str| crate::template::literal(text, helm);
    let action = |text: &str| crate::template::action(text, helm);
    let mut texts = pieces.iter().peekable();
    while let Some(piece) = texts.next() {
        match piece {
            Piece::Text(text) => {
                let before_action = matches!(texts.peek(), Some(Piece::Action(_)));
                match text.strip_suffix('{') {
                    Some(rest) if before_action => {
                        // Three braces in a row would open an action with the wrong two.
                        if let Some(rest) = rest.strip_suffix('{').filter(|_| odd_brace(text)) {
                            out.push_str(&literal(rest));
                            out.push_str(&action("\"{{\""));
                        } else {
                            out.push_str(&literal(rest));
                            out.push_str(&action("\"{\""));
                        }
                    }
                    _ => out.push_str(&literal(text)),
                }
            }
            Piece::Action(text) => out.push_str(&action(text)),
        }
    }
    out
}

/// What the errors of a translated template begin with: a template that cannot be translated for
/// some values refuses those with the code of templates that cannot be translated at all.
pub(super) const REFUSED: &str = "E07: ";

/// On what the actions end the rendering, each once, in order.
pub(super) fn reasons_to_fail(pieces: &[Piece]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for text in actions(pieces) {
        for behind in text.split("fail \"").skip(1) {
            let reason = behind.split('"').next().unwrap_or_default();
            let reason = reason.strip_prefix(REFUSED).unwrap_or(reason);
            if !reasons.iter().any(|it| it == reason) {
                reasons.push(reason.to_owned());
            }
        }
    }
    reasons
}

/// True when a value is read as JSON.
pub(super) fn reads_json(pieces: &[Piece]) -> bool {
    actions(pieces).any(|text| text.contains("mustFromJson"))
}

fn actions(pieces: &[Piece]) -> impl Iterator<Item = &str> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Action(text) => Some(text.as_str()),
        Piece::Text(_) => None,
    })
}

/// True when the braces at the end of a text come in pairs.
fn odd_brace(text: &str) -> bool {
    text.chars().rev().take_while(|c| *c == '{').count() % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_before_an_action_are_printed() {
        let with = |text: &str| {
            join(
                &[Piece::Text(text.into()), Piece::Action(".x".into()), Piece::Text("}".into())],
                false,
            )
        };
        assert_eq!(with("a"), "a{{ .x }}}");
        assert_eq!(with("a{"), "a{{ \"{\" }}{{ .x }}}");
        assert_eq!(with("a{{"), "a{{ \"{{\" }}{{ .x }}}");
        assert_eq!(with("a{{{"), "a{{ \"{{\" }}{{ \"{\" }}{{ .x }}}");
    }

    #[test]
    fn helm_prints_each_action_and_runs_none() {
        let pieces = [Piece::Text("{{a{".into()), Piece::Action(".x".into())];
        assert_eq!(join(&pieces, true), "{{`{{ \"{{\" }}`}}a{{`{{ \"{\" }}`}}{{`{{ .x }}`}}");
    }

    #[test]
    fn quotes_hold_what_go_would_not() {
        assert_eq!(quote("a\"\\\n`\u{1}"), "\"a\\\"\\\\\\n\\x60\\u0001\"");
    }
}
