//! Secrets Manager (eso-semantics 3.3, 3.4).

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use extsecret_crds::external_secret::Find;
use extsecret_engine::collect::FetchError;
use extsecret_engine::find::Matcher;
use extsecret_engine::property::Payload;

use super::error::Call;
use super::tag_map;

const SERVICE: &str = "AWS Secrets Manager";

/// Most secrets that `BatchGetSecretValue` takes.
const BATCH: usize = 20;

/// Most values that a filter takes.
const FILTER_VALUES: usize = 10;

/// The service in one region.
#[derive(Clone, Debug)]
pub(super) struct SecretsManager {
    pub(super) client: Client,
    pub(super) region: String,
}

/// Whether there is no such secret: gone, never made, without this version, or scheduled for
/// deletion, which AWS tells in words only.
fn is_missing(code: &str, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    code == "ResourceNotFoundException"
        || (code == "InvalidRequestException"
            && (text.contains("marked for deletion")
                || text.contains("scheduled for deletion")
                || text.contains("marked deleted")))
}

impl SecretsManager {
    fn call<'a>(&'a self, operation: &'static str, key: Option<&'a str>) -> Call<'a> {
        Call { service: SERVICE, operation, key, region: &self.region }
    }

    /// The value of one secret. Without a version it is the current one; `uuid/` and an id names
    /// one version, everything else a stage.
    pub(super) async fn value(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Payload, FetchError> {
        let request = self.client.get_secret_value().secret_id(key);
        let request = match version {
            None => request.version_stage("AWSCURRENT"),
            Some(version) => match version.strip_prefix("uuid/") {
                Some(id) => request.version_id(id),
                None => request.version_stage(version),
            },
        };
        let call = self.call("GetSecretValue", Some(key));
        let answer = request.send().await.map_err(|error| call.error(&error, is_missing))?;
        Ok(Payload {
            string: answer.secret_string.map(String::into_bytes),
            binary: answer.secret_binary.map(Blob::into_inner),
        })
    }

    /// The tags of one secret.
    pub(super) async fn tags(&self, key: &str) -> Result<BTreeMap<String, String>, FetchError> {
        let call = self.call("DescribeSecret", Some(key));
        let answer = self.client.describe_secret().secret_id(key).send().await;
        let answer = answer.map_err(|error| call.error(&error, is_missing))?;
        if answer.deleted_date().is_some() {
            return Err(FetchError::NoSecret);
        }
        Ok(tag_map(answer.tags().iter().map(|tag| (tag.key(), tag.value()))))
    }

    /// All secrets that match, by name. Values are fetched only of those: whoever may list a
    /// secret need not be allowed to read it. One that cannot be read is an error, because a key
    /// that silently goes missing would be deleted.
    pub(super) async fn find(&self, find: &Find) -> Result<Vec<(String, Payload)>, FetchError> {
        let call = self.call("ListSecrets", None);
        let matcher = Matcher::new(find).map_err(|error| call.failed(&error.to_string(), false))?;
        let mut names = Vec::new();
        let request = self.client.list_secrets().set_filters(filters(find));
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call.error(&error, |_, _| false))?;
            for secret in page.secret_list() {
                let tags = tag_map(secret.tags().iter().map(|tag| (tag.key(), tag.value())));
                let Some(name) = secret.name() else { continue };
                if secret.deleted_date().is_none() && matcher.matches(name, &tags) {
                    names.push(name.to_owned());
                }
            }
        }
        let mut found = Vec::with_capacity(names.len());
        for batch in names.chunks(BATCH) {
            found.extend(self.batch(batch).await?);
        }
        Ok(found)
    }

    async fn batch(&self, names: &[String]) -> Result<Vec<(String, Payload)>, FetchError> {
        let call = self.call("BatchGetSecretValue", None);
        let mut found = Vec::with_capacity(names.len());
        let mut next = None;
        loop {
            let request = self.client.batch_get_secret_value();
            let request = request.set_secret_id_list(Some(names.to_vec())).set_next_token(next);
            let page = request.send().await.map_err(|error| call.error(&error, |_, _| false))?;
            for error in page.errors() {
                let (code, text) =
                    (error.error_code().unwrap_or_default(), error.message().unwrap_or_default());
                // Deleted between the list and this call.
                if !is_missing(code, text) {
                    let key = error.secret_id();
                    let call = self.call("BatchGetSecretValue", key);
                    return Err(call.failed(&format!("{code}: {text}"), true));
                }
            }
            next = page.next_token;
            for value in page.secret_values.unwrap_or_default() {
                let Some(name) = value.name else { continue };
                let string = value.secret_string.map(String::into_bytes);
                let binary = value.secret_binary.map(Blob::into_inner);
                found.push((name, Payload { string, binary }));
            }
            if next.is_none() {
                return Ok(found);
            }
        }
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
