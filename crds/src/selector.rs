//! References from one object to another: secrets, service accounts, namespaces.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::open_enum::open_enum;
use crate::schema::shape::{DataKey, NamespaceName, ObjectName};

/// One key of a Kubernetes Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = terse)]
pub struct SecretKeySelector {
    /// Name of the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub name: Option<String>,
    /// Namespace of the Secret. Only a cluster-scoped store may name one; without it a
    /// cluster-scoped store looks in the namespace of the ExternalSecret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    /// Key inside the Secret. Some providers have a default for it, for others it is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DataKey>")]
    pub key: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A Kubernetes ServiceAccount, and the audiences of the token that is asked for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = terse)]
pub struct ServiceAccountSelector {
    /// Name of the ServiceAccount.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Namespace of the ServiceAccount. Only a cluster-scoped store may name one; without it a
    /// cluster-scoped store looks in the namespace of the ExternalSecret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    /// Audiences of the token, in addition to those that the provider asks for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

open_enum! {
    /// Kind of the object that holds a certificate authority.
    #[derive(Default)]
    pub enum CaProviderType {
        /// A Secret.
        #[default]
        Secret = "Secret",
        /// A ConfigMap.
        ConfigMap = "ConfigMap",
    }
}

/// Where the certificate of a provider's certificate authority is read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = terse)]
pub struct CaProvider {
    /// Kind of the object that holds the certificate.
    #[serde(rename = "type")]
    pub type_: CaProviderType,
    /// Name of the object.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Namespace of the object. Only a cluster-scoped store may name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    /// Key inside the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DataKey>")]
    pub key: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Selects objects by their labels. An empty selector selects everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LabelSelector {
    /// Labels that must be there with exactly these values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Requirements that must all hold, in addition to the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub match_expressions: Option<Vec<LabelSelectorRequirement>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Why a [`LabelSelector`] cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The operator is none of the four.
    #[error("operator {0:?} is not known: use In, NotIn, Exists or DoesNotExist")]
    Operator(String),
    /// `In` and `NotIn` compare with something.
    #[error("operator {0} needs values")]
    NoValues(String),
    /// `Exists` and `DoesNotExist` do not.
    #[error("operator {0} takes no values")]
    Values(String),
    /// No label can be called so.
    #[error("{0:?} is no key of a label")]
    Key(String),
    /// No label can have this value.
    #[error("{0:?} is no value of a label: at most 63 letters, digits, \"-\", \"_\" and \".\"")]
    Value(String),
    /// A field that is not known may narrow what is selected.
    #[error("field {0:?} is not known")]
    Field(String),
}

impl LabelSelector {
    /// Whether it can be understood, as apimachinery's `LabelSelectorAsSelector` does. One that
    /// cannot matches nothing, which is not the same as what its author meant.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn check(&self) -> Result<(), SelectorError> {
        let requirements = self.match_expressions.iter().flatten();
        let unknown = requirements.clone().flat_map(|requirement| &requirement.other);
        if let Some((field, _)) = self.other.iter().chain(unknown).next() {
            return Err(SelectorError::Field(field.clone()));
        }
        for (key, value) in self.match_labels.iter().flatten() {
            check_key(key)?;
            check_value(value)?;
        }
        requirements.into_iter().try_for_each(LabelSelectorRequirement::check)
    }

    /// Whether `labels` are selected. A requirement that cannot be understood selects nothing.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = self.match_labels.iter().flatten();
        let mut requirements = self.match_expressions.iter().flatten();
        equal.into_iter().all(|(key, value)| labels.get(key) == Some(value))
            && requirements.all(|requirement| requirement.matches(labels))
    }
}

impl LabelSelectorRequirement {
    fn check(&self) -> Result<(), SelectorError> {
        let values = self.values.as_deref().unwrap_or_default();
        match (self.operator.as_str(), values.is_empty()) {
            ("In" | "NotIn", false) | ("Exists" | "DoesNotExist", true) => {}
            ("In" | "NotIn", true) => return Err(SelectorError::NoValues(self.operator.clone())),
            ("Exists" | "DoesNotExist", false) => {
                return Err(SelectorError::Values(self.operator.clone()));
            }
            _ => return Err(SelectorError::Operator(self.operator.clone())),
        }
        check_key(&self.key)?;
        values.iter().try_for_each(|value| check_value(value))
    }

    /// As apimachinery's `labels.Requirement` has it: `NotIn` is true of what has no such label.
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let values = self.values.as_deref().unwrap_or_default();
        let value = labels.get(&self.key);
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| values.contains(value)),
            "NotIn" => value.is_none_or(|value| !values.contains(value)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

/// A name, behind a DNS subdomain and a slash or not.
fn check_key(key: &str) -> Result<(), SelectorError> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(a, b)| (Some(a), b));
    let is_part = |part: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        part.bytes().all(inner)
            && !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let is_domain = |text: &str| text.len() <= 253 && text.split('.').all(is_part);
    let is_key = !name.is_empty() && is_name(name) && prefix.is_none_or(is_domain);
    if is_key { Ok(()) } else { Err(SelectorError::Key(key.to_owned())) }
}

fn check_value(value: &str) -> Result<(), SelectorError> {
    if is_name(value) { Ok(()) } else { Err(SelectorError::Value(value.to_owned())) }
}

/// At most 63 letters, digits, dashes, underscores and dots, of which the first and the last are
/// letters or digits.
fn is_name(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.len() <= 63
        && text.bytes().all(inner)
        && edge(text.bytes().next())
        && edge(text.bytes().next_back())
}

/// One requirement of a [`LabelSelector`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorRequirement {
    /// Label that the requirement is about.
    pub key: String,
    /// How the label is compared: `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// Values to compare with. Not empty for `In` and `NotIn`, empty for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Option<Vec<String>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Takes the descriptions of the fields out of the schema of a reference. A store has dozens of
/// references, each described where it is used; the same three sentences in each of them would be
/// a third of the definition.
fn terse(reference: &mut schemars::Schema) {
    let Some(fields) = reference.get_mut("properties").and_then(|fields| fields.as_object_mut())
    else {
        return;
    };
    for field in fields.values_mut().filter_map(|field| field.as_object_mut()) {
        field.remove("description");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_requirements_have_to_hold() {
        let labels = BTreeMap::from([("team".to_owned(), "web".to_owned())]);
        let selects = |selector| {
            let selector: LabelSelector = serde_json::from_value(selector).unwrap();
            selector.matches(&labels)
        };
        let is = |operator: &str, key: &str, values: &[&str]| json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] });
        assert!(selects(json!({})), "an empty selector selects everything");
        assert!(selects(json!({ "matchLabels": { "team": "web" } })));
        assert!(!selects(json!({ "matchLabels": { "team": "web", "x": "" } })));
        assert!(selects(is("In", "team", &["db", "web"])) && !selects(is("In", "team", &["db"])));
        assert!(!selects(is("In", "x", &[""])));
        assert!(selects(is("NotIn", "team", &["db"])) && !selects(is("NotIn", "team", &["web"])));
        assert!(selects(is("NotIn", "x", &["db"])));
        assert!(selects(is("Exists", "team", &[])) && !selects(is("Exists", "x", &[])));
        assert!(selects(is("DoesNotExist", "x", &[])) && !selects(is("DoesNotExist", "team", &[])));
        assert!(!selects(is("Gt", "team", &["1"])), "what is not known selects nothing");
        let mut both = is("Exists", "team", &[]);
        both["matchLabels"] = json!({ "team": "db" });
        assert!(!selects(both));
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        let check = |selector| {
            let selector: LabelSelector = serde_json::from_value(selector).unwrap();
            selector.check().map_err(|error| error.to_string())
        };
        let is = |operator: &str, key: &str, values: &[&str]| {
            check(json!({ "matchExpressions": [
                { "key": key, "operator": operator, "values": values },
            ] }))
        };
        for selector in [
            json!({}),
            json!({ "matchLabels": { "team": "", "a.b-c/team_1": "Web" } }),
            json!({ "matchExpressions": [{ "key": "team", "operator": "Exists" }] }),
        ] {
            assert_eq!(check(selector), Ok(()));
        }
        assert_eq!(is("In", "team", &["web", ""]), Ok(()));
        let long = "a".repeat(64);
        for (refused, why) in [
            (is("Gt", "team", &["1"]), "operator \"Gt\" is not known"),
            (is("in", "team", &["web"]), "operator \"in\" is not known"),
            (is("In", "team", &[]), "operator In needs values"),
            (is("NotIn", "team", &[]), "operator NotIn needs values"),
            (is("Exists", "team", &["web"]), "operator Exists takes no values"),
            (is("In", "team", &["a b"]), "\"a b\" is no value"),
            (is("Exists", "", &[]), "\"\" is no key"),
            (is("Exists", "/team", &[]), "is no key"),
            (is("Exists", "A/team", &[]), "is no key"),
            (is("Exists", &long, &[]), "is no key"),
            (check(json!({ "matchLabels": { "team": "-web" } })), "is no value"),
            (check(json!({ "matchLabel": { "team": "web" } })), "field \"matchLabel\""),
        ] {
            assert!(refused.as_ref().is_err_and(|error| error.contains(why)), "{refused:?}: {why}");
        }
    }
}
