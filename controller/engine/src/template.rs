//! `spec.target.template`: the texts of a Secret, rendered (ESO `applyTemplate`, `Parser`).

use std::collections::BTreeMap;
use std::fmt;

use extsecret_crds::ExternalSecretTemplate;
use extsecret_crds::external_secret::{
    DecodingStrategy, TemplateEngineVersion, TemplateFrom, TemplateScope, TemplateSource,
};
use gotemplate::{Delimiters, Environment, Limits, MissingKey, Options, Template, Value};

use crate::decode;
use crate::secret::Data;

/// How every template is parsed and run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What stands around actions; ESO has flags for it.
    pub delimiters: Delimiters,
    /// What one template may use.
    pub limits: Limits,
}

/// The ConfigMaps and Secrets of the namespace that `templateFrom` names, by name. `Debug` shows
/// names only.
#[derive(Clone, Default)]
pub struct Sources {
    /// `data` of each ConfigMap.
    pub config_maps: BTreeMap<String, BTreeMap<String, String>>,
    /// `data` of each Secret.
    pub secrets: BTreeMap<String, Data>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("config_maps", &self.config_maps.keys())
            .field("secrets", &self.secrets.keys())
            .finish()
    }
}

/// An object that `templateFrom` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference<'a> {
    /// A ConfigMap of the namespace.
    ConfigMap(&'a str),
    /// A Secret of the namespace.
    Secret(&'a str),
}

/// The objects that a template is read from, in the order of the spec.
pub fn references(template: &ExternalSecretTemplate) -> impl Iterator<Item = Reference<'_>> {
    template.template_from().iter().flat_map(|from| {
        let config_map = from.config_map.as_ref().map(|it| Reference::ConfigMap(&it.name));
        config_map.into_iter().chain(from.secret.as_ref().map(|it| Reference::Secret(&it.name)))
    })
}

/// Where a template's text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `spec.target.template.data`, by key.
    Data(String),
    /// `spec.target.template.metadata.labels`, by key.
    Label(String),
    /// `spec.target.template.metadata.annotations`, by key.
    Annotation(String),
    /// `spec.target.template.templateFrom[i].literal`
    Literal(usize),
    /// A key of a ConfigMap, for `templateFrom[i]`.
    ConfigMap {
        /// The item of `templateFrom`.
        index: usize,
        /// The ConfigMap.
        name: String,
        /// The key.
        key: String,
    },
    /// A key of a Secret, for `templateFrom[i]`.
    Secret {
        /// The item of `templateFrom`.
        index: usize,
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spec.target.template.")?;
        match self {
            Self::Data(key) => write!(f, "data[{key}]"),
            Self::Label(key) => write!(f, "metadata.labels[{key}]"),
            Self::Annotation(key) => write!(f, "metadata.annotations[{key}]"),
            Self::Literal(index) => write!(f, "templateFrom[{index}].literal"),
            Self::ConfigMap { index, name, key } => {
                write!(f, "templateFrom[{index}] (ConfigMap {name}, key {key})")
            }
            Self::Secret { index, name, key } => {
                write!(f, "templateFrom[{index}] (Secret {name}, key {key})")
            }
        }
    }
}

/// Why a template brings no Secret. No message holds a value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be parsed.
    #[error("unable to parse template at {place}: {error}")]
    Parse {
        /// Where the text stands.
        place: Place,
        /// What Go's parser would say.
        error: Box<gotemplate::Error>,
    },
    /// It fails on these values.
    #[error("unable to execute template at {place}: {error}")]
    Execute {
        /// Where the text stands.
        place: Place,
        /// What Go's executor would say.
        error: Box<gotemplate::Error>,
    },
    /// An engine version that is gone.
    #[error("spec.target.template.engineVersion {0:?} is not supported: use v2")]
    EngineVersion(String),
    /// A ConfigMap or Secret is not there.
    #[error(
        "error fetching templateFrom data: spec.target.template.templateFrom[{index}]: {kind} {name:?} not found: create it, or correct the name"
    )]
    SourceMissing {
        /// The item of `templateFrom`.
        index: usize,
        /// `ConfigMap` or `Secret`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// It is there, but without the key.
    #[error(
        "error fetching templateFrom data: error in {kind} {name}: missing key {key} (spec.target.template.templateFrom[{index}])"
    )]
    KeyMissing {
        /// The item of `templateFrom`.
        index: usize,
        /// `configmap` or `secret`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
    /// `templateAs` has a value that there is not.
    #[error(
        "spec.target.template.templateFrom[{index}]: unknown scope {scope:?}: expected Values or KeysAndValues"
    )]
    Scope {
        /// The item of `templateFrom`.
        index: usize,
        /// As it was written.
        scope: String,
    },
    /// `target` has a value that a Secret has not.
    #[error(
        "spec.target.template.templateFrom[{index}].target: invalid target {target:?} for a Secret: use Data, Annotations or Labels"
    )]
    Target {
        /// The item of `templateFrom`.
        index: usize,
        /// As it was written.
        target: String,
    },
    /// The result of `KeysAndValues` is no map of strings.
    #[error("could not unmarshal template to 'map[string][]byte': {place}: {cause}")]
    NotAMap {
        /// Where the text stands.
        place: Place,
        /// What is wrong with the YAML.
        cause: String,
    },
    /// `valuesDecodingStrategy` does not fit a value.
    #[error("{place}: {cause}")]
    Decode {
        /// Where the text stands.
        place: Place,
        /// What is wrong.
        cause: String,
    },
    /// Labels and annotations are text.
    #[error("the result of {place} is not valid UTF-8, which labels and annotations have to be")]
    NotText {
        /// Where the text stands.
        place: Place,
    },
}

/// What the templates wrote. `Debug` shows keys only.
#[derive(Clone, Default, PartialEq)]
pub struct Rendered {
    /// `data` of the Secret.
    pub data: Data,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("data", &self.data.keys())
            .field("labels", &self.labels.keys())
            .field("annotations", &self.annotations.keys())
            .finish()
    }
}

/// Where a result goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Data,
    Labels,
    Annotations,
}

/// Renders every template of `template` on `values`, in ESO's order: `templateFrom`, `data`,
/// labels, annotations; what comes later wins.
///
/// # Errors
/// The first template that cannot be rendered.
pub fn render(
    template: &ExternalSecretTemplate,
    values: &Data,
    sources: &Sources,
    settings: &Settings,
    environment: &mut dyn Environment,
) -> Result<Rendered, TemplateError> {
    if let TemplateEngineVersion::Other(version) = template.engine_version()
        && !version.is_empty()
    {
        return Err(TemplateError::EngineVersion(version));
    }
    let values = Value::string_map(values);
    let mut renderer = Renderer { values, settings, environment, rendered: Rendered::default() };
    for (index, from) in template.template_from().iter().enumerate() {
        renderer.from(index, from, sources)?;
    }
    for (key, text) in template.data.iter().flatten() {
        renderer.value(&Place::Data(key.clone()), key, text.as_bytes(), &Target::DATA)?;
    }
    let metadata = template.metadata.as_ref();
    for (key, text) in metadata.and_then(|meta| meta.labels.as_ref()).into_iter().flatten() {
        renderer.value(&Place::Label(key.clone()), key, text.as_bytes(), &Target::LABELS)?;
    }
    for (key, text) in metadata.and_then(|meta| meta.annotations.as_ref()).into_iter().flatten() {
        renderer.value(
            &Place::Annotation(key.clone()),
            key,
            text.as_bytes(),
            &Target::ANNOTATIONS,
        )?;
    }
    Ok(renderer.rendered)
}

/// Where results go, and how they are decoded on the way.
#[derive(Clone)]
struct Target {
    part: Part,
    decoding: DecodingStrategy,
}

impl Target {
    const DATA: Self = Self { part: Part::Data, decoding: DecodingStrategy::None };
    const LABELS: Self = Self { part: Part::Labels, decoding: DecodingStrategy::None };
    const ANNOTATIONS: Self = Self { part: Part::Annotations, decoding: DecodingStrategy::None };
}

struct Renderer<'a> {
    values: Value,
    settings: &'a Settings,
    environment: &'a mut dyn Environment,
    rendered: Rendered,
}

impl Renderer<'_> {
    fn from(
        &mut self,
        index: usize,
        from: &TemplateFrom,
        sources: &Sources,
    ) -> Result<(), TemplateError> {
        let part = match from.target() {
            target if target.is_empty() || target.eq_ignore_ascii_case("data") => Part::Data,
            target if target.eq_ignore_ascii_case("labels") => Part::Labels,
            target if target.eq_ignore_ascii_case("annotations") => Part::Annotations,
            target => {
                return Err(TemplateError::Target { index, target: target.to_owned() });
            }
        };
        let target = Target { part, decoding: from.values_decoding_strategy() };
        if let Some(source) = &from.config_map {
            let found = sources.config_maps.get(&source.name);
            let text = |key: &str| found.map(|data| data.get(key).map(String::as_bytes));
            self.object(index, source, "ConfigMap", text, &target)?;
        }
        if let Some(source) = &from.secret {
            let found = sources.secrets.get(&source.name);
            let text = |key: &str| found.map(|data| data.get(key).map(Vec::as_slice));
            self.object(index, source, "Secret", text, &target)?;
        }
        if let Some(literal) = &from.literal {
            self.keys_and_values(&Place::Literal(index), literal.as_bytes(), &target)?;
        }
        Ok(())
    }

    /// The items of a ConfigMap or Secret; `text` finds a key's text in it.
    fn object<'t>(
        &mut self,
        index: usize,
        source: &TemplateSource,
        kind: &'static str,
        text: impl Fn(&str) -> Option<Option<&'t [u8]>>,
        target: &Target,
    ) -> Result<(), TemplateError> {
        for item in &source.items {
            let name = || source.name.clone();
            let found = text(&item.key);
            let found =
                found.ok_or_else(|| TemplateError::SourceMissing { index, kind, name: name() })?;
            let text = found.ok_or_else(|| TemplateError::KeyMissing {
                index,
                kind: if kind == "Secret" { "secret" } else { "configmap" },
                name: name(),
                key: item.key.clone(),
            })?;
            let key = item.key.clone();
            let place = match kind {
                "Secret" => Place::Secret { index, name: name(), key },
                _ => Place::ConfigMap { index, name: name(), key },
            };
            match item.template_as() {
                TemplateScope::Values => self.value(&place, &item.key, text, target)?,
                TemplateScope::KeysAndValues => self.keys_and_values(&place, text, target)?,
                TemplateScope::Other(scope) => return Err(TemplateError::Scope { index, scope }),
            }
        }
        Ok(())
    }

    /// A template whose result is the value of `key`.
    fn value(
        &mut self,
        place: &Place,
        key: &str,
        text: &[u8],
        target: &Target,
    ) -> Result<(), TemplateError> {
        let result = self.execute(place, key, text)?;
        self.put(place, key, result, target)
    }

    /// A template whose result is a YAML map of keys and values.
    fn keys_and_values(
        &mut self,
        place: &Place,
        text: &[u8],
        target: &Target,
    ) -> Result<(), TemplateError> {
        // ESO calls these templates by their whole text, which nobody can read in an error.
        let name = place.to_string();
        let result = self.execute(place, &name, text)?;
        let entries = goyaml::read_strings(&result).map_err(|error| TemplateError::NotAMap {
            place: place.clone(),
            cause: error.to_string(),
        })?;
        for (key, value) in entries {
            self.put(place, &key, value.into_bytes(), target)?;
        }
        Ok(())
    }

    fn execute(
        &mut self,
        place: &Place,
        name: &str,
        text: &[u8],
    ) -> Result<Vec<u8>, TemplateError> {
        let options = Options {
            delimiters: self.settings.delimiters.clone(),
            missing_key: MissingKey::Error,
            secret_text: matches!(place, Place::Secret { .. }),
        };
        let template = Template::parse(name, text, options).map_err(|error| {
            TemplateError::Parse { place: place.clone(), error: Box::new(error) }
        })?;
        template.execute(&self.values, self.environment, &self.settings.limits).map_err(|error| {
            TemplateError::Execute { place: place.clone(), error: Box::new(error) }
        })
    }

    fn put(
        &mut self,
        place: &Place,
        key: &str,
        value: Vec<u8>,
        target: &Target,
    ) -> Result<(), TemplateError> {
        let value = decode::decode(&target.decoding, key, value).map_err(|error| {
            TemplateError::Decode { place: place.clone(), cause: error.to_string() }
        })?;
        let map = match target.part {
            Part::Data => {
                self.rendered.data.insert(key.to_owned(), value);
                return Ok(());
            }
            Part::Labels => &mut self.rendered.labels,
            Part::Annotations => &mut self.rendered.annotations,
        };
        let text = String::from_utf8(value)
            .map_err(|_| TemplateError::NotText { place: place.clone() })?;
        map.insert(key.to_owned(), text);
        Ok(())
    }
}
