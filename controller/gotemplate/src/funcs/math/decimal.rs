//! Functions that count in decimal numbers, as shopspring/decimal does.

use num_bigint::{BigInt, Sign};

use super::{any, rest, to_float64};
use crate::error::Message;
use crate::fmt::not_finite;
use crate::funcs::{Call, Failure};
use crate::value::Value;

/// Digits after the point that a division yields.
const PRECISION: i64 = 16;

/// `coefficient * 10^exponent`
struct Decimal {
    coefficient: BigInt,
    exponent: i64,
}

type Operation = fn(&Decimal, &Decimal) -> Result<Decimal, Failure>;

pub(super) fn add1(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    combined(call, any(arguments, 0), &[Value::int(1)], Decimal::plus)
}

pub(super) fn add(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    combined(call, &Value::Float(0.0), arguments, Decimal::plus)
}

pub(super) fn sub(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    combined(call, any(arguments, 0), rest(arguments, 1), Decimal::minus)
}

pub(super) fn mul(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    combined(call, any(arguments, 0), rest(arguments, 1), Decimal::times)
}

pub(super) fn div(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    combined(call, any(arguments, 0), rest(arguments, 1), Decimal::divided_by)
}

fn combined(
    call: &mut Call<'_>,
    first: &Value,
    others: &[Value],
    operation: Operation,
) -> Result<Value, Failure> {
    let mut result = Decimal::new(to_float64(first))?;
    for other in others {
        let other = Decimal::new(to_float64(other))?;
        call.work(usize::try_from(result.coefficient.bits() / 64).unwrap_or(usize::MAX))?;
        result = operation(&result, &other)?;
    }
    Ok(Value::Float(result.to_float()))
}

impl Decimal {
    /// The shortest decimal that is this float.
    fn new(number: f64) -> Result<Self, Failure> {
        if let Some(name) = not_finite(number) {
            let message = Message::from("Cannot create a Decimal from ").secret(name);
            return Err(message.into());
        }
        let text = goyaml::float::scientific(number);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i64 = format!("{whole}{fraction}").parse().unwrap_or_default();
        let exponent: i64 = exponent.parse().unwrap_or_default();
        let exponent = exponent - i64::try_from(fraction.len()).unwrap_or_default();
        Ok(Self { coefficient: digits.into(), exponent })
    }

    fn to_float(&self) -> f64 {
        format!("{}e{}", self.coefficient, self.exponent).parse().unwrap_or_default()
    }

    /// The coefficient for a smaller exponent.
    fn at(&self, exponent: i64) -> BigInt {
        let places = u32::try_from(self.exponent - exponent).unwrap_or_default();
        &self.coefficient * BigInt::from(10).pow(places)
    }

    fn plus(&self, other: &Self) -> Result<Self, Failure> {
        let exponent = self.exponent.min(other.exponent);
        Ok(Self { coefficient: self.at(exponent) + other.at(exponent), exponent })
    }

    fn minus(&self, other: &Self) -> Result<Self, Failure> {
        let exponent = self.exponent.min(other.exponent);
        Ok(Self { coefficient: self.at(exponent) - other.at(exponent), exponent })
    }

    fn times(&self, other: &Self) -> Result<Self, Failure> {
        let exponent = self.exponent + other.exponent;
        if i32::try_from(exponent).is_err() {
            let text = format!("exponent {exponent} overflows an int32!");
            return Err(Failure::Error(text.into()));
        }
        Ok(Self { coefficient: &self.coefficient * &other.coefficient, exponent })
    }

    /// Rounds the last digit half away from zero.
    fn divided_by(&self, other: &Self) -> Result<Self, Failure> {
        if other.coefficient.sign() == Sign::NoSign {
            return Err("decimal division by 0".into());
        }
        let shift = self.exponent - other.exponent + PRECISION;
        let (dividend, divisor) = if shift < 0 {
            let scale = BigInt::from(10).pow(u32::try_from(-shift).unwrap_or_default());
            (self.coefficient.clone(), &other.coefficient * scale)
        } else {
            let scale = BigInt::from(10).pow(u32::try_from(shift).unwrap_or_default());
            (&self.coefficient * scale, other.coefficient.clone())
        };
        let mut quotient = &dividend / &divisor;
        let remainder = &dividend - &quotient * &divisor;
        if remainder.magnitude() * 2_u32 >= *divisor.magnitude() {
            if dividend.sign() == divisor.sign() {
                quotient += 1;
            } else {
                quotient -= 1;
            }
        }
        Ok(Self { coefficient: quotient, exponent: -PRECISION })
    }
}
