//! One typed `SecretProviderClass`.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_manifest::node::{Entry, Node, Value};
use extsecret_manifest::source::Span;

use super::descriptor::{self, Fetched, OBJECTS, Region, Translation};
use super::objects;
use crate::FileHints;
use crate::codes;
use crate::finding::{Findings, WithHelp};
use crate::kes::{is_dns_label, is_dns_subdomain, is_secret_key, text, wrong_type};
use crate::options::Options;

/// The type whose values the driver rearranges.
pub(super) const TLS: &str = "kubernetes.io/tls";

/// A class, as the driver and the AWS provider would have understood it.
#[derive(Debug)]
pub(super) struct Class<'n> {
    pub(super) name: &'n str,
    pub(super) namespace: Option<&'n str>,
    pub(super) region: String,
    /// EKS Pod Identity instead of a role for the service account.
    pub(super) pod_identity: bool,
    pub(super) fetched: Fetched,
    pub(super) secrets: Vec<Synced>,
    /// The object with the list of `objects` in the place of its text.
    pub(super) opened: Node,
}

/// One entry of `secretObjects`.
#[derive(Debug)]
pub(super) struct Synced {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) type_: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) data: Vec<SyncedKey>,
}

/// One key of a synced Secret.
#[derive(Debug)]
pub(super) struct SyncedKey {
    pub(super) field: String,
    pub(super) span: Span,
    pub(super) key: String,
    /// Position in [`Fetched::files`].
    pub(super) file: usize,
}

/// Reads a class. `None` when it is refused; the findings then say why.
pub(super) fn read<'n>(
    object: &'n Node,
    hints: FileHints,
    options: &'n Options,
    found: &mut Findings<'_>,
) -> Option<Class<'n>> {
    let (name, namespace) = identity(object, hints, options, found)?;
    let Some(spec) = object.get("spec").filter(|node| node.as_mapping().is_some()) else {
        found.object(&codes::E25, "the class has no spec");
        return None;
    };
    provider(spec, found)?;
    for entry in spec.as_mapping().unwrap_or_default() {
        if !matches!(entry.key.as_str(), "provider" | "parameters" | "secretObjects") {
            unknown(entry, "spec", "the CSI driver", found);
        }
    }
    let parameters = parameters(spec, found)?;
    let Some(list) = parameters.objects else {
        if !found.is_refused() {
            found.object(&codes::E25, "the class has no parameters.objects");
        }
        return None;
    };
    let read = objects::read(list, OBJECTS, found)?;
    let before = found.is_refused();
    let mut fetched = descriptor::read(&read, parameters.translation, found);
    fetched.complete = before || !found.is_refused();
    let region = region(parameters.region, &fetched, options, found);
    let secrets = secrets(spec, &fetched, found);
    let mut opened = object.clone();
    if let Some(place) = ["spec", "parameters", "objects"]
        .iter()
        .try_fold(&mut opened, |node, key| node.get_mut(key))
    {
        place.value = read.value;
        // What is said at the field, and what is said in the text.
        if let Some(inner) = read.comments {
            let own = place.comments_mut();
            own.before.extend(inner.before);
            own.after.extend(inner.after);
        }
    }
    if found.is_refused() {
        return None;
    }
    Some(Class {
        name,
        namespace,
        region: region?,
        pod_identity: parameters.pod_identity,
        fetched,
        secrets,
        opened,
    })
}

fn identity<'n>(
    object: &'n Node,
    hints: FileHints,
    options: &'n Options,
    found: &mut Findings<'_>,
) -> Option<(&'n str, Option<&'n str>)> {
    const RENDER: &str = "render the template or kustomization first, and migrate what it prints";
    let text = |key: &str| {
        object.at(&["metadata", key]).and_then(Node::as_str).filter(|text| !text.is_empty())
    };
    let patch = object.get("$patch").is_some() || object.at(&["spec", "$patch"]).is_some();
    if patch || hints.helm_template {
        let what = if patch { "a Kustomize patch" } else { "a Helm template" };
        found.object(&codes::E14, format!("this is {what}, not an object")).with_help(RENDER);
        return None;
    }
    let Some(name) = text("name") else {
        found.object(&codes::E14, "the object has no metadata.name").with_help(RENDER);
        return None;
    };
    let namespace = text("namespace").or(options.namespace.as_deref());
    let bad = (!is_dns_subdomain(name))
        .then_some(("name", name))
        .or(namespace.filter(|text| !is_dns_label(text)).map(|text| ("namespace", text)));
    if let Some((field, bad)) = bad {
        found
            .object(&codes::E14, format!("`{bad}` is no valid metadata.{field}"))
            .with_help(RENDER);
        return None;
    }
    Some((name, namespace))
}

fn provider(spec: &Node, found: &mut Findings<'_>) -> Option<()> {
    match spec.get("provider").map(|node| (node, node.as_str())) {
        Some((_, Some("aws"))) => return Some(()),
        Some((node, Some(other))) => {
            found.at(
                &codes::E22,
                node.span,
                "spec.provider",
                format!("`{other}` is another provider than aws"),
            );
        }
        Some((node, None)) if !node.is_null() => {
            wrong_type(found, node, "spec.provider", "string");
        }
        _ => {
            found.object(&codes::E25, "the class names no provider");
        }
    }
    None
}

struct Parameters<'n> {
    objects: Option<&'n Node>,
    region: Option<Region>,
    translation: Translation,
    pod_identity: bool,
}

fn parameters<'n>(spec: &'n Node, found: &mut Findings<'_>) -> Option<Parameters<'n>> {
    let mut out = Parameters {
        objects: None,
        region: None,
        translation: Translation::Replace('_'),
        pod_identity: false,
    };
    let given = spec.get("parameters").filter(|node| !node.is_null());
    if let Some(node) = given.filter(|node| node.as_mapping().is_none()) {
        wrong_type(found, node, "spec.parameters", "object");
        return None;
    }
    for entry in given.and_then(Node::as_mapping).unwrap_or_default() {
        let field = format!("spec.parameters.{}", entry.key);
        if entry.value.is_null() {
            continue;
        }
        if !matches!(entry.value.value, Value::String(_)) {
            // Parameters are texts to Kubernetes, which refuses the object otherwise.
            wrong_type(found, &entry.value, &field, "string");
            continue;
        }
        let value = entry.value.as_str().unwrap_or_default();
        let span = entry.value.span;
        match entry.key.as_str() {
            "objects" => out.objects = Some(&entry.value),
            "region" => {
                out.region = (!value.is_empty()).then(|| Region { name: value.to_owned(), span });
            }
            "pathTranslation" => {
                if let Some(translation) = Translation::of(value) {
                    out.translation = translation;
                } else {
                    let message = "pathTranslation is one character, or the text False";
                    found.at(&codes::E25, span, field, message);
                }
            }
            "usePodIdentity" => {
                if let Some(value) = go_bool(value) {
                    out.pod_identity = value;
                } else {
                    let message = format!("`{value}` is neither true nor false to the provider");
                    found.at(&codes::E25, span, field, message);
                }
            }
            "failoverRegion" if value.is_empty() => {}
            "failoverRegion" => {
                found
                    .at(
                        &codes::E23,
                        entry.key_span,
                        field,
                        format!("ESO has no second region: while the first one is away, `{value}` would not be read and nothing refreshed"),
                    )
                    .with_help("remove failoverRegion and failoverObject from the class if one region is enough, and convert again");
            }
            "preferredAddressType" => {
                found.at(
                    &codes::W02,
                    entry.key_span,
                    field,
                    "preferredAddressType chose how a node reaches the Pod Identity agent; ESO's own pod decides that for itself, and it is left out",
                );
            }
            _ => unknown(entry, "spec.parameters", "the AWS provider", found),
        }
    }
    Some(out)
}

/// Go's `strconv.ParseBool`, with nothing for false.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn unknown(entry: &Entry, parent: &str, whom: &str, found: &mut Findings<'_>) {
    found.at(
        &codes::W02,
        entry.key_span,
        format!("{parent}.{}", entry.key),
        format!("`{}` is unknown to {whom} and left out", entry.key),
    );
}

/// The region of the class, of its ARNs, or of the command line.
fn region(
    own: Option<Region>,
    fetched: &Fetched,
    options: &Options,
    found: &mut Findings<'_>,
) -> Option<String> {
    let mut all = own.into_iter().chain(fetched.values.iter().filter_map(|o| o.region.clone()));
    let Some(first) = all.next() else {
        let Some(flag) = &options.region else {
            if !found.is_refused() {
                found
                    .object(
                        &codes::E10,
                        "the class names no region, and the provider took that of the pod's node",
                    )
                    .with_help("give --region REGION");
            }
            return None;
        };
        found.once(&codes::I06, format!("the region `{flag}` comes from the command line; the provider took that of the pod's node"));
        return Some(flag.clone());
    };
    for other in all.filter(|other| other.name != first.name) {
        let place = found.place(first.span);
        found
            .at(
                &codes::E25,
                other.span,
                OBJECTS,
                format!(
                    "the ARN is of the region `{}` and the class of `{}`",
                    other.name, first.name
                ),
            )
            .with_help("the provider reads one region per class: write a class for each")
            .related
            .push((place, "this one decides".into()));
    }
    Some(first.name)
}

fn secrets(spec: &Node, fetched: &Fetched, found: &mut Findings<'_>) -> Vec<Synced> {
    let Some(node) = spec.get("secretObjects").filter(|node| !node.is_null()) else {
        return Vec::new();
    };
    let Some(items) = node.as_sequence() else {
        wrong_type(found, node, "spec.secretObjects", "array");
        return Vec::new();
    };
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let field = format!("spec.secretObjects[{i}]");
        let Some(secret) = synced(item, field, fetched, found) else { continue };
        if let Some(first) = names.insert(secret.name.clone(), secret.span) {
            let place = found.place(first);
            found
                .at(
                    &codes::E26,
                    secret.span,
                    format!("{}.secretName", secret.field),
                    format!("a second entry writes the Secret `{}`", secret.name),
                )
                .related
                .push((place, "the first one".into()));
        }
        out.push(secret);
    }
    out
}

fn synced(
    item: &Node,
    field: String,
    fetched: &Fetched,
    found: &mut Findings<'_>,
) -> Option<Synced> {
    let Some(entries) = item.as_mapping() else {
        wrong_type(found, item, &field, "object");
        return None;
    };
    let (mut name, mut type_, mut data) = (None, None, None);
    let (mut labels, mut annotations) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let at = format!("{field}.{}", entry.key);
        match entry.key.as_str() {
            _ if entry.value.is_null() => {}
            "secretName" => name = text(&entry.value, &at, found),
            "type" => type_ = text(&entry.value, &at, found),
            "labels" => labels = texts(&entry.value, &at, found),
            "annotations" => annotations = texts(&entry.value, &at, found),
            "data" => data = Some(&entry.value),
            _ => unknown(entry, &field, "the CSI driver", found),
        }
    }
    let mut missing = |what: &str| {
        found.at(
            &codes::E25,
            item.span,
            field.as_str(),
            format!("the entry has no {what}, and the CSI driver skips it"),
        );
    };
    let name = name.filter(|name| !name.value.trim().is_empty());
    let type_ = type_.filter(|type_| !type_.value.trim().is_empty());
    let data = data.filter(|data| data.as_sequence().is_none_or(|items| !items.is_empty()));
    if name.is_none() {
        missing("secretName");
    }
    if type_.is_none() {
        missing("type");
    }
    if data.is_none() {
        missing("data");
    }
    let (Some(name), Some(type_), Some(data)) = (name, type_, data) else { return None };
    // The driver trims both.
    let (span, name) = (name.span, name.value.trim().to_owned());
    let type_ = type_.value.trim().to_owned();
    if !is_dns_subdomain(&name) {
        found.at(
            &codes::E25,
            span,
            format!("{field}.secretName"),
            format!("`{name}` cannot be the name of a Secret"),
        );
    }
    let data = keys(data, &field, &type_, fetched, found);
    Some(Synced { field, name, span, type_, labels, annotations, data })
}

fn texts(node: &Node, field: &str, found: &mut Findings<'_>) -> BTreeMap<String, String> {
    let Some(entries) = node.as_mapping() else {
        wrong_type(found, node, field, "object");
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            let value = text(&entry.value, format_args!("{field}.{}", entry.key), found)?;
            Some((entry.key.clone(), value.value.into_owned()))
        })
        .collect()
}

/// The keys of one Secret; of two for the same key the driver kept the last one.
fn keys(
    list: &Node,
    field: &str,
    type_: &str,
    fetched: &Fetched,
    found: &mut Findings<'_>,
) -> Vec<SyncedKey> {
    let field = format!("{field}.data");
    let Some(items) = list.as_sequence() else {
        wrong_type(found, list, &field, "array");
        return Vec::new();
    };
    let mut out: Vec<SyncedKey> = Vec::new();
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate().rev() {
        let Some(key) = synced_key(item, format!("{field}[{i}]"), type_, fetched, found) else {
            continue;
        };
        if seen.insert(key.key.clone()) {
            out.push(key);
        } else {
            found.at(
                &codes::W09,
                key.span,
                key.field,
                format!(
                    "`{}` loses against a later entry of the same key and is left out",
                    key.key
                ),
            );
        }
    }
    out.reverse();
    out
}

fn synced_key(
    item: &Node,
    field: String,
    type_: &str,
    fetched: &Fetched,
    found: &mut Findings<'_>,
) -> Option<SyncedKey> {
    let Some(entries) = item.as_mapping() else {
        wrong_type(found, item, &field, "object");
        return None;
    };
    let (mut object, mut key) = (None, None);
    for entry in entries {
        let at = format!("{field}.{}", entry.key);
        match entry.key.as_str() {
            _ if entry.value.is_null() => {}
            "objectName" => object = text(&entry.value, &at, found),
            "key" => key = text(&entry.value, &at, found),
            _ => unknown(entry, &field, "the CSI driver", found),
        }
    }
    let (Some(object), Some(key)) = (object, key) else {
        if !found.is_refused() {
            found.at(&codes::E25, item.span, field, "the entry needs an objectName and a key");
        }
        return None;
    };
    let (path, name) = (object.value.trim(), key.value.trim());
    if !is_secret_key(name) {
        found.at(
            &codes::E09,
            key.span,
            format!("{field}.key"),
            format!("`{name}` cannot be a key of a Secret"),
        );
        return None;
    }
    if type_ == TLS && !matches!(name, "tls.crt" | "tls.key") {
        found.at(
            &codes::E25,
            key.span,
            format!("{field}.key"),
            format!("the CSI driver knows no key `{name}` in a Secret of type {TLS}"),
        );
        return None;
    }
    let Some(&file) = fetched.by_path.get(path) else {
        // After an error in the list, the object may only be missing because of it.
        if fetched.complete {
            no_such_file(path, object.span, &field, fetched, found);
        }
        return None;
    };
    Some(SyncedKey { span: item.span, key: name.to_owned(), file, field })
}

fn no_such_file(path: &str, span: Span, field: &str, fetched: &Fetched, found: &mut Findings<'_>) {
    let meant = fetched.by_key.get(path).and_then(|at| fetched.files.get(*at));
    let finding = found.at(
        &codes::E25,
        span,
        format!("{field}.objectName"),
        format!("no file of the mount is called `{path}`"),
    );
    if let Some(file) = meant {
        finding.with_help(format!("the object of that name is in the file `{}`", file.path));
    }
}
