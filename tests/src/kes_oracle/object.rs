//! Whole objects: what KES wrote for `spec.template`, and what the migrated object writes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_crds::ExternalSecret;
use extsecret_engine::collect::Collected;
use extsecret_engine::plan::{Action, Input, plan};
use extsecret_engine::secret::Secret;
use extsecret_engine::template::{Settings, Sources};
use extsecret_manifest::read::{self, Limits};
use extsecret_manifest::source::{FileId, SourceFile};
use extsecret_migrate::{Context, FileHints, Migrator, Options};
use serde_json::{Value, json};

use super::{Mode, Sets, Values, bytes_of, declared, ours};
use crate::oracle::Line;

/// ESO's own labels and annotations.
const ESOS: &str = "reconcile.external-secrets.io/";

/// What became of an object.
#[derive(Debug)]
pub struct ObjectJudged {
    /// The codes of all findings; with an `E` among them nothing was written.
    pub codes: BTreeSet<&'static str>,
    /// Whether it was migrated.
    pub migrated: bool,
    /// What differs, in words: the set, the place, both values.
    pub findings: Vec<String>,
    /// Values that differ by nothing but characters that KES mangled, which W15 announces.
    pub mangled: usize,
    /// Data sets on which KES failed and the migrated object does not.
    pub only_kes_failed: usize,
    /// Data sets compared.
    pub compared: usize,
}

/// Migrates the object of a case, runs the result, and compares it with the answers in the case.
///
/// # Errors
/// If the case is malformed.
pub fn judge_object(case: &Line, sets: &Sets) -> anyhow::Result<ObjectJudged> {
    let sets = sets.of(Mode::Object, case)?;
    let spec = case.get("spec").context("a case has a spec")?;
    let (object, codes) = migrated(spec, &sets)?;
    let mut judged = ObjectJudged {
        codes,
        migrated: object.is_some(),
        findings: Vec::new(),
        mangled: 0,
        only_kes_failed: 0,
        compared: 0,
    };
    let Some(object) = object else { return Ok(judged) };
    let answers = case.get("answers").and_then(Value::as_array).context("no answers")?;
    for ((name, set), answer) in sets.iter().zip(answers) {
        judged.compared += 1;
        let values = bytes_of(set)?;
        let (real, ascii) = (secret(&object, &values), secret(&object, &ours::as_ascii(&values)));
        if answer.get("error").is_some() {
            judged.only_kes_failed += usize::from(real.is_ok());
            continue;
        }
        let kes = flat(answer)?;
        let (real, ascii) = match (real, ascii) {
            (Ok(real), Ok(ascii)) => (real, ascii),
            (Err(error), _) | (_, Err(error)) => {
                judged.findings.push(format!("{name}: only ours fails: {error}"));
                continue;
            }
        };
        let places: BTreeSet<_> = kes.keys().chain(real.keys()).collect();
        for place in places {
            let (wanted, is) = (kes.get(place), real.get(place));
            if wanted == is {
                continue;
            }
            if wanted == ascii.get(place) && judged.codes.contains("W15") {
                judged.mangled += 1;
                continue;
            }
            let shown = |value: Option<&Vec<u8>>| {
                value.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            };
            judged.findings.push(format!(
                "{name}: {place}: KES {:?}, ours {:?}",
                shown(wanted),
                shown(is)
            ));
        }
    }
    Ok(judged)
}

/// The ExternalSecret that replaces an object with this spec, and the codes of all findings.
fn migrated(
    spec: &Value,
    sets: &[(String, Value)],
) -> anyhow::Result<(Option<ExternalSecret>, BTreeSet<&'static str>)> {
    let declared = declared(sets);
    let any = |key: &String| !declared.contains(key);
    let more = sets.iter().any(|(_, set)| set.as_object().is_some_and(|set| set.keys().any(any)));
    let mut whole = json!({ "backendType": "secretsManager", "region": "eu-central-1" });
    let items = declared.iter().map(|key| json!({ "key": key, "name": key })).collect::<Vec<_>>();
    whole["data"] = items.into();
    if more {
        whole["dataFrom"] = json!(["more"]);
    }
    for (field, value) in spec.as_object().context("spec is a map")? {
        whole[field.as_str()] = value.clone();
    }
    let object = json!({
        "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "o", "namespace": "app" }, "spec": whole,
    });

    let file = SourceFile::new("object.json", serde_json::to_string(&object)?);
    let documents = read::read(FileId(0), &file, &Limits::default());
    let options = Options::default();
    let mut run = Migrator::new(&Context::default(), &options);
    run.add(FileId(0), &file, &documents, FileHints::default());
    let migration = run.finish();
    let codes = migration.objects.iter().flat_map(|object| &object.diagnostics);
    let codes = codes.map(|diagnostic| diagnostic.code.id).collect();
    let written = migration.outputs.iter().find(|output| output.kind == "ExternalSecret");
    let object =
        written.map(|output| serde_json::from_value(output.node().to_json())).transpose()?;
    Ok((object, codes))
}

/// The Secret that the object brings, place by place; or why it brings none.
fn secret(object: &ExternalSecret, values: &Values) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let collected = Collected { data: values.clone(), missing: Vec::new() };
    let (sources, settings) = (Sources::default(), Settings::default());
    let input = Input {
        object,
        collected: Ok(&collected),
        existing: None,
        sources: &sources,
        settings: &settings,
        adopt: true,
    };
    let plan = plan(&input, &mut ours::Fixed);
    match plan.action {
        Action::Create(secret) => Ok(places(&secret)),
        _ => Err(format!("{:?}", plan.outcome)),
    }
}

fn places(secret: &Secret) -> BTreeMap<String, Vec<u8>> {
    let mut places = BTreeMap::new();
    let type_ = secret.type_.as_deref().filter(|text| !text.is_empty()).unwrap_or("Opaque");
    places.insert("type".to_owned(), type_.as_bytes().to_vec());
    if secret.immutable == Some(true) {
        places.insert("immutable".to_owned(), b"true".to_vec());
    }
    for (index, finalizer) in secret.metadata.finalizers.iter().flatten().enumerate() {
        places.insert(format!("finalizers[{index}]"), finalizer.clone().into_bytes());
    }
    let metadata =
        [("labels", &secret.metadata.labels), ("annotations", &secret.metadata.annotations)];
    for (what, map) in metadata {
        for (key, text) in map.iter().flatten().filter(|(key, _)| !key.starts_with(ESOS)) {
            places.insert(format!("{what}.{key}"), text.clone().into_bytes());
        }
    }
    for (key, bytes) in &secret.data {
        places.insert(format!("data.{key}"), bytes.clone());
    }
    places
}

/// KES's Secret in the same form.
fn flat(secret: &Value) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut places = BTreeMap::new();
    for (field, value) in secret.as_object().context("a Secret is a map")? {
        match value {
            Value::String(text) => {
                places.insert(field.clone(), text.clone().into_bytes());
            }
            Value::Bool(true) => {
                places.insert(field.clone(), b"true".to_vec());
            }
            Value::Array(list) => {
                for (index, item) in list.iter().enumerate() {
                    let text = item.as_str().context("a list of texts")?;
                    places.insert(format!("{field}[{index}]"), text.as_bytes().to_vec());
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    let bytes = match value.get("base64").and_then(Value::as_str) {
                        Some(base64) => STANDARD.decode(base64)?,
                        None => value.as_str().context("a text")?.as_bytes().to_vec(),
                    };
                    places.insert(format!("{field}.{key}"), bytes);
                }
            }
            _ => {}
        }
    }
    Ok(places)
}
