//! Labels of versions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::name::wanted;
use super::parameter::Parameter;
use super::{arn, authorize, lock, not_found};
use crate::error::AwsError;
use crate::events;
use crate::world::Call;

/// Labels of one version, and of one call.
const MAX_LABELS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: String,
    parameter_version: Option<u64>,
    labels: Vec<String>,
}

pub(super) fn label_parameter_version(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: Input = call.input()?;
    AwsError::length("labels", input.labels.len(), 1, MAX_LABELS)?;
    for label in &input.labels {
        AwsError::length("labels.1.member", label.len(), 1, 100)?;
    }
    let (good, bad): (Vec<String>, Vec<String>) =
        input.labels.into_iter().partition(|label| is_label(label));
    let wanted = wanted(call, &input.name)?;
    let mut store = lock(call);
    let own = store.own_name(call, wanted.name);
    authorize(call, &mut store, "ssm:LabelParameterVersion", own)?;
    let parameter = store.region(call).get_mut(own).ok_or_else(not_found)?;
    let number = match input.parameter_version {
        None => parameter.latest()?.number,
        Some(number) => number,
    };
    let version = version(parameter, number)?;
    let kept =
        parameter.versions.iter().find(|v| v.number == version).map_or(0, |version| {
            version.labels.iter().filter(|label| !good.contains(label)).count()
        });
    if kept + good.len() > MAX_LABELS {
        return Err(AwsError::new(
            "ParameterVersionLabelLimitExceeded",
            "A parameter version can have a maximum of ten labels.",
        ));
    }
    for other in &mut parameter.versions {
        other.labels.retain(|label| !good.contains(label));
        if other.number == version {
            other.labels.extend(good.iter().cloned());
        }
    }
    let kind = parameter.latest()?.kind.name();
    events::parameter_changed(call, &arn(call, own), own, kind, "LabelParameterVersion");
    Ok(json!({ "InvalidLabels": bad, "ParameterVersion": version }))
}

/// The number of a version that is there.
fn version(parameter: &Parameter, number: u64) -> Result<u64, AwsError> {
    let is_there = parameter.versions.iter().any(|version| version.number == number);
    is_there.then_some(number).ok_or_else(|| {
        AwsError::new(
            "ParameterVersionNotFound",
            format!(
                "Systems Manager could not find version {number} of {}. Verify the version and \
                 try again.",
                parameter.name
            ),
        )
    })
}

fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    label.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

pub(super) fn unlabel_parameter_version(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: Input = call.input()?;
    AwsError::length("labels", input.labels.len(), 1, MAX_LABELS)?;
    let wanted = wanted(call, &input.name)?;
    let mut store = lock(call);
    let own = store.own_name(call, wanted.name);
    authorize(call, &mut store, "ssm:UnlabelParameterVersion", own)?;
    let parameter = store.region(call).get_mut(own).ok_or_else(not_found)?;
    let number = input.parameter_version.unwrap_or_default();
    let number = version(parameter, number)?;
    let (mut removed, mut missing) = (Vec::new(), Vec::new());
    if let Some(version) = parameter.versions.iter_mut().find(|v| v.number == number) {
        for label in input.labels {
            let before = version.labels.len();
            version.labels.retain(|other| *other != label);
            let list = if version.labels.len() < before { &mut removed } else { &mut missing };
            list.push(label);
        }
    }
    Ok(json!({ "RemovedLabels": removed, "InvalidLabels": missing }))
}
