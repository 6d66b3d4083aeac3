//! Types, kinds, truth and equality of values, as Go's `reflect` has them.

use std::rc::Rc;

use super::{Element, IntType, List, MAX_NESTING, Map, Time, UintType, Value};
use crate::funcs::{Call, Failure};
use crate::limits::LimitExceeded;

impl IntType {
    /// Go's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }
}

impl UintType {
    /// Go's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }
}

impl Element {
    /// Go's name of the type of one element.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::String => "string",
            Self::Int => "int",
            Self::AnyList => "[]interface {}",
        }
    }

    /// Go's zero value of this type.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Any => Value::Nil,
            Self::String => Value::string(""),
            Self::Int => Value::int(0),
            Self::AnyList => Value::List(List::nil(Self::Any)),
        }
    }
}

impl List {
    /// Go's name of the slice type.
    pub const fn type_name(&self) -> &'static str {
        match self.element {
            Element::Any => "[]interface {}",
            Element::String => "[]string",
            Element::Int => "[]int",
            Element::AnyList => "[][]interface {}",
        }
    }
}

impl Map {
    /// Go's name of the map type.
    pub const fn type_name(&self) -> &'static str {
        match self.element {
            Element::Any => "map[string]interface {}",
            Element::String => "map[string]string",
            Element::Int => "map[string]int",
            Element::AnyList => "map[string][]interface {}",
        }
    }
}

impl Value {
    /// Go's type as `%T` prints it; `<nil>` when there is no value.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil | Self::Absent => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_, kind) => kind.name(),
            Self::Uint(_, kind) => kind.name(),
            Self::Float(_) => "float64",
            Self::String(_) => "string",
            Self::List(list) => list.type_name(),
            Self::Map(map) => map.type_name(),
            Self::Time(_) => "time.Time",
            Self::Duration(_) => "time.Duration",
            Self::Object(object) => object.type_name(),
        }
    }

    /// Go's `reflect.Kind` as it prints; `invalid` when there is no value.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Nil | Self::Absent => "invalid",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Time(_) => "struct",
            Self::Duration(_) => "int64",
            Self::Object(object) => object.kind(),
            basic => basic.type_name(),
        }
    }

    /// Go's `template.IsTrue`: whether the value is not the zero of its type.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil | Self::Absent => false,
            Self::Bool(value) => *value,
            Self::Int(value, _) | Self::Duration(value) => *value != 0,
            Self::Uint(value, _) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::String(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.entries.borrow().is_empty(),
            Self::Time(_) => true,
            Self::Object(object) => object.integer().is_none_or(|number| number != 0),
        }
    }

    /// The number of a value that is no [`Value::Int`] and yet has an integer kind.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Object(object) => object.integer(),
            _ => None,
        }
    }

    /// No value, or a nil slice or map: Go's `v == nil` for every kind that has it.
    pub fn is_nil(&self) -> bool {
        match self {
            Self::Nil | Self::Absent => true,
            Self::List(list) => list.nil,
            Self::Map(map) => map.nil,
            _ => false,
        }
    }
}

/// Go's `reflect.DeepEqual`.
///
/// # Errors
/// Limits only.
pub(crate) fn deep_equal(call: &mut Call<'_>, a: &Value, b: &Value) -> Result<bool, Failure> {
    equal_at(call, a, b, 0)
}

fn equal_at(call: &mut Call<'_>, a: &Value, b: &Value, depth: usize) -> Result<bool, Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::Limit(LimitExceeded::Depth));
    }
    Ok(match (a, b) {
        (Value::Nil | Value::Absent, Value::Nil | Value::Absent) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, left), Value::Int(b, right)) => left == right && a == b,
        (Value::Uint(a, left), Value::Uint(b, right)) => left == right && a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        #[expect(clippy::float_cmp, reason = "Go compares them so")]
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => times_equal(a, b),
        (Value::List(a), Value::List(b)) => {
            if a.element != b.element || a.nil != b.nil || a.len() != b.len() {
                return Ok(false);
            }
            let (a, b) = (a.items(), b.items());
            if a.as_ptr() == b.as_ptr() {
                return Ok(true);
            }
            call.work(a.len())?;
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal_at(call, a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.element != b.element || a.nil != b.nil {
                return Ok(false);
            }
            if Rc::ptr_eq(&a.entries, &b.entries) {
                return Ok(true);
            }
            let (a, b) = (a.entries.borrow(), b.entries.borrow());
            if a.len() != b.len() {
                return Ok(false);
            }
            call.work(a.len())?;
            for ((key_a, a), (key_b, b)) in a.iter().zip(b.iter()) {
                if key_a != key_b || !equal_at(call, a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(a), Value::Object(b)) => {
            Rc::ptr_eq(a, b) || (a.type_name() == b.type_name() && a.text() == b.text())
        }
        _ => false,
    })
}

/// Two of Go's `time.Time` structs compare by their fields: the moment and the zone.
fn times_equal(a: &Time, b: &Time) -> bool {
    a == b
}
