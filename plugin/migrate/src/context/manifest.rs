//! What stands in the manifests around KES.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::stream;

/// The text of a scalar as Kubernetes takes it where a text belongs; numbers and booleans are
/// accepted because Helm quotes them.
pub(super) fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

/// A non-empty text field.
pub(super) fn name_of<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    node.at(path).and_then(Node::as_str).filter(|text| !text.is_empty())
}

/// A map of texts, such as annotations; entries that are no texts are left out, as the API server
/// refuses them.
pub(super) fn texts(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.and_then(Node::as_mapping).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), entry.value.as_str()?.to_owned())))
        .collect()
}

/// The objects of some documents, with Lists opened.
pub(super) fn objects<'a>(documents: impl IntoIterator<Item = &'a Node>) -> Vec<&'a Node> {
    let mut all = Vec::new();
    for document in documents {
        match stream::items(document) {
            // One level is enough: the API has no Lists of Lists.
            Some(items) => all.extend(items),
            None => all.push(document),
        }
    }
    all
}

/// The objects beside the Deployment that explain its references.
#[derive(Default)]
pub(super) struct Neighbours<'a> {
    config_maps: Vec<&'a Node>,
    /// Names, namespaces and key names; values of Secrets are never looked at.
    secrets: Vec<SecretKeys<'a>>,
    service_accounts: Vec<&'a Node>,
}

struct SecretKeys<'a> {
    name: &'a str,
    namespace: Option<&'a str>,
    keys: BTreeSet<&'a str>,
}

/// What is known about a key of a neighbour.
pub(super) enum Lookup<T> {
    Found(T),
    /// The object is there, the key is not.
    NoSuchKey,
    /// The object was not given.
    NoSuchObject,
}

impl<'a> Neighbours<'a> {
    pub(super) fn new(objects: &[&'a Node]) -> Self {
        let mut neighbours = Self::default();
        for object in objects {
            match name_of(object, &["kind"]) {
                Some("ConfigMap") => neighbours.config_maps.push(object),
                Some("ServiceAccount") => neighbours.service_accounts.push(object),
                Some("Secret") => neighbours.secrets.extend(SecretKeys::of(object)),
                _ => {}
            }
        }
        neighbours
    }

    /// The data of a `ConfigMap`.
    pub(super) fn config_map(&self, namespace: Option<&str>, name: &str) -> Option<&'a Node> {
        self.config_maps.iter().find(|object| is_named(object, namespace, name)).copied()
    }

    /// One value of a `ConfigMap`.
    pub(super) fn config_map_key(
        &self,
        namespace: Option<&str>,
        name: &str,
        key: &str,
    ) -> Lookup<&'a str> {
        match self.config_map(namespace, name) {
            None => Lookup::NoSuchObject,
            Some(object) => object
                .at(&["data", key])
                .and_then(Node::as_str)
                .map_or(Lookup::NoSuchKey, Lookup::Found),
        }
    }

    /// The key names of a Secret.
    pub(super) fn secret_keys(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&BTreeSet<&'a str>> {
        self.secrets
            .iter()
            .find(|secret| secret.name == name && same(namespace, secret.namespace))
            .map(|secret| &secret.keys)
    }

    /// The annotations of a service account, empty when it was not given.
    pub(super) fn service_account(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> BTreeMap<String, String> {
        let account = self.service_accounts.iter().find(|sa| is_named(sa, namespace, name));
        texts(account.and_then(|object| object.at(&["metadata", "annotations"])))
    }
}

impl<'a> SecretKeys<'a> {
    fn of(object: &'a Node) -> Option<Self> {
        let keys = ["data", "stringData"]
            .iter()
            .filter_map(|field| object.get(field)?.as_mapping())
            .flatten()
            .map(|entry| entry.key.as_str())
            .collect();
        Some(Self {
            name: name_of(object, &["metadata", "name"])?,
            namespace: name_of(object, &["metadata", "namespace"]),
            keys,
        })
    }
}

fn is_named(object: &Node, namespace: Option<&str>, name: &str) -> bool {
    name_of(object, &["metadata", "name"]) == Some(name)
        && same(namespace, name_of(object, &["metadata", "namespace"]))
}

/// A namespace that is not written down may be any.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_none() || other.is_none() || one == other
}
