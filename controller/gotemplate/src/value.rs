//! The Go values that a template can see.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::error::Message;

mod kind;

pub(crate) use kind::deep_equal;

/// How deep lists and maps may be nested in each other for functions that descend into them; a map
/// that contains itself reaches this too.
pub(crate) const MAX_NESTING: usize = 500;

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

/// A slice. Clones and parts share the elements, as Go's slices do: `sortAlpha` sorts a
/// `[]string` in place.
#[derive(Clone)]
pub struct List {
    /// The static type of the elements.
    pub element: Element,
    /// A nil slice, which JSON shows as `null`.
    pub nil: bool,
    storage: Rc<RefCell<Rc<[Value]>>>,
    start: usize,
    len: usize,
}

/// The elements of a [`List`] at one moment.
#[derive(Clone)]
pub struct Items {
    all: Rc<[Value]>,
    start: usize,
    len: usize,
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

    /// The fields of the struct, in Go's order, if they are known. `printf` shows them for verbs
    /// that ask for no text.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Whether the type has a `String` method; else its fields are what it prints.
    fn has_text(&self) -> bool {
        true
    }

    /// The number of a type whose kind is an integer, such as `time.Month`.
    fn integer(&self) -> Option<i64> {
        None
    }

    /// What `deepCopy` makes of it, if that is something else: private fields stay behind.
    fn deep_copy(&self) -> Option<Value> {
        None
    }

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
        Self::List(List::new(Element::Any, items))
    }

    /// A `[]string`.
    pub fn strings<B: AsRef<[u8]>>(items: impl IntoIterator<Item = B>) -> Self {
        Self::List(List::new(Element::String, items.into_iter().map(Self::string)))
    }

    /// A `map[string]interface {}`.
    pub fn map(entries: impl IntoIterator<Item = (Bytes, Self)>) -> Self {
        Self::Map(Map::new(Element::Any, entries))
    }

    /// Whether it holds other values.
    const fn is_container(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// A `map[string]string`, which is what a template of an ExternalSecret gets as its data.
    pub fn string_map<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.as_ref().into(), Self::string(v)));
        Self::Map(Map::new(Element::String, entries))
    }
}

impl List {
    /// A slice with storage of its own.
    pub fn new(element: Element, items: impl IntoIterator<Item = Value>) -> Self {
        let items: Rc<[Value]> = items.into_iter().collect();
        let len = items.len();
        Self { element, nil: false, storage: Rc::new(RefCell::new(items)), start: 0, len }
    }

    /// A nil slice.
    pub fn nil(element: Element) -> Self {
        let mut list = Self::new(element, []);
        list.nil = true;
        list
    }

    /// How many elements it has.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no elements.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One element.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items().get(index).cloned()
    }

    /// The elements as they are now.
    pub fn items(&self) -> Items {
        Items { all: Rc::clone(&self.storage.borrow()), start: self.start, len: self.len }
    }

    /// The elements from `start` up to `end`, in the same storage; `None` if there are fewer.
    #[must_use]
    pub fn part(&self, start: usize, end: usize) -> Option<Self> {
        if start > end || end > self.len {
            return None;
        }
        let mut part = self.clone();
        part.start += start;
        part.len = end - start;
        Some(part)
    }

    /// Puts other elements in the place of these, for all that share them. Does nothing if
    /// there are more or fewer.
    pub(crate) fn replace(&self, items: impl IntoIterator<Item = Value>) {
        let mut all = self.storage.borrow().to_vec();
        let items: Vec<Value> = items.into_iter().collect();
        if let Some(place) = all.get_mut(self.start..self.start + self.len)
            && place.len() == items.len()
        {
            place.clone_from_slice(&items);
            *self.storage.borrow_mut() = all.into();
        }
    }

    /// Takes the elements out if nothing else shares them.
    fn dismantle(&mut self, rest: &mut Vec<Value>) {
        if let Some(storage) = Rc::get_mut(&mut self.storage)
            && let Some(items) = Rc::get_mut(storage.get_mut())
        {
            rest.extend(items.iter_mut().filter(|item| item.is_container()).map(std::mem::take));
        }
    }
}

impl std::ops::Deref for Items {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.all.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

/// Templates can nest values as deeply as they have steps; dropping one must not recurse so deep.
impl Drop for List {
    fn drop(&mut self) {
        let mut rest = Vec::new();
        self.dismantle(&mut rest);
        drop_flat(rest);
    }
}

/// See [`List`]'s.
impl Drop for Map {
    fn drop(&mut self) {
        let mut rest = Vec::new();
        self.dismantle(&mut rest);
        drop_flat(rest);
    }
}

/// Drops values, each of them without its content.
fn drop_flat(mut rest: Vec<Value>) {
    while let Some(mut value) = rest.pop() {
        match &mut value {
            Value::List(list) => list.dismantle(&mut rest),
            Value::Map(map) => map.dismantle(&mut rest),
            _ => {}
        }
    }
}

impl Map {
    /// Takes the entries out if nothing else shares them.
    fn dismantle(&mut self, rest: &mut Vec<Value>) {
        if let Some(entries) = Rc::get_mut(&mut self.entries) {
            let values = entries.get_mut().values_mut();
            rest.extend(values.filter(|value| value.is_container()).map(std::mem::take));
        }
    }

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
            Self::List(list) => write!(f, "list of {}", list.len()),
            Self::Map(map) => write!(f, "map of {}", map.entries.borrow().len()),
            Self::Time(_) => f.write_str("time.Time"),
            Self::Duration(_) => f.write_str("time.Duration"),
            Self::Object(object) => f.write_str(object.type_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_values_drop_without_deep_recursion() {
        let mut list = Value::list([]);
        let mut map = Value::map([]);
        for _ in 0..500_000 {
            list = Value::list([list, Value::int(1)]);
            map = Value::map([(Rc::from(*b"k"), map)]);
        }
        drop(Value::list([list, map]));
    }

    #[test]
    fn parts_of_a_list_share_its_elements() {
        let list = List::new(Element::String, ["c", "b", "a"].map(Value::string));
        let part = list.part(1, 3).expect("in range");
        part.replace(["a", "b"].map(Value::string));
        let texts: Vec<_> = list
            .items()
            .iter()
            .map(|item| match item {
                Value::String(text) => text.to_vec(),
                _ => panic!("not a string"),
            })
            .collect();
        assert_eq!(texts, [b"c", b"a", b"b"]);
        assert!(list.part(2, 4).is_none());
        assert!(list.part(2, 1).is_none());
    }
}
