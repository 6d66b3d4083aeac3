//! From events to a graph of nodes: aliases still point at what they stand for.

use std::collections::BTreeMap;

use crate::error::{Error, Limit};
use crate::parse::{Event, Parser};

/// Values in a document, keys counted too. A Secret of 1 MiB has no place for as many, and a value of
/// two characters takes a hundred times as much memory.
const MAX_NODES: usize = 500_000;

/// A node's number.
pub(crate) type Id = usize;

#[derive(Debug)]
pub(crate) enum Node {
    Scalar {
        tag: Vec<u8>,
        text: Vec<u8>,
        implicit: bool,
    },
    Sequence(Vec<Id>),
    /// Keys and values in turn.
    Mapping(Vec<Id>),
    Alias {
        name: Vec<u8>,
        target: Id,
    },
}

/// One document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: Id,
}

/// The first document of a stream. What stands behind it is not read, so it need not be YAML.
pub(crate) fn first_document(raw: &[u8]) -> Result<Option<Document>, Error> {
    // Go does the same, so that there is a character to complain about.
    let raw = if raw.is_empty() { b"\n" } else { raw };
    let mut parser = Parser::new(raw);
    loop {
        match parser.next()? {
            Event::StreamStart => {}
            Event::DocumentStart => break,
            _ => return Ok(None),
        }
    }
    let mut composer = Composer::default();
    loop {
        let event = parser.next()?;
        if let Event::DocumentEnd | Event::StreamEnd = event {
            break;
        }
        composer.event(event)?;
        if composer.nodes.len() > MAX_NODES {
            return Err(Error::limit(Limit::Size));
        }
    }
    let root = composer.root;
    Ok(root.map(|root| Document { nodes: composer.nodes, root }))
}

#[derive(Default)]
struct Composer {
    nodes: Vec<Node>,
    root: Option<Id>,
    /// The collections that are not complete.
    open: Vec<Id>,
    anchors: BTreeMap<Vec<u8>, Id>,
}

impl Composer {
    fn event(&mut self, event: Event) -> Result<(), Error> {
        let (node, anchor) = match event {
            Event::Scalar { anchor, tag, text, implicit } => {
                (Node::Scalar { tag, text, implicit }, anchor)
            }
            Event::SequenceStart { anchor } => {
                self.open.push(self.nodes.len());
                self.add(Node::Sequence(Vec::new()), anchor, 1);
                return Ok(());
            }
            Event::MappingStart { anchor } => {
                self.open.push(self.nodes.len());
                self.add(Node::Mapping(Vec::new()), anchor, 1);
                return Ok(());
            }
            Event::Alias(name) => {
                let Some(&target) = self.anchors.get(&name) else {
                    return Err(Error::text("yaml: unknown anchor '")
                        .secret(String::from_utf8_lossy(&name))
                        .then("' referenced"));
                };
                (Node::Alias { name, target }, None)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.add(node, anchor, 0);
        Ok(())
    }

    /// Adds a node to the innermost open collection; `opened` is 1 when that is the node itself.
    fn add(&mut self, node: Node, anchor: Option<Vec<u8>>, opened: usize) {
        let id = self.nodes.len();
        self.nodes.push(node);
        // Now, not at the end: a collection may hold an alias of itself, which is refused later.
        if let Some(name) = anchor {
            self.anchors.insert(name, id);
        }
        let parent = self.open.iter().rev().nth(opened);
        match parent.and_then(|&parent| self.nodes.get_mut(parent)) {
            Some(Node::Sequence(children) | Node::Mapping(children)) => children.push(id),
            _ => self.root = Some(id),
        }
    }
}
