//! Anchors, aliases, tags and directives.

use super::{Kind, Scanned, Scanner};
use crate::error::Fault;
use crate::input::width;

impl Scanner<'_> {
    pub(super) fn fetch_directive(&mut self) -> Scanned {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        let line = self.input.mark.line;
        self.input.skip();
        let name = self.word()?;
        if name.is_empty() {
            return Err(self.fault("could not find expected directive name"));
        }
        if !self.input.is_space_or_end(0) {
            return Err(self.fault("found unexpected non-alphabetical character"));
        }
        let kind = match name.as_slice() {
            b"YAML" => self.scan_version()?,
            b"TAG" => self.scan_tag_directive()?,
            _ => return Err(self.fault("found unknown directive name")),
        };
        self.end_line()?;
        self.push(kind, line);
        Ok(())
    }

    /// Passes over a comment and the end of the line; nothing else may stand there.
    pub(super) fn end_line(&mut self) -> Scanned {
        self.skip_blanks()?;
        self.skip_comment()?;
        if !self.input.is_break_or_end(0) {
            return Err(self.fault("did not find expected comment or line break"));
        }
        if self.input.is_break(0) {
            self.input.need(2)?;
            self.input.skip_line();
        }
        Ok(())
    }

    /// Letters, digits, `_` and `-`.
    fn word(&mut self) -> Result<Vec<u8>, Fault> {
        let mut word = Vec::new();
        self.take_word(&mut word)?;
        Ok(word)
    }

    fn take_word(&mut self, word: &mut Vec<u8>) -> Scanned {
        self.input.need(1)?;
        while self.input.is_word() {
            self.input.take(word);
            self.input.need(1)?;
        }
        Ok(())
    }

    fn scan_version(&mut self) -> Result<Kind, Fault> {
        self.skip_blanks()?;
        let major = self.scan_version_number()?;
        if self.input.at(0) != b'.' {
            return Err(self.fault("did not find expected digit or '.' character"));
        }
        self.input.skip();
        Ok(Kind::Version(major, self.scan_version_number()?))
    }

    fn scan_version_number(&mut self) -> Result<u32, Fault> {
        self.input.need(1)?;
        let (mut number, mut digits) = (0, 0);
        while self.input.at(0).is_ascii_digit() {
            digits += 1;
            if digits > 2 {
                return Err(self.fault("found extremely long version number"));
            }
            number = number * 10 + u32::from(self.input.at(0) - b'0');
            self.input.skip();
            self.input.need(1)?;
        }
        if digits == 0 {
            return Err(self.fault("did not find expected version number"));
        }
        Ok(number)
    }

    fn scan_tag_directive(&mut self) -> Result<Kind, Fault> {
        self.skip_blanks()?;
        let handle = self.scan_tag_handle(true)?;
        self.input.need(1)?;
        if !self.input.is_blank(0) {
            return Err(self.fault("did not find expected whitespace"));
        }
        self.skip_blanks()?;
        let prefix = self.scan_tag_uri(None)?;
        self.input.need(1)?;
        if !self.input.is_space_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break"));
        }
        Ok(Kind::TagDirective { handle, prefix })
    }

    pub(super) fn scan_anchor(&mut self, alias: bool) -> Scanned {
        let line = self.input.mark.line;
        self.input.skip();
        let name = self.word()?;
        let ends = self.input.is_space_or_end(0)
            || matches!(self.input.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return Err(self.fault("did not find expected alphabetic or numeric character"));
        }
        self.push(if alias { Kind::Alias(name) } else { Kind::Anchor(name) }, line);
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Scanned {
        let line = self.input.mark.line;
        self.input.need(2)?;
        let (handle, suffix) = if self.input.at(1) == b'<' {
            self.input.skip();
            self.input.skip();
            let suffix = self.scan_tag_uri(None)?;
            if self.input.at(0) != b'>' {
                return Err(self.fault("did not find the expected '>'"));
            }
            self.input.skip();
            (Vec::new(), suffix)
        } else {
            let handle = self.scan_tag_handle(false)?;
            if handle.len() > 1 && handle.ends_with(b"!") {
                let suffix = self.scan_tag_uri(None)?;
                (handle, suffix)
            } else {
                // What looked like the beginning of a handle belongs to the tag itself.
                let suffix = self.scan_tag_uri(Some(&handle))?;
                if suffix.is_empty() {
                    (Vec::new(), b"!".to_vec())
                } else {
                    (b"!".to_vec(), suffix)
                }
            }
        };
        self.input.need(1)?;
        if !self.input.is_space_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break"));
        }
        self.push(Kind::Tag { handle, suffix }, line);
        Ok(())
    }

    fn scan_tag_handle(&mut self, directive: bool) -> Result<Vec<u8>, Fault> {
        self.input.need(1)?;
        if self.input.at(0) != b'!' {
            return Err(self.fault("did not find expected '!'"));
        }
        let mut handle = Vec::new();
        self.input.take(&mut handle);
        self.take_word(&mut handle)?;
        if self.input.at(0) == b'!' {
            self.input.take(&mut handle);
        } else if directive && handle != b"!" {
            return Err(self.fault("did not find expected '!'"));
        }
        Ok(handle)
    }

    /// `head` was read already, its first character, a `!`, not being part of the tag.
    fn scan_tag_uri(&mut self, head: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
        let mut uri = head.and_then(|head| head.get(1..)).unwrap_or_default().to_vec();
        let mut found = head.is_some();
        self.input.need(1)?;
        loop {
            match self.input.at(0) {
                b'%' => self.scan_uri_escapes(&mut uri)?,
                b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'.'
                | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' | b'[' | b']' => {
                    self.input.take(&mut uri);
                }
                _ if self.input.is_word() => self.input.take(&mut uri),
                _ => break,
            }
            self.input.need(1)?;
            found = true;
        }
        if found { Ok(uri) } else { Err(self.fault("did not find expected tag URI")) }
    }

    /// One character as `%xx` for each of its bytes.
    fn scan_uri_escapes(&mut self, uri: &mut Vec<u8>) -> Scanned {
        let mut left = None;
        while left != Some(0) {
            self.input.need(3)?;
            let digits = (hex(self.input.at(1)), hex(self.input.at(2)));
            let (b'%', (Some(high), Some(low))) = (self.input.at(0), digits) else {
                return Err(self.fault("did not find URI escaped octet"));
            };
            let octet = high << 4 | low;
            left = match left {
                None => match width(octet) {
                    0 => return Err(self.fault("found an incorrect leading UTF-8 octet")),
                    width => Some(width - 1),
                },
                Some(_) if octet & 0xC0 != 0x80 => {
                    return Err(self.fault("found an incorrect trailing UTF-8 octet"));
                }
                Some(left) => Some(left - 1),
            };
            uri.push(octet);
            for _ in 0..3 {
                self.input.skip();
            }
        }
        Ok(())
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
