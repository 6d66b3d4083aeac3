//! From the provider's answers to one map of keys and values (eso-semantics 2.7; ESO
//! `getProviderSecretData`).

use std::collections::BTreeMap;
use std::fmt;

use extsecret_crds::ExternalSecretSpec;
use extsecret_crds::external_secret::{
    ConversionStrategy, DataFromSource, DecodingStrategy, DeletionPolicy, ExternalSecretData,
    NullBytePolicy, Rewrite,
};
use gotemplate::Environment;

use crate::error::ValueError;
use crate::property::Payload;
use crate::request::{Fetch, Field, Request, RequestError};
use crate::secret::Data;
use crate::{decode, find, keys, property, rewrite};

/// What the provider answered to a [`Request`]. `Debug` shows no value.
#[derive(Clone)]
pub enum Fetched {
    /// The value of a secret.
    Value(Payload),
    /// The tags of a secret.
    Tags(BTreeMap<String, String>),
    /// Secrets that may match, by name: what the provider could not filter, the engine does.
    Found(Vec<(String, Payload)>),
}

impl Fetched {
    /// When the provider made the newest of the values, in milliseconds since 1970, if it says so.
    pub fn made(&self) -> Option<i64> {
        match self {
            Self::Value(payload) => payload.made,
            Self::Tags(_) => None,
            Self::Found(found) => found.iter().filter_map(|(_, payload)| payload.made).max(),
        }
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value"),
            Self::Tags(tags) => write!(f, "{} tags", tags.len()),
            Self::Found(found) => write!(f, "{} secrets", found.len()),
        }
    }
}

/// Why the provider has no answer. The texts hold no value, no request id and no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There is no such secret, or not in this version: what `deletionPolicy` is about.
    #[error("Secret does not exist")]
    NoSecret,
    /// Anything else; never a reason to delete something.
    #[error("{message}")]
    Failed {
        /// What happened and what to do.
        message: String,
        /// Whether trying again can help.
        may_pass: bool,
    },
}

/// All values of an ExternalSecret. `Debug` shows keys only.
#[derive(Clone, Default, PartialEq)]
pub struct Collected {
    /// The keys and their values.
    pub data: Data,
    /// Items whose secret does not exist at the provider, which the deletion policy lets pass.
    pub missing: Vec<Missing>,
}

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collected")
            .field("keys", &self.data.keys())
            .field("missing", &self.missing)
            .finish()
    }
}

/// An item whose secret the provider does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The item.
    pub field: Field,
    /// The key that was asked for; a search has none.
    pub key: Option<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{} (key={key})", self.field),
            None => write!(f, "{}", self.field),
        }
    }
}

/// Why there are no values.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CollectError {
    /// There is something that cannot be asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The provider did not answer.
    #[error("error processing {missing}: {error}")]
    Fetch {
        /// The item and its key.
        missing: Missing,
        /// The provider's error.
        error: FetchError,
    },
    /// The answer cannot be used.
    #[error("error processing {missing}: {error}")]
    Value {
        /// The item and its key.
        missing: Missing,
        /// What is wrong with it.
        error: Box<ValueError>,
    },
}

impl CollectError {
    /// Whether trying again with nothing changed here can help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Request(_) => false,
            Self::Fetch { error: FetchError::Failed { may_pass, .. }, .. } => *may_pass,
            // A secret may be made, and a value corrected, without this side being told.
            Self::Fetch { .. } | Self::Value { .. } => true,
        }
    }
}

/// Puts the answers to `requests` together: `dataFrom` in order, then `data`; what comes later
/// wins. `answers` has an answer for each request, in the same order.
///
/// # Errors
/// The first item without a usable answer. A secret that does not exist is no error when the
/// deletion policy is `Delete` or `Merge`.
pub fn collect(
    spec: &ExternalSecretSpec,
    requests: &[Request],
    answers: Vec<Result<Fetched, FetchError>>,
    environment: &mut dyn Environment,
) -> Result<Collected, CollectError> {
    let mut collected = Collected::default();
    for (request, answer) in requests.iter().zip(answers) {
        let missing = || Missing {
            field: request.field,
            key: match &request.fetch {
                Fetch::Value { key, .. } | Fetch::Tags { key } => Some(key.clone()),
                Fetch::Find(_) => None,
            },
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(FetchError::NoSecret)
                if matches!(
                    spec.deletion_policy(),
                    DeletionPolicy::Delete | DeletionPolicy::Merge
                ) =>
            {
                collected.missing.push(missing());
                continue;
            }
            Err(error) => return Err(CollectError::Fetch { missing: missing(), error }),
        };
        let entries = match request.field {
            Field::Data(index) => spec.data().get(index).map(|item| single(item, answer)),
            Field::DataFrom(index) => {
                spec.data_from().get(index).map(|item| many(item, answer, environment))
            }
        };
        let entries = entries
            .unwrap_or_else(|| Ok(Data::new()))
            .map_err(|error| CollectError::Value { missing: missing(), error: Box::new(error) })?;
        collected.data.extend(entries);
    }
    Ok(collected)
}

/// An item of `data`: one key.
fn single(item: &ExternalSecretData, answer: Fetched) -> Result<Data, ValueError> {
    let reference = &item.remote_ref;
    let payload = payload(answer);
    let value = property::select(&payload, reference.property.as_deref(), &reference.key)?;
    let value = decode::decode(&reference.decoding_strategy(), &item.secret_key, value)?;
    decode::check_null_bytes(&reference.null_byte_policy(), &item.secret_key, &value)?;
    Ok(Data::from([(item.secret_key.clone(), value)]))
}

/// Tags are a JSON object to all that follows.
fn payload(answer: Fetched) -> Payload {
    match answer {
        Fetched::Value(payload) => payload,
        Fetched::Tags(tags) => property::tags(&tags),
        Fetched::Found(_) => Payload::default(),
    }
}

/// An item of `dataFrom`: any number of keys.
fn many(
    item: &DataFromSource,
    answer: Fetched,
    environment: &mut dyn Environment,
) -> Result<Data, ValueError> {
    if let Some(wanted) = &item.find {
        let Fetched::Found(found) = answer else { return Ok(Data::new()) };
        let entries = find::select(wanted, found)?;
        return Keys {
            rewrite: item.rewrite(),
            conversion: wanted.conversion_strategy(),
            decoding: wanted.decoding_strategy(),
            null_bytes: wanted.null_byte_policy(),
        }
        .apply(entries, environment);
    }
    let Some(reference) = &item.extract else { return Ok(Data::new()) };
    let payload = payload(answer);
    let entries = property::extract(&payload, reference.property.as_deref(), &reference.key)?;
    Keys {
        rewrite: item.rewrite(),
        conversion: reference.conversion_strategy(),
        decoding: reference.decoding_strategy(),
        null_bytes: reference.null_byte_policy(),
    }
    .apply(entries, environment)
}

/// What is done to the keys and values of an item of `dataFrom`.
struct Keys<'a> {
    rewrite: &'a [Rewrite],
    conversion: ConversionStrategy,
    decoding: DecodingStrategy,
    null_bytes: NullBytePolicy,
}

impl Keys<'_> {
    fn apply(self, entries: Data, environment: &mut dyn Environment) -> Result<Data, ValueError> {
        // Whoever rewrites keys makes valid ones himself.
        let entries = if self.rewrite.is_empty() {
            keys::convert(&self.conversion, entries)?
        } else {
            rewrite::rewrite(self.rewrite, entries, environment)?
        };
        let entries = keys::validate(entries)?;
        let mut decoded = Data::new();
        for (key, value) in entries {
            let value = decode::decode(&self.decoding, &key, value)?;
            decode::check_null_bytes(&self.null_bytes, &key, &value)?;
            decoded.insert(key, value);
        }
        Ok(decoded)
    }
}
