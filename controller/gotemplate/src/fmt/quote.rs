//! The quoting that only `printf` needs.

use std::fmt::Write as _;

use crate::unicode::{REPLACEMENT, decode, is_print};

/// `strconv.QuoteToASCII`
pub(crate) fn quote_ascii(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut rest = text;
    while let Some((c, width)) = decode(rest) {
        match rest.first() {
            Some(byte) if c == REPLACEMENT && width == 1 => {
                let _ = write!(quoted, "\\x{byte:02x}");
            }
            _ => push_escaped(&mut quoted, c, '"', true),
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    quoted.push('"');
    quoted
}

/// `strconv.QuoteRune`, or `strconv.QuoteRuneToASCII`.
pub(crate) fn quote_rune(c: char, ascii: bool) -> String {
    let mut quoted = String::from("'");
    push_escaped(&mut quoted, c, '\'', ascii);
    quoted.push('\'');
    quoted
}

/// `strconv.CanBackquote`
pub(super) fn can_backquote(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((c, width)) = decode(rest) {
        let fits = match c {
            '\t' => true,
            '`' | '\x7f' | '\u{feff}' => false,
            REPLACEMENT => width > 1,
            c => c >= ' ',
        };
        if !fits {
            return false;
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    true
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
