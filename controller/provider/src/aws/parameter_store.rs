//! Parameter Store of Systems Manager (eso-semantics 3.5).

use std::collections::BTreeMap;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::primitives::DateTime;
use aws_sdk_ssm::types::{ParameterStringFilter, ResourceTypeForTagging};
use extsecret_crds::external_secret::Find;
use extsecret_engine::find::Matcher;

use super::call::{Caller, Group, NotBefore};
use super::error::Call;
use super::secrets_manager::BATCH_AGAIN;
use super::tally::Api;
use super::{scoped, tag_map};
use crate::pace::Turn;
use crate::provider::ProviderError;
use crate::value::SecretValue;

/// Most parameters that `GetParameters` takes.
pub(super) const BATCH: usize = 10;

/// The service in one region.
#[derive(Clone)]
pub(super) struct ParameterStore {
    pub(super) client: Client,
    pub(super) caller: Caller,
}

fn value(value: String, modified: Option<DateTime>) -> SecretValue {
    SecretValue::new(Some(value), None).made(modified.and_then(|at| at.to_millis().ok()))
}

fn is_missing(code: &str, _: &str) -> bool {
    matches!(code, "ParameterNotFound" | "ParameterVersionNotFound" | "InvalidResourceId")
}

/// A path with one slash at its end. It means whole levels, as it does to `GetParametersByPath`.
fn levels(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

/// The filters of Parameter Store mean what they say: each tag with its own value.
fn tag_filters(call: &Call<'_>, find: &Find) -> Result<Vec<ParameterStringFilter>, ProviderError> {
    let filter = |(key, value): (&String, &String)| {
        let filter = ParameterStringFilter::builder().key(format!("tag:{key}")).values(value);
        filter.option("Equals").build().map_err(|error| call.invalid(&error))
    };
    find.tags.iter().flatten().map(filter).collect()
}

/// Everything below a path; nothing is filtered out at the root.
fn path_filters(call: &Call<'_>, path: &str) -> Result<Vec<ParameterStringFilter>, ProviderError> {
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let filter = ParameterStringFilter::builder().key("Path").option("Recursive").values(path);
    Ok(vec![filter.build().map_err(|error| call.invalid(&error))?])
}

impl ParameterStore {
    pub(super) fn call<'a>(&'a self, operation: &'static str, key: Option<&'a str>) -> Call<'a> {
        Call { api: Api::ParameterStore, operation, key, region: &self.caller.region }
    }

    /// The value of one parameter; a version is a number or a label.
    pub(super) async fn value(
        &self,
        turn: Option<Turn>,
        key: &str,
        version: Option<&str>,
    ) -> Result<SecretValue, ProviderError> {
        let name = version.map_or_else(|| key.to_owned(), |version| format!("{key}:{version}"));
        let call = self.call("GetParameter", Some(&name));
        let request = self.client.get_parameter().name(&name).with_decryption(true);
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, is_missing))
        };
        let answer = self.caller.run(&call, Group::Parameter, turn, send).await?;
        let found = answer.parameter.and_then(|it| Some(value(it.value?, it.last_modified_date)));
        found.ok_or_else(|| call.odd("the answer holds no value"))
    }

    /// The tags of one parameter.
    pub(super) async fn tags(
        &self,
        turn: Option<Turn>,
        key: &str,
    ) -> Result<BTreeMap<String, String>, ProviderError> {
        let call = self.call("ListTagsForResource", Some(key));
        let request = self.client.list_tags_for_resource();
        let request = request.resource_type(ResourceTypeForTagging::Parameter).resource_id(key);
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, is_missing))
        };
        let answer = self.caller.run(&call, Group::ParameterTags, turn, send).await?;
        Ok(tag_map(answer.tag_list().iter().map(|tag| (Some(tag.key()), Some(tag.value())))))
    }

    /// All parameters that match, by name.
    pub(super) async fn find(
        &self,
        turn: Option<Turn>,
        prefix: &str,
        find: &Find,
        batches: &NotBefore,
    ) -> Result<Vec<(String, SecretValue)>, ProviderError> {
        let by_tags = find.tags.as_ref().is_some_and(|tags| !tags.is_empty());
        let operation = if by_tags { "DescribeParameters" } else { "GetParametersByPath" };
        let call = self.call(operation, None);
        let scoped = scoped(prefix, find);
        let matcher = Matcher::new(&scoped).map_err(|error| call.invalid(&error))?;
        let path = match (&find.path, &scoped.path) {
            (Some(path), Some(whole)) if !path.is_empty() => whole.as_str(),
            // A prefix may end in the middle of a level; the matcher does the rest.
            (_, Some(prefix)) => prefix.rsplit_once('/').map_or("", |(levels, _)| levels),
            (_, None) => "",
        };
        let path = if path.is_empty() { "/" } else { path };
        if by_tags {
            // The right to read is of no use: names are listed first, which is slower.
            drop(turn);
            let filters = tag_filters(&call, &scoped)?;
            return self.find_by_list(path, filters, &scoped, &matcher, batches).await;
        }
        match self.find_by_path(turn, path, &matcher).await {
            // To read a whole path is a permission of its own. As in ESO, that to list and that to
            // read serve as well.
            Err(ProviderError::Denied(by_path)) => {
                let filters = path_filters(&call, path)?;
                let found = self.find_by_list(path, filters, &scoped, &matcher, batches).await;
                found.map_err(|error| match error {
                    ProviderError::Denied(otherwise) => {
                        ProviderError::Denied(format!("{by_path}; without it: {otherwise}"))
                    }
                    error => error,
                })
            }
            answer => answer,
        }
    }

    async fn find_by_path(
        &self,
        mut turn: Option<Turn>,
        path: &str,
        matcher: &Matcher,
    ) -> Result<Vec<(String, SecretValue)>, ProviderError> {
        let call = self.call("GetParametersByPath", None);
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let request = self.client.get_parameters_by_path().recursive(true).path(path);
            let request = request.with_decryption(true).set_next_token(next);
            let send = || async {
                let page = request.clone().send().await;
                page.map_err(|error| call.error(&error, |_, _| false))
            };
            let page = self.caller.run(&call, Group::Parameter, turn.take(), send).await?;
            for parameter in page.parameters.unwrap_or_default() {
                let (Some(name), Some(text)) = (parameter.name, parameter.value) else {
                    continue;
                };
                if matcher.matches(&name, &BTreeMap::new()) {
                    found.push((name, value(text, parameter.last_modified_date)));
                }
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Lists those that match, and then reads them.
    async fn find_by_list(
        &self,
        path: &str,
        filters: Vec<ParameterStringFilter>,
        find: &Find,
        matcher: &Matcher,
        batches: &NotBefore,
    ) -> Result<Vec<(String, SecretValue)>, ProviderError> {
        let call = self.call("DescribeParameters", None);
        let levels = levels(path);
        let is_below = |name: &str| levels == "/" || name.starts_with(&levels);
        let tags = find.tags.clone().unwrap_or_default();
        let mut names = Vec::new();
        let mut next = None;
        loop {
            let request = self.client.describe_parameters();
            let request =
                request.set_parameter_filters(Some(filters.clone()).filter(|all| !all.is_empty()));
            let request = request.set_next_token(next);
            let send = || async {
                let page = request.clone().send().await;
                page.map_err(|error| call.error(&error, |_, _| false))
            };
            let page = self.caller.run(&call, Group::ParameterList, None, send).await?;
            let all = page.parameters.unwrap_or_default().into_iter();
            let all = all.filter_map(|parameter| parameter.name);
            names.extend(all.filter(|name| is_below(name) && matcher.matches(name, &tags)));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
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

    /// The current values of up to [`BATCH`] parameters, in order: with one call if that is
    /// permitted. `batches` remembers that it is not.
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
                // One that may not be read is enough for it.
                Err(ProviderError::Denied(_)) => batches.set(BATCH_AGAIN),
                // A name that is none must not harm the others.
                Err(ProviderError::Invalid(_) | ProviderError::NotFound) => {}
                Err(error) => return keys.iter().map(|_| Err(error.clone())).collect(),
            }
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            // That a parameter is not there is not taken from a list of "invalid" names.
            let value = match known.remove(key) {
                Some(value) => Ok(value),
                None => self.value(turn.take(), key, None).await,
            };
            values.push(value);
        }
        values
    }

    async fn batch(
        &self,
        turn: Option<Turn>,
        keys: &[String],
    ) -> Result<BTreeMap<String, SecretValue>, ProviderError> {
        let call = self.call("GetParameters", None);
        let request = self.client.get_parameters().set_names(Some(keys.to_vec()));
        let request = request.with_decryption(true);
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, |_, _| false))
        };
        let answer = self.caller.run(&call, Group::Parameter, turn, send).await?;
        let mut known = BTreeMap::new();
        for parameter in answer.parameters.unwrap_or_default() {
            let (name, arn) = (parameter.name.as_deref(), parameter.arn.as_deref());
            let key = keys.iter().find(|key| name == Some(key) || arn == Some(key));
            let (Some(key), Some(text)) = (key, parameter.value) else { continue };
            known.insert(key.clone(), value(text, parameter.last_modified_date));
        }
        Ok(known)
    }
}
