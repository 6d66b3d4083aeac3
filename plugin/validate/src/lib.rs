//! Mistakes in manifests of `external-secrets.io`, found before they are applied.
//!
//! ```text
//! objects ─▶ schema (is it what the API takes?) ─▶ api (what the webhook would refuse)
//!                                                     └▶ rules (what works and surprises)
//! ```
//!
//! Nothing here reads a file, a cluster or a clock. Every finding has a code with one home, and a
//! place in the manifest. None quotes a value that may be secret.

pub mod api;
pub mod codes;
pub mod fix;
mod place;
pub mod rules;
pub mod schema;
mod similar;
mod subject;

use extsecret_crds::{API_VERSION, GROUP, schema as definitions};
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::stream::Object;
use serde_json::Value;

pub use subject::{Manifests, Stores, Target};

/// The API group of kubernetes-external-secrets.
const KES_GROUP: &str = "kubernetes-client.io/";

/// What a look at an object came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was checked; these are the findings, in the order of their places.
    Checked(Vec<Diagnostic>),
    /// It is of kubernetes-external-secrets, whose rules are those of the migration.
    OldKind,
    /// It is of a kind that nobody here knows.
    NotOurs,
}

/// Checks an object. `all` is what the other manifests of the run hold.
pub fn check(object: &Object<'_>, all: &Manifests<'_>) -> Verdict {
    check_with(object, all, None)
}

/// The same with the schema that a cluster has for the kind, if one is known.
pub fn check_with(object: &Object<'_>, all: &Manifests<'_>, own: Option<&Value>) -> Verdict {
    let api_version = object.api_version().unwrap_or_default();
    let kind = object.kind().unwrap_or_default();
    if api_version.starts_with(KES_GROUP) {
        return Verdict::OldKind;
    }
    if !api_version.starts_with(&format!("{GROUP}/")) {
        return Verdict::NotOurs;
    }
    let Some(schema) = own.or_else(|| definitions::v1(kind)) else {
        return Verdict::NotOurs;
    };
    if api_version != API_VERSION {
        let message = format!("{kind} of {api_version} is not served any more, only {API_VERSION}");
        let diagnostic =
            Diagnostic::new(&codes::OLD_VERSION, message).at(object.place_of(&["apiVersion"]));
        return Verdict::Checked(vec![diagnostic.field("apiVersion")]);
    }
    let mut found = schema::check(object, schema);
    found.extend(named(object));
    // What has fields of the wrong type says nothing that a rule could look at.
    if let Some(subject) = subject::Subject::read(object, kind) {
        let api = api::check(&subject);
        // Where both speak of one field, the rule says more than a count of its members.
        found.retain(|it| {
            it.code != &codes::WRONG_VALUE || api.iter().all(|rule| rule.field != it.field)
        });
        found.extend(api);
        for rule in rules::ALL {
            (rule.check)(&subject, all, &mut found);
        }
    }
    found.sort_by_key(|diagnostic| diagnostic.place.map(|place| (place.file, place.span.start)));
    Verdict::Checked(found)
}

/// An object without a name is nobody's.
fn named(object: &Object<'_>) -> Option<Diagnostic> {
    let metadata = object.node.get("metadata");
    let has = |field: &str| {
        let name = metadata.and_then(|metadata| metadata.get(field)?.as_str());
        name.is_some_and(|name| !name.is_empty())
    };
    (!has("name") && !has("generateName")).then(|| {
        Diagnostic::new(&codes::NO_NAME, "the object has no metadata.name")
            .at(object.place_of(&["metadata"]))
            .field("metadata.name")
    })
}
