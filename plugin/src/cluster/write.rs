//! Changes that a hand-over asks for, each with its conditions.

use extsecret_migrate::handover::{Body, Deletion, Request, Resource};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::Request as Call;
use serde_json::Value;

use super::kinds::{self, Kind};
use super::{Answer, Cluster, MANAGER, Unread, Why, is_name, read};

/// The type of a patch that is a list of operations (RFC 6902).
const JSON_PATCH: &str = "application/json-patch+json";

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Changed {
    /// It is done; this is the object now, or the server's answer to a deletion.
    Done(Value),
    /// There is no such object.
    Gone,
    /// The object is not, or no longer, what the change was meant for.
    Conflict(String),
}

/// The kind behind a resource of a hand-over.
pub(crate) fn kind(resource: Resource) -> &'static Kind {
    match resource {
        Resource::KesExternalSecret => &kinds::KES_EXTERNAL_SECRETS,
        Resource::ExternalSecret => &kinds::EXTERNAL_SECRETS,
        Resource::Secret => &kinds::SECRETS,
        Resource::ConfigMap => &kinds::CONFIG_MAPS,
        Resource::Deployment => &kinds::DEPLOYMENTS,
        Resource::SecretStore => &kinds::SECRET_STORES,
        Resource::ClusterSecretStore => &kinds::CLUSTER_SECRET_STORES,
        Resource::Definition => &kinds::DEFINITIONS,
    }
}

impl Cluster {
    /// Makes one change, or only asks whether the server would.
    pub(crate) fn change(&self, request: &Request, dry_run: bool) -> Result<Changed, Unread> {
        let kind = kind(request.resource);
        let name = &request.name;
        let namespace = (kind.namespaced).then_some(request.namespace.as_str());
        let verb = match request.body {
            Body::Create(_) => "create",
            Body::Apply(_) | Body::ApplyAs(..) => "apply",
            Body::Merge(_) | Body::Patch(_) => "change",
            Body::Delete(_) => "delete",
        };
        let object = namespace.map_or_else(|| name.clone(), |space| format!("{space}/{name}"));
        let tried = format!("{verb} {} {object}", kind.resource());
        if !is_name(name) || namespace.is_some_and(|namespace| !is_name(namespace)) {
            return Err(Unread::new(tried, Why::NotAName));
        }
        let call = Call::new(kind.path(namespace));
        let text = self.send(&tried, kind, &async |client| {
            let patch = |manager: &str, force| PatchParams {
                field_manager: Some(manager.to_owned()),
                dry_run,
                force,
                ..PatchParams::default()
            };
            let plain = patch(MANAGER, false);
            let request = match &request.body {
                Body::Create(object) => {
                    let params = PostParams { field_manager: Some(MANAGER.to_owned()), dry_run };
                    let text = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
                    call.create(&params, text)
                }
                Body::Apply(object) => {
                    call.patch(name, &patch(MANAGER, true), &Patch::Apply(object))
                }
                Body::ApplyAs(manager, object) => {
                    call.patch(name, &patch(manager, true), &Patch::Apply(object))
                }
                Body::Merge(change) => call.patch(name, &plain, &Patch::Merge(change)),
                Body::Patch(ops) => {
                    let mut request = call.patch(name, &plain, &Patch::Merge(ops));
                    if let (Ok(request), Ok(json_patch)) = (&mut request, JSON_PATCH.parse()) {
                        request.headers_mut().insert("content-type", json_patch);
                    }
                    request
                }
                Body::Delete(how) => call.delete(name, &deletion(how, dry_run)),
            };
            client.request_text(request.map_err(kube::Error::BuildRequest)?).await
        });
        match text {
            Ok(text) => read(&tried, &text).map(Changed::Done),
            Err(Answer::NoSuchObject) => Ok(Changed::Gone),
            Err(Answer::Unread(error)) => match error.why {
                Why::Conflict(message) => Ok(Changed::Conflict(message)),
                // What a test of a JSON patch that fails looks like, and the reader looks again.
                Why::Refused(message) if matches!(request.body, Body::Patch(_)) => {
                    Ok(Changed::Conflict(message))
                }
                _ => Err(error),
            },
        }
    }
}

fn deletion(how: &Deletion, dry_run: bool) -> DeleteParams {
    let policy =
        if how.orphan() { PropagationPolicy::Orphan } else { PropagationPolicy::Background };
    let uid = Some(how.uid().to_owned());
    DeleteParams {
        dry_run,
        propagation_policy: Some(policy),
        preconditions: Some(Preconditions { uid, ..Preconditions::default() }),
        ..DeleteParams::default()
    }
}
