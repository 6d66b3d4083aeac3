//! One typed, tolerant KES object: every old form folded into one.
//!
//! The rules are those of the KES 8.5.5 code (specification 1.1 to 1.3), which is more lenient
//! than its CRD: files and old clusters hold objects that the CRD of 8.x would refuse.

mod field;
mod names;
mod reader;

use std::borrow::Cow;

use extsecret_manifest::node::{Node, Style, Value};
use extsecret_manifest::source::Span;

use crate::codes;
use crate::finding::{Findings, WithHelp};
use reader::Reader;

pub(crate) use field::{text, wrong_type};
use names::is_placeholder;
pub(crate) use names::{is_dns_label, is_dns_subdomain, is_secret_key};

/// The store that an object reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    SecretsManager,
    SystemManager,
    Vault,
    Azure,
    Gcp,
    Ibm,
    Akeyless,
    Alibaba,
}

/// A text value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Text<'n> {
    pub(crate) value: Cow<'n, str>,
    pub(crate) span: Span,
}

/// How `isBinary` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    /// Absent, null or `false`.
    No,
    /// The boolean `true`.
    Yes,
    /// Anything else: KES compared strictly and saw no `true`.
    Ignored,
}

/// One entry of `data`, `properties`, `dataFrom` or `dataFromWithOptions`.
#[derive(Clone, Debug)]
pub(crate) struct Item<'n> {
    /// `data[2]`, as users name it.
    pub(crate) label: String,
    /// Path from the object's root, for findings and comments.
    pub(crate) field: String,
    pub(crate) span: Span,
    pub(crate) key: Text<'n>,
    /// The Secret key; absent for `dataFrom` and path items.
    pub(crate) name: Option<Text<'n>>,
    pub(crate) property: Option<Text<'n>>,
    pub(crate) recursive: bool,
    pub(crate) binary: Binary,
    pub(crate) secret_type: Option<Text<'n>>,
    pub(crate) version: Option<Text<'n>>,
    pub(crate) version_stage: Option<Text<'n>>,
    pub(crate) version_id: Option<Text<'n>>,
}

/// A KES object, as its controller would have understood it.
#[derive(Debug)]
pub(crate) struct Kes<'n> {
    pub(crate) name: &'n str,
    pub(crate) namespace: Option<&'n str>,
    pub(crate) metadata: &'n Node,
    /// `spec` or `secretDescriptor`: the prefix of every field path.
    pub(crate) root: &'static str,
    pub(crate) backend: Backend,
    pub(crate) controller_id: Option<String>,
    /// The deprecated `type` beside `backendType`.
    pub(crate) old_type: Option<Text<'n>>,
    pub(crate) template: Option<&'n Node>,
    /// `dataFrom`, then `dataFromWithOptions`.
    pub(crate) extracts: Vec<Item<'n>>,
    /// `data` entries with a key.
    pub(crate) items: Vec<Item<'n>>,
    /// `data` entries with a path.
    pub(crate) paths: Vec<Item<'n>>,
    /// The first key item that stands before a path item.
    pub(crate) key_before_path: Option<String>,
    pub(crate) role_arn: Option<Text<'n>>,
    pub(crate) region: Option<Text<'n>>,
    pub(crate) vault_role: Option<Text<'n>>,
    pub(crate) vault_mount_point: Option<Text<'n>>,
    pub(crate) kv_version: Option<&'n Node>,
    pub(crate) key_vault_name: Option<Text<'n>>,
    pub(crate) project_id: Option<Text<'n>>,
    pub(crate) key_by_name: bool,
}

/// Fields of `spec` and the backends that read them; everything else is ignored with W02.
const SPEC_FIELDS: &[&str] = &[
    "backendType",
    "controllerId",
    "type",
    "template",
    "data",
    "properties",
    "dataFrom",
    "dataFromWithOptions",
    "roleArn",
    "region",
    "vaultRole",
    "vaultMountPoint",
    "kvVersion",
    "keyVaultName",
    "projectId",
    "keyByName",
];

/// Reads one object. `None` when it is refused; the findings then say why.
pub(crate) fn read<'n>(
    object: &'n Node,
    hints: crate::FileHints,
    force: bool,
    found: &mut Findings<'_>,
) -> Option<Kes<'n>> {
    if object.get("$patch").is_some()
        || object.at(&["spec", "$patch"]).is_some()
        || object.at(&["metadata", "$patch"]).is_some()
    {
        found.object(&codes::E14, "this is a Kustomize patch, not an object").with_help(
            "patches are edited by hand: change `apiVersion` to external-secrets.io/v1 and the \
             fields it patches to their new names",
        );
        return None;
    }
    let empty: &'static Node = empty_node();
    let metadata = object.get("metadata").unwrap_or(empty);
    let name = metadata.get("name").and_then(Node::as_str).filter(|name| !name.is_empty());
    let Some(name) = name else {
        found
            .object(&codes::E14, "the object has no metadata.name")
            .with_help("give it a name, or render the template or kustomization it comes from");
        return None;
    };
    let namespace =
        metadata.get("namespace").and_then(Node::as_str).filter(|text| !text.is_empty());
    let name_ok = is_dns_subdomain(name);
    let bad = if name_ok { namespace.filter(|text| !is_dns_label(text)) } else { Some(name) };
    if let Some(bad) = bad {
        let what = if name_ok { "metadata.namespace" } else { "metadata.name" };
        let looks = if is_placeholder(bad) { "; it looks like a placeholder" } else { "" };
        found
            .object(&codes::E14, format!("`{bad}` is no valid {what}{looks}"))
            .with_help("render the template first, and migrate what it prints");
        return None;
    }
    let (root, spec) = pick_spec(object, hints, found)?;
    let kes = read_spec(name, namespace, metadata, root, spec, hints, force, found);
    kes.filter(|_| !found.is_refused())
}

fn empty_node() -> &'static Node {
    static EMPTY: Node =
        Node { value: Value::Null, span: Span::new(0, 0), style: Style::None, comments: None };
    &EMPTY
}

/// `spec` wins entirely over `secretDescriptor` (specification 1.1).
fn pick_spec<'n>(
    object: &'n Node,
    hints: crate::FileHints,
    found: &mut Findings<'_>,
) -> Option<(&'static str, &'n Node)> {
    let present = |key: &str| object.entry(key).filter(|entry| !entry.value.is_null());
    let descriptor = present("secretDescriptor");
    if let Some(entry) = present("spec") {
        if let Some(old) = descriptor {
            found.at(
                &codes::W01,
                old.key_span,
                "secretDescriptor",
                "`secretDescriptor` beside `spec` was ignored by KES and is left out",
            );
        }
        return Some(("spec", &entry.value));
    }
    if let Some(entry) = descriptor {
        found.at(
            &codes::W01,
            entry.key_span,
            "secretDescriptor",
            "`secretDescriptor` is the form of KES before 2.0; it is read as `spec`",
        );
        return Some(("secretDescriptor", &entry.value));
    }
    no_source(hints, found);
    None
}

/// An object without any item: a base or patch when a kustomization says so (golden case G55).
fn no_source(hints: crate::FileHints, found: &mut Findings<'_>) {
    if hints.kustomization {
        found
            .object(
                &codes::E14,
                "the object has no data, and a kustomization beside it names this file",
            )
            .with_help("run `kubectl kustomize` and migrate its output, then edit base and patches by hand");
    } else {
        found.object(
            &codes::E08,
            "the object has neither data nor dataFrom nor dataFromWithOptions",
        );
    }
}

#[allow(clippy::too_many_arguments)] // One caller; a struct would only repeat the names.
fn read_spec<'n>(
    name: &'n str,
    namespace: Option<&'n str>,
    metadata: &'n Node,
    root: &'static str,
    spec: &'n Node,
    hints: crate::FileHints,
    force: bool,
    found: &mut Findings<'_>,
) -> Option<Kes<'n>> {
    let Some(entries) = spec.as_mapping() else {
        wrong_type(found, spec, root, "object");
        return None;
    };
    for entry in entries {
        if !SPEC_FIELDS.contains(&entry.key.as_str()) {
            let field = format!("{root}.{}", entry.key);
            found.at(
                &codes::W02,
                entry.key_span,
                field,
                format!("`{}` is unknown to KES and left out", entry.key),
            );
        }
    }
    let mut reader = Reader { root, spec, force, found };
    let backend = reader.backend()?;
    if backend == Backend::Alibaba {
        reader
            .found
            .object(&codes::E02, "Alibaba Cloud has no provider in external-secrets.io/v1")
            .with_help(
                "keep the values and use a store with the webhook provider, use Alibaba's own \
                 secret synchroniser, or move the secret to a supported store",
            );
        return None;
    }
    let old_type = reader.text("type");
    if let Some(old) = &old_type {
        reader.found.at(
            &codes::W01,
            old.span,
            format!("{root}.type"),
            "`type` beside `backendType` is deprecated; it belongs into the template",
        );
    }
    let data = reader.data_list();
    let mut kes = Kes {
        name,
        namespace,
        metadata,
        root,
        backend,
        controller_id: reader.text("controllerId").map(|text| text.value.into_owned()),
        old_type,
        template: spec.get("template").filter(|node| !node.is_null()),
        extracts: reader.extracts(backend),
        items: Vec::new(),
        paths: Vec::new(),
        key_before_path: None,
        role_arn: reader.text("roleArn"),
        region: reader.text("region"),
        vault_role: reader.text("vaultRole"),
        vault_mount_point: reader.text("vaultMountPoint"),
        kv_version: spec.get("kvVersion").filter(|node| !node.is_null()),
        key_vault_name: reader.text("keyVaultName"),
        project_id: reader.text("projectId"),
        key_by_name: reader.key_by_name(),
    };
    reader.unread_by(backend);
    if let Some((list, items)) = data {
        reader.items(list, items, &mut kes);
    }
    if !found.is_refused()
        && kes.items.is_empty()
        && kes.paths.is_empty()
        && kes.extracts.is_empty()
    {
        no_source(hints, found);
    }
    Some(kes)
}

impl<'n> Item<'n> {
    fn new(label: String, field: String, span: Span, key: Text<'n>) -> Self {
        Self {
            label,
            field,
            span,
            key,
            name: None,
            property: None,
            recursive: false,
            binary: Binary::No,
            secret_type: None,
            version: None,
            version_stage: None,
            version_id: None,
        }
    }
}
