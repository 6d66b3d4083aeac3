//! From needs to policy documents: what an identity may do, and who may become it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::arn::{self, Arn};
use super::identity::{Identity, Truster};
use super::needs::{self, Needs, Place, Service, Wanted};
use super::{Document, Options, Warning};

/// Characters that the inline policies of a role may have together, and those of a managed policy;
/// white space does not count (IAM and STS quotas).
const INLINE: usize = 10_240;
const MANAGED: usize = 6_144;

/// The permissions of one identity.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grant {
    /// Who it is.
    #[serde(rename = "identity")]
    pub(crate) label: String,
    /// The ARN, if it is known.
    pub(crate) role: Option<String>,
    /// For which stores.
    pub(crate) stores: BTreeSet<String>,
    /// For which ExternalSecrets.
    pub(crate) external_secrets: BTreeSet<String>,
    pub(crate) policy: Document,
    /// Who may become it, as far as that is known.
    #[serde(rename = "trustPolicy")]
    pub(crate) trust: Option<Document>,
    /// ARNs in the trust policy. AWS refuses one that names a role which is not there yet.
    #[serde(skip)]
    pub(crate) assumed_by: BTreeSet<String>,
}

impl Grant {
    /// The path and the name of the role.
    pub(crate) fn role_name(&self) -> Option<(&str, &str)> {
        Arn::read(self.role.as_deref()?)?.role()
    }
}

/// Names of the roles that have to be there before one that they may assume.
pub(crate) fn made_before<'a>(
    grant: &'a Grant,
    all: &'a [(String, &Grant)],
) -> impl Iterator<Item = &'a str> {
    let is_made = |other: &Grant| {
        other.trust.is_some() && other.role.as_ref().is_some_and(|it| grant.assumed_by.contains(it))
    };
    let made = all.iter().filter(move |(_, other)| grant.trust.is_some() && is_made(other));
    made.map(|(name, _)| name.as_str())
}

/// A name that is not used yet: this one, or with a number.
pub(crate) fn unused(name: &str, between: &str, used: &mut BTreeSet<String>) -> String {
    let mut number = 1;
    loop {
        let wanted = match number {
            1 => name.to_owned(),
            number => format!("{name}{between}{number}"),
        };
        if used.insert(wanted.clone()) {
            return wanted;
        }
        number += 1;
    }
}

/// What an identity gets.
pub(crate) fn grant(
    identity: &Identity,
    needs: &Needs,
    options: &Options,
    warnings: &mut Vec<Warning>,
) -> Grant {
    let label = identity.to_string();
    let mut statements = Statements::default();
    for (place, wanted) in &needs.places {
        match place.service {
            Service::Secrets => statements.secrets(place, wanted, options),
            Service::Parameters => statements.parameters(place, wanted, options),
        }
    }
    statements.assume(&needs.assumes);
    let policy = Document::new(statements.all);
    if needs.places.keys().any(|place| place.account == arn::NO_ACCOUNT) {
        let text = format!(
            "its account is not known: {} stands for it; --account-id tells it{}",
            arn::NO_ACCOUNT,
            if *identity == Identity::Controller { ", or --controller-role" } else { "" }
        );
        warnings.push(Warning::note(&label, text));
    }
    let size = json!(policy).to_string().chars().filter(|c| !c.is_whitespace()).count();
    if size > MANAGED {
        let (limits, advice) = if size > INLINE {
            (
                format!("and for the inline policies of a role ({INLINE})"),
                "give its stores roles of their own, or find by a path what has one",
            )
        } else {
            (
                format!("but not for the inline policies of a role ({INLINE})"),
                "make it an inline policy",
            )
        };
        let text = format!(
            "its policy has {size} characters, too many for a managed policy ({MANAGED}) {limits}: \
             {advice}"
        );
        warnings.push(Warning::note(&label, text));
    }
    let trust = match trust(identity, needs, options) {
        Ok(trust) => trust,
        Err(whys) => {
            let notes = whys.iter().map(|why| format!("its trust policy is not told: {why}"));
            warnings.extend(notes.map(|text| Warning::note(&label, text)));
            Vec::new()
        }
    };
    let assumed_by = needs.trusters.iter().filter_map(|truster| match truster {
        Truster::Assumes { from, .. } => from.arn(),
        Truster::Token(..) | Truster::Controller => None,
    });
    Grant {
        label,
        role: identity.arn().map(str::to_owned),
        stores: needs.stores.clone(),
        external_secrets: needs.external_secrets.clone(),
        policy,
        trust: (!trust.is_empty()).then(|| Document::new(trust)),
        assumed_by: assumed_by
            .filter(|from| Some(*from) != identity.arn())
            .map(str::to_owned)
            .collect(),
    }
}

/// Statements, each with a name of its own.
#[derive(Default)]
struct Statements {
    all: Vec<Value>,
    used: BTreeMap<&'static str, usize>,
}

impl Statements {
    fn add(
        &mut self,
        name: &'static str,
        actions: &[&str],
        resources: impl IntoIterator<Item = String>,
        conditions: &[(&str, &str, Value)],
    ) {
        let mut resources: Vec<String> = resources.into_iter().collect();
        if resources.is_empty() {
            return;
        }
        resources.sort();
        let number = self.used.entry(name).or_default();
        *number += 1;
        let sid = if *number == 1 { name.to_owned() } else { format!("{name}{number}") };
        let mut statement = json!({
            "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources,
        });
        let mut all = Map::new();
        for (operator, key, value) in conditions {
            let operator = all.entry(*operator).or_insert_with(|| json!({}));
            if let Some(keys) = operator.as_object_mut() {
                keys.insert((*key).to_owned(), value.clone());
            }
        }
        if let (false, Some(fields)) = (all.is_empty(), statement.as_object_mut()) {
            fields.insert("Condition".to_owned(), Value::Object(all));
        }
        self.all.push(statement);
    }

    fn secrets(&mut self, place: &Place, wanted: &Wanted, options: &Options) {
        const GET: &str = "secretsmanager:GetSecretValue";
        let values = wanted.values.union(&wanted.absent).cloned();
        self.add("ReadSecrets", &[GET], values, &[]);
        self.found(&[GET], wanted);
        self.add(
            "DescribeSecrets",
            &["secretsmanager:DescribeSecret"],
            wanted.described.clone(),
            &[],
        );
        // Neither call can be limited to secrets; to be in the answer of a batch takes the permission
        // to read as well.
        let batch = "secretsmanager:BatchGetSecretValue";
        let any = || ["*".to_owned()];
        if wanted.listed {
            self.add("FindSecrets", &[batch, "secretsmanager:ListSecrets"], any(), &[]);
        } else if options.batch && wanted.current.len() > 1 {
            self.add("ReadSecretsTogether", &[batch], any(), &[]);
        }
        let encrypted = wanted.values.iter().chain(wanted.found.values().flatten());
        self.decrypt("DecryptSecrets", place, encrypted, options);
    }

    fn parameters(&mut self, place: &Place, wanted: &Wanted, options: &Options) {
        let (one, several) = ("ssm:GetParameter", "ssm:GetParameters");
        let together = wanted.current.len() > 1;
        let actions: &[&str] = if together { &[one, several] } else { &[one] };
        self.add("ReadParameters", actions, wanted.values.clone(), &[]);
        self.found(&[one, several], wanted);
        self.add("ReadPathsOfParameters", &["ssm:GetParametersByPath"], wanted.paths.clone(), &[]);
        self.add(
            "ReadTagsOfParameters",
            &["ssm:ListTagsForResource"],
            wanted.described.clone(),
            &[],
        );
        if wanted.listed {
            self.add("FindParameters", &["ssm:DescribeParameters"], ["*".to_owned()], &[]);
        }
        let encrypted = wanted.values.iter().chain(wanted.found.values().flatten());
        let encrypted = encrypted.chain(wanted.paths.iter());
        self.decrypt("DecryptParameters", place, encrypted, options);
    }

    /// What searches find: with tags, only what has them.
    fn found(&mut self, actions: &[&str], wanted: &Wanted) {
        for (tags, resources) in &wanted.found {
            let keys: Vec<(String, Value)> = tags
                .iter()
                .map(|(key, value)| (format!("aws:ResourceTag/{key}"), json!(literal(value))))
                .collect();
            let conditions: Vec<(&str, &str, Value)> = keys
                .iter()
                .map(|(key, value)| ("StringEquals", key.as_str(), value.clone()))
                .collect();
            self.add("ReadWhatIsFound", actions, resources.clone(), &conditions);
        }
    }

    /// Decryption by way of the service, and of these values only: the encryption context of each is
    /// its ARN (Secrets Manager: `SecretARN`; Parameter Store: `PARAMETER_ARN`). A key that AWS manages
    /// for the service needs no permission.
    fn decrypt<'a>(
        &mut self,
        name: &'static str,
        place: &Place,
        encrypted: impl Iterator<Item = &'a String>,
        options: &Options,
    ) {
        if options.no_kms {
            return;
        }
        let encrypted: BTreeSet<&String> = encrypted.collect();
        if encrypted.is_empty() {
            return;
        }
        let any_key = |it: &&String| {
            let arn = Arn::read(it)?;
            Some(format!("arn:{}:kms:{}:{}:key/*", arn.partition, arn.region, arn.account))
        };
        let keys: BTreeSet<String> = match options.kms_keys.as_slice() {
            [] => encrypted.iter().filter_map(any_key).collect(),
            keys => keys.iter().cloned().collect(),
        };
        let (service, context) = match place.service {
            Service::Secrets => ("secretsmanager", "kms:EncryptionContext:SecretARN"),
            Service::Parameters => ("ssm", "kms:EncryptionContext:PARAMETER_ARN"),
        };
        let service = format!("{service}.{}.amazonaws.com", place.region);
        // In China the domain has an ending of its own, and KMS is not clear about which it compares.
        let via = match arn::partition(&place.region) {
            "aws-cn" => json!([service, format!("{service}.cn")]),
            _ => json!(service),
        };
        let conditions =
            [("StringEquals", "kms:ViaService", via), ("StringLike", context, json!(encrypted))];
        self.add(name, &["kms:Decrypt"], keys, &conditions);
    }

    fn assume(&mut self, roles: &BTreeMap<String, bool>) {
        let of = |wanted: bool| {
            let roles = roles.iter().filter(move |(_, tagged)| **tagged == wanted);
            roles.map(|(role, _)| role.clone())
        };
        self.add("AssumeRoles", &["sts:AssumeRole"], of(false), &[]);
        let with_tags = ["sts:AssumeRole", "sts:TagSession"];
        self.add("AssumeRolesWithTags", &with_tags, of(true), &[]);
    }
}

/// A text that stands for itself in a condition.
fn literal(text: &str) -> String {
    text.replace("${", "${$}{")
}

/// Who may become the identity, as statements of its trust policy; or what is not known of that. Half
/// a trust policy would shut others out.
fn trust(identity: &Identity, needs: &Needs, options: &Options) -> Result<Vec<Value>, Vec<String>> {
    let account = needs::account(identity, options);
    let partition = match identity.arn().and_then(Arn::read) {
        Some(arn) => arn.partition,
        None => needs.places.keys().next().map_or("aws", |place| arn::partition(&place.region)),
    };
    let mut statements = Vec::new();
    let mut unknown = Vec::new();
    for truster in &needs.trusters {
        let statement = match truster {
            Truster::Token(namespace, name, audience) => {
                token(options, partition, account, (namespace, name), audience)
            }
            Truster::Controller => controller(options, partition, account),
            Truster::Assumes { from, external_id, tagged } => {
                assumed(from, external_id.as_deref(), *tagged)
            }
        };
        match statement {
            Ok(statement) => statements.push(statement),
            Err(why) => unknown.push(why),
        }
    }
    if unknown.is_empty() { Ok(statements) } else { Err(unknown) }
}

/// IAM roles for service accounts.
fn token(
    options: &Options,
    partition: &str,
    account: &str,
    (namespace, name): (&str, &str),
    audience: &str,
) -> Result<Value, String> {
    let Some(issuer) = &options.oidc_provider else {
        return Err(format!(
            "--oidc-provider tells who signs the tokens of the ServiceAccount {namespace}/{name}"
        ));
    };
    let provider = format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}");
    let conditions = Map::from_iter([
        (format!("{issuer}:aud"), json!(literal(audience))),
        (format!("{issuer}:sub"), json!(format!("system:serviceaccount:{namespace}:{name}"))),
    ]);
    Ok(json!({
        "Effect": "Allow",
        "Principal": { "Federated": provider },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": conditions },
    }))
}

/// The controller's own pods: EKS Pod Identity, or a token that is mounted into them.
fn controller(options: &Options, partition: &str, account: &str) -> Result<Value, String> {
    let own = options.controller_account.as_ref();
    if options.pod_identity {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": { "Service": "pods.eks.amazonaws.com" },
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        });
        if let (Some((namespace, name)), Some(fields)) = (own, statement.as_object_mut()) {
            let conditions = json!({ "StringEquals": {
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": name,
            } });
            fields.insert("Condition".to_owned(), conditions);
        }
        return Ok(statement);
    }
    let Some((namespace, name)) = own else {
        return Err(
            "--controller-service-account tells who the controller is, and --pod-identity or \
             --oidc-provider how it becomes this identity"
                .to_owned(),
        );
    };
    token(options, partition, account, (namespace, name), "sts.amazonaws.com")
}

fn assumed(from: &Identity, external_id: Option<&str>, tagged: bool) -> Result<Value, String> {
    let Some(arn) = from.arn() else {
        let how = match from {
            Identity::Controller => "; --controller-role tells it",
            _ => "",
        };
        return Err(format!("the ARN of whoever assumes it, {from}, is not known{how}"));
    };
    let action =
        if tagged { json!(["sts:AssumeRole", "sts:TagSession"]) } else { json!("sts:AssumeRole") };
    let mut statement = json!({ "Effect": "Allow", "Principal": { "AWS": arn }, "Action": action });
    if let (Some(id), Some(fields)) = (external_id, statement.as_object_mut()) {
        let condition = json!({ "StringEquals": { "sts:ExternalId": literal(id) } });
        fields.insert("Condition".to_owned(), condition);
    }
    Ok(statement)
}
