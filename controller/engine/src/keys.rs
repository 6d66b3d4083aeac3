//! Keys of a Secret: made of the names of a provider, and checked (ESO `esutils.ConvertKeys`,
//! `esutils.ValidateKeys`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use extsecret_crds::external_secret::ConversionStrategy;

use gotemplate::regexp::Regexp;

use crate::error::ValueError;
use crate::secret::Data;

/// Longest key (Kubernetes `IsConfigMapKey`), in bytes.
const MAX_KEY: usize = 253;

/// Letters and numbers of all scripts, as Go's `unicode` knows them: ESO takes them for good.
static LETTER_OR_NUMBER: LazyLock<Option<Regexp>> =
    LazyLock::new(|| Regexp::new(r"^[\pL\pN]$").ok());

/// Whether ESO lets a character stand in a key.
fn passes_in_eso(character: char) -> bool {
    is_key_character(character)
        || !character.is_ascii()
            && LETTER_OR_NUMBER
                .as_ref()
                .is_some_and(|it| it.is_match(character.encode_utf8(&mut [0; 4]).as_bytes()))
}

/// What stands in a key of a Secret.
const fn is_key_character(character: char) -> bool {
    matches!(character, '-' | '.' | '_' | 'a'..='z' | 'A'..='Z' | '0'..='9')
}

/// Whether the API server takes `key` as a key of a Secret.
pub fn is_secret_key(key: &str) -> bool {
    problem(key).is_none()
}

/// What is wrong with a key: in ESO's words, unless only the API server would refuse it.
fn problem(key: &str) -> Option<String> {
    if key.is_empty() {
        return Some("key is empty".to_owned());
    }
    if key.len() > MAX_KEY {
        let length = key.len();
        return Some(format!(
            "key has length {length} but max is {MAX_KEY}: (following is truncated)"
        ));
    }
    if let Some(character) = key.chars().find(|&character| !passes_in_eso(character)) {
        return Some(format!(
            "key has invalid character {character:?}, only alphanumeric, '-', '.' and '_' are allowed"
        ));
    }
    if let Some(character) = key.chars().find(|&character| !is_key_character(character)) {
        return Some(format!(
            "key has the character {character:?}, and Kubernetes takes no letters but a to z and \
             A to Z: replace it with rewrite"
        ));
    }
    (key == "." || key.starts_with(".."))
        .then(|| "key is '.' or begins with '..', which Kubernetes does not take".to_owned())
}

/// Replaces what cannot stand in a key: by `_`, or by the number of the character. As in ESO,
/// letters and numbers that are not ASCII stay, and [`validate`] refuses them.
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
    let step = format!(
        "error applying conversion strategy {} to keys: secret name collision during conversion",
        if unicode { "Unicode" } else { "Default" },
    );
    rename(&step, renamed)
}

fn convert_key(key: &str, unicode: bool) -> String {
    let mut new = String::with_capacity(key.len());
    for character in key.chars() {
        match character {
            character if passes_in_eso(character) => new.push(character),
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
/// If two keys become one. ESO leaves it to chance which of the two values is then lost. Keys that
/// become empty are dropped later, so that any number may: that is how a rewrite drops keys.
pub(crate) fn rename(
    step: &str,
    entries: impl Iterator<Item = (String, String, Vec<u8>)>,
) -> Result<Data, ValueError> {
    let mut renamed = Data::new();
    let mut from: BTreeMap<String, String> = BTreeMap::new();
    for (old, new, value) in entries {
        if let Some(first) = from.get(&new).filter(|_| !new.is_empty()) {
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
        Some((key, cause)) => {
            let key = key.chars().take(MAX_KEY).collect();
            Err(ValueError::Key { key, cause })
        }
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
            "app_db_pass-wörd.1"
        );
        assert_eq!(converted(&ConversionStrategy::Unicode, "a/ö😀"), "a_U002f_ö_U1f600_");
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

    #[test]
    fn eso_and_kubernetes_refuse_different_keys() {
        let refused = |key: &str| validate(data(&[key])).unwrap_err().to_string();
        let by_eso = refused("a b");
        assert!(by_eso.contains("key has invalid character ' ', only alphanumeric"), "{by_eso}");
        for key in ["passwörd", "日本", "x²", "Ⅷ"] {
            assert_eq!(converted(&ConversionStrategy::Default, key), key);
            let by_kubernetes = refused(key);
            assert!(by_kubernetes.contains("Kubernetes takes no letters but"), "{by_kubernetes}");
        }
        // A mark is neither letter nor number, though Rust calls it alphabetic.
        assert_eq!(converted(&ConversionStrategy::Default, "\u{903}"), "_");
    }

    #[test]
    fn any_number_of_keys_may_become_empty() {
        let dropped = ["a", "b"].map(|key| (key.to_owned(), String::new(), Vec::new()));
        assert!(validate(rename("step", dropped.into_iter()).unwrap()).unwrap().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn what_is_converted_passes_in_eso(key in r"\PC{1,40}") {
            for strategy in [ConversionStrategy::Default, ConversionStrategy::Unicode] {
                let key = converted(&strategy, &key);
                proptest::prop_assert!(key.chars().all(passes_in_eso));
            }
        }

        #[test]
        fn what_is_valid_is_a_key_of_a_secret(key in r"[a-zA-Z0-9._/ é-]{0,12}") {
            if let Ok(entries) = validate(data(&[&key])) {
                proptest::prop_assert!(key.is_empty() || is_secret_key(&key));
                proptest::prop_assert_eq!(entries.len(), usize::from(!key.is_empty()));
            }
        }
    }
}
