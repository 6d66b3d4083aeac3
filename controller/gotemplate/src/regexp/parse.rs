//! Reads Go's syntax (RE2 with the Perl flags) and makes the automaton's own form of it.
//!
//! The rules and the order in which mistakes are found are those of Go's `regexp/syntax`, because
//! the error's text names the part of the pattern where Go stopped.

use regex_syntax::hir::{Capture, Class, ClassUnicode, Hir, Look, Repetition};

use super::class;
use super::error::{Code, Error};

/// The largest count that Go takes in `{n,m}`, also as the product of nested ones.
const MAX_REPEAT: u32 = 1000;

/// How deeply Go lets expressions nest.
const MAX_HEIGHT: u32 = 1000;

/// All classes of one pattern together. Go's limit is 16 times as high, at 128 MB.
const MAX_CLASS_RANGES: usize = 1 << 20;

/// A pattern that Go accepts.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The name of each group, from group 1 on; empty where a group has none. Go lets two groups
    /// have one name.
    pub(super) names: Vec<String>,
}

/// `(?ims)` and `(?U)`, as they stand at some place of the pattern.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "Go has these four")]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_all: bool,
    swap_greed: bool,
}

/// What an expression looks like in Go's tree; only for [`MAX_HEIGHT`], which counts its levels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Literal { fold: bool },
    Concat,
    Alternate,
    Other,
}

struct Node {
    hir: Hir,
    shape: Shape,
    height: u32,
    /// The product of the repeat counts on the worst way down.
    copies: u32,
}

/// An open parenthesis and what stood before it.
struct Group {
    /// The number of a capturing group.
    capture: Option<u32>,
    flags: Flags,
    sequence: Vec<Node>,
    alternatives: Vec<Node>,
}

struct Parser<'a> {
    pattern: &'a [u8],
    /// What is left of the pattern.
    rest: &'a [u8],
    flags: Flags,
    /// The expressions since the last `|` or `(`.
    sequence: Vec<Node>,
    /// The finished branches since the last `(`.
    alternatives: Vec<Node>,
    groups: Vec<Group>,
    names: Vec<String>,
    class_ranges: usize,
}

/// Parses `pattern`.
pub(super) fn parse(pattern: &[u8]) -> Result<Parsed, Error> {
    let mut parser = Parser {
        pattern,
        rest: pattern,
        flags: Flags::default(),
        sequence: Vec::new(),
        alternatives: Vec::new(),
        groups: Vec::new(),
        names: Vec::new(),
        class_ranges: 0,
    };
    // Where the chain of repetition operators began that ends right here.
    let mut last_repeat: Option<&[u8]> = None;
    while let Some(&byte) = parser.rest.first() {
        last_repeat = parser.step(byte, last_repeat)?;
    }
    let whole = parser.finish_alternation()?;
    if parser.groups.is_empty() {
        Ok(Parsed { hir: whole.hir, names: parser.names })
    } else {
        Err(Error::new(Code::MissingParen, pattern))
    }
}

impl<'a> Parser<'a> {
    /// Reads one element; returns where a repetition operator began if it was one.
    fn step(&mut self, byte: u8, last_repeat: Option<&'a [u8]>) -> Result<Option<&'a [u8]>, Error> {
        let here = self.rest;
        match byte {
            b'(' => {
                if here.get(1) == Some(&b'?') {
                    self.perl_group()?;
                } else {
                    self.open_capture(String::new());
                    self.skip(1);
                }
            }
            b'|' => {
                let branch = self.finish_sequence()?;
                self.alternatives.push(branch);
                self.skip(1);
            }
            b')' => {
                self.close()?;
                self.skip(1);
            }
            b'^' => {
                let look = if self.flags.multi_line { Look::StartLF } else { Look::Start };
                self.look(look, 1);
            }
            b'$' => {
                let look = if self.flags.multi_line { Look::EndLF } else { Look::End };
                self.look(look, 1);
            }
            b'.' => {
                let mut any = class::any();
                if !self.flags.dot_all {
                    any.difference(&class::range('\n', '\n'));
                }
                self.push_class(any)?;
                self.skip(1);
            }
            b'[' => {
                let (set, rest) = class::bracketed(here, self.flags.fold)?;
                self.push_class(set)?;
                self.rest = rest;
            }
            b'*' | b'+' | b'?' => {
                let (min, max) = match byte {
                    b'*' => (0, None),
                    b'+' => (1, None),
                    _ => (0, Some(1)),
                };
                self.skip(1);
                self.repeat(min, max, false, here, last_repeat)?;
                return Ok(Some(here));
            }
            b'{' => {
                let Some(Counts { min, max, rest }) = counts(here) else {
                    self.push_literal('{')?;
                    self.skip(1);
                    return Ok(None);
                };
                let high = max.unwrap_or(min);
                if min > MAX_REPEAT || high > MAX_REPEAT || high < min {
                    return Err(Error::new(Code::InvalidRepeatSize, before(here, rest)));
                }
                self.rest = rest;
                self.repeat(min, max, true, here, last_repeat)?;
                return Ok(Some(here));
            }
            b'\\' => self.backslash()?,
            _ => {
                let (c, rest) = next_char(here)?;
                self.push_literal(c)?;
                self.rest = rest;
            }
        }
        Ok(None)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn backslash(&mut self) -> Result<(), Error> {
        let here = self.rest;
        match here.get(1) {
            Some(b'A') => self.look(Look::Start, 2),
            Some(b'z') => self.look(Look::End, 2),
            Some(b'b') => self.look(Look::WordAscii, 2),
            Some(b'B') => self.look(Look::WordAsciiNegate, 2),
            Some(b'C') => {
                return Err(Error::new(Code::InvalidEscape, b"\\C"));
            }
            Some(b'Q') => self.quoted()?,
            _ => {
                if let Some((set, rest)) = class::escaped(here, self.flags.fold)? {
                    self.push_class(set)?;
                    self.rest = rest;
                } else {
                    let (literal, rest) = escape(here)?;
                    match char::from_u32(literal) {
                        Some(c) => self.push_literal(c)?,
                        // A surrogate, which no text holds.
                        None => self.push_class(ClassUnicode::empty())?,
                    }
                    self.rest = rest;
                }
            }
        }
        Ok(())
    }

    /// `\Q...\E`, or to the end.
    fn quoted(&mut self) -> Result<(), Error> {
        self.skip(2);
        let text = self.rest;
        let end = text.windows(2).position(|two| two == b"\\E");
        let (mut literal, rest) = match end {
            Some(end) => {
                (text.get(..end).unwrap_or_default(), text.get(end + 2..).unwrap_or_default())
            }
            None => (text, &[][..]),
        };
        while !literal.is_empty() {
            let (c, rest) = next_char(literal)?;
            self.push_literal(c)?;
            literal = rest;
        }
        self.rest = rest;
        Ok(())
    }

    /// What begins with `(?`: a named group, a group with flags, or flags alone.
    fn perl_group(&mut self) -> Result<(), Error> {
        let here = self.rest;
        let prefix = if here.len() > 4 && here.starts_with(b"(?P<") {
            4
        } else if here.len() > 3 && here.starts_with(b"(?<") {
            3
        } else {
            return self.flag_group();
        };
        let Some(end) = here.iter().position(|byte| *byte == b'>') else {
            check_utf8(here)?;
            return Err(Error::new(Code::InvalidNamedCapture, here));
        };
        let name = here.get(prefix..end).unwrap_or_default();
        check_utf8(name)?;
        let valid = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if name.is_empty() || !name.iter().all(valid) {
            let capture = here.get(..=end).unwrap_or_default();
            return Err(Error::new(Code::InvalidNamedCapture, capture));
        }
        self.open_capture(String::from_utf8_lossy(name).into_owned());
        self.skip(end + 1);
        Ok(())
    }

    fn flag_group(&mut self) -> Result<(), Error> {
        let here = self.rest;
        let mut rest = here.get(2..).unwrap_or_default();
        let mut flags = self.flags;
        let mut on = true;
        let mut negated_none = false;
        while !rest.is_empty() {
            let (c, after) = next_char(rest)?;
            rest = after;
            match c {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_all = on,
                'U' => flags.swap_greed = on,
                '-' if on => {
                    on = false;
                    negated_none = true;
                    continue;
                }
                ':' | ')' if !negated_none => {
                    if c == ':' {
                        self.open(None);
                    }
                    self.flags = flags;
                    self.rest = rest;
                    return Ok(());
                }
                _ => break,
            }
            negated_none = false;
        }
        Err(Error::new(Code::InvalidPerlOp, before(here, rest)))
    }

    fn open_capture(&mut self, name: String) {
        self.names.push(name);
        self.open(u32::try_from(self.names.len()).ok());
    }

    fn open(&mut self, capture: Option<u32>) {
        self.groups.push(Group {
            capture,
            flags: self.flags,
            sequence: std::mem::take(&mut self.sequence),
            alternatives: std::mem::take(&mut self.alternatives),
        });
    }

    fn close(&mut self) -> Result<(), Error> {
        let inner = self.finish_alternation()?;
        let Some(group) = self.groups.pop() else {
            return Err(Error::new(Code::UnexpectedParen, self.pattern));
        };
        self.flags = group.flags;
        self.sequence = group.sequence;
        self.alternatives = group.alternatives;
        let Some(index) = group.capture else {
            self.sequence.push(inner);
            return Ok(());
        };
        let hir = Hir::capture(Capture { index, name: None, sub: Box::new(inner.hir) });
        let height = inner.height.saturating_add(1);
        self.push(Node { hir, shape: Shape::Other, height, copies: inner.copies })
    }

    /// The sequence since the last `|` or `(` as one expression.
    fn finish_sequence(&mut self) -> Result<Node, Error> {
        let mut nodes = std::mem::take(&mut self.sequence);
        if nodes.len() == 1
            && let Some(only) = nodes.pop()
        {
            return Ok(only);
        }
        let height = concat_height(&nodes);
        // A run of literals is one node in Go.
        let literals = match nodes.first().map(|node| node.shape) {
            Some(Shape::Literal { fold })
                if nodes.iter().all(|node| node.shape == Shape::Literal { fold }) =>
            {
                Some(Shape::Literal { fold })
            }
            _ => None,
        };
        let (shape, height) = match literals {
            Some(shape) => (shape, 1),
            None if nodes.is_empty() => (Shape::Other, 1),
            None => (Shape::Concat, height),
        };
        let copies = nodes.iter().map(|node| node.copies).max().unwrap_or(1);
        let hir = Hir::concat(nodes.into_iter().map(|node| node.hir).collect());
        self.checked(Node { hir, shape, height, copies })
    }

    /// All branches since the last `(` as one expression.
    fn finish_alternation(&mut self) -> Result<Node, Error> {
        let last = self.finish_sequence()?;
        let mut branches = std::mem::take(&mut self.alternatives);
        if branches.is_empty() {
            return Ok(last);
        }
        branches.push(last);
        let below = branches
            .iter()
            .map(|node| if node.shape == Shape::Alternate { node.height - 1 } else { node.height });
        let height = below.max().unwrap_or(0).saturating_add(1);
        let copies = branches.iter().map(|node| node.copies).max().unwrap_or(1);
        let hir = Hir::alternation(branches.into_iter().map(|node| node.hir).collect());
        self.checked(Node { hir, shape: Shape::Alternate, height, copies })
    }

    fn checked(&self, node: Node) -> Result<Node, Error> {
        if node.height > MAX_HEIGHT {
            return Err(Error::new(Code::NestingDepth, self.pattern));
        }
        Ok(node)
    }

    fn push(&mut self, node: Node) -> Result<(), Error> {
        let node = self.checked(node)?;
        self.sequence.push(node);
        Ok(())
    }

    fn look(&mut self, look: Look, bytes: usize) {
        let hir = Hir::look(look);
        self.sequence.push(Node { hir, shape: Shape::Other, height: 1, copies: 1 });
        self.skip(bytes);
    }

    fn push_literal(&mut self, c: char) -> Result<(), Error> {
        let fold = self.flags.fold;
        let hir = if fold {
            let set = class::folded(class::range(c, c));
            self.count_ranges(&set)?;
            Hir::class(Class::Unicode(set))
        } else {
            Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes())
        };
        self.sequence.push(Node { hir, shape: Shape::Literal { fold }, height: 1, copies: 1 });
        Ok(())
    }

    fn push_class(&mut self, set: ClassUnicode) -> Result<(), Error> {
        self.count_ranges(&set)?;
        let hir = Hir::class(Class::Unicode(set));
        self.sequence.push(Node { hir, shape: Shape::Other, height: 1, copies: 1 });
        Ok(())
    }

    fn count_ranges(&mut self, set: &ClassUnicode) -> Result<(), Error> {
        self.class_ranges = self.class_ranges.saturating_add(set.ranges().len());
        if self.class_ranges > MAX_CLASS_RANGES {
            return Err(Error::new(Code::Large, self.pattern));
        }
        Ok(())
    }

    /// Repeats the last expression. `self.rest` stands behind the operator, which began at `start`.
    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        counted: bool,
        start: &'a [u8],
        last_repeat: Option<&'a [u8]>,
    ) -> Result<(), Error> {
        let mut greedy = !self.flags.swap_greed;
        if self.rest.first() == Some(&b'?') {
            self.skip(1);
            greedy = !greedy;
        }
        if let Some(chain) = last_repeat {
            return Err(Error::new(Code::InvalidRepeatOp, before(chain, self.rest)));
        }
        let Some(sub) = self.sequence.pop() else {
            return Err(Error::new(Code::MissingRepeatArgument, before(start, self.rest)));
        };
        let copies = match (counted, max.unwrap_or(min)) {
            (false, _) => sub.copies,
            (true, 0) if max.is_some() => 1,
            (true, count) => sub.copies.saturating_mul(count.max(1)),
        };
        let height = sub.height.saturating_add(1);
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(sub.hir) });
        self.push(Node { hir, shape: Shape::Other, height, copies })?;
        if counted && (min >= 2 || max.is_some_and(|max| max >= 2)) && copies > MAX_REPEAT {
            return Err(Error::new(Code::InvalidRepeatSize, before(start, self.rest)));
        }
        Ok(())
    }
}

/// The height of a sequence: sequences within it are part of it.
fn concat_height(nodes: &[Node]) -> u32 {
    let below = nodes
        .iter()
        .map(|node| if node.shape == Shape::Concat { node.height - 1 } else { node.height });
    below.max().unwrap_or(0).saturating_add(1)
}

struct Counts<'a> {
    min: u32,
    max: Option<u32>,
    rest: &'a [u8],
}

/// `{n}`, `{n,}` or `{n,m}`; anything else is literal text. Numbers saturate.
fn counts(text: &[u8]) -> Option<Counts<'_>> {
    let (min, rest) = number(text.strip_prefix(b"{")?)?;
    let (max, rest) = match rest.strip_prefix(b",") {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with(b"}") => (None, rest),
        Some(rest) => {
            let (max, rest) = number(rest)?;
            (Some(max), rest)
        }
    };
    Some(Counts { min, max, rest: rest.strip_prefix(b"}")? })
}

/// A decimal number without leading zeros.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(length)?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    let value = digits.iter().fold(0_u32, |value, digit| {
        value.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
    });
    Some((value, rest))
}

/// A single-character escape: the code point, which may be a surrogate, and what follows.
pub(super) fn escape(text: &[u8]) -> Result<(u32, &[u8]), Error> {
    let after = text.get(1..).unwrap_or_default();
    if after.is_empty() {
        return Err(Error::new(Code::TrailingBackslash, b""));
    }
    let (c, mut rest) = next_char(after)?;
    let octal = |rest: &[u8]| rest.first().copied().filter(|b| (b'0'..=b'7').contains(b));
    let value = match c {
        // One digit other than 0 would be a back reference.
        '0' => Some(()),
        '1'..='7' => octal(rest).map(|_| ()),
        _ => None,
    };
    if value.is_some() {
        let mut value = u32::from(c) - u32::from('0');
        for _ in 0..2 {
            let Some(digit) = octal(rest) else { break };
            value = value * 8 + u32::from(digit - b'0');
            rest = rest.get(1..).unwrap_or_default();
        }
        return Ok((value, rest));
    }
    let value = match c {
        'x' if !rest.is_empty() => {
            let (value, after) = hexadecimal(rest)?;
            rest = after;
            value
        }
        'a' => Some(0x07),
        'f' => Some(0x0C),
        'n' => Some(0x0A),
        'r' => Some(0x0D),
        't' => Some(0x09),
        'v' => Some(0x0B),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
        _ => None,
    };
    match value {
        Some(value) => Ok((value, rest)),
        None => Err(Error::new(Code::InvalidEscape, before(text, rest))),
    }
}

/// What stands behind `\x`: no value if it is wrong, and how far Go read.
fn hexadecimal(text: &[u8]) -> Result<(Option<u32>, &[u8]), Error> {
    let (first, mut rest) = next_char(text)?;
    if first != '{' {
        // Go reads the second character before it looks at the first.
        if rest.is_empty() {
            return Ok((None, rest));
        }
        let (second, rest) = next_char(rest)?;
        let value = first.to_digit(16).zip(second.to_digit(16)).map(|(a, b)| a * 16 + b);
        return Ok((value, rest));
    }
    let mut value = 0;
    let mut digits = 0;
    while !rest.is_empty() {
        let (c, after) = next_char(rest)?;
        rest = after;
        if c == '}' {
            return Ok(((digits > 0).then_some(value), rest));
        }
        let Some(digit) = c.to_digit(16) else { break };
        value = value * 16 + digit;
        if value > u32::from(char::MAX) {
            break;
        }
        digits += 1;
    }
    Ok((None, rest))
}

/// The part of `text` before its suffix `rest`.
pub(super) fn before<'a>(text: &'a [u8], rest: &[u8]) -> &'a [u8] {
    text.get(..text.len().saturating_sub(rest.len())).unwrap_or_default()
}

/// The first character of a text that is not empty.
pub(super) fn next_char(text: &[u8]) -> Result<(char, &[u8]), Error> {
    let head = text.get(..text.len().min(4)).unwrap_or_default();
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    };
    match valid.chars().next() {
        Some(c) => Ok((c, text.get(c.len_utf8()..).unwrap_or_default())),
        None => Err(Error::new(Code::InvalidUtf8, text)),
    }
}

/// Refuses text that is not UTF-8, naming it from the first wrong byte on.
pub(super) fn check_utf8(text: &[u8]) -> Result<(), Error> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let wrong = text.get(error.valid_up_to()..).unwrap_or_default();
            Err(Error::new(Code::InvalidUtf8, wrong))
        }
    }
}
