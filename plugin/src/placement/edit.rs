//! A file with its converted objects replaced, and proof that nothing else is different.

use std::collections::BTreeMap;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::edit;
use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::read::{self as reader, Content, Document, Limits};
use extsecret_manifest::source::{FileId, Place, SourceFile};
use extsecret_migrate::Origin;
use extsecret_migrate::helm::Edited;

use crate::catalogue::UNEDITABLE;

/// What becomes of the objects of a file: the new objects, or nothing.
pub(super) type Changes<'a> = BTreeMap<(usize, Option<usize>), Vec<&'a Node>>;

/// The key of [`Changes`].
pub(super) fn key(origin: &Origin) -> (usize, Option<usize>) {
    (origin.document, origin.item)
}

/// Replaces objects in a file. An edit whose result does not read back as intended is refused.
pub(super) fn apply(
    source: &SourceFile,
    documents: &[Document],
    changes: &Changes<'_>,
    limits: &Limits,
) -> Result<Edited, Diagnostic> {
    let mut replacements = Vec::new();
    let mut touched = Vec::new();
    for document in documents {
        let here = changes.range((document.index, None)..=(document.index, Some(usize::MAX)));
        let mut items = Vec::new();
        let mut any = false;
        for ((_, item), change) in here {
            any = true;
            match item {
                None => {
                    replacements.push(edit::replace_document(source, document, &nodes(change)));
                }
                Some(item) => items.push((*item, nodes(change))),
            }
        }
        if items.iter().any(|(_, nodes)| nodes.is_empty()) {
            // An item can be replaced where it stands, but not taken out: the List is written anew.
            let list = document.node().map(|list| with_changes(list, document.index, changes));
            replacements.extend(list.map(|list| edit::replace_document(source, document, &[list])));
        } else if !items.is_empty() {
            replacements.extend(edit::replace_items(source, document, &items));
        }
        if any {
            touched.push(document.span);
        }
    }
    let text = edit::splice(source.text(), &replacements);
    match verify(source, documents, changes, &text, limits) {
        Ok(()) => Ok(Edited { text, replacements, touched }),
        Err(why) => {
            let place = documents
                .iter()
                .find(|document| changes.keys().any(|(index, _)| *index == document.index));
            let diagnostic = Diagnostic::new(
                &UNEDITABLE,
                format!("{} cannot be edited in place: {why}", source.path()),
            );
            Err(match place {
                Some(document) => diagnostic.at(Place { file: document.file, span: document.span }),
                None => diagnostic,
            })
        }
    }
}

fn nodes(change: &[&Node]) -> Vec<Node> {
    change.iter().map(|&node| node.clone()).collect()
}

/// Reads the edited text again and compares every document with what it should be.
fn verify(
    source: &SourceFile,
    before: &[Document],
    changes: &Changes<'_>,
    text: &str,
    limits: &Limits,
) -> Result<(), String> {
    let edited = reader::decode(source.path(), text.as_bytes().to_vec(), limits)
        .map_err(|diagnostic| diagnostic.message)?;
    let file = before.first().map_or(FileId(0), |first| first.file);
    let after = reader::read(file, &edited, limits);
    let wanted: Vec<_> = before.iter().flat_map(|document| expected(document, changes)).collect();
    let found: Vec<_> = after.iter().filter_map(|document| meaning(&document.content)).collect();
    if wanted.len() != found.len() {
        return Err(format!(
            "it would hold {} documents afterwards instead of {}",
            found.len(),
            wanted.len()
        ));
    }
    match wanted.iter().zip(&found).position(|(wanted, found)| wanted != found) {
        Some(index) => Err(format!("document {} would not read as intended", index + 1)),
        None => Ok(()),
    }
}

/// What a document says.
#[derive(PartialEq)]
enum Meaning {
    Value(serde_json::Value),
    Unreadable,
}

/// Empty documents do not count.
fn meaning(content: &Content) -> Option<Meaning> {
    match content {
        Content::Empty => None,
        Content::Node(node) => Some(Meaning::Value(node.to_json())),
        Content::Broken(_) => Some(Meaning::Unreadable),
    }
}

/// What a document shall be afterwards.
fn expected(document: &Document, changes: &Changes<'_>) -> Vec<Meaning> {
    if let Some(change) = changes.get(&(document.index, None)) {
        return change.iter().map(|node| Meaning::Value(node.to_json())).collect();
    }
    let mut here = changes.range((document.index, Some(0))..=(document.index, Some(usize::MAX)));
    match (document.node(), here.next()) {
        (Some(list), Some(_)) => {
            vec![Meaning::Value(with_changes(list, document.index, changes).to_json())]
        }
        _ => meaning(&document.content).into_iter().collect(),
    }
}

/// A List with its objects replaced or taken out.
fn with_changes(list: &Node, document: usize, changes: &Changes<'_>) -> Node {
    let mut list = list.clone();
    change_items(&mut list, document, changes, &mut 0);
    list
}

/// Counts the objects of a list, and of the lists in it, as [`extsecret_manifest::stream`] does.
fn change_items(list: &mut Node, document: usize, changes: &Changes<'_>, next: &mut usize) {
    let Some(items) = list.get_mut("items") else { return };
    let Value::Sequence(items) = &mut items.value else { return };
    let mut kept = Vec::with_capacity(items.len());
    for mut item in std::mem::take(items) {
        if extsecret_manifest::stream::items(&item).is_some() {
            change_items(&mut item, document, changes, next);
            kept.push(item);
            continue;
        }
        *next += 1;
        match changes.get(&(document, Some(*next - 1))) {
            None => kept.push(item),
            Some(change) => kept.extend(nodes(change)),
        }
    }
    *items = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_reads_otherwise_is_noticed() {
        let limits = Limits::default();
        let source = SourceFile::new("f.yaml", "a: 1\n---\nb: 2\n---\nc: [\n");
        let documents = reader::read(FileId(0), &source, &limits);
        let new = Node::from(serde_json::json!({ "b": 3 }));
        let changes = Changes::from([((1, None), vec![&new])]);
        let check = |text: &str| verify(&source, &documents, &changes, text, &limits);

        assert_eq!(check("a: 1\n---\nb: 3\n---\nc: [\n"), Ok(()));
        assert_eq!(check("a: 1\n---\nb: 3 # kept\n---\n---\nc: [\n"), Ok(()));
        for (text, why) in [
            ("a: 1\n---\nb: 2\n---\nc: [\n", "the object is not the new one"),
            ("a: 1\nb: 3\n---\nc: [\n", "two documents became one"),
            ("a: 2\n---\nb: 3\n---\nc: [\n", "another document changed"),
            ("a: 1\n---\nb: 3\n---\nc: []\n", "what did not parse does now"),
        ] {
            assert!(check(text).is_err(), "{why}");
        }
    }
}
