//! Padding, integers and strings: what the verbs have in common.

use super::float::format_float;
use super::quote::{can_backquote, quote, quote_ascii, quote_rune};
use crate::funcs::{Call, Failure};
use crate::limits::LimitExceeded;
use crate::runes::{ERROR, indices, is_print};

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "these are Go's flags")]
pub(super) struct Flags {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v` rather than the `+` of other verbs.
    pub(super) plus_v: bool,
    /// `%#v` rather than the `#` of other verbs.
    pub(super) sharp_v: bool,
    /// Inside of `%!v(...)`, where no `String` method is called.
    pub(super) erroring: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// Writes values to a buffer that may not grow above a limit. Reaching a limit stops it, and what
/// it wrote so far is of no use.
pub(super) struct Printer {
    output: Vec<u8>,
    limit: usize,
    exceeds: LimitExceeded,
    stopped: Option<LimitExceeded>,
    start: usize,
    pub(super) flags: Flags,
}

impl Printer {
    pub(super) fn new(output: Vec<u8>, limit: usize, exceeds: LimitExceeded) -> Self {
        let start = output.len();
        Self { output, limit, exceeds, stopped: None, start, flags: Flags::default() }
    }

    /// For a value that a function makes.
    pub(super) fn within(call: &Call<'_>) -> Self {
        Self::new(Vec::new(), *call.value_bytes_left, LimitExceeded::Values)
    }

    pub(super) fn finish(self, call: &mut Call<'_>) -> Result<Vec<u8>, Failure> {
        if let Some(stopped) = self.stopped {
            return Err(Failure::Limit(stopped));
        }
        call.reserve(self.output.len())?;
        Ok(self.output)
    }

    /// The buffer; as it was before when a limit was reached.
    pub(super) fn into_parts(mut self) -> (Vec<u8>, Option<LimitExceeded>) {
        if self.stopped.is_some() {
            self.output.truncate(self.start);
        }
        (self.output, self.stopped)
    }

    pub(super) const fn stopped(&self) -> bool {
        self.stopped.is_some()
    }

    pub(super) fn stop(&mut self, limit: LimitExceeded) {
        self.stopped.get_or_insert(limit);
    }

    /// Whether `bytes` more may be written.
    fn allows(&mut self, bytes: usize) -> bool {
        if bytes > self.limit.saturating_sub(self.output.len()) {
            self.stop(self.exceeds);
        }
        !self.stopped()
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.allows(bytes.len()) {
            self.output.extend_from_slice(bytes);
        }
    }

    fn put_repeated(&mut self, byte: u8, count: usize) {
        if self.allows(count) {
            self.output.resize(self.output.len() + count, byte);
        }
    }

    /// Padding of the kind that the flags ask for.
    fn padding(&mut self, count: usize) {
        let zero = self.flags.zero && !self.flags.minus;
        self.put_repeated(if zero { b'0' } else { b' ' }, count);
    }

    /// `text`, padded to the width.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let Some(width) = self.flags.width.filter(|width| *width > 0) else {
            return self.put(text);
        };
        let missing = width.saturating_sub(character_count(text));
        if self.flags.minus {
            self.put(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.put(text);
        }
    }

    /// As [`Self::pad`], never with zeros.
    fn pad_with_spaces(&mut self, text: &[u8]) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text);
        self.flags.zero = zero;
    }

    /// `%s`
    pub(super) fn string(&mut self, text: &[u8]) {
        self.pad(self.truncated(text));
    }

    /// `%q`, and `%#v` of a string.
    pub(super) fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        // A quoted text may be four times as long, and what is refused should not be made first.
        if !self.allows(text.len()) {
            return;
        }
        if self.flags.sharp && can_backquote(text) {
            self.pad(&[b"`", text, b"`"].concat());
        } else if self.flags.plus {
            self.pad(quote_ascii(text).as_bytes());
        } else {
            self.pad(quote(text).as_bytes());
        }
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else { return text };
        let end = indices(text).nth(precision).map_or(text.len(), |(at, ..)| at);
        text.get(..end).unwrap_or(text)
    }

    /// `%x` and `%X` of a string.
    pub(super) fn hexadecimal(&mut self, text: &[u8], upper: bool) {
        let length = self.flags.precision.map_or(text.len(), |precision| precision.min(text.len()));
        if length == 0 {
            return self.padding(self.flags.width.unwrap_or_default());
        }
        let Flags { space, sharp, minus, .. } = self.flags;
        let width = match (space, sharp) {
            (true, true) => length * 4 + length - 1,
            (true, false) => length * 2 + length - 1,
            (false, true) => length * 2 + 2,
            (false, false) => length * 2,
        };
        if !self.allows(width) {
            return;
        }
        let missing = self.flags.width.map_or(0, |wanted| wanted.saturating_sub(width));
        if !minus {
            self.padding(missing);
        }
        let prefix: &[u8] = if upper { b"0X" } else { b"0x" };
        for (index, byte) in text.iter().take(length).enumerate() {
            if space && index > 0 {
                self.put(b" ");
            }
            if sharp && (space || index == 0) {
                self.put(prefix);
            }
            self.put(&[hex_digit(byte >> 4, upper), hex_digit(byte & 15, upper)]);
        }
        if minus {
            self.padding(missing);
        }
    }

    /// An integer in some base. `number` holds the bits of a signed one too.
    pub(super) fn integer(&mut self, number: u64, base: u64, signed: bool, verb: char) {
        let negative = signed && number.cast_signed() < 0;
        let number = if negative { number.wrapping_neg() } else { number };
        let Flags { plus, space, sharp, .. } = self.flags;
        let digits_wanted = match (self.flags.precision, self.flags.width) {
            (Some(0), width) if number == 0 => {
                return self.put_repeated(b' ', width.unwrap_or_default());
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if self.flags.zero && !self.flags.minus => {
                width.saturating_sub(usize::from(negative || plus || space))
            }
            _ => 0,
        };
        let digits = digits_of(number, base, verb == 'X');
        let zeros = digits_wanted.saturating_sub(digits.len());

        let mut text = Vec::with_capacity(4 + digits.len());
        if negative {
            text.push(b'-');
        } else if plus {
            text.push(b'+');
        } else if space {
            text.push(b' ');
        }
        if verb == 'O' {
            text.extend_from_slice(b"0o");
        }
        if sharp {
            match base {
                2 => text.extend_from_slice(b"0b"),
                8 if zeros == 0 && number != 0 => text.push(b'0'),
                16 => text.extend_from_slice(if verb == 'X' { b"0X" } else { b"0x" }),
                _ => {}
            }
        }
        if !self.allows(zeros) {
            return;
        }
        text.resize(text.len() + zeros, b'0');
        text.extend_from_slice(&digits);
        self.pad_with_spaces(&text);
    }

    /// `%c`
    pub(super) fn character(&mut self, number: u64) {
        self.pad(character_of(number).encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `%q` of an integer.
    pub(super) fn quoted_character(&mut self, number: u64) {
        self.pad(quote_rune(character_of(number), self.flags.plus).as_bytes());
    }

    /// `%U`
    pub(super) fn code_point(&mut self, number: u64) {
        let digits = digits_of(number, 16, true);
        let wanted = self.flags.precision.unwrap_or_default().max(4);
        let zeros = wanted.saturating_sub(digits.len());
        if !self.allows(zeros) {
            return;
        }
        let mut text = b"U+".to_vec();
        text.resize(text.len() + zeros, b'0');
        text.extend_from_slice(&digits);
        if self.flags.sharp
            && let Some(c) = u32::try_from(number).ok().and_then(char::from_u32)
            && is_print(c)
        {
            text.extend_from_slice(format!(" '{c}'").as_bytes());
        }
        self.pad_with_spaces(&text);
    }

    /// A float; `precision` is what the verb has without one in the format.
    pub(super) fn float(&mut self, number: f64, verb: u8, precision: Option<usize>) {
        let precision = self.flags.precision.or(precision);
        if !self.allows(precision.unwrap_or_default()) {
            return;
        }
        let Flags { plus, space, minus, zero, .. } = self.flags;
        let mut text = format_float(number, verb, precision);
        if !matches!(text.first(), Some(b'-' | b'+')) {
            text.insert(0, b'+');
        }
        if space && !plus && text.first() == Some(&b'+') {
            text.splice(..1, *b" ");
        }
        if !number.is_finite() {
            if number.is_nan() && !space && !plus {
                text.remove(0);
            }
            return self.pad_with_spaces(&text);
        }
        if self.flags.sharp && verb != b'b' {
            keep_zeros(&mut text, verb, precision);
        }
        if !plus && text.first() == Some(&b'+') {
            text.remove(0);
            return self.pad(&text);
        }
        match self.flags.width {
            // The sign stands before the zeros.
            Some(width) if zero && !minus && width > text.len() => {
                self.put(text.get(..1).unwrap_or_default());
                self.padding(width - text.len());
                self.put(text.get(1..).unwrap_or_default());
            }
            _ => self.pad(&text),
        }
    }
}

/// The `#` flag: a decimal point always, and the zeros that `%g` leaves out.
fn keep_zeros(text: &mut Vec<u8>, verb: u8, precision: Option<usize>) {
    let mut missing = match verb {
        b'g' | b'G' | b'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let hexadecimal = matches!(verb, b'x' | b'X');
    let is_exponent = |byte: &u8| match byte {
        b'p' | b'P' => true,
        b'e' | b'E' => !hexadecimal,
        _ => false,
    };
    let end = text.iter().position(is_exponent).unwrap_or(text.len());
    let exponent = text.split_off(end);
    let mut seen_nonzero = false;
    let mut has_point = false;
    for byte in text.iter().skip(1) {
        if *byte == b'.' {
            has_point = true;
            continue;
        }
        seen_nonzero |= *byte != b'0';
        if seen_nonzero {
            missing = missing.saturating_sub(1);
        }
    }
    if !has_point {
        if text.get(1..) == Some(b"0") {
            missing = missing.saturating_sub(1);
        }
        text.push(b'.');
    }
    text.resize(text.len() + missing, b'0');
    text.extend_from_slice(&exponent);
}

fn digits_of(mut number: u64, base: u64, upper: bool) -> Vec<u8> {
    let mut digits = Vec::with_capacity(20);
    loop {
        let digit = u8::try_from(number % base).unwrap_or_default();
        digits.push(hex_digit(digit, upper));
        number /= base;
        if number == 0 {
            break;
        }
    }
    digits.reverse();
    digits
}

const fn hex_digit(digit: u8, upper: bool) -> u8 {
    match digit {
        0..=9 => b'0' + digit,
        _ if upper => b'A' - 10 + digit,
        _ => b'a' - 10 + digit,
    }
}

fn character_of(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(ERROR)
}

/// Go's `utf8.RuneCount`: a byte that is not UTF-8 counts as one.
fn character_count(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    indices(text).count()
}
