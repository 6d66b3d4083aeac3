//! One ExternalSecret and all that hangs on it, for programs.

use extsecret_crds::ConditionType;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::facts::{Facts, Found, Store, Target};
use super::model::{self, Health, Row};
use super::tree::provider;

/// Raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// All of them in one.
pub(crate) fn all(items: &[Value]) -> Value {
    json!({ "version": VERSION, "items": items })
}

/// One of them. What could not be looked at has an `unknown` with the reason.
pub(crate) fn document(facts: &Facts, health: Health, now: Timestamp) -> Value {
    json!({
        "namespace": facts.namespace,
        "name": facts.name,
        "health": health,
        "externalSecret": found(&facts.object, |object| json!(Row::of(object, now))),
        "events": match &facts.events {
            Ok(events) => json!(events),
            Err(why) => json!({ "unknown": why }),
        },
        "stores": facts.stores.iter().map(store).collect::<Vec<_>>(),
        "secret": found(&facts.secret, secret),
        "consumers": facts.consumers,
        "kubernetesExternalSecret": found(&facts.kes, |kes| json!(Row::of_kes(kes, now))),
    })
}

fn found<T>(found: &Found<T>, document: impl Fn(&T) -> Value) -> Value {
    match found {
        Ok(Some(found)) => document(found),
        Ok(None) => Value::Null,
        Err(why) => json!({ "unknown": why }),
    }
}

fn store(store: &Store) -> Value {
    let mut document = found(&store.found, |found| {
        let conditions = found.status.iter().flat_map(|it| it.conditions.iter().flatten());
        let ready = conditions.into_iter().find(|it| it.type_ == ConditionType::Ready);
        json!({
            "exists": true,
            "ready": ready.map(|ready| &ready.status),
            "reason": ready.and_then(|ready| ready.reason.as_ref()),
            "message": ready.and_then(|ready| ready.message.as_ref()),
            "provider": provider(&found.spec),
        })
    });
    if document.is_null() {
        document = json!({ "exists": false });
    }
    document["kind"] = json!(store.kind);
    document["name"] = json!(store.name);
    document
}

fn secret(target: &Target) -> Value {
    let owners = target.meta.owner_references.iter().flatten();
    let owner = owners.into_iter().find(|owner| owner.controller == Some(true));
    let keys: Vec<Value> = match &target.read {
        Some(read) => {
            read.sizes.iter().map(|(key, size)| json!({ "key": key, "bytes": size })).collect()
        }
        None => model::keys(&target.meta).iter().map(|key| json!({ "key": key })).collect(),
    };
    json!({
        "name": target.meta.name,
        "type": target.read.as_ref().map(|read| &read.type_),
        "version": super::gather::version(&target.meta),
        "asWritten": target.read.as_ref().and_then(|read| read.as_written),
        "written": target.written().last(),
        "controller": owner.map(|owner| json!({
            "apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name,
        })),
        "keys": keys,
    })
}
