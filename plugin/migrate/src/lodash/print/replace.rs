//! `replace` and `replaceAll`.

use super::Printer;
use super::go::{Go, quote};
use super::regex;
use super::types::Ty;
use crate::lodash::Refusal;
use crate::lodash::ir::{Expr, ExprKind, Method, Regex, Span};

/// What is put in the place of a match.
enum With {
    /// The same text each time.
    Literal(String),
    /// Parts that are texts, or groups of the match by their number.
    Groups(Vec<Part>),
}

enum Part {
    Text(String),
    Group(usize),
}

impl Printer<'_> {
    /// `E.replace("a", "b")` as it is printed best; false when it has to be a value.
    pub(super) fn print_replace(
        &mut self,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<bool, Refusal> {
        let [Expr { kind: ExprKind::Text(pattern), .. }, with] = arguments else {
            return Ok(false);
        };
        let ExprKind::Text(with) = &with.kind else { return Ok(false) };
        if pattern.is_empty() || with.contains('$') {
            return Ok(false);
        }
        let text = self.string_argument(receiver)?;
        let text = self.keep(text);
        let parts = self.new_parts();
        let pattern = quote(pattern);
        self.action(format!("{parts} := splitn {pattern} 2 {}", text.text));
        self.action(format!("{parts}._0"));
        self.action(format!("if contains {pattern} {}", text.text));
        self.literal(with);
        self.action(format!("{parts}._1"));
        self.action("end");
        Ok(true)
    }

    /// A name for the two sides of a text; the first is the one that reads best.
    fn new_parts(&mut self) -> String {
        if self.names.iter().any(|name| name == "$p") { self.temporary() } else { "$p".to_owned() }
    }

    pub(super) fn replace(
        &mut self,
        value: &Expr,
        method: Method,
        text: Go,
        pattern: &Expr,
        with: &Expr,
    ) -> Result<Go, Refusal> {
        match &pattern.kind {
            ExprKind::Regex(regex) => {
                if method == Method::ReplaceAll && !regex.global {
                    return self.refuse(value.span, "`replaceAll` without `g`, which throws");
                }
                self.replace_regex(regex, text, pattern.span, with)
            }
            ExprKind::Text(pattern) if !pattern.is_empty() => {
                let with = self.plain_replacement(with, pattern)?;
                if method == Method::ReplaceAll {
                    let function = format!("replace {} {}", quote(pattern), with.arg());
                    return Ok(text.pipe(&function, Ty::Text));
                }
                Ok(self.replace_first(&text, &quote(pattern), &with))
            }
            ExprKind::Text(_) if method == Method::Replace => {
                let with = self.plain_replacement(with, "")?;
                Ok(Go::call(format!("print {} {}", with.arg(), text.arg()), Ty::Text))
            }
            ExprKind::Text(_) => self.refuse(value.span, "a replacement between all characters"),
            _ if self.types.ty(pattern) == Ty::Text => {
                let pattern = self.value(pattern)?;
                let pattern = self.keep(pattern);
                self.fail_if(&format!("eq {} \"\"", pattern.text), "an empty text is replaced");
                let with = self.computed_replacement(with)?;
                if method == Method::ReplaceAll {
                    let function = format!("replace {} {}", pattern.text, with.arg());
                    return Ok(text.pipe(&function, Ty::Text));
                }
                Ok(self.replace_first(&text, &pattern.text, &with))
            }
            _ => self.refuse(value.span, "a replacement of what is computed"),
        }
    }

    fn replace_first(&mut self, text: &Go, pattern: &str, with: &Go) -> Go {
        let text = self.keep(text.clone());
        let parts = self.set(&Go::call(format!("splitn {pattern} 2 {}", text.text), Ty::Json));
        Go::call(
            format!(
                "ternary (print (index {0} \"_0\") {1} (index {0} \"_1\")) {2} (contains {pattern} {2})",
                parts.text,
                with.arg(),
                text.text,
            ),
            Ty::Text,
        )
    }

    /// A replacement for a pattern without groups.
    fn plain_replacement(&mut self, with: &Expr, pattern: &str) -> Result<Go, Refusal> {
        if let ExprKind::Text(text) = &with.kind {
            return match replacement(text, 0, with.span)? {
                With::Literal(text) => Ok(Go::text(&text)),
                With::Groups(parts) => {
                    let parts = parts.into_iter().map(|part| match part {
                        Part::Text(text) => text,
                        Part::Group(_) => pattern.to_owned(),
                    });
                    Ok(Go::text(&parts.collect::<String>()))
                }
            };
        }
        self.computed_replacement(with)
    }

    /// A replacement that is not written out: it may have no `$`, which would mean something.
    fn computed_replacement(&mut self, with: &Expr) -> Result<Go, Refusal> {
        let given = self.text(with)?;
        if !self.exact {
            return Ok(given);
        }
        let given = self.keep(given);
        let test = format!("contains \"$\" {}", given.text);
        self.fail_if(&test, "a replacement has a dollar sign");
        Ok(given)
    }

    fn replace_regex(
        &mut self,
        given: &Regex,
        text: Go,
        span: Span,
        with: &Expr,
    ) -> Result<Go, Refusal> {
        if given.global
            && let Some(literal) = regex::literal(given)
        {
            let with = self.plain_replacement(with, &literal)?;
            let function = format!("replace {} {}", quote(&literal), with.arg());
            return Ok(text.pipe(&function, Ty::Text));
        }
        let pattern = regex::to_go(given, span)?;
        if pattern.may_be_empty && !pattern.only_assertions && given.global {
            return self.refuse(span, "a regular expression that may match nothing");
        }
        let text = self.one_kind_of_line(text, pattern.lines);
        let with = if let ExprKind::Text(text) = &with.kind {
            replacement(text, pattern.groups, with.span)?
        } else {
            let with = self.computed_replacement(with)?;
            if !given.global {
                return self.refuse(span, "a first match replaced by what is computed");
            }
            return Ok(Go::call(
                format!(
                    "regexReplaceAllLiteral {} {} {}",
                    quote(&pattern.text),
                    text.arg(),
                    with.arg()
                ),
                Ty::Text,
            ));
        };
        let groups = matches!(&with, With::Groups(parts)
            if parts.iter().any(|part| matches!(part, Part::Group(group) if *group > 0)));
        if groups && pattern.repeated_groups {
            return self.refuse(span, "a group that matches more than once");
        }
        if given.global {
            return Ok(Go::call(
                match with {
                    With::Literal(with) => format!(
                        "regexReplaceAllLiteral {} {} {}",
                        quote(&pattern.text),
                        text.arg(),
                        quote(&with)
                    ),
                    With::Groups(parts) => format!(
                        "regexReplaceAll {} {} {}",
                        quote(&pattern.text),
                        text.arg(),
                        quote(&expansion(&parts, 0))
                    ),
                },
                Ty::Text,
            ));
        }
        // One match only, from the beginning of the text: what stands before it is a group.
        let first = format!("\\A((?s:.*?))({})", pattern.text);
        let parts = match with {
            With::Literal(text) => vec![Part::Text(text)],
            With::Groups(parts) => parts,
        };
        let expanded = format!("${{1}}{}", expansion(&parts, 2));
        Ok(Go::call(
            format!("regexReplaceAll {} {} {}", quote(&first), text.arg(), quote(&expanded)),
            Ty::Text,
        ))
    }
}

/// A replacement in Go's words, with the whole match as the group `whole`.
fn expansion(parts: &[Part], whole: usize) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.replace('$', "$$"),
            Part::Group(group) => format!("${{{}}}", group + whole),
        })
        .collect()
}

/// Reads what JavaScript makes of dollar signs.
fn replacement(text: &str, groups: usize, span: Span) -> Result<With, Refusal> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        if c != '$' {
            literal.push(c);
            continue;
        }
        match chars.peek().map(|(_, next)| *next) {
            Some('$') => {
                chars.next();
                literal.push('$');
            }
            Some('&') => {
                chars.next();
                parts.push(Part::Text(std::mem::take(&mut literal)));
                parts.push(Part::Group(0));
            }
            Some('`' | '\'' | '<') => {
                return Err(Refusal::new(span, "a replacement with what stands around the match"));
            }
            Some(digit @ '0'..='9') => {
                let first = digit.to_digit(10).unwrap_or_default() as usize;
                let mut ahead = chars.clone();
                ahead.next();
                let second = ahead.peek().and_then(|(_, next)| next.to_digit(10));
                let both = second.map(|second| first * 10 + second as usize);
                let (group, digits) = match both {
                    Some(both) if (1..=groups).contains(&both) => (both, 2),
                    _ => (first, 1),
                };
                if (1..=groups).contains(&group) {
                    for _ in 0..digits {
                        chars.next();
                    }
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                    parts.push(Part::Group(group));
                } else {
                    literal.push('$');
                }
            }
            _ => literal.push('$'),
        }
    }
    if parts.is_empty() {
        return Ok(With::Literal(literal));
    }
    parts.push(Part::Text(literal));
    Ok(With::Groups(parts))
}
