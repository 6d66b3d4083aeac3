//! Quoted and bare scalars.

use super::properties::hex;
use super::{Kind, Scanned, Scanner};

/// White space inside a scalar, until it is known what follows.
#[derive(Default)]
struct Gap {
    blanks: Vec<u8>,
    first_break: Vec<u8>,
    breaks: Vec<u8>,
    /// Whether there was a line break, maybe an escaped one, of which nothing is left.
    broken: bool,
}

impl Gap {
    /// Puts into `text` what is left of the gap: one line break becomes a space.
    fn fold(&mut self, text: &mut Vec<u8>) {
        if !self.broken {
            text.append(&mut self.blanks);
        } else if !self.first_break.starts_with(b"\n") {
            text.append(&mut self.first_break);
            text.append(&mut self.breaks);
        } else {
            self.first_break.clear();
            if self.breaks.is_empty() {
                text.push(b' ');
            } else {
                text.append(&mut self.breaks);
            }
        }
        self.broken = false;
    }
}

impl Scanner<'_> {
    pub(super) fn scan_quoted_scalar(&mut self, single: bool) -> Scanned {
        let quote = if single { b'\'' } else { b'"' };
        let line = self.input.mark.line;
        self.input.skip();
        let mut text = Vec::new();
        let mut gap = Gap::default();
        loop {
            self.input.need(4)?;
            if self.input.is_document_mark() {
                return Err(self.fault("found unexpected document indicator"));
            }
            if self.input.is_end() {
                return Err(self.fault("found unexpected end of stream"));
            }
            while !self.input.is_space_or_end(0) {
                let here = self.input.at(0);
                if single && here == b'\'' && self.input.at(1) == b'\'' {
                    text.push(b'\'');
                    self.input.skip();
                    self.input.skip();
                } else if here == quote {
                    break;
                } else if !single && here == b'\\' && self.input.is_break(1) {
                    self.input.need(3)?;
                    self.input.skip();
                    self.input.skip_line();
                    gap.broken = true;
                    break;
                } else if !single && here == b'\\' {
                    self.scan_escape(&mut text)?;
                } else {
                    self.input.take(&mut text);
                }
                self.input.need(2)?;
            }
            self.input.need(1)?;
            if self.input.at(0) == quote {
                break;
            }
            self.scan_gap(&mut gap, None)?;
            gap.fold(&mut text);
        }
        self.input.skip();
        self.push(Kind::Scalar { text, plain: false }, line);
        Ok(())
    }

    fn scan_escape(&mut self, text: &mut Vec<u8>) -> Scanned {
        let digits = match self.input.at(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            letter => {
                let bytes: &[u8] = match letter {
                    b'0' => b"\0",
                    b'a' => b"\x07",
                    b'b' => b"\x08",
                    b't' | b'\t' => b"\t",
                    b'n' => b"\n",
                    b'v' => b"\x0B",
                    b'f' => b"\x0C",
                    b'r' => b"\r",
                    b'e' => b"\x1B",
                    b' ' => b" ",
                    b'"' => b"\"",
                    b'\'' => b"'",
                    b'\\' => b"\\",
                    b'N' => "\u{85}".as_bytes(),
                    b'_' => "\u{A0}".as_bytes(),
                    b'L' => "\u{2028}".as_bytes(),
                    b'P' => "\u{2029}".as_bytes(),
                    _ => return Err(self.fault("found unknown escape character")),
                };
                text.extend_from_slice(bytes);
                0
            }
        };
        self.input.skip();
        self.input.skip();
        if digits == 0 {
            return Ok(());
        }
        self.input.need(digits)?;
        let mut value = 0_u32;
        for at in 0..digits {
            let digit = hex(self.input.at(at))
                .ok_or_else(|| self.fault("did not find expected hexdecimal number"))?;
            value = value << 4 | u32::from(digit);
        }
        let rune = char::from_u32(value)
            .ok_or_else(|| self.fault("found invalid Unicode character escape code"))?;
        text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
        for _ in 0..digits {
            self.input.skip();
        }
        Ok(())
    }

    pub(super) fn scan_plain_scalar(&mut self) -> Scanned {
        let line = self.input.mark.line;
        let indent = self.indent + 1;
        let mut text = Vec::new();
        let mut gap = Gap::default();
        loop {
            self.input.need(4)?;
            if self.input.is_document_mark() || self.input.at(0) == b'#' {
                break;
            }
            while !self.input.is_space_or_end(0) && !self.ends_plain_scalar() {
                gap.fold(&mut text);
                self.input.take(&mut text);
                self.input.need(2)?;
            }
            if !(self.input.is_blank(0) || self.input.is_break(0)) {
                break;
            }
            self.input.need(1)?;
            self.scan_gap(&mut gap, Some(indent))?;
            if self.flow_level == 0 && self.column() < indent {
                break;
            }
        }
        self.push(Kind::Scalar { text, plain: true }, line);
        if gap.broken {
            self.key_allowed = true;
        }
        Ok(())
    }

    fn ends_plain_scalar(&self) -> bool {
        match self.input.at(0) {
            b':' => self.input.is_space_or_end(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    /// Passes over blanks and line breaks. In a bare scalar, tabs must not stand in front of
    /// column `indent`.
    fn scan_gap(&mut self, gap: &mut Gap, indent: Option<isize>) -> Scanned {
        loop {
            if self.input.is_blank(0) {
                let early = indent.is_some_and(|indent| self.column() < indent);
                if gap.broken && early && self.input.at(0) == b'\t' {
                    return Err(self.fault("found a tab character that violates indentation"));
                }
                if gap.broken {
                    self.input.skip();
                } else {
                    self.input.take(&mut gap.blanks);
                }
            } else if self.input.is_break(0) {
                self.input.need(2)?;
                if gap.broken {
                    self.input.take_line(&mut gap.breaks);
                } else {
                    gap.blanks.clear();
                    self.input.take_line(&mut gap.first_break);
                    gap.broken = true;
                }
            } else {
                return Ok(());
            }
            self.input.need(1)?;
        }
    }
}
