//! What a person does with secrets before and after a controller reads them: looks for their names and
//! their versions, and makes one.

use aws_sdk_ssm::types::ParameterStringFilter;
use extsecret_crds::external_secret::{Find, FindName};

use super::call::Group;
use super::client::{Client, Connections};
use super::secrets_manager::is_missing;
use crate::provider::ProviderError;

/// A version of a secret of Secrets Manager, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The id by which it can be read.
    pub id: String,
    /// Its labels, such as `AWSCURRENT`; none if nothing refers to it any more.
    pub stages: Vec<String>,
}

impl Client {
    /// The names of the secrets of Secrets Manager that begin with `prefix`, sorted. No value is
    /// read.
    ///
    /// # Errors
    /// If AWS does not list them.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, ProviderError> {
        let path = (!prefix.is_empty()).then(|| prefix.to_owned());
        let all = FindName { regexp: Some(String::new()), ..FindName::default() };
        let find = Find { path, name: Some(all), ..Find::default() };
        let mut names = self.secrets_manager.list(None, &find).await?;
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        Ok(names)
    }

    /// The versions of a secret of Secrets Manager that have a label, and with `all` those that have
    /// none as well, by id. No value is read.
    ///
    /// # Errors
    /// If AWS does not tell, [`ProviderError::NotFound`] if there is no such secret.
    pub async fn versions(&self, name: &str, all: bool) -> Result<Vec<Version>, ProviderError> {
        let service = &self.secrets_manager;
        let mut versions = Vec::new();
        if all {
            let call = service.call("ListSecretVersionIds", Some(name));
            let mut next = None;
            loop {
                let request = service.client.list_secret_version_ids().secret_id(name);
                let request = request.include_deprecated(true).set_next_token(next);
                let send = || async {
                    let answer = request.clone().send().await;
                    answer.map_err(|error| call.error(&error, is_missing))
                };
                let answer = service.caller.run(&call, Group::SecretList, None, send).await?;
                versions.extend(answer.versions.unwrap_or_default().into_iter().filter_map(|it| {
                    let stages = it.version_stages.unwrap_or_default();
                    Some(Version { id: it.version_id?, stages })
                }));
                next = answer.next_token.filter(|token| !token.is_empty());
                if next.is_none() {
                    break;
                }
            }
        } else {
            let call = service.call("DescribeSecret", Some(name));
            let request = service.client.describe_secret().secret_id(name);
            let send = || async {
                let answer = request.clone().send().await;
                answer.map_err(|error| call.error(&error, is_missing))
            };
            let answer = service.caller.run(&call, Group::Secret, None, send).await?;
            let known = answer.version_ids_to_stages.unwrap_or_default();
            versions.extend(known.into_iter().map(|(id, stages)| Version { id, stages }));
        }
        versions.sort_unstable_by(|a, b| (&b.stages, &a.id).cmp(&(&a.stages, &b.id)));
        Ok(versions)
    }

    /// The number of the current version of a parameter. No value is read.
    ///
    /// # Errors
    /// If AWS does not tell, [`ProviderError::NotFound`] if there is no such parameter.
    pub async fn parameter_version(&self, name: &str) -> Result<i64, ProviderError> {
        let service = &self.parameter_store;
        let call = service.call("DescribeParameters", Some(name));
        let filter = ParameterStringFilter::builder().key("Name").option("Equals").values(name);
        let filter = filter.build().map_err(|error| call.invalid(&error))?;
        let mut next = None;
        loop {
            let request = service.client.describe_parameters().parameter_filters(filter.clone());
            let request = request.set_next_token(next);
            let send = || async {
                let page = request.clone().send().await;
                page.map_err(|error| call.error(&error, |_, _| false))
            };
            let page = service.caller.run(&call, Group::ParameterList, None, send).await?;
            // A page may be empty, and more follow.
            if let Some(found) = page.parameters.unwrap_or_default().into_iter().next() {
                return Ok(found.version);
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Err(ProviderError::NotFound);
            }
        }
    }

    /// Makes a secret of Secrets Manager. One of that name is left as it is.
    ///
    /// # Errors
    /// If AWS does not make it, [`ProviderError::Invalid`] if there is one already.
    pub async fn create(&self, name: &str, text: &str) -> Result<(), ProviderError> {
        let service = &self.secrets_manager;
        let call = service.call("CreateSecret", Some(name));
        // The SDK makes the token that keeps a second attempt from making a second secret.
        let request = service.client.create_secret().name(name).secret_string(text);
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, |_, _| false))
        };
        service.caller.run(&call, Group::Secret, None, send).await?;
        Ok(())
    }
}

/// The region that environment, profile or instance name.
pub async fn own_region() -> Option<String> {
    Connections::new().ok()?.own_region().await
}
