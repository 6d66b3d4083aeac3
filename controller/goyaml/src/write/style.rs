//! Which quotes a text needs.

use crate::scalar;

use super::is_break;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// How a text would be written if every style could hold it.
pub(super) fn wanted(text: &str) -> Style {
    if text.contains('\n') {
        Style::Literal
    } else if scalar::is_text(text) && !is_base_60(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    }
}

/// Which styles can hold a text.
#[expect(clippy::struct_excessive_bools, reason = "one for each question")]
pub(super) struct Looks {
    multiline: bool,
    plain: bool,
    single_quoted: bool,
    literal: bool,
}

impl Looks {
    pub(super) fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { multiline: false, plain: true, single_quoted: true, literal: false };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut multiline) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        // What the character before was; the beginning counts as white space.
        let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
        for (at, rune) in text.char_indices() {
            let rest = text.get(at + rune.len_utf8()..).unwrap_or_default();
            let before_blank = rest.is_empty() || rest.starts_with([' ', '\t']);
            indicators |= match rune {
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`' => at == 0,
                '?' | '-' => at == 0 && before_blank,
                ':' => before_blank,
                '#' => after_blank,
                _ => false,
            };
            special |= !is_printable(rune);
            if rune == ' ' {
                break_space |= after_break;
            } else if is_break(rune) {
                multiline = true;
                space_break |= after_space;
            }
            after_space = rune == ' ';
            after_break = is_break(rune);
            after_blank = matches!(rune, ' ' | '\t' | '\0') || after_break;
        }
        let at_edge = |rune: char| rune == ' ' || is_break(rune);
        let edges = text.starts_with(at_edge) || text.ends_with(at_edge);
        let crossed = space_break || special;
        Self {
            multiline,
            plain: !(edges || break_space || crossed || multiline || indicators),
            single_quoted: !(break_space || crossed),
            literal: !(text.ends_with(' ') || crossed),
        }
    }

    pub(super) fn style(&self, wanted: Style, text: &str, simple_key: bool) -> Style {
        let mut style = wanted;
        if simple_key && self.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain && (!self.plain || text.is_empty() && simple_key) {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !self.single_quoted
            || style == Style::Literal && (!self.literal || simple_key)
        {
            style = Style::DoubleQuoted;
        }
        style
    }
}

/// Whether a character can stand in a text without quotes. Libyaml does not think so of anything
/// beyond U+FFFF.
pub(super) fn is_printable(rune: char) -> bool {
    matches!(rune, '\n' | ' '..='~' | '\u{A0}'..='\u{FFFD}') && rune != '\u{FEFF}'
}

/// A character as an escape sequence.
pub(super) fn escape(rune: char) -> String {
    let letter = match rune {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0B' => 'v',
        '\x0C' => 'f',
        '\r' => 'r',
        '\x1B' => 'e',
        '"' | '\\' => rune,
        '\u{85}' => 'N',
        '\u{A0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(rune);
            return match code {
                ..=0xFF => format!("\\x{code:02X}"),
                0x100..=0xFFFF => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    ['\\', letter].iter().collect()
}

/// A number as YAML 1.1 writes degrees: `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`. Go reads
/// it as text, and quotes it for readers that do not.
fn is_base_60(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut groups = text.split(':');
    let first = groups.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !digits(first) {
        return false;
    }
    let mut groups = groups.peekable();
    let any = groups.peek().is_some();
    while let Some(group) = groups.next() {
        let group = match group.split_once('.') {
            Some((group, fraction)) if groups.peek().is_none() && digits(fraction) => group,
            _ => group,
        };
        match group.as_bytes() {
            [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'] => {}
            _ => return false,
        }
    }
    any
}

/// Base64 with padding, in lines of 70 characters if there is more than one.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut letters = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or_default()));
        let group = a << 16 | b << 8 | c;
        for at in 0..4 {
            let sextet = (group >> (18 - 6 * at) & 0x3F) as usize;
            let letter = ALPHABET.get(sextet).copied().unwrap_or(b'=');
            letters.push(if at > chunk.len() { b'=' } else { letter });
        }
    }
    // Go counts one line too many when the last one is full.
    let several = letters.len() >= 70;
    let mut text = String::with_capacity(letters.len() + letters.len() / 70 + 1);
    for line in letters.chunks(70) {
        text.extend(line.iter().map(|letter| char::from(*letter)));
        if several {
            text.push('\n');
        }
    }
    text
}
