//! What consumed keys of a Secret hold, as a short text from which nothing can be guessed.
//!
//! A fingerprint stands in the annotations of a workload, which more people may read than may read
//! its Secrets. A plain hash there lets anyone try the passwords of a dictionary; so it is keyed, with
//! a key that stays in the controller's namespace.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::scan::KeySet;

/// Bytes that a key has at least.
pub const KEY_BYTES: usize = 32;

/// A key that is too short to protect anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of fingerprints has at least {KEY_BYTES} bytes, not {0}")]
pub struct ShortKey(pub usize);

/// Which key a fingerprint was made with: eight hexadecimal digits that say nothing about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// That of no key.
    pub const NONE: Self = Self([0; 4]);
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What fingerprints are made with. `Debug` shows only which one it is.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
    id: KeyId,
}

impl Key {
    /// A key of these bytes, which the caller has drawn at random.
    pub fn new(bytes: &[u8]) -> Result<Self, ShortKey> {
        if bytes.len() < KEY_BYTES {
            return Err(ShortKey(bytes.len()));
        }
        let bytes = Zeroizing::new(bytes.to_vec());
        let id = KeyId(mac(&bytes, Part::Id, []));
        Ok(Self { bytes, id })
    }

    /// Which one it is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the consumed keys of the Secret `namespace/name` hold.
    pub fn fingerprint(
        &self,
        namespace: &str,
        name: &str,
        content: &Content,
        keys: &KeySet,
    ) -> Fingerprint {
        let consumed: Vec<(&str, Option<&ValueDigest>)> = match keys {
            KeySet::All => content.0.iter().map(|(key, digest)| (&**key, Some(digest))).collect(),
            KeySet::Some(keys) => keys.iter().map(|key| (&**key, content.0.get(key))).collect(),
        };
        let parts = [namespace.as_bytes(), name.as_bytes()].into_iter();
        let values = consumed.iter().flat_map(|(key, digest)| {
            // A key that is not there differs from every value.
            let digest: &[u8] = digest.map_or(&[], |digest| &digest.0);
            [key.as_bytes(), digest]
        });
        let content = mac(&self.bytes, Part::Content, parts.chain(values));
        let keys = match keys {
            KeySet::All => mac(&self.bytes, Part::AllKeys, []),
            KeySet::Some(keys) => {
                mac(&self.bytes, Part::SomeKeys, keys.iter().map(|key| key.as_bytes()))
            }
        };
        Fingerprint { keys, content }
    }

    /// A text that differs from `before` and from that of any other content: what a pod template
    /// gets so that its pods are made anew.
    pub fn marker<'a>(
        &self,
        before: &str,
        contents: impl IntoIterator<Item = (&'a str, Fingerprint)>,
    ) -> String {
        let contents: Vec<_> = contents.into_iter().collect();
        let prints: Vec<_> = contents.iter().map(|(name, print)| (*name, print.bytes())).collect();
        let parts = prints.iter().flat_map(|(name, print)| [name.as_bytes(), print.as_slice()]);
        let parts = std::iter::once(before.as_bytes()).chain(parts);
        let marker: [u8; 16] = mac(&self.bytes, Part::Marker, parts);
        URL_SAFE_NO_PAD.encode(marker)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.id).finish()
    }
}

/// What a text is made for: no two purposes give the same.
#[derive(Clone, Copy)]
enum Part {
    Id = 1,
    Content,
    AllKeys,
    SomeKeys,
    Marker,
}

/// The first bytes of an HMAC-SHA-256 over the parts, each with its length before it, so that no two
/// lists of parts read the same.
fn mac<'a, const N: usize>(
    key: &[u8],
    part: Part,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> [u8; N] {
    let mut first = [0; N];
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return first };
    mac.update(&[part as u8]);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    first.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    first
}

/// A value, hashed as it came, so that it need not be kept. It stays in memory: whoever has it can
/// try guesses.
#[derive(Clone, PartialEq, Eq)]
pub struct ValueDigest([u8; 32]);

impl ValueDigest {
    /// Of a value.
    pub fn of(value: &[u8]) -> Self {
        Self(Sha256::digest(value).into())
    }
}

impl fmt::Debug for ValueDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueDigest")
    }
}

/// What a Secret holds, without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(pub BTreeMap<Box<str>, ValueDigest>);

impl Content {
    /// Of keys and values.
    pub fn of<'a>(data: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self(data.into_iter().map(|(key, value)| (key.into(), ValueDigest::of(value))).collect())
    }
}

/// What consumed keys of one Secret held at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    /// Which keys were consumed.
    keys: [u8; 4],
    content: [u8; 16],
}

impl Fingerprint {
    /// Whether both are of the same keys, so that a difference is one of content.
    pub fn has_keys_of(self, other: Self) -> bool {
        self.keys == other.keys
    }

    fn bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let all = self.keys.into_iter().chain(self.content);
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Reads what `Display` has written.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 20] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let [a, b, c, d, content @ ..] = bytes;
        Some(Self { keys: [a, b, c, d], content })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.bytes()))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(seed: u8) -> Key {
        Key::new(&[seed; KEY_BYTES]).unwrap()
    }

    fn content(data: &[(&str, &str)]) -> Content {
        Content::of(data.iter().map(|(key, value)| (*key, value.as_bytes())))
    }

    fn some(keys: &[&str]) -> KeySet {
        KeySet::Some(keys.iter().map(|key| Box::from(*key)).collect())
    }

    fn print(data: &[(&str, &str)], keys: &KeySet) -> Fingerprint {
        key(1).fingerprint("shop", "db", &content(data), keys)
    }

    #[test]
    fn only_consumed_keys_count() {
        let before = [("user", "a"), ("password", "b"), ("note", "x")];
        let after = [("user", "a"), ("password", "b"), ("note", "y"), ("new", "z")];
        let two = some(&["user", "password"]);
        assert_eq!(print(&before, &two), print(&after, &two));
        assert_ne!(print(&before, &KeySet::All), print(&after, &KeySet::All));
        assert_ne!(print(&before, &some(&["note"])), print(&after, &some(&["note"])));
    }

    #[test]
    fn a_missing_key_is_not_an_empty_one() {
        let keys = some(&["a", "b"]);
        assert_ne!(print(&[("a", "")], &keys), print(&[("a", ""), ("b", "")], &keys));
    }

    #[test]
    fn other_keys_are_told_from_other_content() {
        let (a, both) = (some(&["a"]), some(&["a", "b"]));
        let data = [("a", "1"), ("b", "2")];
        assert!(!print(&data, &a).has_keys_of(print(&data, &both)));
        assert!(!print(&data, &both).has_keys_of(print(&data, &KeySet::All)));
        assert!(print(&data, &both).has_keys_of(print(&[("a", "9"), ("b", "9")], &both)));
    }

    #[test]
    fn equal_values_of_two_secrets_do_not_show() {
        let content = content(&[("a", "1")]);
        let (first, second) = (key(1), key(1));
        let db = first.fingerprint("shop", "db", &content, &KeySet::All);
        assert_eq!(db, second.fingerprint("shop", "db", &content, &KeySet::All));
        assert_ne!(db, first.fingerprint("shop", "api", &content, &KeySet::All));
        assert_ne!(db, first.fingerprint("other", "db", &content, &KeySet::All));
        assert_ne!(db, key(2).fingerprint("shop", "db", &content, &KeySet::All));
    }

    #[test]
    fn a_key_shows_neither_itself_nor_its_bytes() {
        assert_eq!(Key::new(&[7; 31]).err(), Some(ShortKey(31)));
        assert_eq!(format!("{:?}", key(7)), format!("Key({})", key(7).id()));
        assert_eq!(key(7).id().to_string().len(), 8);
        assert_ne!(key(7).id(), key(8).id());
    }

    #[test]
    fn a_marker_differs_even_if_the_content_comes_back() {
        let print = print(&[("a", "1")], &KeySet::All);
        let first = key(1).marker("", [("db", print)]);
        let second = key(1).marker(&first, [("db", print)]);
        assert_ne!(first, second);
        assert_eq!(first, key(1).marker("", [("db", print)]));
    }

    proptest! {
        /// No value moves into a neighbour: `a=b;c` and `a` with `b;c`.
        #[test]
        fn different_data_has_different_prints(
            a in proptest::collection::btree_map("[ab=;\0]{0,3}", "[ab=;\0]{0,3}", 0..3),
            b in proptest::collection::btree_map("[ab=;\0]{0,3}", "[ab=;\0]{0,3}", 0..3),
        ) {
            let of = |data: &BTreeMap<String, String>| {
                let data: Vec<_> = data.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                print(&data, &KeySet::All)
            };
            prop_assert_eq!(a == b, of(&a) == of(&b));
        }

        #[test]
        fn what_is_written_is_read(value: Vec<u8>) {
            let content = Content::of([("a", value.as_slice())]);
            let print = key(3).fingerprint("n", "s", &content, &KeySet::All);
            prop_assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        }

        #[test]
        fn garbage_is_no_fingerprint_and_no_panic(text in ".{0,40}") {
            if let Some(print) = Fingerprint::parse(&text) {
                prop_assert_eq!(print.to_string(), text);
            }
        }
    }
}
