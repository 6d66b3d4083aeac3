//! What a person does with secrets before a controller reads them: looks for their names, and makes
//! one.

use extsecret_crds::external_secret::{Find, FindName};

use super::call::Group;
use super::client::{Client, Connections};
use crate::provider::ProviderError;

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
