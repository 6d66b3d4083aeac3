//! Parameters below a path, or with certain properties.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::parameter::{Parameter, Version};
use super::{arn, authorize, lock};
use crate::error::AwsError;
use crate::world::Call;

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "PascalCase"))]
struct Filter {
    key: String,
    option: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// The cursor in a token; a token that is not of this query is refused.
pub(super) fn cursor(call: &Call<'_>, query: &Value, token: &str) -> Result<String, AwsError> {
    let cursor = call.world.pages.cursor(query, token);
    cursor.ok_or_else(|| AwsError::new("InvalidNextToken", "The specified token is not valid."))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParametersByPath {
    path: String,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    parameter_filters: Vec<Filter>,
    #[serde(default)]
    with_decryption: bool,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn get_parameters_by_path(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetParametersByPath = call.input()?;
    let size = input.max_results.unwrap_or(10);
    AwsError::range("maxResults", size, 1, 10)?;
    if !input.path.starts_with('/') {
        return Err(AwsError::validation(
            "The parameter doesn't meet the parameter name requirements. The parameter name must \
             begin with a forward slash \"/\".",
        ));
    }
    for filter in &input.parameter_filters {
        if !["Type", "KeyId", "Label"].contains(&filter.key.as_str()) {
            return Err(AwsError::new(
                "InvalidFilterKey",
                format!(
                    "The following filter key is not valid: {}. Valid filter keys include: [Type, \
                     KeyId, Label].",
                    filter.key
                ),
            ));
        }
        filter.check(&["Equals", "BeginsWith"])?;
    }
    call.is_about(&input.path);
    let mut store = lock(call);
    authorize(call, &mut store, "ssm:GetParametersByPath", &input.path)?;
    let query = json!([
        call.operation,
        input.path,
        input.recursive,
        input.parameter_filters,
        input.with_decryption
    ]);
    let after = input.next_token.as_ref().map(|token| cursor(call, &query, token)).transpose()?;
    let by_label = input.parameter_filters.iter().find(|filter| filter.key == "Label");
    let found = store.region(call).values().filter_map(|parameter| {
        if !is_below(&parameter.name, &input.path, input.recursive) {
            return None;
        }
        // A label selects the version that has it.
        let version = match by_label {
            None => parameter.versions.last(),
            Some(filter) => parameter
                .versions
                .iter()
                .find(|version| version.labels.iter().any(|label| filter.accepts(label))),
        }?;
        let others = input.parameter_filters.iter().filter(|filter| filter.key != "Label");
        let is_met = others.into_iter().all(|filter| filter.matches(parameter, version));
        is_met.then_some((parameter.name.as_str(), version))
    });
    let (page, next) = page(found, after.as_deref(), size);
    let mut entries = Vec::new();
    for (name, version) in &page {
        entries.push(version.answer(call, name, None, input.with_decryption)?);
    }
    let mut answer = json!({ "Parameters": entries });
    if let Some(next) = next {
        answer["NextToken"] = json!(call.world.pages.token(&query, next));
    }
    Ok(answer)
}

/// What comes after a name, up to so many, and the last name if there is more.
fn page<'a>(
    found: impl Iterator<Item = (&'a str, &'a Version)>,
    after: Option<&str>,
    size: i64,
) -> (Vec<(&'a str, &'a Version)>, Option<&'a str>) {
    let size = usize::try_from(size).unwrap_or(1);
    let mut rest = found.filter(|(name, _)| after.is_none_or(|after| *name > after)).peekable();
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next = page.last().map(|(name, _)| *name).filter(|_| rest.peek().is_some());
    (page, next)
}

fn is_below(name: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    // Names without a slash are at the root.
    let rest = match name.strip_prefix(path) {
        Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
        Some(rest) if path.is_empty() => rest,
        _ => return false,
    };
    recursive || !rest.contains('/')
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeParameters {
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    parameter_filters: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn describe_parameters(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: DescribeParameters = call.input()?;
    let size = input.max_results.unwrap_or(50);
    AwsError::range("maxResults", size, 1, 50)?;
    if !input.filters.is_empty() && !input.parameter_filters.is_empty() {
        return Err(AwsError::validation(
            "You can use either Filters or ParameterFilters in a single request.",
        ));
    }
    let filters = if input.filters.is_empty() { input.parameter_filters } else { input.filters };
    for filter in &filters {
        match filter.key.as_str() {
            "Name" => filter.check(&["Equals", "BeginsWith", "Contains"])?,
            "Path" => filter.check(&["Recursive", "OneLevel"])?,
            "Type" | "KeyId" | "Tier" | "DataType" => filter.check(&["Equals", "BeginsWith"])?,
            key if key.starts_with("tag:") => filter.check(&["Equals", "BeginsWith"])?,
            key => {
                return Err(AwsError::new(
                    "InvalidFilterKey",
                    format!("The following filter key is not valid: {key}."),
                ));
            }
        }
    }
    call.authorize_any("ssm:DescribeParameters")?;
    let query = json!([call.operation, filters]);
    let after = input.next_token.as_ref().map(|token| cursor(call, &query, token)).transpose()?;
    let mut store = lock(call);
    let found = store.region(call).values().filter_map(|parameter| {
        let version = parameter.versions.last()?;
        let is_met = filters.iter().all(|filter| filter.matches(parameter, version));
        is_met.then_some((parameter.name.as_str(), version))
    });
    let (page, next) = page(found, after.as_deref(), size);
    let entries: Vec<Value> = page
        .iter()
        .map(|(name, version)| {
            let mut entry = version.describe(name);
            entry["ARN"] = json!(arn(call, name));
            entry
        })
        .collect();
    let mut answer = json!({ "Parameters": entries });
    if let Some(next) = next {
        answer["NextToken"] = json!(call.world.pages.token(&query, next));
    }
    Ok(answer)
}

impl Filter {
    fn check(&self, options: &[&str]) -> Result<(), AwsError> {
        if self.option.as_deref().is_some_and(|option| !options.contains(&option)) {
            return Err(AwsError::new(
                "InvalidFilterOption",
                format!(
                    "The following filter option is not valid: {}. Valid options include: [{}].",
                    self.option.as_deref().unwrap_or_default(),
                    options.join(", ")
                ),
            ));
        }
        // A tag may be asked for whatever its value is.
        let least = usize::from(!self.key.starts_with("tag:"));
        if self.values.len() < least || self.values.len() > 50 {
            return Err(AwsError::new(
                "InvalidFilterValue",
                format!("The filter {} has no value, or more than 50.", self.key),
            ));
        }
        Ok(())
    }

    fn matches(&self, parameter: &Parameter, version: &Version) -> bool {
        match self.key.as_str() {
            "Name" => {
                self.accepts(&parameter.name)
                    || parameter.name.strip_prefix('/').is_some_and(|bare| self.accepts(bare))
            }
            "Path" => {
                let recursive = self.option.as_deref() == Some("Recursive");
                self.values.iter().any(|path| is_below(&parameter.name, path, recursive))
            }
            "Type" => self.accepts(version.kind.name()),
            "KeyId" => version.key.as_ref().is_some_and(|key| self.accepts(key)),
            "Tier" => self.accepts(version.tier),
            "DataType" => self.accepts(&version.data_type),
            key => {
                let tag = key.strip_prefix("tag:").and_then(|tag| parameter.tags.get(tag));
                tag.is_some_and(|value| self.values.is_empty() || self.accepts(value))
            }
        }
    }

    fn accepts(&self, text: &str) -> bool {
        self.values.iter().any(|value| match self.option.as_deref() {
            Some("BeginsWith") => text.starts_with(value),
            Some("Contains") => text.contains(value),
            _ => text == value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn paths_end_at_slashes() {
        assert!(is_below("/app/db", "/app", false));
        assert!(is_below("/app/db", "/app/", false));
        assert!(!is_below("/app/db/user", "/app", false));
        assert!(is_below("/app/db/user", "/app", true));
        assert!(!is_below("/application", "/app", true));
        assert!(!is_below("/app", "/app", true));
        assert!(is_below("/app", "/", false));
        assert!(is_below("plain", "/", false));
        assert!(!is_below("/app/db", "/", false));
    }
}
