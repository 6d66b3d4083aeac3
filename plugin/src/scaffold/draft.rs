//! An ExternalSecret that is to be.

use extsecret_manifest::node::Node;

use super::document::{above, list, map, object, text};

/// What decides about an ExternalSecret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    /// Of a `SecretStore`, or of a `ClusterSecretStore`.
    pub(crate) store: String,
    pub(crate) cluster_store: bool,
    pub(crate) interval: String,
    /// The Secret, if it is not called like the ExternalSecret.
    pub(crate) target: Option<String>,
    /// The type of the Secret, if not `Opaque`.
    pub(crate) type_: Option<String>,
    pub(crate) source: Source,
    /// What a person has to know about this one, above it.
    pub(crate) remarks: Vec<String>,
}

/// Which keys the Secret gets, from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// One for each member of the JSON of a secret.
    Extract(String),
    /// These, each from a secret or from a member of its JSON.
    Items(Vec<Item>),
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) secret_key: String,
    pub(crate) key: String,
    pub(crate) property: Option<String>,
    /// The value is base64 there and bytes here.
    pub(crate) base64: bool,
}

impl Draft {
    /// The manifest.
    pub(crate) fn document(&self) -> Node {
        let mut store = vec![("name", text(&self.store))];
        let comment = if self.cluster_store {
            "A store that several namespaces use."
        } else {
            "A store of the same namespace."
        };
        let kind = if self.cluster_store { "ClusterSecretStore" } else { "SecretStore" };
        store.push(("kind", text(kind)));
        let mut spec = vec![
            (
                "refreshInterval",
                above("How often the values are fetched again.", text(&self.interval)),
            ),
            ("secretStoreRef", above(comment, map(store))),
        ];
        spec.extend(self.target().map(|target| ("target", target)));
        spec.push(self.source.entry());
        let namespace = self.namespace.as_deref();
        let document = object("ExternalSecret", namespace, &self.name, map(spec));
        self.remarks.iter().fold(document, |document, remark| above(remark, document))
    }

    fn target(&self) -> Option<Node> {
        let mut target = Vec::new();
        if let Some(name) = self.target.as_ref().filter(|name| **name != self.name) {
            target.push(("name", above("The Secret that is made.", text(name))));
        }
        if let Some(type_) = &self.type_ {
            let template = map(vec![("type", text(type_))]);
            target.push(("template", above("The keys below are kept as they are.", template)));
        }
        (!target.is_empty()).then(|| map(target))
    }
}

impl Source {
    fn entry(&self) -> (&'static str, Node) {
        match self {
            Self::Extract(key) => {
                let comment = "Each member of the secret's JSON becomes a key of the Secret.";
                let extract = map(vec![("extract", map(vec![("key", text(key))]))]);
                ("dataFrom", above(comment, list(vec![extract])))
            }
            Self::Items(items) => {
                let comment = "Keys of the Secret; `property` is a member of the secret's JSON.";
                ("data", above(comment, list(items.iter().map(Item::node).collect())))
            }
        }
    }
}

impl Item {
    fn node(&self) -> Node {
        let mut remote = vec![("key", text(&self.key))];
        remote.extend(self.property.as_deref().map(|property| ("property", text(property))));
        if self.base64 {
            remote.push(("decodingStrategy", text("Base64")));
        }
        map(vec![("secretKey", text(&self.secret_key)), ("remoteRef", map(remote))])
    }
}

/// A path that finds the member of this name, whatever characters it has: a dot would lead deeper,
/// and a star match anything. ESO looks for the literal name first.
pub(crate) fn property(member: &str) -> String {
    let special = |c: char| !c.is_alphanumeric() && !"-_ .:/".contains(c);
    let mut path = String::with_capacity(member.len());
    for c in member.chars() {
        if special(c) {
            path.push('\\');
        }
        path.push(c);
    }
    path
}

/// A key that a Secret may have, for a member of JSON: other characters become `_`, as in ESO's
/// default conversion.
pub(crate) fn secret_key(member: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    member.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use extsecret_manifest::write::write;

    use super::*;

    fn draft(source: Source) -> Draft {
        Draft {
            name: "db".into(),
            namespace: None,
            store: "main".into(),
            cluster_store: false,
            interval: "1h".into(),
            target: None,
            type_: None,
            source,
            remarks: Vec::new(),
        }
    }

    #[test]
    fn the_least_is_short() {
        insta::assert_snapshot!(write(&draft(Source::Extract("app/db".into())).document()));
    }

    #[test]
    fn everything_has_its_place() {
        let item = |key: &str, base64| Item {
            secret_key: secret_key(key),
            key: "app/tls".into(),
            property: Some(property(key)),
            base64,
        };
        let draft = Draft {
            namespace: Some("shop".into()),
            cluster_store: true,
            target: Some("web-tls".into()),
            type_: Some("kubernetes.io/tls".into()),
            remarks: vec!["The Secret exists.".into(), "Look at it.".into()],
            ..draft(Source::Items(vec![item("tls.crt", false), item("a*b", true)]))
        };
        insta::assert_snapshot!(write(&draft.document()));
    }
}
