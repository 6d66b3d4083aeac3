//! The codes of `render`.

use extsecret_manifest::diagnostic::{Code, Severity};

pub(crate) static UNREADABLE_OBJECT: Code = Code {
    id: "V01",
    severity: Severity::Error,
    title: "ExternalSecret cannot be read",
    why: "The object is not what its kind and API version promise: a field has the wrong type, or \
          the version is one that nobody serves any more. The API server would refuse it.",
    action: "Correct the field that the message names. Objects of kubernetes-client.io/v1 and of \
             external-secrets.io/v1alpha1 or v1beta1 are converted by `kubectl extsecret migrate`.",
};

pub(crate) static NO_VALUE: Code = Code {
    id: "V02",
    severity: Severity::Error,
    title: "value cannot be fetched",
    why: "Without the value there is no Secret. The controller would keep the Secret as it is, set \
          Ready to False with this cause, and try again.",
    action: "Create the secret at the provider, correct remoteRef.key, or get the permission that \
             the message names. With --values, add the name to the file.",
};

pub(crate) static UNUSABLE_VALUE: Code = Code {
    id: "V03",
    severity: Severity::Error,
    title: "value cannot be used",
    why: "The value is there, but the ExternalSecret asks for something that it does not have, or \
          its keys do not fit. The controller would keep the Secret as it is and set Ready to False.",
    action: "Correct property, rewrite, conversionStrategy or decodingStrategy, or the value.",
};

pub(crate) static NO_STORE: Code = Code {
    id: "V04",
    severity: Severity::Error,
    title: "store cannot be used",
    why: "The store says which provider, region and prefix a key belongs to. Without it nothing can \
          be fetched.",
    action: "Give the store's manifest with -f as well, create it, or give the values with --values.",
};

pub(crate) static TEMPLATE_SYNTAX: Code = Code {
    id: "T01",
    severity: Severity::Error,
    title: "template cannot be parsed",
    why: "Templates are Go text/template with the functions of External Secrets Operator. The \
          controller cannot write this Secret, whatever the values are.",
    action: "Correct the template at the line shown.",
};

pub(crate) static TEMPLATE_FAILED: Code = Code {
    id: "T02",
    severity: Severity::Error,
    title: "template fails on these values",
    why: "The template can be parsed, but a key that it uses is not among the values, a function \
          refuses its argument, or it needs more than a template may use.",
    action: "Compare the keys that the template uses with those that data and dataFrom bring. A key \
             with a dot or a hyphen is reached with index: {{ index . \"tls.crt\" }}.",
};

pub(crate) static TEMPLATE_SOURCE: Code = Code {
    id: "T03",
    severity: Severity::Error,
    title: "source of a template is missing",
    why: "templateFrom names a ConfigMap or Secret, or a key of it, that is not there.",
    action: "Create it, correct the name or the key, or give its manifest with -f as well.",
};

pub(crate) static NO_SECRET: Code = Code {
    id: "T04",
    severity: Severity::Error,
    title: "the result is no valid Secret",
    why: "The values and templates bring something that the API server refuses, or that must not be \
          written over what is in the cluster.",
    action: "Do what the message says.",
};

/// All of them.
pub(crate) static ALL: &[&Code] = &[
    &UNREADABLE_OBJECT,
    &NO_VALUE,
    &UNUSABLE_VALUE,
    &NO_STORE,
    &TEMPLATE_SYNTAX,
    &TEMPLATE_FAILED,
    &TEMPLATE_SOURCE,
    &NO_SECRET,
];
