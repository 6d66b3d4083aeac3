//! One file per backend of KES: its items, and the store that they read from.
//!
//! A new backend is a new file here and a line in [`convert`].

use std::collections::BTreeSet;

use extsecret_crds::external_secret::{
    DataFromSource, DecodingStrategy, ExternalSecretData, RemoteRef,
};
use extsecret_crds::provider::Provider;
use extsecret_crds::selector::{SecretKeySelector, ServiceAccountSelector};

use crate::codes;
use crate::comments::{Field, Moves};
use crate::context::{Context, Credential, Fact, ObjectKey};
use crate::finding::{Findings, WithHelp};
use crate::kes::{Backend, Binary, Item, Kes, Text};
use crate::options::{Auth, Options, Scope};
use crate::property;

mod akeyless;
mod azure;
mod gcp;
mod ibm;
mod parameter_store;
mod secrets_manager;
mod vault;

/// What every backend is told besides the object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) context: &'a Context,
    pub(crate) options: &'a Options,
}

/// A store before it has a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StoreSeed {
    /// The backend's word in the store's name.
    pub(crate) short: &'static str,
    /// What tells stores of one backend apart for a reader: region, role, vault ...
    pub(crate) readable: String,
    pub(crate) provider: Provider,
}

/// A Secret that must exist for a store to work, and that nobody may write for the user: its keys
/// and what belongs there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skeleton {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) keys: Vec<(&'static str, String)>,
}

/// The backend's share of a converted object.
#[derive(Debug, Default)]
pub(crate) struct Mapped {
    pub(crate) store: StoreSeed,
    pub(crate) data: Vec<ExternalSecretData>,
    pub(crate) data_from: Vec<DataFromSource>,
    /// Templates that rebuild what KES stored (IBM).
    pub(crate) template_data: Vec<(String, String)>,
    pub(crate) skeleton: Option<Skeleton>,
    /// Items that only feed a template and must not reach the Secret themselves.
    pub(crate) hidden: BTreeSet<String>,
    /// The intermediate role was written into the store (W25).
    pub(crate) role_chain: bool,
    pub(crate) moves: Moves,
}

/// Converts the items of an object and says which store they need. When something is refused the
/// findings say so and the result is not used.
pub(crate) fn convert(
    kes: &Kes<'_>,
    facts: Facts<'_>,
    moves: Moves,
    found: &mut Findings<'_>,
) -> Mapped {
    let mut out = Mapped { moves, ..Mapped::default() };
    match kes.backend {
        Backend::SecretsManager => secrets_manager::convert(kes, facts, found, &mut out),
        Backend::SystemManager => parameter_store::convert(kes, facts, found, &mut out),
        Backend::Vault => vault::convert(kes, facts, found, &mut out),
        Backend::Azure => azure::convert(kes, facts, found, &mut out),
        Backend::Gcp => gcp::convert(kes, facts, found, &mut out),
        Backend::Ibm => ibm::convert(kes, facts, found, &mut out),
        Backend::Akeyless => akeyless::convert(kes, facts, found, &mut out),
        // Refused by the reader, since there is nothing to convert to.
        Backend::Alibaba => {}
    }
    if facts.options.strict_bytes {
        strict_bytes(kes, found);
    }
    if kes.items.iter().any(|item| item.property.is_some()) || !kes.extracts.is_empty() {
        found.once(
            &codes::W08,
            "a key whose value is not JSON was skipped by KES; here it is an error of the whole object",
        );
    }
    out
}

/// What only the values themselves could tell: whether they print the same (specification 1.6).
fn strict_bytes(kes: &Kes<'_>, found: &mut Findings<'_>) {
    for item in kes.items.iter().filter(|item| item.property.is_some()) {
        found.at(
            &codes::W07,
            item.span,
            item.field.as_str(),
            format!("if {} yields null, an object or a list, it is written differently: null as nothing, the others as they stand in the store", item.label),
        );
    }
    for item in &kes.extracts {
        found.at(
            &codes::W07,
            item.span,
            item.field.as_str(),
            format!("numbers, null and inner objects of {} are written as they stand in the store, not as JavaScript prints them", item.label),
        );
    }
}

/// Where the fields of a `data` item are found again.
const ITEM_FIELDS: &[Field] = &[
    ("name", &["secretKey"]),
    ("key", &["remoteRef", "key"]),
    ("property", &["remoteRef", "property"]),
    ("isBinary", &["remoteRef", "decodingStrategy"]),
    ("version", &["remoteRef", "version"]),
    ("versionStage", &["remoteRef", "version"]),
    ("versionId", &["remoteRef", "version"]),
];

/// Where the fields of a `dataFromWithOptions` item are found again.
const EXTRACT_FIELDS: &[Field] = &[
    ("key", &["extract", "key"]),
    ("versionStage", &["extract", "version"]),
    ("versionId", &["extract", "version"]),
];

/// Adds one `data` entry per item, last of each name winning as in KES, with what is the same for
/// all backends; `adapt` does the rest.
fn add_items(
    kes: &Kes<'_>,
    found: &mut Findings<'_>,
    out: &mut Mapped,
    mut adapt: impl FnMut(&Item<'_>, &mut RemoteRef, &mut Findings<'_>),
) {
    out.data.reserve_exact(kes.items.len());
    for (i, item) in kes.items.iter().enumerate() {
        let Some(name) = &item.name else { continue };
        let wins = |later: &&Item<'_>| later.name.as_ref().is_some_and(|n| n.value == name.value);
        if let Some(winner) = kes.items[i + 1..].iter().rev().find(wins) {
            let place = found.place(winner.span);
            found
                .at(
                    &codes::W09,
                    item.span,
                    item.field.as_str(),
                    format!(
                        "`{}` of {} loses against {} and is left out",
                        name.value, item.label, winner.label
                    ),
                )
                .related
                .push((place, "this one wins".into()));
            continue;
        }
        let mut remote =
            RemoteRef { key: item.key.value.clone().into_owned(), ..RemoteRef::default() };
        set_property(item, kes.backend, &mut remote, found);
        set_decoding(item, &mut remote, found);
        adapt(item, &mut remote, found);
        if out.moves.enabled() {
            let at = out.data.len().to_string();
            out.moves.item(&item.field, &["spec", "data", &at], ITEM_FIELDS);
        }
        out.data.push(ExternalSecretData {
            secret_key: name.value.clone().into_owned(),
            remote_ref: remote,
            ..ExternalSecretData::default()
        });
    }
}

/// Adds one `dataFrom.extract` per `dataFrom` and `dataFromWithOptions` entry, in KES's order.
fn add_extracts(
    kes: &Kes<'_>,
    found: &mut Findings<'_>,
    out: &mut Mapped,
    mut adapt: impl FnMut(&Item<'_>, &mut RemoteRef, &mut Findings<'_>),
) {
    out.data_from.reserve_exact(kes.extracts.len());
    for item in &kes.extracts {
        if item.binary != Binary::No {
            found.at(
                &codes::W06,
                item.span,
                format!("{}.isBinary", item.field),
                format!("isBinary of {} had no effect in KES and is left out", item.label),
            );
        }
        let mut remote =
            RemoteRef { key: item.key.value.clone().into_owned(), ..RemoteRef::default() };
        adapt(item, &mut remote, found);
        if out.moves.enabled() {
            let at = out.data_from.len().to_string();
            out.moves.item(&item.field, &["spec", "dataFrom", &at], EXTRACT_FIELDS);
        }
        out.data_from.push(DataFromSource { extract: Some(remote), ..DataFromSource::default() });
    }
}

/// Takes a version number off the end of a key, where KES's backends read it (I03).
fn split_version(
    item: &Item<'_>,
    separator: &str,
    remote: &mut RemoteRef,
    found: &mut Findings<'_>,
) {
    let Some((key, version)) = remote.key.rsplit_once(separator) else { return };
    if key.is_empty() || version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit()) {
        return;
    }
    found.at(
        &codes::I03,
        item.key.span,
        format_args!("{}.key", item.field),
        format!("version {version} of {} has a field of its own now", item.label),
    );
    remote.version = Some(version.to_owned());
    remote.key.truncate(key.len());
}

fn set_property(
    item: &Item<'_>,
    backend: Backend,
    remote: &mut RemoteRef,
    found: &mut Findings<'_>,
) {
    let Some(given) = &item.property else { return };
    let field = format_args!("{}.property", item.field);
    if given.value.is_empty() {
        found.at(
            &codes::W22,
            given.span,
            field,
            format!(
                "the property of {} is empty; KES failed on it, and it is left out",
                item.label
            ),
        );
        return;
    }
    let translated = property::translate(&given.value);
    if translated.rewritten {
        found.at(
            &codes::I01,
            given.span,
            field,
            format!("the property of {} is written `{}` now", item.label, translated.path),
        );
    }
    if backend == Backend::Azure && translated.path.contains('.') {
        found.at(
            &codes::W07,
            given.span,
            field,
            format!("for {}, Azure looks up the path before a literal key with a dot", item.label),
        );
    }
    remote.property = Some(translated.path);
}

fn set_decoding(item: &Item<'_>, remote: &mut RemoteRef, found: &mut Findings<'_>) {
    let field = format_args!("{}.isBinary", item.field);
    match item.binary {
        Binary::No => {}
        Binary::Yes => {
            remote.decoding_strategy = Some(DecodingStrategy::Base64);
            found.at(
                &codes::W05,
                item.span,
                field,
                format!("{} is decoded strictly now; a value stored as SecretBinary must not be decoded", item.label),
            );
        }
        Binary::Ignored => {
            found.at(
                &codes::W05,
                item.span,
                field,
                format!(
                    "isBinary of {} is not the boolean true, so KES ignored it; it is left out",
                    item.label
                ),
            );
        }
    }
}

/// A text and who said it.
struct Said {
    text: String,
    by: &'static str,
}

/// A fact of the context; one that stands there but cannot be read refuses the object.
fn known<T>(fact: Fact<T>, found: &mut Findings<'_>) -> Option<T> {
    fact.unwrap_or_else(|unknown| {
        found.add(unknown);
        None
    })
}

impl Facts<'_> {
    /// What the flag says, or else the context (specification 3.3; a flag is given on purpose, so
    /// it counts, with W32). A setting of KES that stands there but cannot be read refuses the
    /// object, unless the flag replaces it.
    fn say(fact: Fact<&str>, flag: Option<&String>, found: &mut Findings<'_>) -> Option<Said> {
        if let Some(text) = flag {
            return Some(Said { text: text.clone(), by: "the command line" });
        }
        let text = known(fact, found)?.to_owned();
        Some(Said { text, by: "the KES deployment" })
    }

    /// As [`Facts::say`], for a fact that nothing in the object could have said.
    fn text(fact: Fact<&str>, flag: Option<&String>, found: &mut Findings<'_>) -> Option<String> {
        Self::say(fact, flag, found).map(|said| said.text)
    }

    /// The object's own value, or else what the context or the flag says, with W03.
    fn own_or_said(
        own: Option<&Text<'_>>,
        fact: Fact<&str>,
        flag: Option<&String>,
        what: &str,
        found: &mut Findings<'_>,
    ) -> Option<String> {
        if let Some(own) = own {
            return Some(own.value.to_string());
        }
        let said = Self::say(fact, flag, found)?;
        found.once(
            &codes::W03,
            format!("{what} `{}` comes from {}, not from the object", said.text, said.by),
        );
        Some(said.text)
    }

    /// Refuses the object when a fact is unknown, unless that has been said already.
    fn need<T>(
        self,
        value: Option<T>,
        fact: &str,
        variable: &str,
        found: &mut Findings<'_>,
    ) -> Option<T> {
        if value.is_none() && !found.is_refused() {
            found.add(self.context.missing(fact, variable));
        }
        value
    }

    /// A reference to a credential of KES. One that stood in clear text gets a key in a Secret
    /// that the user fills.
    fn credential(
        self,
        credential: Option<Credential>,
        skeleton: &mut Skeleton,
        key: &'static str,
        variable: &str,
        found: &mut Findings<'_>,
    ) -> SecretKeySelector {
        if let Some(Credential::Secret(source)) = credential {
            return self.secret_key(&source, found);
        }
        skeleton.keys.push((key, format!("the value of KES's {variable}")));
        found.once(
            &codes::W18,
            format!(
                "fill the Secret `{}`, which is written without values, before its store is used",
                skeleton.name
            ),
        );
        SecretKeySelector {
            name: Some(skeleton.name.clone()),
            key: Some(key.into()),
            namespace: Some(skeleton.namespace.clone()),
            ..SecretKeySelector::default()
        }
    }

    fn skeleton(self, name: &str, found: &mut Findings<'_>) -> Option<Skeleton> {
        if !self.may_use_kes("a Secret of KES", found) {
            return None;
        }
        let namespace = self.kes_namespace(found)?;
        Some(Skeleton { name: name.into(), namespace, keys: Vec::new() })
    }

    /// The service account that the auth strategy names, when it names one.
    fn service_account(
        self,
        kes: &Kes<'_>,
        found: &mut Findings<'_>,
    ) -> Option<ServiceAccountSelector> {
        match &self.options.auth {
            Auth::Controller | Auth::SecretRef => None,
            Auth::KesServiceAccount => {
                if !self.may_use_kes("the service account of KES", found) {
                    return None;
                }
                let Some(account) = &self.context.service_account else {
                    found.object(&codes::E10, "the service account of KES is not known").with_help(
                        "give its Deployment with --kes-deployment FILE (with --kes-values, add --kes-release NAME), or use another --auth",
                    );
                    return None;
                };
                found.once(
                    &codes::W18,
                    format!(
                        "the store uses the service account `{}` of KES; keep it when KES is removed",
                        account.name
                    ),
                );
                Some(ServiceAccountSelector {
                    name: account.name.clone(),
                    namespace: self.kes_namespace(found),
                    ..ServiceAccountSelector::default()
                })
            }
            Auth::ServiceAccount { namespace, name } => {
                let local = self.options.scope == Scope::Namespace;
                let own = kes.namespace.or(self.options.namespace.as_deref());
                if local && own != Some(namespace.as_str()) {
                    found
                        .object(
                            &codes::E10,
                            format!("a SecretStore cannot use the service account of namespace `{namespace}`"),
                        )
                        .with_help("migrate each namespace with a service account of its own, or use --scope cluster");
                    return None;
                }
                Some(ServiceAccountSelector {
                    name: name.clone(),
                    namespace: (!local).then(|| namespace.clone()),
                    ..ServiceAccountSelector::default()
                })
            }
        }
    }

    /// False, and the object refused, when its store may not look into KES's namespace.
    fn may_use_kes(self, what: &str, found: &mut Findings<'_>) -> bool {
        let may = self.options.scope == Scope::Cluster;
        if !may && !found.is_refused() {
            found
                .object(
                    &codes::E10,
                    format!("a SecretStore cannot use {what}, which is in the namespace of KES"),
                )
                .with_help("use --scope cluster, or another --auth");
        }
        may
    }

    /// Where KES and its Secrets live.
    fn kes_namespace(self, found: &mut Findings<'_>) -> Option<String> {
        let namespace =
            self.context.namespace.clone().or_else(|| self.options.kes_namespace.clone());
        if namespace.is_none() && !found.is_refused() {
            found
                .object(&codes::E10, "the namespace of KES is not known")
                .with_help("its Deployment names none: give --kes-namespace NAMESPACE");
        }
        namespace
    }

    /// A reference to a key of a Secret that KES uses.
    fn secret_key(self, source: &ObjectKey, found: &mut Findings<'_>) -> SecretKeySelector {
        self.may_use_kes("a Secret of KES", found);
        found.once(
            &codes::W18,
            format!(
                "the store uses the Secret `{}` of KES; keep it when KES is removed",
                source.name
            ),
        );
        SecretKeySelector {
            name: Some(source.name.clone()),
            key: Some(source.key.clone()),
            namespace: self.kes_namespace(found),
            ..SecretKeySelector::default()
        }
    }
}

/// `[a-z0-9-]` only, for the readable part of a store's name.
pub(crate) fn readable<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        for c in part.chars().map(|c| c.to_ascii_lowercase()) {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        }
    }
    out.trim_matches('-').to_owned()
}
