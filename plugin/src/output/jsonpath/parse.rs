//! The text of a template.

use serde_json::Value;

use super::{Operand, Operator, Part, Path, Step, Template};

/// Ranges in ranges.
const DEEPEST: usize = 16;

pub(super) fn template(text: &str) -> Result<Template, String> {
    // As for kubectl, one path alone needs no braces.
    let braced = format!("{{{text}}}");
    let alone = text.starts_with(['.', '$', '[']) && !text.contains('{');
    let mut parser = Parser { rest: if alone { &braced } else { text } };
    let (parts, ended) = parser.parts(0)?;
    if ended {
        return Err("`end` without `range`".to_owned());
    }
    Ok(Template { parts })
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// Parts until the text ends, or until `{end}`; says whether it was that.
    fn parts(&mut self, depth: usize) -> Result<(Vec<Part>, bool), String> {
        if depth > DEEPEST {
            return Err(format!("more than {DEEPEST} ranges in each other"));
        }
        let mut parts = Vec::new();
        while !self.rest.is_empty() {
            let (text, rest) = self.rest.split_once('{').unwrap_or((self.rest, ""));
            let opened = self.rest.len() != text.len();
            self.rest = rest;
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            if opened && self.braces(&mut parts, depth)? {
                return Ok((parts, true));
            }
        }
        Ok((parts, false))
    }

    /// What is between braces; true if it was `end`.
    fn braces(&mut self, parts: &mut Vec<Part>, depth: usize) -> Result<bool, String> {
        loop {
            self.spaces();
            if self.eat("}") {
                return Ok(false);
            }
            if self.word("range") {
                self.spaces();
                let path = self.path()?;
                self.spaces();
                self.expect("}")?;
                let (inner, ended) = self.parts(depth + 1)?;
                if !ended {
                    return Err("`range` without `{end}`".to_owned());
                }
                parts.push(Part::Range(path, inner));
                return Ok(false);
            }
            if self.word("end") {
                self.spaces();
                self.expect("}")?;
                return Ok(true);
            }
            if self.rest.starts_with(['"', '\'']) {
                parts.push(Part::Text(self.quoted()?));
            } else if self.rest.is_empty() {
                return Err("a brace is not closed".to_owned());
            } else {
                parts.push(Part::Path(self.path()?));
            }
        }
    }

    fn path(&mut self) -> Result<Path, String> {
        let from_root = self.eat("$");
        let mut began = from_root || self.eat("@");
        let mut steps = Vec::new();
        loop {
            if self.eat("..") {
                steps.push(Step::Descend);
                steps.extend(self.name());
            } else if self.eat(".") {
                steps.extend(self.name());
            } else if self.eat("[") {
                steps.push(self.brackets()?);
            } else if began {
                return Ok(Path { from_root, steps });
            } else {
                return Err(format!(
                    "an expression begins with `.`, `$`, `@` or `[`, not with {:?}",
                    self.near()
                ));
            }
            began = true;
        }
    }

    /// A name after a dot, or `*`; none where only the dot stands.
    fn name(&mut self) -> Option<Step> {
        if self.eat("*") {
            return Some(Step::All);
        }
        let mut name = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.clone().next() {
                // A backslash takes a dot into the name.
                Some('\\') => {
                    chars.next();
                    name.extend(chars.next());
                }
                Some(c) if !c.is_whitespace() && !".[]{}()=!<>,'\"".contains(c) => {
                    name.push(c);
                    chars.next();
                }
                _ => break,
            }
        }
        self.rest = chars.as_str();
        (!name.is_empty()).then_some(Step::Field(name))
    }

    fn brackets(&mut self) -> Result<Step, String> {
        self.spaces();
        if self.eat("*") {
            self.spaces();
            self.expect("]")?;
            return Ok(Step::All);
        }
        if self.eat("?(") {
            self.spaces();
            let path = self.path()?;
            self.spaces();
            let condition = self.condition()?;
            self.spaces();
            self.expect(")")?;
            self.expect("]")?;
            return Ok(Step::Filter(path, condition));
        }
        if self.rest.starts_with(['"', '\'']) {
            let mut names = vec![self.quoted()?];
            loop {
                self.spaces();
                if self.eat("]") {
                    return Ok(Step::Fields(names));
                }
                self.expect(",")?;
                self.spaces();
                names.push(self.quoted()?);
            }
        }
        let from = self.number()?;
        if self.eat(":") {
            let until = self.number()?;
            self.expect("]")?;
            return Ok(Step::Slice(from, until));
        }
        self.expect("]")?;
        from.map(Step::Index).ok_or_else(|| "empty brackets".to_owned())
    }

    fn condition(&mut self) -> Result<Option<(Operator, Operand)>, String> {
        const OPERATORS: [(&str, Operator); 6] = [
            ("==", Operator::Equal),
            ("!=", Operator::Unequal),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let Some((_, operator)) = OPERATORS.into_iter().find(|(text, _)| self.eat(text)) else {
            return Ok(None);
        };
        self.spaces();
        let operand = if self.rest.starts_with(['"', '\'']) {
            Operand::Literal(Value::String(self.quoted()?))
        } else if self.rest.starts_with(['@', '$', '.']) {
            Operand::Path(self.path()?)
        } else {
            let end = self.rest.find([')', ' ']).unwrap_or(self.rest.len());
            let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
            let literal = serde_json::from_str(word).map_err(|_| {
                format!("{word:?} is neither a number, nor true, false or in quotes")
            })?;
            self.rest = rest;
            Operand::Literal(literal)
        };
        Ok(Some((operator, operand)))
    }

    fn number(&mut self) -> Result<Option<i64>, String> {
        let end =
            self.rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if digits.is_empty() {
            return Ok(None);
        }
        self.rest = rest;
        digits.parse().map(Some).map_err(|_| format!("{digits:?} is no index"))
    }

    /// A text in quotes, with the escapes of Go.
    fn quoted(&mut self) -> Result<String, String> {
        let mut chars = self.rest.chars();
        let quote = chars.next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            return Err(format!("a quote is missing before {:?}", self.near()));
        };
        let mut text = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(other) => text.push(other),
                    None => break,
                },
                c if c == quote => {
                    self.rest = chars.as_str();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err("a text is not closed".to_owned())
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Eats a word that is not the beginning of a longer one.
    fn word(&mut self, word: &str) -> bool {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        self.rest.strip_prefix(word).is_some_and(ends) && self.eat(word)
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.eat(text) {
            Ok(())
        } else {
            Err(format!("{text:?} is missing before {:?}", self.near()))
        }
    }

    fn near(&self) -> String {
        self.rest.chars().take(20).collect()
    }
}
