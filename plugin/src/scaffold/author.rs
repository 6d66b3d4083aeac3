//! What is asked of AWS, with the caller's own credentials: names and members of JSON, never values.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_crds::provider::{AwsProvider, AwsService};
use extsecret_engine::collect::Fetched;
use extsecret_engine::property::Payload;
use extsecret_engine::request::Fetch;
use extsecret_provider::aws::{Client, Endpoints, own_region};
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use tokio::runtime::Runtime;

/// AWS in one region.
pub(crate) struct Author {
    runtime: Runtime,
    client: Client,
    service: AwsService,
    pub(crate) region: String,
}

impl Author {
    /// Gets ready; nothing is sent yet. Without a region it is that of the AWS CLI.
    pub(crate) fn connect(
        region: Option<&str>,
        service: AwsService,
        endpoints: &Endpoints,
        timeout: Option<Duration>,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime for network connections")?;
        let own = || runtime.block_on(own_region());
        let Some(region) = region.map(str::to_owned).or_else(own) else {
            bail!("no region: give --region, or set AWS_REGION");
        };
        let client = Client::with_own_credentials(&region, endpoints, timeout);
        let client = runtime.block_on(client)?;
        Ok(Self { runtime, client, service, region })
    }

    /// Names of secrets.
    pub(crate) fn names(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        Ok(self.runtime.block_on(self.client.names(prefix))?)
    }

    /// The members of the JSON that a secret holds; `None` if it holds something else.
    pub(crate) fn members(&self, key: &str) -> anyhow::Result<Option<Vec<String>>> {
        let store = AwsProvider {
            service: self.service.clone(),
            region: self.region.clone(),
            ..AwsProvider::default()
        };
        let fetch = Fetch::Value { key: key.to_owned(), version: None };
        let answers = self.runtime.block_on(self.client.fetch(&store, &[&fetch]));
        let answer = answers.into_iter().next().context("AWS did not answer")?;
        match answer.with_context(|| format!("cannot look into {key:?} in {}", self.region))? {
            Fetched::Value(value) => Ok(members(&value)),
            other => bail!("AWS answered something else: {other:?}"),
        }
    }

    /// Makes a secret.
    pub(crate) fn create(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.client.create(name, text))?)
    }
}

/// The names of the members of a JSON object, in its order; values are passed over.
fn members(value: &Payload) -> Option<Vec<String>> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            Ok(names)
        }
    }
    let text = value.string.as_deref().or(value.binary.as_deref())?;
    let mut json = serde_json::Deserializer::from_slice(text);
    let names = json.deserialize_map(Names).ok()?;
    json.end().ok()?;
    (!names.is_empty()).then_some(names)
}

/// The data of a Secret as the JSON that a secret of AWS holds, and the keys that are base64 there
/// because they are no text.
pub(crate) fn json(data: &BTreeMap<String, Vec<u8>>) -> (String, Vec<String>) {
    let mut bytes = Vec::new();
    let members = data.iter().map(|(key, value)| {
        let text = String::from_utf8(value.clone()).unwrap_or_else(|_| {
            bytes.push(key.clone());
            STANDARD.encode(value)
        });
        (key.clone(), serde_json::Value::String(text))
    });
    let object: serde_json::Map<_, _> = members.collect();
    (serde_json::Value::Object(object).to_string(), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_names_only() {
        let of = |text: &str| {
            members(&Payload { string: Some(text.as_bytes().to_vec()), ..Payload::default() })
        };
        assert_eq!(of(r#"{"b":{"x":1},"a":[1],"b":2}"#), Some(vec!["b".into(), "a".into()]));
        for text in ["", "[]", "7", "{}", "{\"a\":1} x", "{"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_base64() {
        let data = BTreeMap::from([
            ("a".to_owned(), b"x\"y".to_vec()),
            ("b".to_owned(), vec![0xff, 0x00]),
        ]);
        let (text, bytes) = json(&data);
        assert_eq!(text, r#"{"a":"x\"y","b":"/wA="}"#);
        assert_eq!(bytes, ["b"]);
    }
}
