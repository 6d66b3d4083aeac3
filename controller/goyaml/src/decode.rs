//! From nodes to values, as yaml.v2 decodes into an empty interface.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::compose::{Document, Id, Node, first_document};
use crate::error::{Error, Limit};
use crate::gosyntax;
use crate::scalar::{self, Refusal, Scalar, Tag};

/// Collections inside collections. Go's limit is 10,000; values this deep are an attack, and
/// whoever walks through them would need as deep a stack.
const MAX_DEPTH: usize = 500;

/// Bytes of text that aliases may repeat. Go has no such limit: it would make copies until its
/// memory is full.
const MAX_REPEATED_BYTES: usize = 64 << 20;

/// A value with Go's dynamic type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Yaml {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// Bytes, because `!!binary` may hold any.
    Text(Vec<u8>),
    Sequence(Vec<Yaml>),
    Mapping(Mapping),
}

/// Keys are scalars. The order is that of [`Key`], as Go's maps have none.
pub(crate) type Mapping = BTreeMap<Key, Yaml>;

/// A scalar as the key of a map: keys of different types are different.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// The bits.
    Float(u64),
    Text(Vec<u8>),
}

/// The first document of a stream, null when there is none.
pub(crate) fn decode(raw: &[u8]) -> Result<Yaml, Error> {
    let Some(document) = first_document(raw)? else { return Ok(Yaml::Null) };
    // The document is the first of the steps that Go counts.
    let mut decoder = Decoder {
        document: &document,
        open_aliases: BTreeSet::new(),
        steps: 1,
        alias_steps: 0,
        repeated: 0,
    };
    decoder.value(document.root, 0)
}

struct Decoder<'a> {
    document: &'a Document,
    /// The aliases whose targets are being decoded.
    open_aliases: BTreeSet<Id>,
    steps: u32,
    alias_steps: u32,
    repeated: usize,
}

impl Decoder<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<Yaml, Error> {
        self.step()?;
        if depth > MAX_DEPTH {
            return Err(Error::limit(Limit::Depth));
        }
        match self.document.nodes.get(id) {
            None => Ok(Yaml::Null),
            Some(Node::Alias { name, target }) => {
                self.enter(id, name)?;
                let value = self.value(*target, depth);
                self.open_aliases.remove(&id);
                value
            }
            Some(Node::Scalar { tag, text, implicit }) => self.scalar(tag, text, *implicit),
            Some(Node::Sequence(children)) => {
                let mut values = Vec::with_capacity(children.len());
                for child in children {
                    values.push(self.value(*child, depth + 1)?);
                }
                Ok(Yaml::Sequence(values))
            }
            Some(Node::Mapping(_)) => {
                let mut mapping = Mapping::new();
                self.fill(id, &mut mapping, depth)?;
                Ok(Yaml::Mapping(mapping))
            }
        }
    }

    fn scalar(&mut self, tag: &[u8], text: &[u8], implicit: bool) -> Result<Yaml, Error> {
        if !self.open_aliases.is_empty() {
            self.repeated = self.repeated.saturating_add(text.len());
            if self.repeated > MAX_REPEATED_BYTES {
                return Err(Error::limit(Limit::Size));
            }
        }
        scalar(tag, text, implicit)
    }

    fn enter(&mut self, alias: Id, name: &[u8]) -> Result<(), Error> {
        if !self.open_aliases.insert(alias) {
            return Err(Error::text("yaml: anchor '")
                .secret(String::from_utf8_lossy(name))
                .then("' value contains itself"));
        }
        Ok(())
    }

    /// Puts the entries of a mapping, which was counted already, into `mapping`.
    fn fill(&mut self, id: Id, mapping: &mut Mapping, depth: usize) -> Result<(), Error> {
        let Some(Node::Mapping(children)) = self.document.nodes.get(id) else { return Ok(()) };
        for pair in children.chunks_exact(2) {
            let [key, value] = *pair else { continue };
            if self.is_merge(key) {
                self.merge(value, mapping, depth)?;
                continue;
            }
            let key = match self.value(key, depth + 1)? {
                Yaml::Null => Key::Null,
                Yaml::Bool(b) => Key::Bool(b),
                Yaml::Int(i) => Key::Int(i),
                Yaml::Uint(u) => Key::Uint(u),
                Yaml::Float(f) => Key::Float(f.to_bits()),
                Yaml::Text(text) => Key::Text(text),
                collection => {
                    return Err(
                        Error::text("yaml: invalid map key: ").secret(gosyntax::value(&collection))
                    );
                }
            };
            let value = self.value(value, depth + 1)?;
            if let Key::Float(bits) = key
                && f64::from_bits(bits) == 0.0
            {
                // Both zeros are the same key.
                mapping.remove(&Key::Float((-f64::from_bits(bits)).to_bits()));
            }
            mapping.insert(key, value);
        }
        Ok(())
    }

    fn is_merge(&self, id: Id) -> bool {
        match self.document.nodes.get(id) {
            Some(Node::Scalar { tag, text, implicit }) => {
                text == b"<<" && (*implicit || tag == b"tag:yaml.org,2002:merge")
            }
            _ => false,
        }
    }

    /// Whatever comes later wins, so a merge overrides what stands in front of it.
    fn merge(&mut self, id: Id, mapping: &mut Mapping, depth: usize) -> Result<(), Error> {
        match self.document.nodes.get(id) {
            Some(Node::Sequence(children)) => {
                children.iter().rev().try_for_each(|child| self.merge_one(*child, mapping, depth))
            }
            _ => self.merge_one(id, mapping, depth),
        }
    }

    fn merge_one(&mut self, id: Id, mapping: &mut Mapping, depth: usize) -> Result<(), Error> {
        let nodes = &self.document.nodes;
        let target = match nodes.get(id) {
            Some(Node::Alias { target, .. }) => *target,
            _ => id,
        };
        if !matches!(nodes.get(target), Some(Node::Mapping(_))) {
            let problem = "yaml: map merge requires map or sequence of maps as the value";
            return Err(Error::text(problem));
        }
        if depth > MAX_DEPTH {
            return Err(Error::limit(Limit::Depth));
        }
        self.step()?;
        if let Some(Node::Alias { name, .. }) = nodes.get(id) {
            self.enter(id, name)?;
            self.step()?;
            self.fill(target, mapping, depth + 1)?;
            self.open_aliases.remove(&id);
            Ok(())
        } else {
            self.fill(target, mapping, depth + 1)
        }
    }

    /// Go's guard against documents that grow by their aliases.
    fn step(&mut self) -> Result<(), Error> {
        const FEW: u32 = 400_000;
        const MANY: u32 = 4_000_000;
        self.steps = self.steps.saturating_add(1);
        if !self.open_aliases.is_empty() {
            self.alias_steps = self.alias_steps.saturating_add(1);
        }
        if self.alias_steps <= 100 || self.steps <= 1000 {
            return Ok(());
        }
        let (steps, alias_steps) = (f64::from(self.steps), f64::from(self.alias_steps));
        let allowed = match self.steps {
            ..=FEW => 0.99,
            MANY.. => 0.10,
            _ => 0.99 - 0.89 * ((steps - f64::from(FEW)) / f64::from(MANY - FEW)),
        };
        if alias_steps / steps > allowed {
            return Err(Error::text("yaml: document contains excessive aliasing"));
        }
        Ok(())
    }
}

fn scalar(tag: &[u8], text: &[u8], implicit: bool) -> Result<Yaml, Error> {
    let text = String::from_utf8_lossy(text);
    let short = tag.strip_prefix(b"tag:yaml.org,2002:");
    let known = match (tag, short.map(str::from_utf8)) {
        ([], _) => None,
        (_, Some(Ok("binary"))) => return binary(&text),
        (_, Some(Ok(core))) => Some(Tag::core(core)),
        _ => Some(Tag::Other),
    };
    Ok(match scalar::resolve(Cow::Borrowed(&text), implicit, known) {
        Ok(Scalar::Null) => Yaml::Null,
        Ok(Scalar::Bool(b)) => Yaml::Bool(b),
        Ok(Scalar::Int(i)) => Yaml::Int(i),
        Ok(Scalar::Uint(u)) => Yaml::Uint(u),
        Ok(Scalar::Float(f)) => Yaml::Float(f),
        Ok(Scalar::Text(text)) => Yaml::Text(text.into_owned().into_bytes()),
        Err(Refusal::Tag { found }) => {
            let asked = short.map(String::from_utf8_lossy).unwrap_or_default();
            return Err(Error::text(format!("yaml: cannot decode {found} `"))
                .secret(text)
                .then(format!("` as a !!{asked}")));
        }
        Err(refusal) => return Err(Error::text(format!("yaml: {}", refusal.message()))),
    })
}

fn binary(text: &str) -> Result<Yaml, Error> {
    scalar::base64(text)
        .map(Yaml::Text)
        .ok_or_else(|| Error::text("yaml: !!binary value contains invalid base64 data"))
}
