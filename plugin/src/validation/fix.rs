//! Fixes, written into the files that they are about.

use std::collections::BTreeSet;

use anyhow::bail;
use extsecret_manifest::edit::{self, Replacement};
use extsecret_manifest::read::{self as reader, Content, Limits};
use extsecret_manifest::source::SourceFile;
use extsecret_manifest::stream;
use extsecret_validate::fix::{Change, Fix, fixes};

use crate::files::{self, Write};
use crate::input::{Input, Inputs};

/// What was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) fixes: usize,
    pub(crate) files: usize,
}

/// Writes what can be fixed into the files.
pub(crate) fn apply(inputs: &Inputs, limits: &Limits) -> anyhow::Result<Fixed> {
    let mut fixed = Fixed::default();
    let mut writes = Vec::new();
    for input in &inputs.files {
        let Some(source) = inputs.sources.get(input.id) else { continue };
        let replacements = replacements(source, input);
        let path = input.origin.path.as_deref().filter(|path| path.is_file() && input.verbatim);
        let Some(path) = path.filter(|_| !replacements.is_empty()) else { continue };
        let text = edit::splice(source.text(), &replacements);
        if !reads_as_before(source, input, &text, limits) {
            bail!("{} cannot be changed: it would not read as intended", source.path());
        }
        fixed.fixes += replacements.len();
        fixed.files += 1;
        writes.push(Write { path: path.to_owned(), text });
    }
    files::write_all(&writes)?;
    Ok(fixed)
}

fn replacements(source: &SourceFile, input: &Input) -> Vec<Replacement> {
    let objects = input.documents.iter().flat_map(stream::objects);
    let mut seen = BTreeSet::new();
    let all = objects.flat_map(|object| fixes(&object));
    // Of what stands behind an anchor there are several that say the same.
    all.filter(|fix| seen.insert(fix.place.span.start))
        .filter_map(|fix| replacement(source, &fix))
        .collect()
}

/// `None` where the text is not what a fix is for, such as the name of an anchor.
fn replacement(source: &SourceFile, fix: &Fix) -> Option<Replacement> {
    let span = fix.place.span;
    let old = source.slice(span);
    let plain = |text: &str| {
        let fine = |c: char| c.is_ascii_alphanumeric() || "+-._:".contains(c);
        !text.is_empty() && text.chars().all(fine)
    };
    let quote = old.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = match quote {
        Some(quote) => old.strip_prefix(quote)?.strip_suffix(quote)?,
        None => old,
    };
    if !plain(inner) {
        return None;
    }
    let text = match (&fix.change, quote) {
        (Change::Replace(text), None) => text.clone(),
        (Change::Replace(text), Some(quote)) => format!("{quote}{text}{quote}"),
        (Change::Quote, None) => format!("\"{old}\""),
        (Change::Quote, Some(_)) => return None,
    };
    Some(Replacement { span, text })
}

/// Whether the new text holds as many documents, and none that is broken now.
fn reads_as_before(source: &SourceFile, input: &Input, text: &str, limits: &Limits) -> bool {
    let decoded = reader::decode(source.path(), text.as_bytes().to_vec(), limits);
    let Ok(decoded) = decoded else { return false };
    let after = reader::read(input.id, &decoded, limits);
    let broken = |content: &Content| matches!(content, Content::Broken(_));
    after.len() == input.documents.len()
        && after
            .iter()
            .zip(&input.documents)
            .all(|(after, before)| broken(&after.content) == broken(&before.content))
}
