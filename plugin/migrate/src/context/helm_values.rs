//! Reads the Helm values of KES.
//!
//! What its chart makes of them: `env` without empty values, then the variables from Secrets, then
//! those from `ConfigMap`s; files from Secrets and further volumes; the service account's name.

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::source::FileId;

use super::environment::Builder;
use super::files::{self, FileSource, Mount, Projection};
use super::manifest::{self, Neighbours, name_of, text};
use super::setting::{ObjectKey, Raw};
use super::{Context, ServiceAccount, Source};
use crate::codes;

const CHART: &str = "kubernetes-external-secrets";

/// What the chart sets when the values do not say otherwise, as far as it matters here.
const DEFAULT_ENV: [(&str, &str); 3] = [
    ("AWS_REGION", "us-west-2"),
    ("POLLER_INTERVAL_MILLISECONDS", "10000"),
    ("VAULT_ADDR", "http://127.0.0.1:8200"),
];

/// The Helm release that the values belong to. Values do not say it themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Release<'a> {
    /// Its name; the service account is called after it unless the values name it.
    pub name: Option<&'a str>,
    /// Its namespace.
    pub namespace: Option<&'a str>,
}

impl Context {
    /// Reads Helm values of the chart kubernetes-external-secrets, also as a part of the values of
    /// a chart that contains it.
    ///
    /// Returns what should be known about them (W31), or E10 when they are no values of that chart.
    pub fn from_helm_values(
        file: FileId,
        values: &Node,
        release: Release<'_>,
    ) -> Result<(Self, Vec<Diagnostic>), Diagnostic> {
        let values = match values.get(CHART) {
            Some(inner) if inner.as_mapping().is_some() => inner,
            _ => values,
        };
        check(file, values)?;

        let neighbours = Neighbours::default();
        let mut builder = Builder::new(file, release.namespace, &neighbours);
        for entry in values.get("envFrom").and_then(Node::as_sequence).unwrap_or_default() {
            builder.source(entry);
        }
        environment(&mut builder, values);
        let (env, unseen) = builder.finish();

        let mut mounts = files_from_secret(values);
        mounts.extend(files::mounts(
            values.get("extraVolumes"),
            values.get("extraVolumeMounts"),
            release.namespace,
            &neighbours,
        ));

        let context = Self {
            namespace: release.namespace.map(Into::into),
            service_account: account_name(values, release.name).map(|name| ServiceAccount {
                name,
                annotations: manifest::texts(values.at(&["serviceAccount", "annotations"])),
            }),
            pod_annotations: manifest::texts(values.get("podAnnotations")),
            source: Source::HelmValues,
            env,
            unseen,
            mounts,
            ..Self::default()
        };
        let diagnostics = context.unreadable();
        Ok((context, diagnostics))
    }
}

/// Refuses what is obviously something else: most likely a manifest passed with the wrong flag.
fn check(file: FileId, values: &Node) -> Result<(), Diagnostic> {
    let error = |message: &str, help: &str| {
        let place = extsecret_manifest::source::Place { file, span: values.span };
        Err(Diagnostic::new(&codes::E10, message).at(place).help(help))
    };
    if values.get("kind").is_some() && values.get("apiVersion").is_some() {
        return error(
            "the file holds a Kubernetes object, not Helm values",
            "pass a Deployment with `--kes-deployment`",
        );
    }
    if values.as_mapping().is_none() && !values.is_null() {
        return error(
            "the file does not hold Helm values",
            "write them with `helm get values RELEASE -o yaml`, with the namespace of KES",
        );
    }
    Ok(())
}

fn environment(builder: &mut Builder<'_, '_>, values: &Node) {
    let env = values.get("env");
    for (name, value) in DEFAULT_ENV {
        // `NAME: null` removes the chart's default, as any value replaces it.
        if env.and_then(|env| env.get(name)).is_none() {
            builder.set(name.into(), Raw::Text(value.into()), None);
        }
    }
    for entry in env.and_then(Node::as_mapping).unwrap_or_default() {
        if is_empty(&entry.value) {
            continue;
        }
        let place = Some(builder.place(&entry.value));
        let raw = match text(&entry.value) {
            Some(value) => Raw::Text(value),
            None => Raw::Unknown(format!("is a {} in the values", entry.value.kind())),
        };
        builder.set(entry.key.clone(), raw, place);
    }

    let references = |field: &str| values.get(field).and_then(Node::as_mapping).unwrap_or_default();
    for entry in references("envVarsFromSecret") {
        let raw = match reference(&entry.value, "secretKeyRef") {
            Some(source) => Raw::SecretKey(source),
            None => Raw::Unknown("comes from a Secret that is not named".into()),
        };
        builder.set(entry.key.clone(), raw, Some(builder.place(&entry.value)));
    }
    for entry in references("envVarsFromConfigMap") {
        let reason = match reference(&entry.value, "configMapKeyRef") {
            Some(ObjectKey { name, key }) => {
                format!("comes from key {key} of ConfigMap {name}, which is not part of the values")
            }
            None => "comes from a ConfigMap that is not named".into(),
        };
        builder.set(entry.key.clone(), Raw::Unknown(reason), Some(builder.place(&entry.value)));
    }
}

fn reference(entry: &Node, field: &str) -> Option<ObjectKey> {
    Some(ObjectKey {
        name: name_of(entry, &[field])?.into(),
        key: name_of(entry, &["key"])?.into(),
    })
}

/// What a Helm template takes for empty; the chart leaves such variables out.
fn is_empty(value: &Node) -> bool {
    match &value.value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(entries) => entries.is_empty(),
    }
}

fn files_from_secret(values: &Node) -> Vec<Mount> {
    let entries = values.get("filesFromSecret").and_then(Node::as_mapping).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            let projection = Projection {
                source: FileSource::Secret,
                name: name_of(&entry.value, &["secret"])?.into(),
                items: None,
                keys: None,
            };
            Mount::new(name_of(&entry.value, &["mountPath"])?, "", vec![projection])
        })
        .collect()
}

/// The service account's name; `None` when it follows from a release that is not known.
fn account_name(values: &Node, release: Option<&str>) -> Option<String> {
    if let Some(name) = name_of(values, &["serviceAccount", "name"]) {
        return Some(name.into());
    }
    let create = values.at(&["serviceAccount", "create"]);
    if create.is_some_and(is_empty) {
        return Some("default".into());
    }
    if let Some(name) = name_of(values, &["fullnameOverride"]) {
        return Some(trim(name));
    }
    let release = release?;
    let chart = name_of(values, &["nameOverride"]).unwrap_or(CHART);
    Some(if release.contains(chart) { trim(release) } else { trim(&format!("{release}-{chart}")) })
}

/// Names of the chart are cut to 63 characters, without a dash at the end.
fn trim(name: &str) -> String {
    let name: String = name.chars().take(63).collect();
    name.strip_suffix('-').unwrap_or(&name).into()
}
