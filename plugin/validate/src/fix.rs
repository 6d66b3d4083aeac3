//! Mistakes of which there is one thing that can have been meant, and what to write instead.
//!
//! A fix changes a name or puts a value in quotes, where the object is refused or the field dropped as
//! it stands. Nothing that works is changed, and nothing is guessed that may mean two things.

use extsecret_crds::schema as definitions;
use extsecret_manifest::diagnostic::Code;
use extsecret_manifest::source::Place;
use extsecret_manifest::stream::Object;

use crate::schema;

/// What is to be changed at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Where.
    pub place: Place,
    /// Which mistake it is.
    pub code: &'static Code,
    /// What becomes of what stands there.
    pub change: Change,
}

/// A change of the text at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This stands there instead.
    Replace(String),
    /// What stands there is put into quotes.
    Quote,
}

/// The fixes of an object, in the order of their places.
#[must_use]
pub fn fixes(object: &Object<'_>) -> Vec<Fix> {
    if object.api_version() != Some(extsecret_crds::API_VERSION) {
        return Vec::new();
    }
    let Some(schema) = object.kind().and_then(definitions::v1) else { return Vec::new() };
    let mut fixes = schema::fixes(object, schema);
    fixes.sort_by_key(|fix| fix.place.span.start);
    fixes
}
