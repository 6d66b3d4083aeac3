//! What became of every object.

use std::borrow::Cow;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::source::{FileId, Place, Span};

/// Where an object stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file.
    pub file: FileId,
    /// The document in the file, from 0.
    pub document: usize,
    /// The item, when the document is a List.
    pub item: Option<usize>,
    /// The object's own span.
    pub span: Span,
}

impl Origin {
    /// The origin as a place to point at.
    pub const fn place(&self) -> Place {
        Place { file: self.file, span: self.span }
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Written as `external-secrets.io/v1`.
    Converted,
    /// Ours to convert, and not converted; its diagnostics say why.
    Refused,
    /// A document that could not be read; counts as refused.
    Unreadable,
    /// Of a kind that is none of our business, or already `external-secrets.io/v1`.
    Kept,
}

impl Outcome {
    /// As written to reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Converted => "converted",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Kept => "kept",
        }
    }
}

/// One input object's line in the report.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectReport {
    /// Where it stood.
    pub origin: Origin,
    /// Its `apiVersion`, empty when unreadable.
    pub api_version: String,
    /// Its `kind`, empty when unreadable.
    pub kind: String,
    /// Its namespace, when known.
    pub namespace: Option<String>,
    /// Its name, when known.
    pub name: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// `KIND/NAME` of the store it uses now.
    pub store: Option<String>,
    /// Everything found about it, in source order.
    pub diagnostics: Vec<Diagnostic>,
}

/// One object to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The input object it replaces; `None` for stores, policies and Secret skeletons.
    pub origin: Option<Origin>,
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// Its namespace, for namespaced kinds.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Comments of the List around the input object, when this is the first object of it.
    pub(crate) above: Vec<String>,
    pub(crate) body: Node,
}

impl Output {
    /// The whole object with its own comments, to stand where the input object stood.
    pub fn node(&self) -> &Node {
        &self.body
    }

    /// The object with what was said about the List that it comes from, to stand elsewhere.
    pub fn standalone(&self) -> Cow<'_, Node> {
        let mut node = Cow::Borrowed(&self.body);
        if !self.above.is_empty() {
            node.to_mut().comments_mut().before.splice(0..0, self.above.iter().cloned());
        }
        node
    }
}

/// The result of a run. Objects are in the order of their origins, outputs sorted: those without
/// origin first (stores, then the rest), then by namespace and name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migration {
    /// Every object of every document, exactly once.
    pub objects: Vec<ObjectReport>,
    /// Everything to write.
    pub outputs: Vec<Output>,
    /// Findings about the run as a whole.
    pub diagnostics: Vec<Diagnostic>,
}

impl Migration {
    /// How many objects had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.objects.iter().filter(|object| object.outcome == outcome).count()
    }

    /// How many stores are written.
    pub fn stores(&self) -> usize {
        self.outputs.iter().filter(|output| output.kind.ends_with("SecretStore")).count()
    }
}
