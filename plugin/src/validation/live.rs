//! Objects of the cluster, as manifests that `kubectl get -o yaml` could have printed.

use std::collections::BTreeSet;

use extsecret_manifest::node::Node;
use extsecret_manifest::read::Limits;
use extsecret_manifest::write;
use extsecret_validate::Stores;
use serde_json::{Map, Value};

use crate::cluster::kinds::{
    CLUSTER_EXTERNAL_SECRETS, CLUSTER_SECRET_STORES, EXTERNAL_SECRETS, KES_EXTERNAL_SECRETS, Kind,
    SECRET_STORES,
};
use crate::cluster::{Cluster, Selection, Unread, Why};
use crate::input::{self, Inputs};
use crate::output;

/// What of the metadata somebody has written.
const WRITTEN: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// Adds the objects of a namespace and those of no namespace, or all; says which stores there are.
pub(crate) fn add(
    inputs: &mut Inputs,
    cluster: &Cluster,
    namespace: Option<&str>,
    select: &Selection,
    limits: &Limits,
) -> anyhow::Result<Stores> {
    let needed = list(inputs, cluster, &EXTERNAL_SECRETS, namespace, select, limits);
    let old = list(inputs, cluster, &KES_EXTERNAL_SECRETS, namespace, select, limits);
    match (needed, &old) {
        // A cluster may still have the old kind only.
        (Err(Unread { why: Why::NotServed(_), .. }), Ok(())) => {}
        (needed, _) => needed?,
    }
    for kind in [SECRET_STORES, CLUSTER_SECRET_STORES, CLUSTER_EXTERNAL_SECRETS] {
        match list(inputs, cluster, &kind, namespace, select, limits) {
            Ok(()) | Err(Unread { why: Why::NotServed(_), .. }) => {}
            Err(error) => output::stderr(&format!("warning: not looked at: {error}\n")),
        }
    }
    Ok(stores(cluster, namespace))
}

/// All stores that objects may name, whatever their labels. That they may not be listed is told already.
fn stores(cluster: &Cluster, namespace: Option<&str>) -> Stores {
    let names = |kind: &Kind, namespace: Option<&str>| {
        let mut all = BTreeSet::new();
        let listed = cluster.list_metadata(kind, namespace, &Selection::default(), |page| {
            all.extend(page.into_iter().filter_map(|it| {
                Some((it.metadata.namespace.unwrap_or_default(), it.metadata.name?))
            }));
        });
        listed.is_ok().then_some(all)
    };
    let of_cluster = names(&CLUSTER_SECRET_STORES, None);
    Stores {
        stores: names(&SECRET_STORES, namespace),
        cluster_stores: of_cluster.map(|all| all.into_iter().map(|(_, name)| name).collect()),
    }
}

fn list(
    inputs: &mut Inputs,
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    select: &Selection,
    limits: &Limits,
) -> Result<(), Unread> {
    let api_version = format!("{}/{}", kind.group, kind.version);
    cluster.list(kind, namespace, select, |page: Vec<Map<String, Value>>| {
        for mut object in page {
            let mut manifest = Map::new();
            manifest.insert("apiVersion".to_owned(), api_version.clone().into());
            manifest.insert("kind".to_owned(), kind.kind.into());
            let metadata = object.remove("metadata").unwrap_or_default();
            let written = WRITTEN
                .iter()
                .filter_map(|field| Some(((*field).to_owned(), metadata.get(*field)?.clone())));
            let written: Map<String, Value> = written.collect();
            let name = metadata["name"].as_str().unwrap_or_default();
            let shown = match metadata["namespace"].as_str() {
                Some(namespace) => format!("{}/{namespace}/{name}", kind.resource()),
                None => format!("{}/{name}", kind.resource()),
            };
            manifest.insert("metadata".to_owned(), written.into());
            let rest = object.into_iter();
            manifest.extend(
                rest.filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind" | "status")),
            );
            let text = write::write(&Node::from(Value::Object(manifest)));
            input::add_text(inputs, &shown, text.into_bytes(), limits);
        }
    })?;
    Ok(())
}
