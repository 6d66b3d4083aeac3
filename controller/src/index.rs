//! Who refers to whom: from a store, a Secret or a ConfigMap to the ExternalSecrets that have to be
//! looked at when it changes. Fed by events, and without I/O.

use std::collections::HashMap;

use extsecret_crds::ExternalSecret;
use extsecret_engine::request::StoreName;
use extsecret_engine::template::{self, Reference};
use extsecret_provider::events::{account_of, names_of};
use gotemplate::regexp::Regexp;

use crate::few::Few;
use crate::key::{Key, Name};

/// Kinds of objects that are followed by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SourceKind {
    ConfigMap,
    Secret,
    ServiceAccount,
}

/// An object that is followed by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    pub(crate) name: Name,
}

impl Source {
    pub(crate) fn new(kind: SourceKind, namespace: &str, name: &str) -> Self {
        Self { kind, name: Name::new(namespace, name) }
    }
}

/// What one ExternalSecret refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) stores: Vec<Key>,
    pub(crate) target: Option<Name>,
    pub(crate) sources: Vec<Source>,
    /// Keys at the provider, as they are written.
    pub(crate) remote: Vec<(Key, Box<str>)>,
    /// Stores that are searched, and the expression that names have to match.
    pub(crate) searched: Vec<(Key, Option<Box<str>>)>,
}

/// The stores that `object` names, each once, whatever is wrong with the rest of it.
pub(crate) fn stores(object: &ExternalSecret) -> Vec<StoreName> {
    let spec = &object.spec;
    let items = spec.data_from().iter().map(|item| item.source_ref.as_ref());
    let items = items.chain(spec.data().iter().map(|item| item.source_ref.as_ref()));
    let own = items.flatten().filter_map(|source| source.store_ref.as_ref());
    let mut names = Vec::new();
    for store in spec.secret_store_ref.iter().chain(own) {
        if let Some(name) = store.name.as_deref().filter(|name| !name.is_empty()) {
            let store = StoreName { kind: store.kind(), name: name.to_owned() };
            if !names.contains(&store) {
                names.push(store);
            }
        }
    }
    names
}

impl Links {
    /// What `object` refers to.
    pub(crate) fn of(object: &ExternalSecret) -> Self {
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let spec = &object.spec;
        let template = spec.target.as_ref().and_then(|target| target.template.as_ref());
        let sources = template.into_iter().flat_map(template::references).map(|it| match it {
            Reference::ConfigMap(name) => Source::new(SourceKind::ConfigMap, namespace, name),
            Reference::Secret(name) => Source::new(SourceKind::Secret, namespace, name),
        });
        let mut links = Self {
            stores: stores(object).iter().map(|store| Key::of_store(store, namespace)).collect(),
            target: Some(Name::new(namespace, spec.target_name(name))),
            sources: sources.collect(),
            ..Self::default()
        };
        let requests = extsecret_engine::request::requests(spec).unwrap_or_default();
        for request in requests {
            let store = Key::of_store(&request.store, namespace);
            match request.fetch {
                extsecret_engine::request::Fetch::Value { key, .. }
                | extsecret_engine::request::Fetch::Tags { key } => {
                    links.remote.push((store, key.into()));
                }
                extsecret_engine::request::Fetch::Find(find) => {
                    let regexp = find.name.and_then(|name| name.regexp);
                    links.searched.push((store, regexp.map(Into::into)));
                }
            }
        }
        links
    }
}

/// The links of all ExternalSecrets, forwards and backwards.
#[derive(Debug, Default)]
pub(crate) struct Index {
    of: HashMap<Key, Links>,
    by_store: HashMap<Key, Few<Key>>,
    by_target: HashMap<Name, Few<Key>>,
    by_source: HashMap<Source, Few<Key>>,
    by_remote: HashMap<Remote, Few<Key>>,
    searchers: HashMap<Key, Few<Key>>,
}

/// A key at the provider: the store that it is read through, the account where the key itself names one,
/// and its name as events have it.
type Remote = (Key, Box<str>, Box<str>);

fn remotes(links: &Links) -> Vec<Remote> {
    let all = links.remote.iter().flat_map(|(store, key)| {
        let account = account_of(key).unwrap_or_default();
        let names = names_of(key).into_iter();
        names.map(move |name| (store.clone(), account.into(), name.into_boxed_str()))
    });
    all.collect()
}

/// Whether `key` is among those of `at`, from now on.
fn mark<K>(map: &mut HashMap<K, Few<Key>>, at: &K, key: &Key, is_among: bool)
where
    K: std::hash::Hash + Eq + Clone,
{
    if is_among {
        map.entry(at.clone()).or_default().insert(key.clone());
    } else if let Some(keys) = map.get_mut(at) {
        keys.remove(key);
        if keys.is_empty() {
            map.remove(at);
        }
    }
}

impl Index {
    /// `key` refers to `links` now, and to nothing else.
    pub(crate) fn set(&mut self, key: &Key, mut links: Links) {
        if self.of.get(key) == Some(&links) {
            return;
        }
        self.remove(key);
        self.share(key, &mut links);
        self.link(key, &links, true);
        self.of.insert(key.clone(), links);
    }

    /// `key` is gone.
    pub(crate) fn remove(&mut self, key: &Key) {
        let Some(links) = self.of.remove(key) else { return };
        self.link(key, &links, false);
    }

    /// Takes the names that are known already instead of copies, and no room for more links.
    fn share(&self, key: &Key, links: &mut Links) {
        let Links { stores, target, sources, remote, searched } = links;
        let used = stores
            .iter_mut()
            .chain(remote.iter_mut().map(|(store, _)| store))
            .chain(searched.iter_mut().map(|(store, _)| store));
        for store in used {
            if let Some((known, _)) = self.by_store.get_key_value(store) {
                store.clone_from(known);
            }
        }
        if let Some(target) = target.as_mut().filter(|target| **target == key.name) {
            target.clone_from(&key.name);
        }
        stores.shrink_to_fit();
        sources.shrink_to_fit();
        remote.shrink_to_fit();
        searched.shrink_to_fit();
    }

    /// The name of a target as it is known, if it is.
    pub(crate) fn known(&self, target: Name) -> Name {
        self.by_target.get_key_value(&target).map_or(target, |(known, _)| known.clone())
    }

    /// Whether all that is linked leads back to `key`.
    fn link(&mut self, key: &Key, links: &Links, leads: bool) {
        for store in &links.stores {
            mark(&mut self.by_store, store, key, leads);
        }
        if let Some(target) = &links.target {
            mark(&mut self.by_target, target, key, leads);
        }
        for source in &links.sources {
            mark(&mut self.by_source, source, key, leads);
        }
        for remote in &remotes(links) {
            mark(&mut self.by_remote, remote, key, leads);
        }
        for (store, _) in &links.searched {
            mark(&mut self.searchers, store, key, leads);
        }
    }

    /// Who reads from a store.
    pub(crate) fn users_of_store(&self, store: &Key) -> impl Iterator<Item = &Key> {
        self.by_store.get(store).into_iter().flat_map(Few::iter)
    }

    /// Who writes a Secret.
    pub(crate) fn writers_of(&self, target: &Name) -> impl Iterator<Item = &Key> {
        self.by_target.get(target).into_iter().flat_map(Few::iter)
    }

    /// Whose template is read from an object.
    pub(crate) fn users_of_source(&self, source: &Source) -> impl Iterator<Item = &Key> {
        self.by_source.get(source).into_iter().flat_map(Few::iter)
    }

    /// Who reads the value with this name through a store. `account` is that of the value; keys that
    /// name no account are meant if `is_own`.
    pub(crate) fn readers(
        &self,
        store: &Key,
        account: &str,
        is_own: bool,
        name: &str,
    ) -> impl Iterator<Item = &Key> {
        let accounts = [Some(account), is_own.then_some("")].into_iter().flatten();
        let remotes = accounts.map(|account| (store.clone(), account.into(), name.into()));
        remotes.filter_map(|remote: Remote| self.by_remote.get(&remote)).flat_map(Few::iter)
    }

    /// Who finds a value with one of these names when they search a store.
    pub(crate) fn finders(&self, store: &Key, names: &[&str]) -> impl Iterator<Item = &Key> {
        let finds = move |searcher: &&Key| {
            let searched = self.of.get(*searcher).into_iter().flat_map(|links| &links.searched);
            searched.filter(|(searched, _)| searched == store).any(|(_, regexp)| {
                // What cannot be read is told by whoever looks at it.
                let regexp = regexp.as_ref().and_then(|regexp| Regexp::new(regexp.as_bytes()).ok());
                regexp.is_none_or(|regexp| names.iter().any(|it| regexp.is_match(it.as_bytes())))
            })
        };
        self.searchers.get(store).into_iter().flat_map(Few::iter).filter(finds)
    }

    /// Who has a store at all: for tests of completeness.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.of.is_empty()
            && self.by_store.is_empty()
            && self.by_target.is_empty()
            && self.by_source.is_empty()
            && self.by_remote.is_empty()
            && self.searchers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::key::Kind;

    fn object(name: &str, spec: &serde_json::Value) -> (Key, ExternalSecret) {
        let object = json!({ "metadata": { "namespace": "shop", "name": name }, "spec": spec });
        (Key::new(Kind::ExternalSecret, "shop", name), serde_json::from_value(object).unwrap())
    }

    #[test]
    fn everything_that_is_referred_to_leads_back() {
        let (key, object) = object(
            "web",
            &json!({
                "secretStoreRef": { "name": "main" },
                "target": { "name": "web-secret", "template": { "templateFrom": [
                    { "configMap": { "name": "texts", "items": [{ "key": "a" }] } },
                    { "secret": { "name": "keys", "items": [{ "key": "b" }] } },
                ] } },
                "data": [{ "secretKey": "a", "remoteRef": { "key": "one" }, "sourceRef":
                    { "storeRef": { "name": "all", "kind": "ClusterSecretStore" } } }],
                "dataFrom": [{ "extract": { "key": "two" } }, { "find": { "name": { "regexp": "." } } }],
            }),
        );
        let mut index = Index::default();
        let links = Links::of(&object);
        index.set(&key, links.clone());
        let main = Key::new(Kind::SecretStore, "shop", "main");
        let all = Key::new(Kind::ClusterSecretStore, "", "all");
        for store in [&main, &all] {
            assert_eq!(index.users_of_store(store).collect::<Vec<_>>(), [&key]);
        }
        assert_eq!(index.writers_of(&Name::new("shop", "web-secret")).collect::<Vec<_>>(), [&key]);
        for (kind, name) in [(SourceKind::ConfigMap, "texts"), (SourceKind::Secret, "keys")] {
            let source = Source::new(kind, "shop", name);
            assert_eq!(index.users_of_source(&source).collect::<Vec<_>>(), [&key]);
        }
        assert_eq!(links.remote, [(main.clone(), "two".into()), (all, "one".into())]);
        assert_eq!(links.searched, [(main, Some(".".into()))]);
        index.remove(&key);
        assert!(index.is_empty());
    }

    #[test]
    fn what_is_no_longer_referred_to_leads_nowhere() {
        let (key, before) = object("web", &json!({ "secretStoreRef": { "name": "old" } }));
        let (_, after) = object("web", &json!({ "secretStoreRef": { "name": "new" } }));
        let mut index = Index::default();
        index.set(&key, Links::of(&before));
        index.set(&key, Links::of(&after));
        assert_eq!(index.users_of_store(&Key::new(Kind::SecretStore, "shop", "old")).count(), 0);
        assert_eq!(index.users_of_store(&Key::new(Kind::SecretStore, "shop", "new")).count(), 1);
    }

    #[test]
    fn names_that_are_known_are_not_kept_again() {
        let mut index = Index::default();
        let spec = json!({
            "secretStoreRef": { "name": "main" },
            "data": [{ "secretKey": "a", "remoteRef": { "key": "one" } }],
        });
        for name in ["api", "web"] {
            let (key, object) = object(name, &spec);
            index.set(&key, Links::of(&object));
            let target = index.of[&key].target.as_ref().unwrap();
            assert!(Arc::ptr_eq(&target.name, &key.name.name));
            let known = index.known(Name::new("shop", name));
            assert!(Arc::ptr_eq(&known.name, &key.name.name));
        }
        let (known, _) = index.by_store.iter().next().unwrap();
        let stores = index.of.values().flat_map(|links| &links.stores).collect::<Vec<_>>();
        assert_eq!(stores.len(), 2);
        assert!(stores.iter().all(|store| Arc::ptr_eq(&store.name.name, &known.name.name)));
    }
}
