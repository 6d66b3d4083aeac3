//! What the user decides. Every field is a flag of `kubectl extsecret migrate`.

use std::collections::BTreeMap;

/// Which kind of store is written (specification 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// One `ClusterSecretStore` per tuple, usable from exactly the namespaces that used it.
    #[default]
    Cluster,
    /// One `SecretStore` per tuple and namespace.
    Namespace,
}

/// How stores authenticate (specification 3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// As the controller's own identity: no auth block.
    #[default]
    Controller,
    /// As the service account of kubernetes-external-secrets.
    KesServiceAccount,
    /// With the Secrets that kubernetes-external-secrets uses.
    SecretRef,
    /// As a named service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// All decisions of one run. The defaults are those of the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // They are switches of a command line.
pub struct Options {
    /// `--scope`
    pub scope: Scope,
    /// `--auth`
    pub auth: Auth,
    /// `--auth controller` in so many words: it counts for classes of the CSI driver too, whose
    /// stores log in as the pods' service account otherwise.
    pub pods_as_controller: bool,
    /// `--namespace`: for objects that do not say theirs.
    pub namespace: Option<String>,
    /// `--kes-namespace`: where KES runs, when its Deployment does not say.
    pub kes_namespace: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--vault-server`
    pub vault_server: Option<String>,
    /// `--vault-namespace`
    pub vault_namespace: Option<String>,
    /// `--vault-mount`: mount of the Kubernetes auth method.
    pub vault_mount: Option<String>,
    /// `--vault-role`
    pub vault_role: Option<String>,
    /// `--vault-split-mount`: KV mounts for which the short key form is written.
    pub vault_split_mounts: Vec<String>,
    /// `--azure-tenant`
    pub azure_tenant: Option<String>,
    /// `--gcp-project`
    pub gcp_project: Option<String>,
    /// `--ibm-endpoint`
    pub ibm_endpoint: Option<String>,
    /// `--ibm-group`: the secret group for objects with `keyByName`.
    pub ibm_group: Option<String>,
    /// `--akeyless-endpoint`
    pub akeyless_endpoint: Option<String>,
    /// `--keep-interval`: keep the polling interval of kubernetes-external-secrets.
    pub keep_interval: bool,
    /// `--assume-disjoint`: paths never yield a key that is also listed by name.
    pub assume_disjoint: bool,
    /// `--no-emulate`: refuse IBM values that only a template can rebuild.
    pub no_emulate: bool,
    /// `--strict-bytes`: report every value whose bytes could differ.
    pub strict_bytes: bool,
    /// `--force`: convert what kubernetes-external-secrets itself would have failed on.
    pub force: bool,
    /// `--namespace-policy`: write an admission policy from the naming annotations.
    pub namespace_policy: bool,
    /// `--role-conditions`: limit stores to the namespaces whose annotation permits the role.
    pub role_conditions: bool,
    /// `--enforced`: kubernetes-external-secrets ran with
    /// `ENFORCE_NAMESPACE_ANNOTATIONS`.
    pub enforced: bool,
    /// `--short-templates`: templates as a person would write them; the default is the exact form.
    pub short_templates: bool,
    /// `--helm-escape`: what is written stands in a Helm chart, so that Helm must print its braces.
    pub helm_escape: bool,
    /// `--store-name GENERATED=WANTED`: renames stores.
    pub store_names: BTreeMap<String, String>,
}
