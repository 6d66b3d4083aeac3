//! Functions on numbers.

use super::arguments::{any, int, rest, text};
use super::strings::Random;
use super::{Call, Failure, Function, Type};
use crate::fmt;
use crate::strconv::{NumberError, parse_int};
use crate::value::Value;

pub(super) mod cast;
mod decimal;

use Type::{Any, Float64, Int, String};
use cast::{to_float64, to_int64};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("add", &[], Any, add),
    Function::new("add1", &[Any], add1),
    Function::new("add1f", &[Any], decimal::add1),
    Function::variadic("addf", &[], Any, decimal::add),
    Function::new("atoi", &[String], atoi),
    Function::variadic("biggest", &[Any], Any, max),
    Function::new("ceil", &[Any], ceil),
    Function::new("div", &[Any, Any], div),
    Function::variadic("divf", &[Any], Any, decimal::div),
    Function::new("float64", &[Any], float64),
    Function::new("floor", &[Any], floor),
    Function::new("int", &[Any], to_int),
    Function::new("int64", &[Any], int64),
    Function::variadic("max", &[Any], Any, max),
    Function::variadic("maxf", &[Any], Any, maxf),
    Function::variadic("min", &[Any], Any, min),
    Function::variadic("minf", &[Any], Any, minf),
    Function::new("mod", &[Any, Any], modulo),
    Function::variadic("mul", &[Any], Any, mul),
    Function::variadic("mulf", &[Any], Any, decimal::mul),
    Function::new("randInt", &[Int, Int], rand_int),
    Function::variadic("round", &[Any, Int], Float64, round),
    Function::new("sub", &[Any, Any], sub),
    Function::variadic("subf", &[Any], Any, decimal::sub),
    Function::new("toDecimal", &[Any], to_decimal),
];

const DIVIDED_BY_ZERO: &str = "runtime error: integer divide by zero";

/// `strconv.Atoi` without its error: what is out of range is the nearest number.
fn atoi(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = text(arguments, 0);
    Ok(Value::int(match parse_int(text, 10) {
        Ok(number) => number,
        Err(NumberError::Syntax) => 0,
        Err(NumberError::Range) if text.starts_with(b"-") => i64::MIN,
        Err(NumberError::Range) => i64::MAX,
    }))
}

fn to_int(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::int(to_int64(any(arguments, 0))))
}

fn int64(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::int64(to_int64(any(arguments, 0))))
}

fn float64(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Float(to_float64(any(arguments, 0))))
}

/// Reads the text of any value as an octal number.
fn to_decimal(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = fmt::display(call, any(arguments, 0))?;
    Ok(Value::int64(parse_int(&text, 8).unwrap_or_default()))
}

/// Combines all arguments from the left.
fn combined(arguments: &[Value], combine: impl Fn(i64, i64) -> i64) -> Value {
    Value::int64(arguments.iter().map(to_int64).reduce(combine).unwrap_or_default())
}

fn add(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(combined(arguments, i64::wrapping_add))
}

fn mul(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(combined(arguments, i64::wrapping_mul))
}

fn sub(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(combined(arguments, i64::wrapping_sub))
}

fn max(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(combined(arguments, i64::max))
}

fn min(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(combined(arguments, i64::min))
}

fn add1(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::int64(to_int64(any(arguments, 0)).wrapping_add(1)))
}

fn div(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match (to_int64(any(arguments, 0)), to_int64(any(arguments, 1))) {
        (_, 0) => Err(DIVIDED_BY_ZERO.into()),
        (a, b) => Ok(Value::int64(a.wrapping_div(b))),
    }
}

fn modulo(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match (to_int64(any(arguments, 0)), to_int64(any(arguments, 1))) {
        (_, 0) => Err(DIVIDED_BY_ZERO.into()),
        (a, b) => Ok(Value::int64(a.wrapping_rem(b))),
    }
}

fn rand_int(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (min, max) = (int(arguments, 0), int(arguments, 1));
    let Ok(bound @ 1..) = u64::try_from(max.wrapping_sub(min)) else {
        return Err("invalid argument to Intn".into());
    };
    let number = Random::new(call.environment).below(bound);
    Ok(Value::int(min.wrapping_add_unsigned(number)))
}

fn maxf(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let numbers = arguments.iter().map(to_float64);
    Ok(Value::Float(numbers.reduce(go_max).unwrap_or_default()))
}

fn minf(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let numbers = arguments.iter().map(to_float64);
    Ok(Value::Float(numbers.reduce(|a, b| -go_max(-a, -b)).unwrap_or_default()))
}

/// Go's `math.Max`: infinity beats a NaN, a NaN beats numbers, and 0 beats -0.
fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

fn ceil(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Float(to_float64(any(arguments, 0)).ceil()))
}

fn floor(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Float(to_float64(any(arguments, 0)).floor()))
}

fn round(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let number = to_float64(any(arguments, 0));
    let up_from = rest(arguments, 2).first().map_or(0.5, to_float64);
    let power = power_of_ten(int(arguments, 1));
    let digits = power * number;
    let fraction = digits - digits.trunc();
    let whole = if fraction >= up_from { digits.ceil() } else { digits.floor() };
    Ok(Value::Float(whole / power))
}

/// Go's `math.Pow(10, exponent)`: squares and multiplies, and so is not exact for large exponents.
fn power_of_ten(exponent: i64) -> f64 {
    let negative = exponent < 0;
    #[expect(clippy::cast_precision_loss, reason = "Go converts the exponent too")]
    let exponent = exponent as f64;
    let mut left = match exponent.abs() {
        too_large if too_large >= 9_223_372_036_854_775_808.0 => {
            return if negative { 0.0 } else { f64::INFINITY };
        }
        exponent => cast::truncated(exponent),
    };
    // 10 is 0.625 * 2^4: the fraction and the power of two are raised apart.
    let (mut fraction, mut shift) = (0.625_f64, 4_i64);
    let (mut result, mut result_shift) = (1.0_f64, 0_i64);
    while left != 0 {
        if shift.abs() > 1 << 12 {
            result_shift += shift;
            break;
        }
        if left & 1 == 1 {
            result *= fraction;
            result_shift += shift;
        }
        fraction *= fraction;
        shift <<= 1;
        if fraction < 0.5 {
            fraction += fraction;
            shift -= 1;
        }
        left >>= 1;
    }
    if negative {
        result = 1.0 / result;
        result_shift = -result_shift;
    }
    scaled(result, result_shift)
}

/// Go's `math.Ldexp` for normal numbers: `number * 2^shift`.
fn scaled(number: f64, shift: i64) -> f64 {
    const EXPONENT: u64 = 0x7FF << 52;
    let bits = number.to_bits();
    let mut exponent = ((bits & EXPONENT) >> 52).cast_signed() - 1023 + shift;
    let mut factor = 1.0;
    if exponent < -1075 {
        return 0.0;
    }
    if exponent < -1022 {
        exponent += 53;
        factor = f64::EPSILON / 2.0;
    }
    match u64::try_from(exponent + 1023) {
        Ok(exponent @ 0..=2046) => factor * f64::from_bits(bits & !EXPONENT | exponent << 52),
        _ => f64::INFINITY,
    }
}
