//! Keys of a Secret: made of the names of a provider, and checked (ESO `esutils.ConvertKeys`,
//! `esutils.ValidateKeys`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use extsecret_crds::external_secret::ConversionStrategy;

use crate::error::ValueError;
use crate::secret::Data;

/// Longest key (Kubernetes `IsConfigMapKey`), in characters.
const MAX_KEY: usize = 253;

/// What stands in a key.
const fn is_key_character(character: char) -> bool {
    matches!(character, '-' | '.' | '_' | 'a'..='z' | 'A'..='Z' | '0'..='9')
}

/// Whether the API server takes `key` as a key of a Secret.
pub fn is_secret_key(key: &str) -> bool {
    problem(key).is_none()
}

/// What is wrong with a key.
fn problem(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        return Some("it is empty");
    }
    if key.len() > MAX_KEY {
        return Some("it has more than 253 characters");
    }
    if !key.chars().all(is_key_character) {
        return Some("only letters a to z, digits, '-', '_' and '.' can stand in a key");
    }
    (key == "." || key.starts_with("..")).then_some("a key cannot be '.' or begin with '..'")
}

/// Replaces what cannot stand in a key: by `_`, or by the number of the character.
///
/// # Errors
/// If two keys become one, or the strategy is not known.
pub fn convert(strategy: &ConversionStrategy, entries: Data) -> Result<Data, ValueError> {
    let unicode = match strategy {
        ConversionStrategy::Default => false,
        ConversionStrategy::Unicode => true,
        ConversionStrategy::Other(other) if other.is_empty() => false,
        ConversionStrategy::Other(other) => {
            return Err(ValueError::Unknown {
                field: "conversionStrategy",
                value: other.clone(),
                known: ConversionStrategy::KNOWN.join(", "),
            });
        }
    };
    let renamed = entries.into_iter().map(|(key, value)| {
        let new = convert_key(&key, unicode);
        (key, new, value)
    });
    rename("error applying conversion strategy", renamed)
}

fn convert_key(key: &str, unicode: bool) -> String {
    let mut new = String::with_capacity(key.len());
    for character in key.chars() {
        match character {
            character if is_key_character(character) => new.push(character),
            character if unicode => {
                // Writing to a String does not fail.
                let _ = write!(new, "_U{:04x}_", u32::from(character));
            }
            _ => new.push('_'),
        }
    }
    new
}

/// Puts values under new keys: old key, new key, value.
///
/// # Errors
/// If two keys become one. ESO leaves it to chance which of the two values is then lost.
pub(crate) fn rename(
    step: &str,
    entries: impl Iterator<Item = (String, String, Vec<u8>)>,
) -> Result<Data, ValueError> {
    let mut renamed = Data::new();
    let mut from: BTreeMap<String, String> = BTreeMap::new();
    for (old, new, value) in entries {
        if let Some(first) = from.get(&new) {
            return Err(ValueError::Collision {
                step: step.to_owned(),
                key: new,
                first: first.clone(),
                second: old,
            });
        }
        from.insert(new.clone(), old);
        renamed.insert(new, value);
    }
    Ok(renamed)
}

/// Drops the empty key, as ESO does, and checks all others.
///
/// ESO also lets letters pass that are not ASCII, and the API server then refuses the Secret
/// (eso-semantics 2.16 item 9); here it is said before.
///
/// # Errors
/// The first key that no Secret can have.
pub fn validate(mut entries: Data) -> Result<Data, ValueError> {
    entries.remove("");
    match entries.keys().find_map(|key| Some((key, problem(key)?))) {
        Some((key, cause)) => Err(ValueError::Key { key: key.clone(), cause }),
        None => Ok(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(keys: &[&str]) -> Data {
        keys.iter().map(|key| ((*key).to_owned(), key.as_bytes().to_vec())).collect()
    }

    fn converted(strategy: &ConversionStrategy, key: &str) -> String {
        convert(strategy, data(&[key])).unwrap().into_keys().next().unwrap()
    }

    #[test]
    fn each_character_is_replaced_by_itself() {
        assert_eq!(
            converted(&ConversionStrategy::Default, "app/db pass-wörd.1"),
            "app_db_pass-w_rd.1"
        );
        assert_eq!(converted(&ConversionStrategy::Unicode, "a/ö😀"), "a_U002f__U00f6__U1f600_");
    }

    #[test]
    fn two_keys_never_become_one() {
        let error = convert(&ConversionStrategy::Default, data(&["a/b", "a_b"])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("\"a/b\" and \"a_b\" both become \"a_b\""), "{text}");
        assert!(convert(&ConversionStrategy::Unicode, data(&["a/b", "a_b"])).is_ok());
    }

    #[test]
    fn keys_are_those_of_kubernetes() {
        assert_eq!(validate(data(&["", "a.b-c_D9", ".x"])).unwrap(), data(&["a.b-c_D9", ".x"]));
        let long = "x".repeat(254);
        for key in ["a/b", "ü", ".", "..", "..a", " ", long.as_str()] {
            assert!(matches!(validate(data(&[key])), Err(ValueError::Key { .. })), "{key:?}");
        }
        assert!(is_secret_key(&"x".repeat(253)));
    }

    proptest::proptest! {
        #[test]
        fn what_is_converted_is_valid(key in r"\PC{1,40}") {
            for strategy in [ConversionStrategy::Default, ConversionStrategy::Unicode] {
                let key = converted(&strategy, &key);
                proptest::prop_assert!(key.chars().all(is_key_character));
            }
        }
    }
}
