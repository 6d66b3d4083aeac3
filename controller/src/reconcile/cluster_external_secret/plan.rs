//! What a ClusterExternalSecret asks for, and what follows for each namespace (eso-semantics 1.9).
//! Nothing here reads or writes.
//!
//! To delete an ExternalSecret is to delete its Secret. So it takes evidence, not the lack of it: the
//! namespace is known and its labels do not fit, the ExternalSecret is controlled by exactly this
//! ClusterExternalSecret, and the status, or this process, knows that it was made here. A copy of an
//! ExternalSecret, owner reference and all, is somebody's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use extsecret_crds::cluster_external_secret::{ClusterExternalSecretStatus, FailedNamespace};
use extsecret_crds::condition::{Condition, ConditionType};
use extsecret_crds::duration::GoDuration;
use extsecret_crds::selector::LabelSelector;
use extsecret_crds::{
    API_VERSION, ClusterExternalSecret, ExternalSecret, ExternalSecretSpec, GROUP,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;

use crate::cache::Namespace;
use crate::key::Kind;

/// Annotation that is handed on, so that one annotation refreshes all.
const FORCE_SYNC: &str = "external-secrets.io/force-sync";

/// ESO's texts.
const NAMESPACES_FAILED: &str = "one or more namespaces failed";
const EXISTS: &str = "external secret already exists in namespace";
const BAD_SELECTOR: &str = "failed to convert label selector";

/// What ESO names the namespace that a failure of all is listed under.
const ALL_NAMESPACES: &str = "unknown";

/// Namespaces, and why each failed.
pub(super) type Failures = BTreeMap<Arc<str>, String>;

/// Which namespaces are meant.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    selectors: Vec<&'a LabelSelector>,
    names: BTreeSet<&'a str>,
}

impl<'a> Selection<'a> {
    /// # Errors
    /// If a selector cannot be understood. Then it is not known which namespaces are meant, and
    /// nothing may be concluded about any of them.
    pub(super) fn of(object: &'a ClusterExternalSecret) -> Result<Self, String> {
        let spec = &object.spec;
        let single = spec.namespace_selector.iter();
        let single = single.map(|it| ("spec.namespaceSelector".to_owned(), it));
        let several = spec.namespace_selectors.iter().flatten().enumerate();
        let several = several.map(|(i, it)| (format!("spec.namespaceSelectors[{i}]"), it));
        let mut selectors = Vec::new();
        for (field, selector) in single.chain(several) {
            selector.check().map_err(|error| format!("{BAD_SELECTOR} {field}: {error}"))?;
            selectors.push(selector);
        }
        let names = spec.namespaces.iter().flatten().map(String::as_str).collect();
        Ok(Self { selectors, names })
    }

    pub(super) fn selects(&self, name: &str, namespace: &Namespace) -> bool {
        self.names.contains(name)
            || self.selectors.iter().any(|selector| selector.matches(&namespace.labels))
    }
}

/// What its ExternalSecrets are called.
pub(super) fn made_name(object: &ClusterExternalSecret) -> &str {
    let name = object.spec.external_secret_name.as_deref().filter(|name| !name.is_empty());
    name.or(object.metadata.name.as_deref()).unwrap_or_default()
}

/// What is to be done in a namespace that is selected.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is as it should be.
    Nothing,
    Create(Box<ExternalSecret>),
    /// In the place of the one that it was made from.
    Update(Box<ExternalSecret>),
    /// Nothing can be done, for this reason.
    Leave(String),
}

/// What is to be done in a namespace in which there is, under the name, this.
pub(super) fn step(
    object: &ClusterExternalSecret,
    namespace: &str,
    existing: Option<&ExternalSecret>,
) -> Step {
    let Some(existing) = existing else {
        return Step::Create(Box::new(wanted(object, namespace)));
    };
    if let Some(reason) = foreign(object, existing) {
        return Step::Leave(format!("{EXISTS}: {reason}"));
    }
    if existing.metadata.deletion_timestamp.is_some() {
        return Step::Leave("the external secret is being deleted".to_owned());
    }
    let wanted = wanted(object, namespace);
    if is_same(existing, &wanted) {
        return Step::Nothing;
    }
    let mut changed = existing.clone();
    changed.metadata.labels = wanted.metadata.labels;
    changed.metadata.annotations = wanted.metadata.annotations;
    let owners = changed.metadata.owner_references.get_or_insert_default();
    owners.retain(|owner| owner.controller != Some(true) && !is_named(owner, object));
    owners.extend(wanted.metadata.owner_references.into_iter().flatten());
    changed.spec = wanted.spec;
    Step::Update(Box::new(changed))
}

/// Whose it is, if it is not this ClusterExternalSecret's. One of the same name that was made anew
/// takes it over, as ESO has it: its Secret stays.
fn foreign(object: &ClusterExternalSecret, existing: &ExternalSecret) -> Option<String> {
    let controller = controller(&existing.metadata);
    match controller {
        None => Some(
            "nothing controls it; delete it, or choose another spec.externalSecretName".to_owned(),
        ),
        Some(owner) if is_named(owner, object) => None,
        Some(owner) => Some(format!("it is controlled by {} {:?}", owner.kind, owner.name)),
    }
}

fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Whether the reference says this name, as ESO compares.
fn is_named(owner: &OwnerReference, object: &ClusterExternalSecret) -> bool {
    let group = owner.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    group == GROUP
        && owner.kind == Kind::ClusterExternalSecret.name()
        && Some(&owner.name) == object.metadata.name.as_ref()
}

/// Whether it is controlled by this very object.
fn is_controlled(object: &ClusterExternalSecret, existing: &ExternalSecret) -> bool {
    controller(&existing.metadata).is_some_and(|owner| {
        is_named(owner, object) && Some(&owner.uid) == object.metadata.uid.as_ref()
    })
}

fn wanted(object: &ClusterExternalSecret, namespace: &str) -> ExternalSecret {
    let metadata = object.spec.external_secret_metadata.clone().unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    let force_sync = object.metadata.annotations.as_ref().and_then(|all| all.get(FORCE_SYNC));
    match force_sync {
        Some(value) => annotations.insert(FORCE_SYNC.to_owned(), value.clone()),
        None => annotations.remove(FORCE_SYNC),
    };
    let owner = OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: Kind::ClusterExternalSecret.name().to_owned(),
        name: object.metadata.name.clone().unwrap_or_default(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let spec = object.spec.external_secret_spec.clone();
    let mut made = ExternalSecret::new(made_name(object), spec);
    made.metadata.namespace = Some(namespace.to_owned());
    made.metadata.labels = metadata.labels.filter(|labels| !labels.is_empty());
    made.metadata.annotations = Some(annotations).filter(|annotations| !annotations.is_empty());
    made.metadata.owner_references = Some(vec![owner]);
    made
}

fn is_same(existing: &ExternalSecret, wanted: &ExternalSecret) -> bool {
    let (a, b) = (&existing.metadata, &wanted.metadata);
    let empty = BTreeMap::new();
    a.labels.as_ref().unwrap_or(&empty) == b.labels.as_ref().unwrap_or(&empty)
        && a.annotations.as_ref().unwrap_or(&empty) == b.annotations.as_ref().unwrap_or(&empty)
        && controller(a) == controller(b)
        && is_same_spec(&existing.spec, &wanted.spec)
}

/// Whether Go reads the same from both. What ESO has written went through Go: `1h` became `1h0m0s`,
/// and what was empty may have gone, or come.
fn is_same_spec(existing: &ExternalSecretSpec, wanted: &ExternalSecretSpec) -> bool {
    if existing == wanted {
        return true;
    }
    let canonical = |spec| {
        let mut value = serde_json::to_value(spec).ok()?;
        normalize(&mut value, false);
        Some(value)
    };
    canonical(existing).is_some_and(|existing| canonical(wanted) == Some(existing))
}

/// Fields whose keys are the user's, and in which an empty text is a text.
const MAPS: [&str; 4] = ["data", "labels", "annotations", "tags"];

/// Objects that say nothing when they are empty.
const MAY_BE_EMPTY: [&str; 6] =
    ["secretStoreRef", "metadata", "data", "labels", "annotations", "tags"];

/// Brings JSON into one form. The depth is that of what `serde_json` has read, which it limits.
fn normalize(value: &mut Value, is_map: bool) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                normalize(field, !is_map && MAPS.contains(&name.as_str()));
                let is_duration = matches!(name.as_str(), "refreshInterval" | "duration");
                let duration = field.as_str().filter(|_| is_duration && !is_map);
                if let Some(Ok(duration)) = duration.map(str::parse::<GoDuration>) {
                    *field = duration.nanoseconds().into();
                }
            }
            fields.retain(|name, field| match field {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => is_map || !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Object(inner) => !inner.is_empty() || !MAY_BE_EMPTY.contains(&name.as_str()),
                Value::Bool(true) | Value::Number(_) => true,
            });
        }
        Value::Array(items) => items.iter_mut().for_each(|item| normalize(item, false)),
        _ => {}
    }
}

/// Why an ExternalSecret is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doom {
    /// Its namespace is known, and not selected.
    Deselected,
    /// There is to be one of another name; it goes when that is there.
    Renamed {
        /// The other has the same target, and must find the Secret.
        keep_secret: bool,
    },
}

/// Whether, and why, an ExternalSecret is to go. `made_here`: this process made it.
pub(super) fn doom(
    object: &ClusterExternalSecret,
    selection: &Selection<'_>,
    namespace: Option<&Namespace>,
    existing: &ExternalSecret,
    made_here: bool,
) -> Option<Doom> {
    let metadata = &existing.metadata;
    // In one that terminates everything goes, and of one that is not known nothing is known.
    let namespace = namespace.filter(|namespace| !namespace.terminating)?;
    if !is_controlled(object, existing) || metadata.deletion_timestamp.is_some() {
        return None;
    }
    let place = metadata.namespace.as_deref()?;
    let name = metadata.name.as_deref()?;
    let is_current = name == made_name(object);
    let status = object.status.as_ref();
    let is_former = status.and_then(|it| it.external_secret_name.as_deref()) == Some(name);
    let is_selected = selection.selects(place, namespace);
    let is_listed = status.is_some_and(|status| {
        let provisioned = status.provisioned_namespaces.iter().flatten().map(String::as_str);
        let failed = status.failed_namespaces.iter().flatten().map(|it| it.namespace.as_str());
        provisioned.chain(failed).any(|it| it == place)
    });
    let is_recorded = (is_current || is_former) && (is_listed || is_selected);
    if !is_recorded && !made_here {
        return None;
    }
    if !is_selected {
        return Some(Doom::Deselected);
    }
    let target = object.spec.external_secret_spec.target_name(made_name(object));
    let keep_secret = existing.spec.target_name(name) == target;
    (!is_current).then_some(Doom::Renamed { keep_secret })
}

/// What became of all namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) provisioned: BTreeSet<Arc<str>>,
    pub(super) failed: Failures,
    /// Whether ExternalSecrets of the former name are left.
    pub(super) former_left: bool,
}

/// The status that says so.
pub(super) fn status_of(
    object: &ClusterExternalSecret,
    result: &Tally,
) -> ClusterExternalSecretStatus {
    let old = object.status.clone().unwrap_or_default();
    let former = old.external_secret_name.clone().filter(|name| !name.is_empty());
    let name = former.filter(|_| result.former_left);
    let name = name.unwrap_or_else(|| made_name(object).to_owned());
    let provisioned: Vec<_> = result.provisioned.iter().map(ToString::to_string).collect();
    let mut status = failing(old, &result.failed);
    status.external_secret_name = Some(name);
    status.provisioned_namespaces = Some(provisioned).filter(|names| !names.is_empty());
    status
}

/// The status if it is not known which namespaces are meant; what was provisioned still is.
pub(super) fn status_refused(
    object: &ClusterExternalSecret,
    cause: &str,
) -> ClusterExternalSecretStatus {
    let mut old = object.status.clone().unwrap_or_default();
    old.provisioned_namespaces = old.provisioned_namespaces.filter(|names| !names.is_empty());
    failing(old, &Failures::from([(Arc::from(ALL_NAMESPACES), cause.to_owned())]))
}

fn failing(
    mut status: ClusterExternalSecretStatus,
    failed: &Failures,
) -> ClusterExternalSecretStatus {
    let failures = failed.iter().map(|(namespace, reason)| FailedNamespace {
        namespace: namespace.to_string(),
        reason: Some(reason.clone()),
        ..FailedNamespace::default()
    });
    let failures: Vec<_> = failures.collect();
    status.failed_namespaces = Some(failures).filter(|failures| !failures.is_empty());
    // ESO's schema knows neither reason nor time here.
    let (is_true, message) = if failed.is_empty() {
        ("True", None)
    } else {
        ("False", Some(NAMESPACES_FAILED.to_owned()))
    };
    let conditions = status.conditions.get_or_insert_default();
    let is_ready = |it: &Condition| it.type_ == ConditionType::Ready;
    let told = conditions.iter().find(|it| is_ready(it)).is_some_and(|it| {
        it.status == is_true
            && it.message.as_deref().unwrap_or_default() == message.as_deref().unwrap_or_default()
    });
    if !told {
        conditions.retain(|it| !is_ready(it));
        conditions.push(Condition {
            type_: ConditionType::Ready,
            status: is_true.to_owned(),
            message,
            ..Condition::default()
        });
    }
    status
}

/// Whether the object says so already.
pub(super) fn is_told(
    object: &ClusterExternalSecret,
    status: &ClusterExternalSecretStatus,
) -> bool {
    let mut old = object.status.clone().unwrap_or_default();
    old.provisioned_namespaces = old.provisioned_namespaces.filter(|names| !names.is_empty());
    old.failed_namespaces = old.failed_namespaces.filter(|failures| !failures.is_empty());
    old == *status
}

#[cfg(test)]
mod tests;
