//! Values, so that they can be compared later without being kept.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

/// What fingerprints are made with: a random secret of the state directory. A plain hash would let
/// anyone who sees it try the passwords of a dictionary.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of these bytes, which the caller has drawn at random.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Fingerprints of the `data` of a Secret as the API shows it.
    ///
    /// `about` is the Secret that the values are meant for, so that equal passwords of two Secrets
    /// have different fingerprints, and the same password in a Secret and its shadow the same.
    pub fn of_data(&self, about: &super::Pair, data: &Value) -> Fingerprints {
        let one = |(key, value): (&String, &Value)| {
            let text = value.as_str().unwrap_or_default();
            // What is not base64 cannot come from an API server; it differs from everything.
            let bytes = STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
            (key.clone(), self.of(&[&about.namespace, &about.secret, key], &bytes))
        };
        Fingerprints(data.as_object().into_iter().flatten().map(one).collect())
    }

    fn of(&self, names: &[&str], bytes: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        let parts = names.iter().map(|name| name.as_bytes()).chain([bytes]);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let digest = mac.finalize().into_bytes();
        digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// One fingerprint for each key of a Secret. `Debug` shows the keys only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprints(BTreeMap<String, String>);

impl Fingerprints {
    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Keys of `self` that `other` has not.
    pub fn missing_in(&self, other: &Self) -> Vec<String> {
        self.0.keys().filter(|key| !other.0.contains_key(*key)).cloned().collect()
    }

    /// Keys of both with other values.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let differs = |(key, value): &(&String, &String)| {
            other.0.get(*key).is_some_and(|theirs| theirs != *value)
        };
        self.0.iter().filter(differs).map(|(key, _)| key.clone()).collect()
    }
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
