//! A server-side apply that changes nothing.

use kube::api::{Patch, PatchParams};
use kube::core::Request;
use serde_json::Value;

use super::kinds::Kind;
use super::{Answer, Cluster, MANAGER, Unread, Why, is_name};

impl Cluster {
    /// Has the API server check an object as if it were applied: its schema, with unknown fields as
    /// errors, its rules, and admission.
    pub(crate) fn apply_dry(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        object: &Value,
    ) -> Result<(), Unread> {
        let tried = format!("apply {} {name}", kind.kind);
        if !is_name(name) || !is_name(namespace) {
            return Err(Unread::new(tried, Why::NotAName));
        }
        let request = Request::new(kind.path(Some(namespace)));
        let mut params = PatchParams::apply(MANAGER).dry_run().force();
        params.field_validation = Some(kube::api::ValidationDirective::Strict);
        let answer = self.send(&tried, kind, &async |client| {
            let request = request.patch(name, &params, &Patch::Apply(object));
            client.request_text(request.map_err(kube::Error::BuildRequest)?).await
        });
        match answer {
            Ok(_) => Ok(()),
            // An apply makes what is not there; what is missing is where it would be.
            Err(Answer::NoSuchObject) => {
                let message = format!("namespaces \"{namespace}\" not found");
                Err(Unread::new(tried, Why::Refused(message)))
            }
            Err(Answer::Unread(error)) => Err(error),
        }
    }
}
