//! Reading parameters by name.

use serde::Deserialize;
use serde_json::{Value, json};

use super::name::wanted;
use super::parameter::Store;
use super::{authorize, lock, not_found, reference};
use crate::error::AwsError;
use crate::world::Call;

/// Names that one call may ask for.
const MAX_NAMES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameter {
    name: String,
    #[serde(default)]
    with_decryption: bool,
}

pub(super) fn get_parameter(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetParameter = call.input()?;
    let action = "ssm:GetParameter";
    let parameter = one(&mut lock(call), call, action, &input.name, input.with_decryption)?;
    Ok(json!({ "Parameter": parameter }))
}

fn one(
    store: &mut Store,
    call: &Call<'_>,
    action: &str,
    name: &str,
    decrypt: bool,
) -> Result<Value, AwsError> {
    let wanted = wanted(call, name)?;
    let own = store.own_name(call, wanted.name);
    authorize(call, store, action, own)?;
    if let Some(secret) = own.strip_prefix(reference::PREFIX) {
        return reference::secret(call, &wanted, secret, decrypt);
    }
    let parameter = store.region(call).get(own).ok_or_else(not_found)?;
    parameter.select(&wanted)?.answer(call, &parameter.name, wanted.selector, decrypt)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameters {
    names: Vec<String>,
    #[serde(default)]
    with_decryption: bool,
}

pub(super) fn get_parameters(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetParameters = call.input()?;
    AwsError::length("names", input.names.len(), 1, MAX_NAMES)?;
    let mut store = lock(call);
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in &input.names {
        match one(&mut store, call, "ssm:GetParameters", name, input.with_decryption) {
            Ok(parameter) => found.push(parameter),
            Err(error) if error.code.starts_with("Parameter") => missing.push(name),
            Err(error) => return Err(error),
        }
    }
    Ok(json!({ "Parameters": found, "InvalidParameters": missing }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameterHistory {
    name: String,
    #[serde(default)]
    with_decryption: bool,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn get_parameter_history(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetParameterHistory = call.input()?;
    let size = input.max_results.unwrap_or(50);
    AwsError::range("maxResults", size, 1, 50)?;
    let wanted = wanted(call, &input.name)?;
    let mut store = lock(call);
    let own = store.own_name(call, wanted.name);
    authorize(call, &mut store, "ssm:GetParameterHistory", own)?;
    let parameter = store.region(call).get(own).ok_or_else(not_found)?;
    let query = json!([call.operation, own, input.with_decryption]);
    let after = match &input.next_token {
        None => 0,
        Some(token) => super::search::cursor(call, &query, token)?.parse().unwrap_or(0),
    };
    let mut rest = parameter.versions.iter().filter(|version| version.number > after).peekable();
    let mut entries = Vec::new();
    let mut last = after;
    while let Some(version) = rest.next_if(|_| i64::try_from(entries.len()).is_ok_and(|n| n < size))
    {
        let mut entry = version.describe(&parameter.name);
        entry["Value"] = json!(version.value(call, &parameter.name, input.with_decryption)?);
        entry["Labels"] = json!(version.labels);
        entries.push(entry);
        last = version.number;
    }
    let mut answer = json!({ "Parameters": entries });
    if rest.peek().is_some() {
        answer["NextToken"] = json!(call.world.pages.token(&query, &last.to_string()));
    }
    Ok(answer)
}
