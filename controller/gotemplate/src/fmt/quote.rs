//! Go's `strconv` quoting.

use std::fmt::Write as _;

use crate::runes::{ERROR, indices, is_print};

/// `strconv.Quote`
pub(crate) fn quote(text: &[u8]) -> String {
    quote_with(text, false)
}

/// `strconv.QuoteToASCII`
pub(super) fn quote_ascii(text: &[u8]) -> String {
    quote_with(text, true)
}

fn quote_with(text: &[u8], ascii: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for (at, c, width) in indices(text) {
        match text.get(at) {
            Some(byte) if c == ERROR && width == 1 => {
                let _ = write!(quoted, "\\x{byte:02x}");
            }
            _ => push_escaped(&mut quoted, c, '"', ascii),
        }
    }
    quoted.push('"');
    quoted
}

/// `strconv.QuoteRune`, or `strconv.QuoteRuneToASCII`.
pub(super) fn quote_rune(c: char, ascii: bool) -> String {
    let mut quoted = String::from("'");
    push_escaped(&mut quoted, c, '\'', ascii);
    quoted.push('\'');
    quoted
}

/// `strconv.CanBackquote`
pub(crate) fn can_backquote(text: &[u8]) -> bool {
    indices(text).all(|(_, c, width)| match c {
        '\t' => true,
        '`' | '\x7f' | '\u{feff}' => false,
        ERROR => width > 1,
        c => c >= ' ',
    })
}

fn push_escaped(quoted: &mut String, c: char, quote: char, ascii: bool) {
    let escaped = match c {
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0b' => 'v',
        c if c == quote || c == '\\' => c,
        c if is_print(c) && (c.is_ascii() || !ascii) => return quoted.push(c),
        c => {
            // Writing to a String cannot fail.
            let _ = match u32::from(c) {
                n @ (0..0x20 | 0x7f) => write!(quoted, "\\x{n:02x}"),
                n @ ..0x1_0000 => write!(quoted, "\\u{n:04x}"),
                n => write!(quoted, "\\U{n:08x}"),
            };
            return;
        }
    };
    quoted.push('\\');
    quoted.push(escaped);
}
