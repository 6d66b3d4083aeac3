//! What the converted object writes: the engine, on the same values.

use std::collections::BTreeMap;

use extsecret_crds::ExternalSecret;
use extsecret_engine::Environment;
use extsecret_engine::collect::{self, CollectError, FetchError, Fetched};
use extsecret_engine::error::ValueError;
use extsecret_engine::plan::{self, Input, PlanError};
use extsecret_engine::request::{self, Fetch, Field, Request};
use extsecret_engine::secret::{Data, Secret};
use extsecret_engine::template::{Place, Settings, Sources, TemplateError};

use super::store::{self, Source};
use crate::kes::{Backend, Kes};

/// Labels and annotations that the controller itself adds.
const OWN: &str = "reconcile.external-secrets.io/";

/// The Secret of the converted object.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// What was fetched, before any template.
    pub(super) fetched: Data,
    pub(super) data: Data,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at: At,
    pub(super) kind: FailureKind,
    /// In the engine's words, which hold no value.
    pub(super) message: String,
    /// There is no value, so that no Secret is written.
    pub(super) empty: bool,
}

/// Where it fails.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum At {
    Item(Field),
    Template(Place),
    Object,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// A value that is not JSON, or no object.
    NotJson,
    /// base64 that is not strict.
    Decoding,
    /// Two keys become one.
    Collision,
    /// A template meets a value that is not what it takes it for, and stops.
    Guard,
    Other,
}

/// A check has no clock and no luck: templates that were translated ask for neither.
struct Still;

impl Environment for Still {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// Renders `object`, which was converted from `kes`, on the values of `source`.
pub(super) fn run(
    object: &ExternalSecret,
    kes: &Kes<'_>,
    source: &dyn Source,
) -> Result<Target, Failure> {
    let requests = request::requests(&object.spec).map_err(|error| failure(&error.into()))?;
    let answers = requests.iter().map(|request| answer(object, kes, request, source)).collect();
    let collected = collect::collect(&object.spec, &requests, answers, &mut Still)
        .map_err(|error| failure(&error))?;
    if collected.data.is_empty() {
        // ESO keeps what there is, and writes no Secret.
        return Err(Failure {
            at: At::Object,
            kind: FailureKind::Other,
            message: "there is no value at all, so that the Secret stays as it is".into(),
            empty: true,
        });
    }
    let input = Input {
        object,
        collected: Ok(&collected),
        existing: None,
        sources: &Sources::default(),
        settings: &Settings::default(),
        adopt: true,
    };
    let secret = plan::desired(&input, &collected.data, &mut Still).map_err(|error| Failure {
        at: match &error {
            PlanError::Template(error) => place(error),
            _ => At::Object,
        },
        kind: template_kind(&error.to_string()),
        message: error.to_string(),
        empty: false,
    })?;
    Ok(target(secret, collected.data))
}

fn target(secret: Secret, fetched: Data) -> Target {
    let theirs = |map: Option<BTreeMap<String, String>>| {
        map.into_iter().flatten().filter(|(key, _)| !key.starts_with(OWN)).collect()
    };
    Target {
        fetched,
        data: secret.data,
        labels: theirs(secret.metadata.labels),
        annotations: theirs(secret.metadata.annotations),
    }
}

/// What the provider of this backend answers.
fn answer(
    object: &ExternalSecret,
    kes: &Kes<'_>,
    request: &Request,
    source: &dyn Source,
) -> Result<Fetched, FetchError> {
    let mut found = source.answer(&request.fetch);
    if found.is_err()
        && let Some(fetch) = same_value(kes, &request.fetch)
    {
        found = source.answer(&fetch);
    }
    let Ok(Fetched::Value(payload)) = &found else { return found };
    let whole = match request.field {
        Field::Data(index) => {
            object.spec.data().get(index).is_some_and(|data| data.remote_ref.property.is_none())
        }
        Field::DataFrom(_) => false,
    };
    if kes.backend == Backend::Vault && whole {
        return Ok(Fetched::Value(store::vault_whole(payload)));
    }
    found
}

/// The value that a shortened key means: a mount or a group may be a part of the store, or of the
/// key, on one side only.
fn same_value(kes: &Kes<'_>, fetch: &Fetch) -> Option<Fetch> {
    let Fetch::Value { key, version } = fetch else { return None };
    if !matches!(kes.backend, Backend::Vault | Backend::Ibm) {
        return None;
    }
    let items = kes.items.iter().chain(&kes.extracts);
    let mut same: Vec<String> = items
        .map(|item| store::address(kes, item))
        .filter(|(name, other)| {
            let ends = |long: &str, short: &str| {
                long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'))
            };
            other == version && (ends(name, key) || ends(key, name))
        })
        .map(|(name, _)| name)
        .collect();
    same.sort();
    same.dedup();
    match same.as_slice() {
        [only] => Some(Fetch::Value { key: only.clone(), version: version.clone() }),
        _ => None,
    }
}

fn failure(error: &CollectError) -> Failure {
    let (at, kind) = match error {
        CollectError::Request(_) => (At::Object, FailureKind::Other),
        CollectError::Fetch { missing, .. } => (At::Item(missing.field), FailureKind::Other),
        CollectError::Value { missing, error } => (
            At::Item(missing.field),
            match error.as_ref() {
                ValueError::NoProperty { .. } | ValueError::NotAnObject { .. } => {
                    FailureKind::NotJson
                }
                ValueError::Decode { .. } => FailureKind::Decoding,
                ValueError::Collision { .. } => FailureKind::Collision,
                _ => FailureKind::Other,
            },
        ),
    };
    Failure { at, kind, message: error.to_string(), empty: false }
}

/// Templates stop on purpose at values that have no exact form in them, and where a member is
/// read of what has none.
fn template_kind(message: &str) -> FailureKind {
    const GUARDS: [&str; 5] = [
        "error calling fail: ",
        "error calling mustFromJson: ",
        "error calling mustToRawJson: ",
        "error calling index: can't index item of type ",
        "error calling index: cannot index slice/array with type string",
    ];
    if GUARDS.iter().any(|guard| message.contains(guard)) {
        FailureKind::Guard
    } else {
        FailureKind::Other
    }
}

fn place(error: &TemplateError) -> At {
    match error {
        TemplateError::Parse { place, .. }
        | TemplateError::Execute { place, .. }
        | TemplateError::NotAMap { place, .. }
        | TemplateError::Decode { place, .. }
        | TemplateError::NotText { place } => At::Template(place.clone()),
        _ => At::Object,
    }
}
