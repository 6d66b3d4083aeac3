//! The ExternalSecrets to render, and the objects of the same files that they name.

use std::collections::BTreeMap;

use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::{
    API_VERSION, ClusterSecretStore, ExternalSecret, GROUP, SecretStore, SecretStoreSpec,
};
use extsecret_engine::request::StoreName;
use extsecret_engine::secret::Data;
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::read::Content;
use extsecret_manifest::source::{FileId, Place};
use extsecret_manifest::stream::{self, Object};
use k8s_openapi::api::core::v1;
use serde::de::DeserializeOwned;

use super::codes;
use crate::input::Inputs;

/// Namespace and name.
type Key = (String, String);

/// One ExternalSecret.
pub(crate) struct Subject<'a> {
    pub(crate) object: ExternalSecret,
    /// Where it stands, unless it comes from the cluster.
    pub(crate) written: Option<Written<'a>>,
}

/// An object in a file.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) file: FileId,
    pub(crate) node: &'a Node,
}

impl Written<'_> {
    pub(crate) fn place(self) -> Place {
        Place { file: self.file, span: self.node.span }
    }
}

impl Subject<'_> {
    pub(crate) fn namespace(&self) -> &str {
        self.object.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn label(&self) -> String {
        format!("ExternalSecret {}/{}", self.namespace(), self.name())
    }
}

/// What the files hold.
#[derive(Default)]
pub(crate) struct Manifests<'a> {
    pub(crate) subjects: Vec<Subject<'a>>,
    /// Texts of ConfigMaps, with the place of each.
    pub(crate) config_maps: BTreeMap<Key, (BTreeMap<String, String>, Written<'a>)>,
    pub(crate) secrets: BTreeMap<Key, Data>,
    pub(crate) stores: BTreeMap<Key, SecretStoreSpec>,
    pub(crate) cluster_stores: BTreeMap<String, SecretStoreSpec>,
    /// What could not be read, with the object that it is about.
    pub(crate) diagnostics: Vec<(Option<String>, Diagnostic)>,
}

impl<'a> Manifests<'a> {
    /// Looks at every object of `inputs`. `namespace` is that of objects that do not name theirs.
    pub(crate) fn read(inputs: &'a Inputs, namespace: &str) -> Self {
        let mut manifests = Self::default();
        for document in inputs.files.iter().flat_map(|file| &file.documents) {
            if let Content::Broken(error) = &document.content {
                manifests.diagnostics.push((None, (**error).clone()));
            }
            for object in stream::objects(document) {
                manifests.add(&object, namespace);
            }
        }
        manifests
    }

    fn add(&mut self, object: &Object<'a>, namespace: &str) {
        let api_version = object.api_version().unwrap_or_default();
        let kind = object.kind().unwrap_or_default();
        let key = || {
            let namespace = object.namespace().unwrap_or(namespace).to_owned();
            (namespace, object.name().unwrap_or_default().to_owned())
        };
        let written = Written { file: object.document.file, node: object.node };
        match (api_version, kind) {
            (API_VERSION, "ExternalSecret") => {
                if let Some(mut read) = self.typed::<ExternalSecret>(object, kind) {
                    let (namespace, _) = key();
                    read.metadata.namespace.get_or_insert(namespace);
                    self.subjects.push(Subject { object: read, written: Some(written) });
                }
            }
            (API_VERSION, "SecretStore") => {
                if let Some(read) = self.typed::<SecretStore>(object, kind) {
                    self.stores.insert(key(), read.spec);
                }
            }
            (API_VERSION, "ClusterSecretStore") => {
                if let Some(read) = self.typed::<ClusterSecretStore>(object, kind) {
                    self.cluster_stores.insert(key().1, read.spec);
                }
            }
            ("v1", "ConfigMap") => {
                if let Some(read) = self.typed::<v1::ConfigMap>(object, kind) {
                    self.config_maps.insert(key(), (read.data.unwrap_or_default(), written));
                }
            }
            ("v1", "Secret") => {
                if let Some(read) = self.typed::<v1::Secret>(object, kind) {
                    let read = extsecret_engine::secret::Secret::from(read);
                    self.secrets.insert(key(), read.data);
                }
            }
            (version, "ExternalSecret")
                if version.starts_with(&format!("{GROUP}/"))
                    || version.starts_with("kubernetes-client.io/") =>
            {
                let message = format!("an ExternalSecret of {version} cannot be rendered");
                let diagnostic = Diagnostic::new(&codes::UNREADABLE_OBJECT, message)
                    .at(object.place_of(&["apiVersion"]))
                    .help("convert it first: kubectl extsecret migrate -f FILE");
                self.diagnostics.push((Some(label(object, kind)), diagnostic));
            }
            _ => {}
        }
    }

    fn typed<T: DeserializeOwned>(&mut self, object: &Object<'a>, kind: &str) -> Option<T> {
        match serde_json::from_value(object.node.to_json()) {
            Ok(read) => Some(read),
            Err(error) => {
                // The message of a Secret that cannot be read may quote a value.
                let message = match kind {
                    "Secret" => "the Secret is not as its kind wants it".to_owned(),
                    _ => format!("the {kind} is not as its kind wants it: {error}"),
                };
                let diagnostic =
                    Diagnostic::new(&codes::UNREADABLE_OBJECT, message).at(object.place());
                self.diagnostics.push((Some(label(object, kind)), diagnostic));
                None
            }
        }
    }

    /// The store of a namespace, or of the cluster.
    pub(crate) fn store(&self, namespace: &str, store: &StoreName) -> Option<&SecretStoreSpec> {
        match store.kind {
            StoreKind::ClusterSecretStore => self.cluster_stores.get(&store.name),
            _ => self.stores.get(&(namespace.to_owned(), store.name.clone())),
        }
    }
}

fn label(object: &Object<'_>, kind: &str) -> String {
    match (object.namespace(), object.name()) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        _ => kind.to_owned(),
    }
}
