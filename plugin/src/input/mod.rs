//! From what stands behind `-f` to documents.

mod gather;
mod kustomization;
pub(crate) mod manifests;
mod secrecy;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::helm::{self, HelmFile, StandIns};
use extsecret_manifest::node::Node;
use extsecret_manifest::read::{Content, Document, Limits};
use extsecret_manifest::source::{FileId, Place, SourceFile, Sources, Span};
use extsecret_manifest::{codes, read as reader, stream, write};
use extsecret_migrate::helm::Edited;
use extsecret_migrate::verify::Read;
use extsecret_migrate::{FileHints, Migration, Output};

use crate::catalogue::EMPTY;
use crate::cli::InputArgs;

pub(crate) use gather::Origin;

/// How stdin is called in messages.
pub(crate) const STDIN: &str = "<stdin>";

/// One file of the input with its documents.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its name among the sources.
    pub(crate) id: FileId,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Its documents, unless they were dropped; a file that could not be read has one, which says
    /// why.
    pub(crate) documents: Vec<Document>,
    /// What is known about it beyond its text.
    pub(crate) hints: FileHints,
    /// Its objects and actions, when it is read as a Helm template.
    pub(crate) helm: Option<HelmFile>,
    /// False when its bytes are not its text, as with UTF-16.
    pub(crate) verbatim: bool,
    /// True when its text is at hand.
    pub(crate) readable: bool,
}

/// All of the input.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The texts. Files read for context are among them.
    pub(crate) sources: Sources,
    /// The files, sorted by name and so by id.
    pub(crate) files: Vec<Input>,
    /// What is wrong with the arguments rather than with a document.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Files whose lines are never shown.
    pub(crate) hidden: BTreeSet<FileId>,
    /// What stands for the actions of Helm templates.
    pub(crate) words: StandIns,
    /// Helm templates with their converted objects.
    pub(crate) edited: BTreeMap<FileId, Edited>,
    /// All Helm templates.
    templates: BTreeSet<FileId>,
}

/// How files are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    /// A directory that is not entered: the output of an earlier run.
    pub(crate) except: Option<&'a Path>,
    /// What becomes of documents that have been looked at.
    pub(crate) documents: Documents,
    /// Files with actions are Helm templates, and stay such.
    pub(crate) helm: bool,
}

impl Inputs {
    /// True when there is a document to look at.
    pub(crate) fn any_readable(&self) -> bool {
        self.files.iter().any(|file| file.readable)
    }

    /// Adds a file that says something about the input. Its lines are never shown.
    ///
    /// A file that cannot be read has one document, which says why.
    pub(crate) fn add_context(&mut self, path: &Path, limits: &Limits) -> (FileId, Vec<Document>) {
        let path = file_or_stdin(path);
        let shown = path.as_deref().map_or_else(|| STDIN.to_owned(), |p| p.display().to_string());
        let source = bytes(path.as_deref(), limits)
            .map_err(|cause| unreadable(&cause.to_string()))
            .and_then(|bytes| reader::decode(&shown, bytes, limits));
        let (id, documents) = match source {
            Ok(source) => {
                let id = self.sources.add(source.clone());
                (id, reader::read(id, &source, limits))
            }
            Err(diagnostic) => {
                let place = self.add_nameless(&shown);
                (place.file, vec![broken(diagnostic, place)])
            }
        };
        self.hidden.insert(id);
        (id, documents)
    }

    /// Writes converted objects into the Helm templates that they come from.
    pub(crate) fn settle(&mut self, migration: &mut Migration, limits: &Limits) {
        let templates = self.files.iter_mut();
        let templates =
            templates.filter_map(|input| Some((input.id, input.helm.take()?))).collect();
        self.edited = extsecret_migrate::helm::settle(migration, &self.words, &templates, limits);
        self.templates = templates.into_keys().collect();
    }

    /// The text of documents that belong to no input file, with Helm's actions in it.
    pub(crate) fn text_of(&self, outputs: &[&Output], limits: &Limits) -> anyhow::Result<String> {
        let text = write::write_documents(outputs.iter().map(|output| output.node()));
        self.words.restore(&text, limits).map_err(|error| {
            anyhow::anyhow!("the stores cannot be written as a Helm template: {error}")
        })
    }

    /// True when a file was read as a Helm template.
    pub(crate) fn is_template(&self, file: FileId) -> bool {
        self.templates.contains(&file)
    }

    /// An object as it stands in its file: a document's own text, and of an item of a List what it
    /// says, since it cannot stand alone as it is.
    pub(crate) fn copied(&self, origin: &extsecret_migrate::Origin) -> Option<(String, &Node)> {
        let source = self.sources.get(origin.file)?;
        let (_, document, object) = self.find(origin)?;
        let text = match origin.item {
            None => source.slice(document.span).to_owned(),
            Some(_) => write::write(object.node),
        };
        Some((text, object.node))
    }

    /// An object again, to compare what became of it.
    pub(crate) fn read_again(&self, origin: &extsecret_migrate::Origin) -> Option<Read<'_>> {
        let file = self.sources.get(origin.file)?;
        let (input, _, object) = self.find(origin)?;
        Some(Read { file, node: object.node, hints: input.hints })
    }

    fn find(
        &self,
        origin: &extsecret_migrate::Origin,
    ) -> Option<(&Input, &Document, stream::Object<'_>)> {
        let index = self.files.binary_search_by_key(&origin.file, |input| input.id).ok()?;
        let input = self.files.get(index)?;
        let document = input.documents.iter().find(|d| d.index == origin.document)?;
        let object = stream::objects(document).into_iter().find(|o| o.item == origin.item)?;
        Some((input, document, object))
    }

    /// Adds a file that has no text, to speak of it.
    fn add_nameless(&mut self, shown: &str) -> Place {
        let id = self.sources.add(SourceFile::new(shown, ""));
        Place { file: id, span: Span::default() }
    }
}

/// What becomes of documents once they have been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    /// They are needed again, to edit or copy them.
    Keep,
    /// Of thousands of objects, only one file's worth is in memory at a time.
    Drop,
}

/// Finds and reads everything, and shows each file to `look`. A file that cannot be read does not
/// stop the others.
pub(crate) fn read(
    inputs: &mut Inputs,
    args: &InputArgs,
    reading: Reading<'_>,
    limits: &Limits,
    mut look: impl FnMut(&Input, &SourceFile, &StandIns),
) {
    let mut kustomizations = kustomization::Cache::default();
    for found in gather::gather(&args.filename, args.recursive, reading.except) {
        match found {
            gather::Found::File(origin) => {
                let hints = FileHints {
                    kustomization: kustomizations.names(&origin, limits),
                    helm_template: args.helm_template && !reading.helm,
                };
                let mut input = file(inputs, origin, hints, reading.helm, limits);
                if let Some(source) = inputs.sources.get(input.id) {
                    look(&input, source, &inputs.words);
                }
                if reading.documents == Documents::Drop {
                    input.documents = Vec::new();
                }
                inputs.files.push(input);
            }
            gather::Found::Empty { shown, why } => {
                let place = inputs.add_nameless(&shown);
                inputs.diagnostics.push(Diagnostic::new(&codes::NOTHING_FOUND, why).at(place));
            }
        }
    }
}

fn file(
    inputs: &mut Inputs,
    origin: Origin,
    hints: FileHints,
    helm: bool,
    limits: &Limits,
) -> Input {
    let shown = origin.shown.clone();
    let source = match &origin.unreadable {
        Some(cause) => Err(unreadable(cause)),
        None => bytes(origin.path.as_deref(), limits)
            .map_err(|cause| unreadable(&cause.to_string()))
            .and_then(|bytes| {
                // Everything else is taken as it is, or not at all.
                let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
                Ok((reader::decode(&shown, bytes, limits)?, !utf16))
            }),
    };
    match source {
        Ok((source, verbatim)) => {
            // The text is shared, not copied.
            let id = inputs.sources.add(source.clone());
            let mut template = None;
            let documents = if helm && helm::has_actions(source.text()) {
                match HelmFile::read(id, &source, &mut inputs.words, limits) {
                    Ok(file) => {
                        let documents = file.documents.clone();
                        template = Some(file);
                        documents
                    }
                    Err(error) => vec![no_template(id, &source, &error)],
                }
            } else {
                reader::read(id, &source, limits)
            };
            if secrecy::is_confidential(source.text(), &documents) {
                inputs.hidden.insert(id);
            }
            if documents.iter().all(|document| matches!(document.content, Content::Empty)) {
                let place = Place { file: id, span: Span::default() };
                // Somebody named it, or it just lies in the directory.
                let code = if origin.root.is_some() { &EMPTY } else { &codes::NOTHING_FOUND };
                let message = format!("{shown} holds no object");
                inputs.diagnostics.push(Diagnostic::new(code, message).at(place));
            }
            Input { id, origin, documents, hints, helm: template, verbatim, readable: true }
        }
        Err(diagnostic) => {
            let place = inputs.add_nameless(&shown);
            let documents = vec![broken(diagnostic, place)];
            let id = place.file;
            Input { id, origin, documents, hints, helm: None, verbatim: false, readable: false }
        }
    }
}

/// Adds what another program has written, as a file of this name.
pub(crate) fn add_text(inputs: &mut Inputs, shown: &str, bytes: Vec<u8>, limits: &Limits) {
    let (id, documents, readable) = match reader::decode(shown, bytes, limits) {
        Ok(source) => {
            let id = inputs.sources.add(source.clone());
            let documents = reader::read(id, &source, limits);
            if secrecy::is_confidential(source.text(), &documents) {
                inputs.hidden.insert(id);
            }
            (id, documents, true)
        }
        Err(diagnostic) => {
            let place = inputs.add_nameless(shown);
            (place.file, vec![broken(diagnostic, place)], false)
        }
    };
    let origin = Origin {
        path: None,
        shown: shown.to_owned(),
        relative: PathBuf::new(),
        root: None,
        unreadable: None,
    };
    let hints = FileHints { kustomization: false, helm_template: false };
    let input = Input { id, origin, documents, hints, helm: None, verbatim: true, readable };
    inputs.files.push(input);
}

/// The one document of a file that is no Helm template either.
fn no_template(id: FileId, source: &SourceFile, error: &helm::HelmError) -> Document {
    let at = error.at.unwrap_or_default();
    let place = Place { file: id, span: Span::new(at, at) };
    let diagnostic = Diagnostic::new(&extsecret_migrate::codes::E14, &error.message)
        .at(place)
        .help("correct the template, or render it with `helm template` and convert what it prints");
    let end = u32::try_from(source.text().len()).unwrap_or(u32::MAX);
    let content = Content::Broken(Box::new(diagnostic));
    Document { file: id, index: 0, span: Span::new(0, end), content }
}

/// The one document of a file that could not be read.
fn broken(diagnostic: Diagnostic, place: Place) -> Document {
    let content = Content::Broken(Box::new(diagnostic.at(place)));
    Document { file: place.file, index: 0, span: place.span, content }
}

fn unreadable(cause: &str) -> Diagnostic {
    Diagnostic::new(&codes::UNREADABLE, format!("the file cannot be read: {cause}"))
}

/// Reads a file or stdin, and not much more than a manifest may have.
pub(crate) fn bytes(path: Option<&Path>, limits: &Limits) -> io::Result<Vec<u8>> {
    let most = u64::try_from(limits.max_file_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    match path {
        Some(path) => File::open(path)?.take(most).read_to_end(&mut bytes)?,
        None => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// `-` means stdin.
pub(crate) fn file_or_stdin(path: &Path) -> Option<PathBuf> {
    (path != Path::new("-")).then(|| path.to_owned())
}
