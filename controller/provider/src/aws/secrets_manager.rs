//! Secrets Manager (eso-semantics 3.3, 3.4).

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use extsecret_crds::external_secret::Find;
use extsecret_engine::find::Matcher;

use super::call::{Caller, Group, NotBefore};
use super::error::Call;
use super::tag_map;
use super::tally::Api;
use crate::pace::Turn;
use crate::provider::ProviderError;
use crate::value::SecretValue;

/// Most secrets that `BatchGetSecretValue` takes.
pub(super) const BATCH: usize = 20;

/// Most values that a filter takes.
const FILTER_VALUES: usize = 10;

/// How long secrets are read one by one after a batch was denied.
pub(super) const BATCH_AGAIN: Duration = Duration::from_mins(10);

/// The service in one region.
#[derive(Clone)]
pub(super) struct SecretsManager {
    pub(super) client: Client,
    pub(super) caller: Caller,
}

/// Whether there is no such secret: gone, never made, without this version, or scheduled for
/// deletion, which AWS tells in words only.
pub(super) fn is_missing(code: &str, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    code == "ResourceNotFoundException"
        || (code == "InvalidRequestException"
            && (text.contains("marked for deletion")
                || text.contains("scheduled for deletion")
                || text.contains("marked deleted")))
}

/// The one way from AWS's answer to a value.
fn value(string: Option<String>, binary: Option<Blob>, created: Option<DateTime>) -> SecretValue {
    let created = created.and_then(|at| at.to_millis().ok());
    SecretValue::new(string, binary.map(Blob::into_inner)).made(created)
}

impl SecretsManager {
    pub(super) fn call<'a>(&'a self, operation: &'static str, key: Option<&'a str>) -> Call<'a> {
        Call { api: Api::SecretsManager, operation, key, region: &self.caller.region }
    }

    /// The value of one secret. Without a version it is the current one; `uuid/` and an id names
    /// one version, everything else a stage.
    pub(super) async fn value(
        &self,
        turn: Option<Turn>,
        key: &str,
        version: Option<&str>,
    ) -> Result<SecretValue, ProviderError> {
        let request = self.client.get_secret_value().secret_id(key);
        let request = match version {
            None => request.version_stage("AWSCURRENT"),
            Some(version) => match version.strip_prefix("uuid/") {
                Some(id) => request.version_id(id),
                None => request.version_stage(version),
            },
        };
        let call = self.call("GetSecretValue", Some(key));
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, is_missing))
        };
        let answer = self.caller.run(&call, Group::Secret, turn, send).await?;
        Ok(value(answer.secret_string, answer.secret_binary, answer.created_date))
    }

    /// The tags of one secret.
    pub(super) async fn tags(
        &self,
        turn: Option<Turn>,
        key: &str,
    ) -> Result<BTreeMap<String, String>, ProviderError> {
        let call = self.call("DescribeSecret", Some(key));
        let request = self.client.describe_secret().secret_id(key);
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, is_missing))
        };
        let answer = self.caller.run(&call, Group::Secret, turn, send).await?;
        if answer.deleted_date().is_some() {
            return Err(ProviderError::NotFound);
        }
        Ok(tag_map(answer.tags().iter().map(|tag| (tag.key(), tag.value()))))
    }

    /// All secrets that match, by name. Values are fetched only of those: whoever may list a
    /// secret need not be allowed to read it. One that cannot be read is an error, because a key
    /// that silently goes missing would be deleted.
    pub(super) async fn find(
        &self,
        turn: Option<Turn>,
        find: &Find,
        batches: &NotBefore,
    ) -> Result<Vec<(String, SecretValue)>, ProviderError> {
        let names = self.list(turn, find).await?;
        let mut found = Vec::with_capacity(names.len());
        for batch in names.chunks(BATCH) {
            let values = self.values(None, batch, batches).await;
            for (name, value) in batch.iter().zip(values) {
                match value {
                    Ok(value) => found.push((name.clone(), value)),
                    // Deleted between the list and this call.
                    Err(ProviderError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(found)
    }

    /// Names of the secrets that match.
    pub(super) async fn list(
        &self,
        mut turn: Option<Turn>,
        find: &Find,
    ) -> Result<Vec<String>, ProviderError> {
        let call = self.call("ListSecrets", None);
        let matcher = Matcher::new(find).map_err(|error| call.invalid(&error))?;
        let mut names = Vec::new();
        let mut next = None;
        loop {
            let request = self.client.list_secrets().set_filters(filters(find));
            let request = request.set_next_token(next);
            let send = || async {
                let page = request.clone().send().await;
                page.map_err(|error| call.error(&error, |_, _| false))
            };
            let page = self.caller.run(&call, Group::SecretList, turn.take(), send).await?;
            for secret in page.secret_list() {
                let tags = tag_map(secret.tags().iter().map(|tag| (tag.key(), tag.value())));
                let Some(name) = secret.name() else { continue };
                if secret.deleted_date().is_none() && matcher.matches(name, &tags) {
                    names.push(name.to_owned());
                }
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(names);
            }
        }
    }

    /// The current values of up to [`BATCH`] secrets, in order: with one call if that is permitted.
    /// `batches` remembers that it is not.
    pub(super) async fn values(
        &self,
        mut turn: Option<Turn>,
        keys: &[String],
        batches: &NotBefore,
    ) -> Vec<Result<SecretValue, ProviderError>> {
        let mut known = BTreeMap::new();
        if keys.len() > 1 && batches.is_over() {
            match self.batch(turn.take(), keys).await {
                Ok(values) => {
                    self.caller.paces.counts.spare(values.len().saturating_sub(1));
                    known = values;
                }
                // To read secrets together is a permission of its own, on all secrets.
                Err(ProviderError::Denied(_)) => batches.set(BATCH_AGAIN),
                // A key that no batch takes must not harm the others.
                Err(ProviderError::Invalid(_) | ProviderError::NotFound) => {}
                Err(error) => return keys.iter().map(|_| Err(error.clone())).collect(),
            }
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            // Whatever the batch did not tell about, it did not tell.
            let value = match known.remove(key) {
                Some(value) => value,
                None => self.value(turn.take(), key, None).await,
            };
            values.push(value);
        }
        values
    }

    /// What one call tells about secrets, by the keys that were asked for.
    async fn batch(
        &self,
        turn: Option<Turn>,
        keys: &[String],
    ) -> Result<BTreeMap<String, Result<SecretValue, ProviderError>>, ProviderError> {
        let call = self.call("BatchGetSecretValue", None);
        let request = self.client.batch_get_secret_value();
        let request = request.set_secret_id_list(Some(keys.to_vec()));
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, |_, _| false))
        };
        let answer = self.caller.run(&call, Group::SecretBatch, turn, send).await?;
        let mut known = BTreeMap::new();
        for error in answer.errors.unwrap_or_default() {
            let Some(key) = error.secret_id.filter(|key| keys.contains(key)) else { continue };
            let call = Call { key: Some(&key), ..call };
            let code = error.error_code.unwrap_or_default();
            let text = error.message.unwrap_or_default();
            let error = call.item_error(&code, &text, is_missing);
            // The call for this one alone is paced, and tried again.
            if !matches!(error, ProviderError::Throttled { .. } | ProviderError::Transient(_)) {
                known.insert(key, Err(error));
            }
        }
        for secret in answer.secret_values.unwrap_or_default() {
            let is_it = |key: &&String| {
                secret.name.as_deref() == Some(key) || secret.arn.as_deref() == Some(key)
            };
            let Some(key) = keys.iter().find(is_it) else { continue };
            let value = value(secret.secret_string, secret.secret_binary, secret.created_date);
            known.insert(key.clone(), Ok(value));
        }
        Ok(known)
    }
}

/// What AWS can filter by; the rest is the matcher's. Tag filters are loose, keys and values apart,
/// and so only narrow the list down.
fn filters(find: &Find) -> Option<Vec<Filter>> {
    let mut filters = Vec::new();
    let mut add = |key: FilterNameStringType, values: Vec<String>| {
        if !values.is_empty()
            && values.len() <= FILTER_VALUES
            && values.iter().all(|value| may_be_filtered_by(value))
        {
            filters.push(Filter::builder().key(key).set_values(Some(values)).build());
        }
    };
    add(FilterNameStringType::Name, find.path.iter().cloned().collect());
    let tags = find.tags.iter().flatten();
    let (keys, values): (Vec<_>, Vec<_>) = tags.map(|(k, v)| (k.clone(), v.clone())).unzip();
    add(FilterNameStringType::TagKey, keys);
    add(FilterNameStringType::TagValue, values);
    (!filters.is_empty()).then_some(filters)
}

/// Whether AWS takes it as the value of a filter, and as nothing else: it refuses most characters
/// that a tag may have, and a `!` at the start means the opposite.
fn may_be_filtered_by(value: &str) -> bool {
    let takes = |c: char| c.is_ascii_alphanumeric() || " :_@/+=.-".contains(c);
    !value.is_empty() && value.len() <= 512 && value.chars().all(takes)
}
