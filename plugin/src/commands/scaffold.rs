//! `kubectl extsecret scaffold`

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use extsecret_crds::ExternalSecret;
use extsecret_crds::provider::AwsService;
use extsecret_engine::secret::Secret;
use extsecret_manifest::node::Node;
use extsecret_manifest::write::write_documents;
use extsecret_provider::aws::Endpoints;

use crate::cli::{ScaffoldArgs, ScaffoldKind as Kind, Service};
use crate::cluster::kinds::{self, EXTERNAL_SECRETS};
use crate::cluster::{Cluster, Selection};
use crate::exit::Exit;
use crate::output;
use crate::scaffold::ask::Person;
use crate::scaffold::author::{self, Author};
use crate::scaffold::draft::{property, secret_key};
use crate::scaffold::{Auth, Draft, Item, Source, StoreDraft, workload};
use crate::status::workload::Named;

/// Types of Secrets that are made by nobody but the cluster.
const ISSUED: [&str; 2] = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];

pub(crate) fn run(args: &ScaffoldArgs) -> anyhow::Result<Exit> {
    let person = if args.no_input { None } else { Person::at_the_terminal() };
    let mut scaffold = Scaffold { args, person, cluster: None };
    let documents = match scaffold.kind()? {
        Kind::ExternalSecret => scaffold.external_secrets()?,
        Kind::SecretStore => Some(vec![scaffold.store(false)?]),
        Kind::ClusterSecretStore => Some(vec![scaffold.store(true)?]),
    };
    let Some(documents) = documents else {
        output::stderr("nothing was made\n");
        return Ok(Exit::Refused);
    };
    output::stdout_verbatim(&write_documents(&documents))?;
    Ok(Exit::Success)
}

struct Scaffold<'a> {
    args: &'a ScaffoldArgs,
    /// Who answers questions.
    person: Option<Person>,
    /// Connected when it is first needed.
    cluster: Option<Cluster>,
}

impl Scaffold<'_> {
    fn cluster(&mut self) -> anyhow::Result<&Cluster> {
        if self.cluster.is_none() {
            self.cluster = Some(Cluster::connect(&self.args.cluster)?);
        }
        self.cluster.as_ref().context("a connection that was just made")
    }

    fn aws(&self) -> anyhow::Result<Author> {
        let endpoints = Endpoints {
            secrets_manager: self.args.endpoints.aws_secretsmanager_endpoint.clone(),
            parameter_store: self.args.endpoints.aws_ssm_endpoint.clone(),
            ..Endpoints::default()
        };
        let service = match self.args.aws.service {
            Service::SecretsManager => AwsService::SecretsManager,
            Service::ParameterStore => AwsService::ParameterStore,
        };
        let region = self.args.aws.region.as_deref();
        Author::connect(region, service, &endpoints, self.args.cluster.request_timeout.0)
    }

    /// What a flag says, else a person.
    fn need(&self, flag: Option<&String>, name: &str, question: &str) -> anyhow::Result<String> {
        match (flag, &self.person) {
            (Some(text), _) => Ok(text.clone()),
            (None, Some(person)) => person.text(question, None),
            (None, None) => bail!("{name} is missing, and there is no terminal to ask at"),
        }
    }

    fn kind(&self) -> anyhow::Result<Kind> {
        let Some(person) = self.person.as_ref().filter(|_| self.args.kind.is_none()) else {
            return self.args.kind.context(
                "KIND is missing (externalsecret, secretstore or clustersecretstore), and there \
                 is no terminal to ask at",
            );
        };
        let all = [
            "ExternalSecret: a Secret, made of values of AWS",
            "SecretStore: how the ExternalSecrets of a namespace reach AWS",
            "ClusterSecretStore: how those of several namespaces do",
        ];
        let all = all.map(str::to_owned);
        Ok(match person.one_of("What shall it be", &all)? {
            0 => Kind::ExternalSecret,
            1 => Kind::SecretStore,
            _ => Kind::ClusterSecretStore,
        })
    }

    /// The drafts as documents; `None` if a person said no.
    fn external_secrets(&mut self) -> anyhow::Result<Option<Vec<Node>>> {
        let args = &self.args.external_secret;
        let source = self.choose_source()?;
        let base = Draft {
            name: String::new(),
            namespace: self.args.cluster.namespace.clone(),
            store: String::new(),
            cluster_store: args.cluster_store.is_some(),
            interval: args.refresh_interval.clone(),
            target: args.target.clone(),
            type_: None,
            source: Source::Items(Vec::new()),
            remarks: Vec::new(),
        };
        let drafts = match source {
            From::Workload(named) => self.of_workload(&base, &named)?,
            From::Secret(name) => match self.of_secret(base, &name)? {
                Some(draft) => vec![draft],
                None => return Ok(None),
            },
            From::Aws(key) => {
                let name = self.name(&key)?;
                vec![Draft { name, source: self.of_aws(&key)?, ..base }]
            }
            From::Key(key) => {
                let name = self.name(&key)?;
                let item = |member: &String| Item {
                    secret_key: secret_key(member),
                    key: key.clone(),
                    property: Some(property(member)),
                    base64: false,
                };
                let source = match args.property.as_slice() {
                    // A parameter is one value more often than not, and is JSON as well.
                    [] => Source::Extract(key),
                    all => Source::Items(all.iter().map(item).collect()),
                };
                vec![Draft { name, source, ..base }]
            }
        };
        let (store, cluster_store) = self.store_name()?;
        let documents = drafts
            .into_iter()
            .map(|draft| Draft { store: store.clone(), cluster_store, ..draft }.document());
        Ok(Some(documents.collect()))
    }

    /// The name, with one made of the secret's as a proposal.
    fn name(&self, key: &str) -> anyhow::Result<String> {
        if let Some(name) = &self.args.name {
            return Ok(name.clone());
        }
        let last = key.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
        let allowed =
            |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let proposal: String = last.chars().map(allowed).collect();
        match &self.person {
            Some(person) => person.text("Name of the ExternalSecret", Some(&proposal)),
            None => bail!("NAME is missing, and there is no terminal to ask at"),
        }
    }

    fn choose_source(&mut self) -> anyhow::Result<From> {
        let args = &self.args.external_secret;
        if let Some(text) = &args.from_workload {
            let named = text.parse().map_err(|why| anyhow::anyhow!("--from-workload: {why}"))?;
            return Ok(From::Workload(named));
        }
        if let Some(name) = &args.from_secret {
            return Ok(From::Secret(name.clone()));
        }
        if let Some(key) = &args.from_aws {
            return Ok(From::Aws(key.clone()));
        }
        if let Some(key) = &args.key {
            return Ok(From::Key(key.clone()));
        }
        let Some(person) = self.person.clone() else {
            bail!(
                "--key, --from-aws, --from-secret or --from-workload is missing, and there is no \
                 terminal to ask at"
            );
        };
        let all = [
            "A secret of AWS that I can name",
            "A secret of AWS that I choose from a list",
            "A Secret that exists in the cluster",
            "What a workload reads",
        ];
        Ok(match person.one_of("Where the values come from", &all.map(str::to_owned))? {
            0 => From::Key(person.text("Name of the secret", None)?),
            1 => {
                let prefix = person.text("Its name begins with (nothing: all)", Some(""))?;
                let names = self.aws()?.names(&prefix)?;
                if names.is_empty() {
                    bail!("there is no secret whose name begins like this");
                }
                let chosen = person.one_of("Which one", &names)?;
                From::Aws(names.into_iter().nth(chosen).unwrap_or_default())
            }
            2 => From::Secret(person.text("Name of the Secret", None)?),
            _ => {
                let text = person.text("Workload, such as deployment/api", None)?;
                From::Workload(text.parse().map_err(anyhow::Error::msg)?)
            }
        })
    }

    fn store_name(&mut self) -> anyhow::Result<(String, bool)> {
        let args = &self.args.external_secret;
        if let Some(name) = &args.cluster_store {
            return Ok((name.clone(), true));
        }
        if let Some(name) = &args.store {
            return Ok((name.clone(), false));
        }
        let Some(person) = self.person.clone() else {
            bail!("--store or --cluster-store is missing, and there is no terminal to ask at");
        };
        let known = self.stores();
        if known.is_empty() {
            return Ok((person.text("Name of the SecretStore", None)?, false));
        }
        let all: Vec<String> = known
            .iter()
            .map(|(name, is_cluster)| match is_cluster {
                true => format!("ClusterSecretStore {name}"),
                false => format!("SecretStore {name}"),
            })
            .collect();
        let chosen = person.one_of("Which store", &all)?;
        known.into_iter().nth(chosen).context("a store")
    }

    /// Stores that the cluster has. Who cannot be asked has none.
    fn stores(&mut self) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        let Ok(cluster) = self.cluster() else { return found };
        for (kind, is_cluster) in
            [(kinds::SECRET_STORES, false), (kinds::CLUSTER_SECRET_STORES, true)]
        {
            let select = Selection::default();
            let listed = cluster.list_metadata(&kind, Some(cluster.namespace()), &select, |page| {
                let names = page.into_iter().filter_map(|it| it.metadata.name);
                found.extend(names.map(|name| (name, is_cluster)));
            });
            if listed.is_err() {
                break;
            }
        }
        found
    }

    /// One key for each member.
    fn of_aws(&self, key: &str) -> anyhow::Result<Source> {
        let aws = self.aws()?;
        let item = |member: &String| Item {
            secret_key: secret_key(member),
            key: key.to_owned(),
            property: Some(property(member)),
            base64: false,
        };
        if let Some(members) = aws.members(key)? {
            return Ok(Source::Items(members.iter().map(item).collect()));
        }
        output::stderr(&format!("{key:?} holds no JSON object: it becomes one key\n"));
        Ok(Source::Items(vec![Item { property: None, ..item(&"value".to_owned()) }]))
    }

    /// A draft that keeps the keys of a Secret; with `--push` the secret in AWS is made first.
    /// `None` if a person said no.
    fn of_secret(&mut self, base: Draft, name: &str) -> anyhow::Result<Option<Draft>> {
        let args = self.args;
        let cluster = self.cluster()?;
        let namespace = cluster.namespace().to_owned();
        let Some(secret) = cluster.secret(&namespace, name)? else {
            bail!(
                "there is no Secret {name:?} in the namespace {namespace:?}; -n chooses another one"
            );
        };
        let secret = Secret::from(secret);
        let type_ = secret.type_.clone().filter(|type_| type_ != "Opaque");
        if let Some(type_) = type_.as_deref().filter(|type_| ISSUED.contains(type_)) {
            bail!("the Secret {name:?} is of the type {type_}, which the cluster itself makes");
        }
        if secret.data.is_empty() {
            bail!("the Secret {name:?} has no keys");
        }
        let default = format!("{namespace}/{name}");
        let key = args.external_secret.key.clone().unwrap_or(default);
        let (text, bytes) = author::json(&secret.data);
        if args.external_secret.push && !self.push(&secret, &key, &text)? {
            return Ok(None);
        }
        let item = |member: &String| Item {
            secret_key: member.clone(),
            key: key.clone(),
            property: Some(property(member)),
            base64: bytes.contains(member),
        };
        let mut remarks = Vec::new();
        if !args.external_secret.push {
            let members = secret.data.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            remarks.push(format!("The secret {key} has to hold JSON with the members\n{members}."));
        }
        remarks.push(match secret.controller() {
            Some(owner) => {
                format!("The Secret {name} belongs to the {} {}.", owner.kind, owner.name)
            }
            None => format!(
                "The Secret {name} exists. It is taken over,\nand deleted together with this ExternalSecret."
            ),
        });
        Ok(Some(Draft {
            name: args.name.clone().unwrap_or_else(|| name.to_owned()),
            target: Some(name.to_owned()),
            type_,
            source: Source::Items(secret.data.keys().map(item).collect()),
            remarks,
            ..base
        }))
    }

    /// Makes the secret in AWS, if a person wants that.
    fn push(&self, secret: &Secret, key: &str, text: &str) -> anyhow::Result<bool> {
        let aws = self.aws()?;
        let keys = secret.data.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let what = format!("the secret {key} in {} with the members {keys}", aws.region);
        let agreed = match &self.person {
            _ if self.args.external_secret.yes => true,
            Some(person) => person.agrees(&format!("Make {what}?"))?,
            None => bail!("this would make {what}: --yes says so without a terminal"),
        };
        if agreed {
            aws.create(key, text)?;
            output::stderr(&format!("made {what}\n"));
        }
        Ok(agreed)
    }

    /// A draft for each Secret that a workload reads and no ExternalSecret makes.
    fn of_workload(&mut self, base: &Draft, named: &Named) -> anyhow::Result<Vec<Draft>> {
        let prefix = self.args.external_secret.key.clone();
        let cluster = self.cluster()?;
        let namespace = cluster.namespace().to_owned();
        let uses = named.need(cluster, &namespace)?.uses();
        let mut made = BTreeSet::new();
        let select = Selection::default();
        let listed = cluster.list(
            &EXTERNAL_SECRETS,
            Some(&namespace),
            &select,
            |page: Vec<ExternalSecret>| {
                made.extend(page.iter().map(|it| {
                    it.spec.target_name(it.metadata.name.as_deref().unwrap_or_default()).to_owned()
                }));
            },
        );
        if let Err(error) = listed {
            output::stderr(&format!(
                "warning: which of them are made already is not known: {error}\n"
            ));
        }
        let mut drafts = Vec::new();
        for (name, keys) in workload::secrets(&uses) {
            if made.contains(&name) {
                output::stderr(&format!("an ExternalSecret makes the Secret {name} already\n"));
                continue;
            }
            let prefix = prefix.as_deref().unwrap_or(&namespace).trim_end_matches('/');
            let key = format!("{prefix}/{name}");
            let mut draft = workload::draft(base, &name, keys.as_ref(), &key);
            draft.remarks.push(format!("Read by the {}.", named.words(&namespace)));
            draft.remarks.push(match &keys {
                None => format!("The secret {key} has to hold JSON; each member becomes a key."),
                Some(keys) => format!(
                    "The secret {key} has to hold JSON with the members\n{}.",
                    keys.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
                ),
            });
            drafts.push(draft);
        }
        if drafts.is_empty() {
            bail!(
                "the {} reads no Secret that has to be made: `kubectl extsecret why {}/{} -n \
                 {namespace}` shows what it reads",
                named.words(&namespace),
                named.kind.kind.to_lowercase(),
                named.name
            );
        }
        Ok(drafts)
    }

    fn store(&mut self, is_cluster: bool) -> anyhow::Result<Node> {
        let args = &self.args.aws;
        let name = self.need(self.args.name.as_ref(), "NAME", "Name of the store")?;
        let region = self.need(args.region.as_ref(), "--region", "Region of AWS")?;
        let auth = match (args.auth, &args.service_account, &args.secret, &self.person) {
            (Some(auth), ..) => auth,
            (None, Some(_), ..) => Auth::ServiceAccount,
            (None, _, Some(_), _) => Auth::Secret,
            (None, None, None, None) => Auth::Controller,
            (None, None, None, Some(person)) => {
                let all = [
                    "The controller's own: its service account (IRSA), EKS Pod Identity",
                    "A service account with a role (IRSA)",
                    "Access keys in a Secret",
                ];
                match person.one_of("Whose credentials", &all.map(str::to_owned))? {
                    0 => Auth::Controller,
                    1 => Auth::ServiceAccount,
                    _ => Auth::Secret,
                }
            }
        };
        let form = if is_cluster { ", as NAMESPACE/NAME" } else { "" };
        let of = |what: &str| format!("Name of {what}{form}");
        let subject = match auth {
            Auth::Controller => None,
            Auth::ServiceAccount => {
                let flag = args.service_account.as_ref();
                Some(self.need(flag, "--service-account", of("the service account").as_str())?)
            }
            Auth::Secret => {
                Some(self.need(args.secret.as_ref(), "--secret", of("the Secret").as_str())?)
            }
        };
        let subject = match subject {
            None => None,
            Some(text) => Some(match text.split_once('/') {
                Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
                None if is_cluster => {
                    bail!("a ClusterSecretStore is of no namespace: write NAMESPACE/{text}")
                }
                None => (None, text),
            }),
        };
        let draft = StoreDraft {
            name,
            namespace: self.args.cluster.namespace.clone(),
            is_cluster,
            service: match args.service {
                Service::SecretsManager => "SecretsManager",
                Service::ParameterStore => "ParameterStore",
            },
            region,
            role: args.role.clone(),
            auth,
            subject,
        };
        Ok(draft.document())
    }
}

/// Where values come from.
enum From {
    Key(String),
    Aws(String),
    Secret(String),
    Workload(Named),
}
