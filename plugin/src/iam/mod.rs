//! Which permissions ExternalSecrets need at AWS, and of whom: from objects to policies. Nothing here
//! reads a file, a cluster or AWS.
//!
//! ```text
//! objects ─▶ needs (who asks for what, as whom) ─▶ policy (statements, trust) ─▶ JSON, Terraform,
//!                └ identity (who a store is)                                     CloudFormation
//! ```

pub(crate) mod arn;
pub(crate) mod check;
pub(crate) mod cloudformation;
pub(crate) mod identity;
pub(crate) mod needs;
pub(crate) mod policy;
pub(crate) mod search;
pub(crate) mod terraform;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::{ExternalSecretSpec, SecretStoreSpec};
use extsecret_engine::request::StoreName;
use serde::Serialize;
use serde_json::{Value, json};

use self::identity::Account;
use self::policy::Grant;

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

/// Namespace, which a ClusterSecretStore has none of, and name.
pub(crate) type Key = (Option<String>, String);

/// The objects.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) askers: Vec<Asker>,
    /// Stores, or why one could not be read.
    pub(crate) stores: BTreeMap<Key, Result<SecretStoreSpec, String>>,
    /// Service accounts by namespace and name, or why one could not be read.
    pub(crate) accounts: BTreeMap<(String, String), Result<Account, String>>,
}

/// One ExternalSecret, or a ClusterExternalSecret in one of its namespaces.
#[derive(Debug)]
pub(crate) struct Asker {
    /// `ExternalSecret shop/db`
    pub(crate) label: String,
    /// `None` where it is not known which namespaces a ClusterExternalSecret selects.
    pub(crate) namespace: Option<String>,
    pub(crate) spec: ExternalSecretSpec,
}

/// What objects do not tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The account of identities whose role is not known.
    pub(crate) account: Option<String>,
    /// The role of the controller.
    pub(crate) controller_role: Option<String>,
    /// Namespace and name of its service account.
    pub(crate) controller_account: Option<(String, String)>,
    /// EKS Pod Identity gives the controller its role.
    pub(crate) pod_identity: bool,
    /// The issuer of the cluster's tokens, without a scheme: `oidc.eks.REGION.amazonaws.com/id/ID`.
    pub(crate) oidc_provider: Option<String>,
    /// Keys that values may be encrypted with; any key of the account if there is none.
    pub(crate) kms_keys: Vec<String>,
    /// No customer managed key is in use.
    pub(crate) no_kms: bool,
    /// Secrets are read together where there are several.
    pub(crate) batch: bool,
}

/// Something that a person has to know about the policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Warning {
    /// The object.
    pub(crate) about: String,
    pub(crate) text: String,
    /// The policies lack something that the object needs.
    pub(crate) incomplete: bool,
}

impl Warning {
    pub(crate) fn note(about: &str, text: impl Into<String>) -> Self {
        Self { about: about.to_owned(), text: text.into(), incomplete: false }
    }

    pub(crate) fn hole(about: &str, text: impl Into<String>) -> Self {
        Self { about: about.to_owned(), text: text.into(), incomplete: true }
    }

    pub(crate) fn line(&self) -> String {
        format!("{}: {}", self.about, self.text)
    }
}

/// The policies, and what is to be said of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) grants: Vec<Grant>,
    pub(crate) warnings: Vec<Warning>,
}

/// Finds out what the objects need.
pub(crate) fn report(objects: &Objects, options: &Options) -> Report {
    let (needs, mut warnings) = needs::needs(objects, options);
    let mut grants = Vec::new();
    for (identity, needs) in needs {
        grants.push(policy::grant(&identity, &needs, options, &mut warnings));
    }
    warnings.sort();
    warnings.dedup();
    Report { grants, warnings }
}

impl Report {
    /// All of it, for programs.
    pub(crate) fn document(&self) -> Value {
        let warnings: Vec<String> = self.warnings.iter().map(Warning::line).collect();
        json!({ "version": VERSION, "identities": self.grants, "warnings": warnings })
    }
}

/// The key of a store that is used in a namespace; `None` if the namespace is not known.
pub(crate) fn store_key(store: &StoreName, namespace: Option<&str>) -> Option<Key> {
    match store.kind {
        StoreKind::ClusterSecretStore => Some((None, store.name.clone())),
        _ => Some((Some(namespace?.to_owned()), store.name.clone())),
    }
}

/// `SecretStore shop/main`
pub(crate) fn store_label(key: &Key) -> String {
    match key {
        (Some(namespace), name) => format!("SecretStore {namespace}/{name}"),
        (None, name) => format!("ClusterSecretStore {name}"),
    }
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Document {
    pub(crate) version: &'static str,
    pub(crate) statement: Vec<Value>,
}

impl Document {
    pub(crate) fn new(statement: Vec<Value>) -> Self {
        Self { version: "2012-10-17", statement }
    }
}
