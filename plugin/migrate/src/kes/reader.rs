//! Reads the fields of `spec`, one method per kind of field.

use std::fmt;

use extsecret_manifest::node::{Entry, Node, Style, Value};

use super::field::{binary, text, truthy, version, wrong_type};
use super::names::{is_placeholder, is_secret_key, nearest_backend};
use super::{Backend, Item, Kes, Text};
use crate::codes;
use crate::finding::{Findings, WithHelp};

pub(super) struct Reader<'n, 'f, 's> {
    pub(super) root: &'static str,
    pub(super) spec: &'n Node,
    /// Convert also what only an old KES took.
    pub(super) force: bool,
    pub(super) found: &'f mut Findings<'s>,
}

impl<'n> Reader<'n, '_, '_> {
    pub(super) fn text(&mut self, key: &str) -> Option<Text<'n>> {
        let node = self.spec.get(key)?;
        let field = format_args!("{}.{key}", self.root);
        // An empty text is as good as none to the JavaScript that read it.
        text(node, field, self.found).filter(|text| !text.value.is_empty())
    }

    pub(super) fn backend(&mut self) -> Option<Backend> {
        let root = self.root;
        let field = format_args!("{root}.backendType");
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
    pub(super) fn data_list(&mut self) -> Option<(&'static str, &'n [Node])> {
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
            let field = format_args!("{}.{key}", self.root);
            wrong_type(self.found, node, field, "array");
        }
        items
    }

    pub(super) fn extracts(&mut self, backend: Backend) -> Vec<Item<'n>> {
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

    fn key(&mut self, node: &'n Node, label: &str, field: impl fmt::Display) -> Option<Text<'n>> {
        let key = text(node, &field, self.found);
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
            wrong_type(self.found, node, field, "object");
            return None;
        };
        let Some(key) = node.get("key") else {
            self.found.at(&codes::E04, node.span, field, format!("{label} has no key"));
            return None;
        };
        let key = self.key(key, &label, format_args!("{field}.key"))?;
        let mut item = Item::new(label, field, node.span, key);
        let versions = backend == Backend::SecretsManager;
        for entry in entries {
            let field = format_args!("{}.{}", item.field, entry.key);
            match entry.key.as_str() {
                "key" => {}
                "isBinary" => item.binary = binary(&entry.value),
                "versionStage" if versions => {
                    item.version_stage = text(&entry.value, field, self.found);
                }
                "versionId" if versions => {
                    item.version_id = text(&entry.value, field, self.found);
                }
                _ => self.ignored(entry, field, &item.label),
            }
        }
        Some(item)
    }

    pub(super) fn items(&mut self, list: &str, nodes: &'n [Node], kes: &mut Kes<'n>) {
        for (i, node) in nodes.iter().enumerate() {
            let label = format!("{list}[{i}]");
            let field = format!("{}.{label}", self.root);
            let Some(entries) = node.as_mapping() else {
                wrong_type(self.found, node, field, "object");
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
        let path = self.key(node.get("path")?, &label, format_args!("{field}.path"))?;
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
            let field = format_args!("{}.{}", item.field, entry.key);
            match entry.key.as_str() {
                "path" => {}
                "recursive" => {
                    item.recursive = truthy(&entry.value);
                }
                _ => self.ignored(entry, field, &item.label),
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
        let key = if let Some(key) = node.get("key").filter(|key| !key.is_null()) {
            self.key(key, &label, format_args!("{field}.key"))
        } else {
            self.found.at(&codes::E04, node.span, field.as_str(), format!("{label} has no key"));
            None
        };
        let name = if let Some(name) = node.get("name").filter(|name| !name.is_null()) {
            self.secret_key(name, &label, format_args!("{field}.name"))
        } else {
            self.no_name(node, &label, &field)
        };
        let (Some(key), Some(name)) = (key, name) else { return None };
        let mut item = Item { name: Some(name), ..Item::new(label, field, node.span, key) };
        for entry in entries {
            let field = format_args!("{}.{}", item.field, entry.key);
            match (entry.key.as_str(), backend) {
                ("key" | "name", _) => {}
                ("property", _) => {
                    // Its presence alone made KES parse the value, even when empty.
                    if !entry.value.is_null() {
                        item.property = text(&entry.value, field, self.found);
                    }
                }
                ("isBinary", _) => item.binary = binary(&entry.value),
                ("secretType", Backend::Ibm) => {
                    item.secret_type = text(&entry.value, field, self.found);
                }
                ("version", Backend::Gcp) => {
                    item.version = version(&entry.value, field, self.found);
                }
                ("versionStage", Backend::SecretsManager) => {
                    item.version_stage = text(&entry.value, field, self.found);
                }
                ("versionId", Backend::SecretsManager) => {
                    item.version_id = text(&entry.value, field, self.found);
                }
                ("path", _) if entry.value.is_null() => {}
                ("recursive", _) if !truthy(&entry.value) => {}
                _ => self.ignored(entry, field, &item.label),
            }
        }
        Some(item)
    }

    /// Before its CRD refused such items, KES wrote a key called `undefined`.
    fn no_name(&mut self, node: &Node, label: &str, field: &str) -> Option<Text<'n>> {
        let code = if self.force { &codes::W23 } else { &codes::E04 };
        let finding = self.found.at(code, node.span, field, format!("{label} has no name"));
        if self.force {
            return Some(Text { value: "undefined".into(), span: node.span });
        }
        finding.with_help("add the name of the Secret's key; old versions of KES wrote a key called `undefined` here, and so does --force");
        None
    }

    /// A Secret key: text, and legal. `on`, `y` and the like are booleans to the API server, so
    /// neither the written word nor `true` may be guessed (golden case G57f).
    fn secret_key(
        &mut self,
        node: &'n Node,
        label: &str,
        field: impl fmt::Display,
    ) -> Option<Text<'n>> {
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
        let name = text(node, &field, self.found)?;
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

    fn ignored(&mut self, entry: &Entry, field: impl fmt::Display, label: &str) {
        self.found.at(
            &codes::W02,
            entry.key_span,
            field,
            format!("`{}` of {label} had no effect in KES and is left out", entry.key),
        );
    }

    /// KES compared strictly with `true`.
    pub(super) fn key_by_name(&mut self) -> bool {
        let Some(entry) = self.spec.entry("keyByName") else { return false };
        match entry.value.value {
            Value::Bool(given) => given,
            Value::Null => false,
            _ => {
                self.found.at(
                    &codes::W02,
                    entry.key_span,
                    format!("{}.keyByName", self.root),
                    "keyByName is not the boolean true, so KES ignored it; it is left out",
                );
                false
            }
        }
    }

    /// Spec fields that belong to another backend.
    pub(super) fn unread_by(&mut self, backend: Backend) {
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
