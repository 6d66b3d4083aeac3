//! What an ExternalSecret asks the provider for: the questions, so that whoever can reach the
//! provider may ask them all at once.

use std::fmt;

use extsecret_crds::ExternalSecretSpec;
use extsecret_crds::external_secret::{
    Find, MetadataPolicy, RemoteRef, SecretStoreRef, SourceRef, StoreKind,
};

/// The item of the spec that a value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `spec.dataFrom[i]`
    DataFrom(usize),
    /// `spec.data[i]`
    Data(usize),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataFrom(index) => write!(f, "spec.dataFrom[{index}]"),
            Self::Data(index) => write!(f, "spec.data[{index}]"),
        }
    }
}

/// The store that is to answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreName {
    /// Its kind.
    pub kind: StoreKind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\"", self.kind, self.name)
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The item that asks.
    pub field: Field,
    /// Who is to answer.
    pub store: StoreName,
    /// What is wanted.
    pub fetch: Fetch,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetch {
    /// The value of one secret.
    Value {
        /// Name or ARN, without the store's prefix.
        key: String,
        /// As it is written: a stage, or `uuid/` and a version id.
        version: Option<String>,
    },
    /// The tags of one secret.
    Tags {
        /// Name or ARN, without the store's prefix.
        key: String,
    },
    /// All secrets that match.
    Find(Find),
}

/// Why there is no question to ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No store is named, neither for the item nor for the object.
    #[error(
        "{0} names no store: set spec.secretStoreRef.name, or sourceRef.storeRef.name of the item"
    )]
    NoStore(Field),
    /// The kind of the store is not one that there is.
    #[error("{field}: unknown kind of store {kind:?}: use SecretStore or ClusterSecretStore")]
    StoreKind {
        /// The item.
        field: Field,
        /// The kind as it was written.
        kind: String,
    },
    /// Generators are not supported.
    #[error("{field}: the generator {kind} {name:?} is not supported: only stores are")]
    Generator {
        /// The item.
        field: Field,
        /// The generator's kind.
        kind: String,
        /// The generator's name.
        name: String,
    },
}

/// The questions of `spec`, in the order in which the answers count: `dataFrom`, then `data`.
/// An item of `dataFrom` that asks for nothing has no question, and brings no key.
///
/// # Errors
/// The first item that cannot be asked for.
pub fn requests(spec: &ExternalSecretSpec) -> Result<Vec<Request>, RequestError> {
    let mut requests = Vec::with_capacity(spec.data_from().len() + spec.data().len());
    for (index, item) in spec.data_from().iter().enumerate() {
        let field = Field::DataFrom(index);
        let fetch = match (&item.find, &item.extract) {
            // The order in which ESO looks.
            (Some(find), _) => Fetch::Find(find.clone()),
            (None, Some(reference)) => value_or_tags(reference),
            (None, None) => {
                refuse_generator(field, item.source_ref.as_ref())?;
                continue;
            }
        };
        let store = store(field, spec.secret_store_ref.as_ref(), item.source_ref.as_ref())?;
        requests.push(Request { field, store, fetch });
    }
    for (index, item) in spec.data().iter().enumerate() {
        let field = Field::Data(index);
        let store = store(field, spec.secret_store_ref.as_ref(), item.source_ref.as_ref())?;
        requests.push(Request { field, store, fetch: value_or_tags(&item.remote_ref) });
    }
    Ok(requests)
}

fn value_or_tags(reference: &RemoteRef) -> Fetch {
    let key = reference.key.clone();
    match reference.metadata_policy() {
        MetadataPolicy::Fetch => Fetch::Tags { key },
        _ => Fetch::Value { key, version: reference.version.clone().filter(|v| !v.is_empty()) },
    }
}

/// The store of an item, else that of the object.
fn store(
    field: Field,
    default: Option<&SecretStoreRef>,
    source: Option<&SourceRef>,
) -> Result<StoreName, RequestError> {
    refuse_generator(field, source)?;
    let store = source.and_then(|source| source.store_ref.as_ref()).or(default);
    let name = store.and_then(|store| store.name.as_deref()).filter(|name| !name.is_empty());
    let (Some(store), Some(name)) = (store, name) else {
        return Err(RequestError::NoStore(field));
    };
    match store.kind() {
        StoreKind::Other(kind) if !kind.is_empty() => Err(RequestError::StoreKind { field, kind }),
        StoreKind::Other(_) => {
            Ok(StoreName { kind: StoreKind::SecretStore, name: name.to_owned() })
        }
        kind => Ok(StoreName { kind, name: name.to_owned() }),
    }
}

fn refuse_generator(field: Field, source: Option<&SourceRef>) -> Result<(), RequestError> {
    match source.and_then(|source| source.generator_ref.as_ref()) {
        None => Ok(()),
        Some(generator) => Err(RequestError::Generator {
            field,
            kind: generator.kind.to_string(),
            name: generator.name.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(value: serde_json::Value) -> ExternalSecretSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn questions_come_in_the_order_in_which_the_answers_count() {
        let spec = spec(json!({
            "secretStoreRef": { "name": "main" },
            "data": [
                { "secretKey": "a", "remoteRef": { "key": "one", "version": "" } },
                { "secretKey": "b", "remoteRef": { "key": "two", "version": "uuid/1", "metadataPolicy": "Fetch" },
                  "sourceRef": { "storeRef": { "name": "other", "kind": "ClusterSecretStore" } } },
            ],
            "dataFrom": [
                { "extract": { "key": "three", "version": "AWSPREVIOUS" } },
                { "find": { "name": { "regexp": "x" } } },
            ],
        }));
        let asked = requests(&spec).unwrap();
        let main = StoreName { kind: StoreKind::SecretStore, name: "main".into() };
        let fields: Vec<_> = asked.iter().map(|request| request.field.to_string()).collect();
        assert_eq!(
            fields,
            ["spec.dataFrom[0]", "spec.dataFrom[1]", "spec.data[0]", "spec.data[1]"]
        );
        assert!(asked[..3].iter().all(|request| request.store == main));
        assert_eq!(asked[3].store.to_string(), "ClusterSecretStore \"other\"");
        let version = Some("AWSPREVIOUS".to_owned());
        assert_eq!(asked[0].fetch, Fetch::Value { key: "three".into(), version });
        assert_eq!(asked[2].fetch, Fetch::Value { key: "one".into(), version: None });
        assert_eq!(asked[3].fetch, Fetch::Tags { key: "two".into() });
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        let no_store = spec(json!({ "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }] }));
        assert_eq!(requests(&no_store), Err(RequestError::NoStore(Field::Data(0))));
        let generator = json!({ "kind": "Password", "name": "p" });
        let generator =
            spec(json!({ "dataFrom": [{ "sourceRef": { "generatorRef": generator } }] }));
        let error = requests(&generator).unwrap_err().to_string();
        assert!(error.contains("Password \"p\" is not supported"), "{error}");
        let kind = spec(json!({
            "secretStoreRef": { "name": "x", "kind": "Store" },
            "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }],
        }));
        assert!(requests(&kind).unwrap_err().to_string().contains("\"Store\""));
    }
}
