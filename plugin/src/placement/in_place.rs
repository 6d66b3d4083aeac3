//! `--in-place` and `--diff`: the input files themselves.

use std::path::{Path, PathBuf};

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::read::Limits;
use extsecret_manifest::source::{Place, Span};
use extsecret_migrate::{Migration, Outcome};

use super::{Plan, STORES, by_file, companions, edit, existing, objects_of};
use crate::catalogue::UNEDITABLE;
use crate::files::Write;
use crate::input::{Input, Inputs};
use crate::output::diff::{self, Territory};

/// The files with their objects replaced, and the stores in a file of their own, first.
///
/// A file that cannot be edited is left as it is, with a diagnostic.
pub(crate) fn in_place(
    inputs: &Inputs,
    migration: &Migration,
    stores: &Path,
    limits: &Limits,
) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    let new: Vec<_> = companions(migration).map(|(_, output)| output).collect();
    if let Some((before, text)) = existing::with_objects(stores, &new, inputs, limits)? {
        let shown = stores.display().to_string();
        plan.diffs.push(match before {
            Some(before) => diff::whole(&shown, &before, &text),
            None => diff::created(&shown, &text),
        });
        plan.writes.push(Write { path: stores.to_owned(), text });
    }
    plan.places.extend(companions(migration).map(|(index, _)| (index, stores.to_owned())));

    let outputs = by_file(migration);
    for input in &inputs.files {
        let Some(outputs) = outputs.get(&input.id) else { continue };
        let mut changes = edit::Changes::new();
        for (_, output) in outputs {
            if let Some(origin) = &output.origin {
                changes.entry(edit::key(origin)).or_default().push(output.node());
            }
        }
        let Some(source) = inputs.sources.get(input.id) else { continue };
        let edit = || match inputs.edited.get(&input.id) {
            Some(edited) => Ok(edited.clone()),
            None => edit::apply(source, &input.documents, &changes, limits),
        };
        let (edited, path) = match editable(input).and_then(|path| Ok((edit()?, path))) {
            Ok(edited) => edited,
            Err(diagnostic) => {
                plan.diagnostics.push(diagnostic);
                continue;
            }
        };
        let territory = territory(input, migration, &edited.touched);
        let text = source.text();
        plan.diffs.push(diff::edited(source.path(), text, &edited.replacements, &territory));
        plan.writes.push(Write { path: path.to_owned(), text: edited.text });
        plan.places.extend(outputs.iter().map(|(index, _)| (*index, path.to_owned())));
    }
    Ok(plan)
}

/// The file behind an input, when its bytes can be kept.
fn editable(input: &Input) -> Result<&Path, Diagnostic> {
    let refused = |why: &str| {
        let place = Place { file: input.id, span: Span::default() };
        let message = format!("{} cannot be edited in place: {why}", input.origin.shown);
        Diagnostic::new(&UNEDITABLE, message).at(place)
    };
    if !input.verbatim {
        return Err(refused("it is not written in UTF-8"));
    }
    match input.origin.path.as_deref() {
        Some(path) if path.is_file() => Ok(path),
        _ => Err(refused("it is not a regular file")),
    }
}

fn territory(input: &Input, migration: &Migration, touched: &[Span]) -> Territory {
    let untouched = input.documents.iter().map(|document| document.span);
    let others = objects_of(migration, input.id)
        .iter()
        .filter(|object| object.outcome == Outcome::Kept)
        .map(|object| object.origin.span);
    Territory {
        ours: touched.to_vec(),
        foreign: untouched.filter(|span| !touched.contains(span)).chain(others).collect(),
    }
}

/// Where new objects go unless the user says so: next to the input, whatever its order.
pub(crate) fn stores_file(arguments: &[PathBuf]) -> PathBuf {
    let folder = |path: &PathBuf| {
        if path.is_dir() {
            path.clone()
        } else {
            path.parent().map(Path::to_owned).unwrap_or_default()
        }
    };
    let common = arguments.iter().map(folder).reduce(|one, other| {
        one.components()
            .zip(other.components())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a)
            .collect()
    });
    common.unwrap_or_default().join(STORES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_stand_next_to_the_input() {
        let folder = crate::testing::folder();
        let root = folder.path();
        std::fs::create_dir_all(root.join("apps/web")).unwrap();
        std::fs::create_dir_all(root.join("apps/db")).unwrap();
        let of = |paths: &[&str]| {
            stores_file(&paths.iter().map(|path| root.join(path)).collect::<Vec<_>>())
        };
        assert_eq!(of(&["apps"]), root.join("apps").join(STORES));
        assert_eq!(of(&["apps/web/a.yaml"]), root.join("apps/web").join(STORES));
        assert_eq!(of(&["apps/web", "apps/db"]), root.join("apps").join(STORES));
        assert_eq!(of(&["apps/db", "apps/web"]), root.join("apps").join(STORES));
        assert_eq!(stores_file(&["a.yaml".into()]), PathBuf::from(STORES));
    }
}
