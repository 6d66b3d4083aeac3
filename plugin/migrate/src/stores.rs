//! Store tuples become named stores (specification 3.4, 3.11).
//!
//! The name holds a hash of what the store says, so that it never depends on the order of files,
//! and two stores that differ never share a name.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_crds::store::{SecretStoreSpec, StoreCondition};
use sha2::{Digest as _, Sha256};

use crate::backends::{StoreSeed, readable};
use crate::options::{Options, Scope};

/// Longest name that still fits where names are shortened to a DNS label.
const NAME_LENGTH: usize = 63;

/// All stores of a run.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    stores: Vec<Store>,
    /// By namespace (none in cluster scope) and canonical JSON of the specification.
    index: BTreeMap<(Option<String>, String), StoreKey>,
}

/// One store on its way.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) name: String,
    /// In namespace scope: where it lives, when that is known.
    pub(crate) namespace: Option<String>,
    pub(crate) spec: SecretStoreSpec,
    namespaces: BTreeSet<String>,
    short: &'static str,
    readable: String,
    canonical: String,
}

/// Names a store of a [`Stores`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreKey(usize);

impl Stores {
    /// The store of a tuple: the one that is there already, or a new one.
    pub(crate) fn find_or_add(
        &mut self,
        seed: &StoreSeed,
        controller: Option<String>,
        home: Option<String>,
    ) -> StoreKey {
        let provider = seed.provider.clone();
        let spec = SecretStoreSpec { controller, provider, ..SecretStoreSpec::default() };
        let canonical = canonical(&spec);
        let next = StoreKey(self.stores.len());
        let key = *self.index.entry((home.clone(), canonical.clone())).or_insert(next);
        if key == next {
            self.stores.push(Store {
                name: String::new(),
                namespace: home,
                spec,
                namespaces: BTreeSet::new(),
                short: seed.short,
                readable: seed.readable.clone(),
                canonical,
            });
        }
        key
    }

    /// Notes that a store is used from a namespace.
    pub(crate) fn use_from(&mut self, key: StoreKey, namespace: &str) {
        if let Some(store) = self.stores.get_mut(key.0)
            && !store.namespaces.contains(namespace)
        {
            store.namespaces.insert(namespace.to_owned());
        }
    }

    /// Gives every store its name and, in cluster scope, the namespaces that may use it. Returns
    /// wished names that could not be given, and why.
    pub(crate) fn settle(&mut self, options: &Options) -> Vec<String> {
        let mut hash_length = 8;
        while !self.name_all(hash_length) && hash_length < 64 {
            hash_length += 8;
        }
        let refused = self.rename(&options.store_names);
        if options.scope == Scope::Cluster {
            for store in &mut self.stores {
                store.spec.conditions = Some(vec![StoreCondition {
                    namespaces: Some(store.namespaces.iter().cloned().collect()),
                    ..StoreCondition::default()
                }]);
            }
        }
        refused
    }

    /// False when two different stores got the same name.
    fn name_all(&mut self, hash_length: usize) -> bool {
        let mut names = BTreeSet::new();
        let mut unique = true;
        for store in &mut self.stores {
            store.name = name(store.short, &store.readable, &store.canonical, hash_length);
            unique &= names.insert((store.namespace.clone(), store.name.clone()));
        }
        unique
    }

    fn rename(&mut self, wishes: &BTreeMap<String, String>) -> Vec<String> {
        let mut refused = Vec::new();
        for (from, to) in wishes {
            let taken = |store: &Store| store.name == *to;
            let homes: BTreeSet<_> =
                self.stores.iter().filter(|s| taken(s)).map(|s| s.namespace.clone()).collect();
            let wish = format!("--store-name {from}={to} was not followed");
            let mut found = false;
            for store in self.stores.iter_mut().filter(|store| store.name == *from) {
                found = true;
                if !crate::kes::is_dns_subdomain(to) {
                    refused.push(format!("{wish}: `{to}` is no legal name"));
                } else if homes.contains(&store.namespace) {
                    refused.push(format!("{wish}: another store has that name"));
                } else {
                    store.name.clone_from(to);
                }
            }
            if !found {
                refused.push(format!("{wish}: no store is called `{from}` before it"));
            }
        }
        refused
    }

    /// The name of a store, once settled.
    pub(crate) fn name(&self, key: StoreKey) -> &str {
        self.stores.get(key.0).map_or("", |store| store.name.as_str())
    }

    /// The stores, by namespace and name.
    pub(crate) fn into_sorted(self) -> Vec<Store> {
        let mut all = self.stores;
        all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        all
    }
}

fn name(short: &str, text: &str, canonical: &str, hash_length: usize) -> String {
    let hash = Sha256::digest(canonical.as_bytes());
    let mut hex = String::with_capacity(64);
    for byte in hash {
        hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    hex.truncate(hash_length);
    let room = NAME_LENGTH.saturating_sub("kes---".len() + short.len() + hash_length);
    let mut text = text.to_owned();
    text.truncate(room);
    readable(["kes", short, text.as_str(), hex.as_str()])
}

/// JSON with sorted keys and no blanks: the same text for the same specification.
fn canonical(spec: &SecretStoreSpec) -> String {
    // The types hold nothing that JSON could not.
    let value = serde_json::to_value(spec).unwrap_or_default();
    let mut out = String::new();
    write_sorted(&value, &mut out);
    out
}

fn write_sorted(value: &serde_json::Value, out: &mut String) {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            out.push('{');
            for (i, (key, value)) in map.iter().collect::<BTreeMap<_, _>>().into_iter().enumerate()
            {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_sorted(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_sorted(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use extsecret_crds::provider::{AwsProvider, Provider};

    use super::*;

    fn seed(region: &str) -> StoreSeed {
        StoreSeed {
            short: "sm",
            readable: region.into(),
            provider: Provider {
                aws: Some(AwsProvider { region: region.into(), ..AwsProvider::default() }),
                ..Provider::default()
            },
        }
    }

    fn used(stores: &mut Stores, region: &str, namespace: &str) -> StoreKey {
        let key = stores.find_or_add(&seed(region), None, None);
        stores.use_from(key, namespace);
        key
    }

    #[test]
    fn one_store_per_tuple_with_the_namespaces_that_use_it() {
        let mut stores = Stores::default();
        let a = used(&mut stores, "eu", "web");
        let b = used(&mut stores, "eu", "app");
        let c = used(&mut stores, "us", "app");
        stores.settle(&Options::default());
        assert_eq!(stores.name(a), stores.name(b));
        assert_ne!(stores.name(a), stores.name(c));
        assert!(stores.name(a).starts_with("kes-sm-eu-"));
        let all = stores.into_sorted();
        let namespaces = all[0].spec.conditions()[0].namespaces.clone().unwrap();
        assert_eq!(namespaces, ["app", "web"]);
    }

    #[test]
    fn names_do_not_depend_on_who_uses_the_store() {
        let name_of = |namespace| {
            let mut stores = Stores::default();
            let key = used(&mut stores, "eu", namespace);
            stores.settle(&Options::default());
            stores.name(key).to_owned()
        };
        assert_eq!(name_of("a"), name_of("b"));
    }

    #[test]
    fn a_wish_that_would_merge_two_stores_is_refused() {
        let mut stores = Stores::default();
        let a = used(&mut stores, "eu", "a");
        let b = used(&mut stores, "us", "a");
        stores.settle(&Options::default());
        let names = [stores.name(a).to_owned(), stores.name(b).to_owned()];
        let wishes = names.iter().map(|name| (name.clone(), "one".to_owned())).collect();
        let refused = stores.settle(&Options { store_names: wishes, ..Options::default() });
        assert_eq!(refused.len(), 1);
        assert_ne!(stores.name(a), stores.name(b));
    }

    #[test]
    fn names_are_legal_and_short() {
        let long = "x".repeat(300);
        for text in ["", "Über/Straße", &long, "-a-"] {
            let name = name("vault", text, "{}", 8);
            assert!(crate::kes::is_dns_subdomain(&name), "{name}");
            assert!(name.len() <= NAME_LENGTH, "{name}");
        }
    }
}
