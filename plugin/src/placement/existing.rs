//! Files that are there already: what may be replaced, what is added to, what is left alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::read::{self as reader, Content, Document, Limits};
use extsecret_manifest::source::{FileId, SourceFile};
use extsecret_manifest::{edit, stream, write};
use extsecret_migrate::Output;

use crate::input::Inputs;

/// A file that was there before.
struct Existing {
    source: SourceFile,
    documents: Vec<Document>,
}

/// The names of an object that make it that object.
type Identity = (String, String, Option<String>, String);

fn read(path: &Path, limits: &Limits) -> anyhow::Result<Option<Existing>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        // What is in the way of its folder will be said when it is written.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot look at {}", path.display()));
        }
    };
    let shown = path.display().to_string();
    let source = reader::decode(&shown, bytes, limits)
        .map_err(|diagnostic| anyhow::anyhow!("cannot read {shown}: {}", diagnostic.message))?;
    let documents = reader::read(FileId(0), &source, limits);
    Ok(Some(Existing { source, documents }))
}

/// Refuses to let anything vanish: a file may be replaced when each object in it is in the new text
/// too, or is of a kind that a migration writes.
pub(super) fn may_replace(path: &Path, new: &str, limits: &Limits) -> anyhow::Result<()> {
    let Some(old) = read(path, limits)? else { return Ok(()) };
    if old.source.text() == new {
        return Ok(());
    }
    let Ok(new) = reader::decode("", new.as_bytes().to_vec(), limits) else {
        return Ok(());
    };
    let new: BTreeSet<Identity> = reader::read(FileId(0), &new, limits)
        .iter()
        .flat_map(stream::objects)
        .map(|object| identity(object.node))
        .collect();
    let foreign = old.documents.iter().any(|document| match &document.content {
        Content::Empty => false,
        Content::Broken(_) => true,
        Content::Node(_) => stream::objects(document)
            .iter()
            .any(|object| !is_written_by_us(object.node) && !new.contains(&identity(object.node))),
    });
    if foreign {
        bail!(
            "{} exists and holds something else; it is not overwritten. Name an empty directory",
            path.display()
        );
    }
    Ok(())
}

/// The stores file with these objects in it. Objects that are there already stay, so that a second
/// run, over what was refused in the first, adds to it. `None` when there is nothing to change.
pub(super) fn with_objects(
    path: &Path,
    outputs: &[&Output],
    inputs: &Inputs,
    limits: &Limits,
) -> anyhow::Result<Option<(Option<String>, String)>> {
    if outputs.is_empty() {
        return Ok(None);
    }
    let text = inputs.text_of(outputs, limits)?;
    let Some(old) = read(path, limits)? else { return Ok(Some((None, text))) };
    if old.source.text() == text {
        return Ok(None);
    }
    if extsecret_manifest::helm::has_actions(&text) {
        bail!(
            "{} exists already, and stores with Helm actions are not added to what is there. \
             Name another file with --stores",
            path.display()
        );
    }
    let mut held: Vec<(&Document, &Node)> = Vec::new();
    for document in &old.documents {
        match &document.content {
            Content::Empty => {}
            Content::Node(node) if is_store_file_object(node) => held.push((document, node)),
            _ => bail!(
                "{} exists and holds something else; it is not overwritten. \
                 Name another file with --stores",
                path.display()
            ),
        }
    }
    let mut replacements = Vec::new();
    let mut added = Vec::new();
    for output in outputs {
        let wanted = output.node();
        let Some((document, node)) =
            held.iter().find(|(_, node)| identity(node) == identity(wanted))
        else {
            added.push(wanted.clone());
            continue;
        };
        if node.to_json() == wanted.to_json() {
            continue;
        }
        let Some(merged) = with_all_namespaces(wanted, node) else {
            bail!(
                "{} already holds another {} {}; name another file with --stores",
                path.display(),
                output.kind,
                output.name
            );
        };
        if merged.to_json() != node.to_json() {
            replacements.push(edit::replace_document(&old.source, document, &[merged]));
        }
    }
    let before = old.source.text();
    let mut text = edit::splice(before, &replacements);
    if !added.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !held.is_empty() {
            text.push_str("---\n");
        }
        text.push_str(&write::write_documents(&added));
    }
    Ok((text != before).then(|| (Some(before.to_owned()), text)))
}

/// The new store, usable also from the namespaces that the old one lists. `None` when the two
/// differ in anything else.
fn with_all_namespaces(new: &Node, old: &Node) -> Option<Node> {
    let (mut merged, mut rest) = (new.clone(), old.clone());
    let all: BTreeSet<String> = [&*namespaces(&mut merged)?, &*namespaces(&mut rest)?]
        .into_iter()
        .flatten()
        .map(|node| node.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    let all: Vec<Node> = all.into_iter().map(|name| Node::new(Value::String(name))).collect();
    namespaces(&mut merged)?.clone_from(&all);
    *namespaces(&mut rest)? = all;
    (merged.to_json() == rest.to_json()).then_some(merged)
}

/// `spec.conditions[0].namespaces`, when that is the only condition.
fn namespaces(store: &mut Node) -> Option<&mut Vec<Node>> {
    let conditions = store.get_mut("spec")?.get_mut("conditions")?;
    let Value::Sequence(conditions) = &mut conditions.value else { return None };
    let [condition] = conditions.as_mut_slice() else { return None };
    match &mut condition.get_mut("namespaces")?.value {
        Value::Sequence(names) => Some(names),
        _ => None,
    }
}

fn identity(node: &Node) -> Identity {
    let text = |path: &[&str]| node.at(path).and_then(Node::as_str).map(str::to_owned);
    let group = text(&["apiVersion"]).unwrap_or_default();
    let group = group.split('/').next().unwrap_or_default().to_owned();
    (
        group,
        text(&["kind"]).unwrap_or_default(),
        text(&["metadata", "namespace"]),
        text(&["metadata", "name"]).unwrap_or_default(),
    )
}

fn is_written_by_us(node: &Node) -> bool {
    let (group, kind, _, _) = identity(node);
    (group == "external-secrets.io" && kind == "ExternalSecret") || is_store_file_object(node)
}

/// Stores, admission policies, and Secrets without a value.
fn is_store_file_object(node: &Node) -> bool {
    let (group, kind, _, _) = identity(node);
    match (group.as_str(), kind.as_str()) {
        ("external-secrets.io", "SecretStore" | "ClusterSecretStore") => true,
        ("admissionregistration.k8s.io", kind) => kind.starts_with("ValidatingAdmissionPolicy"),
        ("v1", "Secret") => ["data", "stringData"].iter().all(|field| {
            node.get(field).and_then(Node::as_mapping).unwrap_or_default().iter().all(|entry| {
                entry.value.is_null() || entry.value.as_str().is_some_and(str::is_empty)
            })
        }),
        _ => false,
    }
}
