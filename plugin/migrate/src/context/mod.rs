//! What the KES installation says about what its objects leave out.
//!
//! KES had one identity and one environment for all objects: region, Vault server, tenant. They
//! come from its Deployment ([`Context::from_deployment`]) or from its Helm values
//! ([`Context::from_helm_values`]); the permissions of namespaces come from Namespace objects
//! anywhere in the input ([`Context::add_namespace`]).
//!
//! Values of Secrets are never read, and a credential that stands in the manifest in clear text is
//! forgotten while it is read: what remains is that it is there.

mod deployment;
mod environment;
mod facts;
mod files;
mod helm_values;
mod manifest;
mod setting;

use std::collections::BTreeMap;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::source::{FileId, Place};

pub use facts::{
    AwsKeys, ControllerWide, Credential, DEFAULT_INTERVAL_MILLIS, DEFAULT_KEY_ANNOTATION,
    DEFAULT_ROLE_ANNOTATION, Family,
};
pub use files::{FileSource, MountedFile};
pub use helm_values::Release;
pub use setting::{ObjectKey, Setting, Text};

use crate::codes;
use environment::Unseen;
use files::Mount;
use setting::Variable;

/// A fact that may be absent, or that is there but cannot be known; then the diagnostic (E10) says
/// why and what to do.
pub type Fact<T> = Result<Option<T>, Diagnostic>;

/// The service account KES runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its name.
    pub name: String,
    /// Its annotations, empty when the object was not given.
    pub annotations: BTreeMap<String, String>,
}

/// Where the facts come from; decides the words of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    Nothing,
    Deployment,
    HelmValues,
}

/// The facts of one KES installation. The default knows nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The namespace KES runs in.
    pub namespace: Option<String>,
    /// The service account KES runs as; `None` also when its name depends on a Helm release whose
    /// name is not known.
    pub service_account: Option<ServiceAccount>,
    /// Annotations of the pods of KES, such as a kiam role.
    pub pod_annotations: BTreeMap<String, String>,
    /// The annotations of every namespace that was given.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    source: Source,
    env: BTreeMap<String, Variable>,
    unseen: Vec<Unseen>,
    mounts: Vec<Mount>,
}

impl Context {
    /// Adds the annotations of a Namespace object; other objects are ignored.
    ///
    /// Two different objects for one namespace are no error: permissions that differ are reported
    /// (W31) and the first in alphabetical order counts, so that the order of files does not.
    pub fn add_namespace(&mut self, file: FileId, object: &Node) -> Option<Diagnostic> {
        if manifest::name_of(object, &["kind"]) != Some("Namespace")
            || manifest::name_of(object, &["apiVersion"]) != Some("v1")
        {
            return None;
        }
        let name = manifest::name_of(object, &["metadata", "name"])?;
        let annotations = manifest::texts(object.at(&["metadata", "annotations"]));

        let Some(known) = self.namespaces.get_mut(name) else {
            self.namespaces.insert(name.into(), annotations);
            return None;
        };
        if *known == annotations {
            return None;
        }
        let message = format!("namespace {name} is given twice with different annotations");
        *known = annotations.min(std::mem::take(known));
        Some(
            Diagnostic::new(&codes::W31, message)
                .at(Place { file, span: object.span })
                .help("pass the Namespace once, as it is in the cluster"),
        )
    }

    /// What KES finds in one of its environment variables; `None` when it is not set, or when the
    /// variable means nothing to a migration.
    pub fn setting(&self, variable: &str) -> Option<&Setting> {
        self.env.get(variable).map(|variable| &variable.setting)
    }

    /// Where a variable is set.
    pub fn place(&self, variable: &str) -> Option<Place> {
        self.env.get(variable)?.place
    }

    /// The W31 of every setting that stands there but cannot be read.
    fn unreadable(&self) -> Vec<Diagnostic> {
        let variables = self.env.iter().filter_map(|(name, variable)| {
            let reason = match &variable.setting {
                Setting::Unknown(reason) => reason.clone(),
                // A Secret is where credentials belong; only a plain setting is missed there.
                Setting::SecretKey(source)
                    if setting::class(name) == Some(setting::Class::Public) =>
                {
                    from_secret(source)
                }
                _ => return None,
            };
            let diagnostic = Diagnostic::new(&codes::W31, format!("{name} {reason}"));
            Some((diagnostic, variable.place))
        });
        let sources = self.unseen.iter().map(|source| {
            let message = format!(
                "any setting may come from {}, which was not given (envFrom)",
                source.object
            );
            let help =
                format!("add {} to the file; of a Secret the key names are enough", source.object);
            (Diagnostic::new(&codes::W31, message).help(help), source.place)
        });
        variables
            .chain(sources)
            .map(|(diagnostic, place)| match place {
                Some(place) => diagnostic.at(place),
                None => diagnostic,
            })
            .collect()
    }
}

/// Completes "NAME ..." for a setting that is in a Secret.
fn from_secret(source: &ObjectKey) -> String {
    format!("comes from key {} of Secret {}, and Secrets are not read", source.key, source.name)
}

#[cfg(test)]
mod tests;
