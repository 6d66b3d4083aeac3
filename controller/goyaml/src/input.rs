//! Characters for the scanner.
//!
//! Go decodes 512 bytes at a time, ahead of what it scans: a forbidden character is reported
//! before a mistake that stands in front of it, if both are in the same stretch. The stretches
//! are repeated here, because otherwise another error would be found first.

use crate::error::Fault;

/// How much Go reads at a time.
const STRETCH: usize = 512;

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Utf8,
    Utf16 { big_endian: bool },
}

/// A place in the text, all from 0, in characters.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mark {
    pub(crate) index: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

pub(crate) struct Input<'a> {
    raw: &'a [u8],
    /// The stretch: from what is not decoded yet to what was read.
    raw_start: usize,
    raw_at: usize,
    raw_end: usize,
    ended: bool,
    encoding: Option<Encoding>,
    /// Decoded, as UTF-8.
    text: Vec<u8>,
    at: usize,
    /// Characters decoded and not yet taken; from the end on, Go counts NULs too.
    unread: usize,
    /// Where Go's buffer begins.
    window: usize,
    pub(crate) mark: Mark,
}

impl<'a> Input<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        Self {
            raw,
            raw_start: 0,
            raw_at: 0,
            raw_end: 0,
            ended: false,
            encoding: None,
            text: Vec::with_capacity(raw.len()),
            at: 0,
            unread: 0,
            window: 0,
            mark: Mark::default(),
        }
    }

    /// The byte `ahead` of the current character; NUL at the end, and nowhere else.
    pub(crate) fn at(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or_default()
    }

    /// Makes sure that so many characters are decoded, if there are as many.
    pub(crate) fn need(&mut self, characters: usize) -> Result<(), Fault> {
        if self.unread >= characters {
            return Ok(());
        }
        let encoding = self.encoding();
        self.window = self.at;
        let mut first = true;
        while self.unread < characters {
            if !first || self.raw_at == self.raw_end {
                self.read_on();
            }
            first = false;
            self.decode(encoding)?;
            if self.ended {
                self.unread += 1;
                break;
            }
        }
        Ok(())
    }

    fn encoding(&mut self) -> Encoding {
        if let Some(encoding) = self.encoding {
            return encoding;
        }
        while !self.ended && self.raw_end - self.raw_at < 3 {
            self.read_on();
        }
        let (encoding, mark) = match self.raw.get(..self.raw_end).unwrap_or_default() {
            [0xFF, 0xFE, ..] => (Encoding::Utf16 { big_endian: false }, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16 { big_endian: true }, 2),
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            _ => (Encoding::Utf8, 0),
        };
        self.raw_at += mark;
        self.encoding = Some(encoding);
        encoding
    }

    fn read_on(&mut self) {
        let full = self.raw_at == self.raw_start && self.raw_end - self.raw_start == STRETCH;
        if full || self.ended {
            return;
        }
        self.raw_start = self.raw_at;
        let end = self.raw.len().min(self.raw_start + STRETCH);
        self.ended = end == self.raw_end;
        self.raw_end = end;
    }

    /// Decodes the stretch, except for a character that continues in the next one.
    fn decode(&mut self, encoding: Encoding) -> Result<(), Fault> {
        while let Some(rest @ [_, ..]) = self.raw.get(self.raw_at..self.raw_end) {
            let decoded = match encoding {
                Encoding::Utf8 => utf8(rest, self.ended),
                Encoding::Utf16 { big_endian } => utf16(rest, big_endian, self.ended),
            };
            let Some((value, width)) = decoded.map_err(refused)? else { break };
            let rune = char::from_u32(value).filter(|rune| {
                matches!(rune, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}')
                    || *rune >= '\u{10000}'
            });
            let rune = rune.ok_or_else(|| refused("control characters are not allowed"))?;
            self.raw_at += width;
            self.text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
            self.unread += 1;
        }
        Ok(())
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.unread = self.unread.saturating_sub(1);
        self.mark.index += 1;
    }

    /// Passes over a character.
    pub(crate) fn skip(&mut self) {
        self.advance(width(self.at(0)));
        self.mark.column += 1;
    }

    /// Passes over a line break, if there is one.
    pub(crate) fn skip_line(&mut self) {
        if self.at(0) == b'\r' && self.at(1) == b'\n' {
            self.advance(1);
            self.advance(1);
        } else if self.is_break(0) {
            self.advance(width(self.at(0)));
        } else {
            return;
        }
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Moves a character to `out`.
    pub(crate) fn take(&mut self, out: &mut Vec<u8>) {
        let width = width(self.at(0));
        out.extend_from_slice(self.text.get(self.at..self.at + width).unwrap_or_default());
        self.advance(width);
        self.mark.column += 1;
    }

    /// Moves a line break to `out`, if there is one: as LF, or as it is when Unicode has a name
    /// for it.
    pub(crate) fn take_line(&mut self, out: &mut Vec<u8>) {
        match (self.at(0), self.at(1)) {
            (b'\r', b'\n') => {
                out.push(b'\n');
                self.advance(1);
                self.advance(1);
            }
            (b'\r' | b'\n', _) => {
                out.push(b'\n');
                self.advance(1);
            }
            (0xC2, 0x85) => {
                out.push(b'\n');
                self.advance(2);
            }
            _ if self.is_break(0) => {
                out.extend_from_slice(self.text.get(self.at..self.at + 3).unwrap_or_default());
                self.advance(3);
            }
            _ => return,
        }
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Whether Go takes the current character for a byte order mark. It looks at the beginning of
    /// its buffer for that, wherever it is itself.
    pub(crate) fn is_bom(&self) -> bool {
        self.text.get(self.window..).is_some_and(|text| text.starts_with(&BOM))
    }

    pub(crate) fn is_end(&self) -> bool {
        self.at(0) == 0
    }

    pub(crate) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    pub(crate) fn is_break(&self, ahead: usize) -> bool {
        match self.at(ahead) {
            b'\r' | b'\n' => true,
            0xC2 => self.at(ahead + 1) == 0x85,
            0xE2 => self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xA8 | 0xA9),
            _ => false,
        }
    }

    pub(crate) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_break(ahead)
    }

    pub(crate) fn is_space_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// Whether the current character may be in a name.
    pub(crate) fn is_word(&self) -> bool {
        matches!(self.at(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-')
    }

    /// Whether `---` or `...` stands here, at the beginning of a line.
    pub(crate) fn is_document_mark(&self) -> bool {
        self.mark.column == 0
            && matches!(
                (self.at(0), self.at(1), self.at(2)),
                (b'-', b'-', b'-') | (b'.', b'.', b'.')
            )
            && self.is_space_or_end(3)
    }
}

/// Bytes of the character that begins with `first`.
pub(crate) const fn width(first: u8) -> usize {
    match first {
        0..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 0,
    }
}

fn refused(problem: &'static str) -> Fault {
    Fault { problem, line: 0 }
}

type Decoded = Result<Option<(u32, usize)>, &'static str>;

fn utf8(bytes: &[u8], ended: bool) -> Decoded {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let width = match width(first) {
        0 => return Err("invalid leading UTF-8 octet"),
        1 => return Ok(Some((u32::from(first), 1))),
        width => width,
    };
    let Some(rest) = bytes.get(1..width) else {
        return if ended { Err("incomplete UTF-8 octet sequence") } else { Ok(None) };
    };
    let mut value = u32::from(first) & (0x7F >> width);
    for &byte in rest {
        if byte & 0xC0 != 0x80 {
            return Err("invalid trailing UTF-8 octet");
        }
        value = value << 6 | u32::from(byte & 0x3F);
    }
    let least = match width {
        2 => 0x80,
        3 => 0x800,
        _ => 0x1_0000,
    };
    if value < least {
        return Err("invalid length of a UTF-8 sequence");
    }
    if char::from_u32(value).is_none() {
        return Err("invalid Unicode character");
    }
    Ok(Some((value, width)))
}

fn utf16(bytes: &[u8], big_endian: bool, ended: bool) -> Decoded {
    let unit = |at: usize| {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        let unit = if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        Some(u32::from(unit))
    };
    let incomplete = |what| if ended { Err(what) } else { Ok(None) };
    let Some(first) = unit(0) else { return incomplete("incomplete UTF-16 character") };
    match first & 0xFC00 {
        0xDC00 => Err("unexpected low surrogate area"),
        0xD800 => match unit(2) {
            None => incomplete("incomplete UTF-16 surrogate pair"),
            Some(second) if second & 0xFC00 == 0xDC00 => {
                Ok(Some((0x1_0000 + ((first & 0x3FF) << 10 | second & 0x3FF), 4)))
            }
            Some(_) => Err("expected low surrogate area"),
        },
        _ => Ok(Some((first, 2))),
    }
}
