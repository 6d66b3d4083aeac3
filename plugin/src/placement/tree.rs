//! `--output-dir`: a tree of the shape of the input.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::bail;
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::read::Limits;
use extsecret_manifest::source::{Place, SourceFile, Span};
use extsecret_manifest::write;
use extsecret_migrate::{Migration, ObjectReport, Outcome, Output, codes};

use super::{Plan, STORES, by_file, companions, edit, existing, objects_of};
use crate::files::Write;
use crate::input::{Input, Inputs};
use crate::output::manifests;

/// The file for a Helm template that came from stdin.
const STDIN_TEMPLATE: &str = "stdin.yaml";

/// One file for each input file that has something to write, and one for the stores.
pub(crate) fn tree(
    inputs: &Inputs,
    migration: &Migration,
    folder: &Path,
    pass_through: bool,
    limits: &Limits,
) -> anyhow::Result<Plan> {
    let mut tree = Tree {
        folder,
        inputs,
        taken: BTreeSet::new(),
        files: BTreeMap::new(),
        plan: Plan::default(),
    };
    let mut of_files = by_file(migration);
    for input in &inputs.files {
        let outputs = of_files.remove(&input.id).unwrap_or_default();
        let kept: Vec<&ObjectReport> = objects_of(migration, input.id)
            .iter()
            .filter(|object| pass_through && object.outcome == Outcome::Kept)
            .collect();
        if outputs.is_empty() && kept.is_empty() {
            continue;
        }
        if inputs.is_template(input.id) {
            tree.template(input, &outputs);
        } else if input.origin.path.is_none() {
            tree.by_name(input, &outputs, &kept);
        } else if kept.is_empty() {
            let text = documents(&input.origin.relative, &outputs);
            tree.mirror(input, text, &outputs);
        } else {
            match with_others(inputs, input, migration, &outputs, limits) {
                Ok(text) => tree.mirror(input, text, &outputs),
                Err(diagnostic) => tree.plan.diagnostics.push(diagnostic),
            }
        }
    }
    tree.stores(migration, limits)?;
    tree.finish(limits)
}

struct Tree<'a> {
    folder: &'a Path,
    inputs: &'a Inputs,
    taken: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, String>,
    plan: Plan,
}

impl Tree<'_> {
    /// The input file's own path below the folder.
    fn mirror(&mut self, input: &Input, text: String, outputs: &[(usize, &Output)]) {
        let path = self.free(&input.origin.relative, input);
        self.plan.places.extend(outputs.iter().map(|(index, _)| (*index, path.clone())));
        self.files.insert(path, text);
    }

    /// A Helm template as a whole, with its converted objects.
    fn template(&mut self, input: &Input, outputs: &[(usize, &Output)]) {
        let text = match self.inputs.edited.get(&input.id) {
            Some(edited) => edited.text.clone(),
            None => self.inputs.sources.get(input.id).map_or("", SourceFile::text).to_owned(),
        };
        if input.origin.path.is_some() {
            return self.mirror(input, text, outputs);
        }
        let path = self.free(Path::new(STDIN_TEMPLATE), input);
        self.plan.places.extend(outputs.iter().map(|(index, _)| (*index, path.clone())));
        self.files.insert(path, text);
    }

    /// Objects that have no file of their own: `NAMESPACE/NAME.yaml`.
    fn by_name(&mut self, input: &Input, outputs: &[(usize, &Output)], kept: &[&ObjectReport]) {
        for (index, output) in outputs {
            let path = object_path(output.namespace.as_deref(), &output.name);
            let path = self.free(&path, input);
            self.plan.places.insert(*index, path.clone());
            self.files.insert(path, write::write(&output.standalone()));
        }
        for object in kept {
            let Some((text, _)) = self.inputs.copied(&object.origin) else { continue };
            let name = object.name.as_deref().unwrap_or("unnamed");
            let name = format!("{}-{name}", object.kind.to_lowercase());
            let path = object_path(object.namespace.as_deref(), &name);
            let path = self.free(&path, input);
            self.files.insert(path, text);
        }
    }

    fn stores(&mut self, migration: &Migration, limits: &Limits) -> anyhow::Result<()> {
        let (indexes, outputs): (Vec<_>, Vec<_>) = companions(migration).unzip();
        if outputs.is_empty() {
            return Ok(());
        }
        let text = self.inputs.text_of(&outputs, limits)?;
        let path = free_name(Path::new(STORES), &self.taken);
        if path != Path::new(STORES) {
            let message = format!(
                "{STORES} is the name of an input file too, so the stores are in {}",
                path.display()
            );
            self.plan.diagnostics.push(Diagnostic::new(&codes::W28, message));
        }
        self.taken.insert(path.clone());
        let path = self.folder.join(path);
        self.plan.places.extend(indexes.into_iter().map(|index| (index, path.clone())));
        self.files.insert(path, text);
        Ok(())
    }

    /// A path below the folder that nobody has yet.
    fn free(&mut self, wanted: &Path, input: &Input) -> PathBuf {
        let path = free_name(wanted, &self.taken);
        if path != wanted {
            let message = format!(
                "{} is taken by another input, so this is in {}",
                wanted.display(),
                path.display()
            );
            let place = Place { file: input.id, span: Span::default() };
            self.plan.diagnostics.push(Diagnostic::new(&codes::W28, message).at(place));
        }
        self.taken.insert(path.clone());
        self.folder.join(path)
    }

    fn finish(mut self, limits: &Limits) -> anyhow::Result<Plan> {
        let inputs: BTreeSet<PathBuf> = self
            .inputs
            .files
            .iter()
            .filter_map(|input| input.origin.path.as_ref())
            .filter_map(|path| std::fs::canonicalize(path).ok())
            .collect();
        for (path, text) in self.files {
            if std::fs::canonicalize(&path).is_ok_and(|path| inputs.contains(&path)) {
                bail!(
                    "{} is one of the input files: use --in-place, or name another directory",
                    path.display()
                );
            }
            existing::may_replace(&path, &text, limits)?;
            self.plan.writes.push(Write { path, text });
        }
        Ok(self.plan)
    }
}

/// The outputs of a file, in the format that its name says.
fn documents(path: &Path, outputs: &[(usize, &Output)]) -> String {
    let nodes: Vec<_> = outputs.iter().map(|(_, output)| output.standalone()).collect();
    let nodes = nodes.iter().map(AsRef::as_ref);
    if path.extension().is_none_or(|extension| extension != "json") {
        return write::write_documents(nodes);
    }
    let mut nodes: Vec<Node> = nodes.cloned().collect();
    match (nodes.pop(), nodes.is_empty()) {
        (Some(only), true) => write::write_json(&only),
        (Some(last), false) => {
            nodes.push(last);
            write::write_json(&manifests::list(nodes))
        }
        (None, _) => String::new(),
    }
}

/// The file as it is, with the converted objects in their places and the refused ones left out.
fn with_others(
    inputs: &Inputs,
    input: &Input,
    migration: &Migration,
    outputs: &[(usize, &Output)],
    limits: &Limits,
) -> Result<String, Diagnostic> {
    let mut changes: edit::Changes<'_> = objects_of(migration, input.id)
        .iter()
        .filter(|object| object.outcome != Outcome::Kept)
        .map(|object| (edit::key(&object.origin), Vec::new()))
        .collect();
    for (_, output) in outputs {
        if let Some(origin) = &output.origin {
            changes.entry(edit::key(origin)).or_default().push(output.node());
        }
    }
    let Some(source) = inputs.sources.get(input.id) else { return Ok(String::new()) };
    Ok(edit::apply(source, &input.documents, &changes, limits)?.text)
}

/// `NAMESPACE/NAME.yaml`, whatever the names hold.
fn object_path(namespace: Option<&str>, name: &str) -> PathBuf {
    let mut path: PathBuf = namespace.map(file_name).into_iter().collect();
    path.push(format!("{}.yaml", file_name(name)));
    path
}

/// A name that cannot lead out of its folder.
fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' })
        .collect();
    if safe.chars().all(|c| c == '.') { "-".repeat(safe.len().max(1)) } else { safe }
}

/// The path, or the first of `NAME-2`, `NAME-3` ... that is not taken.
fn free_name(path: &Path, taken: &BTreeSet<PathBuf>) -> PathBuf {
    if !taken.contains(path) {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    let mut number = 2_usize;
    loop {
        let other = path.with_file_name(format!("{stem}-{number}{ending}"));
        if !taken.contains(&other) {
            return other;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_out_of_the_folder() {
        assert_eq!(object_path(Some("app"), "db"), Path::new("app/db.yaml"));
        assert_eq!(object_path(None, "db"), Path::new("db.yaml"));
        assert_eq!(object_path(Some(".."), "../../etc/x"), Path::new("--/..-..-etc-x.yaml"));
        assert_eq!(object_path(Some("a/b"), "c:d"), Path::new("a-b/c-d.yaml"));
    }

    #[test]
    fn taken_names_get_a_number() {
        let taken = BTreeSet::from([PathBuf::from("a/x.yaml"), PathBuf::from("a/x-2.yaml")]);
        assert_eq!(free_name(Path::new("a/x.yaml"), &taken), Path::new("a/x-3.yaml"));
        assert_eq!(free_name(Path::new("b/x.yaml"), &taken), Path::new("b/x.yaml"));
    }
}
