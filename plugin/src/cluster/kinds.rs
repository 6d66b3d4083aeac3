//! The kinds that are read, and where the API serves them.

/// A kind of object.
#[expect(clippy::struct_field_names, reason = "what the API calls it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) namespaced: bool,
}

const fn eso(kind: &'static str, plural: &'static str, namespaced: bool) -> Kind {
    Kind {
        group: extsecret_crds::GROUP,
        version: extsecret_crds::VERSION,
        kind,
        plural,
        namespaced,
    }
}

const fn namespaced(group: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version: "v1", kind, plural, namespaced: true }
}

pub(crate) const EXTERNAL_SECRETS: Kind = eso("ExternalSecret", "externalsecrets", true);
pub(crate) const SECRET_STORES: Kind = eso("SecretStore", "secretstores", true);
pub(crate) const CLUSTER_SECRET_STORES: Kind =
    eso("ClusterSecretStore", "clustersecretstores", false);
pub(crate) const CLUSTER_EXTERNAL_SECRETS: Kind =
    eso("ClusterExternalSecret", "clusterexternalsecrets", false);
pub(crate) const KES_EXTERNAL_SECRETS: Kind =
    namespaced("kubernetes-client.io", "ExternalSecret", "externalsecrets");
pub(crate) const SECRETS: Kind = namespaced("", "Secret", "secrets");
pub(crate) const CONFIG_MAPS: Kind = namespaced("", "ConfigMap", "configmaps");
pub(crate) const SERVICE_ACCOUNTS: Kind = namespaced("", "ServiceAccount", "serviceaccounts");
pub(crate) const EVENTS: Kind = namespaced("", "Event", "events");
pub(crate) const PODS: Kind = namespaced("", "Pod", "pods");
pub(crate) const DEPLOYMENTS: Kind = namespaced("apps", "Deployment", "deployments");
pub(crate) const STATEFUL_SETS: Kind = namespaced("apps", "StatefulSet", "statefulsets");
pub(crate) const DAEMON_SETS: Kind = namespaced("apps", "DaemonSet", "daemonsets");
pub(crate) const REPLICA_SETS: Kind = namespaced("apps", "ReplicaSet", "replicasets");
pub(crate) const CONTROLLER_REVISIONS: Kind =
    namespaced("apps", "ControllerRevision", "controllerrevisions");
pub(crate) const CRON_JOBS: Kind = namespaced("batch", "CronJob", "cronjobs");
/// Argo's. A cluster may do without.
pub(crate) const ROLLOUTS: Kind = Kind {
    group: "argoproj.io",
    version: "v1alpha1",
    kind: "Rollout",
    plural: "rollouts",
    namespaced: true,
};
pub(crate) const INGRESSES: Kind = namespaced("networking.k8s.io", "Ingress", "ingresses");
pub(crate) const LEASES: Kind = namespaced("coordination.k8s.io", "Lease", "leases");
pub(crate) const ENDPOINT_SLICES: Kind =
    namespaced("discovery.k8s.io", "EndpointSlice", "endpointslices");
pub(crate) const VALIDATING_WEBHOOKS: Kind = Kind {
    group: "admissionregistration.k8s.io",
    version: "v1",
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    namespaced: false,
};
pub(crate) const DEFINITIONS: Kind = Kind {
    group: "apiextensions.k8s.io",
    version: "v1",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    namespaced: false,
};
pub(crate) const NAMESPACES: Kind =
    Kind { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };

impl Kind {
    /// `externalsecrets.external-secrets.io`: the name that no other group's resource has.
    pub(crate) fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// `externalsecret.external-secrets.io/NAME`, as `kubectl -o name` writes it.
    pub(crate) fn name_of(&self, name: &str) -> String {
        let kind = self.kind.to_lowercase();
        match self.group {
            "" => format!("{kind}/{name}"),
            group => format!("{kind}.{group}/{name}"),
        }
    }

    /// The path of its group and version.
    pub(super) fn version_path(&self) -> String {
        match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        }
    }

    /// The path of its list: of one namespace, or of all.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = self.version_path();
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

#[cfg(test)]
mod tests {
    use extsecret_crds::{ClusterSecretStore, ExternalSecret, SecretStore};
    use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
    use k8s_openapi::api::coordination::v1::Lease;
    use k8s_openapi::api::discovery::v1::EndpointSlice;
    use k8s_openapi::api::networking::v1 as networking;
    use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::Resource;

    use super::*;

    fn path_of<K: Resource<DynamicType = ()>>(namespace: Option<&str>) -> String {
        K::url_path(&(), namespace)
    }

    #[test]
    fn paths_are_those_of_the_types() {
        let ns = Some("shop");
        for (ours, theirs) in [
            (EXTERNAL_SECRETS.path(ns), path_of::<ExternalSecret>(ns)),
            (EXTERNAL_SECRETS.path(None), path_of::<ExternalSecret>(None)),
            (SECRET_STORES.path(ns), path_of::<SecretStore>(ns)),
            (CLUSTER_SECRET_STORES.path(None), path_of::<ClusterSecretStore>(None)),
            (SECRETS.path(ns), path_of::<core::Secret>(ns)),
            (CONFIG_MAPS.path(ns), path_of::<core::ConfigMap>(ns)),
            (SERVICE_ACCOUNTS.path(ns), path_of::<core::ServiceAccount>(ns)),
            (EVENTS.path(ns), path_of::<core::Event>(ns)),
            (PODS.path(ns), path_of::<core::Pod>(ns)),
            (DEPLOYMENTS.path(ns), path_of::<apps::Deployment>(ns)),
            (STATEFUL_SETS.path(ns), path_of::<apps::StatefulSet>(ns)),
            (DAEMON_SETS.path(ns), path_of::<apps::DaemonSet>(ns)),
            (REPLICA_SETS.path(ns), path_of::<apps::ReplicaSet>(ns)),
            (CONTROLLER_REVISIONS.path(ns), path_of::<apps::ControllerRevision>(ns)),
            (CRON_JOBS.path(ns), path_of::<batch::CronJob>(ns)),
            (INGRESSES.path(ns), path_of::<networking::Ingress>(ns)),
            (LEASES.path(ns), path_of::<Lease>(ns)),
            (ENDPOINT_SLICES.path(ns), path_of::<EndpointSlice>(ns)),
            (VALIDATING_WEBHOOKS.path(None), path_of::<ValidatingWebhookConfiguration>(None)),
            (DEFINITIONS.path(None), path_of::<CustomResourceDefinition>(None)),
            (NAMESPACES.path(None), path_of::<core::Namespace>(None)),
        ] {
            assert_eq!(ours, theirs);
        }
        assert_eq!(EXTERNAL_SECRETS.name_of("db"), "externalsecret.external-secrets.io/db");
        assert_eq!(KES_EXTERNAL_SECRETS.resource(), "externalsecrets.kubernetes-client.io");
        assert_eq!(SECRETS.name_of("db"), "secret/db");
    }
}
