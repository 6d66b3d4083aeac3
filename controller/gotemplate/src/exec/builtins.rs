//! Go's built-in functions.

use super::args::Parameter;
use super::compare;
use crate::error::Message;
use crate::fmt;
use crate::funcs::{Call, Failure, Type};
use crate::runes::{decode, is_print};
use crate::value::{Element, UintType, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Js,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    UrlQuery,
}

impl Builtin {
    const ALL: [Self; 18] = [
        Self::And,
        Self::Call,
        Self::Eq,
        Self::Ge,
        Self::Gt,
        Self::Html,
        Self::Index,
        Self::Js,
        Self::Le,
        Self::Len,
        Self::Lt,
        Self::Ne,
        Self::Not,
        Self::Or,
        Self::Print,
        Self::Printf,
        Self::Println,
        Self::UrlQuery,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Call => "call",
            Self::Eq => "eq",
            Self::Ge => "ge",
            Self::Gt => "gt",
            Self::Html => "html",
            Self::Index => "index",
            Self::Js => "js",
            Self::Le => "le",
            Self::Len => "len",
            Self::Lt => "lt",
            Self::Ne => "ne",
            Self::Not => "not",
            Self::Or => "or",
            Self::Print => "print",
            Self::Printf => "printf",
            Self::Println => "println",
            Self::UrlQuery => "urlquery",
        }
    }

    /// The fixed parameters, and the type of any number of further ones.
    pub(super) const fn signature(self) -> (&'static [Parameter], Option<Parameter>) {
        const ONE: &[Parameter] = &[Parameter::Raw];
        const TWO: &[Parameter] = &[Parameter::Raw, Parameter::Raw];
        const FORMAT: &[Parameter] = &[Parameter::Typed(Type::String)];
        const ANY: Option<Parameter> = Some(Parameter::Typed(Type::Any));
        match self {
            Self::And | Self::Or | Self::Call | Self::Eq | Self::Index => {
                (ONE, Some(Parameter::Raw))
            }
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => (TWO, None),
            Self::Len | Self::Not => (ONE, None),
            Self::Html | Self::Js | Self::UrlQuery | Self::Print | Self::Println => (&[], ANY),
            Self::Printf => (FORMAT, ANY),
        }
    }
}

/// Runs a built-in function; the arguments have passed its signature. `callee` is what `call` was
/// asked to call, in the words of the template.
pub(super) fn run(
    builtin: Builtin,
    call: &mut Call<'_>,
    callee: Message,
    values: Vec<Value>,
) -> Result<Value, Failure> {
    let text = |bytes: Vec<u8>| Value::String(bytes.into());
    if let [first, rest @ ..] = values.as_slice() {
        match builtin {
            Builtin::Eq => return compare::eq(call, first, rest).map(Value::Bool),
            Builtin::Index => return index(first, rest),
            Builtin::Len => return length(first),
            Builtin::Not => return Ok(Value::Bool(!first.truth())),
            Builtin::Call => return Err(no_function(callee, first).into()),
            Builtin::Printf => {
                let format = match first {
                    Value::String(format) => &**format,
                    _ => b"",
                };
                return fmt::sprintf(call, format, rest).map(text);
            }
            _ => {}
        }
        if let [second] = rest {
            let result = match builtin {
                Builtin::Ne => !compare::eq(call, first, rest)?,
                Builtin::Lt => compare::lt(first, second)?,
                Builtin::Le => compare::le(call, first, second)?,
                Builtin::Gt => !compare::le(call, first, second)?,
                Builtin::Ge => !compare::lt(first, second)?,
                _ => return rest_of(builtin, call, values).map(text),
            };
            return Ok(Value::Bool(result));
        }
    }
    rest_of(builtin, call, values).map(text)
}

/// The functions that take any number of values and make a text of them.
fn rest_of(builtin: Builtin, call: &mut Call<'_>, values: Vec<Value>) -> Result<Vec<u8>, Failure> {
    match builtin {
        Builtin::Print => fmt::sprint(call, &values),
        Builtin::Println => fmt::sprintln(call, &values),
        Builtin::Html => {
            let text = printable(call, values)?;
            escape(call, &text, 5, html)
        }
        Builtin::Js => {
            let text = printable(call, values)?;
            escape(call, &text, 6, js)
        }
        Builtin::UrlQuery => {
            let text = printable(call, values)?;
            escape(call, &text, 3, url_query)
        }
        // The signature leaves no other.
        _ => Ok(Vec::new()),
    }
}

/// The callee's name when it came from a pipeline: what Go's `reflect.Value.String` gives.
pub(super) fn callee(value: &Value) -> Message {
    match value {
        Value::String(bytes) => Message::new().secret(&**bytes),
        Value::Nil | Value::Absent => "<invalid Value>".into(),
        other => format!("<{} Value>", other.type_name()).into(),
    }
}

/// No value of a template is a function.
fn no_function(callee: Message, value: &Value) -> Message {
    match value {
        Value::Nil | Value::Absent => "call of nil".into(),
        other => Message::from("non-function ")
            .then(callee)
            .text(format!(" of type {}", other.type_name())),
    }
}

/// The type that a pointer points to.
fn pointee(value: &Value) -> &'static str {
    let name = value.type_name();
    name.strip_prefix('*').unwrap_or(name)
}

fn length(item: &Value) -> Result<Value, Failure> {
    let length = match item {
        Value::Nil => return Err("len of nil pointer".into()),
        Value::Absent => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Value::String(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.entries.borrow().len(),
        other => return Err(Message::from(format!("len of type {}", pointee(other))).into()),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(item: &Value, indexes: &[Value]) -> Result<Value, Failure> {
    if matches!(item, Value::Nil | Value::Absent) {
        return Err("index of untyped nil".into());
    }
    let mut item = item.clone();
    for index in indexes {
        item = match &item {
            Value::Nil | Value::Absent => return Err("index of nil pointer".into()),
            Value::String(bytes) => {
                let at = position(index, bytes.len())?;
                let byte = bytes.get(at).ok_or("reflect: string index out of range")?;
                Value::Uint(u64::from(*byte), UintType::Uint8)
            }
            Value::List(list) => {
                let at = position(index, list.len())?;
                list.get(at).ok_or("reflect: slice index out of range")?
            }
            Value::Map(map) => match index {
                Value::String(key) => {
                    let found = map.entries.borrow().get(&**key).cloned();
                    found.unwrap_or_else(|| map.element.zero())
                }
                Value::Nil | Value::Absent => {
                    return Err("value is nil; should be of type string".into());
                }
                other => {
                    let name = other.type_name();
                    let text =
                        format!("value has type {name}; should be {}", Element::String.name());
                    return Err(Message::from(text).into());
                }
            },
            other => {
                let text = format!("can't index item of type {}", pointee(other));
                return Err(Message::from(text).into());
            }
        };
    }
    Ok(item)
}

/// An index for something of this length. Go lets the length itself pass here.
fn position(index: &Value, length: usize) -> Result<usize, Failure> {
    let number = match index {
        Value::Int(number, _) | Value::Duration(number) => *number,
        Value::Uint(number, _) => number.cast_signed(),
        Value::Nil | Value::Absent => return Err("cannot index slice/array with nil".into()),
        other => other.integer().ok_or_else(|| {
            let name = other.type_name();
            Message::from(format!("cannot index slice/array with type {name}"))
        })?,
    };
    usize::try_from(number)
        .ok()
        .filter(|at| *at <= length)
        .ok_or_else(|| Message::from("index out of range: ").secret(number.to_string()).into())
}

/// What the escaping functions work on: a single string, or all values printed.
fn printable(call: &mut Call<'_>, mut values: Vec<Value>) -> Result<Vec<u8>, Failure> {
    if let [Value::String(text)] = values.as_slice() {
        call.reserve(text.len())?;
        return Ok(text.to_vec());
    }
    for value in &mut values {
        if matches!(value, Value::Nil | Value::Absent) {
            *value = Value::string("<no value>");
        }
    }
    fmt::sprint(call, &values)
}

/// Escapes `text`, which may become so many times longer. `one` appends one character's escape and
/// says how many bytes it read.
fn escape(
    call: &mut Call<'_>,
    text: &[u8],
    growth: usize,
    one: impl Fn(&mut Vec<u8>, &[u8]) -> usize,
) -> Result<Vec<u8>, Failure> {
    let limit = *call.value_bytes_left;
    let mut escaped = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        if escaped.len() + growth > limit {
            return Err(Failure::Limit(crate::limits::LimitExceeded::Values));
        }
        let read = one(&mut escaped, rest).max(1);
        rest = rest.get(read..).unwrap_or_default();
    }
    call.reserve(escaped.len())?;
    Ok(escaped)
}

/// Go's `template.HTMLEscape`.
fn html(escaped: &mut Vec<u8>, text: &[u8]) -> usize {
    let entity: &[u8] = match text {
        [b'"', ..] => b"&#34;",
        [b'\'', ..] => b"&#39;",
        [b'&', ..] => b"&amp;",
        [b'<', ..] => b"&lt;",
        [b'>', ..] => b"&gt;",
        [0, ..] => "\u{fffd}".as_bytes(),
        [byte, ..] => return push(escaped, &[*byte]),
        [] => b"",
    };
    push(escaped, entity)
}

/// Go's `template.JSEscape`.
fn js(escaped: &mut Vec<u8>, text: &[u8]) -> usize {
    match text {
        [b'\\', ..] => push(escaped, b"\\\\"),
        [b'\'', ..] => push(escaped, b"\\'"),
        [b'"', ..] => push(escaped, b"\\\""),
        [byte @ (0..b' ' | b'<' | b'>' | b'&' | b'='), ..] => {
            push(escaped, format!("\\u{byte:04X}").as_bytes())
        }
        [byte @ ..0x80, ..] => push(escaped, &[*byte]),
        _ => {
            let (rune, size) = decode(text);
            if is_print(rune) {
                push(escaped, text.get(..size).unwrap_or_default());
            } else {
                push(escaped, format!("\\u{:04X}", u32::from(rune)).as_bytes());
            }
            size
        }
    }
}

/// Go's `url.QueryEscape`.
fn url_query(escaped: &mut Vec<u8>, text: &[u8]) -> usize {
    match text {
        [b' ', ..] => push(escaped, b"+"),
        [byte @ (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~'), ..] => {
            push(escaped, &[*byte])
        }
        [byte, ..] => push(escaped, format!("%{byte:02X}").as_bytes()),
        [] => 0,
    }
}

fn push(escaped: &mut Vec<u8>, bytes: &[u8]) -> usize {
    escaped.extend_from_slice(bytes);
    1
}
