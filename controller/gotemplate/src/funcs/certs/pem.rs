//! PEM as Go's `encoding/pem` reads and writes it.

use std::collections::BTreeMap;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::base64;
use crate::error::Message;

/// One PEM block.
pub(in crate::funcs) struct Block {
    /// What stands behind `BEGIN`.
    pub(in crate::funcs) kind: Vec<u8>,
    /// RFC 1421 headers.
    headers: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The decoded content.
    pub(in crate::funcs) bytes: Zeroizing<Vec<u8>>,
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// The first block of `data` and what follows it; without a block, `data` itself.
pub(in crate::funcs) fn decode(data: &[u8]) -> (Option<Block>, &[u8]) {
    match find_block(data) {
        Some((block, rest)) => (Some(block), rest),
        None => (None, data),
    }
}

/// Tries one END line after the other, each with the last BEGIN before it, until a block is whole.
fn find_block(data: &[u8]) -> Option<(Block, &[u8])> {
    let mut rest = data;
    loop {
        let end = find(rest, END)?;
        // Where the next try begins, if this one fails.
        let after_end = rest.get(end + END.len()..)?;
        match block_before(rest, end, after_end.len()) {
            Try::Found(block, rest) => return Some((block, rest)),
            Try::Next => rest = after_end,
            Try::Never => return None,
        }
    }
}

enum Try<'a> {
    Found(Block, &'a [u8]),
    Next,
    Never,
}

/// The block that the END line at `end` closes. `trailer` is how many bytes follow its `END `.
fn block_before(data: &[u8], end: usize, trailer: usize) -> Try<'_> {
    let head = data.get(..end).unwrap_or_default();
    let Some(begin) = rfind(head, BEGIN) else { return Try::Next };
    if begin > 0 && data.get(begin - 1) != Some(&b'\n') {
        return Try::Next;
    }
    let rest = data.get(begin + BEGIN.len()..).unwrap_or_default();
    let (line, mut rest) = line(rest);
    let Some(kind) = line.strip_suffix(DASHES) else { return Try::Next };

    let mut headers = BTreeMap::new();
    loop {
        if rest.is_empty() {
            return Try::Never;
        }
        let (line, next) = self::line(rest);
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let (key, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default();
        headers.insert(trim_space(key).to_vec(), trim_space(value).to_vec());
        rest = next;
    }

    // The line breaks before END belong to it: where END stands directly below the BEGIN line, its
    // line break has been read already, and the content is empty.
    let Some(from_type) = rest.len().checked_sub(trailer) else { return Try::Never };
    let content = from_type.checked_sub(END.len());
    if content.is_none() && !headers.is_empty() {
        return Try::Next;
    }
    let Some(end_line) = rest.get(from_type..) else { return Try::Next };
    let closed = end_line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(DASHES));
    let Some(after) = closed else { return Try::Next };
    let (remainder, after) = self::line(after);
    if !remainder.is_empty() {
        return Try::Next;
    }
    let content = rest.get(..content.unwrap_or(0)).unwrap_or_default();
    let mut text = Zeroizing::new(content.to_vec());
    text.retain(|byte| !matches!(byte, b' ' | b'\t'));
    match base64::decode(&text) {
        Ok(bytes) => Try::Found(Block { kind: kind.to_vec(), headers, bytes }, after),
        Err(_) => Try::Next,
    }
}

/// The first line without what is blank at its end, and the rest behind the line break.
fn line(data: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let (line, rest) = data.split_at(end);
            (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default())
        }
        None => (data, [].as_slice()),
    };
    let blank = line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (line.get(..line.len() - blank).unwrap_or_default(), rest)
}

/// Go's `bytes.TrimSpace`, for the white space of Unicode too.
fn trim_space(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    while let Some(length) = blank_prefix(bytes) {
        bytes = bytes.get(length..).unwrap_or_default();
    }
    while let Some(length) = blank_suffix(bytes) {
        bytes = bytes.get(..bytes.len() - length).unwrap_or_default();
    }
    bytes
}

/// The white space of Unicode, as UTF-8.
const BLANKS: &[&str] = &[
    "\t", "\n", "\u{b}", "\u{c}", "\r", " ", "\u{85}", "\u{a0}", "\u{1680}", "\u{2000}",
    "\u{2001}", "\u{2002}", "\u{2003}", "\u{2004}", "\u{2005}", "\u{2006}", "\u{2007}", "\u{2008}",
    "\u{2009}", "\u{200a}", "\u{2028}", "\u{2029}", "\u{202f}", "\u{205f}", "\u{3000}",
];

fn blank_prefix(bytes: &[u8]) -> Option<usize> {
    BLANKS.iter().find(|blank| bytes.starts_with(blank.as_bytes())).map(|blank| blank.len())
}

fn blank_suffix(bytes: &[u8]) -> Option<usize> {
    BLANKS.iter().find(|blank| bytes.ends_with(blank.as_bytes())).map(|blank| blank.len())
}

fn find(data: &[u8], pattern: &[u8]) -> Option<usize> {
    data.windows(pattern.len()).position(|window| window == pattern)
}

fn rfind(data: &[u8], pattern: &[u8]) -> Option<usize> {
    data.windows(pattern.len()).rposition(|window| window == pattern)
}

/// A block without headers.
pub(in crate::funcs) fn encode(kind: &[u8], bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut output = Zeroizing::new(Vec::with_capacity(bytes.len() * 3 / 2 + 2 * kind.len() + 64));
    begin(&mut output, kind);
    body(&mut output, kind, bytes);
    output
}

fn begin(output: &mut Vec<u8>, kind: &[u8]) {
    output.extend_from_slice(BEGIN);
    output.extend_from_slice(kind);
    output.extend_from_slice(b"-----\n");
}

fn body(output: &mut Vec<u8>, kind: &[u8], bytes: &[u8]) {
    let mut encoded = Zeroizing::new([0; 64]);
    for chunk in bytes.chunks(48) {
        if let Ok(length) = STANDARD.encode_slice(chunk, &mut *encoded) {
            output.extend_from_slice(encoded.get(..length).unwrap_or_default());
        }
        output.push(b'\n');
    }
    output.extend_from_slice(b"-----END ");
    output.extend_from_slice(kind);
    output.extend_from_slice(b"-----\n");
}

impl Block {
    /// The block as Go writes it.
    ///
    /// # Errors
    /// A header's name cannot be written.
    pub(in crate::funcs) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Message> {
        const PROC_TYPE: &[u8] = b"Proc-Type";

        let mut output = Zeroizing::new(Vec::with_capacity(self.bytes.len() * 3 / 2 + 64));
        begin(&mut output, &self.kind);
        let first = self.headers.get_key_value(PROC_TYPE);
        let others = self.headers.iter().filter(|(key, _)| *key != PROC_TYPE);
        for (key, value) in first.into_iter().chain(others) {
            if key.contains(&b':') {
                return Err("pem: cannot encode a header key that contains a colon".into());
            }
            output.extend_from_slice(key);
            output.extend_from_slice(b": ");
            output.extend_from_slice(value);
            output.push(b'\n');
        }
        if !self.headers.is_empty() {
            output.push(b'\n');
        }
        body(&mut output, &self.kind, &self.bytes);
        Ok(output)
    }
}
