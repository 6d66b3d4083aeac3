//! Objects in a Helm template that is converted as it is (`--helm-escape`).
//!
//! Their actions are set aside while they are converted ([`extsecret_manifest::helm`]). That is
//! sound only where nothing depends on what Helm prints: a field that is copied, or one whose
//! translation of the usual values changes nothing (W43 says which). Everything else is refused
//! with E14. Afterwards every action must be where it means the same; an object of which that
//! cannot be said stays as it was.

mod fields;
mod settle;

use std::borrow::Cow;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::helm::{Found, HelmFile, StandIns, printed_as_it_is};
use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::read::Document;
use extsecret_manifest::source::Span;
use extsecret_manifest::stream::Object;

use crate::codes;
use crate::finding::{Findings, WithHelp};
use fields::Rule;
pub use settle::{Edited, settle};

/// A file, and the words that stand for its actions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Helm<'a> {
    pub(crate) file: &'a HelmFile,
    pub(crate) words: &'a StandIns,
}

/// What to do about a refusal.
const RENDER: &str = "render the file with `helm template` and convert what it prints, or take the \
    action out of the object for the conversion";

/// Writes every text so that Helm prints it. Actions of the file itself are words here, and none of
/// them is touched.
pub(crate) fn escape(node: &mut Node) {
    match &mut node.value {
        Value::String(text) => {
            if let Cow::Owned(new) = printed_as_it_is(text) {
                *text = new;
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(escape),
        Value::Mapping(entries) => entries.iter_mut().for_each(|entry| escape(&mut entry.value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What is wrong with a text that is no YAML without its actions either.
pub(crate) fn unreadable(why: &Diagnostic) -> Diagnostic {
    let mut found = Diagnostic::new(
        &codes::E14,
        format!("not YAML, also with its Helm actions set aside: {}", why.message),
    );
    found.place = why.place;
    found.related.clone_from(&why.related);
    found.help("put a `---` line between objects, or render the file with `helm template` and convert what it prints")
}

impl Helm<'_> {
    /// True when the document's object has actions in it.
    pub(crate) fn is_in(self, document: &Document) -> bool {
        !self.file.within(self.region(document)).is_empty()
    }

    fn region(self, document: &Document) -> Span {
        self.file.region(document.index).unwrap_or(document.span)
    }

    /// True for a text that cannot be read and may hold an object that is ours to convert.
    pub(crate) fn may_be_ours(self, document: Span) -> bool {
        let text = self.file.source().slice(document);
        ["kubernetes-client.io", "external-secrets.io", "secrets-store.csi.x-k8s.io"]
            .iter()
            .any(|group| text.contains(group))
    }

    /// True when a KES object can be converted with its actions.
    pub(crate) fn check(self, object: &Object<'_>, found: &mut Findings<'_>) -> bool {
        if !self.check_copied(object, found) {
            return false;
        }
        self.check_fields(object.node, self.region(object.document), found);
        !found.is_refused()
    }

    /// True when an object can be written anew with its actions, if its values are only copied.
    pub(crate) fn check_copied(self, object: &Object<'_>, found: &mut Findings<'_>) -> bool {
        if object.item.is_some() {
            found
                .object(&codes::E14, "this is an item of a List in a Helm template")
                .with_help("write the object as a document of its own");
            return false;
        }
        self.check_places(self.region(object.document), found);
        if let Some(action) = self.file.printed_below(object.document.index) {
            let message = "this Helm action may print more of the object above it";
            let place = found.place(action.span);
            found.add(
                Diagnostic::new(&codes::E14, message)
                    .at(place)
                    .help("if it prints something else, put a `---` line above it"),
            );
        }
        !found.is_refused()
    }

    /// True for a class of the CSI driver without actions: others are not understood.
    pub(crate) fn check_class(self, object: &Object<'_>, found: &mut Findings<'_>) -> bool {
        if object.item.is_some() || self.file.printed_below(object.document.index).is_some() {
            return self.check_copied(object, found);
        }
        let region = self.region(object.document);
        if let Some(first) = self.file.within(region).first() {
            let message = "this Helm action stands in a SecretProviderClass, of which only plain ones are converted";
            let place = found.place(first.span);
            found.add(Diagnostic::new(&codes::E14, message).at(place).help(RENDER));
        }
        !found.is_refused()
    }

    /// Refuses an object whose actions depend on their place in the text.
    fn check_places(self, region: Span, found: &mut Findings<'_>) {
        for action in self.file.within(region) {
            if let Some(why) = self.misplaced(action) {
                let message = format!("this Helm action {why}");
                let place = found.place(action.span);
                found.add(Diagnostic::new(&codes::E14, message).at(place).help(RENDER));
            }
        }
    }

    fn misplaced(self, action: &Found) -> Option<&'static str> {
        let text = self.file.text(action);
        if action.entries {
            return None;
        }
        if !action.prints && !action.controls {
            return Some("is a comment of Helm's, which the new object has no place for");
        }
        if action.alone && !action.controls {
            return Some("prints whole lines of the object, which are not known here");
        }
        if action.controls {
            return Some("decides about lines of the object, which are converted as a whole");
        }
        let source = self.file.source().text();
        let before = source.get(..action.span.start as usize).unwrap_or_default();
        let after = source.get(action.span.end as usize..).unwrap_or_default();
        let trims = (text.starts_with("{{-") && before.ends_with(char::is_whitespace))
            || (text.ends_with("-}}")
                && (after.is_empty() || after.starts_with(char::is_whitespace)));
        if trims {
            return Some(
                "removes the blanks around it (`{{-` or `-}}`), which are not the same in the new object",
            );
        }
        text.contains("indent ").then_some(
            "indents what it prints for its present place, and the new object has another",
        )
    }

    /// Refuses an object in which an action stands where the conversion depends on its value, and
    /// says which fields hold actions.
    fn check_fields(self, object: &Node, region: Span, found: &mut Findings<'_>) {
        let spec = object.get("spec").or_else(|| object.get("secretDescriptor"));
        let field = |key| spec.and_then(|spec| spec.get(key));
        let backend = field("backendType").and_then(Node::as_str).unwrap_or_default();
        let mut walk = Walk {
            helm: self,
            region,
            copies_keys: matches!(backend, "secretsManager" | "gcpSecretsManager"),
            has_template: field("template").is_some(),
            unseen: Vec::new(),
            found,
        };
        walk.node(object, &mut Vec::new());
        let Walk { unseen, found, .. } = walk;
        if let Some((_, first)) = unseen.first() {
            let fields: Vec<&str> = unseen.iter().map(|(field, _)| field.as_str()).collect();
            let message = format!(
                "what Helm prints in `{}` is not known here, and nothing of it is translated",
                fields.join("`, `")
            );
            let place = found.place(*first);
            found.add(Diagnostic::new(&codes::W43, message).at(place));
        }
    }

    /// True when an action means the same at the end of the chart's other files.
    fn is_anchored(self, action: &str, region: Span) -> bool {
        let mut last = ' ';
        let mut chars = action.chars().peekable();
        let scoped = self.file.scope_at(region.start).is_some();
        let mut quote = None;
        while let Some(c) = chars.next() {
            if let Some(open) = quote {
                if c == '\\' && open != '`' {
                    chars.next();
                } else if c == open {
                    quote = None;
                }
                continue;
            }
            let next = chars.peek().copied().unwrap_or(' ');
            match c {
                '"' | '\'' | '`' => quote = Some(c),
                '$' if next.is_alphanumeric() || next == '_' => return false,
                // A dot of its own, not one behind `$` or a name.
                '.' if scoped && !(last.is_alphanumeric() || matches!(last, '_' | '$' | ')')) => {
                    return false;
                }
                _ => {}
            }
            last = c;
        }
        true
    }
}

struct Walk<'h, 'f, 's> {
    helm: Helm<'h>,
    region: Span,
    /// The backend's keys are copied whatever they are.
    copies_keys: bool,
    has_template: bool,
    /// Fields with a value that would be translated if it were known.
    unseen: Vec<(String, Span)>,
    found: &'f mut Findings<'s>,
}

impl Walk<'_, '_, '_> {
    fn node(&mut self, node: &Node, path: &mut Vec<String>) {
        match &node.value {
            Value::String(text) => self.text(text, node.span, path),
            Value::Sequence(items) => {
                for (i, item) in items.iter().enumerate() {
                    path.push(format!("[{i}]"));
                    self.node(item, path);
                    path.pop();
                }
            }
            Value::Mapping(entries) => {
                for entry in entries {
                    path.push(entry.key.clone());
                    self.key(&entry.key, entry.key_span, path);
                    self.node(&entry.value, path);
                    path.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn key(&mut self, key: &str, span: Span, path: &[String]) {
        if self.helm.words.find(key).next().is_none() {
            return;
        }
        let entries = self.helm.file.within(span).iter().any(|action| action.entries);
        let copied = matches!(path, [first, second, _]
            if first == "metadata" && (second == "labels" || second == "annotations"));
        if !entries || !copied {
            self.refuse(span, path, "names a field by a Helm action");
        }
    }

    fn text(&mut self, text: &str, span: Span, path: &[String]) {
        let actions: Vec<&str> =
            self.helm.words.find(text).map(|(_, held)| held.text.as_str()).collect();
        if actions.is_empty() {
            return;
        }
        match fields::rule(path) {
            Rule::Name if self.has_template => {
                self.refuse(
                    span,
                    path,
                    "is a Helm action, and the template may read the value by that name",
                );
            }
            Rule::Copied | Rule::Name => {}
            Rule::Translated
                if self.copies_keys && path.last().is_some_and(|step| step != "property") => {}
            Rule::Translated => self.unseen.push((shown(path), span)),
            Rule::Template => {
                // Helm prints the inner braces, and ESO would run what stands between them.
                let prints_code = |action: &&str| {
                    let inner = action.get(2..action.len().saturating_sub(2)).unwrap_or_default();
                    ["{{", "}}", "<%", "%>", "${"].iter().any(|code| inner.contains(code))
                };
                if actions.iter().any(prints_code) {
                    self.refuse(
                        span,
                        path,
                        "holds a Helm action that prints the code of a template",
                    );
                }
                self.unseen.push((shown(path), span));
            }
            Rule::Store => {
                let region = self.region;
                if actions.iter().any(|action| !self.helm.is_anchored(action, region)) {
                    let file = self.helm.file;
                    let why = file.scope_at(region.start).map_or_else(
                        || "becomes a part of the store, in a file without this file's variables".to_owned(),
                        |at| {
                            let line = file.source().location(at).line;
                            format!("becomes a part of the store, which stands outside the block that begins in line {line}")
                        },
                    );
                    self.refuse(span, path, &why);
                }
            }
            Rule::Decides => {
                self.refuse(
                    span,
                    path,
                    "is a Helm action, and the conversion depends on its value",
                );
            }
        }
    }

    fn refuse(&mut self, span: Span, path: &[String], why: &str) {
        let field = shown(path);
        let field = self.helm.words.put_back(&field).into_owned();
        self.found
            .at(&codes::E14, span, &field, format!("`{field}` {why}"))
            .with_help("write the value itself, or render the file with `helm template` and convert what it prints");
    }
}

/// `spec.data[0].key`
fn shown(path: &[String]) -> String {
    let mut out = String::new();
    for step in path {
        if !out.is_empty() && !step.starts_with('[') {
            out.push('.');
        }
        out.push_str(step);
    }
    out
}

#[cfg(test)]
mod tests;
