//! What `status` asks the cluster for.

use std::collections::{BTreeSet, HashMap};

use extsecret_crds::ExternalSecret;
use extsecret_engine::hash::{DATA_HASH_ANNOTATION, MANAGED_LABEL};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use super::consumers::{self, Users};
use super::model::{self, Api, KesObject, Row};
use crate::cluster::kinds::{EXTERNAL_SECRETS, KES_EXTERNAL_SECRETS, SECRETS};
use crate::cluster::{Cluster, Selection, Unread, Why};

/// Characters of a data hash that are shown: two versions of one Secret do not share them by
/// accident.
const VERSION_CHARACTERS: usize = 8;

/// The ExternalSecrets of a namespace or of all, as rows, and the version at which they were so.
///
/// Only a page of them is in memory at once.
pub(crate) fn external_secrets(
    cluster: &Cluster,
    namespace: Option<&str>,
    select: &Selection,
    now: Timestamp,
) -> Result<(Vec<Row>, String), Unread> {
    let mut rows = Vec::new();
    let listed = cluster.list(&EXTERNAL_SECRETS, namespace, select, |page: Vec<ExternalSecret>| {
        rows.extend(page.iter().map(|object| Row::of(object, now)));
    });
    match listed {
        Ok(version) => return Ok((rows, version)),
        // One object that is not as its type wants it must not hide all others.
        Err(Unread { why: Why::Unreadable(_), .. }) => rows.clear(),
        Err(error) => return Err(error),
    }
    let version = cluster.list(&EXTERNAL_SECRETS, namespace, select, |page: Vec<Value>| {
        rows.extend(page.into_iter().map(|object| {
            let meta = metadata(&object);
            match serde_json::from_value::<ExternalSecret>(object) {
                Ok(object) => Row::of(&object, now),
                Err(_) => Row::unreadable(Api::Eso, meta),
            }
        }));
    })?;
    Ok((rows, version))
}

/// The objects of kubernetes-external-secrets, as rows.
pub(crate) fn kes(
    cluster: &Cluster,
    namespace: Option<&str>,
    select: &Selection,
    now: Timestamp,
) -> Result<Vec<Row>, Unread> {
    let mut rows = Vec::new();
    cluster.list(&KES_EXTERNAL_SECRETS, namespace, select, |page: Vec<Value>| {
        rows.extend(page.into_iter().map(|object| {
            let meta = metadata(&object);
            match serde_json::from_value::<KesObject>(object) {
                Ok(object) => Row::of_kes(&object, now),
                Err(_) => Row::unreadable(Api::Kes, meta),
            }
        }));
    })?;
    Ok(rows)
}

/// How many objects of kubernetes-external-secrets there are; none where the kind is not served or
/// may not be listed: who asks does so only to mention them.
pub(crate) fn count_kes(cluster: &Cluster, namespace: Option<&str>) -> usize {
    let mut count = 0;
    let select = Selection::default();
    let listed = cluster.list_metadata(&KES_EXTERNAL_SECRETS, namespace, &select, |page| {
        count += page.len();
    });
    if listed.is_ok() { count } else { 0 }
}

/// Adds versions and numbers of keys: from the metadata of the Secrets, of which no value is read.
pub(crate) fn add_secrets(
    cluster: &Cluster,
    namespace: Option<&str>,
    rows: &mut [Row],
) -> Result<(), Unread> {
    let select =
        Selection { labels: Some(format!("{MANAGED_LABEL}=true")), ..Selection::default() };
    let mut found: HashMap<(String, String), (Option<String>, usize)> = HashMap::new();
    cluster.list_metadata(&SECRETS, namespace, &select, |page| {
        for secret in page {
            let meta = secret.metadata;
            let keys = model::keys(&meta).len();
            let version = version(&meta);
            let name = (meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default());
            found.insert(name, (version, keys));
        }
    })?;
    for row in rows {
        // Nothing else asks for this pair of texts.
        let key = (row.namespace.clone(), row.secret.clone());
        if let Some((version, keys)) = found.get(&key) {
            row.more.version.clone_from(version);
            row.more.keys = Some(*keys);
        }
    }
    Ok(())
}

/// Adds how many workloads use each Secret. What could not be listed is told by the reasons that
/// come back; the numbers then stay unknown.
pub(crate) fn add_consumers(
    cluster: &Cluster,
    namespace: Option<&str>,
    rows: &mut [Row],
) -> Vec<String> {
    let Users { found: users, unknown, .. } = consumers::users(cluster, namespace, |uses| {
        !uses.read.is_empty() || !uses.named.is_empty()
    });
    if !unknown.is_empty() {
        return unknown;
    }
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    for user in &users {
        let space = user.workload.metadata.namespace.as_deref().unwrap_or_default();
        let read = user.uses.read.iter().map(|it| &*it.secret);
        let secrets: BTreeSet<&str> =
            read.chain(user.uses.named.iter().map(|name| &**name)).collect();
        for secret in secrets {
            *counts.entry((space, secret)).or_default() += 1;
        }
    }
    for row in rows {
        let key = (row.namespace.as_str(), row.secret.as_str());
        row.more.consumers = Some(counts.get(&key).copied().unwrap_or_default());
    }
    unknown
}

/// What tells one content of a Secret from another, short.
pub(crate) fn version(meta: &ObjectMeta) -> Option<String> {
    let hash = meta.annotations.as_ref()?.get(DATA_HASH_ANNOTATION)?;
    Some(hash.chars().take(VERSION_CHARACTERS).collect())
}

fn metadata(object: &Value) -> ObjectMeta {
    let meta = object.get("metadata").map(ObjectMeta::deserialize);
    meta.and_then(Result::ok).unwrap_or_default()
}
