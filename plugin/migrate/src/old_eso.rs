//! `external-secrets.io/v1alpha1` and `v1beta1` become `v1`.
//!
//! The versions differ little, so the object is edited rather than built anew: whatever is not
//! named here stays as it is, comments included. What changed between them:
//!
//! | | v1alpha1 | v1beta1 | v1 |
//! |---|---|---|---|
//! | item of `dataFrom` | `key`, `property`, `version` | `extract`, `find` | as v1beta1 |
//! | template engine when not named | v1 | v2 | v2, and no other |
//! | strategies of an item when not named | `Default` | `Default`, `None`, `None` | the same, at run time |
//! | account of the Kubernetes provider | in `serviceAccount.serviceAccount` | in `serviceAccount` | as v1beta1 |
//! | providers Alibaba and Device42 | yes | yes | removed |
//! | `valueMap` of the fake provider | yes | at first | removed |

use extsecret_crds::ExternalSecretSpec;
use extsecret_crds::rules::{self, Rule};
use extsecret_manifest::diagnostic::{Code, Diagnostic};
use extsecret_manifest::node::{Comments, Entry, Node, Style, Value};
use extsecret_manifest::source::{FileId, Place, Span};

use crate::codes;
use crate::noise;

const V1: &str = "external-secrets.io/v1";
const V1ALPHA1: &str = "external-secrets.io/v1alpha1";
const V1BETA1: &str = "external-secrets.io/v1beta1";

/// Providers that v1 does not have, with where to go.
const REMOVED_PROVIDERS: [(&str, &str); 2] = [
    (
        "alibaba",
        "ESO removed it in 2.0.0: use the `webhook` provider in front of the Alibaba API, or move \
         the secrets to a store that ESO reads",
    ),
    ("device42", "ESO removed it: use the `webhook` provider in front of the Device42 API"),
];

/// True for the kinds that left `v1alpha1` and `v1beta1`. A `PushSecret` still is `v1alpha1`.
pub fn converts(kind: &str) -> bool {
    matches!(
        kind,
        "ExternalSecret" | "ClusterExternalSecret" | "SecretStore" | "ClusterSecretStore"
    )
}

/// Converts one object of a kind that [`converts`] accepts.
///
/// Returns the object in `v1` and what should be known about it, or why it cannot be converted
/// (E18). An object that already is `v1` comes back unchanged.
pub fn convert(file: FileId, object: &Node) -> Result<(Node, Vec<Diagnostic>), Vec<Diagnostic>> {
    let version = object.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
    let kind = object.get("kind").and_then(Node::as_str).unwrap_or_default();
    let version = match version {
        V1ALPHA1 => Version::Alpha,
        V1BETA1 => Version::Beta,
        _ => return Ok((object.clone(), Vec::new())),
    };

    let mut node = object.clone();
    let mut found = Found { file, object: object.span, list: Vec::new() };
    if let Some(api_version) = node.get_mut("apiVersion") {
        let message = format!("{} {kind} is now {V1}", version.name());
        found.add(&codes::I05, api_version.span, "apiVersion", message);
        api_version.value = Value::String(V1.into());
    }
    remove_noise(&mut node, &mut found);
    match kind {
        "ExternalSecret" => external_secret(&mut node, &["spec"], version, &mut found),
        "ClusterExternalSecret" => {
            external_secret(&mut node, &["spec", "externalSecretSpec"], version, &mut found);
        }
        _ => store(&mut node, &mut found),
    }

    let (errors, notes): (Vec<_>, Vec<_>) = found.list.into_iter().partition(Diagnostic::is_error);
    if errors.is_empty() { Ok((node, notes)) } else { Err(errors) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Alpha,
    Beta,
}

impl Version {
    const fn name(self) -> &'static str {
        match self {
            Self::Alpha => V1ALPHA1,
            Self::Beta => V1BETA1,
        }
    }
}

struct Found {
    file: FileId,
    /// Where to point when a field has no place of its own.
    object: Span,
    list: Vec<Diagnostic>,
}

impl Found {
    fn add(
        &mut self,
        code: &'static Code,
        span: Span,
        field: impl Into<String>,
        message: impl Into<String>,
    ) {
        let span = if span.is_empty() { self.object } else { span };
        let place = Place { file: self.file, span };
        self.list.push(Diagnostic::new(code, message).at(place).field(field));
    }

    fn add_with_help(
        &mut self,
        code: &'static Code,
        span: Span,
        field: impl Into<String>,
        message: impl Into<String>,
        help: &str,
    ) {
        self.add(code, span, field, message);
        if let Some(last) = self.list.last_mut() {
            last.help = Some(help.into());
        }
    }
}

// === Cluster exports ===

/// Removes what belongs to the object in the cluster and not to its manifest.
fn remove_noise(node: &mut Node, found: &mut Found) {
    let mut removed = take(node, |entry| entry.key == "status");
    if let Some(metadata) = node.get_mut("metadata") {
        removed.extend(take(metadata, |entry| noise::METADATA.contains(&entry.key.as_str())));
        if let Some(annotations) = metadata.get_mut("annotations") {
            removed.extend(take(annotations, |entry| entry.key == noise::LAST_APPLIED));
            if annotations.as_mapping().is_some_and(<[_]>::is_empty) {
                take(metadata, |entry| entry.key == "annotations");
            }
        }
        // ESO adds its finalizer itself; without a running ESO it would only be in the way.
        if let Some(finalizers) = metadata.get_mut("finalizers")
            && let Value::Sequence(items) = &mut finalizers.value
        {
            let before = items.len();
            items.retain(|item| {
                !item.as_str().is_some_and(|name| name.contains("external-secrets.io/"))
            });
            if items.len() < before && items.is_empty() {
                removed.extend(take(metadata, |entry| entry.key == "finalizers"));
            }
        }
        // A reference by uid to an owner that is gone makes the garbage collector delete the
        // object, and with it the Secret.
        for owners in take(metadata, |entry| entry.key == "ownerReferences") {
            found.add_with_help(
                &codes::W02,
                owners.key_span,
                "metadata.ownerReferences",
                "the owner of the object in the cluster is left out",
                "if a ClusterExternalSecret or another tool made this object, convert that instead",
            );
        }
    }
    if let Some(first) = removed.first() {
        let message = "fields that the API server writes are left out";
        found.add(&codes::I04, first.key_span, first.key.clone(), message);
    }
    keep_comments(node, &removed, found);
}

/// Takes entries out of a mapping.
fn take(node: &mut Node, matches: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    match &mut node.value {
        Value::Mapping(entries) => entries.extract_if(.., |entry| matches(entry)).collect(),
        _ => Vec::new(),
    }
}

/// No comment is lost: those of removed fields end up below the metadata.
fn keep_comments(node: &mut Node, removed: &[Entry], found: &mut Found) {
    let mut lines = Vec::new();
    for entry in removed {
        let before = lines.len();
        collect_comments(&entry.value, &mut lines);
        if lines.len() > before {
            let message = format!("the comment at {} was moved to the metadata", entry.key);
            found.add(&codes::W30, entry.key_span, entry.key.clone(), message);
        }
    }
    if !lines.is_empty() {
        let at = match node.get("metadata") {
            Some(_) => node.get_mut("metadata"),
            None => Some(node),
        };
        if let Some(at) = at {
            at.comments_mut().before.extend(lines);
        }
    }
}

fn collect_comments(node: &Node, lines: &mut Vec<String>) {
    let comments = node.comments.as_deref();
    if let Some(Comments { before, trailing, .. }) = comments {
        lines.extend(before.iter().chain(trailing).cloned());
    }
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                collect_comments(&entry.value, lines);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                collect_comments(item, lines);
            }
        }
        _ => {}
    }
    lines.extend(comments.iter().flat_map(|comments| comments.after.iter().cloned()));
}

// === ExternalSecret ===

fn external_secret(node: &mut Node, base: &[&str], version: Version, found: &mut Found) {
    let path = base.join(".");
    let Some(spec) = base.iter().try_fold(node, |node, key| node.get_mut(key)) else { return };
    if version == Version::Alpha
        && let Some(data_from) = spec.get_mut("dataFrom")
        && let Value::Sequence(items) = &mut data_from.value
    {
        items.iter_mut().for_each(nest_in_extract);
    }
    if let Some(template) = spec.get_mut("target").and_then(|target| target.get_mut("template")) {
        engine(template, &path, version, found);
    }
    check(spec, &path, found);
}

/// `{key: ...}` becomes `{extract: {key: ...}}`.
fn nest_in_extract(item: &mut Node) {
    let is_flat = item.get("key").is_some() && item.get("extract").is_none();
    if !is_flat {
        return;
    }
    // The item's comments stand above its dash and stay there.
    let comments = item.comments.take();
    let inner = std::mem::take(item);
    let Node { span, style, .. } = inner;
    let extract = Entry { key: "extract".into(), key_span: span, value: inner };
    *item = Node {
        value: Value::Mapping(vec![extract]),
        span,
        // `- {key: x}` reads best as `- extract: {key: x}`.
        style: if style == Style::Flow { Style::None } else { style },
        comments,
    };
}

/// Template engine v1 does not exist any more. A template without any expression means the same to
/// both engines.
fn engine(template: &mut Node, path: &str, version: Version, found: &mut Found) {
    let path = format!("{path}.target.template");
    let named = template.get("engineVersion").and_then(Node::as_str);
    let (is_v1, reason) = match (named, version) {
        (Some("v1"), _) => (true, "template engine v1 does not exist any more"),
        (None, Version::Alpha) => {
            (true, "without `engineVersion` a v1alpha1 template is one for engine v1")
        }
        _ => (false, ""),
    };
    if !is_v1 {
        return;
    }
    let span = template.get("engineVersion").map_or(template.span, |engine| engine.span);

    if let Some((field, at)) = expression(template) {
        found.add_with_help(
            &codes::E18,
            at,
            format!("{path}.{field}"),
            format!("{reason}, and this may need it"),
            "rewrite the template for engine v2 (values are text: drop `toString` and `toBytes`; \
             `base64decode` is `b64dec`, `base64encode` is `b64enc`) and set `engineVersion: v2`",
        );
    } else if let Some(engine) = template.get_mut("engineVersion") {
        engine.value = Value::String("v2".into());
        let message = "engineVersion is now v2: the template has no expression, so nothing changes";
        found.add(&codes::I06, span, format!("{path}.engineVersion"), message);
    }
}

/// The first field that an engine would have to render, or whose text is elsewhere.
fn expression(template: &Node) -> Option<(String, Span)> {
    let maps: [&[&str]; 3] = [&["data"], &["metadata", "labels"], &["metadata", "annotations"]];
    for map in maps {
        for entry in template.at(map).and_then(Node::as_mapping).unwrap_or_default() {
            if entry.value.as_str().is_some_and(|text| text.contains("{{")) {
                let field = format!("{}.{}", map.join("."), entry.key);
                return Some((field, entry.value.span));
            }
        }
    }
    let from = template.get("templateFrom")?;
    let is_used = from.as_sequence().is_some_and(|items| !items.is_empty());
    is_used.then(|| ("templateFrom".to_owned(), from.span))
}

/// Refuses what a current API server refuses although an old one took it.
fn check(spec: &Node, path: &str, found: &mut Found) {
    let typed: ExternalSecretSpec = match serde_json::from_value(spec.to_json()) {
        Ok(typed) => typed,
        Err(error) => {
            // The message of serde quotes the value; what it expected is harmless.
            let message = error.to_string();
            let expected = message.rsplit_once("expected ").map_or("another type", |(_, e)| e);
            found.add_with_help(
                &codes::E18,
                spec.span,
                path,
                format!("a field has a type that the API does not take (expected {expected})"),
                "correct the field; `kubectl apply --dry-run=server` on the old version names it",
            );
            return;
        }
    };
    for violation in rules::check_external_secret(&typed) {
        // Nothing to fetch: a patch, or an object that the old API refused as well.
        if violation.rule == Rule::SomeData {
            continue;
        }
        let field = violation.field.strip_prefix("spec").unwrap_or(&violation.field);
        found.add(&codes::E18, spec.span, format!("{path}{field}"), violation.message);
        if violation.rule == Rule::UniqueSecretKeys
            && let Some(last) = found.list.last_mut()
        {
            last.help = Some("keep the last of them, which is the one that counted".into());
        }
    }
}

// === Stores ===

fn store(node: &mut Node, found: &mut Found) {
    let Some(provider) = node.get_mut("spec").and_then(|spec| spec.get_mut("provider")) else {
        return;
    };
    for (name, help) in REMOVED_PROVIDERS {
        if let Some(entry) = provider.entry(name) {
            let message = format!("there is no provider {name} in v1");
            found.add_with_help(
                &codes::E18,
                entry.key_span,
                format!("spec.provider.{name}"),
                message,
                help,
            );
        }
    }

    let data = provider.at(&["fake", "data"]).and_then(Node::as_sequence).unwrap_or_default();
    for (index, item) in data.iter().enumerate() {
        if let Some(entry) = item.entry("valueMap") {
            found.add_with_help(
                &codes::E18,
                entry.key_span,
                format!("spec.provider.fake.data[{index}].valueMap"),
                "the fake provider has no valueMap in v1",
                "write the map as JSON text into `value`",
            );
        }
    }

    let account = provider
        .get_mut("kubernetes")
        .and_then(|kubernetes| kubernetes.get_mut("auth"))
        .and_then(|auth| auth.get_mut("serviceAccount"));
    if let Some(account) = account
        && account.get("name").is_none()
        && let Some(inner) = take(account, |entry| entry.key == "serviceAccount").pop()
    {
        let mut comments = account.comments.take().map(|comments| *comments).unwrap_or_default();
        let Comments { before, trailing, after } =
            inner.value.comments.map(|comments| *comments).unwrap_or_default();
        comments.before.extend(before);
        comments.trailing = comments.trailing.or(trailing);
        comments.after.extend(after);
        *account = Node {
            comments: (!comments.is_empty()).then(|| Box::new(comments)),
            ..Node { comments: None, ..inner.value }
        };
    }
}

#[cfg(test)]
mod tests;
