//! What the cluster says at this moment.

use std::collections::BTreeSet;

use extsecret_migrate::handover::copy::{self, Copy};
use extsecret_migrate::handover::{
    Definition, Deployment, Facts, Installation, LABEL, New, Old, Pair, Pod, Secret, Shadow,
};
use serde_json::Value;

use super::state::State;
use crate::cluster::kinds::{
    CONFIG_MAPS, DEFINITIONS, DEPLOYMENTS, EXTERNAL_SECRETS, KES_EXTERNAL_SECRETS, Kind, PODS,
    SECRETS,
};
use crate::cluster::{Cluster, Metadata, Selection, Unread, Why};

/// The name of the definition of KES's kind.
pub(crate) const DEFINITION: &str = "externalsecrets.kubernetes-client.io";

/// What can be known of one Secret where the objects of the successor are not served.
pub(crate) fn facts_of_kes(cluster: &Cluster, pair: &Pair, state: &State) -> Result<Facts, Unread> {
    let secret: Option<Value> = cluster.get(&SECRETS, Some(&pair.namespace), &pair.secret)?;
    Ok(Facts {
        old: old(cluster, pair)?,
        secret: secret.map(|object| Secret::of(&object, pair, &state.key)),
        ..Facts::default()
    })
}

/// Everything about one Secret, read now. `mine` are the uids of shadows that this run has made.
pub(crate) fn facts(
    cluster: &Cluster,
    pair: &Pair,
    state: &State,
    mine: &BTreeSet<String>,
) -> Result<Facts, Unread> {
    let get = |kind: &Kind, name: &str| cluster.get::<Value>(kind, Some(&pair.namespace), name);
    let secret = |name: &str| {
        let found = get(&SECRETS, name)?;
        Ok::<_, Unread>(found.map(|object| Secret::of(&object, pair, &state.key)))
    };
    let shadow = match get(&EXTERNAL_SECRETS, &pair.shadow())? {
        // Whatever else has that name is not ours to delete.
        Some(object) if object["metadata"]["labels"][LABEL] == "shadow" => {
            let new = New::of(&object);
            let mine = mine.contains(&new.uid);
            Some(Shadow { mine, secret: secret(&pair.shadow())?, new })
        }
        _ => None,
    };
    Ok(Facts {
        old: old(cluster, pair)?,
        secret: secret(&pair.secret)?,
        new: get(&EXTERNAL_SECRETS, &pair.new)?.map(|object| New::of(&object)),
        shadow,
        copy: get(&CONFIG_MAPS, &pair.copy())?.and_then(|object| Copy::of(&object)),
        checked: state.checked(pair),
    })
}

/// The KES object. Where its kind is not served there is none.
fn old(cluster: &Cluster, pair: &Pair) -> Result<Option<Old>, Unread> {
    match cluster.get(&KES_EXTERNAL_SECRETS, Some(&pair.namespace), &pair.secret) {
        Ok(found) => Ok(found.map(Old::of)),
        Err(Unread { why: Why::NotServed(_), .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// KES itself, read now. `named` are Deployments that a person says run it.
pub(crate) fn installation(
    cluster: &Cluster,
    named: &[(String, String)],
) -> Result<Installation, Unread> {
    let mut kes = running(cluster, named)?;
    let definition: Option<Value> = cluster.get(&DEFINITIONS, None, DEFINITION)?;
    kes.definition = definition.as_ref().map(Definition::of);
    Ok(kes)
}

/// The Deployments and pods of KES, read now.
pub(crate) fn running(
    cluster: &Cluster,
    named: &[(String, String)],
) -> Result<Installation, Unread> {
    running_in(cluster, named, [None])
}

/// The same, of some namespaces only; `None` is all of them.
pub(crate) fn running_in<'a>(
    cluster: &Cluster,
    named: &[(String, String)],
    namespaces: impl IntoIterator<Item = Option<&'a str>>,
) -> Result<Installation, Unread> {
    let all = Selection::default();
    let mut kes = Installation::default();
    for namespace in namespaces {
        let Installation { deployments, pods, .. } = &mut kes;
        cluster.list(&DEPLOYMENTS, namespace, &all, |page: Vec<Value>| {
            deployments.extend(page.iter().filter_map(|it| Deployment::of(it, named)));
        })?;
        cluster.list(&PODS, namespace, &all, |page: Vec<Value>| {
            pods.extend(page.iter().filter_map(|it| Pod::of(it, deployments)));
        })?;
    }
    Ok(kes)
}

/// All KES objects of the cluster: namespace, name, and whether they are parked.
pub(crate) fn kes_objects(cluster: &Cluster) -> Result<Vec<(String, String, bool)>, Unread> {
    let mut objects = Vec::new();
    let listed = cluster.list(&KES_EXTERNAL_SECRETS, None, &Selection::default(), |page| {
        for object in page {
            let object: Value = object;
            let text =
                |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (text("namespace"), text("name"));
            objects.push((namespace, name, Old::of(object).parked()));
        }
    });
    match listed {
        Err(Unread { why: Why::NotServed(_), .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(_) => Ok(objects),
    }
}

/// The copies that the cluster keeps, in one namespace or all.
pub(crate) fn copies(cluster: &Cluster) -> Result<Vec<Copy>, Unread> {
    let labels = Some(format!("{LABEL}={}", copy::OBJECT));
    let select = Selection { labels, fields: None };
    let mut copies = Vec::new();
    cluster.list(&CONFIG_MAPS, None, &select, |page: Vec<Value>| {
        copies.extend(page.iter().filter_map(Copy::of));
    })?;
    Ok(copies)
}

/// How many pods a Deployment had before it was stopped, if that is noted.
pub(crate) fn noted(cluster: &Cluster, deployment: &Deployment) -> Result<Option<i64>, Unread> {
    let namespace = Some(deployment.namespace.as_str());
    let found: Option<Value> = cluster.get(&CONFIG_MAPS, namespace, copy::DEPLOYMENTS)?;
    Ok(found.and_then(|object| copy::replicas(&object, &deployment.name)))
}

/// Secrets that name a KES object as their owner.
pub(crate) fn owned_by_kes(cluster: &Cluster) -> Result<Vec<String>, Unread> {
    let mut owned = Vec::new();
    cluster.list_metadata(&SECRETS, None, &Selection::default(), |page| {
        for Metadata { metadata } in page {
            let owners = metadata.owner_references.unwrap_or_default();
            if owners.iter().any(|owner| owner.api_version.starts_with("kubernetes-client.io/")) {
                let text = |name: Option<String>| name.unwrap_or_default();
                owned.push(format!("{}/{}", text(metadata.namespace), text(metadata.name)));
            }
        }
    })?;
    Ok(owned)
}
