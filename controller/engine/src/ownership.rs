//! Whose the target Secret is (eso-semantics 2.9).

use extsecret_crds::external_secret::CreationPolicy;
use extsecret_crds::{API_VERSION, ExternalSecret, GROUP};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::hash::{OWNER_LABEL, field_manager, owner_label};
use crate::secret::{Managed, Secret};

const KIND: &str = "ExternalSecret";

/// Why an ExternalSecret must not write a Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipError {
    /// Two ExternalSecrets would write the same Secret in turn.
    #[error(
        "secret is owned by another ExternalSecret: {0}: give one of the two another spec.target.name"
    )]
    OtherExternalSecret(String),
    /// Something else controls the Secret.
    #[error(
        "could not set controller reference on secret: it is controlled by {kind} {name:?} of \
         {api_version}: set \"controller: false\" in that owner reference once nothing writes the \
         Secret for it any more, or use creationPolicy Merge"
    )]
    Controlled {
        /// Kind of the owner.
        kind: String,
        /// Its name.
        name: String,
        /// Its API version.
        api_version: String,
    },
    /// It is nobody's, and the controller is told not to take such Secrets over.
    #[error(
        "the Secret exists and was not made by this ExternalSecret: delete it, use \
         creationPolicy Merge, or allow its adoption"
    )]
    NotAdopted,
}

/// Whether `reference` is an ExternalSecret of our API, of any version.
fn is_external_secret(reference: &OwnerReference) -> bool {
    let group = reference.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    group == GROUP && reference.kind == KIND
}

/// Whether `object` controls `secret`, by name, as ESO compares.
pub fn controls(object: &ExternalSecret, secret: &Secret) -> bool {
    secret.controller().is_some_and(|owner| {
        is_external_secret(owner) && Some(&owner.name) == object.metadata.name.as_ref()
    })
}

/// Whether `secret` carries a mark of `object`: its owner reference, its label, or fields written
/// under its name.
pub fn is_marked(object: &ExternalSecret, secret: &Secret) -> bool {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let label = secret.metadata.labels.as_ref().and_then(|labels| labels.get(OWNER_LABEL));
    controls(object, secret)
        || label.is_some_and(|value| *value == owner_label(namespace, name))
        || secret.managed_by(&field_manager(name)) != Managed::default()
}

/// Checks that `object` may write `existing`, and sets or removes its owner reference there.
///
/// # Errors
/// If the Secret is somebody else's, or nobody's and `adopt` is false.
pub(crate) fn claim(
    object: &ExternalSecret,
    existing: &mut Secret,
    adopt: bool,
) -> Result<(), OwnershipError> {
    let policy = object.spec.creation_policy();
    let ours = controls(object, existing);
    if let Some(owner) = existing.controller()
        && !ours
    {
        if is_external_secret(owner) {
            return Err(OwnershipError::OtherExternalSecret(owner.name.clone()));
        }
        if policy == CreationPolicy::Owner {
            return Err(OwnershipError::Controlled {
                kind: owner.kind.clone(),
                name: owner.name.clone(),
                api_version: owner.api_version.clone(),
            });
        }
    }
    let replaces = !matches!(policy, CreationPolicy::Merge | CreationPolicy::CreateOrMerge);
    if replaces && !adopt && !is_marked(object, existing) {
        return Err(OwnershipError::NotAdopted);
    }
    if policy == CreationPolicy::Owner {
        own(object, existing);
    } else if ours {
        disown(object, existing);
    }
    Ok(())
}

/// Makes `object` the controller of `secret`. A reference of an earlier object of that name, or of
/// an earlier API version, gives way.
pub(crate) fn own(object: &ExternalSecret, secret: &mut Secret) {
    let name = object.metadata.name.clone().unwrap_or_default();
    let reference = OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        name: name.clone(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let owners = secret.metadata.owner_references.get_or_insert_default();
    match owners.iter_mut().find(|owner| is_external_secret(owner) && owner.name == name) {
        Some(owner) => *owner = reference,
        None => owners.push(reference),
    }
}

fn disown(object: &ExternalSecret, secret: &mut Secret) {
    let owners = &mut secret.metadata.owner_references;
    if let Some(list) = owners {
        list.retain(|owner| {
            !(is_external_secret(owner) && Some(&owner.name) == object.metadata.name.as_ref())
        });
        if list.is_empty() {
            *owners = None;
        }
    }
}
