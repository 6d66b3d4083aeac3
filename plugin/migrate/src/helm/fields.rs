//! What becomes of a field of a KES object, as far as its value matters.

/// How much depends on a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing: it is copied.
    Copied,
    /// Only unusual values are changed: a property with brackets, a parameter with a version.
    Translated,
    /// It names a fetched value, by which a template may read it.
    Name,
    /// It is a template of KES, and becomes one of ESO.
    Template,
    /// It becomes a part of the store, which stands elsewhere.
    Store,
    /// Everything.
    Decides,
}

/// The rule for the value at a path.
pub(super) fn rule(path: &[String]) -> Rule {
    let path: Vec<&str> =
        path.iter().map(|step| if step.starts_with('[') { "[]" } else { step.as_str() }).collect();
    let (root, rest) =
        path.split_first().map_or(("", [].as_slice()), |(first, rest)| (*first, rest));
    match (root, rest) {
        ("metadata", ["name"] | ["labels" | "annotations", _]) => Rule::Copied,
        ("metadata", ["namespace"]) => Rule::Store,
        ("spec" | "secretDescriptor", rest) => spec(rest),
        _ => Rule::Decides,
    }
}

fn spec(path: &[&str]) -> Rule {
    match path {
        [
            "region" | "roleArn" | "vaultMountPoint" | "vaultRole" | "projectId" | "keyVaultName"
            | "controllerId",
        ] => Rule::Store,
        ["data" | "properties", "[]", "name"] => Rule::Name,
        ["data" | "properties" | "dataFromWithOptions", "[]", "versionId" | "versionStage"] => {
            Rule::Copied
        }
        ["data" | "properties", "[]", "key" | "property" | "version"]
        | ["dataFrom", "[]"]
        | ["dataFromWithOptions", "[]", "key" | "version"] => Rule::Translated,
        ["template", "stringData", _] | ["template", "metadata", "labels" | "annotations", _] => {
            Rule::Template
        }
        _ => Rule::Decides,
    }
}
