//! Argo Rollouts: a definition that takes whatever is written. Tests play Argo's part.

use serde_json::json;

use crate::api::Api;
use crate::cluster::Cluster;

/// The path of the Rollouts of a namespace.
pub fn rollouts(namespace: &str) -> String {
    format!("apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts")
}

/// Has the cluster serve Rollouts.
///
/// # Panics
/// If it does not within a minute.
pub fn define(cluster: &Cluster, api: &Api) {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "rollouts.argoproj.io",
            "annotations": { "api-approved.kubernetes.io": "unapproved, for a test" },
        },
        "spec": {
            "group": "argoproj.io", "scope": "Namespaced",
            "names": { "plural": "rollouts", "kind": "Rollout" },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": schema }, "subresources": { "status": {} },
            }],
        },
    });
    api.create("apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
    cluster.wait_established("rollouts.argoproj.io");
}
