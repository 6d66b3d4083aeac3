//! Manifests that are looked at as they are: files, and what kubectl makes of a kustomization.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::read::{Content, Limits};

use super::{Documents, Inputs, Reading};
use crate::cli::{InputArgs, ObjectsArgs};
use crate::output;
use crate::output::text::Printer;

/// Reads what stands behind `-f`, `-R` and `-k`.
pub(crate) fn add(
    inputs: &mut Inputs,
    filename: &[PathBuf],
    recursive: bool,
    kustomization: Option<&Path>,
    limits: &Limits,
) -> anyhow::Result<()> {
    if !filename.is_empty() {
        let files = InputArgs {
            filename: filename.to_vec(),
            recursive,
            namespace: None,
            helm_template: false,
        };
        let reading = Reading { except: None, documents: Documents::Keep, helm: false };
        super::read(inputs, &files, reading, limits, |_, _, _| {});
    }
    if let Some(folder) = kustomization {
        let text = kustomize(folder)?;
        let shown = format!("<kustomize {}>", folder.display());
        super::add_text(inputs, &shown, text, limits);
    }
    Ok(())
}

/// The same for a verb that looks at the cluster otherwise.
pub(crate) fn add_objects(
    inputs: &mut Inputs,
    objects: &ObjectsArgs,
    limits: &Limits,
) -> anyhow::Result<()> {
    add(inputs, &objects.filename, objects.recursive, objects.kustomize.as_deref(), limits)
}

/// Tells of what could not be read, and says how many errors that were.
pub(crate) fn tell_broken(inputs: &Inputs) -> usize {
    let documents = inputs.files.iter().flat_map(|file| &file.documents);
    let broken: Vec<&Diagnostic> = documents
        .filter_map(|document| match &document.content {
            Content::Broken(error) => Some(&**error),
            _ => None,
        })
        .chain(&inputs.diagnostics)
        .collect();
    let mut printer = Printer::new(&inputs.sources, &inputs.hidden);
    for diagnostic in &broken {
        printer.add(None, None, std::slice::from_ref(*diagnostic));
    }
    output::stderr(&printer.finish());
    broken.iter().filter(|diagnostic| diagnostic.is_error()).count()
}

/// What kubectl makes of a folder with a kustomization.
fn kustomize(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let ran = Command::new("kubectl")
        .arg("kustomize")
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .context("cannot run kubectl, which -k needs")?;
    if !ran.status.success() {
        let cause = String::from_utf8_lossy(&ran.stderr);
        bail!("kubectl kustomize {}: {}", folder.display(), cause.trim());
    }
    Ok(ran.stdout)
}
