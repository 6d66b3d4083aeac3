//! Does a kustomization name this file? Then an incomplete object in it is a base or a patch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::read::{self as reader, Content, Limits};
use extsecret_manifest::source::FileId;

use super::Origin;

/// The names that kustomize looks for.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The paths that the kustomizations seen so far name, by their folder.
#[derive(Debug, Default)]
pub(super) struct Cache(BTreeMap<PathBuf, BTreeSet<PathBuf>>);

impl Cache {
    /// True when a kustomization in the file's folder, or in one above it up to the directory
    /// given as the argument, names the file.
    pub(super) fn names(&mut self, origin: &Origin, limits: &Limits) -> bool {
        let Some(path) = &origin.path else { return false };
        let mut folder = path.parent().unwrap_or(Path::new(""));
        loop {
            let named = self.0.entry(folder.to_owned()).or_insert_with(|| named_in(folder, limits));
            if path.strip_prefix(folder).is_ok_and(|relative| named.contains(relative)) {
                return true;
            }
            match (&origin.root, folder.parent()) {
                (Some(root), Some(above)) if folder != root && above.starts_with(root) => {
                    folder = above;
                }
                _ => return false,
            }
        }
    }
}

/// Every path in the folder's kustomization, whatever field it stands in.
fn named_in(folder: &Path, limits: &Limits) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::new();
    for name in NAMES {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        // A kustomization that cannot be read names nothing; kustomize itself will say so.
        let Ok(bytes) = super::bytes(Some(&path), limits) else { continue };
        let Ok(source) = reader::decode(name, bytes, limits) else { continue };
        for document in reader::read(FileId(0), &source, limits) {
            if let Content::Node(node) = &document.content {
                collect(node, &mut paths);
            }
        }
    }
    paths
}

fn collect(node: &Node, paths: &mut BTreeSet<PathBuf>) {
    match &node.value {
        Value::String(text) => {
            let path = Path::new(text);
            let tidy = path.components().filter(|part| *part != Component::CurDir);
            paths.insert(tidy.collect());
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, paths)),
        Value::Mapping(entries) => entries.iter().for_each(|entry| collect(&entry.value, paths)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn resources_and_patches_are_named_also_from_above() {
        let folder = crate::testing::folder();
        let root = folder.path();
        fs::create_dir(root.join("patches")).unwrap();
        fs::write(
            root.join("kustomization.yaml"),
            "resources:\n- ./base.yaml\npatches:\n- path: patches/es.yaml\n",
        )
        .unwrap();
        let mut cache = Cache::default();
        let mut named = |relative: &str| {
            let origin = Origin {
                path: Some(root.join(relative)),
                shown: String::new(),
                relative: relative.into(),
                root: Some(root.to_owned()),
                unreadable: None,
            };
            cache.names(&origin, &Limits::default())
        };
        assert!(named("base.yaml"));
        assert!(named("patches/es.yaml"));
        assert!(!named("other.yaml"));
    }
}
