//! The Go values that a template can see.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::error::Message;

/// A Go string: bytes, usually but not always UTF-8.
pub type Bytes = Rc<[u8]>;

/// A Go value with its dynamic type. Cheap to clone.
///
/// `Debug` shows types and sizes, never contents.
#[derive(Clone, Default)]
pub enum Value {
    /// A nil interface; also what Go calls an invalid value, see [`Value::Absent`].
    #[default]
    Nil,
    /// Go's zero `reflect.Value`: what a missing key yields. Prints `<no value>`.
    Absent,
    /// `bool`
    Bool(bool),
    /// A signed integer of the given type.
    Int(i64, IntType),
    /// An unsigned integer of the given type.
    Uint(u64, UintType),
    /// `float64`
    Float(f64),
    /// `string`
    String(Bytes),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// `time.Time`
    Time(Time),
    /// `time.Duration`, in nanoseconds.
    Duration(i64),
    /// A struct, or a pointer to one, that some function returned.
    Object(Rc<dyn Object>),
}

/// Go's signed integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the Go types")]
pub enum IntType {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
}

/// Go's unsigned integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the Go types")]
pub enum UintType {
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

/// The element type of a slice or a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `interface {}`
    Any,
    /// `string`
    String,
    /// `int`
    Int,
    /// `[]interface {}`, as `chunk` makes it.
    AnyList,
}

/// A slice. No function changes one in place.
#[derive(Clone)]
pub struct List {
    /// The static type of the elements.
    pub element: Element,
    /// The elements.
    pub items: Rc<[Value]>,
    /// A nil slice, which JSON shows as `null`.
    pub nil: bool,
}

/// A map. Clones share the entries, as Go's maps do: `set` and `merge` change them in place.
#[derive(Clone)]
pub struct Map {
    /// The static type of the values: [`Element::Any`] or [`Element::String`].
    pub element: Element,
    /// The entries in Go's print order.
    pub entries: Rc<RefCell<BTreeMap<Bytes, Value>>>,
    /// A nil map, which JSON shows as `null`.
    pub nil: bool,
}

/// A moment and the zone it is shown in.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// Nanoseconds since the Unix epoch.
    pub nanoseconds: i128,
    /// An IANA name, `UTC`, or empty for Go's `Local`, which is UTC here.
    pub zone: Zone,
}

/// The zone of a [`Time`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Go's `UTC`.
    Utc,
    /// Go's `Local`: the controller runs in UTC.
    Local,
    /// A zone of the time zone database.
    Named(Rc<str>),
    /// A zone that a parsed text names only by its offset, in seconds east, and an abbreviation.
    Fixed(i32, Rc<str>),
}

/// A value with fields or methods of its own, such as a parsed version.
pub trait Object {
    /// Go's type, as `%T` prints it: `*semver.Version`.
    fn type_name(&self) -> &'static str;

    /// Go's kind: `struct` or `ptr`.
    fn kind(&self) -> &'static str;

    /// A field, or the result of a method without arguments.
    fn member(&self, name: &str) -> Option<Result<Value, Message>>;

    /// What `%v` prints.
    fn text(&self) -> Vec<u8>;

    /// What `encoding/json` makes of it.
    fn json(&self) -> Result<Vec<u8>, Message>;

    /// For functions that take this type as an argument.
    fn as_any(&self) -> &dyn Any;
}

impl Value {
    /// A Go `int`.
    pub const fn int(value: i64) -> Self {
        Self::Int(value, IntType::Int)
    }

    /// A Go `int64`.
    pub const fn int64(value: i64) -> Self {
        Self::Int(value, IntType::Int64)
    }

    /// A Go `string`.
    pub fn string(bytes: impl AsRef<[u8]>) -> Self {
        Self::String(bytes.as_ref().into())
    }

    /// A `[]interface {}`.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(List { element: Element::Any, items: items.into_iter().collect(), nil: false })
    }

    /// A `[]string`.
    pub fn strings<B: AsRef<[u8]>>(items: impl IntoIterator<Item = B>) -> Self {
        let items = items.into_iter().map(Self::string).collect();
        Self::List(List { element: Element::String, items, nil: false })
    }

    /// A `map[string]interface {}`.
    pub fn map(entries: impl IntoIterator<Item = (Bytes, Self)>) -> Self {
        Self::Map(Map::new(Element::Any, entries))
    }

    /// A `map[string]string`, which is what a template of an ExternalSecret gets as its data.
    pub fn string_map<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.as_ref().into(), Self::string(v)));
        Self::Map(Map::new(Element::String, entries))
    }
}

impl Map {
    /// A map of its own.
    pub fn new(element: Element, entries: impl IntoIterator<Item = (Bytes, Value)>) -> Self {
        let entries = Rc::new(RefCell::new(entries.into_iter().collect()));
        Self { element, entries, nil: false }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Absent => f.write_str("absent"),
            Self::Bool(_) => f.write_str("bool"),
            Self::Int(..) => f.write_str("int"),
            Self::Uint(..) => f.write_str("uint"),
            Self::Float(_) => f.write_str("float64"),
            Self::String(bytes) => write!(f, "string of {} bytes", bytes.len()),
            Self::List(list) => write!(f, "list of {}", list.items.len()),
            Self::Map(map) => write!(f, "map of {}", map.entries.borrow().len()),
            Self::Time(_) => f.write_str("time.Time"),
            Self::Duration(_) => f.write_str("time.Duration"),
            Self::Object(object) => f.write_str(object.type_name()),
        }
    }
}
