//! YAML as js-yaml 3 dumps it: two blanks a level, 80 columns, quotes only where needed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::rc::Rc;

use super::{Halt, unmodelled};
use crate::verify::js::{Js, number};

/// Columns after which a text is folded.
const WIDTH: usize = 80;
/// Columns that a deeply nested text still gets.
const LEAST_WIDTH: usize = 40;
/// Units of a key from which on js-yaml writes `? key`.
const MAX_KEY: usize = 1024;

/// `yaml.dump(value)`
pub(super) fn dump(value: &Js) -> Result<String, Halt> {
    let mut dumper = Dumper { seen: BTreeSet::new() };
    let mut text = dumper.node(value, 0, true, false)?;
    text.push('\n');
    Ok(text)
}

struct Dumper {
    /// Lists and objects so far: one that comes twice would become an anchor.
    seen: BTreeSet<*const ()>,
}

impl Dumper {
    /// A value at a level; a collection that is not `compact` begins on a line of its own.
    fn node(&mut self, value: &Js, level: usize, compact: bool, key: bool) -> Result<String, Halt> {
        Ok(match value {
            Js::Null => "null".into(),
            Js::Bool(b) => b.to_string(),
            Js::Number(n) => float(*n),
            Js::String(text) => scalar(text, level, key),
            Js::Array(items) if items.is_empty() => "[]".into(),
            Js::Object(object) if object.len() == 0 => "{}".into(),
            Js::Array(items) => {
                self.first(Rc::as_ptr(items).cast())?;
                let mut out = String::new();
                for (i, item) in items.iter().enumerate() {
                    if i > 0 || !compact {
                        line(&mut out, level);
                    }
                    let item = self.node(item, level + 1, true, false)?;
                    out.push('-');
                    if !item.starts_with('\n') {
                        out.push(' ');
                    }
                    out.push_str(&item);
                }
                out
            }
            Js::Object(object) => {
                self.first(Rc::as_ptr(object).cast())?;
                let mut out = String::new();
                for (i, (name, value)) in object.entries().enumerate() {
                    if i > 0 || !compact {
                        line(&mut out, level);
                    }
                    let name = scalar(&name, level + 1, true);
                    if name.len() > MAX_KEY {
                        return Err(unmodelled("a very long key in YAML"));
                    }
                    let value = self.node(value, level + 1, false, false)?;
                    out.push_str(&name);
                    out.push(':');
                    if !value.starts_with('\n') {
                        out.push(' ');
                    }
                    out.push_str(&value);
                }
                out
            }
            Js::Undefined | Js::Bytes(_) => {
                return Err(unmodelled("a value that YAML has a tag for"));
            }
        })
    }

    fn first(&mut self, collection: *const ()) -> Result<(), Halt> {
        if self.seen.insert(collection) { Ok(()) } else { Err(unmodelled("YAML with anchors")) }
    }
}

fn line(out: &mut String, level: usize) {
    out.push('\n');
    for _ in 0..level {
        out.push_str("  ");
    }
}

fn float(n: f64) -> String {
    if n.is_nan() {
        return ".nan".into();
    }
    if n.is_infinite() {
        return if n > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    if n == 0.0 && n.is_sign_negative() {
        return "-0.0".into();
    }
    let text = number::to_text(n);
    // Without a point YAML 1.1 would see a text.
    match text.split_once('e') {
        Some((digits, exponent)) if n.fract() != 0.0 && !digits.contains('.') => {
            format!("{digits}.e{exponent}")
        }
        _ => text,
    }
}

fn scalar(text: &[u16], level: usize, key: bool) -> String {
    if text.is_empty() {
        return "''".into();
    }
    // Columns are counted in UTF-16 units, and of a pair no half is printable.
    if text.iter().any(|unit| *unit != 10 && !printable(*unit)) || (key && text.contains(&10)) {
        return double_quoted(text);
    }
    let Ok(string) = String::from_utf16(text) else { return double_quoted(text) };
    let indent = 2 * level.max(1);
    let width = LEAST_WIDTH.max(WIDTH.saturating_sub(indent));
    let foldable = |line: &str| units(line) > width && !line.starts_with(' ');
    let folded = !key && string.split('\n').any(foldable);
    if !folded && !string.contains('\n') {
        let plain = is_plain(&string) && !is_ambiguous(&string);
        return if plain { string } else { format!("'{}'", string.replace('\'', "''")) };
    }
    let mut out = String::from(if folded { ">" } else { "|" });
    if string.trim_start_matches('\n').starts_with(' ') {
        out.push('2');
    }
    if string.ends_with("\n\n") || string == "\n" {
        out.push('+');
    } else if !string.ends_with('\n') {
        out.push('-');
    }
    out.push('\n');
    let body = if folded { fold(&string, width) } else { string };
    let body = body.strip_suffix('\n').unwrap_or(&body);
    for (i, text) in body.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if !text.is_empty() {
            out.push_str(&" ".repeat(indent));
            out.push_str(text);
        }
    }
    out
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// What js-yaml writes without an escape. Halves of pairs are not among it.
fn printable(unit: u16) -> bool {
    matches!(unit, 0x20..=0x7e | 0xa1..=0x2027 | 0x202a..=0xd7ff | 0xe000..=0xfefe | 0xff00..=0xfffd)
}

/// Whether a line may stand without quotes, but for what it would be read as.
fn is_plain(text: &str) -> bool {
    const NOT_FIRST: &str = "-?:,[]{}#&*!|=>'\"%@` ";
    let Some(first) = text.chars().next() else { return false };
    if NOT_FIRST.contains(first) || text.ends_with(' ') {
        return false;
    }
    let mut before = ' ';
    text.chars().all(|c| {
        let safe = !",[]{}:".contains(c) && (c != '#' || before != ' ');
        before = c;
        safe
    })
}

/// Whether YAML 1.1 would read a plain text as something else than a text. Texts with a colon are
/// quoted before this is asked.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 31] = [
        "null", "Null", "NULL", "~", "true", "True", "TRUE", "false", "False", "FALSE", "<<", "y",
        "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
        "OFF", ".nan", ".NaN", ".NAN", "=",
    ];
    WORDS.contains(&text) || is_integer(text) || is_float(text) || is_date(text)
}

pub(super) fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

pub(super) fn is_integer(text: &str) -> bool {
    let text = unsigned(text);
    if text == "0" {
        return true;
    }
    let digits = |text: &str, radix: u32| {
        text.chars().all(|c| c == '_' || c.is_digit(radix))
            && text.chars().any(|c| c != '_')
            && !text.ends_with('_')
    };
    if let Some(rest) = text.strip_prefix("0b") {
        return digits(rest, 2);
    }
    if let Some(rest) = text.strip_prefix("0x") {
        return digits(rest, 16);
    }
    if text.starts_with('0') {
        return digits(text, 8);
    }
    !text.starts_with('_') && digits(text, 10)
}

pub(super) fn is_float(text: &str) -> bool {
    if text.ends_with('_') {
        return false;
    }
    let signless = unsigned(text);
    if matches!(signless, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match signless.find(['e', 'E']) {
        Some(at) => (signless.get(..at).unwrap_or_default(), signless.get(at + 1..)),
        None => (signless, None),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let digits = unsigned(exponent);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole_ok =
        whole == "0" || (whole.starts_with(|c: char| ('1'..='9').contains(&c)) && digits(whole));
    // `.5` has no sign.
    let bare = whole.is_empty() && signless == text && !rest.is_empty();
    exponent_ok && digits(rest) && (whole_ok || bare)
}

pub(super) fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2))
}

/// Breaks long lines at single blanks. An empty line more keeps the breaks that were there.
fn fold(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut indented = text.starts_with(['\n', ' ']);
    let mut rest = text;
    let end = rest.find('\n').unwrap_or(rest.len());
    fold_line(rest.get(..end).unwrap_or_default(), width, &mut out);
    rest = rest.get(end..).unwrap_or_default();
    while !rest.is_empty() {
        let line = rest.trim_start_matches('\n');
        out.push_str(rest.get(..rest.len() - line.len()).unwrap_or_default());
        let end = line.find('\n').unwrap_or(line.len());
        let now = line.get(..end).unwrap_or_default();
        let more_indented = now.starts_with(' ');
        if !indented && !more_indented && !now.is_empty() {
            out.push('\n');
        }
        fold_line(now, width, &mut out);
        indented = more_indented;
        rest = line.get(end..).unwrap_or_default();
    }
    out
}

fn fold_line(line: &str, width: usize, out: &mut String) {
    let line: Vec<char> = line.chars().collect();
    let text = |from: usize, to: usize| line.get(from..to).unwrap_or_default().iter();
    if line.is_empty() || line.first() == Some(&' ') {
        out.extend(line);
        return;
    }
    // Where a blank stands before something else: the last one that fits, and the one after.
    let (mut start, mut fits) = (0, 0);
    let mut at = 0;
    while at + 1 < line.len() {
        if line.get(at) == Some(&' ') && line.get(at + 1) != Some(&' ') {
            if at - start > width {
                let end = if fits > start { fits } else { at };
                out.extend(text(start, end));
                out.push('\n');
                start = end + 1;
            }
            fits = at;
            at += 1;
        }
        at += 1;
    }
    if line.len() - start > width && fits > start {
        out.extend(text(start, fits));
        out.push('\n');
        start = fits + 1;
    }
    out.extend(text(start, line.len()));
}

fn double_quoted(text: &[u16]) -> String {
    let mut out = String::from('"');
    let escape = |out: &mut String, code: u32| {
        // Writing to a String does not fail.
        let _ = match code {
            0..=0xff => write!(out, "\\x{code:02X}"),
            0x100..=0xffff => write!(out, "\\u{code:04X}"),
            _ => write!(out, "\\U{code:08X}"),
        };
    };
    for point in char::decode_utf16(text.iter().copied()) {
        let c = match point {
            Ok(c) => c,
            Err(half) => {
                escape(&mut out, u32::from(half.unpaired_surrogate()));
                continue;
            }
        };
        let short = match c {
            '\0' => "\\0",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\u{b}' => "\\v",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\u{1b}' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        if !short.is_empty() {
            out.push_str(short);
        } else if u16::try_from(u32::from(c)).is_ok_and(printable) {
            out.push(c);
        } else {
            escape(&mut out, u32::from(c));
        }
    }
    out.push('"');
    out
}
