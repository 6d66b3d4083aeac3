//! One value of a secret, or all of them (eso-semantics 3.3; ESO `secretsmanager.GetSecret`,
//! `GetSecretMap`).

use std::collections::BTreeMap;
use std::fmt;

use gotemplate::json;

use crate::error::ValueError;
use crate::secret::Data;

/// Names that a hint lists at most.
const HINTS: usize = 5;

/// What a secret holds: text, or bytes. `Debug` shows neither.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// `SecretString`, or the value of a parameter.
    pub string: Option<Vec<u8>>,
    /// `SecretBinary`, decoded.
    pub binary: Option<Vec<u8>>,
    /// When the provider made this version of it, in milliseconds since 1970, if it says so.
    pub made: Option<i64>,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.string, &self.binary) {
            (Some(text), _) => write!(f, "text of {} bytes", text.len()),
            (None, Some(bytes)) => write!(f, "{} bytes", bytes.len()),
            (None, None) => f.write_str("nothing"),
        }
    }
}

impl Payload {
    /// What a property is looked up in.
    fn structured(&self) -> &[u8] {
        self.binary.as_deref().or(self.string.as_deref()).unwrap_or_default()
    }
}

/// Tags as the JSON object that `metadataPolicy: Fetch` makes of them.
pub fn tags(tags: &BTreeMap<String, String>) -> Payload {
    let entries = tags
        .iter()
        .map(|(key, value)| (key.as_bytes().into(), gotemplate::Value::string(value.as_bytes())));
    // Texts can always be written as JSON.
    let text = json::encode(&gotemplate::Value::map(entries), true, None).unwrap_or_default();
    Payload { string: Some(text), ..Payload::default() }
}

/// The value of `property` in a secret, or the whole secret without one.
///
/// A property with a dot is first taken as the name of a member, and then as a path.
///
/// # Errors
/// If the secret is empty or has no such property.
pub fn select(payload: &Payload, property: Option<&str>, key: &str) -> Result<Vec<u8>, ValueError> {
    let property = property.filter(|property| !property.is_empty());
    let Some(property) = property else {
        let whole = payload.string.as_ref().or(payload.binary.as_ref());
        return whole.cloned().ok_or_else(|| ValueError::Empty(key.to_owned()));
    };
    let text = payload.structured();
    let literal = property.contains('.').then(|| gjson::escape(property.as_bytes()));
    for path in literal.as_deref().into_iter().chain([property.as_bytes()]) {
        let found = gjson::lookup(text, path, gjson::Limits::default()).map_err(|limit| {
            ValueError::TooMuch { property: property.to_owned(), key: key.to_owned(), limit }
        })?;
        if found.exists() {
            return Ok(found.string().into_owned());
        }
    }
    Err(ValueError::NoProperty {
        property: property.to_owned(),
        key: key.to_owned(),
        hint: hint(text, property),
    })
}

/// All members of a secret that is a JSON object, or whose `property` is one.
///
/// Texts are unquoted; everything else is the raw text of the secret, digit for digit; null is
/// empty; of two members of one name the last counts.
///
/// # Errors
/// If it is no object.
pub fn extract(payload: &Payload, property: Option<&str>, key: &str) -> Result<Data, ValueError> {
    let text = select(payload, property, key)?;
    let members = json::members(&text).map_err(|error| ValueError::NotAnObject {
        key: key.to_owned(),
        cause: error.to_string(),
    })?;
    let mut data = Data::new();
    for (name, range) in members {
        let raw = text.get(range).unwrap_or_default();
        let value = match json::unquote(raw) {
            Some(value) => value,
            None if raw == b"null" => Vec::new(),
            None => raw.to_vec(),
        };
        // Names of JSON are always text: what is no UTF-8 has been replaced.
        data.insert(String::from_utf8_lossy(&name).into_owned(), value);
    }
    Ok(data)
}

/// What may have been meant: names are no secrets.
fn hint(text: &[u8], property: &str) -> String {
    let Ok(members) = json::members(text) else {
        return ": the secret is not a JSON object, so it has no properties".to_owned();
    };
    let names: Vec<_> =
        members.into_iter().map(|(name, _)| String::from_utf8_lossy(&name).into_owned()).collect();
    let first = property.split(['.', '|']).next().unwrap_or_default();
    let near = |name: &&String| {
        name.eq_ignore_ascii_case(property)
            || name.eq_ignore_ascii_case(first)
            || name.starts_with(property)
    };
    let mut close: Vec<_> = names.iter().filter(near).collect();
    if close.is_empty() {
        close = names.iter().collect();
    }
    if close.is_empty() {
        return ": it is an empty object".to_owned();
    }
    let more = if close.len() > HINTS { " and more" } else { "" };
    let listed: Vec<_> = close.into_iter().take(HINTS).map(|name| format!("{name:?}")).collect();
    format!(": it has {}{more}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Payload {
        Payload { string: Some(text.into()), ..Payload::default() }
    }

    fn selected(json: &str, property: &str) -> Result<String, String> {
        select(&text(json), Some(property), "app/db")
            .map(|value| String::from_utf8(value).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_dotted_name_comes_before_a_path() {
        assert_eq!(selected(r#"{"a.b":"name","a":{"b":"path"}}"#, "a.b").unwrap(), "name");
        assert_eq!(selected(r#"{"a":{"b":"path"}}"#, "a.b").unwrap(), "path");
        assert_eq!(selected(r#"{"tls.crt":"x"}"#, "tls.crt").unwrap(), "x");
        assert_eq!(selected(r#"[{"n":1},{"n":2}]"#, "#.n").unwrap(), "[1,2]");
    }

    #[test]
    fn results_are_gos_strings() {
        for (json, expected) in [
            (r#"{"a":"x"}"#, "x"),
            (r#"{"a":null}"#, ""),
            (r#"{"a":true}"#, "true"),
            (r#"{"a":12345678901234567890}"#, "12345678901234567890"),
            (r#"{"a":1e3}"#, "1000"),
            (r#"{"a":{"b": 1}}"#, r#"{"b": 1}"#),
        ] {
            assert_eq!(selected(json, "a").unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn a_missing_property_says_what_there_is() {
        let error = selected(r#"{"user":"u","Password":"p"}"#, "password").unwrap_err();
        assert_eq!(error, "key password does not exist in secret app/db: it has \"Password\"");
        let error = selected(r#"{"user":"hunter2"}"#, "x").unwrap_err();
        assert!(error.ends_with(": it has \"user\""), "{error}");
        let error = selected("plain", "x").unwrap_err();
        assert!(error.contains("not a JSON object"), "{error}");
    }

    #[test]
    fn text_is_the_whole_and_bytes_are_looked_into_first() {
        let both = Payload {
            string: Some(b"{\"a\":\"s\"}".to_vec()),
            binary: Some(b"{\"a\":\"b\"}".to_vec()),
            made: None,
        };
        assert_eq!(select(&both, None, "k").unwrap(), b"{\"a\":\"s\"}");
        assert_eq!(select(&both, Some(""), "k").unwrap(), b"{\"a\":\"s\"}");
        assert_eq!(select(&both, Some("a"), "k").unwrap(), b"b");
        let bytes = Payload { binary: Some(vec![0xff, 0]), ..Payload::default() };
        assert_eq!(select(&bytes, None, "k").unwrap(), [0xff, 0]);
        assert_eq!(select(&Payload::default(), None, "k"), Err(ValueError::Empty("k".into())));
    }

    #[test]
    fn all_members_keep_their_raw_text() {
        let json =
            r#"{"s":"a\u00e9\n","n":1.50e2,"o":{ "x" : [1, 2] },"z":null,"b":true,"s":"last"}"#;
        let data = extract(&text(json), None, "k").unwrap();
        let shown: Vec<_> = data
            .iter()
            .map(|(key, value)| (key.as_str(), std::str::from_utf8(value).unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                ("b", "true"),
                ("n", "1.50e2"),
                ("o", r#"{ "x" : [1, 2] }"#),
                ("s", "last"),
                ("z", "")
            ]
        );
        assert!(extract(&text("null"), None, "k").unwrap().is_empty());
        let inner = extract(&text(r#"{"a":{"b":{"c":"d"}}}"#), Some("a.b"), "k").unwrap();
        assert_eq!(inner["c"], b"d");
        for no_object in ["[1]", "\"hunter2\"", "hunter2", "", "{\"a\":1"] {
            let error = extract(&text(no_object), None, "k").unwrap_err();
            assert!(error.to_string().starts_with("unable to unmarshal secret k: "), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn tags_are_a_json_object() {
        let all = [("a<b".to_owned(), "1".to_owned()), ("c.d".to_owned(), "2".to_owned())].into();
        let payload = tags(&all);
        assert_eq!(select(&payload, None, "k").unwrap(), br#"{"a\u003cb":"1","c.d":"2"}"#);
        assert_eq!(select(&payload, Some("c.d"), "k").unwrap(), b"2");
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", text("hunter2")).contains("hunter2"));
    }

    #[test]
    fn a_property_that_takes_too_much_says_so() {
        let property = "[@this,@this]|".repeat(60);
        let error = select(&text("[1]"), Some(&property), "k").unwrap_err();
        assert!(matches!(error, ValueError::TooMuch { .. }), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn members_are_found_by_extract_and_by_name(
            entries in proptest::collection::btree_map("[a-z.]{1,6}", "[a-z<é\\n]{0,6}", 0..6),
        ) {
            let all = entries.clone();
            let payload = tags(&all);
            let data = extract(&payload, None, "k").unwrap();
            let names: Vec<_> = data.keys().collect();
            proptest::prop_assert_eq!(names, entries.keys().collect::<Vec<_>>());
            for (name, value) in &entries {
                proptest::prop_assert_eq!(&data[name], value.as_bytes());
                proptest::prop_assert_eq!(select(&payload, Some(name), "k").unwrap(), value.as_bytes());
            }
        }

        #[test]
        fn any_bytes_are_looked_into(bytes: Vec<u8>, property in r"\PC{0,12}") {
            let payload = Payload { binary: Some(bytes), ..Payload::default() };
            let _ = select(&payload, Some(&property), "k");
            let _ = extract(&payload, Some(&property), "k");
            let _ = extract(&payload, None, "k");
        }
    }
}
