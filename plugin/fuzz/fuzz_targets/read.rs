//! Any bytes as a file.
//!
//! Whatever comes in: nothing panics, memory stays bounded, documents lie in order in the file and
//! can be put back where they were, and whatever was read is the same after it has been written
//! and read again, with its comments.

#![no_main]

use extsecret_manifest::edit::{Replacement, replace_document, replace_items, splice};
use extsecret_manifest::node::{Comments, Node};
use extsecret_manifest::read::{Document, Limits, decode, read};
use extsecret_manifest::source::{FileId, SourceFile};
use extsecret_manifest::stream::objects;
use extsecret_manifest::write::{write, write_json};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    // Small enough that a bomb is found before the memory is gone.
    let limits = Limits { max_nodes: 20_000, ..Limits::default() };
    let Ok(file) = decode("fuzz", bytes.to_vec(), &limits) else { return };
    let text = file.text();
    let documents = read(FileId(0), &file, &limits);

    let mut end = 0;
    for (i, document) in documents.iter().enumerate() {
        assert_eq!(document.index, i);
        assert!(document.span.start >= end && document.span.end >= document.span.start);
        assert!(text.get(document.span.range()).is_some());
        end = document.span.end;
    }
    let untouched: Vec<_> = documents
        .iter()
        .map(|d| Replacement { span: d.span, text: file.slice(d.span).to_owned() })
        .collect();
    assert_eq!(splice(text, &untouched), text);

    for document in &documents {
        let Some(node) = document.node() else { continue };
        check_spans(node, text);
        let json = node.to_json();
        let written = write(node);
        let again = reread(&written, &limits);
        assert_eq!(again.to_json(), json, "{written}");
        // What was read from our own writing is written the same way ever after.
        let settled = write(&again);
        assert_eq!(comments(&reread(&settled, &limits)), comments(&again), "{written}\n{settled}");
        if json.is_object() {
            assert_eq!(reread(&write_json(node), &limits).to_json(), json);
        }
        check_edits(&file, &documents, document, &limits);
    }
});

/// Reads a text with one document in it.
fn reread(text: &str, limits: &Limits) -> Node {
    // Aliases and merge keys are written out, so there is more text than there was.
    let limits = Limits { max_object_bytes: usize::MAX, ..limits.clone() };
    let documents = read(FileId(0), &SourceFile::new("written", text), &limits);
    match documents.as_slice() {
        [document] => document.node().cloned().unwrap_or_else(|| panic!("{document:?}\n{text}")),
        other => panic!("{other:?}\n{text}"),
    }
}

fn check_spans(node: &Node, text: &str) {
    assert!(text.get(node.span.range()).is_some(), "{:?}", node.span);
    for entry in node.as_mapping().unwrap_or_default() {
        assert!(text.get(entry.key_span.range()).is_some());
        check_spans(&entry.value, text);
    }
    for item in node.as_sequence().unwrap_or_default() {
        check_spans(item, text);
    }
}

/// All comments, in the order of the document.
fn comments(node: &Node) -> Vec<String> {
    fn walk(node: &Node, path: &str, found: &mut Vec<String>) {
        if let Some(Comments { before, trailing, after }) = node.comments.as_deref() {
            found.extend(before.iter().map(|c| format!("{path}<{c}")));
            found.extend(trailing.iter().map(|c| format!("{path}={c}")));
            found.extend(after.iter().map(|c| format!("{path}>{c}")));
        }
        for (i, entry) in node.as_mapping().unwrap_or_default().iter().enumerate() {
            walk(&entry.value, &format!("{path}.{i}"), found);
        }
        for (i, item) in node.as_sequence().unwrap_or_default().iter().enumerate() {
            walk(item, &format!("{path}[{i}]"), found);
        }
    }
    let mut found = Vec::new();
    walk(node, "", &mut found);
    found
}

/// A document, or an item of its list, is replaced; the other documents stay what they are.
fn check_edits(file: &SourceFile, documents: &[Document], document: &Document, limits: &Limits) {
    // A block that drops empty lines at its end, or one that keeps them.
    let text = if file.text().len().is_multiple_of(2) { "a\nb\n" } else { "a\n\n" };
    let new = Node::from(serde_json::json!({"kind": "New", "text": text}));
    let values = |documents: &[Document]| -> Vec<Option<Value>> {
        documents.iter().map(|d| d.node().map(Node::to_json)).collect()
    };
    // Behind the end mark of YAML stands what was read as YAML; it may be JSON once it is alone.
    if !file.text().contains("...") && !file.text().contains('\r') {
        let edit = replace_document(file, document, std::slice::from_ref(&new));
        let edited = SourceFile::new("edited", splice(file.text(), &[edit]));
        let mut expected = values(documents);
        expected[document.index] = Some(new.to_json());
        assert_eq!(values(&read(FileId(0), &edited, limits)), expected, "{}", edited.text());
    }
    for object in objects(document) {
        let Some(item) = object.item else { continue };
        // Whatever else stands in a list is nothing that anybody converts.
        if object.node.as_mapping().is_none() {
            continue;
        }
        let edits = replace_items(file, document, &[(item, vec![new.clone()])]);
        // With anchors, an item may be what others refer to. Between old Mac line ends an edit may
        // go wrong; whoever edits a file reads it back before it is written.
        let lone_cr = file.text().replace("\r\n", "").contains('\r');
        if lone_cr || file.text().contains(['&', '*', '<']) {
            continue;
        }
        let edited = SourceFile::new("edited", splice(file.text(), &edits));
        let read = read(FileId(0), &edited, limits);
        assert_eq!(read.len(), documents.len(), "{}", edited.text());
        let found = read
            .get(document.index)
            .map(|d| objects(d).iter().map(|o| o.node.to_json()).collect::<Vec<_>>());
        let mut expected: Vec<_> = objects(document).iter().map(|o| o.node.to_json()).collect();
        expected[item] = new.to_json();
        assert_eq!(found, Some(expected), "{}", edited.text());
    }
}
