//! The hashes and names that ESO writes on objects, bit for bit: whoever takes a cluster over, in
//! either direction, finds its own marks and rewrites nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha3::{Digest, Sha3_224};

/// Label of every Secret that is written; its value is `true`.
pub const MANAGED_LABEL: &str = "reconcile.external-secrets.io/managed";

/// Label of Secrets with creationPolicy Owner; its value is [`owner_label`].
pub const OWNER_LABEL: &str = "reconcile.external-secrets.io/created-by";

/// Annotation with the [`data_hash`] of the Secret.
pub const DATA_HASH_ANNOTATION: &str = "reconcile.external-secrets.io/data-hash";

/// What the name of a field manager begins with.
const FIELD_MANAGER: &str = "externalsecrets.external-secrets.io/";

/// Longest name of a field manager before ESO hashes the object's name, in bytes.
const FIELD_MANAGER_BYTES: usize = 63;

/// SHA3-224 in lower-case hexadecimal of what Go's `%+v` prints for a value (ESO
/// `esutils.ObjectHash`).
pub fn object_hash(printed: &[u8]) -> String {
    let mut text = String::with_capacity(56);
    for byte in Sha3_224::digest(printed) {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The hash of a Secret's data, which tells whether somebody else has changed it.
pub fn data_hash(data: &BTreeMap<String, Vec<u8>>) -> String {
    // Four bytes for most values: up to three digits and a space.
    let size = data.iter().map(|(key, value)| key.len() + 4 * value.len() + 4).sum::<usize>();
    let mut printed = Vec::with_capacity(size + 8);
    printed.extend_from_slice(b"map[");
    for (index, (key, value)) in data.iter().enumerate() {
        if index > 0 {
            printed.push(b' ');
        }
        printed.extend_from_slice(key.as_bytes());
        printed.extend_from_slice(b":[");
        for (index, byte) in value.iter().enumerate() {
            if index > 0 {
                printed.push(b' ');
            }
            if *byte >= 100 {
                printed.push(b'0' + byte / 100);
            }
            if *byte >= 10 {
                printed.push(b'0' + byte / 10 % 10);
            }
            printed.push(b'0' + byte % 10);
        }
        printed.push(b']');
    }
    printed.push(b']');
    object_hash(&printed)
}

/// `status.syncedResourceVersion`: the generation, and a hash of the labels and annotations.
pub fn synced_resource_version(
    generation: i64,
    annotations: Option<&BTreeMap<String, String>>,
    labels: Option<&BTreeMap<String, String>>,
) -> String {
    let mut printed = String::from("{annotations:");
    print_map(&mut printed, annotations);
    printed.push_str(" labels:");
    print_map(&mut printed, labels);
    printed.push('}');
    format!("{generation}-{}", object_hash(printed.as_bytes()))
}

fn print_map(to: &mut String, map: Option<&BTreeMap<String, String>>) {
    to.push_str("map[");
    for (index, (key, value)) in map.into_iter().flatten().enumerate() {
        if index > 0 {
            to.push(' ');
        }
        to.push_str(key);
        to.push(':');
        to.push_str(value);
    }
    to.push(']');
}

/// The value of [`OWNER_LABEL`] for an ExternalSecret.
pub fn owner_label(namespace: &str, name: &str) -> String {
    object_hash(format!("{namespace}/{name}").as_bytes())
}

/// The field manager that an ExternalSecret's Secret is written by.
pub fn field_manager(name: &str) -> String {
    let manager = format!("{FIELD_MANAGER}{name}");
    if manager.len() > FIELD_MANAGER_BYTES {
        return format!("{FIELD_MANAGER}sha3/{}", object_hash(name.as_bytes()));
    }
    manager
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(entries: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
        entries.iter().map(|(k, v)| ((*k).to_owned(), v.to_vec())).collect()
    }

    // The vectors of eso-semantics.md 2.2.
    #[test]
    fn hashes_are_those_of_eso() {
        assert_eq!(
            data_hash(&data(&[("foo", b"value1"), ("bar", b"value2")])),
            "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64"
        );
        assert_eq!(
            data_hash(&BTreeMap::new()),
            "74a974446e359fb3e6baff9bd0058950e6edd0f040888d9989b0a11b"
        );
        assert_eq!(
            object_hash(b"hello there"),
            "f78681ec611ebaeea0689bff6c7812a83ff98a7faba986d9af76c999"
        );
        assert_eq!(
            object_hash(b"<nil>"),
            "c461202a18e99215f121936fb2452e03843828e448a00a53f285a6fc"
        );
        assert_eq!(
            synced_resource_version(7, None, Some(&BTreeMap::new())),
            "7-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2"
        );
    }

    #[test]
    fn bytes_are_printed_in_decimal_without_padding() {
        let printed = object_hash(b"map[a:[0 9 10 99 100 255] b:[]]");
        assert_eq!(data_hash(&data(&[("a", &[0, 9, 10, 99, 100, 255]), ("b", b"")])), printed);
    }

    #[test]
    fn metadata_is_printed_sorted_and_unquoted() {
        let map = |entries: &[(&str, &str)]| {
            entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let annotations = map(&[("b", "2 3"), ("a", "1")]);
        let labels = map(&[("app", "x")]);
        assert_eq!(
            synced_resource_version(1, Some(&annotations), Some(&labels)),
            format!("1-{}", object_hash(b"{annotations:map[a:1 b:2 3] labels:map[app:x]}"))
        );
    }

    #[test]
    fn a_long_name_is_hashed_in_the_field_manager() {
        let (fits, too_long) = ("a".repeat(27), "a".repeat(28));
        assert_eq!(field_manager(&fits), format!("externalsecrets.external-secrets.io/{fits}"));
        assert_eq!(
            field_manager(&too_long),
            format!(
                "externalsecrets.external-secrets.io/sha3/{}",
                object_hash(too_long.as_bytes())
            )
        );
    }
}
