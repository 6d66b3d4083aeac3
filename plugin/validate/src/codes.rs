//! The codes of what the API refuses: `S..` its schema, `A..` its rules. Those of the lint rules
//! stand in the file of each rule.

use extsecret_manifest::diagnostic::{Code, Severity};

use crate::rules;

/// Field that the API does not know.
pub static UNKNOWN_FIELD: Code = Code {
    id: "S01",
    severity: Severity::Error,
    title: "field that the API does not know",
    why: "The API server drops such a field without a word: what it should do does not happen.",
    action: "Correct the name of the field, or remove it.",
};

/// Value of the wrong type.
pub static WRONG_TYPE: Code = Code {
    id: "S02",
    severity: Severity::Error,
    title: "value of the wrong type",
    why: "The API server refuses the object. Often quotes are missing: kubectl reads yes, no, \
          on, off and numbers as something else than text.",
    action: "Write the value as the message says.",
};

/// Value that the API does not allow.
pub static WRONG_VALUE: Code = Code {
    id: "S03",
    severity: Severity::Error,
    title: "value that the API does not allow",
    why: "The API server refuses the object.",
    action: "Write one of the values that the message or its help names.",
};

/// Required field is missing.
pub static MISSING: Code = Code {
    id: "S04",
    severity: Severity::Error,
    title: "required field is missing",
    why: "The API server refuses the object.",
    action: "Add the field.",
};

/// API version that is not served.
pub static OLD_VERSION: Code = Code {
    id: "S05",
    severity: Severity::Error,
    title: "API version that is not served",
    why: "External Secrets Operator serves external-secrets.io/v1 only. The API server refuses \
          older versions: there is no conversion.",
    action: "Convert the object: kubectl extsecret migrate -f FILE.",
};

/// Field without a value.
pub static NULL_FIELD: Code = Code {
    id: "S07",
    severity: Severity::Warning,
    title: "field without a value",
    why: "Nothing, or null, is no value. `kubectl create` and `kubectl apply` take the field as absent; \
          server-side apply, which GitOps tools use, refuses the object.",
    action: "Remove the field, or write its value. In a chart, put the key inside of the condition \
             that its value is in.",
};

/// Object without a name.
pub static NO_NAME: Code = Code {
    id: "S06",
    severity: Severity::Error,
    title: "object without a name",
    why: "The API server refuses it.",
    action: "Add metadata.name.",
};

/// The policy `Delete` for a target that is not owned.
pub static DELETE_NEEDS_OWNER: Code = Code {
    id: "A01",
    severity: Severity::Error,
    title: "deletionPolicy Delete for a target that is not owned",
    why: "The controller deletes only what it owns. The webhook refuses the object; without the \
          webhook it fails when the values are gone.",
    action: "Use creationPolicy Owner, or deletionPolicy Retain.",
};

/// The policy `Merge` without a target.
pub static MERGE_NEEDS_TARGET: Code = Code {
    id: "A02",
    severity: Severity::Error,
    title: "deletionPolicy Merge without a target",
    why: "With creationPolicy None nothing is written, so no key can be taken away. The webhook \
          refuses the object.",
    action: "Use another deletionPolicy, or another creationPolicy.",
};

/// Nothing to fetch.
pub static SOME_DATA: Code = Code {
    id: "A03",
    severity: Severity::Error,
    title: "nothing to fetch",
    why: "An ExternalSecret without data and dataFrom has nothing to do. The webhook refuses \
          it.",
    action: "Add an item to data or dataFrom.",
};

/// Several sources in one item of dataFrom.
pub static ONE_SOURCE: Code = Code {
    id: "A04",
    severity: Severity::Error,
    title: "several sources in one item of dataFrom",
    why: "extract, find and generatorRef exclude each other in one item. The webhook refuses \
          the object.",
    action: "Use one item for each source.",
};

/// Item of dataFrom without a source.
pub static SOME_SOURCE: Code = Code {
    id: "A05",
    severity: Severity::Error,
    title: "item of dataFrom without a source",
    why: "The item says nothing about what to fetch. The webhook refuses the object.",
    action: "Add extract, find or sourceRef.generatorRef.",
};

/// Empty sourceRef.
pub static SOURCE_REF_NOT_EMPTY: Code = Code {
    id: "A06",
    severity: Severity::Error,
    title: "empty sourceRef",
    why: "A sourceRef has to name a store or a generator. The webhook refuses the object.",
    action: "Add storeRef or generatorRef, or remove sourceRef.",
};

/// One secretKey twice.
pub static UNIQUE_SECRET_KEYS: Code = Code {
    id: "A07",
    severity: Severity::Error,
    title: "one secretKey twice",
    why: "Only the last item with this key would count. The webhook refuses the object.",
    action: "Remove one of the items, or give it another secretKey.",
};

/// Secret for which the cluster issues a token.
pub static NO_ISSUED_TOKEN: Code = Code {
    id: "A08",
    severity: Severity::Error,
    title: "Secret for which the cluster issues a token",
    why: "Whoever may make an ExternalSecret could get a token of any ServiceAccount of the \
          namespace, or let a node join the cluster.",
    action: "Make such Secrets by other means.",
};

/// Template for a part of a Secret that there is not.
pub static KNOWN_TEMPLATE_TARGET: Code = Code {
    id: "A09",
    severity: Severity::Error,
    title: "template for a part of a Secret that there is not",
    why: "The output of a template can go to Data, Annotations or Labels of a Secret. The \
          webhook refuses the object.",
    action: "Use one of the three.",
};

/// Refresh interval of a store cannot be used.
pub static STORE_REFRESH_INTERVAL: Code = Code {
    id: "A10",
    severity: Severity::Error,
    title: "refresh interval of a store cannot be used",
    why: "It is a whole number of seconds or a Go duration, and not negative. The webhook \
          refuses the object.",
    action: "Write for example 300 or 5m.",
};

/// Regular expression for namespaces does not compile.
pub static NAMESPACE_REGEX: Code = Code {
    id: "A11",
    severity: Severity::Error,
    title: "regular expression for namespaces does not compile",
    why: "The store could be used from no namespace by this condition. The webhook refuses the \
          object.",
    action: "Correct the expression; the dialect is RE2, without look-around.",
};

/// Deletion settings of Secrets Manager contradict each other.
pub static AWS_DELETION: Code = Code {
    id: "A12",
    severity: Severity::Error,
    title: "deletion settings of Secrets Manager contradict each other",
    why: "AWS takes either a deletion without recovery or a window of 7 to 30 days.",
    action: "Remove one of the two, or correct the window.",
};

/// Session tag with a reserved name.
pub static AWS_RESERVED_TAGS: Code = Code {
    id: "A13",
    severity: Severity::Error,
    title: "session tag with a reserved name",
    why: "The session tag policy writes these tags itself; the API server refuses the object.",
    action: "Use another name.",
};

/// Rule of the API.
pub static API_RULE: Code = Code {
    id: "A14",
    severity: Severity::Error,
    title: "rule of the API",
    why: "The admission webhook of External Secrets Operator refuses the object.",
    action: "Do what the message says.",
};

static API: &[&Code] = &[
    &UNKNOWN_FIELD,
    &WRONG_TYPE,
    &WRONG_VALUE,
    &MISSING,
    &OLD_VERSION,
    &NO_NAME,
    &NULL_FIELD,
    &DELETE_NEEDS_OWNER,
    &MERGE_NEEDS_TARGET,
    &SOME_DATA,
    &ONE_SOURCE,
    &SOME_SOURCE,
    &SOURCE_REF_NOT_EMPTY,
    &UNIQUE_SECRET_KEYS,
    &NO_ISSUED_TOKEN,
    &KNOWN_TEMPLATE_TARGET,
    &STORE_REFRESH_INTERVAL,
    &NAMESPACE_REGEX,
    &AWS_DELETION,
    &AWS_RESERVED_TAGS,
    &API_RULE,
];

/// All codes of this crate.
pub fn all() -> impl Iterator<Item = &'static Code> {
    API.iter().copied().chain(rules::ALL.iter().map(|rule| rule.code))
}
