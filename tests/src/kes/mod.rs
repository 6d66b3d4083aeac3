//! What is left of kubernetes-external-secrets in a cluster that a test prepares.

pub mod process;

use serde_json::{Value, json};

use crate::api::Api;

/// ExternalSecrets of kubernetes-external-secrets, as a path.
pub const KES: &str = "apis/kubernetes-client.io/v1";

/// The definition of its only kind, as far as an API server needs it.
pub const DEFINITION: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: externalsecrets.kubernetes-client.io
spec:
  group: kubernetes-client.io
  scope: Namespaced
  names:
    plural: externalsecrets
    singular: externalsecret
    kind: ExternalSecret
    shortNames: [es]
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      schema:
        openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true }
";

/// Makes the Secret of one of its objects as it does: named alike, and owned (kes-migration 1.9).
///
/// # Panics
/// If there is no such object, or the API refuses the Secret.
pub fn secret_of(api: &Api, namespace: &str, name: &str, data: &Value) -> Value {
    let path = format!("{KES}/namespaces/{namespace}/externalsecrets/{name}");
    let object = api.get(&path).unwrap_or_else(|| panic!("{path} is gone"));
    let owner = json!({
        "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "name": name, "uid": object["metadata"]["uid"], "controller": true,
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": { "name": name, "ownerReferences": [owner] }, "data": data,
    });
    api.create(&format!("api/v1/namespaces/{namespace}/secrets"), &secret)
}
