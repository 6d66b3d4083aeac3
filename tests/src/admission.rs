//! Writes that the API server refuses because somebody has forbidden them.

use serde_json::{Value, json};

use crate::api::Api;
use crate::controller::wait_until;
use crate::fleet::SOON;

const GROUP: &str = "apis/admissionregistration.k8s.io/v1";

/// A `ValidatingAdmissionPolicy` for one namespace.
pub struct Denial<'a> {
    api: &'a Api,
    name: String,
}

impl<'a> Denial<'a> {
    /// Forbids whatever matches `rule` (of `matchConstraints.resourceRules`) in `namespace`, unless
    /// `expression` is true for it. It is in force when the API server refuses `change` of the object at
    /// `path`, which it is asked for without doing it.
    ///
    /// # Panics
    ///
    /// If that is not soon.
    pub fn new(
        api: &'a Api,
        namespace: &str,
        rule: &Value,
        expression: &str,
        (path, change): (&str, &dyn Fn(usize) -> Value),
    ) -> Self {
        let name = format!("deny-{namespace}");
        api.create(
            &format!("{GROUP}/validatingadmissionpolicies"),
            &json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicy",
                "metadata": { "name": name },
                "spec": {
                    "matchConstraints": { "resourceRules": [rule] },
                    "validations": [{ "expression": expression }],
                },
            }),
        );
        let only = json!({ "kubernetes.io/metadata.name": namespace });
        api.create(
            &format!("{GROUP}/validatingadmissionpolicybindings"),
            &json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": { "name": name },
                "spec": {
                    "policyName": name, "validationActions": ["Deny"],
                    "matchResources": { "namespaceSelector": { "matchLabels": only } },
                },
            }),
        );
        let (path, mut number) = (format!("{path}?dryRun=All"), 0);
        wait_until(SOON, "the policy is in force", || {
            number += 1;
            let (status, _) =
                api.ask("PATCH", &path, Some(&change(number)), "application/merge-patch+json");
            (status == 422 || status == 403).then_some(())
        });
        Self { api, name }
    }

    /// Allows it again.
    pub fn lift(self) {
        for kind in ["validatingadmissionpolicybindings", "validatingadmissionpolicies"] {
            self.api.delete(&format!("{GROUP}/{kind}/{}", self.name));
        }
    }
}
