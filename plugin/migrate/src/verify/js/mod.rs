//! Values as JavaScript has them: what KES's own code did with what a store returned.
//!
//! Strings are UTF-16, because their length and their order are counted so, and because a lone
//! half of a pair is a string too. Nothing here runs code.

pub(super) mod json;
pub(super) mod number;
mod object;

use std::fmt;
use std::rc::Rc;

pub(super) use object::Object;

/// Text in UTF-16 code units.
pub(super) type Text = Rc<[u16]>;

/// A value.
#[derive(Clone)]
pub(super) enum Js {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    String(Text),
    Array(Rc<Vec<Js>>),
    Object(Rc<Object>),
    /// Node's `Buffer`.
    Bytes(Rc<[u8]>),
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// JavaScript throws here, so that KES wrote nothing at all.
    Throws(&'static str),
    /// What JavaScript does here is not modelled.
    Unmodelled(&'static str),
    /// More steps or output than a check may take.
    TooMuch,
}

/// Kinds and no content: a value is a secret.
impl fmt::Debug for Js {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undefined => "undefined",
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
            Self::Bytes(_) => "buffer",
        })
    }
}

impl Js {
    /// A string.
    pub(super) fn text(text: &str) -> Self {
        Self::String(utf16(text))
    }

    /// What stands in a condition.
    pub(super) fn truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(b) => *b,
            Self::Number(n) => *n != 0.0 && !n.is_nan(),
            Self::String(text) => !text.is_empty(),
            Self::Array(_) | Self::Object(_) | Self::Bytes(_) => true,
        }
    }

    /// `String(value)`
    pub(super) fn to_text(&self) -> Text {
        match self {
            Self::String(text) => Rc::clone(text),
            other => {
                let mut out = Vec::new();
                other.write(&mut out);
                out.into()
            }
        }
    }

    /// Appends `String(value)`. Values are as deep as JSON may be, and no deeper.
    pub(super) fn write(&self, out: &mut Vec<u16>) {
        match self {
            Self::Undefined => out.extend("undefined".encode_utf16()),
            Self::Null => out.extend("null".encode_utf16()),
            Self::Bool(b) => out.extend(b.to_string().encode_utf16()),
            Self::Number(n) => out.extend(number::to_text(*n).encode_utf16()),
            Self::String(text) => out.extend_from_slice(text),
            Self::Array(items) => join(items, &[u16::from(b',')], out),
            Self::Object(_) => out.extend("[object Object]".encode_utf16()),
            Self::Bytes(bytes) => out.extend(String::from_utf8_lossy(bytes).encode_utf16()),
        }
    }

    /// `null` and `undefined`, which have no members.
    pub(super) fn is_nullish(&self) -> bool {
        matches!(self, Self::Undefined | Self::Null)
    }

    /// A member by its name, as `value[name]` finds it. `Err` where a member of the prototype
    /// would be found that is not modelled.
    pub(super) fn member(&self, name: &[u16]) -> Result<Self, Stop> {
        let index = object::array_index(name).and_then(|index| usize::try_from(index).ok());
        let found = match self {
            Self::Undefined | Self::Null => {
                return Err(Stop::Throws("a member of null or undefined is read"));
            }
            Self::Object(object) => object.get(name).cloned(),
            Self::Array(items) => match index {
                Some(index) => items.get(index).cloned(),
                None => is_length(name).then(|| length(items.len())),
            },
            Self::String(text) => match index {
                Some(index) => text.get(index).map(|unit| Self::String(Rc::from([*unit]))),
                None => is_length(name).then(|| length(text.len())),
            },
            Self::Bytes(bytes) => match index {
                Some(index) => bytes.get(index).map(|byte| Self::Number(f64::from(*byte))),
                None => is_length(name).then(|| length(bytes.len())),
            },
            Self::Bool(_) | Self::Number(_) => None,
        };
        match found {
            Some(found) => Ok(found),
            None if index.is_none() && self.inherits(name) => {
                Err(Stop::Unmodelled("a member of a prototype"))
            }
            None => Ok(Self::Undefined),
        }
    }

    /// Whether a prototype has a member of this name. Only objects have fixed, few ones; of all
    /// others every word that is no index counts, which refuses too much rather than too little.
    fn inherits(&self, name: &[u16]) -> bool {
        const OF_OBJECTS: [&str; 12] = [
            "constructor",
            "hasOwnProperty",
            "isPrototypeOf",
            "propertyIsEnumerable",
            "toLocaleString",
            "toString",
            "valueOf",
            "__defineGetter__",
            "__defineSetter__",
            "__lookupGetter__",
            "__lookupSetter__",
            "__proto__",
        ];
        const OF_OTHERS: [&str; 68] = [
            "anchor",
            "at",
            "big",
            "blink",
            "bold",
            "charAt",
            "charCodeAt",
            "codePointAt",
            "concat",
            "copyWithin",
            "endsWith",
            "entries",
            "every",
            "fill",
            "filter",
            "find",
            "findIndex",
            "findLast",
            "findLastIndex",
            "fixed",
            "flat",
            "flatMap",
            "fontcolor",
            "fontsize",
            "forEach",
            "includes",
            "indexOf",
            "isWellFormed",
            "italics",
            "join",
            "keys",
            "lastIndexOf",
            "link",
            "localeCompare",
            "map",
            "match",
            "matchAll",
            "normalize",
            "padEnd",
            "padStart",
            "pop",
            "push",
            "reduce",
            "reduceRight",
            "repeat",
            "replace",
            "replaceAll",
            "reverse",
            "search",
            "shift",
            "slice",
            "small",
            "some",
            "sort",
            "splice",
            "split",
            "startsWith",
            "strike",
            "sub",
            "substr",
            "substring",
            "sup",
            "toFixed",
            "toLowerCase",
            "toUpperCase",
            "trim",
            "unshift",
            "values",
        ];
        let is = |known: &&str| known.encode_utf16().eq(name.iter().copied());
        OF_OBJECTS.iter().any(&is) || (!matches!(self, Self::Object(_)) && OF_OTHERS.iter().any(is))
    }
}

/// `items.join(separator)`: null and undefined are empty.
pub(super) fn join(items: &[Js], separator: &[u16], out: &mut Vec<u16>) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        if !item.is_nullish() {
            item.write(out);
        }
    }
}

/// A text of Rust as JavaScript has it.
pub(super) fn utf16(text: &str) -> Text {
    text.encode_utf16().collect()
}

/// A text as UTF-8, as Node writes it: half a pair becomes U+FFFD.
pub(super) fn utf8(text: &[u16]) -> String {
    String::from_utf16_lossy(text)
}

fn is_length(name: &[u16]) -> bool {
    "length".encode_utf16().eq(name.iter().copied())
}

#[expect(clippy::cast_precision_loss, reason = "no string has 2^53 units")]
fn length(of: usize) -> Js {
    Js::Number(of as f64)
}
