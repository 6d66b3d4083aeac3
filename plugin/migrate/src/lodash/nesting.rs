//! How deep a source is nested, before a parser that recurses sees it.
//!
//! The parser calls itself for every bracket, and for everything that waits for what is to its
//! right: prefix operators, `?:`, assignments, `=>`, statements without braces. A template may
//! hold a million of them. This counts from above: it knows strings, comments, template literals
//! and regular expressions, and where `/` could be either a division or a regular expression it
//! stops believing closing brackets.

/// What is left of a source's depth for the parser.
const MAX_DEPTH: usize = 100;

/// Where a source is nested too deeply.
pub(super) fn too_deep(code: &str) -> Option<usize> {
    Counter::new(code).run()
}

/// What the token before allows next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A `/` divides.
    Value,
    /// A `/` begins a regular expression.
    Operator,
    /// It cannot be known without parsing.
    Unknown,
}

struct Level {
    open: u8,
    /// What waits for its right side up to the next comma.
    expressions: usize,
    /// What waits for its statement up to the next semicolon.
    statements: usize,
    /// `else` after `else`.
    branches: usize,
}

impl Level {
    fn new(open: u8) -> Self {
        Self { open, expressions: 0, statements: 0, branches: 0 }
    }

    fn depth(&self) -> usize {
        1 + self.expressions + self.statements + self.branches
    }
}

struct Counter<'c> {
    bytes: &'c [u8],
    at: usize,
    levels: Vec<Level>,
    /// The sum over all levels but the innermost.
    outer: usize,
    before: Before,
    /// A `/` may have been misread: only what opens counts from here on.
    uncertain: bool,
}

/// A `}` that ends what a template literal embeds.
const EMBEDDED: u8 = b'$';

impl<'c> Counter<'c> {
    fn new(code: &'c str) -> Self {
        Self {
            bytes: code.as_bytes(),
            at: 0,
            levels: vec![Level::new(b'{')],
            outer: 0,
            before: Before::Operator,
            uncertain: false,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn run(mut self) -> Option<usize> {
        let mut statement_start = true;
        while self.at < self.bytes.len() {
            let place = self.at;
            let c = self.peek(0);
            let starts = statement_start;
            statement_start =
                matches!(c, b';' | b'{' | b'}') || (starts && c.is_ascii_whitespace());
            match c {
                _ if c.is_ascii_whitespace() => self.at += 1,
                b'/' if self.peek(1) == b'/' => self.skip_line(),
                b'/' if self.peek(1) == b'*' => self.skip_comment(),
                b'/' => self.slash(),
                b'"' | b'\'' => self.string(c),
                b'`' => {
                    self.at += 1;
                    self.literal();
                }
                b'(' | b'[' | b'{' => {
                    self.open(c);
                    self.before = Before::Operator;
                    self.at += 1;
                }
                b')' | b']' | b'}' => self.close(c),
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'\\' | 0x80.. => {
                    self.word(starts);
                }
                b'.' => {
                    let name = self.peek(1) != b'.';
                    self.at += 1;
                    if name {
                        self.skip_name();
                        self.before = Before::Value;
                    }
                }
                _ => self.operator(c),
            }
            if self.outer + self.levels.last().map_or(0, Level::depth) > MAX_DEPTH {
                return Some(place);
            }
        }
        None
    }

    fn top(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    fn waits(&mut self) {
        if let Some(level) = self.top() {
            level.expressions += 1;
        }
    }

    fn open(&mut self, with: u8) {
        self.outer += self.levels.last().map_or(0, Level::depth);
        self.levels.push(Level::new(with));
    }

    fn close(&mut self, with: u8) {
        self.at += 1;
        self.before = if with == b']' { Before::Value } else { Before::Unknown };
        if self.uncertain || self.levels.len() < 2 {
            return;
        }
        let opened = self.levels.last().map_or(0, |level| level.open);
        match (opened, with) {
            (b'(', b')') | (b'[', b']') | (b'{', b'}') => self.pop(),
            (EMBEDDED, b'}') => {
                self.pop();
                self.literal();
            }
            _ => self.uncertain = true,
        }
    }

    fn pop(&mut self) {
        self.levels.pop();
        self.outer -= self.levels.last().map_or(0, Level::depth);
    }

    fn slash(&mut self) {
        self.at += 1;
        match self.before {
            Before::Value => self.before = Before::Operator,
            Before::Unknown => {
                self.uncertain = true;
                self.before = Before::Operator;
            }
            Before::Operator => {
                let mut class = false;
                while self.at < self.bytes.len() {
                    match self.peek(0) {
                        b'\n' | b'\r' => break,
                        b'\\' => self.at += 1,
                        b'[' => class = true,
                        b']' => class = false,
                        b'/' if !class => {
                            self.at += 1;
                            break;
                        }
                        _ => {}
                    }
                    self.at += 1;
                }
                self.skip_name();
                self.before = Before::Value;
            }
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() {
            if matches!(self.peek(0), b'\n' | b'\r')
                || (self.peek(0) == 0xE2 && self.peek(1) == 0x80 && self.peek(2) | 1 == 0xA9)
            {
                return;
            }
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        self.at += 2;
        while self.at < self.bytes.len() {
            if self.peek(0) == b'*' && self.peek(1) == b'/' {
                self.at += 2;
                return;
            }
            self.at += 1;
        }
    }

    fn string(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.bytes.len() {
            let c = self.peek(0);
            self.at += 1;
            match c {
                b'\\' => {
                    if self.peek(0) == b'\r' && self.peek(1) == b'\n' {
                        self.at += 1;
                    }
                    self.at += 1;
                }
                b'\n' | b'\r' => break,
                _ if c == quote => break,
                _ => {}
            }
        }
        self.before = Before::Value;
    }

    /// The text of a template literal, up to its end or to what it embeds.
    fn literal(&mut self) {
        while self.at < self.bytes.len() {
            let c = self.peek(0);
            self.at += 1;
            match c {
                b'\\' => self.at += 1,
                b'`' => {
                    self.before = Before::Value;
                    return;
                }
                b'$' if self.peek(0) == b'{' => {
                    self.at += 1;
                    self.open(EMBEDDED);
                    self.before = Before::Operator;
                    return;
                }
                _ => {}
            }
        }
    }

    fn skip_name(&mut self) {
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' if self.peek(1) == b'u' && self.peek(2) == b'{' => {
                    self.at += 3;
                    while self.at < self.bytes.len() && self.peek(0).is_ascii_hexdigit() {
                        self.at += 1;
                    }
                    if self.peek(0) == b'}' {
                        self.at += 1;
                    }
                }
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'\\' | 0x80.. => {
                    self.at += 1;
                }
                _ => return,
            }
        }
    }

    fn word(&mut self, starts: bool) {
        let start = self.at;
        self.skip_name();
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        self.before = Before::Value;
        let Some(level) = self.levels.last_mut() else { return };
        match word {
            b"if" | b"for" | b"while" | b"with" | b"do" => {
                if starts {
                    *level = Level::new(level.open);
                }
                level.statements += 1;
                self.before = Before::Operator;
            }
            b"else" => {
                level.branches += 1;
                self.before = Before::Operator;
            }
            b"new" | b"typeof" | b"void" | b"delete" | b"throw" | b"case" | b"return" => {
                level.expressions += 1;
                self.before = Before::Operator;
            }
            b"in" | b"instanceof" => self.before = Before::Operator,
            b"await" | b"yield" | b"async" | b"function" | b"class" | b"extends" | b"try" => {
                level.expressions += 1;
                self.before = Before::Unknown;
            }
            b"of" | b"let" | b"static" | b"get" | b"set" => self.before = Before::Unknown,
            _ => {}
        }
    }

    fn operator(&mut self, c: u8) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // HTML comments, which a script may have.
        if rest.starts_with(b"<!--") || rest.starts_with(b"-->") {
            self.uncertain = true;
        }
        let prefix = self.before != Before::Value;
        self.before = Before::Operator;
        let mut length = 1;
        match c {
            b';' => {
                if let Some(level) = self.top() {
                    level.expressions = 0;
                    level.statements = 0;
                }
            }
            b',' => {
                if let Some(level) = self.top() {
                    level.expressions = 0;
                }
            }
            b'=' | b'!' | b'<' | b'>' if rest.get(1) == Some(&b'=') => {
                length = if rest.get(2) == Some(&b'=') { 3 } else { 2 };
            }
            b'+' | b'-' if rest.get(1) == Some(&c) => {
                length = 2;
                self.waits();
                self.before = Before::Unknown;
            }
            b'+' | b'-' if !prefix && rest.get(1) != Some(&b'=') => {}
            b'*' if rest.get(1) == Some(&b'*') => {
                length = 2;
                self.waits();
            }
            b'?' if matches!(rest.get(1), Some(b'.' | b'?')) => length = 2,
            b'&' | b'|' if rest.get(1) == Some(&c) => length = 2,
            b'*' | b'%' | b'&' | b'|' | b'^' | b'<' | b'>' if rest.get(1) != Some(&b'=') => {}
            _ => self.waits(),
        }
        self.at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_is_too_deep() {
        for part in [
            "(",
            "[",
            "{",
            "!",
            "-",
            "- ",
            "+ ",
            "~",
            "a ? b : ",
            "a = ",
            "a => ",
            "a ** ",
            "new ",
            "typeof ",
            "void ",
            "if (a) ",
            "if (a) b; else ",
            "for (;;) ",
            "while (a) ",
            "do ",
            "a: ",
            "`${",
            "f(",
            "a[",
            "{a:",
            "++",
            "async () => ",
            "x ? ",
            "\"(\" + (",
            "(/[/(]/,",
            "x / (",
            "1 /* ) */ + (",
            "function f() {",
            "a[b => ",
            "(a) /(",
            "await ",
        ] {
            assert!(too_deep(&part.repeat(10_000)).is_some(), "{part}");
        }
    }

    #[test]
    fn what_follows_another_is_not() {
        for part in [
            "f(a, b[0], {c: d});\n",
            "x = a + b - c * d / e;\n",
            "if (a) { b; } else { c; }\n",
            "if (a) b; else c;\n",
            "a && b || c == d\n + ",
            "f(')', \"(\", `${a}`, /[(/]/, -1, !x, a ? b : c);\n",
            "a.b.c.return / 2;",
            "// (\n",
            "/* ( */",
            "a?.b?.c;",
            "for (const a of b) { c++; }\n",
            "a.forEach(b => { c(b); });",
            "x = y === z;",
        ] {
            assert_eq!(too_deep(&part.repeat(10_000)), None, "{part}");
        }
    }
}
