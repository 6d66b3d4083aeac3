//! What to do about the target Secret (eso-semantics 2.8 to 2.10; ESO's `Reconcile` and its
//! `mutationFunc`).

use std::fmt;

use extsecret_crds::external_secret::{CreationPolicy, DeletionPolicy, TemplateMergePolicy};
use extsecret_crds::{ExternalSecret, ExternalSecretTemplate};
use gotemplate::Environment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::collect::{CollectError, Collected};
use crate::hash::{
    DATA_HASH_ANNOTATION, MANAGED_LABEL, OWNER_LABEL, data_hash, field_manager, owner_label,
};
use crate::keys;
use crate::ownership::{self, OwnershipError};
use crate::secret::{Data, Secret};
use crate::status::{Event, Outcome, Step};
use crate::template::{self, Rendered, Settings, Sources, TemplateError};

/// Most bytes that the values of a Secret may have together (Kubernetes `MaxSecretSize`).
pub const MAX_SECRET_BYTES: usize = 1 << 20;

/// Type of Secrets for which the cluster issues a token.
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";
/// Annotation that says for which ServiceAccount.
const SERVICE_ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
/// Type of Secrets with which a node joins the cluster.
const BOOTSTRAP_TOKEN: &str = "bootstrap.kubernetes.io/token";

/// All that a decision depends on.
#[derive(Debug)]
pub struct Input<'a> {
    /// The ExternalSecret.
    pub object: &'a ExternalSecret,
    /// The provider's values.
    pub collected: Result<&'a Collected, &'a CollectError>,
    /// The target as it is now.
    pub existing: Option<&'a Secret>,
    /// What `templateFrom` names.
    pub sources: &'a Sources,
    /// How templates are run.
    pub settings: &'a Settings,
    /// Whether a Secret that is nobody's may be taken over, as ESO does.
    pub adopt: bool,
}

/// What to do, and what to say about it.
#[derive(Debug)]
pub struct Plan {
    /// What to do with the target.
    pub action: Action,
    /// Whether Secrets of this ExternalSecret under another name are to be deleted once the
    /// target is written: `spec.target.name` may have changed.
    pub delete_orphans: bool,
    /// What the status says when the action succeeds.
    pub outcome: Outcome,
    /// What is worth an event, whatever the action.
    pub events: Vec<Event>,
}

/// What to do with the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Nothing: it is as it should be, or must not be touched.
    Nothing,
    /// It is not there: make it.
    Create(Secret),
    /// Put this in its place; `metadata.resourceVersion` is that of the Secret it was made from.
    Update(Secret),
    /// Delete it, if it is still the one that was seen.
    Delete,
}

/// Why the target cannot be written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not ours to write.
    #[error(transparent)]
    Ownership(#[from] OwnershipError),
    /// A template has no result.
    #[error("could not apply template: {0}")]
    Template(#[from] TemplateError),
    /// A key that the API server refuses.
    #[error(
        "{0:?} cannot be a key of a Secret: only letters, digits, '-', '_' and '.' can stand in it, and it has at most 253 of them"
    )]
    Key(String),
    /// The values are too large together.
    #[error("the values have {0} bytes together; a Secret holds at most {MAX_SECRET_BYTES}")]
    TooLarge(usize),
    /// The type of a Secret never changes.
    #[error(
        "spec.target.template.type is {wanted:?}, but the Secret is of type {found:?}, and the type \
         of a Secret cannot change: delete the Secret, so that it is made anew, or correct the type"
    )]
    Type {
        /// What the template says.
        wanted: String,
        /// What the Secret has.
        found: String,
    },
    /// Other values for a Secret that cannot change.
    #[error("secret is immutable: delete it, so that it is made anew with the new values")]
    Immutable,
    /// A Secret that the cluster would put a credential into, or take one from.
    #[error(
        "Secrets of type {0} are not written: the cluster issues or accepts credentials by them"
    )]
    Issued(&'static str),
    /// Other kinds than Secrets.
    #[error("spec.target.manifest is not supported: only Secrets are written")]
    Manifest,
}

/// Decides what to do.
pub fn plan(input: &Input<'_>, environment: &mut dyn Environment) -> Plan {
    let collected = match input.collected {
        Ok(collected) => collected,
        Err(error) => return Plan::failed(Step::GetData, error, error.may_pass()),
    };
    decide(input, collected, environment).with(collected)
}

/// Why `object` must not write `existing`, as a plan, or `None` if it may: known without a value, so
/// that none is fetched in vain.
pub fn refuse(object: &ExternalSecret, existing: &Secret, adopt: bool) -> Option<Plan> {
    if object.spec.creation_policy() == CreationPolicy::None {
        return None;
    }
    let error = ownership::claim(object, &mut existing.clone(), adopt).err()?;
    let error = PlanError::from(error);
    Some(Plan::failed(error.step(), &error, error.may_pass()))
}

/// A plan that does nothing, because `step` failed for this cause; `may_pass` tells whether trying
/// again can help.
pub fn failed(step: Step, cause: &dyn fmt::Display, may_pass: bool) -> Plan {
    Plan::failed(step, cause, may_pass)
}

/// Whether a Secret whose data has this hash is as it was last written
/// ([`Secret::is_intact`] for a Secret whose data is not at hand).
pub fn is_intact(secret: &Secret, hash: &str) -> bool {
    let labels = secret.metadata.labels.as_ref();
    let annotations = secret.metadata.annotations.as_ref();
    labels.and_then(|all| all.get(MANAGED_LABEL)).is_some_and(|value| value == "true")
        && annotations.and_then(|all| all.get(DATA_HASH_ANNOTATION)).is_some_and(|it| it == hash)
}

fn decide(input: &Input<'_>, collected: &Collected, environment: &mut dyn Environment) -> Plan {
    let spec = &input.object.spec;
    if collected.data.is_empty() {
        match spec.deletion_policy() {
            DeletionPolicy::Delete => return delete(input),
            DeletionPolicy::Merge => {}
            // ESO reads an unknown policy as none, which goes on with nothing; keeping is safer.
            DeletionPolicy::Retain | DeletionPolicy::Other(_) => {
                return Plan::new(Action::Nothing, Outcome::retained(input.existing.is_some()));
            }
        }
    }
    match (spec.creation_policy(), input.existing) {
        (CreationPolicy::None, _) => {
            return Plan::new(Action::Nothing, Outcome::synced());
        }
        (CreationPolicy::Merge, None) => {
            return Plan::new(Action::Nothing, Outcome::target_missing());
        }
        _ => {}
    }
    let secret = match desired(input, &collected.data, environment) {
        Ok(secret) => secret,
        Err(error) => return Plan::failed(error.step(), &error, error.may_pass()),
    };
    let mut plan = write(input, secret);
    plan.delete_orphans = plan.outcome.ready && spec.creation_policy() == CreationPolicy::Owner;
    plan
}

/// The Secret as `input` wants it, whether or not the policies let it be written.
///
/// # Errors
/// Why it cannot be written.
pub fn desired(
    input: &Input<'_>,
    values: &Data,
    environment: &mut dyn Environment,
) -> Result<Secret, PlanError> {
    let object = input.object;
    let target = object.spec.target.as_ref();
    if target.is_some_and(|target| target.manifest.is_some()) {
        return Err(PlanError::Manifest);
    }
    let template = target.and_then(|target| target.template.as_ref());
    let rendered = match template {
        Some(template) => {
            template::render(template, values, input.sources, input.settings, environment)?
        }
        None => Rendered::default(),
    };
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let mut secret = input.existing.cloned().unwrap_or_else(|| fresh(object, name));
    if input.existing.is_some() {
        ownership::claim(object, &mut secret, input.adopt)?;
        forget(&mut secret, &field_manager(name));
    } else if object.spec.creation_policy() == CreationPolicy::Owner {
        ownership::own(object, &mut secret);
    }
    fill_data(&mut secret, object, template, values, &rendered);
    fill_metadata(&mut secret, object, template, rendered);
    if target.and_then(|target| target.immutable) == Some(true) {
        secret.immutable = Some(true);
    }
    if let Some(wanted) = template.and_then(|template| template.type_.as_deref())
        && !wanted.is_empty()
    {
        let found = secret.type_.replace(wanted.to_owned());
        if input.existing.is_some()
            && let Some(found) = found.filter(|found| found != wanted)
        {
            return Err(PlanError::Type { wanted: wanted.to_owned(), found });
        }
    }
    check(&secret)?;
    mark(&mut secret, object);
    Ok(secret)
}

/// A Secret with nothing but its name.
fn fresh(object: &ExternalSecret, name: &str) -> Secret {
    let metadata = ObjectMeta {
        name: Some(object.spec.target_name(name).to_owned()),
        namespace: object.metadata.namespace.clone(),
        ..ObjectMeta::default()
    };
    Secret { metadata, ..Secret::default() }
}

/// Takes away what this ExternalSecret wrote before: what is still wanted comes back.
fn forget(secret: &mut Secret, manager: &str) {
    let ours = secret.managed_by(manager);
    secret.data.retain(|key, _| !ours.data.contains(key));
    for (map, keys) in [
        (&mut secret.metadata.labels, &ours.labels),
        (&mut secret.metadata.annotations, &ours.annotations),
    ] {
        if let Some(map) = map {
            map.retain(|key, _| !keys.contains(key));
        }
    }
}

fn fill_data(
    secret: &mut Secret,
    object: &ExternalSecret,
    template: Option<&ExternalSecretTemplate>,
    values: &Data,
    rendered: &Rendered,
) {
    let policy = object.spec.creation_policy();
    if !matches!(policy, CreationPolicy::Merge | CreationPolicy::CreateOrMerge) {
        secret.data.clear();
    }
    let templated = template.is_some_and(|template| {
        !template.template_from().is_empty()
            || template.data.as_ref().is_some_and(|data| !data.is_empty())
    });
    let keeps_values = template.is_some_and(|it| it.merge_policy() == TemplateMergePolicy::Merge);
    if !templated || keeps_values {
        secret.data.extend(values.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    secret.data.extend(rendered.data.iter().map(|(key, value)| (key.clone(), value.clone())));
}

fn fill_metadata(
    secret: &mut Secret,
    object: &ExternalSecret,
    template: Option<&ExternalSecretTemplate>,
    rendered: Rendered,
) {
    let labels = secret.metadata.labels.get_or_insert_default();
    let annotations = secret.metadata.annotations.get_or_insert_default();
    let Some(template) = template else {
        labels.extend(object.metadata.labels.clone().unwrap_or_default());
        annotations.extend(object.metadata.annotations.clone().unwrap_or_default());
        return;
    };
    labels.extend(rendered.labels);
    annotations.extend(rendered.annotations);
    let finalizers = template.metadata.as_ref().and_then(|meta| meta.finalizers.as_ref());
    for finalizer in finalizers.into_iter().flatten() {
        let all = secret.metadata.finalizers.get_or_insert_default();
        if !all.contains(finalizer) {
            all.push(finalizer.clone());
        }
    }
}

/// What the API server would refuse with a less helpful text, and what must never be written.
fn check(secret: &Secret) -> Result<(), PlanError> {
    if let Some(key) = secret.data.keys().find(|key| !keys::is_secret_key(key)) {
        return Err(PlanError::Key(key.clone()));
    }
    let bytes = secret.data.values().map(Vec::len).sum();
    if bytes > MAX_SECRET_BYTES {
        return Err(PlanError::TooLarge(bytes));
    }
    let annotations = secret.metadata.annotations.as_ref();
    match secret.type_.as_deref() {
        Some(BOOTSTRAP_TOKEN) => Err(PlanError::Issued(BOOTSTRAP_TOKEN)),
        Some(SERVICE_ACCOUNT_TOKEN)
            if annotations.is_some_and(|all| all.contains_key(SERVICE_ACCOUNT_NAME)) =>
        {
            Err(PlanError::Issued(SERVICE_ACCOUNT_TOKEN))
        }
        _ => Ok(()),
    }
}

/// The marks by which the Secret is known again.
fn mark(secret: &mut Secret, object: &ExternalSecret) {
    let hash = data_hash(&secret.data);
    let labels = secret.metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    if object.spec.creation_policy() == CreationPolicy::Owner {
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        let name = object.metadata.name.as_deref().unwrap_or_default();
        labels.insert(OWNER_LABEL.to_owned(), owner_label(namespace, name));
    } else {
        labels.remove(OWNER_LABEL);
    }
    let annotations = secret.metadata.annotations.get_or_insert_default();
    annotations.insert(DATA_HASH_ANNOTATION.to_owned(), hash);
}

fn write(input: &Input<'_>, mut secret: Secret) -> Plan {
    let Some(existing) = input.existing else {
        return Plan::new(Action::Create(secret), Outcome { bound: true, ..Outcome::synced() });
    };
    let mut outcome = Outcome::synced();
    if existing.immutable == Some(true) && secret.data != existing.data {
        // Seen in ESO 2.9 (2.16 item 1): an ExternalSecret that asks for an immutable Secret is
        // content with the first values. One that does not ask has a Secret it cannot write.
        let asked = input.object.spec.target.as_ref().and_then(|target| target.immutable);
        if asked != Some(true) {
            return Plan::failed(Step::UpdateImmutable, &PlanError::Immutable, false);
        }
        secret.data.clone_from(&existing.data);
        mark(&mut secret, input.object);
        outcome = Outcome::frozen();
    }
    outcome.bound = true;
    let action = if secret == *existing { Action::Nothing } else { Action::Update(secret) };
    Plan::new(action, outcome)
}

/// The provider has nothing any more, and the target is to go with it.
fn delete(input: &Input<'_>) -> Plan {
    let policy = input.object.spec.creation_policy();
    let name = input.object.metadata.name.as_deref().unwrap_or_default();
    let target = input.object.spec.target_name(name);
    if policy != CreationPolicy::Owner {
        let cause = format!(
            "unable to delete secret {target}: creationPolicy={policy} is not Owner: use \
             deletionPolicy Retain or Merge"
        );
        return Plan::failed(Step::Delete, &cause, false);
    }
    match input.existing {
        None => Plan::new(Action::Nothing, Outcome::deleted(false)),
        // ESO deletes whatever has the name; a Secret of somebody else is not ours to lose.
        Some(existing) if !ownership::controls(input.object, existing) => {
            let cause = format!(
                "unable to delete secret {target}: this ExternalSecret does not control it"
            );
            Plan::failed(Step::Delete, &cause, false)
        }
        Some(_) => Plan::new(Action::Delete, Outcome::deleted(true)),
    }
}

impl Plan {
    fn new(action: Action, outcome: Outcome) -> Self {
        Self { action, delete_orphans: false, outcome, events: Vec::new() }
    }

    /// Nothing is done, and the status says why. `may_pass` tells whether trying again can help.
    fn failed(step: Step, cause: &dyn fmt::Display, may_pass: bool) -> Self {
        let outcome = Outcome::failed(step, cause, may_pass);
        let events = vec![Event::failed(cause)];
        Self { events, ..Self::new(Action::Nothing, outcome) }
    }

    /// Adds what is said about keys that the provider does not have.
    fn with(mut self, collected: &Collected) -> Self {
        self.events.splice(0..0, collected.missing.iter().map(Event::missing));
        self.outcome.tell_missing(&collected.missing);
        self
    }
}

impl PlanError {
    fn step(&self) -> Step {
        match self {
            Self::Ownership(OwnershipError::OtherExternalSecret(_)) => Step::OwnedByAnother,
            Self::Ownership(_) => Step::TakeOwnership,
            Self::Immutable => Step::UpdateImmutable,
            _ => Step::Update,
        }
    }

    /// Whether trying again with nothing changed can help: a source of templates may appear.
    fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Template(
                TemplateError::SourceMissing { .. }
                    | TemplateError::KeyMissing { .. }
                    | TemplateError::Execute { .. }
            )
        )
    }
}

#[cfg(test)]
mod tests;
