//! Semantic versions, as Masterminds/semver 3.4 reads and compares them.

mod constraint;
mod version;

use super::arguments::{any, text};
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::value::{Object as _, Value};

use constraint::Constraint;
use version::Version;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Type::String], semver),
    Function::new("semverCompare", &[Type::String, Type::String], semver_compare),
];

const OTHER: &[Type] = &[Type::Version];

/// The methods of a version that take another one.
pub(super) const METHODS: &[Function] = &[
    Function::new("Compare", OTHER, |_, arguments| {
        compared(arguments, |order| Value::int(order as i64))
    }),
    Function::new("Equal", OTHER, |_, arguments| {
        if version(any(arguments, 1)).is_none() {
            return Ok(Value::Bool(false));
        }
        compared(arguments, |order| Value::Bool(order.is_eq()))
    }),
    Function::new("GreaterThan", OTHER, |_, arguments| {
        compared(arguments, |order| Value::Bool(order.is_gt()))
    }),
    Function::new("GreaterThanEqual", OTHER, |_, arguments| {
        compared(arguments, |order| Value::Bool(order.is_ge()))
    }),
    Function::new("LessThan", OTHER, |_, arguments| {
        compared(arguments, |order| Value::Bool(order.is_lt()))
    }),
    Function::new("LessThanEqual", OTHER, |_, arguments| {
        compared(arguments, |order| Value::Bool(order.is_le()))
    }),
];

fn version(value: &Value) -> Option<&Version> {
    match value {
        Value::Object(object) => object.as_any().downcast_ref(),
        _ => None,
    }
}

/// Whether a value has the methods of a pointer to a version.
pub(super) fn is_version(value: &Value) -> bool {
    version(value).is_some_and(Version::is_pointer)
}

/// The fields that Go does not let a template see.
pub(super) fn unusable(value: &Value, name: &str) -> Option<String> {
    let version = version(value)?;
    let hidden = ["major", "minor", "patch", "pre", "metadata", "original"].contains(&name);
    let of = version.type_name();
    hidden.then(|| format!("{name} is an unexported field of struct type {of}"))
}

fn compared(
    arguments: &[Value],
    result: fn(std::cmp::Ordering) -> Value,
) -> Result<Value, Failure> {
    match (version(any(arguments, 0)), version(any(arguments, 1))) {
        (Some(this), Some(other)) => Ok(result(this.compare(other))),
        _ => Err("runtime error: invalid memory address or nil pointer dereference".into()),
    }
}

fn parse(call: &Call<'_>, text: &[u8]) -> Result<Version, Failure> {
    Version::parse(text).map_err(|error| error.message(!call.literal).into())
}

fn semver(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = text(arguments, 0);
    call.work(text.len() / 16)?;
    call.reserve(text.len() * 2)?;
    Ok(Value::Object(std::rc::Rc::new(parse(call, text)?)))
}

fn semver_compare(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (constraint, version) = (text(arguments, 0), text(arguments, 1));
    // Ranges in a constraint are replaced one by one.
    let ranges = memchr::memchr_iter(b'-', constraint).count();
    call.work(version.len() / 16 + constraint.len().saturating_mul(ranges + 1) / 16)?;
    let constraint = Constraint::parse(constraint).map_err(|error| match error {
        constraint::Error::Improper(part) => {
            let message = Message::from("improper constraint: ");
            super::arguments::shown(call, message, part)
        }
        constraint::Error::Parser => "constraint parser error".into(),
    })?;
    Ok(Value::Bool(constraint.check(&parse(call, version)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(constraint: &str, version: &str) -> bool {
        let version = Version::parse(version.as_bytes()).unwrap();
        Constraint::parse(constraint.as_bytes()).unwrap().check(&version)
    }

    #[test]
    fn understands_constraints() {
        for (constraint, version, holds) in [
            ("^1.2", "1.9.0", true),
            ("^0.2", "0.3.0", false),
            ("~1.2.3", "1.3.0", false),
            ("1.2 - 2.3.4", "2.3.5", false),
            (">=1, <2 || 3.x", "3.4.5", true),
            ("*", "1.0.0-beta", false),
            (">=1.0.0-0", "1.0.0-beta", true),
            ("!=1.2.x", "1.2.9", false),
        ] {
            assert_eq!(check(constraint, version), holds, "{constraint} {version}");
        }
        assert!(Constraint::parse(b"").is_err());
        assert!(Constraint::parse(b"=>a").is_err());
    }

    #[test]
    fn orders_prereleases() {
        let order = ["1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a", "1.0.0-a.1", "1.0.0", "v1.0.1"];
        for pair in order.windows(2) {
            let [low, high] = pair else { continue };
            let low = Version::parse(low.as_bytes()).unwrap();
            assert!(low.compare(&Version::parse(high.as_bytes()).unwrap()).is_lt());
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(constraint in "[0-9xX*.<>=~^|, -]{0,30}|.{0,10}", version in ".{0,20}") {
            if let (Ok(constraint), Ok(version)) = (
                Constraint::parse(constraint.as_bytes()),
                Version::parse(version.as_bytes()),
            ) {
                constraint.check(&version);
            }
        }
    }
}
