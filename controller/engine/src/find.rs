//! Which secrets `dataFrom[].find` means (eso-semantics 3.4).

use std::collections::BTreeMap;

use extsecret_crds::external_secret::Find;
use gotemplate::regexp::Regexp;

use crate::error::ValueError;
use crate::property::Payload;
use crate::secret::Data;

/// The criteria of a `find`, ready to be asked about many names.
#[derive(Debug)]
pub struct Matcher {
    regexp: Option<Regexp>,
    path: Option<String>,
    tags: BTreeMap<String, String>,
}

impl Matcher {
    /// # Errors
    /// If there is no criterion, or the regular expression is not one of Go's.
    pub fn new(find: &Find) -> Result<Self, ValueError> {
        let tags = find.tags.clone().unwrap_or_default();
        let regexp = match find.name.as_ref() {
            Some(name) => {
                let pattern = name.regexp.as_deref().unwrap_or_default();
                let regexp = Regexp::new(pattern).map_err(|error| ValueError::Regexp {
                    field: "find.name.regexp".to_owned(),
                    cause: format!("could not compile find.name.regexp [{pattern}]: {error}"),
                })?;
                Some(regexp)
            }
            None if tags.is_empty() => return Err(ValueError::FindOperator),
            None => None,
        };
        let path = find.path.clone().filter(|path| !path.is_empty());
        Ok(Self { regexp, path, tags })
    }

    /// Whether a secret is meant. The path is the beginning of the name, the expression may match
    /// anywhere in it, and every tag has to be there with its own value: AWS's filters, which ESO
    /// relies on, would also take the values of other tags.
    pub fn matches(&self, name: &str, tags: &BTreeMap<String, String>) -> bool {
        self.path.as_ref().is_none_or(|path| name.starts_with(path.as_str()))
            && self.regexp.as_ref().is_none_or(|regexp| regexp.is_match(name.as_bytes()))
            && self.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }
}

/// The values of the secrets that match, by their names. `found` has been filtered by tags and by
/// path: only the provider knows tags, and what a store's prefix makes of a path.
///
/// # Errors
/// As [`Matcher::new`], and if a secret is empty.
pub fn select(find: &Find, found: Vec<(String, Payload)>) -> Result<Data, ValueError> {
    let mut matcher = Matcher::new(find)?;
    matcher.tags.clear();
    matcher.path = None;
    let nothing = BTreeMap::new();
    let mut data = Data::new();
    for (name, payload) in found {
        if matcher.matches(&name, &nothing) {
            // Here, other than for one secret, ESO prefers bytes.
            let Payload { string, binary, .. } = payload;
            let value = binary.or(string).ok_or_else(|| ValueError::Empty(name.clone()))?;
            data.insert(name, value);
        }
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(value: serde_json::Value) -> Find {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_expression_matches_anywhere_and_a_path_at_the_start() {
        let matcher =
            Matcher::new(&find(json!({ "name": { "regexp": "db" }, "path": "app/" }))).unwrap();
        let none = BTreeMap::new();
        assert!(matcher.matches("app/main-db-1", &none));
        assert!(!matcher.matches("other/app/db", &none));
        assert!(!matcher.matches("app/cache", &none));
    }

    #[test]
    fn a_tag_is_a_key_with_its_value() {
        let matcher = Matcher::new(&find(json!({ "tags": { "a": "1", "b": "2" } }))).unwrap();
        let tags = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        assert!(matcher.matches("x", &tags(&[("a", "1"), ("b", "2"), ("c", "3")])));
        assert!(!matcher.matches("x", &tags(&[("a", "2"), ("b", "1")])));
        assert!(!matcher.matches("x", &tags(&[("a", "1")])));
    }

    #[test]
    fn a_find_without_criterion_is_refused() {
        for empty in [json!({}), json!({ "path": "app" }), json!({ "tags": {} })] {
            assert_eq!(Matcher::new(&find(empty)).unwrap_err(), ValueError::FindOperator);
        }
        let broken = Matcher::new(&find(json!({ "name": { "regexp": "(" } }))).unwrap_err();
        assert!(broken.to_string().contains("missing closing )"), "{broken}");
    }

    #[test]
    fn values_come_under_their_whole_names() {
        let payload = |text: &str| Payload { string: Some(text.into()), ..Payload::default() };
        let found = vec![("app/a".into(), payload("1")), ("b".into(), payload("2"))];
        let data = select(&find(json!({ "name": { "regexp": "^app/" } })), found).unwrap();
        assert_eq!(data, Data::from([("app/a".into(), b"1".to_vec())]));
        let both =
            Payload { string: Some(b"text".to_vec()), binary: Some(b"bytes".to_vec()), made: None };
        let all = find(json!({ "name": { "regexp": "" } }));
        assert_eq!(select(&all, vec![("x".into(), both)]).unwrap()["x"], b"bytes");
        let empty = select(&all, vec![("x".into(), Payload::default())]).unwrap_err();
        assert_eq!(empty, ValueError::Empty("x".into()));
    }
}
