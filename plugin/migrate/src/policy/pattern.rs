//! Permission patterns: JavaScript regular expressions that must be read as RE2.
//!
//! KES gave the text of an annotation to JavaScript's `RegExp`, without flags and without anchors.
//! An admission policy gives the same text to RE2. Accepted here is what means the same to both;
//! everything else is named, because a permission that is read differently is worse than none.
//! (White space and line ends beyond ASCII are the exception: `\s` and `.` differ there, which no
//! key or role contains.)
//!
//! The accepted form is written out again for the engine at hand, which has rules of its own, with
//! every character that could mean something to it escaped.

use std::fmt::Write as _;

use regex::Regex;

/// RE2 refuses longer repetitions.
const MAX_REPEAT: u32 = 1000;

/// All annotations of an object together may not be longer.
const MAX_LENGTH: usize = 256 * 1024;

/// A permission, ready to be asked.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

/// Why a pattern cannot be translated; completes "it uses ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at character {at}")]
pub struct Untranslatable {
    /// The construct.
    pub what: &'static str,
    /// Where it begins, in characters from 1.
    pub at: usize,
}

impl Pattern {
    /// Reads a pattern as JavaScript does, and refuses what RE2 reads otherwise.
    pub fn new(pattern: &str) -> Result<Self, Untranslatable> {
        if pattern.len() > MAX_LENGTH {
            return Err(fail("more than 256 KiB of text", 1));
        }
        let mut reader = Reader { rest: pattern, at: 1 };
        let mut out = String::with_capacity(pattern.len() * 2);
        reader.pattern(&mut out)?;
        let regex = Regex::new(&out)
            .map_err(|_| Untranslatable { what: "a form that is too large or too deep", at: 1 })?;
        Ok(Self { regex })
    }

    /// True when the pattern is found anywhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// What stands in a class between its brackets.
#[derive(Clone, Copy)]
enum ClassItem {
    Char(char),
    Set(&'static str),
}

struct Reader<'p> {
    rest: &'p str,
    /// The position of `rest`, in characters from 1.
    at: usize,
}

impl Reader<'_> {
    fn pattern(&mut self, out: &mut String) -> Result<(), Untranslatable> {
        let mut depth = 0_u32;
        // Whether a quantifier may follow.
        let mut repeatable = false;
        while let Some(c) = self.peek() {
            let start = self.at;
            match c {
                '(' => {
                    self.take();
                    self.group()?;
                    out.push_str("(?:");
                    depth += 1;
                    repeatable = false;
                }
                ')' => {
                    self.take();
                    depth =
                        depth.checked_sub(1).ok_or(fail("a bracket without its opening", start))?;
                    out.push(')');
                    repeatable = true;
                }
                '|' => {
                    self.take();
                    out.push('|');
                    repeatable = false;
                }
                '^' | '$' => {
                    self.take();
                    out.push(c);
                    repeatable = false;
                }
                '*' | '+' | '?' | '{' => {
                    let Some(quantifier) = self.quantifier()? else {
                        self.take();
                        literal('{', out);
                        repeatable = true;
                        continue;
                    };
                    if !repeatable {
                        return Err(fail("a repetition of nothing", start));
                    }
                    out.push_str(&quantifier);
                    repeatable = false;
                }
                '[' => {
                    self.class(out)?;
                    repeatable = true;
                }
                '\\' => repeatable = self.escape(out)?,
                '.' => {
                    self.take();
                    out.push_str(r"[^\n\r]");
                    repeatable = true;
                }
                _ => {
                    self.take();
                    literal(checked(c, start)?, out);
                    repeatable = true;
                }
            }
        }
        if depth > 0 {
            return Err(fail("a bracket that is not closed", self.at));
        }
        Ok(())
    }

    /// What follows an opening bracket.
    fn group(&mut self) -> Result<(), Untranslatable> {
        let start = self.at;
        if !self.skip("?") {
            return Ok(());
        }
        if self.skip(":") {
            return Ok(());
        }
        if ["=", "!", "<=", "<!"].iter().any(|sign| self.rest.starts_with(sign)) {
            return Err(fail("look-ahead or look-behind, which RE2 does not have", start));
        }
        if !self.skip("<") {
            return Err(fail("a group with flags, which JavaScript refuses", start));
        }
        let mut first = true;
        while let Some(c) = self.take() {
            match c {
                '>' if !first => return Ok(()),
                'a'..='z' | 'A'..='Z' | '_' => {}
                '0'..='9' if !first => {}
                _ => break,
            }
            first = false;
        }
        Err(fail("a group name that RE2 refuses", start))
    }

    /// `*`, `+`, `?` or a counted repetition; `None` for a brace that is only a brace.
    fn quantifier(&mut self) -> Result<Option<String>, Untranslatable> {
        let start = self.at;
        let mut quantifier = if self.peek() == Some('{') {
            let Some((inner, _)) = self.rest.get(1..).and_then(|rest| rest.split_once('}')) else {
                return Ok(None);
            };
            let Some((low, high)) = counts(inner) else { return Ok(None) };
            let limit = |count: Option<u32>| count.is_none_or(|count| count > MAX_REPEAT);
            if limit(low) || high.is_some_and(limit) {
                return Err(fail("a repetition of more than 1000 times, which RE2 refuses", start));
            }
            if matches!((low, high), (Some(low), Some(Some(high))) if high < low) {
                return Err(fail("a repetition whose limits are in disorder", start));
            }
            let text = format!("{{{inner}}}");
            for _ in text.chars() {
                self.take();
            }
            text
        } else {
            self.take().map(String::from).unwrap_or_default()
        };
        if self.skip("?") {
            quantifier.push('?');
        }
        Ok(Some(quantifier))
    }

    /// An escape outside a class; tells whether a quantifier may follow.
    fn escape(&mut self, out: &mut String) -> Result<bool, Untranslatable> {
        let start = self.at;
        match self.rest.as_bytes().get(1) {
            Some(b'b') => {
                self.take();
                self.take();
                out.push_str(r"(?-u:\b)");
                return Ok(false);
            }
            Some(b'B') => return Err(fail(r"`\B`", start)),
            _ => {}
        }
        match self.escaped()? {
            ClassItem::Char(c) => literal(c, out),
            ClassItem::Set(set) => {
                out.push('[');
                out.push_str(set);
                out.push(']');
            }
        }
        Ok(true)
    }

    /// An escape that means the same inside a class and outside.
    fn escaped(&mut self) -> Result<ClassItem, Untranslatable> {
        let start = self.at;
        self.take();
        let Some(c) = self.take() else {
            return Err(fail("a backslash at the end", start));
        };
        Ok(match c {
            'd' => ClassItem::Set("0-9"),
            'D' => ClassItem::Set("[^0-9]"),
            'w' => ClassItem::Set("0-9A-Za-z_"),
            'W' => ClassItem::Set("[^0-9A-Za-z_]"),
            's' => ClassItem::Set(r"\t\n\x0C\r\x20"),
            'S' => ClassItem::Set(r"[^\t\n\x0C\r\x20]"),
            't' => ClassItem::Char('\t'),
            'n' => ClassItem::Char('\n'),
            'r' => ClassItem::Char('\r'),
            'f' => ClassItem::Char('\x0C'),
            'v' => ClassItem::Char('\x0B'),
            'x' => {
                let digits = self.rest.get(..2).unwrap_or_default();
                if !digits.bytes().all(|b| b.is_ascii_hexdigit()) || digits.len() < 2 {
                    return Err(fail(r"`\x` without two digits", start));
                }
                let code = u8::from_str_radix(digits, 16).unwrap_or_default();
                self.take();
                self.take();
                ClassItem::Char(char::from(code))
            }
            '0'..='9' | 'k' => {
                return Err(fail("a back-reference, which RE2 does not have", start));
            }
            c if c.is_ascii_punctuation() => ClassItem::Char(c),
            _ => return Err(fail("an escape that RE2 reads differently", start)),
        })
    }

    fn class(&mut self, out: &mut String) -> Result<(), Untranslatable> {
        let start = self.at;
        self.take();
        out.push('[');
        if self.skip("^") {
            out.push('^');
        }
        if self.peek() == Some(']') {
            return Err(fail("an empty class, which RE2 reads differently", start));
        }
        loop {
            match self.peek() {
                None => return Err(fail("a class that is not closed", start)),
                Some(']') => {
                    self.take();
                    out.push(']');
                    return Ok(());
                }
                Some(_) => {}
            }
            match self.class_item()? {
                ClassItem::Set(set) => out.push_str(set),
                ClassItem::Char(low) if self.is_range() => {
                    let at = self.at;
                    self.take();
                    let ClassItem::Char(high) = self.class_item()? else {
                        return Err(fail("a range that ends in a class, which RE2 refuses", at));
                    };
                    if high < low {
                        return Err(fail("a range whose ends are in disorder", at));
                    }
                    literal(low, out);
                    out.push('-');
                    literal(high, out);
                }
                ClassItem::Char(c) => literal(c, out),
            }
        }
    }

    fn class_item(&mut self) -> Result<ClassItem, Untranslatable> {
        let start = self.at;
        if self.rest.starts_with("[:") {
            return Err(fail("`[:`, which RE2 takes for a class by name", start));
        }
        match self.peek() {
            Some('\\') if self.rest.as_bytes().get(1) == Some(&b'b') => {
                Err(fail(r"`\b` in a class", start))
            }
            Some('\\') => self.escaped(),
            Some(c) => {
                self.take();
                Ok(ClassItem::Char(checked(c, start)?))
            }
            None => Err(fail("a class that is not closed", start)),
        }
    }

    /// A dash makes a range unless it is the last character of the class.
    fn is_range(&self) -> bool {
        self.rest.strip_prefix('-').is_some_and(|rest| !rest.starts_with(']'))
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        self.at += 1;
        Some(c)
    }

    /// Takes an ASCII text if it comes next.
    fn skip(&mut self, text: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(text) else { return false };
        self.rest = rest;
        self.at += text.len();
        true
    }
}

/// The limits in `n`, `n,` or `n,m`; an inner `None` is a number too large to count. `None` when
/// this is no counted repetition.
#[expect(clippy::option_option, reason = "no upper limit, and an uncountable one, are two things")]
fn counts(inner: &str) -> Option<(Option<u32>, Option<Option<u32>>)> {
    let count = |text: &str| -> Option<Option<u32>> {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse().ok())
    };
    match inner.split_once(',') {
        None => Some((count(inner)?, None)),
        Some((low, "")) => Some((count(low)?, None)),
        Some((low, high)) => Some((count(low)?, Some(count(high)?))),
    }
}

/// JavaScript counts characters beyond the first plane as two.
fn checked(c: char, at: usize) -> Result<char, Untranslatable> {
    if c > '\u{FFFF}' { Err(fail("a character that JavaScript counts as two", at)) } else { Ok(c) }
}

fn literal(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() || c == '_' {
        out.push(c);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(out, r"\x{{{:X}}}", u32::from(c));
    }
}

const fn fail(what: &'static str, at: usize) -> Untranslatable {
    Untranslatable { what, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_anywhere_as_in_javascript() {
        // Pattern, what it matches, what it does not. Taken from JavaScript's own answers.
        let table: &[(&str, &[&str], &[&str])] = &[
            ("", &["", "x"], &[]),
            ("dev/", &["dev/x", "prod/dev/x"], &["dev"]),
            ("^/app/", &["/app/x"], &["/other/app/", "app/"]),
            ("role/app-.*", &["arn:aws:iam::1:role/app-reader"], &["role/db"]),
            (
                r"arn:aws:iam::\d{12}:role\/a",
                &["arn:aws:iam::111122223333:role/a"],
                &["arn:aws:iam::1:role/a"],
            ),
            (r"^[\w-.]+$", &["a-b.c_d"], &["a b", ""]),
            ("[a-]x", &["-x", "ax"], &["bx"]),
            ("^(dev|stage)(?:-eu)?/", &["dev/x", "stage-eu/x"], &["prod/x"]),
            ("^(?<env>a|b)$", &["a"], &["env", "c"]),
            ("a{", &["a{"], &["a"]),
            ("a{,2}", &["a{,2}"], &["aa"]),
            ("^a{2,3}?$", &["aa", "aaa"], &["a", "aaaa"]),
            ("x]", &["x]"], &["x"]),
            (r"^\x2Fa", &["/a"], &["xa"]),
            ("[[&&]", &["[", "&"], &["a"]),
            (r"\bdb\b", &["/db/", "my-db"], &["dbx"]),
            ("^a.c$", &["abc", "a/c"], &["ac", "a\nc"]),
            (r"^\S+$", &["a"], &["a b"]),
            ("a||b", &["zzz"], &[]),
        ];
        for (pattern, matching, others) in table {
            let compiled = Pattern::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            for text in *matching {
                assert!(compiled.is_match(text), "{pattern} should match {text:?}");
            }
            for text in *others {
                assert!(!compiled.is_match(text), "{pattern} should not match {text:?}");
            }
        }
    }

    #[test]
    fn what_re2_reads_differently_is_named() {
        let table = [
            ("^(?!prod)", "look-ahead", 3),
            ("a(?<=b)", "look-ahead or look-behind", 3),
            (r"(a)\1", "back-reference", 4),
            (r"(?<n>a)\k<n>", "back-reference", 8),
            ("(?i)dev", "flags", 2),
            ("(?P<n>a)", "flags", 2),
            (r"\Adev", "differently", 1),
            (r"\pL", "differently", 1),
            ("[]a]", "empty class", 1),
            ("[^]", "empty class", 1),
            ("[[:alpha:]]", "`[:`", 2),
            ("a{1001}", "1000", 2),
            ("a{99999999999}", "1000", 2),
            ("a{3,2}", "disorder", 2),
            ("[z-a]", "disorder", 3),
            (r"[a-\d]", "range", 3),
            ("*", "nothing", 1),
            ("a**", "nothing", 3),
            ("^*", "nothing", 2),
            ("(a", "not closed", 3),
            ("a)", "without its opening", 2),
            ("[a", "not closed", 1),
            ("a\\", "backslash", 2),
            (r"a\B", r"\B", 2),
            ("\u{1F600}", "two", 1),
        ];
        for (pattern, what, at) in table {
            let error = Pattern::new(pattern).expect_err(pattern);
            assert!(error.what.contains(what), "{pattern}: {error}");
            assert_eq!(error.at, at, "{pattern}: {error}");
        }
    }

    #[test]
    fn hostile_patterns_end_in_an_error() {
        for pattern in ["(".repeat(100_000), "((a{1000}){1000}){1000}".into(), "(a)".repeat(80_000)]
        {
            let _ = Pattern::new(&pattern);
        }
        assert!(Pattern::new(&format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(pattern in r"[ab\\dw/.|()\[\]{}*+?^$,12:&é-]{0,12}|\PC{0,20}") {
            if let Err(error) = Pattern::new(&pattern) {
                proptest::prop_assert!(error.at <= pattern.chars().count() + 1);
            }
        }

        /// Where no two dialects differ, the rewritten pattern means what was written.
        #[test]
        fn common_patterns_keep_their_meaning(
            pattern in "[ab/.|()*+?^$]{0,10}",
            text in "[ab/]{0,8}",
        ) {
            if let Ok(read) = Pattern::new(&pattern) {
                let plain = Regex::new(&pattern).expect("accepted here, so accepted everywhere");
                proptest::prop_assert_eq!(read.is_match(&text), plain.is_match(&text));
            }
        }
    }
}
