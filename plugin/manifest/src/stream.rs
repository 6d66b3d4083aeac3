//! The objects in a document: itself, or what its lists hold.

use crate::node::{Node, Value};
use crate::read::{Content, Document};
use crate::source::{Place, Span};

/// One Kubernetes object, or what stands where one should be.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The document that holds it.
    pub document: &'a Document,
    /// Its position among all objects of the document's list, from 0; `None` when the document is
    /// the object.
    pub item: Option<usize>,
    /// The object.
    pub node: &'a Node,
    /// apiVersion and kind of the list, for an item that names neither.
    list: Option<(&'a str, &'a str)>,
}

/// All objects of a document, in order. Lists (`kind: List`, `kind: ConfigMapList` ...) are opened,
/// also lists in lists. Empty and broken documents hold none.
pub fn objects(document: &Document) -> Vec<Object<'_>> {
    let Content::Node(node) = &document.content else { return Vec::new() };
    if items(node).is_none() {
        return vec![Object { document, item: None, node, list: None }];
    }
    let mut found = Vec::new();
    flatten(document, node, None, &mut found);
    found
}

fn flatten<'a>(
    document: &'a Document,
    node: &'a Node,
    list: Option<(&'a str, &'a str)>,
    found: &mut Vec<Object<'a>>,
) {
    let Some(items) = items(node) else {
        found.push(Object { document, item: Some(found.len()), node, list });
        return;
    };
    let text = |key| node.get(key).and_then(Node::as_str);
    let inherited = text("apiVersion").zip(text("kind"));
    for item in items {
        flatten(document, item, inherited, found);
    }
}

/// The items, when this is a list of objects.
pub fn items(node: &Node) -> Option<&[Node]> {
    let kind = node.get("kind")?.as_str()?;
    if !kind.ends_with("List") {
        return None;
    }
    match &node.get("items")?.value {
        Value::Sequence(items) => Some(items),
        _ => None,
    }
}

impl<'a> Object<'a> {
    /// The `apiVersion`, or that of the list around the object.
    pub fn api_version(&self) -> Option<&'a str> {
        self.own("apiVersion").or_else(|| Some(self.inherited()?.0))
    }

    /// The `kind`, or that of the list around the object without its `List`.
    pub fn kind(&self) -> Option<&'a str> {
        self.own("kind").or_else(|| self.inherited()?.1.strip_suffix("List"))
    }

    /// `metadata.name`.
    pub fn name(&self) -> Option<&'a str> {
        self.node.at(&["metadata", "name"])?.as_str()
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> Option<&'a str> {
        self.node.at(&["metadata", "namespace"])?.as_str()
    }

    /// Where the object stands.
    pub fn place(&self) -> Place {
        Place { file: self.document.file, span: self.node.span }
    }

    /// Where a field stands, or the object when the field is not there.
    pub fn place_of(&self, path: &[&str]) -> Place {
        let span = self.node.at(path).map_or(Span::default(), |node| node.span);
        Place { span: if span.end == 0 { self.node.span } else { span }, ..self.place() }
    }

    fn own(&self, key: &str) -> Option<&'a str> {
        self.node.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Only an item that has neither field takes both from its list, as in kubectl. A plain `List`
    /// has no kind to give.
    fn inherited(&self) -> Option<(&'a str, &'a str)> {
        if self.own("apiVersion").is_some() || self.own("kind").is_some() {
            return None;
        }
        self.list.filter(|(_, kind)| *kind != "List")
    }
}

#[cfg(test)]
mod tests;
