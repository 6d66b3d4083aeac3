//! Where the results go: which bytes into which file. Decides only; [`crate::files`] writes.

mod edit;
mod existing;
mod in_place;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::source::FileId;
use extsecret_migrate::{Migration, ObjectReport, Output};

use crate::files::Write;

pub(crate) use in_place::{in_place, stores_file};
pub(crate) use tree::tree;

/// The name of the file for objects that no input file stands for.
pub(crate) const STORES: &str = "secret-stores.yaml";

/// Everything to be written, in this order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The files.
    pub(crate) writes: Vec<Write>,
    /// What `--diff` says of each file.
    pub(crate) diffs: Vec<String>,
    /// Where each output went, by its index.
    pub(crate) places: BTreeMap<usize, PathBuf>,
    /// What happened on the way.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// The outputs of each file with their indexes, in the order in which their objects stand there.
fn by_file(migration: &Migration) -> BTreeMap<FileId, Vec<(usize, &Output)>> {
    let mut files: BTreeMap<FileId, Vec<(usize, &Output)>> = BTreeMap::new();
    for (index, output) in migration.outputs.iter().enumerate() {
        if let Some(origin) = output.origin {
            files.entry(origin.file).or_default().push((index, output));
        }
    }
    for outputs in files.values_mut() {
        outputs.sort_by_key(|(_, output)| output.origin);
    }
    files
}

/// The objects of a file. All of them are sorted by where they stand.
fn objects_of(migration: &Migration, file: FileId) -> &[ObjectReport] {
    let objects = &migration.objects;
    let start = objects.partition_point(|object| object.origin.file < file);
    let end = objects.partition_point(|object| object.origin.file <= file);
    objects.get(start..end).unwrap_or_default()
}

/// The outputs without an input object: stores, policies, skeletons.
fn companions(migration: &Migration) -> impl Iterator<Item = (usize, &Output)> {
    migration.outputs.iter().enumerate().filter(|(_, output)| output.origin.is_none())
}
