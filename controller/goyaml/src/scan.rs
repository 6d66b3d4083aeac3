//! From characters to tokens.
//!
//! YAML is read by the rules of libyaml, of which Go's yaml.v2 is a translation: most of all how a
//! key is found only at its `:`, which decides where errors are seen and what stands behind a
//! document unread.

mod blocks;
mod flows;
mod properties;

use std::collections::{BTreeMap, VecDeque};

use crate::error::Fault;
use crate::input::{Input, Mark};

/// How far collections may be nested for Go. This crate allows far less, but what is in the text
/// behind the first mistake must not be the first mistake.
const MAX_DEPTH: usize = 10_000;

/// How far from its beginning a key's `:` may be, in characters.
const MAX_KEY: usize = 1024;

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Where it begins, from 0.
    pub(crate) line: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Kind {
    StreamStart,
    StreamEnd,
    Version(u32, u32),
    TagDirective { handle: Vec<u8>, prefix: Vec<u8> },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(Vec<u8>),
    Anchor(Vec<u8>),
    Tag { handle: Vec<u8>, suffix: Vec<u8> },
    Scalar { text: Vec<u8>, plain: bool },
}

/// Where a key without `?` may have begun.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token: usize,
    mark: Mark,
}

pub(crate) struct Scanner<'a> {
    input: Input<'a>,
    started: bool,
    tokens: VecDeque<Token>,
    /// How many tokens were taken.
    taken: usize,
    /// Whether the first token of the queue is final: no key can begin in front of it.
    ready: bool,
    flow_level: usize,
    /// The column of the innermost block collection, -1 outside of all.
    indent: isize,
    indents: Vec<isize>,
    key_allowed: bool,
    /// One for each flow level, and one for the blocks.
    keys: Vec<SimpleKey>,
    /// Go's index from token numbers to `keys`, with the entries that it forgets to remove and
    /// those that it removes too early: `[]: a` is an empty list because of that.
    keys_by_token: BTreeMap<usize, usize>,
}

type Scanned = Result<(), Fault>;

impl<'a> Scanner<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        Self {
            input: Input::new(raw),
            started: false,
            tokens: VecDeque::new(),
            taken: 0,
            ready: false,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            keys_by_token: BTreeMap::new(),
        }
    }

    /// The next token, which stays. Behind the end of the stream there are more ends.
    pub(crate) fn peek(&mut self) -> Result<&Token, Fault> {
        const END: &Token = &Token { kind: Kind::StreamEnd, line: 0 };
        if !self.ready {
            self.fetch_more()?;
        }
        Ok(self.tokens.front().unwrap_or(END))
    }

    /// Takes the token that was peeked at.
    pub(crate) fn next(&mut self) -> Result<Token, Fault> {
        let line = self.peek()?.line;
        self.ready = false;
        self.taken += 1;
        Ok(self.tokens.pop_front().unwrap_or(Token { kind: Kind::StreamEnd, line }))
    }

    fn fault(&self, problem: &'static str) -> Fault {
        let line = self.input.mark.line;
        Fault { problem, line: if line == 0 { 0 } else { line + 1 } }
    }

    fn fetch_more(&mut self) -> Scanned {
        loop {
            if !self.tokens.is_empty() {
                // As long as a key may begin at the first token, a KEY may have to go before it.
                let Some(&slot) = self.keys_by_token.get(&self.taken) else { break };
                if !self.is_key_possible(slot)? {
                    break;
                }
            }
            self.fetch()?;
        }
        self.ready = true;
        Ok(())
    }

    fn push(&mut self, kind: Kind, line: usize) {
        self.tokens.push_back(Token { kind, line });
    }

    /// Puts a token in front of the one of this number, unless that is gone already.
    fn insert(&mut self, kind: Kind, line: usize, number: usize) {
        let at = number.checked_sub(self.taken).filter(|at| *at <= self.tokens.len());
        self.tokens.insert(at.unwrap_or(self.tokens.len()), Token { kind, line });
    }

    fn fetch(&mut self) -> Scanned {
        self.input.need(1)?;
        if !self.started {
            self.started = true;
            self.push(Kind::StreamStart, 0);
            return Ok(());
        }
        self.skip_to_token()?;
        self.unroll_indent(self.column());
        self.input.need(4)?;
        if self.input.is_end() {
            return self.fetch_stream_end();
        }
        let here = self.input.at(0);
        if self.input.mark.column == 0 && here == b'%' {
            return self.fetch_directive();
        }
        if self.input.is_document_mark() {
            let kind = if here == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd };
            return self.fetch_document_mark(kind);
        }
        let in_flow = self.flow_level > 0;
        let space_behind = self.input.is_space_or_end(1);
        match here {
            b'[' => self.fetch_flow_start(Kind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Kind::FlowMappingStart),
            b']' => self.fetch_flow_end(Kind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Kind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if space_behind => self.fetch_block_entry(),
            b'?' if in_flow || space_behind => self.fetch_key(),
            b':' if in_flow || space_behind => self.fetch_value(),
            b'*' | b'&' => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_anchor(here == b'*')
            }
            b'!' => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_tag()
            }
            b'|' | b'>' if !in_flow => {
                self.remove_key()?;
                self.key_allowed = true;
                self.scan_block_scalar(here == b'|')
            }
            b'\'' | b'"' => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_quoted_scalar(here == b'\'')
            }
            b'|' | b'>' | b'#' | b'%' | b'@' | b'`' | b'\t' => Err(self.unexpected()),
            // In a flow collection these were taken above.
            b'?' | b':' | b'-' => self.fetch_plain_scalar(),
            _ if self.input.is_break(0) => Err(self.unexpected()),
            _ => self.fetch_plain_scalar(),
        }
    }

    fn unexpected(&self) -> Fault {
        self.fault("found character that cannot start any token")
    }

    fn column(&self) -> isize {
        isize::try_from(self.input.mark.column).unwrap_or(isize::MAX)
    }

    // Keys.

    fn is_key_possible(&mut self, slot: usize) -> Result<bool, Fault> {
        let here = self.input.mark;
        let Some(key) = self.keys.get_mut(slot).filter(|key| key.possible) else {
            return Ok(false);
        };
        if key.mark.line < here.line || key.mark.index + MAX_KEY < here.index {
            if key.required {
                return Err(self.fault("could not find expected ':'"));
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Remembers that a key may begin here.
    fn save_key(&mut self) -> Scanned {
        if !self.key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column();
        let token = self.taken + self.tokens.len();
        self.remove_key()?;
        let slot = self.keys.len().saturating_sub(1);
        if let Some(key) = self.keys.last_mut() {
            *key = SimpleKey { possible: true, required, token, mark: self.input.mark };
            self.keys_by_token.insert(token, slot);
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Scanned {
        let Some(key) = self.keys.last_mut().filter(|key| key.possible) else { return Ok(()) };
        if key.required {
            return Err(self.fault("could not find expected ':'"));
        }
        key.possible = false;
        self.keys_by_token.remove(&key.token);
        Ok(())
    }

    // Indentation.

    /// Begins a block collection, when this column is further in than the last one.
    fn roll_indent(&mut self, mark: Mark, number: Option<usize>, kind: Kind) -> Scanned {
        let column = isize::try_from(mark.column).unwrap_or(isize::MAX);
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(self.fault("exceeded max depth of 10000"));
        }
        match number {
            Some(number) => self.insert(kind, mark.line, number),
            None => self.push(kind, mark.line),
        }
        Ok(())
    }

    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd, self.input.mark.line);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn skip_to_token(&mut self) -> Scanned {
        loop {
            self.input.need(1)?;
            if self.input.mark.column == 0 && self.input.is_bom() {
                self.input.skip();
            }
            self.input.need(1)?;
            // A tab is no indentation.
            while self.input.at(0) == b' '
                || (self.flow_level > 0 || !self.key_allowed) && self.input.at(0) == b'\t'
            {
                self.input.skip();
                self.input.need(1)?;
            }
            self.skip_comment()?;
            if !self.input.is_break(0) {
                return Ok(());
            }
            self.input.need(2)?;
            self.input.skip_line();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    fn skip_comment(&mut self) -> Scanned {
        if self.input.at(0) == b'#' {
            while !self.input.is_break_or_end(0) {
                self.input.skip();
                self.input.need(1)?;
            }
        }
        Ok(())
    }

    fn skip_blanks(&mut self) -> Scanned {
        self.input.need(1)?;
        while self.input.is_blank(0) {
            self.input.skip();
            self.input.need(1)?;
        }
        Ok(())
    }

    // Tokens of one to three characters.

    fn fetch_stream_end(&mut self) -> Scanned {
        if self.input.mark.column != 0 {
            self.input.mark.column = 0;
            self.input.mark.line += 1;
        }
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        self.push(Kind::StreamEnd, self.input.mark.line);
        Ok(())
    }

    fn fetch_document_mark(&mut self, kind: Kind) -> Scanned {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        let line = self.input.mark.line;
        for _ in 0..3 {
            self.input.skip();
        }
        self.push(kind, line);
        Ok(())
    }

    fn fetch_indicator(&mut self, kind: Kind) {
        let line = self.input.mark.line;
        self.input.skip();
        self.push(kind, line);
    }

    fn fetch_flow_start(&mut self, kind: Kind) -> Scanned {
        self.save_key()?;
        let token = self.taken + self.tokens.len();
        let mark = self.input.mark;
        self.keys.push(SimpleKey { possible: false, required: false, token, mark });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.fault("exceeded max depth of 10000"));
        }
        self.key_allowed = true;
        self.fetch_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: Kind) -> Scanned {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.keys.pop() {
                self.keys_by_token.remove(&key.token);
            }
        }
        self.key_allowed = false;
        self.fetch_indicator(kind);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Scanned {
        self.remove_key()?;
        self.key_allowed = true;
        self.fetch_indicator(Kind::FlowEntry);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scanned {
        // In a flow collection the parser complains, who knows better what about.
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self.fault("block sequence entries are not allowed in this context"));
            }
            self.roll_indent(self.input.mark, None, Kind::BlockSequenceStart)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.fetch_indicator(Kind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scanned {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self.fault("mapping keys are not allowed in this context"));
            }
            self.roll_indent(self.input.mark, None, Kind::BlockMappingStart)?;
        }
        self.remove_key()?;
        self.key_allowed = self.flow_level == 0;
        self.fetch_indicator(Kind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Scanned {
        let slot = self.keys.len().saturating_sub(1);
        if self.is_key_possible(slot)?
            && let Some(key) = self.keys.last_mut()
        {
            key.possible = false;
            let key = *key;
            self.insert(Kind::Key, key.mark.line, key.token);
            self.roll_indent(key.mark, Some(key.token), Kind::BlockMappingStart)?;
            self.keys_by_token.remove(&key.token);
            self.key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return Err(self.fault("mapping values are not allowed in this context"));
                }
                self.roll_indent(self.input.mark, None, Kind::BlockMappingStart)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.fetch_indicator(Kind::Value);
        Ok(())
    }

    fn fetch_plain_scalar(&mut self) -> Scanned {
        self.save_key()?;
        self.key_allowed = false;
        self.scan_plain_scalar()
    }
}
