//! `kubectl extsecret iam`

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::selector::LabelSelector;
use extsecret_crds::{
    API_VERSION, ClusterExternalSecret, ClusterSecretStore, ExternalSecret, GROUP, SecretStore,
};
use extsecret_engine::request::StoreName;
use extsecret_manifest::read::Limits;
use extsecret_manifest::stream::{self, Object};
use extsecret_provider::aws::Simulator;
use extsecret_provider::provider::ProviderError;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::{CheckFormat, IamArgs, IamFormat as Format};
use crate::cluster::kinds::{EXTERNAL_SECRETS, SERVICE_ACCOUNTS};
use crate::cluster::{Cluster, Metadata};
use crate::exit::Exit;
use crate::iam::check::{self, Questions};
use crate::iam::identity::Account;
use crate::iam::{
    self, Asker, Objects, Options, Report, Warning, cloudformation, needs, terraform,
};
use crate::input::{Inputs, manifests};
use crate::output;

/// The namespace of objects that do not name theirs.
const DEFAULT_NAMESPACE: &str = "default";

/// The label by which Kubernetes names a namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(crate) fn run(args: &IamArgs) -> anyhow::Result<Exit> {
    let found = if args.objects.are_in_files() {
        read_files(args)?
    } else {
        Found::default().read_cluster(args)?
    };
    if let Some(format) = args.check {
        return check(args, found, format);
    }
    let Found { objects, mut warnings, unreadable } = found;
    let mut report = iam::report(&objects, &options(args));
    report.warnings.append(&mut warnings);
    report.warnings.sort();
    if args.output != Format::Json {
        report.warnings.extend(several_accounts(&report));
    }
    for warning in &report.warnings {
        output::stderr(&format!("warning: {}\n", warning.line()));
    }
    let incomplete = unreadable > 0 || report.warnings.iter().any(|warning| warning.incomplete);
    if objects.askers.is_empty() {
        return Ok(nothing(incomplete));
    }
    output::stdout_verbatim(&text(&report, args.output)?)?;
    Ok(if incomplete { Exit::Refused } else { Exit::Success })
}

/// How it ends where there is no ExternalSecret to look at.
fn nothing(incomplete: bool) -> Exit {
    if incomplete {
        return Exit::Refused;
    }
    output::stderr("error: there is no ExternalSecret of external-secrets.io/v1 to look at\n");
    Exit::CouldNotRun
}

/// Asks IAM about what is needed.
fn check(args: &IamArgs, found: Found, format: CheckFormat) -> anyhow::Result<Exit> {
    let Found { mut objects, mut warnings, unreadable } = found;
    if objects.askers.is_empty() {
        for warning in &warnings {
            output::stderr(&format!("warning: {}\n", warning.line()));
        }
        return Ok(nothing(unreadable > 0 || warnings.iter().any(|warning| warning.incomplete)));
    }
    let options = options(args);
    warnings
        .extend(iam::report(&objects, &options).warnings.into_iter().filter(|it| it.incomplete));
    let Questions { groups, unasked } = check::questions(&mut objects, &options);
    warnings.extend(unasked.iter().map(|text| Warning::hole("not asked", text)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime for network connections")?;
    let mut clients: BTreeMap<String, Simulator> = BTreeMap::new();
    let mut lost = BTreeSet::new();
    let (mut missing, mut asked) = (Vec::new(), 0);
    for (group, resources) in &groups {
        if lost.contains(&group.role) {
            continue;
        }
        let partition = group.role.split(':').nth(1).unwrap_or("aws").to_owned();
        let client = match clients.entry(partition) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let timeout = args.cluster.request_timeout.0;
                let client = Simulator::with_own_credentials(place.key(), timeout);
                let client = runtime.block_on(client)?;
                place.insert(client)
            }
        };
        let names: Vec<String> = resources.keys().cloned().collect();
        let denied = client.denied(&group.role, &group.actions, &names, &group.context);
        let denied = match runtime.block_on(denied) {
            Ok(denied) => denied,
            Err(ProviderError::NotFound) => {
                missing.push(check::no_role(&group.role, &groups));
                lost.insert(group.role.clone());
                continue;
            }
            Err(error @ ProviderError::Denied(_)) => {
                warnings.push(Warning::hole("not asked", error.to_string()));
                lost.insert(group.role.clone());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        asked += names.len() * group.actions.len();
        let denied = denied.iter().map(|it| (it.action.as_str(), it.resource.as_str()));
        missing.extend(check::missing(group, resources, denied));
    }
    missing.sort();
    missing.dedup();
    warnings.sort();
    warnings.dedup();
    match format {
        CheckFormat::Text => {
            for warning in &warnings {
                output::stderr(&format!("warning: {}\n", warning.line()));
            }
            output::stdout(&check::text(&missing, asked))?;
        }
        CheckFormat::Json => {
            let document = check::document(&missing, asked, &warnings);
            output::stdout_verbatim(&(serde_json::to_string_pretty(&document)? + "\n"))?;
        }
    }
    let whole = missing.is_empty() && warnings.is_empty() && unreadable == 0;
    Ok(if whole { Exit::Success } else { Exit::Refused })
}

fn text(report: &Report, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(&report.document())? + "\n",
        Format::Terraform => terraform::configuration(report),
        Format::CloudFormation => {
            serde_json::to_string_pretty(&cloudformation::template(report))? + "\n"
        }
    })
}

fn options(args: &IamArgs) -> Options {
    let aws = &args.aws;
    let no_kms = aws.kms_key.iter().any(|key| key == "none");
    Options {
        account: aws.account_id.clone(),
        controller_role: aws.controller_role.clone(),
        controller_account: aws.controller_service_account.clone(),
        pod_identity: aws.pod_identity,
        oidc_provider: aws.oidc_provider.clone(),
        kms_keys: if no_kms { Vec::new() } else { aws.kms_key.clone() },
        no_kms,
        batch: aws.batch,
    }
}

/// What is applied to one account cannot make roles of another.
fn several_accounts(report: &Report) -> Option<Warning> {
    let roles = report.grants.iter().filter_map(|grant| grant.role.as_deref());
    let mut accounts: Vec<&str> =
        roles.filter_map(|role| Some(iam::arn::Arn::read(role)?.account)).collect();
    accounts.sort_unstable();
    accounts.dedup();
    (accounts.len() > 1).then(|| {
        let text = format!(
            "its roles belong to several accounts ({}): apply to each only what is of it",
            accounts.join(", ")
        );
        Warning::note("the output", text)
    })
}

/// What the input holds.
#[derive(Default)]
struct Found {
    objects: Objects,
    warnings: Vec<Warning>,
    /// Files and documents that could not be read.
    unreadable: usize,
}

fn read_files(args: &IamArgs) -> anyhow::Result<Found> {
    let mut inputs = Inputs::default();
    manifests::add_objects(&mut inputs, &args.objects, &Limits::default())?;
    let namespace = args.cluster.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let mut found = Found::default();
    let documents = || inputs.files.iter().flat_map(|file| &file.documents);
    for object in documents().flat_map(stream::objects) {
        found.add(&object, namespace);
    }
    found.unreadable = manifests::tell_broken(&inputs);
    Ok(found)
}

impl Found {
    /// Adds an object of a file.
    fn add(&mut self, object: &Object<'_>, default: &str) {
        let kind = object.kind().unwrap_or_default();
        let name = object.name().unwrap_or_default();
        let namespace = object.namespace().unwrap_or(default);
        let of_namespace = format!("{kind} {namespace}/{name}");
        let of_cluster = format!("{kind} {name}");
        match (object.api_version().unwrap_or_default(), kind) {
            (API_VERSION, "ExternalSecret") => {
                let read: Option<ExternalSecret> = self.typed(object, &of_namespace);
                self.objects.askers.extend(read.map(|read| Asker {
                    label: of_namespace,
                    namespace: Some(namespace.to_owned()),
                    spec: read.spec,
                }));
            }
            (API_VERSION, "ClusterExternalSecret") => {
                if let Some(read) = self.typed::<ClusterExternalSecret>(object, &of_cluster) {
                    self.objects.askers.extend(of_namespaces(&of_cluster, &read));
                }
            }
            (API_VERSION, "SecretStore") => {
                let read: Option<SecretStore> = self.typed(object, &of_namespace);
                let spec = read.map(|read| read.spec).ok_or_else(|| UNREADABLE.to_owned());
                self.objects.stores.insert((Some(namespace.to_owned()), name.to_owned()), spec);
            }
            (API_VERSION, "ClusterSecretStore") => {
                let read: Option<ClusterSecretStore> = self.typed(object, &of_cluster);
                let spec = read.map(|read| read.spec).ok_or_else(|| UNREADABLE.to_owned());
                self.objects.stores.insert((None, name.to_owned()), spec);
            }
            ("v1", "ServiceAccount") => {
                if let Some(read) = self.typed::<Metadata>(object, &of_namespace) {
                    let account = Account::read(read.metadata.annotations.as_ref());
                    let key = (namespace.to_owned(), name.to_owned());
                    self.objects.accounts.insert(key, Ok(account));
                }
            }
            (version, "ExternalSecret")
                if version.starts_with(&format!("{GROUP}/"))
                    || version.starts_with("kubernetes-client.io/") =>
            {
                let text =
                    format!("it is of {version}: convert it first, with kubectl extsecret migrate");
                self.warnings.push(Warning::hole(&of_namespace, text));
            }
            (version, "PushSecret" | "ClusterPushSecret")
                if version.starts_with(&format!("{GROUP}/")) =>
            {
                let text = "what it needs to write is not told";
                self.warnings.push(Warning::hole(&of_namespace, text));
            }
            _ => {}
        }
    }

    fn typed<T: DeserializeOwned>(&mut self, object: &Object<'_>, label: &str) -> Option<T> {
        self.read(object.node.to_json(), label)
    }

    fn read<T: DeserializeOwned>(&mut self, object: Value, label: &str) -> Option<T> {
        match serde_json::from_value(object) {
            Ok(read) => Some(read),
            Err(error) => {
                self.warnings.push(Warning::hole(label, format!("{UNREADABLE}: {error}")));
                None
            }
        }
    }

    /// Reads ExternalSecrets, and then only those stores and service accounts that these use.
    fn read_cluster(mut self, args: &IamArgs) -> anyhow::Result<Self> {
        let cluster = Cluster::connect(&args.cluster)?;
        let namespace = (!args.objects.all_namespaces).then(|| cluster.namespace().to_owned());
        let select = args.objects.selection();
        let mut objects = Vec::new();
        cluster.list(&EXTERNAL_SECRETS, namespace.as_deref(), &select, |page: Vec<Value>| {
            objects.extend(page);
        })?;
        for object in objects {
            let name =
                |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (name("namespace"), name("name"));
            let label = format!("ExternalSecret {namespace}/{name}");
            if let Some(read) = self.read::<ExternalSecret>(object, &label) {
                let asker = Asker { label, namespace: Some(namespace), spec: read.spec };
                self.objects.askers.push(asker);
            }
        }
        for key in needs::stores(&self.objects.askers) {
            let kind = match key.0 {
                Some(_) => StoreKind::SecretStore,
                None => StoreKind::ClusterSecretStore,
            };
            let name = StoreName { kind, name: key.1.clone() };
            let spec = match cluster.store(key.0.as_deref().unwrap_or_default(), &name) {
                Ok(Some(spec)) => Ok(spec),
                Ok(None) => Err("there is none".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            self.objects.stores.insert(key, spec);
        }
        for key in needs::accounts(&self.objects) {
            let account = match cluster.metadata(&SERVICE_ACCOUNTS, Some(&key.0), &key.1) {
                Ok(Some(ObjectMeta { annotations, .. })) => Ok(Account::read(annotations.as_ref())),
                Ok(None) => Err("there is none".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            self.objects.accounts.insert(key, account);
        }
        Ok(self)
    }
}

const UNREADABLE: &str = "it is not as its kind wants it";

/// A ClusterExternalSecret in each namespace that it names, and once without one for all that it
/// selects by other labels.
fn of_namespaces(label: &str, object: &ClusterExternalSecret) -> Vec<Asker> {
    let spec = &object.spec;
    let mut namespaces: Vec<Option<String>> =
        spec.namespaces.iter().flatten().cloned().map(Some).collect();
    let selectors = spec.namespace_selectors.iter().flatten().chain(&spec.namespace_selector);
    namespaces.extend(selectors.map(named));
    namespaces.sort();
    namespaces.dedup();
    let asker = |namespace: Option<String>| Asker {
        label: label.to_owned(),
        namespace,
        spec: spec.external_secret_spec.clone(),
    };
    namespaces.into_iter().map(asker).collect()
}

/// The namespace that a selector names by the label that every namespace has.
fn named(selector: &LabelSelector) -> Option<String> {
    let labels = selector.match_labels.as_ref().filter(|labels| labels.len() == 1)?;
    let has_more = selector.match_expressions.as_ref().is_some_and(|more| !more.is_empty());
    labels.get(NAME_LABEL).filter(|_| !has_more).cloned()
}
