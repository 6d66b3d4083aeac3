//! How a string is written so that it stays that string.

use serde_json::Number;

/// Writes a value: bare where no reader could take it for anything else, else in quotes.
pub(super) fn write_text(out: &mut String, text: &str) {
    if is_bare(text) {
        out.push_str(text);
    } else if text.contains(['"', '\\']) && text.chars().all(|c| c == ' ' || is_graphic(c)) {
        write_single_quoted(out, text);
    } else {
        write_double_quoted(out, text);
    }
}

fn write_single_quoted(out: &mut String, text: &str) {
    out.push('\'');
    for (i, part) in text.split('\'').enumerate() {
        if i > 0 {
            out.push_str("''");
        }
        out.push_str(part);
    }
    out.push('\'');
}

/// A text in quotes of a kind; `None` when they cannot hold it on one line.
pub(crate) fn write_quoted(text: &str, quote: char) -> Option<String> {
    let mut out = String::new();
    if quote == '"' {
        write_double_quoted(&mut out, text);
    } else if text.chars().all(|c| c == ' ' || is_graphic(c)) {
        write_single_quoted(&mut out, text);
    } else {
        return None;
    }
    Some(out)
}

/// Writes a key, always on one line.
pub(super) fn write_key(out: &mut String, key: &str) {
    write_text(out, key);
}

/// In double quotes, with the escapes that JSON and YAML have in common.
pub(super) fn write_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => {
                // Everything that is not printable lies in the first plane.
                out.push_str("\\u");
                let code = u32::from(c);
                for shift in [12, 8, 4, 0] {
                    out.push(char::from_digit(code >> shift & 0xf, 16).unwrap_or('0'));
                }
            }
        }
    }
    out.push('"');
}

/// A number as JSON has it, with an exponent that YAML 1.1 readers know for one.
pub(super) fn write_number(out: &mut String, number: &Number) {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        out.push_str(&text);
        return;
    };
    out.push_str(mantissa);
    // Without a point and a sign, PyYAML reads text.
    if !mantissa.contains('.') {
        out.push_str(".0");
    }
    out.push('e');
    if !exponent.starts_with(['+', '-']) {
        out.push('+');
    }
    out.push_str(exponent);
}

/// The header of a block scalar (`|`, `|-`, `|+`, with indentation where needed), when a block
/// gives exactly this text back.
pub(super) fn block_header(text: &str) -> Option<&'static str> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    if !text.contains('\n') || text.trim_matches('\n').is_empty() {
        return None;
    }
    // Blanks at the end of a line would be exact too, but editors remove them.
    let exact = |line: &str| {
        !line.ends_with([' ', '\t']) && line.chars().all(|c| c == '\t' || is_printable(c))
    };
    if !body.split('\n').all(exact) {
        return None;
    }
    // Where the text begins with a blank, its indentation cannot be guessed from the first line.
    let explicit = text.starts_with([' ', '\t', '\n']);
    Some(match (text.ends_with('\n'), text.ends_with("\n\n"), explicit) {
        (false, _, false) => "|-",
        (false, _, true) => "|2-",
        (true, false, false) => "|",
        (true, false, true) => "|2",
        (true, true, false) => "|+",
        (true, true, true) => "|2+",
    })
}

/// True for what may stand in a YAML file as it is, apart from line breaks and tabs.
pub(super) fn is_printable(c: char) -> bool {
    !matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}'
    )
}

/// Printable, and no blank of any kind.
fn is_graphic(c: char) -> bool {
    is_printable(c) && !c.is_whitespace()
}

/// True when the text can stand without quotes, as key or as value, and every reader sees text.
pub(super) fn is_bare(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    // A dash followed by a letter is an argument (`-v`, `--name=x`) and reads well bare.
    let first_ok = match first {
        '-' => {
            text.chars().nth(1).is_some_and(char::is_alphabetic)
                || text.starts_with("--") && text.chars().nth(2).is_some_and(char::is_alphabetic)
        }
        c => !"?:,[]{}#&*!|>'\"%@`=~<".contains(c),
    };
    first_ok
        && text.chars().all(|c| c == ' ' || is_graphic(c))
        && !text.ends_with([' ', ':'])
        && !text.starts_with(' ')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains("{{")
        && !is_ambiguous(text)
}

/// Words with a meaning to some reader, in any case, also with a sign or a point in front.
const WORDS: [&str; 13] =
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nil", "inf", "infinity", "nan"];

/// True when some reader, of any version of YAML, could take the text for something else: a
/// boolean, a number in any base, a date, a time, infinity, null.
fn is_ambiguous(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let word = unsigned.strip_prefix('.').unwrap_or(unsigned);
    if WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return true;
    }
    // Begins like a number and holds nothing that no number, date or time holds.
    let numeric_start =
        word.starts_with(|c: char| c.is_ascii_digit() || "_.+-".contains(c)) || word.is_empty();
    numeric_start
        && text.bytes().all(|b| {
            b.is_ascii_hexdigit()
                || matches!(b, b'_' | b'.' | b',' | b':' | b'+' | b'-' | b' ')
                || matches!(b, b'x' | b'X' | b'o' | b'O' | b't' | b'T' | b'z' | b'Z')
        })
}
