//! The format of `printf`.

use super::format::{Flags, Printer};
use crate::runes::decode;
use crate::value::Value;

/// Go takes no width and no precision above this.
const LARGEST: u64 = 1_000_000;

/// Where `printf` stands in its format and among its arguments.
struct Place<'a> {
    format: &'a [u8],
    at: usize,
    values: &'a [Value],
    argument: usize,
    /// Some directive chose its argument by number.
    reordered: bool,
    /// The current directive's choice is valid.
    good_number: bool,
}

impl Printer {
    /// Writes `format` with its directives replaced.
    pub(super) fn printf(&mut self, format: &[u8], values: &[Value]) {
        let mut place =
            Place { format, at: 0, values, argument: 0, reordered: false, good_number: true };
        while !self.stopped() {
            let rest = place.rest();
            let text = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.put(rest.get(..text).unwrap_or_default());
            place.at += text;
            if place.peek().is_none() {
                break;
            }
            place.at += 1;
            self.directive(&mut place);
        }
        self.flags = Flags::default();
        if !place.reordered && place.argument < values.len() {
            self.put(b"%!(EXTRA ");
            for (index, value) in values.iter().skip(place.argument).enumerate() {
                if index > 0 {
                    self.put(b", ");
                }
                if matches!(value, Value::Nil | Value::Absent) {
                    self.put(b"<nil>");
                } else {
                    self.put(value.type_name().as_bytes());
                    self.put(b"=");
                    self.arg(value, 'v');
                }
            }
            self.put(b")");
        }
    }

    /// What follows a `%`.
    fn directive(&mut self, place: &mut Place<'_>) {
        self.flags = Flags::default();
        place.good_number = true;
        while let Some(byte) = place.peek() {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            place.at += 1;
        }

        let mut after_number = place.argument_number();
        if place.peek() == Some(b'*') {
            place.at += 1;
            match place.integer_argument() {
                Some(width) => {
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                    self.flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.put(b"%!(BADWIDTH)"),
            }
            after_number = false;
        } else {
            self.flags.width = place.number();
            if after_number && self.flags.width.is_some() {
                place.good_number = false;
            }
        }

        if place.peek() == Some(b'.') && place.at + 1 < place.format.len() {
            place.at += 1;
            if after_number {
                place.good_number = false;
            }
            after_number = place.argument_number();
            if place.peek() == Some(b'*') {
                place.at += 1;
                self.flags.precision =
                    place.integer_argument().and_then(|number| usize::try_from(number).ok());
                if self.flags.precision.is_none() {
                    self.put(b"%!(BADPREC)");
                }
                after_number = false;
            } else {
                self.flags.precision = Some(place.number().unwrap_or_default());
            }
        }
        if !after_number {
            place.argument_number();
        }

        let (verb, width) = decode(place.rest());
        if width == 0 {
            self.put(b"%!(NOVERB)");
            return;
        }
        place.at += width;
        if verb == '%' {
            self.put(b"%");
        } else if !place.good_number {
            self.complain(verb, b"(BADINDEX)");
        } else if let Some(value) = place.values.get(place.argument) {
            if matches!(verb, 'v' | 'w') {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            self.arg(value, verb);
            place.argument += 1;
        } else {
            self.complain(verb, b"(MISSING)");
        }
    }

    fn complain(&mut self, verb: char, what: &[u8]) {
        self.put(b"%!");
        self.put(verb.encode_utf8(&mut [0; 4]).as_bytes());
        self.put(what);
    }
}

impl<'a> Place<'a> {
    fn rest(&self) -> &'a [u8] {
        self.format.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Digits, if there are any. Too large a number swallows the rest of the format, as in Go.
    fn number(&mut self) -> Option<usize> {
        let mut rest = self.rest();
        let (number, left) = leading_number(&mut rest);
        self.at = self.format.len() - if left { rest.len() } else { 0 };
        number
    }

    /// `[2]`: the number of the argument to use. Whether there was a valid one.
    fn argument_number(&mut self) -> bool {
        let rest = self.rest();
        if rest.first() != Some(&b'[') {
            return false;
        }
        self.reordered = true;
        let end = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(end) = end else {
            self.at += 1;
            self.good_number = false;
            return false;
        };
        self.at += end + 1;
        let mut digits = rest.get(1..end).unwrap_or_default();
        let (number, complete) = leading_number(&mut digits);
        let number = number.filter(|_| complete && digits.is_empty());
        match number.map(|number| number.checked_sub(1)) {
            Some(Some(index)) if index < self.values.len() => {
                self.argument = index;
                true
            }
            found => {
                self.good_number = false;
                found.is_some()
            }
        }
    }

    /// The argument for a `*`.
    fn integer_argument(&mut self) -> Option<i64> {
        let value = self.values.get(self.argument)?;
        self.argument += 1;
        let number = match value {
            Value::Int(number, _) | Value::Duration(number) => *number,
            Value::Uint(number, _) => i64::try_from(*number).ok()?,
            Value::Object(object) => object.integer()?,
            _ => return None,
        };
        (number.unsigned_abs() <= LARGEST).then_some(number)
    }
}

/// Takes the digits that `text` begins with. The second result is false for a number too large.
fn leading_number(text: &mut &[u8]) -> (Option<usize>, bool) {
    let mut number = None;
    while let [digit @ b'0'..=b'9', rest @ ..] = text {
        let so_far: u64 = number.unwrap_or_default();
        if so_far > LARGEST {
            return (None, false);
        }
        number = Some(so_far * 10 + u64::from(digit - b'0'));
        *text = rest;
    }
    (number.and_then(|number| usize::try_from(number).ok()), true)
}
