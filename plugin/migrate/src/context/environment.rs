//! The environment of a container, as Kubernetes builds it.
//!
//! `envFrom` in order, then `env` in order, a later entry replacing an earlier one; `$(NAME)` in a
//! value stands for what was defined before it.

use std::collections::BTreeMap;

use extsecret_manifest::node::Node;
use extsecret_manifest::source::{FileId, Place};

use super::manifest::{Lookup, Neighbours, name_of, text};
use super::setting::{Class, ObjectKey, Raw, Setting, Variable, class};

/// A `envFrom` source whose keys are not known, so that any variable may come from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unseen {
    /// For example `Secret aws`.
    pub(super) object: String,
    pub(super) prefix: String,
    pub(super) place: Option<Place>,
}

/// Builds the environment entry by entry.
pub(super) struct Builder<'a, 'n> {
    file: FileId,
    namespace: Option<&'a str>,
    neighbours: &'a Neighbours<'n>,
    raw: BTreeMap<String, (Raw, Option<Place>)>,
    unseen: Vec<Unseen>,
}

impl<'a, 'n> Builder<'a, 'n> {
    pub(super) fn new(
        file: FileId,
        namespace: Option<&'a str>,
        neighbours: &'a Neighbours<'n>,
    ) -> Self {
        Self { file, namespace, neighbours, raw: BTreeMap::new(), unseen: Vec::new() }
    }

    /// What may be kept of it all.
    pub(super) fn finish(self) -> (BTreeMap<String, Variable>, Vec<Unseen>) {
        let env = self
            .raw
            .into_iter()
            .filter_map(|(name, (raw, place))| {
                let setting = Setting::admit(&name, raw)?;
                Some((name, Variable { setting, place }))
            })
            .collect();
        (env, self.unseen)
    }

    /// One entry of `envFrom`.
    pub(super) fn source(&mut self, entry: &Node) {
        let prefix = name_of(entry, &["prefix"]).unwrap_or_default();
        let place = Some(self.place(entry));

        if let Some(name) = name_of(entry, &["configMapRef", "name"]) {
            let Some(object) = self.neighbours.config_map(self.namespace, name) else {
                self.unsee(format!("ConfigMap {name}"), prefix, place);
                return;
            };
            for entry in object.get("data").and_then(Node::as_mapping).unwrap_or_default() {
                if let Some(value) = entry.value.as_str() {
                    self.set(format!("{prefix}{}", entry.key), Raw::Text(value.into()), place);
                }
            }
        } else if let Some(name) = name_of(entry, &["secretRef", "name"]) {
            let Some(keys) = self.neighbours.secret_keys(self.namespace, name) else {
                self.unsee(format!("Secret {name}"), prefix, place);
                return;
            };
            for key in keys.clone() {
                let source = ObjectKey { name: name.into(), key: key.into() };
                self.set(format!("{prefix}{key}"), Raw::SecretKey(source), place);
            }
        }
    }

    /// One entry of `env`.
    pub(super) fn entry(&mut self, entry: &Node) {
        let Some(name) = name_of(entry, &["name"]) else { return };
        let place = Some(self.place(entry));
        let raw = if let Some(from) = entry.get("valueFrom").filter(|from| !from.is_null()) {
            self.from(from)
        } else {
            let value = entry.get("value").and_then(text).unwrap_or_default();
            // A credential is dropped anyway, and no part of it may get into a reason.
            let is_credential = class(name) == Some(Class::Credential);
            Some(if is_credential { Raw::Text(value) } else { self.expand(&value) })
        };
        if let Some(raw) = raw {
            self.set(name.into(), raw, place);
        }
    }

    pub(super) fn set(&mut self, name: String, raw: Raw, place: Option<Place>) {
        self.raw.insert(name, (raw, place));
    }

    pub(super) fn place(&self, node: &Node) -> Place {
        Place { file: self.file, span: node.span }
    }

    fn unsee(&mut self, object: String, prefix: &str, place: Option<Place>) {
        self.unseen.push(Unseen { object, prefix: prefix.into(), place });
    }

    /// `None` for an optional reference to nothing, which leaves the variable unset.
    fn from(&self, from: &Node) -> Option<Raw> {
        if let Some(reference) = from.get("secretKeyRef") {
            return Some(match object_key(reference) {
                Some(source) => Raw::SecretKey(source),
                None => Raw::Unknown("comes from a Secret that is not named".into()),
            });
        }
        if let Some(reference) = from.get("configMapKeyRef") {
            let Some(ObjectKey { name, key }) = object_key(reference) else {
                return Some(Raw::Unknown("comes from a ConfigMap that is not named".into()));
            };
            let optional = reference.get("optional").is_some_and(|node| node.to_json() == true);
            return match self.neighbours.config_map_key(self.namespace, &name, &key) {
                Lookup::Found(value) => Some(Raw::Text(value.into())),
                Lookup::NoSuchKey if optional => None,
                Lookup::NoSuchKey => Some(Raw::Unknown(format!(
                    "should come from key {key} of ConfigMap {name}, which has no such key"
                ))),
                Lookup::NoSuchObject => Some(Raw::Unknown(format!(
                    "comes from key {key} of ConfigMap {name}, which was not given"
                ))),
            };
        }
        let kind = from.as_mapping().and_then(<[_]>::first).map_or("valueFrom", |e| e.key.as_str());
        Some(Raw::Unknown(format!("comes from a {kind} and is only known in the running pod")))
    }

    /// Replaces `$(NAME)`; a name that is not defined stays as written, `$$` is a dollar sign.
    fn expand(&self, value: &str) -> Raw {
        let mut out = String::with_capacity(value.len());
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let reference = after.strip_prefix('(').and_then(|r| r.split_once(')'));
            let Some((name, after_reference)) = reference else {
                out.push('$');
                rest = after;
                continue;
            };
            match self.raw.get(name) {
                Some((Raw::Text(text), _)) => out.push_str(text),
                Some(_) => return Raw::Unknown(format!("contains $({name}), which is not known")),
                None if self.may_be_unseen(name) => {
                    return Raw::Unknown(format!(
                        "contains $({name}), which may be set by envFrom"
                    ));
                }
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after_reference;
        }
        out.push_str(rest);
        Raw::Text(out)
    }

    fn may_be_unseen(&self, name: &str) -> bool {
        self.unseen.iter().any(|source| name.starts_with(&source.prefix))
    }
}

fn object_key(reference: &Node) -> Option<ObjectKey> {
    Some(ObjectKey {
        name: name_of(reference, &["name"])?.into(),
        key: name_of(reference, &["key"])?.into(),
    })
}
