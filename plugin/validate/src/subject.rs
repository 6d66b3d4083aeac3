//! An object that is looked at, and the others around it.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_crds::external_secret::CreationPolicy;
use extsecret_crds::{API_VERSION, ExternalSecretSpec, SecretStoreSpec};
use extsecret_manifest::diagnostic::{Code, Diagnostic};
use extsecret_manifest::node::{Node, Style};
use extsecret_manifest::source::{Place, Span};
use extsecret_manifest::stream::Object;

use crate::place;

/// One object with its typed spec.
pub struct Subject<'a> {
    pub(crate) object: Object<'a>,
    pub(crate) spec: Spec,
    /// What stands before the fields of an ExternalSecret's spec.
    prefix: &'static str,
}

/// What the object is to do.
pub(crate) enum Spec {
    ExternalSecret(Box<ExternalSecretSpec>),
    Store(Box<SecretStoreSpec>),
}

impl<'a> Subject<'a> {
    /// `None` if the spec is not as its type wants it; the schema has said why.
    pub(crate) fn read(object: &Object<'a>, kind: &str) -> Option<Self> {
        let spec = object.node.get("spec");
        let json = |node: Option<&Node>| node.map_or_else(|| serde_json::json!({}), Node::to_json);
        let (spec, prefix) = match kind {
            "ExternalSecret" => {
                let spec = serde_json::from_value(json(spec)).ok()?;
                (Spec::ExternalSecret(Box::new(spec)), "spec")
            }
            "ClusterExternalSecret" => {
                let spec = spec?.get("externalSecretSpec");
                let spec = serde_json::from_value(json(spec)).ok()?;
                (Spec::ExternalSecret(Box::new(spec)), "spec.externalSecretSpec")
            }
            "SecretStore" | "ClusterSecretStore" => {
                (Spec::Store(Box::new(serde_json::from_value(json(spec)).ok()?)), "spec")
            }
            _ => return None,
        };
        Some(Self { object: *object, spec, prefix })
    }

    /// The spec of an ExternalSecret, or of those that a ClusterExternalSecret makes.
    pub(crate) fn external_secret(&self) -> Option<&ExternalSecretSpec> {
        match &self.spec {
            Spec::ExternalSecret(spec) => Some(spec),
            Spec::Store(_) => None,
        }
    }

    pub(crate) fn store(&self) -> Option<&SecretStoreSpec> {
        match &self.spec {
            Spec::Store(spec) => Some(spec),
            Spec::ExternalSecret(_) => None,
        }
    }

    /// True for an object that is one ExternalSecret and not the pattern of many.
    pub(crate) fn is_one(&self) -> bool {
        self.prefix == "spec"
    }

    /// A finding at a field, whose path begins with `spec.` and is that of an ExternalSecret.
    pub(crate) fn at(
        &self,
        code: &'static Code,
        path: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        let path = match path.strip_prefix("spec") {
            Some(rest) => format!("{}{rest}", self.prefix),
            None => path.to_owned(),
        };
        let span = place::span(self.object.node, &path);
        Diagnostic::new(code, message).at(self.place(span)).field(path)
    }

    /// Where the key of a field stands, which begins as those of [`at`](Self::at) do.
    pub(crate) fn key(&self, path: &str) -> Option<Place> {
        let path = path.strip_prefix("spec.").unwrap_or(path);
        let steps: Vec<&str> = self.prefix.split('.').chain(path.split('.')).collect();
        place::key(self.object.node, &steps).map(|span| self.place(span))
    }

    /// True if the line of the key `template` holds nothing of what is in the template.
    pub(crate) fn template_is_indented(&self) -> bool {
        let steps: Vec<&str> = self.prefix.split('.').chain(["target", "template"]).collect();
        let template = self.object.node.at(&steps);
        template.is_some_and(|template| template.style == Style::Block)
    }

    fn place(&self, span: Span) -> Place {
        Place { file: self.object.document.file, span }
    }
}

/// What is written to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The object that writes.
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// Namespace, if it is told, and name.
type Key = (Option<String>, String);

/// All stores that a cluster has; `None` where nobody could look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stores {
    /// Those of namespaces, by namespace and name.
    pub stores: Option<BTreeSet<(String, String)>>,
    /// Those of the cluster, by name.
    pub cluster_stores: Option<BTreeSet<String>>,
}

/// All objects of the run, as far as a rule has to know of them.
#[derive(Default)]
pub struct Manifests<'a> {
    /// All stores that there are; `None` for objects of files, to which there may be more.
    pub(crate) known: Option<Stores>,
    /// Stores of namespaces, by name.
    pub(crate) stores: BTreeMap<&'a str, BTreeSet<Option<&'a str>>>,
    pub(crate) cluster_stores: BTreeSet<&'a str>,
    /// Secrets that are written by hand.
    pub(crate) secrets: BTreeMap<Key, Place>,
    /// Which ExternalSecrets own which Secret.
    pub(crate) owners: BTreeMap<Key, Vec<Target>>,
}

impl<'a> Manifests<'a> {
    /// Says that these are all stores that there are.
    pub fn know(&mut self, stores: Stores) {
        self.known = Some(stores);
    }

    /// Adds an object of the run.
    pub fn add(&mut self, object: &Object<'a>) {
        let (Some(kind), Some(name)) = (object.kind(), object.name()) else { return };
        let key = |name: &str| (object.namespace().map(str::to_owned), name.to_owned());
        match (object.api_version().unwrap_or_default(), kind) {
            (API_VERSION, "SecretStore") => {
                self.stores.entry(name).or_default().insert(object.namespace());
            }
            (API_VERSION, "ClusterSecretStore") => {
                self.cluster_stores.insert(name);
            }
            ("v1", "Secret") => {
                self.secrets.insert(key(name), object.place_of(&["metadata", "name"]));
            }
            (API_VERSION, "ExternalSecret") => {
                let Some(subject) = Subject::read(object, kind) else { return };
                let Some(spec) = subject.external_secret() else { return };
                if spec.creation_policy() == CreationPolicy::Owner {
                    let target = Target {
                        name: name.to_owned(),
                        place: object.place_of(&["metadata", "name"]),
                    };
                    self.owners.entry(key(spec.target_name(name))).or_default().push(target);
                }
            }
            _ => {}
        }
    }
}
