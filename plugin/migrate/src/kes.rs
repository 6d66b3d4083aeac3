//! One typed, tolerant KES object: every old form folded into one.
//!
//! The rules are those of the KES 8.5.5 code (specification 1.1 to 1.3), which is more lenient
//! than its CRD: files and old clusters hold objects that the CRD of 8.x would refuse.

use std::borrow::Cow;

use extsecret_manifest::node::{Entry, Node, Style, Value};
use extsecret_manifest::source::Span;

use crate::codes;
use crate::finding::{Findings, WithHelp};

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
    pub(crate) span: Span,
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
    for (what, value) in [("metadata.name", Some(name)), ("metadata.namespace", namespace)] {
        if let Some(value) = value.filter(|value| !is_dns_subdomain(value)) {
            let looks = if is_placeholder(value) { "; it looks like a placeholder" } else { "" };
            found
                .object(&codes::E14, format!("`{value}` is no valid {what}{looks}"))
                .with_help("render the template first, and migrate what it prints");
            return None;
        }
    }
    let (root, spec, span) = pick_spec(object, hints, found)?;
    let kes = read_spec(name, namespace, metadata, root, spec, span, hints, found);
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
) -> Option<(&'static str, &'n Node, Span)> {
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
        return Some(("spec", &entry.value, entry.key_span));
    }
    if let Some(entry) = descriptor {
        found.at(
            &codes::W01,
            entry.key_span,
            "secretDescriptor",
            "`secretDescriptor` is the form of KES before 2.0; it is read as `spec`",
        );
        return Some(("secretDescriptor", &entry.value, entry.key_span));
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
    spec_span: Span,
    hints: crate::FileHints,
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
    let mut reader = Reader { root, spec, found };
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
        span: spec_span,
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
        key_by_name: matches!(spec.get("keyByName").map(|n| &n.value), Some(Value::Bool(true))),
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

struct Reader<'n, 'f, 's> {
    root: &'static str,
    spec: &'n Node,
    found: &'f mut Findings<'s>,
}

impl<'n> Reader<'n, '_, '_> {
    fn text(&mut self, key: &str) -> Option<Text<'n>> {
        let node = self.spec.get(key)?;
        let field = format!("{}.{key}", self.root);
        // An empty text is as good as none to the JavaScript that read it.
        text(node, &field, self.found).filter(|text| !text.value.is_empty())
    }

    fn backend(&mut self) -> Option<Backend> {
        let field = format!("{}.backendType", self.root);
        let Some(given) = self.text("backendType") else {
            if !self.found.is_refused() {
                self.found.object(&codes::E01, "the object has no backendType");
            }
            return None;
        };
        Some(match given.value.as_ref() {
            "secretsManager" => Backend::SecretsManager,
            "secretManager" => {
                self.found.at(
                    &codes::W01,
                    given.span,
                    field,
                    "`secretManager` is the old spelling of `secretsManager`",
                );
                Backend::SecretsManager
            }
            "systemManager" => Backend::SystemManager,
            "vault" => Backend::Vault,
            "azureKeyVault" => Backend::Azure,
            "gcpSecretsManager" => Backend::Gcp,
            "ibmcloudSecretsManager" => Backend::Ibm,
            "akeyless" => Backend::Akeyless,
            "alicloudSecretsManager" => Backend::Alibaba,
            other => {
                let finding = self.found.at(
                    &codes::E01,
                    given.span,
                    field,
                    format!("`{other}` is no backend of KES"),
                );
                if is_placeholder(other) {
                    finding.with_help(
                        "it looks like a placeholder: render the template first, and migrate what it prints",
                    );
                } else if let Some(near) = nearest_backend(other) {
                    finding.with_help(format!("did you mean `{near}`?"));
                }
                return None;
            }
        })
    }

    /// `data` wins entirely over `properties` (specification 1.1).
    fn data_list(&mut self) -> Option<(&'static str, &'n [Node])> {
        let root = self.root;
        let entry = |key: &str| self.spec.entry(key).filter(|entry| !entry.value.is_null());
        let (data, properties) = (entry("data"), entry("properties"));
        if let Some(old) = properties {
            let message = if data.is_some() {
                "`properties` beside `data` was ignored by KES and is left out"
            } else {
                "`properties` is the old name of `data`"
            };
            self.found.at(&codes::W01, old.key_span, format!("{root}.properties"), message);
        }
        let (name, entry) = match (data, properties) {
            (Some(entry), _) => ("data", entry),
            (None, Some(entry)) => ("properties", entry),
            (None, None) => return None,
        };
        self.list(name, &entry.value).map(|items| (name, items))
    }

    fn list(&mut self, key: &str, node: &'n Node) -> Option<&'n [Node]> {
        let items = node.as_sequence();
        if items.is_none() {
            let field = format!("{}.{key}", self.root);
            wrong_type(self.found, node, &field, "array");
        }
        items
    }

    fn extracts(&mut self, backend: Backend) -> Vec<Item<'n>> {
        let mut extracts = Vec::new();
        if let Some(node) = self.spec.get("dataFrom").filter(|node| !node.is_null()) {
            for (i, node) in self.list("dataFrom", node).unwrap_or_default().iter().enumerate() {
                let label = format!("dataFrom[{i}]");
                let field = format!("{}.{label}", self.root);
                if let Some(key) = self.key(node, &label, &field) {
                    extracts.push(Item::new(label, field, node.span, key));
                }
            }
        }
        if let Some(node) = self.spec.get("dataFromWithOptions").filter(|node| !node.is_null()) {
            let list = self.list("dataFromWithOptions", node).unwrap_or_default();
            for (i, node) in list.iter().enumerate() {
                let label = format!("dataFromWithOptions[{i}]");
                let field = format!("{}.{label}", self.root);
                extracts.extend(self.extract_with_options(node, label, field, backend));
            }
        }
        extracts
    }

    fn key(&mut self, node: &'n Node, label: &str, field: &str) -> Option<Text<'n>> {
        let key = text(node, field, self.found);
        match key {
            Some(key) if !key.value.is_empty() => Some(key),
            _ => {
                if !self.found.is_refused() {
                    self.found.at(&codes::E04, node.span, field, format!("{label} names no key"));
                }
                None
            }
        }
    }

    fn extract_with_options(
        &mut self,
        node: &'n Node,
        label: String,
        field: String,
        backend: Backend,
    ) -> Option<Item<'n>> {
        let Some(entries) = node.as_mapping() else {
            wrong_type(self.found, node, &field, "object");
            return None;
        };
        let key = match node.get("key") {
            Some(key) => self.key(key, &label, &format!("{field}.key"))?,
            None => {
                self.found.at(&codes::E04, node.span, field, format!("{label} has no key"));
                return None;
            }
        };
        let mut item = Item::new(label, field, node.span, key);
        let versions = backend == Backend::SecretsManager;
        for entry in entries {
            let field = format!("{}.{}", item.field, entry.key);
            match entry.key.as_str() {
                "key" => {}
                "isBinary" => item.binary = binary(&entry.value),
                "versionStage" if versions => {
                    item.version_stage = text(&entry.value, &field, self.found);
                }
                "versionId" if versions => {
                    item.version_id = text(&entry.value, &field, self.found);
                }
                _ => self.ignored(entry, &field, &item.label),
            }
        }
        Some(item)
    }

    fn items(&mut self, list: &str, nodes: &'n [Node], kes: &mut Kes<'n>) {
        for (i, node) in nodes.iter().enumerate() {
            let label = format!("{list}[{i}]");
            let field = format!("{}.{label}", self.root);
            let Some(entries) = node.as_mapping() else {
                wrong_type(self.found, node, &field, "object");
                continue;
            };
            if node.get("path").is_some_and(|path| !path.is_null()) {
                if let Some(item) = self.path_item(node, entries, label, field, kes.backend) {
                    if kes.key_before_path.is_none() {
                        kes.key_before_path = kes.items.first().map(|item| item.label.clone());
                    }
                    kes.paths.push(item);
                }
            } else if let Some(item) = self.key_item(node, entries, label, field, kes.backend) {
                kes.items.push(item);
            }
        }
    }

    fn path_item(
        &mut self,
        node: &'n Node,
        entries: &'n [Entry],
        label: String,
        field: String,
        backend: Backend,
    ) -> Option<Item<'n>> {
        let path = self.key(node.get("path")?, &label, &format!("{field}.path"))?;
        if backend != Backend::SystemManager {
            self.found.at(
                &codes::E03,
                path.span,
                format!("{field}.path"),
                format!("{label} has a path, which KES could read from systemManager only"),
            );
            return None;
        }
        let mut item = Item::new(label, field, node.span, path);
        for entry in entries {
            let field = format!("{}.{}", item.field, entry.key);
            match entry.key.as_str() {
                "path" => {}
                "recursive" => {
                    item.recursive = truthy(&entry.value);
                }
                _ => self.ignored(entry, &field, &item.label),
            }
        }
        Some(item)
    }

    fn key_item(
        &mut self,
        node: &'n Node,
        entries: &'n [Entry],
        label: String,
        field: String,
        backend: Backend,
    ) -> Option<Item<'n>> {
        let key = match node.get("key").filter(|key| !key.is_null()) {
            Some(key) => self.key(key, &label, &format!("{field}.key")),
            None => {
                self.found.at(
                    &codes::E04,
                    node.span,
                    field.as_str(),
                    format!("{label} has no key"),
                );
                None
            }
        };
        let name = match node.get("name").filter(|name| !name.is_null()) {
            Some(name) => self.secret_key(name, &label, &format!("{field}.name")),
            None => {
                self.found
                    .at(&codes::E04, node.span, field.as_str(), format!("{label} has no name"))
                    .with_help("add the name of the Secret's key; old versions of KES wrote a key called `undefined` here");
                None
            }
        };
        let (Some(key), Some(name)) = (key, name) else { return None };
        let mut item = Item { name: Some(name), ..Item::new(label, field, node.span, key) };
        for entry in entries {
            let field = format!("{}.{}", item.field, entry.key);
            match (entry.key.as_str(), backend) {
                ("key" | "name", _) => {}
                ("property", _) => {
                    // Its presence alone made KES parse the value, even when empty.
                    if !entry.value.is_null() {
                        item.property = text(&entry.value, &field, self.found);
                    }
                }
                ("isBinary", _) => item.binary = binary(&entry.value),
                ("secretType", Backend::Ibm) => {
                    item.secret_type = text(&entry.value, &field, self.found);
                }
                ("version", Backend::Gcp) => {
                    item.version = version(&entry.value, &field, self.found);
                }
                ("versionStage", Backend::SecretsManager) => {
                    item.version_stage = text(&entry.value, &field, self.found);
                }
                ("versionId", Backend::SecretsManager) => {
                    item.version_id = text(&entry.value, &field, self.found);
                }
                ("path", _) if entry.value.is_null() => {}
                ("recursive", _) if !truthy(&entry.value) => {}
                _ => self.ignored(entry, &field, &item.label),
            }
        }
        Some(item)
    }

    /// A Secret key: text, and legal. `on`, `y` and the like are booleans to the API server, so
    /// neither the written word nor `true` may be guessed (golden case G57f).
    fn secret_key(&mut self, node: &'n Node, label: &str, field: &str) -> Option<Text<'n>> {
        if !matches!(node.value, Value::String(_)) {
            let raw = self.found.raw(node);
            let what = node.kind();
            let finding = self.found.at(
                &codes::E04,
                node.span,
                field,
                format!("the name of {label} is a {what} to Kubernetes, not a text"),
            );
            if node.style == Style::Plain && !raw.is_empty() {
                finding.with_help(format!("if the key is called `{raw}`, quote it: \"{raw}\""));
            }
            return None;
        }
        let name = text(node, field, self.found)?;
        if !is_secret_key(&name.value) {
            self.found.at(
                &codes::E09,
                name.span,
                field,
                format!("`{}` cannot be a key of a Secret", name.value),
            );
            return None;
        }
        Some(name)
    }

    fn ignored(&mut self, entry: &Entry, field: &str, label: &str) {
        self.found.at(
            &codes::W02,
            entry.key_span,
            field,
            format!("`{}` of {label} had no effect in KES and is left out", entry.key),
        );
    }

    /// Spec fields that belong to another backend.
    fn unread_by(&mut self, backend: Backend) {
        let read: &[&str] = match backend {
            Backend::SecretsManager | Backend::SystemManager => &["roleArn", "region"],
            Backend::Vault => &["vaultRole", "vaultMountPoint", "kvVersion"],
            Backend::Azure => &["keyVaultName"],
            Backend::Gcp => &["projectId"],
            Backend::Ibm => &["keyByName"],
            Backend::Akeyless | Backend::Alibaba => &[],
        };
        let all = [
            "roleArn",
            "region",
            "vaultRole",
            "vaultMountPoint",
            "kvVersion",
            "keyVaultName",
            "projectId",
            "keyByName",
        ];
        for key in all.iter().filter(|key| !read.contains(key)) {
            if let Some(entry) = self.spec.entry(key).filter(|entry| !entry.value.is_null()) {
                self.found.at(
                    &codes::W02,
                    entry.key_span,
                    format!("{}.{key}", self.root),
                    format!("`{key}` has no effect with this backendType and is left out"),
                );
            }
        }
    }
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

fn binary(node: &Node) -> Binary {
    match node.value {
        Value::Bool(true) => Binary::Yes,
        Value::Bool(false) | Value::Null => Binary::No,
        _ => Binary::Ignored,
    }
}

/// JavaScript's idea of truth.
fn truthy(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Sequence(_) | Value::Mapping(_) => true,
    }
}

/// A text field. A number is taken as its text when nothing can be lost, with W02, since the API
/// server refuses a number there; everything else is refused.
pub(crate) fn text<'n>(node: &'n Node, field: &str, found: &mut Findings<'_>) -> Option<Text<'n>> {
    match &node.value {
        Value::String(s) => Some(Text { value: Cow::Borrowed(s), span: node.span }),
        Value::Null => None,
        Value::Number(n) if found.raw(node) == n.to_string() => {
            found.at(
                &codes::W02,
                node.span,
                field,
                format!("`{n}` is a number to Kubernetes, which wants a text here; it is quoted"),
            );
            Some(Text { value: Cow::Owned(n.to_string()), span: node.span })
        }
        _ => {
            wrong_type(found, node, field, "string");
            None
        }
    }
}

/// GCP versions may be numbers.
fn version<'n>(node: &'n Node, field: &str, found: &mut Findings<'_>) -> Option<Text<'n>> {
    match &node.value {
        Value::Number(n) if n.is_u64() => {
            Some(Text { value: Cow::Owned(n.to_string()), span: node.span })
        }
        _ => text(node, field, found),
    }
}

pub(crate) fn wrong_type(found: &mut Findings<'_>, node: &Node, field: &str, wanted: &str) {
    let raw = found.raw(node);
    let quote = wanted == "string" && node.style == Style::Plain && !raw.is_empty();
    let finding = found.at(
        &codes::E19,
        node.span,
        field,
        format!(
            "`{field}` must be a JSON {wanted}, and Kubernetes reads {} here",
            article(node.kind())
        ),
    );
    if quote {
        finding.with_help(format!("if the text `{raw}` is meant, quote it: \"{raw}\""));
    }
}

fn article(kind: &str) -> String {
    match kind {
        "null" => "null".into(),
        "array" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// `[-._a-zA-Z0-9]+`, at most 253 characters: what a key of a Secret may be.
pub(crate) fn is_secret_key(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// A DNS-1123 subdomain, as names of objects are.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            let bytes = label.as_bytes();
            let edge =
                |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            edge(bytes.first())
                && edge(bytes.last())
                && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        })
}

/// Text that some other tool was going to replace.
pub(crate) fn is_placeholder(text: &str) -> bool {
    [("<", ">"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("__", "__"), ("%", "%"), ("@", "@")]
        .iter()
        .any(|(open, close)| {
            text.find(open).is_some_and(|at| text[at + open.len()..].contains(close))
        })
        || (text.starts_with('$') && text.len() > 1)
}

fn nearest_backend(given: &str) -> Option<&'static str> {
    const KNOWN: [&str; 7] = [
        "secretsManager",
        "systemManager",
        "vault",
        "azureKeyVault",
        "gcpSecretsManager",
        "ibmcloudSecretsManager",
        "akeyless",
    ];
    let plain = |s: &str| {
        s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let wanted = plain(given);
    KNOWN.iter().copied().find(|known| {
        let known = plain(known);
        known == wanted
            || (wanted.len() >= 4 && (known.starts_with(&wanted) || wanted.starts_with(&known)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_the_usual_tools_are_recognised() {
        for text in ["<<x>>", "${REGION}", "$(X)", "{{ .x }}", "__X__", "$X", "%X%"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["vault", "my-app", "a_b", "secretsManager"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn misspelt_backends_have_a_neighbour() {
        assert_eq!(nearest_backend("SecretsManager"), Some("secretsManager"));
        assert_eq!(nearest_backend("azure-key-vault"), Some("azureKeyVault"));
        assert_eq!(nearest_backend("azureKeyvaultt"), Some("azureKeyVault"));
        assert_eq!(nearest_backend("local"), None);
    }

    #[test]
    fn names_follow_dns() {
        for name in ["a", "a-b.c", "0"] {
            assert!(is_dns_subdomain(name), "{name}");
        }
        for name in ["", "A", "-a", "a-", "a..b", "{{ .x }}", "a_b"] {
            assert!(!is_dns_subdomain(name), "{name}");
        }
    }
}
