//! What can be wrong with a file before anyone looks at the objects in it.

use crate::diagnostic::{Code, Severity};

/// Not YAML and not JSON.
pub static SYNTAX: Code = Code {
    id: "R01",
    severity: Severity::Error,
    title: "not valid YAML or JSON",
    why: "kubectl could not read this document either. The other documents of the file were read.",
    action: "Correct the syntax at the place shown. If this is a Helm or Kustomize template, render \
             it first and read the result.",
};

/// One key twice in one map.
pub static DUPLICATE_KEY: Code = Code {
    id: "R02",
    severity: Severity::Error,
    title: "the same key twice in one map",
    why: "kubectl silently keeps one of the two values; which one the author meant is not known.",
    action: "Remove one of the two entries.",
};

/// Binary or wrongly encoded.
pub static NOT_TEXT: Code = Code {
    id: "R03",
    severity: Severity::Error,
    title: "not a text file",
    why: "Manifests are UTF-8 text, or UTF-16 with a byte order mark; this file is neither.",
    action: "Save the file as UTF-8, or leave it out.",
};

/// Nested, aliased or populated beyond reason.
pub static OVER_LIMIT: Code = Code {
    id: "R04",
    severity: Severity::Error,
    title: "nested too deeply, or too many values",
    why: "No Kubernetes object needs this much, and expanding it could exhaust the memory.",
    action: "Flatten the document, or write out what its anchors and aliases repeat.",
};

/// A file beyond the size limit.
pub static FILE_TOO_LARGE: Code = Code {
    id: "R05",
    severity: Severity::Error,
    title: "file too large",
    why: "The whole file would have to be held in memory.",
    action: "Split the file, or leave it out.",
};

/// An object that no API server stores.
pub static OBJECT_TOO_LARGE: Code = Code {
    id: "R06",
    severity: Severity::Error,
    title: "object over 1 MiB",
    why: "A Kubernetes API server does not store objects of this size.",
    action: "Check whether the file is what it seems to be; split the object.",
};

/// A tab where only spaces may indent.
pub static TAB: Code = Code {
    id: "R07",
    severity: Severity::Error,
    title: "tab in the indentation",
    why: "YAML allows only spaces for indentation; kubectl refuses the document.",
    action: "Replace the tab by spaces.",
};

/// The operating system refused.
pub static UNREADABLE: Code = Code {
    id: "R08",
    severity: Severity::Error,
    title: "file cannot be read",
    why: "The objects in it, if any, were not looked at.",
    action: "Check that the file exists and that you may read it.",
};

/// Nothing to read.
pub static NOTHING_FOUND: Code = Code {
    id: "R09",
    severity: Severity::Error,
    title: "no manifests found",
    why: "A run that reads nothing looks like a run that had nothing to complain about.",
    action: "Check the path; for a directory tree add -R (--recursive). Files are read when their \
             name ends in .yaml, .yml or .json.",
};

/// YAML that has no meaning in JSON.
pub static NOT_JSON: Code = Code {
    id: "R10",
    severity: Severity::Error,
    title: "a value that Kubernetes cannot hold",
    why: "Kubernetes objects are JSON: no infinity, no NaN, only text as keys, only valid Unicode. \
          kubectl refuses such a value or alters it without a word.",
    action: "Write the value as text in quotes, or correct it.",
};

/// Every code of this catalogue.
pub static ALL: &[&Code] = &[
    &SYNTAX,
    &DUPLICATE_KEY,
    &NOT_TEXT,
    &OVER_LIMIT,
    &FILE_TOO_LARGE,
    &OBJECT_TOO_LARGE,
    &TAB,
    &UNREADABLE,
    &NOTHING_FOUND,
    &NOT_JSON,
];
