//! A case as it stands in its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The folder of all cases.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// The file `case.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) result: Outcome,
    #[serde(default = "usual_input")]
    pub(crate) input: String,
    pub(crate) diagnostics: Vec<Expected>,
    /// Kinds of which one object each is written too, whatever its text.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    remarks: String,
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Converted,
    Error,
    Partly,
}

/// A diagnostic that must be reported.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) code: String,
    /// `namespace/name`; absent for a finding about the run, or about a text that is no object.
    pub(crate) object: Option<String>,
    /// A part of the field's path, cut at its separators.
    pub(crate) field: Option<String>,
    /// Texts that the message or its help contain.
    #[serde(default)]
    pub(crate) says: Vec<String>,
}

/// The file `context.yaml`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Context {
    kes_namespace: Option<String>,
    service_account: Option<ServiceAccount>,
    env: Vec<Value>,
    volumes: Vec<Value>,
    volume_mounts: Vec<Value>,
    namespaces: Vec<Namespace>,
    pub(crate) flags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceAccount {
    name: String,
    #[serde(default)]
    annotations: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Namespace {
    name: String,
    #[serde(default)]
    annotations: Value,
}

fn usual_input() -> String {
    "input.yaml".to_owned()
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// All documents of a YAML text as JSON; empty documents are left out.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap_or_else(|e| panic!("{e} in\n{text}")))
        .filter(|document| !document.is_null())
        .collect()
}

impl Case {
    pub(crate) fn load(name: &str) -> Self {
        let folder = folder().join(name);
        let mut case: Self = read(&folder.join("case.yaml"))
            .unwrap_or_else(|| panic!("{name} has no case.yaml in {}", folder.display()));
        case.folder = folder;
        case
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.folder.join(&self.input)
    }

    pub(crate) fn context(&self) -> Context {
        read(&self.folder.join("context.yaml")).unwrap_or_default()
    }

    /// What its templates have to render.
    pub(crate) fn checks(&self) -> Vec<Check> {
        read(&self.folder.join("render.yaml")).map_or_else(Vec::new, |it: Checks| it.checks)
    }

    /// The objects that must be written.
    pub(crate) fn expected(&self) -> Vec<Value> {
        fs::read_to_string(self.folder.join("expected.yaml"))
            .map(|text| documents(&text))
            .unwrap_or_default()
    }
}

/// What a template has to render.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    pub(crate) key: String,
    /// The fetched values.
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) text: Option<String>,
    pub(crate) base64: Option<String>,
    /// Rendering must fail.
    #[serde(default)]
    pub(crate) error: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checks {
    checks: Vec<Check>,
}

impl Context {
    /// The installation as kubectl would export it; `None` when nothing is known about it.
    pub(crate) fn deployment(&self) -> Option<Vec<Value>> {
        let installed = self.kes_namespace.is_some()
            || self.service_account.is_some()
            || !self.env.is_empty()
            || !self.volumes.is_empty();
        if !installed {
            return None;
        }
        let namespace = self.kes_namespace.as_deref().unwrap_or("kes");
        let name = "kubernetes-external-secrets";
        let labels = json!({ "app.kubernetes.io/name": name });
        let mut objects = vec![json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": name, "namespace": namespace, "labels": labels },
            "spec": {
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": {
                        "serviceAccountName": self.service_account.as_ref().map(|a| &a.name),
                        "volumes": self.volumes,
                        "containers": [{
                            "name": name,
                            "image": "ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5",
                            "env": self.env,
                            "volumeMounts": self.volume_mounts,
                        }],
                    },
                },
            },
        })];
        objects.extend(self.service_account.as_ref().map(|account| {
            json!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {
                    "name": account.name,
                    "namespace": namespace,
                    "annotations": account.annotations,
                },
            })
        }));
        Some(objects)
    }

    /// The namespaces as kubectl would export them.
    pub(crate) fn namespaces(&self) -> Vec<Value> {
        self.namespaces
            .iter()
            .map(|namespace| {
                json!({
                    "apiVersion": "v1",
                    "kind": "Namespace",
                    "metadata": { "name": namespace.name, "annotations": namespace.annotations },
                })
            })
            .collect()
    }

    /// Every value of the installation's environment: none may appear in what is written.
    pub(crate) fn values(&self) -> Vec<&str> {
        self.env.iter().filter_map(|entry| entry["value"].as_str()).collect()
    }
}
