//! The new objects, from files: which ExternalSecret wants which Secret, and the stores.

use std::collections::BTreeMap;

use anyhow::bail;
use extsecret_crds::{API_VERSION, GROUP};
use extsecret_manifest::read::Limits;
use extsecret_manifest::stream;
use extsecret_migrate::handover::{Blocker, Body, KES_GROUP, Pair, Request, Resource};
use serde_json::{Value, json};

use crate::cli::ManifestArgs;
use crate::cluster::is_name;
use crate::input::{Inputs, manifests};
use crate::output;

/// A Secret that shall change hands, with its new ExternalSecret.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) pair: Pair,
    pub(crate) object: Value,
}

/// All of the files.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// ExternalSecrets, sorted.
    pub(crate) wanted: Vec<Wanted>,
    /// Stores, as they are applied.
    pub(crate) stores: Vec<Request>,
    /// What is wrong with the files themselves.
    pub(crate) blockers: Vec<(Pair, Blocker)>,
}

/// Reads the files; `namespace` is that of objects that do not name theirs.
///
/// # Errors
/// If one cannot be read, or there is no ExternalSecret in them: half of the files is not what the
/// person means.
pub(crate) fn read(args: &ManifestArgs, namespace: &str) -> anyhow::Result<Manifests> {
    let mut inputs = Inputs::default();
    let kustomize = args.kustomize.as_deref();
    manifests::add(&mut inputs, &args.filename, args.recursive, kustomize, &Limits::default())?;
    let documents = || inputs.files.iter().flat_map(|file| &file.documents);
    let unreadable = manifests::tell_broken(&inputs) > 0;
    if unreadable {
        bail!("the files cannot be read as a whole; nothing was done");
    }
    let mut found = Manifests::default();
    let mut others = BTreeMap::new();
    for object in documents().flat_map(stream::objects) {
        let (Some(version), Some(kind)) = (object.api_version(), object.kind()) else { continue };
        let Some(name) = object.name() else { continue };
        let namespace = object.namespace().unwrap_or(namespace);
        // They become names of files in the state directory, and of paths of the API.
        if !is_name(name) || !is_name(namespace) {
            bail!("{kind} {namespace:?}/{name:?}: this is no name of an object");
        }
        let group = version.split('/').next().unwrap_or_default();
        match (version, kind) {
            (API_VERSION, "ExternalSecret") => {
                found.wanted.push(wanted(namespace, name, object.node.to_json())?);
            }
            (API_VERSION, "SecretStore") => {
                let mut store = object.node.to_json();
                store["metadata"]["namespace"] = json!(namespace);
                found.stores.push(Request {
                    resource: Resource::SecretStore,
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    body: Body::Apply(store),
                });
            }
            (API_VERSION, "ClusterSecretStore") => found.stores.push(Request {
                resource: Resource::ClusterSecretStore,
                namespace: String::new(),
                name: name.to_owned(),
                body: Body::Apply(object.node.to_json()),
            }),
            (_, "ExternalSecret") if group == KES_GROUP || group == GROUP => bail!(
                "ExternalSecret {namespace}/{name} is of {version}: convert it first, with kubectl \
                 extsecret migrate -f FILE --output-dir DIR"
            ),
            _ => *others.entry(kind.to_owned()).or_insert(0_usize) += 1,
        }
    }
    for (kind, count) in others {
        let s = if count == 1 { "" } else { "s" };
        output::stderr(&format!(
            "note: {count} {kind}{s} of the files left alone: apply what is needed with kubectl\n"
        ));
    }
    if found.wanted.is_empty() {
        bail!("there is no ExternalSecret of {API_VERSION} in the files; nothing was done");
    }
    found.wanted.sort_by(|a, b| a.pair.cmp(&b.pair));
    found.blockers = twice(&found.wanted);
    Ok(found)
}

fn wanted(namespace: &str, name: &str, object: Value) -> anyhow::Result<Wanted> {
    let target = object["spec"]["target"]["name"].as_str().filter(|name| !name.is_empty());
    let secret = target.unwrap_or(name).to_owned();
    if !is_name(&secret) {
        bail!("ExternalSecret {namespace}/{name}: spec.target.name is no name of a Secret");
    }
    let pair = Pair { namespace: namespace.to_owned(), secret, new: name.to_owned() };
    Ok(Wanted { pair, object })
}

/// Several that want one Secret.
fn twice(wanted: &[Wanted]) -> Vec<(Pair, Blocker)> {
    let mut by_secret: BTreeMap<(&str, &str), Vec<&Pair>> = BTreeMap::new();
    for Wanted { pair, .. } in wanted {
        by_secret.entry((&pair.namespace, &pair.secret)).or_default().push(pair);
    }
    let several = by_secret.into_values().filter(|pairs| pairs.len() > 1);
    let blocker = |pairs: Vec<&Pair>| {
        let names = pairs.iter().map(|pair| pair.new.clone()).collect();
        Some(((*pairs.first()?).clone(), Blocker::Twice { names }))
    };
    several.filter_map(blocker).collect()
}
