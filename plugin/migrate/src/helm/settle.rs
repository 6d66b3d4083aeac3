//! The templates with their new objects, after everything is converted.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::edit::{Replacement, splice};
use extsecret_manifest::helm::{HelmError, HelmFile, StandIns, live_controls};
use extsecret_manifest::node::Node;
use extsecret_manifest::read::{Content, Limits, read};
use extsecret_manifest::source::{FileId, Place, SourceFile, Span};
use extsecret_manifest::write::{write, write_documents};

use super::RENDER;
use crate::codes;
use crate::report::{Migration, Outcome};

/// A template with its converted objects in their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The whole text.
    pub text: String,
    /// What was replaced.
    pub replacements: Vec<Replacement>,
    /// The documents in which something was replaced.
    pub touched: Vec<Span>,
}

/// New text for the lines of an object.
struct New {
    document: usize,
    region: Span,
    /// With words, and with the actions in their places.
    masked: String,
    text: String,
    nodes: Vec<Node>,
}

/// Writes the converted objects of templates into their files, and puts the actions back into
/// everything that the migration says.
///
/// An object whose actions cannot all be put back is refused (E14) and stays as it was.
pub fn settle(
    migration: &mut Migration,
    words: &StandIns,
    files: &BTreeMap<FileId, HelmFile>,
    limits: &Limits,
) -> BTreeMap<FileId, Edited> {
    let mut edited = BTreeMap::new();
    let elsewhere = about_stores(migration, words);
    for (id, file) in files {
        let mut objects: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
        for output in &migration.outputs {
            if let Some(origin) = output.origin.filter(|origin| origin.file == *id) {
                objects.entry(origin.document).or_default().push(output.standalone().into_owned());
            }
        }
        let mut news = Vec::new();
        for (document, nodes) in objects {
            match renewed(file, words, document, nodes, &elsewhere, limits) {
                Ok(new) => news.push(new),
                Err((span, why)) => refuse(migration, *id, document, span, &why),
            }
        }
        match assembled(file, &news, limits) {
            Ok(Some(text)) => {
                edited.insert(*id, text);
            }
            Ok(None) => {}
            Err(why) => {
                for new in &news {
                    refuse(migration, *id, new.document, new.region, why);
                }
            }
        }
    }
    put_back(migration, words);
    edited
}

/// The actions that went into stores, which are then a part of the chart.
fn about_stores(migration: &mut Migration, words: &StandIns) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut notes = Vec::new();
    for output in migration.outputs.iter().filter(|output| output.origin.is_none()) {
        let text = write(output.node());
        let before = all.len();
        let mut any = false;
        for (_, held) in words.find(&text) {
            any = true;
            all.insert(held.text.clone());
        }
        if any || all.len() > before {
            let (kind, name) = (&output.kind, &output.name);
            let several = if output.kind.starts_with("Cluster") {
                "; a chart that is installed more than once needs --scope namespace"
            } else {
                ""
            };
            notes.push(Diagnostic::new(
                &codes::W43,
                format!("{kind} {name} holds Helm actions too, so it belongs among the chart's templates{several}"),
            ));
        }
    }
    migration.diagnostics.extend(notes);
    all
}

/// The new text of one document's object, or where and why there is none.
fn renewed(
    file: &HelmFile,
    words: &StandIns,
    document: usize,
    nodes: Vec<Node>,
    elsewhere: &BTreeSet<String>,
    limits: &Limits,
) -> Result<New, (Span, String)> {
    let region = file.region(document).unwrap_or_default();
    let masked = write_documents(&nodes);
    let text =
        words.restore(&masked, limits).map_err(|HelmError { action, message, .. }| {
            let within = file.within(region);
            let at = action.and_then(|held| within.iter().find(|a| file.text(a) == held.text));
            (at.map_or(region, |action| action.span), message)
        })?;
    let kept: BTreeSet<&str> = words.find(&masked).map(|(_, held)| held.text.as_str()).collect();
    for action in file.within(region) {
        let own = file.text(action);
        if !kept.contains(own) && !elsewhere.contains(own) {
            return Err((
                action.span,
                "this Helm action has no place in the new object".to_owned(),
            ));
        }
    }
    let old = file.source().slice(region);
    let crlf = old.contains("\r\n");
    let like = |text: String| if crlf { text.replace('\n', "\r\n") } else { text };
    Ok(New { document, region, masked: like(masked), text: like(text), nodes })
}

/// The file with all new texts, when it reads as intended and its other actions are as before.
fn assembled(
    file: &HelmFile,
    news: &[New],
    limits: &Limits,
) -> Result<Option<Edited>, &'static str> {
    if news.is_empty() {
        return Ok(None);
    }
    let put = |text: fn(&New) -> &String| -> Vec<Replacement> {
        news.iter().map(|new| Replacement { span: new.region, text: text(new).clone() }).collect()
    };
    let masked = splice(file.masked.text(), &put(|new| &new.masked));
    let masked = SourceFile::new(file.masked.path(), masked);
    let after = read(FileId(0), &masked, limits);
    let found = after.iter().filter_map(|document| meaning(&document.content));
    let wanted = file.documents.iter().flat_map(|document| {
        match news.iter().find(|new| new.document == document.index) {
            Some(new) => new.nodes.iter().map(|node| Some(node.to_json())).collect(),
            None => Vec::from_iter(meaning(&document.content)),
        }
    });
    if !found.eq(wanted) {
        return Err("the file would not read as intended with the new object in it");
    }
    let replacements = put(|new| &new.text);
    let text = splice(file.source().text(), &replacements);
    if live_controls(&text) != live_controls(file.source().text()) {
        return Err("the Helm actions of the file would not be the same with the new object in it");
    }
    let touched = file
        .documents
        .iter()
        .filter(|document| news.iter().any(|new| new.document == document.index))
        .map(|document| document.span)
        .collect();
    Ok(Some(Edited { text, replacements, touched }))
}

/// What a document says; a broken one says something unknown.
#[expect(clippy::option_option, reason = "empty, broken, or a value")]
fn meaning(content: &Content) -> Option<Option<serde_json::Value>> {
    match content {
        Content::Empty => None,
        Content::Node(node) => Some(Some(node.to_json())),
        Content::Broken(_) => Some(None),
    }
}

fn refuse(migration: &mut Migration, file: FileId, document: usize, span: Span, why: &str) {
    migration.outputs.retain(|output| {
        output.origin.is_none_or(|origin| origin.file != file || origin.document != document)
    });
    for report in &mut migration.objects {
        if report.origin.file == file
            && report.origin.document == document
            && report.outcome == Outcome::Converted
        {
            report.outcome = Outcome::Refused;
            report.store = None;
            report.diagnostics =
                vec![Diagnostic::new(&codes::E14, why).at(Place { file, span }).help(RENDER)];
        }
    }
}

/// The actions in names and messages.
fn put_back(migration: &mut Migration, words: &StandIns) {
    if words.is_empty() {
        return;
    }
    let text = |text: &mut String| {
        if let std::borrow::Cow::Owned(new) = words.put_back(text) {
            *text = new;
        }
    };
    let about = |diagnostic: &mut Diagnostic| {
        text(&mut diagnostic.message);
        diagnostic.field.iter_mut().for_each(text);
        diagnostic.help.iter_mut().for_each(text);
        diagnostic.related.iter_mut().for_each(|(_, note)| text(note));
    };
    migration.diagnostics.iter_mut().for_each(about);
    for object in &mut migration.objects {
        object.diagnostics.iter_mut().for_each(about);
        for name in [&mut object.namespace, &mut object.name, &mut object.store] {
            name.iter_mut().for_each(text);
        }
    }
    for output in &mut migration.outputs {
        output.namespace.iter_mut().for_each(text);
        text(&mut output.name);
    }
}
