//! Regular expressions of JavaScript in the words of RE2.
//!
//! What both know and read alike is rewritten piece by piece. Look-around, back-references and
//! whatever is not listed here is refused.

use crate::lodash::Refusal;
use crate::lodash::ir::{Regex, Span};

/// White space of JavaScript.
const SPACE: &str = "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";

/// What is no white space, as parts of a class.
const NO_SPACE: &str = "\\x00-\\x08\\x0e-\\x1f!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}";

/// How deep groups may stand in groups.
const MAX_DEPTH: usize = 40;

/// A pattern for Go.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) groups: usize,
    /// It can match an empty text.
    pub(super) may_be_empty: bool,
    /// It is nothing but `^`, `$`, `\b` and `\B`.
    pub(super) only_assertions: bool,
    /// A group stands in something that may be left out.
    pub(super) optional_groups: bool,
    /// A group stands in something that is repeated.
    pub(super) repeated_groups: bool,
    /// `^` and `$` match at lines.
    pub(super) lines: bool,
}

/// The text that a pattern stands for, when it stands for one only.
pub(super) fn literal(regex: &Regex) -> Option<String> {
    if regex.ignore_case && regex.pattern.chars().any(char::is_alphabetic) {
        return None;
    }
    let mut text = String::new();
    let mut chars = regex.pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                c if c.is_ascii_punctuation() => text.push(c),
                _ => return None,
            },
            '.' | '*' | '+' | '?' | '^' | '$' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => {
                return None;
            }
            c => text.push(c),
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Rewrites a pattern.
pub(super) fn to_go(regex: &Regex, span: Span) -> Result<Pattern, Refusal> {
    let mut reader = Reader {
        regex,
        chars: regex.pattern.chars().collect(),
        at: 0,
        span,
        out: String::new(),
        groups: 0,
        assertions: 0,
        others: 0,
        repeated_groups: false,
        optional_groups: false,
        branches: false,
        lines: false,
        depth: 0,
    };
    let may_be_empty = reader.alternatives()?;
    if reader.at < reader.chars.len() {
        return reader.refuse("a regular expression that is not closed");
    }
    let mut flags = String::new();
    if regex.ignore_case {
        flags.push('i');
    }
    if regex.multiline {
        flags.push('m');
    }
    let text =
        if flags.is_empty() { reader.out.clone() } else { format!("(?{flags}:{})", reader.out) };
    Ok(Pattern {
        text,
        groups: reader.groups,
        may_be_empty,
        only_assertions: reader.assertions > 0 && reader.others == 0,
        optional_groups: reader.optional_groups || (reader.groups > 0 && reader.branches),
        repeated_groups: reader.repeated_groups,
        lines: reader.lines,
    })
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Reader<'r> {
    regex: &'r Regex,
    chars: Vec<char>,
    at: usize,
    span: Span,
    out: String,
    groups: usize,
    assertions: usize,
    others: usize,
    repeated_groups: bool,
    optional_groups: bool,
    branches: bool,
    lines: bool,
    depth: usize,
}

impl Reader<'_> {
    fn refuse<T>(&self, construct: &str) -> Result<T, Refusal> {
        Err(Refusal::new(self.span, construct))
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }

    /// True when it can match nothing.
    fn alternatives(&mut self) -> Result<bool, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.refuse("a regular expression that is nested too deeply");
        }
        let mut any_empty = false;
        loop {
            any_empty |= self.sequence()?;
            if self.peek() != Some('|') {
                self.depth -= 1;
                return Ok(any_empty);
            }
            self.at += 1;
            self.others += 1;
            self.branches = true;
            self.out.push('|');
        }
    }

    fn sequence(&mut self) -> Result<bool, Refusal> {
        let mut empty = true;
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let groups = self.groups;
            let (piece_empty, assertion) = self.piece()?;
            let at_most_once = self.peek() == Some('?');
            let repeated = self.quantifier(assertion)?;
            if let Some(least) = repeated {
                self.others += 1;
                self.optional_groups |= least == 0 && self.groups > groups;
                self.repeated_groups |= !at_most_once && self.groups > groups;
                empty &= piece_empty || least == 0;
            } else {
                empty &= piece_empty;
            }
        }
        Ok(empty)
    }

    /// One piece: whether it can match nothing, and whether it never matches anything else.
    fn piece(&mut self) -> Result<(bool, bool), Refusal> {
        let Some(c) = self.peek() else { return Ok((true, true)) };
        self.at += 1;
        match c {
            '^' | '$' => {
                self.assertions += 1;
                self.lines |= self.regex.multiline;
                self.out.push(c);
                return Ok((true, true));
            }
            '(' => return self.group().map(|empty| (empty, false)),
            '[' => self.class()?,
            '.' if self.regex.dot_all => self.out.push_str("(?s:.)"),
            '.' => self.out.push_str("[^\\n\\r\\x{2028}\\x{2029}]"),
            '\\' => {
                if matches!(self.peek(), Some('b' | 'B')) {
                    let letter = self.peek().unwrap_or('b');
                    self.at += 1;
                    self.assertions += 1;
                    self.out.push('\\');
                    self.out.push(letter);
                    return Ok((true, true));
                }
                self.escape(false)?;
            }
            '*' | '+' | '?' => return self.refuse("a regular expression that is none"),
            c => self.character(c),
        }
        self.others += 1;
        Ok((false, false))
    }

    fn character(&mut self, c: char) {
        if c.is_ascii_punctuation() {
            self.out.push('\\');
            self.out.push(c);
        } else if c.is_ascii_graphic() || c == ' ' {
            self.out.push(c);
        } else {
            write_code(&mut self.out, c);
        }
    }

    fn group(&mut self) -> Result<bool, Refusal> {
        if self.looking_at("?:") {
            self.at += 2;
            self.out.push_str("(?:");
        } else if self.looking_at("?=") || self.looking_at("?!") {
            return self.refuse("a regular expression with a look-ahead");
        } else if self.looking_at("?<=") || self.looking_at("?<!") {
            return self.refuse("a regular expression with a look-behind");
        } else if self.peek() == Some('?') {
            return self.refuse("a regular expression with a named group");
        } else {
            self.groups += 1;
            self.out.push('(');
        }
        self.others += 1;
        let empty = self.alternatives()?;
        if self.peek() != Some(')') {
            return self.refuse("a regular expression that is not closed");
        }
        self.at += 1;
        self.out.push(')');
        Ok(empty)
    }

    /// A repetition, and how often it happens at least.
    fn quantifier(&mut self, assertion: bool) -> Result<Option<u32>, Refusal> {
        let least = match self.peek() {
            Some('*' | '?') => 0,
            Some('+') => 1,
            Some('{') => match self.bounds() {
                Some((least, most, length)) => {
                    if least > 500 || most.is_some_and(|most| most > 500 || most < least) {
                        return self
                            .refuse("a repetition in a regular expression that is too large");
                    }
                    let text: String = self.chars.iter().skip(self.at).take(length).collect();
                    self.out.push_str(&text);
                    self.at += length;
                    return self.after_quantifier(assertion, least);
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if let Some(c) = self.peek() {
            self.out.push(c);
        }
        self.at += 1;
        self.after_quantifier(assertion, least)
    }

    fn after_quantifier(&mut self, assertion: bool, least: u32) -> Result<Option<u32>, Refusal> {
        if assertion {
            return self.refuse("a repeated assertion in a regular expression");
        }
        if self.peek() == Some('?') {
            self.at += 1;
            self.out.push('?');
        }
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return self.refuse("a regular expression that is none");
        }
        Ok(Some(least))
    }

    /// `{2}`, `{2,}`, `{2,3}` here, and its length.
    fn bounds(&self) -> Option<(u32, Option<u32>, usize)> {
        let rest: String = self.chars.iter().skip(self.at + 1).take(20).collect();
        let (inner, _) = rest.split_once('}')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let length = inner.len() + 2;
        match inner.split_once(',') {
            None if is_number(inner) => {
                let count = inner.parse().ok()?;
                Some((count, Some(count), length))
            }
            Some((least, "")) if is_number(least) => Some((least.parse().ok()?, None, length)),
            Some((least, most)) if is_number(least) && is_number(most) => {
                Some((least.parse().ok()?, Some(most.parse().ok()?), length))
            }
            _ => None,
        }
    }

    fn class(&mut self) -> Result<(), Refusal> {
        self.out.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        if self.peek() == Some(']') {
            if !self.out.ends_with("[^") {
                return self.refuse("an empty class in a regular expression");
            }
            // Nothing is left out: any character.
            self.at += 1;
            self.out.truncate(self.out.len() - 2);
            self.out.push_str("(?s:.)");
            return Ok(());
        }
        loop {
            let Some(c) = self.peek() else {
                return self.refuse("a regular expression that is not closed");
            };
            self.at += 1;
            match c {
                ']' => break,
                '\\' => self.escape(true)?,
                '-' => {
                    // A range, or itself at an end.
                    let first = self.out.ends_with('[') || self.out.ends_with("[^");
                    if first || self.peek() == Some(']') {
                        self.out.push_str("\\-");
                    } else {
                        self.out.push('-');
                    }
                }
                c => self.character(c),
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn escape(&mut self, in_class: bool) -> Result<(), Refusal> {
        let Some(c) = self.peek() else {
            return self.refuse("a regular expression that is not closed");
        };
        self.at += 1;
        match c {
            'd' | 'D' | 'w' | 'W' => {
                if self.regex.ignore_case && matches!(c, 'w' | 'W') {
                    return self.refuse("a regular expression that ignores the case of `\\w`");
                }
                self.out.push('\\');
                self.out.push(c);
            }
            's' if in_class => self.out.push_str(SPACE),
            's' => self.out.extend(["[", SPACE, "]"]),
            'S' if in_class => self.out.push_str(NO_SPACE),
            'S' => self.out.extend(["[^", SPACE, "]"]),
            'n' | 'r' | 't' | 'f' | 'v' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'b' if in_class => self.out.push_str("\\x08"),
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                self.out.push_str("\\x00");
            }
            '1'..='9' => return self.refuse("a regular expression with a back-reference"),
            c if c.is_ascii_punctuation() => {
                self.out.push('\\');
                self.out.push(c);
            }
            _ => return self.refuse("a regular expression with an escape of its own"),
        }
        Ok(())
    }

    fn code(&mut self, digits: usize) -> Result<(), Refusal> {
        let text: String = self.chars.iter().skip(self.at).take(digits).collect();
        let code = u32::from_str_radix(&text, 16).ok().and_then(char::from_u32);
        if text.len() != digits || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return self.refuse("a regular expression with an escape of its own");
        }
        let Some(c) = code else {
            return self.refuse("a regular expression with half a character");
        };
        self.at += digits;
        write_code(&mut self.out, c);
        Ok(())
    }
}

fn write_code(out: &mut String, c: char) {
    out.extend(["\\x{", &format!("{:x}", u32::from(c)), "}"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(pattern: &str) -> Result<Pattern, Refusal> {
        let regex = Regex {
            pattern: pattern.into(),
            global: true,
            ignore_case: false,
            multiline: false,
            dot_all: false,
        };
        to_go(&regex, Span::default())
    }

    #[test]
    fn what_both_know_is_rewritten() {
        for (pattern, expected) in [
            ("a+b", "a+b"),
            ("[a-z_]*?", "[a-z\\_]*?"),
            ("(a|b){2,3}", "(a|b){2,3}"),
            ("a{", "a\\{"),
            ("\\/x", "\\/x"),
            ("\\u00e9", "\\x{e9}"),
            ("[^-a]", "[^\\-a]"),
            ("[^]x", "(?s:.)x"),
        ] {
            assert_eq!(go(pattern).unwrap().text, expected, "{pattern}");
        }
    }

    #[test]
    fn what_go_does_not_know_is_refused() {
        for pattern in [
            "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?<n>a)", "(a)\\1", "[]", "\\cA", "\\p{L}",
            "^*",
        ] {
            assert!(go(pattern).is_err(), "{pattern}");
        }
        assert!(go(&"(".repeat(100_000)).is_err());
    }
}
