//! Constants: Go's numbers without a type, which become what the place asks for.

use crate::ast::Number;
use crate::error::Message;
use crate::fmt::quote;
use crate::lex::{Item, Kind};
use crate::strconv::{parse_float, parse_int, parse_uint, unquote_char};

/// Why a word is no constant.
pub(super) enum NumberError {
    /// Go's reason.
    Invalid(Message),
    /// Go knows complex numbers, and nothing that a Secret is made of needs them.
    Complex,
}

pub(super) fn number(item: Item<'_>) -> Result<Number, NumberError> {
    let mut number =
        Number { pos: item.pos, int: None, uint: None, float: None, text: item.text.to_owned() };
    match item.kind {
        Kind::CharConstant => {
            let code = character(item.text)?;
            number.int = Some(code.into());
            number.uint = Some(code.into());
            number.float = Some(code.into());
            return Ok(number);
        }
        Kind::Complex => return Err(NumberError::Complex),
        _ => {}
    }
    if item.text.strip_suffix(b"i").is_some_and(|real| parse_float(real).is_ok()) {
        return Err(NumberError::Complex);
    }
    number.uint = parse_uint(item.text, 0).ok();
    number.int = parse_int(item.text, 0).ok();
    if number.int == Some(0) {
        // `-0` and `+0`, which are no unsigned numbers to `strconv`.
        number.uint = Some(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "as in Go")]
    let exact = number.int.map(|i| i as f64).or(number.uint.map(|u| u as f64));
    number.float = exact;
    if exact.is_some() {
        return Ok(number);
    }
    let Ok(float) = parse_float(item.text) else {
        return Err(invalid("illegal number syntax: ", item.text));
    };
    // It looks like an integer and is none, so it is too large for one.
    if !item.text.iter().any(|byte| b".eEpP".contains(byte)) {
        return Err(invalid("integer overflow: ", item.text));
    }
    number.float = Some(float);
    number.int = whole(float);
    number.uint = whole_unsigned(float);
    Ok(number)
}

/// The number of the character in a character constant.
fn character(quoted: &[u8]) -> Result<u32, NumberError> {
    let syntax = || NumberError::Invalid("invalid syntax".into());
    let inner = quoted.strip_prefix(b"'").ok_or_else(syntax)?;
    let (unit, tail) = unquote_char(inner, b'\'').ok_or_else(syntax)?;
    if tail != b"'" {
        let what = Message::from("malformed character constant: ").secret(quoted);
        return Err(NumberError::Invalid(what));
    }
    Ok(unit.number())
}

fn invalid(what: &str, text: &[u8]) -> NumberError {
    NumberError::Invalid(Message::from(what).secret(quote(text)))
}

/// The integer that a float is, if it is one. 2^63 is none, as on amd64.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range and whole")]
fn whole(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float)).then_some(float as i64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range and whole"
)]
fn whole_unsigned(float: f64) -> Option<u64> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    (float.fract() == 0.0 && (0.0..LIMIT).contains(&float)).then_some(float as u64)
}
