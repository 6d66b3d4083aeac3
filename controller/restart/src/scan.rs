//! Which keys of which Secrets the pods of a template read, and how.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Keys of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeySet {
    /// All that it has, and those that it will have.
    All,
    /// These.
    Some(BTreeSet<Box<str>>),
}

/// How a value reaches a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// As an environment variable, which a running container never sees change.
    Env,
    /// As a file of a volume that the kubelet keeps current.
    Volume,
    /// As a file by `subPath`, which stays as it was when the container started.
    SubPath,
}

/// One way in which a pod reads a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The Secret, in the namespace of the pod.
    pub secret: Box<str>,
    /// Of which these are read.
    pub keys: KeySet,
    /// Whether the pod starts without it.
    pub optional: bool,
    /// How it is read.
    pub how: How,
}

/// All that a pod template says about Secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// What running pods keep.
    pub read: Vec<Use>,
    /// Secrets that are named for something else, such as pulling images: no reason to restart.
    pub named: BTreeSet<Box<str>>,
}

/// Part of what is read of one Secret, which has one fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// What it is called in a record: the Secret, and after a `?` an optional key.
    pub id: Box<str>,
    /// The Secret.
    pub secret: Box<str>,
    /// What is read of it.
    pub keys: KeySet,
    /// Whether pods start without it. What they do not start without, is there when they start, so
    /// that its appearance alone changes nothing for any of them.
    pub optional: bool,
}

impl Uses {
    /// What pods of this template read.
    pub fn of(template: &PodTemplate) -> Self {
        let spec = &template.spec;
        let volumes = spec.volumes();
        let all = || spec.containers.iter().chain(&spec.init_containers);
        let read: BTreeSet<Use> = all().flat_map(|it| it.read(&volumes)).collect();
        let mounted: BTreeSet<&str> =
            all().flat_map(|it| &it.volume_mounts).map(|it| &*it.name).collect();
        let mut named: BTreeSet<Box<str>> =
            spec.image_pull_secrets.iter().filter_map(|it| it.name.clone()).collect();
        for volume in &spec.volumes {
            if !mounted.contains(&*volume.name) {
                // Pods wait for it, but nobody reads it.
                named.extend(volume.sources().filter_map(|it| it.secret()).map(Box::from));
            }
            named.extend(volume.others.values().filter_map(secret_ref));
        }
        let read: Vec<_> = read.into_iter().collect();
        named.retain(|name| read.iter().all(|it| it.secret != *name));
        Self { read, named }
    }

    /// What has a fingerprint of its own, of all that is read in a way that `counts`.
    pub fn references(&self, counts: impl Fn(&Use) -> bool) -> Vec<Reference> {
        let mut secrets: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
        for it in self.read.iter().filter(|it| counts(it)) {
            secrets.entry(&it.secret).or_default().push(it);
        }
        secrets.into_iter().flat_map(|(secret, uses)| merge(secret, &uses)).collect()
    }
}

/// One reference for all that has to be there, and one for each key that need not: whether such a
/// key appears or goes is judged by itself.
fn merge(secret: &str, uses: &[&Use]) -> Vec<Reference> {
    let reference = |id: String, keys, optional| Reference {
        id: id.into(),
        secret: secret.into(),
        keys,
        optional,
    };
    let is_needed = uses.iter().any(|it| !it.optional);
    if uses.iter().any(|it| it.keys == KeySet::All) {
        return vec![reference(secret.to_owned(), KeySet::All, !is_needed)];
    }
    let keys = |optional: bool| {
        let uses = uses.iter().filter(move |it| it.optional == optional);
        uses.filter_map(|it| match &it.keys {
            KeySet::All => None,
            KeySet::Some(keys) => Some(keys),
        })
        .flatten()
        .cloned()
        .collect::<BTreeSet<Box<str>>>()
    };
    let (needed, optional) = (keys(false), keys(true));
    let others: Vec<_> = optional.difference(&needed).cloned().collect();
    let mut references = Vec::new();
    if !needed.is_empty() {
        references.push(reference(secret.to_owned(), KeySet::Some(needed), false));
    }
    references.extend(others.into_iter().map(|key| {
        let id = format!("{secret}?{key}");
        reference(id, KeySet::Some(BTreeSet::from([key])), true)
    }));
    references
}

/// The part of a pod template that names Secrets. Everything else is passed over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// Of which annotations matter.
    #[serde(deserialize_with = "or_default")]
    pub metadata: TemplateMetadata,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
}

/// Metadata of a pod template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateMetadata {
    /// As they stand.
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

/// A field that is null counts as one that is not there.
pub(crate) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodSpec {
    #[serde(deserialize_with = "or_default")]
    pub(crate) containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) init_containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    volumes: Vec<Volume>,
    #[serde(deserialize_with = "or_default")]
    image_pull_secrets: Vec<LocalName>,
}

impl PodSpec {
    /// Its volumes by their names.
    pub(crate) fn volumes(&self) -> BTreeMap<&str, &Volume> {
        self.volumes.iter().map(|it| (&*it.name, it)).collect()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LocalName {
    name: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Container {
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: Box<str>,
    /// `Always` makes a sidecar of an init container.
    pub(crate) restart_policy: Option<Box<str>>,
    #[serde(deserialize_with = "or_default")]
    env: Vec<Env>,
    #[serde(deserialize_with = "or_default")]
    env_from: Vec<EnvFrom>,
    #[serde(deserialize_with = "or_default")]
    volume_mounts: Vec<Mount>,
}

impl Container {
    /// What it reads, of these volumes of its pod as well.
    pub(crate) fn read(&self, volumes: &BTreeMap<&str, &Volume>) -> BTreeSet<Use> {
        let mut read: BTreeSet<Use> = self.env.iter().filter_map(Env::read).collect();
        read.extend(self.env_from.iter().filter_map(EnvFrom::read));
        for mount in &self.volume_mounts {
            let sources = volumes.get(&*mount.name).into_iter().flat_map(|it| it.sources());
            read.extend(sources.filter_map(|source| source.read(mount)));
        }
        read
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Env {
    value_from: Option<ValueFrom>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ValueFrom {
    secret_key_ref: Option<KeyRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct KeyRef {
    name: Option<Box<str>>,
    key: Option<Box<str>>,
    optional: Option<bool>,
}

impl Env {
    fn read(&self) -> Option<Use> {
        let it = self.value_from.as_ref()?.secret_key_ref.as_ref()?;
        Some(Use {
            secret: it.name.clone().filter(|name| !name.is_empty())?,
            keys: KeySet::Some(BTreeSet::from([it.key.clone()?])),
            optional: it.optional.unwrap_or(false),
            how: How::Env,
        })
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EnvFrom {
    secret_ref: Option<SecretRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SecretRef {
    name: Option<Box<str>>,
    optional: Option<bool>,
}

impl EnvFrom {
    fn read(&self) -> Option<Use> {
        let it = self.secret_ref.as_ref()?;
        Some(Use {
            secret: it.name.clone().filter(|name| !name.is_empty())?,
            keys: KeySet::All,
            optional: it.optional.unwrap_or(false),
            how: How::Env,
        })
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Mount {
    name: Box<str>,
    sub_path: Option<Box<str>>,
    sub_path_expr: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Volume {
    name: Box<str>,
    secret: Option<SecretSource>,
    projected: Option<Projected>,
    /// Other kinds of volumes, some of which name Secrets that only the kubelet or a driver reads.
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

impl Volume {
    fn sources(&self) -> impl Iterator<Item = &SecretSource> {
        let projected = self.projected.iter().flat_map(|projected| &projected.sources);
        self.secret.iter().chain(projected.filter_map(|source| source.secret.as_ref()))
    }
}

/// The Secret that a volume of another kind names.
fn secret_ref(volume: &serde_json::Value) -> Option<Box<str>> {
    let name =
        ["secretRef", "nodePublishSecretRef", "secretName"].into_iter().find_map(|field| {
            let value = volume.get(field)?;
            value.as_str().or_else(|| value.get("name")?.as_str())
        })?;
    Some(name.into())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Projected {
    #[serde(deserialize_with = "or_default")]
    sources: Vec<ProjectedSource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ProjectedSource {
    secret: Option<SecretSource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SecretSource {
    /// In a volume of its own.
    secret_name: Option<Box<str>>,
    /// In a projected one.
    name: Option<Box<str>>,
    #[serde(deserialize_with = "or_default")]
    items: Vec<Item>,
    optional: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    key: Box<str>,
    path: Box<str>,
}

impl SecretSource {
    fn secret(&self) -> Option<&str> {
        self.secret_name.as_deref().or(self.name.as_deref()).filter(|name| !name.is_empty())
    }

    fn read(&self, mount: &Mount) -> Option<Use> {
        let path = mount.sub_path.as_deref().filter(|path| !path.is_empty());
        let expanded = mount.sub_path_expr.as_deref().is_some_and(|path| !path.is_empty());
        let path = path.map(|path| path.trim_start_matches("./").trim_end_matches('/'));
        let keys = match (path, self.items.as_slice()) {
            (None, []) => KeySet::All,
            // Files are called as their keys, which have no folders.
            (Some(path), []) => KeySet::Some(BTreeSet::from([path.split('/').next()?.into()])),
            (path, items) => {
                let is_below = |item: &&Item| {
                    let item = item.path.trim_start_matches("./");
                    path.is_none_or(|path| {
                        item.strip_prefix(path)
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    })
                };
                let keys = items.iter().filter(is_below).map(|item| item.key.clone()).collect();
                KeySet::Some(keys)
            }
        };
        if keys == KeySet::Some(BTreeSet::new()) {
            return None;
        }
        Some(Use {
            secret: self.secret()?.into(),
            keys,
            optional: self.optional.unwrap_or(false),
            how: if path.is_some() || expanded { How::SubPath } else { How::Volume },
        })
    }
}

#[cfg(test)]
mod tests;
