//! Values from files: a provider for whoever has no AWS at hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use extsecret_engine::collect::{FetchError, Fetched};
use extsecret_engine::property::Payload;
use extsecret_engine::request::Fetch;
use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::read::{Content, Limits};
use extsecret_migrate::verify::Source;

use crate::cli::ValueArgs;
use crate::input::Inputs;

/// Behind a name in a values file: the secret's tags instead of its value.
const TAGS: &str = "tags";

/// Secrets by name.
#[derive(Default)]
pub(crate) struct Offline {
    /// Name, and `@` with the version where there is one.
    values: BTreeMap<String, Payload>,
    tags: BTreeMap<String, BTreeMap<String, String>>,
}

impl Offline {
    /// Reads the files that the flags name. No error quotes them.
    pub(crate) fn read(
        args: &ValueArgs,
        inputs: &mut Inputs,
        limits: &Limits,
    ) -> anyhow::Result<Self> {
        let mut offline = Self::default();
        if let Some(path) = &args.values {
            offline.add_file(path, inputs, limits)?;
        }
        for pair in &args.value_file {
            let (name, path) = pair.split_once('=').unwrap_or_default();
            let bytes = fs::read(path)
                .with_context(|| format!("cannot read {path}, the value of {name}"))?;
            offline.values.insert(name.to_owned(), payload(bytes));
        }
        Ok(offline)
    }

    fn add_file(
        &mut self,
        path: &Path,
        inputs: &mut Inputs,
        limits: &Limits,
    ) -> anyhow::Result<()> {
        let shown = path.display();
        let (id, documents) = inputs.add_context(path, limits);
        let mut maps = documents.iter().filter(|it| !matches!(it.content, Content::Empty));
        let node = match maps.next().map(|document| &document.content) {
            Some(Content::Node(node)) => node,
            Some(Content::Broken(error)) => {
                let line = error.place.and_then(|place| {
                    Some(inputs.sources.get(id)?.location(place.span.start).line)
                });
                let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
                bail!("cannot read the values in {shown}{line}: {}", error.message);
            }
            _ => bail!(
                "{shown} holds no values: write one line for each, such as `app/db: {{user: app}}`"
            ),
        };
        if maps.next().is_some() {
            bail!("{shown} holds more than one document: the values belong into one map");
        }
        let Some(entries) = node.as_mapping() else {
            bail!("{shown} is not a map of names and values, such as `app/db: {{user: app}}`");
        };
        for entry in entries {
            if let Some((name, TAGS)) = entry.key.rsplit_once('@') {
                let tags = tags(&entry.value).with_context(|| {
                    format!("{shown}: {} is not a map of tags and their values", entry.key)
                })?;
                self.tags.insert(name.to_owned(), tags);
            } else {
                let text = text(&entry.value).with_context(|| {
                    format!("{shown}: {} has no value; write \"\" for an empty one", entry.key)
                })?;
                self.values.insert(entry.key.clone(), payload(text.into_bytes()));
            }
        }
        Ok(())
    }
}

impl Source for Offline {
    fn answer(&self, fetch: &Fetch) -> Result<Fetched, FetchError> {
        match fetch {
            Fetch::Value { key, version } => {
                let version = version.as_deref().filter(|version| *version != "AWSCURRENT");
                let name =
                    version.map_or_else(|| key.clone(), |version| format!("{key}@{version}"));
                self.values.get(&name).cloned().map(Fetched::Value).ok_or(FetchError::NoSecret)
            }
            Fetch::Tags { key } => match self.tags.get(key) {
                Some(tags) => Ok(Fetched::Tags(tags.clone())),
                None if self.values.contains_key(key) => Ok(Fetched::Tags(BTreeMap::new())),
                None => Err(FetchError::NoSecret),
            },
            Fetch::Find(find) => {
                let wanted = find.tags.as_ref();
                let path = find.path.as_deref().unwrap_or_default();
                let found = self.values.iter().filter(|(name, _)| {
                    let tags = self.tags.get(*name);
                    let has = |(key, value): (&String, &String)| {
                        tags.and_then(|tags| tags.get(key)) == Some(value)
                    };
                    !name.contains('@')
                        && name.starts_with(path)
                        && wanted.is_none_or(|wanted| wanted.iter().all(has))
                });
                Ok(Fetched::Found(found.map(|(name, it)| (name.clone(), it.clone())).collect()))
            }
        }
    }
}

/// Text as it is; what has a structure as the JSON text that it would be at the provider.
fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        _ => Some(node.to_json().to_string()),
    }
}

fn tags(node: &Node) -> Option<BTreeMap<String, String>> {
    let entries = node.as_mapping()?.iter();
    entries.map(|entry| Some((entry.key.clone(), entry.value.as_str()?.to_owned()))).collect()
}

/// Text as a string secret, everything else as a binary one.
fn payload(bytes: Vec<u8>) -> Payload {
    match String::from_utf8(bytes) {
        Ok(text) => Payload { string: Some(text.into_bytes()), ..Payload::default() },
        Err(error) => Payload { binary: Some(error.into_bytes()), ..Payload::default() },
    }
}
