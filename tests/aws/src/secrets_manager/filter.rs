//! Filters of `ListSecrets` and `BatchGetSecretValue`.

use serde::{Deserialize, Serialize};

use super::secret::Secret;
use crate::error::AwsError;

const KEYS: &[&str] =
    &["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];

/// One filter; several must all be met.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "PascalCase"))]
pub(super) struct Filter {
    key: String,
    values: Vec<String>,
}

impl Filter {
    pub(super) fn check(&self) -> Result<(), AwsError> {
        if !KEYS.contains(&self.key.as_str()) {
            let rule = format!("Member must satisfy enum value set: [{}]", KEYS.join(", "));
            return Err(AwsError::constraint("filters.1.member.key", &rule));
        }
        AwsError::length("filters.1.member.values", self.values.len(), 1, 10)?;
        for value in &self.values {
            AwsError::length("filters.1.member.values", value.len(), 1, 512)?;
        }
        Ok(())
    }

    /// One of the values matches, and none of those with a `!` before them.
    pub(super) fn matches(&self, secret: &Secret) -> bool {
        let unwanted = self.values.iter().filter_map(|value| value.strip_prefix('!'));
        if unwanted.into_iter().any(|value| self.value_matches(secret, value)) {
            return false;
        }
        let mut wanted = self.values.iter().filter(|value| !value.starts_with('!')).peekable();
        wanted.peek().is_none() || wanted.any(|value| self.value_matches(secret, value))
    }

    fn value_matches(&self, secret: &Secret, value: &str) -> bool {
        let begins = |text: &str| text.starts_with(value);
        match self.key.as_str() {
            "name" => begins(&secret.name),
            "description" => {
                let value = value.to_lowercase();
                let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
                words(&description).any(|word| word.starts_with(&value))
                    || description.starts_with(&value)
            }
            "tag-key" => secret.tags.keys().any(|key| begins(key)),
            "tag-value" => secret.tags.values().any(|value| begins(value)),
            "primary-region" => !secret.replicas.is_empty() && begins(&secret.region),
            "owning-service" => secret.owning_service.as_deref().is_some_and(begins),
            _ => {
                let mut everything = secret.name.to_lowercase();
                let texts = secret.description.iter().chain(secret.tags.keys());
                for text in texts.chain(secret.tags.values()).chain(&secret.owning_service) {
                    everything.push(' ');
                    everything.push_str(&text.to_lowercase());
                }
                words(&value.to_lowercase())
                    .all(|wanted| words(&everything).any(|word| word.starts_with(wanted)))
            }
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::secret::tests::bare;
    use super::*;

    fn matches(key: &str, values: &[&str]) -> bool {
        let mut secret = bare("app/Db");
        secret.description = Some("The Database password".to_owned());
        secret.tags.insert("team".to_owned(), "Blue".to_owned());
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Filter { key: key.to_owned(), values }.matches(&secret)
    }

    #[test]
    fn names_match_from_the_beginning_and_by_case() {
        assert!(matches("name", &["app/D"]));
        assert!(!matches("name", &["app/d"]));
        assert!(!matches("name", &["Db"]));
        assert!(matches("name", &["web", "app"]), "one value is enough");
        assert!(!matches("name", &["!app"]));
        assert!(matches("name", &["!web"]));
        assert!(!matches("name", &["app", "!app/Db"]));
    }

    #[test]
    fn the_other_keys() {
        assert!(matches("description", &["the data"]));
        assert!(matches("description", &["PASS"]), "every word may begin so");
        assert!(!matches("description", &["word"]));
        assert!(matches("tag-key", &["te"]));
        assert!(!matches("tag-key", &["Team"]));
        assert!(matches("tag-value", &["Bl"]));
        assert!(!matches("tag-value", &["bl"]));
        assert!(matches("all", &["blue database"]));
        assert!(!matches("all", &["red"]));
        assert!(!matches("primary-region", &["r"]), "nothing is replicated");
    }
}
