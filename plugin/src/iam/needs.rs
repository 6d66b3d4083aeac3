//! What is asked of AWS, and as whom: the calls that `extsecret-provider` and External Secrets Operator
//! make for each kind of question (eso-semantics 3.2 to 3.5).

use std::collections::{BTreeMap, BTreeSet};

use extsecret_crds::external_secret::{DeletionPolicy, Find};
use extsecret_crds::provider::{AwsProvider, AwsService};
use extsecret_crds::{ExternalSecretSpec, SecretStoreSpec};
use extsecret_engine::find::Matcher;
use extsecret_engine::request::{self, Fetch, Field, Request, RequestError};

use super::arn::{self, Arn};
use super::identity::{self, Chain, Identity, Truster};
use super::{Asker, Key, Objects, Options, Warning, search, store_key, store_label};

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Secrets,
    Parameters,
}

/// Where something is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) service: Service,
    pub(crate) region: String,
    /// The account that names belong to: that of whoever asks.
    pub(crate) account: String,
}

impl Place {
    /// An ARN of a resource here.
    pub(crate) fn arn(&self, resource: &str) -> String {
        let service = match self.service {
            Service::Secrets => "secretsmanager",
            Service::Parameters => "ssm",
        };
        let partition = arn::partition(&self.region);
        format!("arn:{partition}:{service}:{}:{}:{resource}", self.region, self.account)
    }
}

/// Tags that a secret must have to be read.
pub(crate) type Tags = BTreeMap<String, String>;

/// What is wanted in one place. All are resources of policies: ARNs, maybe with wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Values.
    pub(crate) values: BTreeSet<String>,
    /// The same names where there may be nothing: AWS then checks an ARN without the suffix.
    pub(crate) absent: BTreeSet<String>,
    /// Names whose current value is wanted: what one call can bring together.
    pub(crate) current: BTreeSet<String>,
    /// Tags of secrets.
    pub(crate) described: BTreeSet<String>,
    /// Values of what a search finds, by the tags that it asks for.
    pub(crate) found: BTreeMap<Tags, BTreeSet<String>>,
    /// Paths of parameters that are read as a whole.
    pub(crate) paths: BTreeSet<String>,
    /// Names are listed.
    pub(crate) listed: bool,
}

/// What one identity needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    pub(crate) places: BTreeMap<Place, Wanted>,
    /// Roles that it assumes, and whether their sessions get tags.
    pub(crate) assumes: BTreeMap<String, bool>,
    pub(crate) trusters: BTreeSet<Truster>,
    /// Labels of the stores and ExternalSecrets that it is for.
    pub(crate) stores: BTreeSet<String>,
    pub(crate) external_secrets: BTreeSet<String>,
}

/// What all of them ask for, by whom it is asked.
pub(crate) fn needs(
    objects: &Objects,
    options: &Options,
) -> (BTreeMap<Identity, Needs>, Vec<Warning>) {
    let mut all = All { objects, options, needs: BTreeMap::new(), warnings: Vec::new() };
    for asker in &objects.askers {
        for (field, request) in requests(&asker.spec) {
            match request {
                Ok(request) => all.add(asker, field, &request),
                Err(why) => {
                    all.warnings.push(Warning::hole(&asker.label, format!("{field}: {why}")));
                }
            }
        }
    }
    (all.needs, all.warnings)
}

/// Stores that somebody asks.
pub(crate) fn stores(askers: &[Asker]) -> BTreeSet<Key> {
    let mut stores = BTreeSet::new();
    for asker in askers {
        let asked = requests(&asker.spec).into_iter().filter_map(|(_, request)| request.ok());
        stores.extend(asked.filter_map(|it| store_key(&it.store, asker.namespace.as_deref())));
    }
    stores
}

/// Service accounts that stores use for somebody who asks.
pub(crate) fn accounts(objects: &Objects) -> BTreeSet<(String, String)> {
    let mut accounts = BTreeSet::new();
    for asker in &objects.askers {
        let namespace = asker.namespace.as_deref();
        for (_, request) in requests(&asker.spec) {
            let Ok(request) = request else { continue };
            let Some(key) = store_key(&request.store, namespace) else { continue };
            let Some(Ok(spec)) = objects.stores.get(&key) else { continue };
            let aws = spec.provider.aws.as_ref();
            accounts.extend(aws.and_then(|aws| identity::service_account(&key, aws, namespace)));
        }
    }
    accounts
}

/// The questions of a spec, item by item: one that cannot be asked does not hide the others.
fn requests(spec: &ExternalSecretSpec) -> Vec<(Field, Result<Request, String>)> {
    let none = ExternalSecretSpec { data: None, data_from: None, ..spec.clone() };
    let from = spec.data_from().iter().enumerate().map(|(index, item)| {
        let spec = ExternalSecretSpec { data_from: Some(vec![item.clone()]), ..none.clone() };
        (Field::DataFrom(index), spec)
    });
    let single = spec.data().iter().enumerate().map(|(index, item)| {
        let spec = ExternalSecretSpec { data: Some(vec![item.clone()]), ..none.clone() };
        (Field::Data(index), spec)
    });
    let mut all = Vec::new();
    for (field, spec) in from.chain(single) {
        match request::requests(&spec) {
            Ok(requests) => all.extend(requests.into_iter().map(|request| (field, Ok(request)))),
            Err(error) => all.push((field, Err(unasked(&error)))),
        }
    }
    all
}

/// Why there is no question, without the place, which is another one in the whole spec.
fn unasked(error: &RequestError) -> String {
    match error {
        RequestError::NoStore(_) => "no store is named".to_owned(),
        RequestError::StoreKind { kind, .. } => format!("there is no kind of store {kind:?}"),
        RequestError::Generator { kind, name, .. } => format!(
            "what the generator {kind} {name:?} needs is not told, because it asks no store"
        ),
    }
}

struct All<'a> {
    objects: &'a Objects,
    options: &'a Options,
    needs: BTreeMap<Identity, Needs>,
    warnings: Vec<Warning>,
}

impl All<'_> {
    fn add(&mut self, asker: &Asker, field: Field, request: &Request) {
        let namespace = asker.namespace.as_deref();
        let label = &asker.label;
        let Some(key) = store_key(&request.store, namespace) else {
            let text = format!(
                "{field}: in which namespaces there shall be a {} is not known, and so neither is \
                 what it needs: give their ExternalSecrets, or ask the cluster",
                request.store
            );
            self.warnings.push(Warning::hole(label, text));
            return;
        };
        let store = store_label(&key);
        let spec = match self.objects.stores.get(&key) {
            Some(Ok(spec)) => spec,
            Some(Err(why)) => {
                let text = format!("{field}: the {store} is not known: {why}");
                self.warnings.push(Warning::hole(label, text));
                return;
            }
            None => {
                let text = format!("{field}: the {store} is not among the objects");
                self.warnings.push(Warning::hole(label, text));
                return;
            }
        };
        if let Some(why) = shut_out(&key, spec, namespace) {
            self.warnings.push(Warning::note(label, format!("{field}: {why}")));
            return;
        }
        let Some((aws, service)) = self.aws(&store, spec) else { return };
        let chain = match identity::chain(&key, aws, namespace, self.objects, self.options) {
            Ok(chain) => chain,
            Err(why) => {
                self.warnings.push(Warning::hole(&store, why));
                return;
            }
        };
        for remark in &chain.remarks {
            self.warnings.push(Warning::note(&store, remark.as_str()));
        }
        let Some(reader) = chain.links.last().map(|link| link.identity.clone()) else { return };
        let place = Place {
            service,
            region: aws.region.clone(),
            account: account(&reader, self.options).to_owned(),
        };
        let mut question = Asked { place: &place, aws, label, field, warnings: &mut self.warnings };
        let Some(wanted) = question.wanted(&request.fetch, &asker.spec.deletion_policy()) else {
            return;
        };
        self.link(&chain, &store, label);
        if let Some(needs) = self.needs.get_mut(&reader) {
            needs.places.entry(place).or_default().add(wanted);
        }
    }

    /// The part of a store that says something about AWS.
    fn aws<'s>(
        &mut self,
        store: &str,
        spec: &'s SecretStoreSpec,
    ) -> Option<(&'s AwsProvider, Service)> {
        let Some(aws) = &spec.provider.aws else {
            let names = spec.provider.names().join(" and ");
            let names = if names.is_empty() { "no provider".to_owned() } else { names };
            let text =
                format!("it is for {names}, which needs no permission at AWS that is told here");
            self.warnings.push(Warning::note(store, text));
            return None;
        };
        let service = match &aws.service {
            AwsService::SecretsManager => Service::Secrets,
            AwsService::ParameterStore => Service::Parameters,
            other => {
                let text = format!("what the service {other} needs is not told");
                self.warnings.push(Warning::hole(store, text));
                return None;
            }
        };
        if !arn::is_region(&aws.region) {
            let text = match aws.region.as_str() {
                "" => "spec.provider.aws.region is missing".to_owned(),
                region => format!("spec.provider.aws.region: {region:?} is no name of a region"),
            };
            self.warnings.push(Warning::hole(store, text));
            return None;
        }
        Some((aws, service))
    }

    /// Enters everybody of a chain.
    fn link(&mut self, chain: &Chain, store: &str, external_secret: &str) {
        for link in &chain.links {
            let needs = self.needs.entry(link.identity.clone()).or_default();
            needs.stores.insert(store.to_owned());
            needs.external_secrets.insert(external_secret.to_owned());
            needs.trusters.extend(link.truster.clone());
            if let (Some(Truster::Assumes { from, tagged, .. }), Some(role)) =
                (&link.truster, link.identity.arn())
            {
                let assumes = &mut self.needs.entry(from.clone()).or_default().assumes;
                *assumes.entry(role.to_owned()).or_default() |= tagged;
            }
        }
    }
}

/// The account of an identity: a role tells its own.
pub(crate) fn account<'a>(identity: &'a Identity, options: &'a Options) -> &'a str {
    let own = identity.arn().and_then(Arn::read).map(|arn| arn.account);
    own.or(options.account.as_deref()).unwrap_or(arn::NO_ACCOUNT)
}

/// Why a store lets nobody of this namespace in. Labels of namespaces are not known here.
fn shut_out(store: &Key, spec: &SecretStoreSpec, namespace: Option<&str>) -> Option<String> {
    let conditions = spec.conditions();
    let (None, namespace) = (&store.0, namespace?) else { return None };
    let by_name = conditions.iter().all(|condition| {
        condition.namespace_selector.is_none() && condition.namespace_regexes.is_none()
    });
    let is_let_in = conditions.is_empty()
        || conditions.iter().any(|it| it.namespaces.iter().flatten().any(|name| name == namespace));
    (by_name && !is_let_in).then(|| {
        format!("the conditions of the {} do not let the namespace in", store_label(store))
    })
}

impl Wanted {
    fn add(&mut self, other: Self) {
        self.values.extend(other.values);
        self.absent.extend(other.absent);
        self.current.extend(other.current);
        self.described.extend(other.described);
        self.paths.extend(other.paths);
        self.listed |= other.listed;
        for (tags, resources) in other.found {
            self.found.entry(tags).or_default().extend(resources);
        }
    }
}

/// One question.
struct Asked<'a> {
    place: &'a Place,
    aws: &'a AwsProvider,
    label: &'a str,
    field: Field,
    warnings: &'a mut Vec<Warning>,
}

impl Asked<'_> {
    fn hole(&mut self, text: &str) {
        self.warnings.push(Warning::hole(self.label, format!("{}: {text}", self.field)));
    }

    fn wanted(&mut self, fetch: &Fetch, deletion: &DeletionPolicy) -> Option<Wanted> {
        let mut wanted = Wanted::default();
        match fetch {
            Fetch::Value { key, version } => {
                let resource = self.resource(key)?;
                let is_current = version.as_deref().is_none_or(|version| {
                    self.place.service == Service::Secrets && version == "AWSCURRENT"
                });
                if is_current {
                    wanted.current.insert(resource.clone());
                }
                if matches!(deletion, DeletionPolicy::Delete | DeletionPolicy::Merge) {
                    let bare = resource.strip_suffix("-??????").map(str::to_owned);
                    wanted.absent.extend(bare);
                }
                wanted.values.insert(resource);
            }
            Fetch::Tags { key } => {
                wanted.described.insert(self.resource(key)?);
            }
            Fetch::Find(find) => self.find(find, &mut wanted)?,
        }
        Some(wanted)
    }

    /// The resource of one key.
    fn resource(&mut self, key: &str) -> Option<String> {
        let prefix = self.aws.prefix.as_deref().unwrap_or_default();
        let name = format!("{prefix}{key}");
        if key.starts_with("arn:") {
            return self.resource_of_arn(key, prefix);
        }
        if key.is_empty() {
            self.hole("remoteRef.key is empty");
            return None;
        }
        let (is_name, what) = match self.place.service {
            Service::Secrets => (arn::is_secret_name(&name), "secret"),
            Service::Parameters => (arn::is_parameter_name(&name), "parameter"),
        };
        if !is_name {
            self.hole(&format!(
                "{name:?} cannot be the name of a {what}, as with a template in it"
            ));
            return None;
        }
        Some(match self.place.service {
            Service::Secrets => self.place.arn(&format!("secret:{name}-??????")),
            Service::Parameters => {
                self.place.arn(&format!("parameter/{}", name.trim_start_matches('/')))
            }
        })
    }

    fn resource_of_arn(&mut self, key: &str, prefix: &str) -> Option<String> {
        if !prefix.is_empty() {
            self.hole(&format!("the store's prefix {prefix:?} is put before the ARN {key:?}"));
            return None;
        }
        let found = Arn::read(key);
        let rest = found.and_then(|arn| match (self.place.service, arn.service) {
            (Service::Secrets, "secretsmanager") => {
                arn.resource.strip_prefix("secret:").filter(|name| arn::is_secret_name(name))
            }
            (Service::Parameters, "ssm") => {
                arn.resource.strip_prefix("parameter/").filter(|name| arn::is_parameter_name(name))
            }
            _ => None,
        });
        let Some(name) = rest.filter(|name| !name.is_empty()) else {
            self.hole(&format!("{key:?} is not the ARN of what the store reads"));
            return None;
        };
        // AWS takes an ARN without the suffix that it gave the secret, too.
        let is_whole = self.place.service == Service::Parameters
            || name.rsplit_once('-').is_some_and(|(_, suffix)| {
                suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        Some(if is_whole { key.to_owned() } else { format!("{key}-??????") })
    }

    fn find(&mut self, find: &Find, wanted: &mut Wanted) -> Option<()> {
        if let Err(error) = Matcher::new(find) {
            self.hole(&error.to_string());
            return None;
        }
        let prefix = self.aws.prefix.as_deref().unwrap_or_default();
        let path = find.path.as_deref().unwrap_or_default();
        // A prefix is not put before a path that begins with it.
        let start =
            if path.starts_with(prefix) { path.to_owned() } else { format!("{prefix}{path}") };
        let is_name = match self.place.service {
            Service::Secrets => arn::is_secret_name(&start),
            Service::Parameters => arn::is_parameter_name(&start),
        };
        if !is_name {
            self.hole(&format!("{start:?} cannot be the beginning of a name"));
            return None;
        }
        let tags: Tags = find.tags.clone().unwrap_or_default();
        match self.place.service {
            Service::Secrets => self.find_secrets(find, &start, tags, wanted),
            Service::Parameters => self.find_parameters(path, &start, tags, wanted)?,
        }
        Some(())
    }

    /// Names are listed, and those that match are read.
    fn find_secrets(&mut self, find: &Find, start: &str, tags: Tags, wanted: &mut Wanted) {
        let pattern = find.name.as_ref().and_then(|name| name.regexp.as_deref());
        let (literal, exact) = pattern.map(search::literal).unwrap_or_default();
        let is_narrower = literal.starts_with(start) && arn::is_secret_name(&literal);
        let resource = match (is_narrower, exact) {
            (true, true) => format!("secret:{literal}-??????"),
            (true, false) => format!("secret:{literal}*"),
            (false, _) => format!("secret:{start}*"),
        };
        if resource == "secret:*" && tags.is_empty() {
            self.wide("find.path, or an expression that begins with ^ and a literal text,");
        }
        let resource = self.place.arn(&resource);
        wanted.found.entry(tags).or_default().insert(resource);
        wanted.listed = true;
    }

    /// Without tags a path is read as a whole; with tags parameters are listed, and those that match
    /// are read.
    fn find_parameters(
        &mut self,
        path: &str,
        start: &str,
        tags: Tags,
        wanted: &mut Wanted,
    ) -> Option<()> {
        // A prefix may end in the middle of a level; a path means whole levels.
        let start = match path {
            "" => start.rsplit_once('/').map_or("", |(levels, _)| levels),
            _ => start,
        };
        if !start.is_empty() && !start.starts_with('/') {
            self.hole(&format!(
                "the path {start:?} does not begin with a slash, which AWS refuses"
            ));
            return None;
        }
        let levels = start.trim_matches('/');
        let below = match levels {
            "" => self.place.arn("parameter/*"),
            levels => self.place.arn(&format!("parameter/{levels}/*")),
        };
        if levels.is_empty() && tags.is_empty() {
            self.wide("find.path");
        }
        if tags.is_empty() {
            if !levels.is_empty() {
                wanted.paths.insert(self.place.arn(&format!("parameter/{levels}")));
            }
            wanted.paths.insert(below);
        } else {
            wanted.found.entry(tags).or_default().insert(below);
            wanted.listed = true;
        }
        Some(())
    }

    fn wide(&mut self, narrower: &str) {
        let what = match self.place.service {
            Service::Secrets => "secret",
            Service::Parameters => "parameter",
        };
        let text = format!(
            "{}: it searches everywhere, so that the policy reads every {what} of account {} in {}: \
             {narrower} makes it narrower",
            self.field, self.place.account, self.place.region
        );
        self.warnings.push(Warning::note(self.label, text));
    }
}
