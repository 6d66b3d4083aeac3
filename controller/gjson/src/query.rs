//! Whether a value matches the condition of a query.

use std::borrow::Cow;

use crate::limits::{Budget, LimitExceeded};
use crate::number;
use crate::path::Query;
use crate::text;
use crate::value::{Found, Kind};
use crate::wildcard;

/// Whether the value at the query's path is what the query asks for.
pub(crate) fn matches(
    budget: &mut Budget,
    query: &Query<'_>,
    value: &Found<'_>,
) -> Result<bool, LimitExceeded> {
    let mut value = Cow::Borrowed(value);
    let mut wanted: &[u8] = &query.value;
    budget.work(value.text.len().saturating_add(wanted.len()))?;
    if let [b'~', class @ ..] = wanted {
        // Compared is whether the value is of the class.
        let of_class = match class {
            b"*" => value.exists(),
            b"null" => value.kind == Kind::Null,
            b"true" => value.as_bool(),
            b"false" => is_falsy(&value),
            _ => return Ok(false),
        };
        value = Cow::Owned(Found::of_truth(of_class));
        wanted = b"true";
    }
    if !value.exists() {
        return Ok(false);
    }
    if query.operator.is_empty() {
        return Ok(true);
    }
    Ok(match value.kind {
        Kind::String => match query.operator {
            b"%" => wildcard::matches(budget, &value.text, wanted)?,
            b"!%" => !wildcard::matches(budget, &value.text, wanted)?,
            operator => compare(operator, &*value.text, wanted),
        },
        Kind::Number => compare(query.operator, &value.number, &number::parse(wanted)),
        Kind::True => match query.operator {
            b"=" => wanted == b"true",
            b"!=" => wanted != b"true",
            b">" => wanted == b"false",
            b">=" => true,
            _ => false,
        },
        Kind::False => match query.operator {
            b"=" => wanted == b"false",
            b"!=" => wanted != b"false",
            b"<" => wanted == b"true",
            b"<=" => true,
            _ => false,
        },
        Kind::Null | Kind::Json => false,
    })
}

fn compare<T: PartialOrd + ?Sized>(operator: &[u8], value: &T, wanted: &T) -> bool {
    match operator {
        b"=" => value == wanted,
        b"!=" => value != wanted,
        b"<" => value < wanted,
        b"<=" => value <= wanted,
        b">" => value > wanted,
        b">=" => value >= wanted,
        _ => false,
    }
}

fn is_falsy(value: &Found<'_>) -> bool {
    match value.kind {
        Kind::Null | Kind::False => true,
        Kind::String => text::truth(&value.text) == Some(false),
        Kind::Number => value.number == 0.0,
        Kind::True | Kind::Json => false,
    }
}
