//! Parameter Store of Systems Manager (eso-semantics 3.5).

use std::collections::BTreeMap;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterStringFilter, ResourceTypeForTagging};
use extsecret_crds::external_secret::Find;
use extsecret_engine::collect::FetchError;
use extsecret_engine::find::Matcher;
use extsecret_engine::property::Payload;

use super::error::Call;
use super::{scoped, tag_map, text};

const SERVICE: &str = "AWS Parameter Store";

/// Most parameters that `GetParameters` takes.
const BATCH: usize = 10;

/// The service in one region.
#[derive(Clone, Debug)]
pub(super) struct ParameterStore {
    pub(super) client: Client,
    pub(super) region: String,
}

fn is_missing(code: &str, _: &str) -> bool {
    matches!(code, "ParameterNotFound" | "ParameterVersionNotFound" | "InvalidResourceId")
}

impl ParameterStore {
    fn call<'a>(&'a self, operation: &'static str, key: Option<&'a str>) -> Call<'a> {
        Call { service: SERVICE, operation, key, region: &self.region }
    }

    /// The value of one parameter; a version is a number or a label.
    pub(super) async fn value(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Payload, FetchError> {
        let name = version.map_or_else(|| key.to_owned(), |version| format!("{key}:{version}"));
        let call = self.call("GetParameter", Some(&name));
        let request = self.client.get_parameter().name(&name).with_decryption(true);
        let answer = request.send().await.map_err(|error| call.error(&error, is_missing))?;
        let parameter = answer.parameter().and_then(|parameter| parameter.value());
        parameter.map(text).ok_or_else(|| call.failed("the answer holds no value", true))
    }

    /// The tags of one parameter.
    pub(super) async fn tags(&self, key: &str) -> Result<BTreeMap<String, String>, FetchError> {
        let call = self.call("ListTagsForResource", Some(key));
        let request = self.client.list_tags_for_resource();
        let request = request.resource_type(ResourceTypeForTagging::Parameter).resource_id(key);
        let answer = request.send().await.map_err(|error| call.error(&error, is_missing))?;
        Ok(tag_map(answer.tag_list().iter().map(|tag| (Some(tag.key()), Some(tag.value())))))
    }

    /// All parameters that match, by name.
    pub(super) async fn find(
        &self,
        prefix: &str,
        find: &Find,
    ) -> Result<Vec<(String, Payload)>, FetchError> {
        let by_tags = find.tags.as_ref().is_some_and(|tags| !tags.is_empty());
        let operation = if by_tags { "DescribeParameters" } else { "GetParametersByPath" };
        let call = self.call(operation, None);
        let scoped = scoped(prefix, find);
        let matcher =
            Matcher::new(&scoped).map_err(|error| call.failed(&error.to_string(), false))?;
        let path = match (&find.path, &scoped.path) {
            (Some(path), Some(whole)) if !path.is_empty() => whole.as_str(),
            // A prefix may end in the middle of a level; the matcher does the rest.
            (_, Some(prefix)) => prefix.rsplit_once('/').map_or("", |(levels, _)| levels),
            (_, None) => "",
        };
        let path = if path.is_empty() { "/" } else { path };
        if by_tags {
            self.find_by_tags(path, &scoped, &matcher).await
        } else {
            self.find_by_path(path, &matcher).await
        }
    }

    async fn find_by_path(
        &self,
        path: &str,
        matcher: &Matcher,
    ) -> Result<Vec<(String, Payload)>, FetchError> {
        let call = self.call("GetParametersByPath", None);
        let request = self.client.get_parameters_by_path().recursive(true).with_decryption(true);
        let mut pages = request.path(path).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call.error(&error, |_, _| false))?;
            for parameter in page.parameters() {
                let (Some(name), Some(value)) = (parameter.name(), parameter.value()) else {
                    continue;
                };
                if matcher.matches(name, &BTreeMap::new()) {
                    found.push((name.to_owned(), text(value)));
                }
            }
        }
        Ok(found)
    }

    /// The filters of Parameter Store mean what they say: each tag with its own value.
    async fn find_by_tags(
        &self,
        path: &str,
        find: &Find,
        matcher: &Matcher,
    ) -> Result<Vec<(String, Payload)>, FetchError> {
        let call = self.call("DescribeParameters", None);
        // A path means whole levels here, as it does to `GetParametersByPath`.
        let levels = format!("{}/", path.trim_end_matches('/'));
        let is_below = |name: &str| levels == "/" || name.starts_with(&levels);
        let mut filters = Vec::new();
        for (key, value) in find.tags.iter().flatten() {
            let filter = ParameterStringFilter::builder()
                .key(format!("tag:{key}"))
                .values(value)
                .option("Equals")
                .build()
                .map_err(|error| call.failed(&error.to_string(), false))?;
            filters.push(filter);
        }
        let request = self.client.describe_parameters().set_parameter_filters(Some(filters));
        let mut pages = request.into_paginator().send();
        let tags = find.tags.clone().unwrap_or_default();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call.error(&error, |_, _| false))?;
            let all = page.parameters().iter().filter_map(|parameter| parameter.name());
            names.extend(
                all.filter(|name| is_below(name) && matcher.matches(name, &tags))
                    .map(str::to_owned),
            );
        }
        let mut found = Vec::with_capacity(names.len());
        for batch in names.chunks(BATCH) {
            let call = self.call("GetParameters", None);
            let request = self.client.get_parameters().set_names(Some(batch.to_vec()));
            let answer = request.with_decryption(true).send().await;
            let answer = answer.map_err(|error| call.error(&error, |_, _| false))?;
            found.extend(answer.parameters().iter().filter_map(|parameter| {
                Some((parameter.name()?.to_owned(), text(parameter.value()?)))
            }));
        }
        Ok(found)
    }
}
