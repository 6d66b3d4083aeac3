//! Who may use which store, and whether it is this controller's at all (eso-semantics 2.6, 2.12).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::store::StoreCondition;
use extsecret_crds::{ExternalSecret, SecretStoreSpec};
use extsecret_engine::collect::FetchError;
use extsecret_engine::request::StoreName;
use gotemplate::regexp::Regexp;
use tokio::time::Instant;

use super::{Context, Options};
use crate::cache::Store;
use crate::index;
use crate::key::{Key, Kind};

/// How long a store is waited for that nobody has looked at yet.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Whose business an ExternalSecret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Business {
    Ours,
    /// That of another controller, or of nobody.
    Others,
    /// Ours, but a store of it was not looked at yet.
    NotYet,
}

/// Whose business it is, to judge from its stores. A store that is missing is no reason to leave it
/// alone: somebody has to say so.
pub(super) fn business(context: &Context, object: &ExternalSecret, now: Instant) -> Business {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let names = index::stores(object);
    let mut waits = false;
    let mut foreign = 0;
    let mut known = 0;
    for name in &names {
        if name.kind == StoreKind::ClusterSecretStore && !context.options.cluster_stores {
            return Business::Others;
        }
        let Some(store) = context.cache.store(&Key::of_store(name, namespace)) else { continue };
        let Ok(spec) = &store.spec else { continue };
        if !is_ours(&context.options, spec) {
            return Business::Others;
        }
        known += 1;
        foreign += usize::from(spec.provider.aws.is_none());
        waits |= context.options.flood_gate
            && context.options.stores
            && store.ready().is_none()
            && now.saturating_duration_since(store.seen) < PATIENCE;
    }
    let ready = object.status.as_ref().and_then(|status| status.ready());
    let is_ready = ready.is_some_and(extsecret_crds::Condition::is_true);
    // Its values come from elsewhere, and somebody provides them.
    if known > 0 && foreign == names.len() && is_ready {
        return Business::Others;
    }
    if waits { Business::NotYet } else { Business::Ours }
}

/// Whether a store is for controllers of this class.
pub(super) fn is_ours(options: &Options, spec: &SecretStoreSpec) -> bool {
    spec.controller.as_deref().is_none_or(|class| class.is_empty() || class == options.class)
}

/// A store that may be used.
pub(super) fn pass(
    context: &Context,
    store: &StoreName,
    namespace: &str,
) -> Result<Arc<Store>, FetchError> {
    // What has to change for it is watched.
    let refused = |message: String| FetchError::Failed { message, may_pass: false };
    let key = Key::of_store(store, namespace);
    let Some(found) = context.cache.store(&key) else {
        return Err(refused(format!("could not get {store}: it does not exist")));
    };
    let spec = match &found.spec {
        Ok(spec) => spec,
        Err(error) => return Err(refused(format!("could not read {store}: {error}"))),
    };
    if key.kind == Kind::ClusterSecretStore {
        let known = context.cache.namespace(namespace).unwrap_or_default();
        if !allows(spec.conditions(), namespace, &known.labels) {
            return Err(refused(format!(
                "using cluster store \"{}\" is not allowed from namespace \"{namespace}\": denied \
                 by spec.condition",
                store.name
            )));
        }
    }
    if context.options.flood_gate && found.ready() != Some(true) {
        let cause = found.message().map(|cause| format!(": {cause}")).unwrap_or_default();
        return Err(refused(format!("{store} is not ready{cause}")));
    }
    Ok(found)
}

/// Whether a namespace may use a store with these conditions: one is enough, and of one any part.
fn allows(
    conditions: &[StoreCondition],
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    conditions.is_empty()
        || conditions.iter().any(|condition| {
            let by_selector = condition.namespace_selector.as_ref();
            by_selector.is_some_and(|selector| selector.matches(labels))
                || condition.namespaces.iter().flatten().any(|name| name == namespace)
                || condition.namespace_regexes.iter().flatten().any(|pattern| {
                    Regexp::new(pattern).is_ok_and(|regexp| regexp.is_match(namespace.as_bytes()))
                })
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allowed(conditions: serde_json::Value, namespace: &str) -> bool {
        let conditions: Vec<StoreCondition> = serde_json::from_value(conditions).unwrap();
        let labels = BTreeMap::from([("team".to_owned(), "web".to_owned())]);
        allows(&conditions, namespace, &labels)
    }

    #[test]
    fn one_condition_is_enough_and_of_one_any_part() {
        assert!(allowed(json!([]), "shop"));
        assert!(allowed(json!([{ "namespaces": ["x", "shop"] }]), "shop"));
        assert!(!allowed(json!([{ "namespaces": ["x"] }]), "shop"));
        assert!(allowed(json!([{ "namespaceRegexes": ["^sh"] }]), "shop"));
        assert!(!allowed(json!([{ "namespaceRegexes": ["^x", "("] }]), "shop"));
        let selector = json!({ "matchLabels": { "team": "web" } });
        assert!(allowed(json!([{ "namespaceSelector": selector }]), "shop"));
        let other = json!({ "matchLabels": { "team": "db" } });
        assert!(!allowed(json!([{ "namespaceSelector": other }]), "shop"));
        assert!(allowed(json!([{ "namespaceSelector": other, "namespaces": ["shop"] }]), "shop"));
        assert!(allowed(
            json!([{ "namespaceSelector": other }, { "namespaces": ["shop"] }]),
            "shop"
        ));
        assert!(!allowed(json!([{}]), "shop"), "a condition without parts lets nobody in");
    }
}
