//! Names of objects, as cheap to copy as they are often copied.

use std::fmt;
use std::sync::Arc;

use extsecret_crds::external_secret::StoreKind;
use extsecret_engine::request::StoreName;

/// Kinds of objects that are reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A store of a namespace.
    SecretStore,
    /// A store of the cluster.
    ClusterSecretStore,
    /// What one Secret is made of.
    ExternalSecret,
    /// The same ExternalSecret in many namespaces.
    ClusterExternalSecret,
}

impl Kind {
    /// As the API writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SecretStore => "SecretStore",
            Self::ClusterSecretStore => "ClusterSecretStore",
            Self::ExternalSecret => "ExternalSecret",
            Self::ClusterExternalSecret => "ClusterExternalSecret",
        }
    }
}

/// Namespace and name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    /// Empty for an object of the cluster.
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl Name {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One object that is reconciled.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) name: Name,
}

impl Key {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, name: Name::new(namespace, name) }
    }

    /// The store that an ExternalSecret of `namespace` means.
    pub(crate) fn of_store(store: &StoreName, namespace: &str) -> Self {
        match store.kind {
            StoreKind::ClusterSecretStore => Self::new(Kind::ClusterSecretStore, "", &store.name),
            _ => Self::new(Kind::SecretStore, namespace, &store.name),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
