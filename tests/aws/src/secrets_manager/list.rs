//! Lists, page by page.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::secret::{Secret, day};
use super::store::Store;
use super::{lock, no_such_secret, seconds};
use crate::error::AwsError;
use crate::world::Call;

/// Filters that one request may have.
const MAX_FILTERS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListSecrets {
    #[serde(default)]
    include_planned_deletion: bool,
    max_results: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    sort_order: Option<String>,
    sort_by: Option<String>,
}

/// Which part of a list is asked for.
#[derive(Default)]
pub(super) struct Page<'a> {
    pub(super) size: usize,
    pub(super) token: Option<&'a str>,
    pub(super) deleted_too: bool,
    pub(super) descending: bool,
    pub(super) by: SortBy,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum SortBy {
    #[default]
    Created,
    Accessed,
    Changed,
    Name,
}

pub(super) fn list_secrets(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: ListSecrets = call.input()?;
    let size = input.max_results.unwrap_or(100);
    AwsError::range("maxResults", size, 1, 100)?;
    let descending = match input.sort_order.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => {
            let rule = "Member must satisfy enum value set: [asc, desc]";
            return Err(AwsError::constraint("sortOrder", rule));
        }
    };
    let by = match input.sort_by.as_deref() {
        None | Some("created-date") => SortBy::Created,
        Some("last-accessed-date") => SortBy::Accessed,
        Some("last-changed-date") => SortBy::Changed,
        Some("name") => SortBy::Name,
        Some(_) => {
            let rule = "Member must satisfy enum value set: [created-date, \
                        last-accessed-date, last-changed-date, name]";
            return Err(AwsError::constraint("sortBy", rule));
        }
    };
    call.authorize_any("secretsmanager:ListSecrets")?;
    let mut store = lock(call);
    let page = Page {
        size: usize::try_from(size).unwrap_or_default(),
        token: input.next_token.as_deref(),
        deleted_too: input.include_planned_deletion,
        descending,
        by,
    };
    let (secrets, next) = matching(&mut store, call, &input.filters, &page)?;
    let describe = |secret: &Secret| secret.describe(call.region, "SecretVersionsToStages");
    let entries: Vec<_> = secrets.iter().map(describe).collect();
    let mut answer = json!({ "SecretList": entries });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

/// The secrets on a page, and the token of the next one.
pub(super) fn matching(
    store: &mut Store,
    call: &Call<'_>,
    filters: &[Filter],
    page: &Page<'_>,
) -> Result<(Vec<Secret>, Option<String>), AwsError> {
    AwsError::length("filters", filters.len(), 0, MAX_FILTERS)?;
    filters.iter().try_for_each(Filter::check)?;
    let query = json!([
        call.operation,
        call.caller.account,
        call.region,
        filters,
        page.deleted_too,
        page.descending,
        format!("{:?}", page.by),
    ]);
    let invalid =
        || AwsError::new("InvalidNextTokenException", "The provided NextToken is invalid.");
    let cursor = match page.token {
        None => None,
        Some(token) => Some(call.world.pages.cursor(&query, token).ok_or_else(invalid)?),
    };
    let after = match &cursor {
        None => None,
        Some(cursor) => Some(SortKey::read(cursor).ok_or_else(invalid)?),
    };
    let is_listed = |secret: &&Secret| {
        let is_there = match secret.deletion {
            None => true,
            Some((_, at)) => page.deleted_too && call.now < at,
        };
        is_there && filters.iter().all(|filter| filter.matches(secret))
    };
    let secrets = store.listed(&call.caller.account, call.region, call.now);
    let mut found: Vec<(SortKey<'_>, &Secret)> = secrets
        .into_iter()
        .filter(is_listed)
        .map(|secret| (SortKey::of(secret, page.by), secret))
        .filter(|(key, _)| match &after {
            None => true,
            Some(after) if page.descending => key < after,
            Some(after) => key > after,
        })
        .collect();
    found.sort_unstable_by(
        |(one, _), (other, _)| {
            if page.descending { other.cmp(one) } else { one.cmp(other) }
        },
    );
    let is_more = found.len() > page.size;
    found.truncate(page.size);
    let next = found.last().filter(|_| is_more);
    let next = next.map(|(key, _)| call.world.pages.token(&query, &key.write()));
    Ok((found.into_iter().map(|(_, secret)| secret.clone()).collect(), next))
}

/// What a list is sorted by; different for every secret.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SortKey<'a> {
    /// Milliseconds since 1970, if it goes by a date other than that of creation.
    date: i64,
    /// Empty if it goes by a date.
    name: &'a str,
    serial: u64,
}

impl<'a> SortKey<'a> {
    fn of(secret: &'a Secret, by: SortBy) -> Self {
        let date = match by {
            SortBy::Created | SortBy::Name => None,
            SortBy::Accessed => secret.accessed.map(day),
            SortBy::Changed => Some(secret.changed),
        };
        let name = if by == SortBy::Name { secret.name.as_str() } else { "" };
        Self { date: date.map_or(0, Timestamp::as_millisecond), name, serial: secret.serial }
    }

    fn write(&self) -> String {
        format!("{} {} {}", self.date, self.serial, self.name)
    }

    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (date, serial, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { date: date.parse().ok()?, name, serial: serial.parse().ok()? })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListSecretVersionIds {
    secret_id: String,
    max_results: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    include_deprecated: bool,
}

pub(super) fn list_secret_version_ids(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: ListSecretVersionIds = call.input()?;
    let size = input.max_results.unwrap_or(100);
    AwsError::range("maxResults", size, 1, 100)?;
    let size = usize::try_from(size).unwrap_or_default();
    let mut store = lock(call);
    let place = store.open(call, "secretsmanager:ListSecretVersionIds", &input.secret_id)?;
    let secret = store.get(&place).ok_or_else(no_such_secret)?;
    let query = json!([call.operation, secret.arn(call.region), input.include_deprecated]);
    let cursor = match &input.next_token {
        None => None,
        Some(token) => Some(call.world.pages.cursor(&query, token).ok_or_else(|| {
            AwsError::new("InvalidNextTokenException", "The provided NextToken is invalid.")
        })?),
    };
    let shown =
        |version: &&super::secret::Version| input.include_deprecated || !version.labels.is_empty();
    let mut versions: Vec<_> = secret.versions.iter().filter(shown).collect();
    if let Some(cursor) = cursor {
        let begin = versions.iter().position(|v| v.id == cursor).map_or(0, |at| at + 1);
        versions.drain(..begin);
    }
    let is_more = versions.len() > size;
    versions.truncate(size);
    let next = versions.last().filter(|_| is_more).map(|v| call.world.pages.token(&query, &v.id));
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| {
            let mut entry =
                json!({ "VersionId": version.id, "CreatedDate": seconds(version.created) });
            if !version.labels.is_empty() {
                entry["VersionStages"] = json!(version.labels);
            }
            if let Some(accessed) = version.accessed {
                entry["LastAccessedDate"] = json!(seconds(day(accessed)));
            }
            if let Some(key) = &version.kms_key {
                entry["KmsKeyIds"] = json!([key]);
            }
            entry
        })
        .collect();
    let mut answer =
        json!({ "Versions": versions, "ARN": secret.arn(call.region), "Name": secret.name });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}
