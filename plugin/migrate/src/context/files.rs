//! Which key of which object stands behind a file in the container.

use extsecret_manifest::node::Node;

use super::manifest::{Neighbours, name_of};

/// The kind of the object behind a mounted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileSource {
    /// A Secret.
    Secret,
    /// A `ConfigMap`.
    ConfigMap,
}

impl FileSource {
    /// `Secret` or `ConfigMap`, as a CA provider of a store names it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// A file in the container of KES, and the object in the namespace of KES behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountedFile {
    /// The kind of the object.
    pub source: FileSource,
    /// The object's name.
    pub name: String,
    /// The key that holds the file's content.
    pub key: String,
}

/// One object whose keys appear as files below a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Projection {
    pub(super) source: FileSource,
    pub(super) name: String,
    /// Pairs of key and path; `None` projects each key to a file of its name.
    pub(super) items: Option<Vec<(String, String)>>,
    /// The object's keys, when it was given.
    pub(super) keys: Option<Vec<String>>,
}

/// One `volumeMount` with the volume behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    path: Vec<String>,
    sub_path: Vec<String>,
    /// Empty for volumes that hold neither Secrets nor `ConfigMap`s.
    projections: Vec<Projection>,
}

impl Mount {
    pub(super) fn new(path: &str, sub_path: &str, projections: Vec<Projection>) -> Option<Self> {
        Some(Self { path: segments(path)?, sub_path: segments(sub_path)?, projections })
    }
}

/// Joins the `volumes` of a pod with the `volumeMounts` of a container.
pub(super) fn mounts(
    volumes: Option<&Node>,
    volume_mounts: Option<&Node>,
    namespace: Option<&str>,
    neighbours: &Neighbours<'_>,
) -> Vec<Mount> {
    let volumes = volumes.and_then(Node::as_sequence).unwrap_or_default();
    let volume_mounts = volume_mounts.and_then(Node::as_sequence).unwrap_or_default();
    volume_mounts
        .iter()
        .filter_map(|mount| {
            let name = name_of(mount, &["name"])?;
            let volume = volumes.iter().find(|volume| name_of(volume, &["name"]) == Some(name));
            // A path that depends on the pod leaves the mount in place, so that no other mount is
            // taken for it, but hides what is in it.
            let projections = match volume {
                Some(volume) if mount.get("subPathExpr").is_none() => {
                    projections(volume, namespace, neighbours)
                }
                _ => Vec::new(),
            };
            let sub_path = name_of(mount, &["subPath"]).unwrap_or_default();
            Mount::new(name_of(mount, &["mountPath"])?, sub_path, projections)
        })
        .collect()
}

fn projections(
    volume: &Node,
    namespace: Option<&str>,
    neighbours: &Neighbours<'_>,
) -> Vec<Projection> {
    let one = |node: &Node, source: FileSource, name_field: &str| -> Option<Projection> {
        let name = name_of(node, &[name_field])?;
        let items = node.get("items").and_then(Node::as_sequence).map(|items| {
            items
                .iter()
                .filter_map(|item| {
                    Some((name_of(item, &["key"])?.into(), name_of(item, &["path"])?.into()))
                })
                .collect()
        });
        let keys = match source {
            FileSource::Secret => neighbours
                .secret_keys(namespace, name)
                .map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
            FileSource::ConfigMap => neighbours.config_map(namespace, name).map(|object| {
                ["data", "binaryData"]
                    .iter()
                    .filter_map(|field| object.get(field)?.as_mapping())
                    .flatten()
                    .map(|entry| entry.key.clone())
                    .collect()
            }),
        };
        Some(Projection { source, name: name.into(), items, keys })
    };

    if let Some(secret) = volume.get("secret") {
        one(secret, FileSource::Secret, "secretName").into_iter().collect()
    } else if let Some(config_map) = volume.get("configMap") {
        one(config_map, FileSource::ConfigMap, "name").into_iter().collect()
    } else {
        volume
            .at(&["projected", "sources"])
            .and_then(Node::as_sequence)
            .unwrap_or_default()
            .iter()
            .filter_map(|source| {
                if let Some(secret) = source.get("secret") {
                    one(secret, FileSource::Secret, "name")
                } else {
                    one(source.get("configMap")?, FileSource::ConfigMap, "name")
                }
            })
            .collect()
    }
}

/// Finds the object behind an absolute path. The reason of a failure completes "the file ...".
pub(super) fn resolve(mounts: &[Mount], path: &str) -> Result<MountedFile, &'static str> {
    let path = segments(path).ok_or("has a path with `..`")?;
    let mount = mounts
        .iter()
        .filter(|mount| path.starts_with(&mount.path))
        .max_by_key(|mount| mount.path.len())
        .ok_or("is on no volume of the Deployment")?;
    if mount.projections.is_empty() {
        return Err("is on a volume that is neither a Secret nor a ConfigMap");
    }

    let mut inner = mount.sub_path.clone();
    inner.extend_from_slice(path.get(mount.path.len()..).unwrap_or_default());
    let inner = inner.join("/");

    let mut found = mount.projections.iter().filter_map(|projection| {
        let key = projection.key_of(&inner)?;
        Some(MountedFile { source: projection.source, name: projection.name.clone(), key })
    });
    let first = found.next().ok_or("is not among the files of its volume")?;
    match found.next() {
        None => Ok(first),
        Some(_) => Err("may come from more than one object of its volume"),
    }
}

impl Projection {
    fn key_of(&self, path: &str) -> Option<String> {
        match (&self.items, &self.keys) {
            (Some(items), _) => items
                .iter()
                .find(|(_, item)| segments(item).is_some_and(|item| item.join("/") == path))
                .map(|(key, _)| key.clone()),
            (None, Some(keys)) => keys.iter().find(|key| *key == path).cloned(),
            // A key has no slash, so a deeper path is not one of these files.
            (None, None) if path.is_empty() || path.contains('/') => None,
            (None, None) => Some(path.to_owned()),
        }
    }
}

/// The parts of a path without empty ones; `None` for a path that climbs.
fn segments(path: &str) -> Option<Vec<String>> {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.map(|part| (part != "..").then(|| part.to_owned())).collect()
}
