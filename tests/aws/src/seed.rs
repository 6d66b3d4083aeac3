//! What a double begins with, as a file: identities, secrets, parameters, queues, limits, faults.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::dispatch;
use crate::error::AwsError;
use crate::faults::Rule;
use crate::identity::{Credentials, Permissions, Role};
use crate::policy::{Policy, PolicyError};
use crate::sqs::Place;
use crate::world::World;

/// The form of a seed file; every field may be left out. Secrets, parameters and queues go to the
/// double's own account and region.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Seed {
    users: Vec<User>,
    roles: Vec<SeedRole>,
    token_issuers: Vec<TokenIssuer>,
    secrets: Vec<Secret>,
    parameters: Vec<Parameter>,
    queues: Vec<Queue>,
    generate: Vec<Generate>,
    faults: Vec<Rule>,
    limits: Vec<Limit>,
    aws_quotas: bool,
    list_lag_seconds: Option<u64>,
}

/// Why a seed was not taken; what comes before the offending part was.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The service would not have it.
    #[error("{what}: {error}")]
    Refused {
        /// Which part of the seed.
        what: String,
        /// What the service says.
        error: AwsError,
    },
    /// A policy that the double does not understand.
    #[error("a policy of {of}: {error}")]
    Policy {
        /// The user or role.
        of: String,
        /// Why.
        error: PolicyError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    account: Option<String>,
    access_key_id: String,
    secret_access_key: String,
    /// Everything, if it is left out.
    policies: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedRole {
    arn: String,
    #[serde(default)]
    trust: Vec<Value>,
    policies: Option<Vec<Value>>,
    max_session_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenIssuer {
    issuer: String,
    account: Option<String>,
    audiences: Vec<String>,
    jwks: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    name: String,
    string: Option<String>,
    /// In base64.
    binary: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    name: String,
    value: String,
    #[serde(default = "secure")]
    r#type: String,
}

fn secure() -> String {
    "SecureString".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    name: String,
    #[serde(default)]
    native_events: bool,
    #[serde(default)]
    api_call_events: bool,
}

/// So many secrets named PREFIX0, PREFIX1, ...
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    prefix: String,
    count: u32,
    /// The length of each value, which is JSON with the key `password`.
    #[serde(default = "default_bytes")]
    bytes: usize,
}

fn default_bytes() -> usize {
    60
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    operations: Vec<String>,
    per_second: u32,
    burst: u32,
}

pub(crate) fn plant(world: &World, seed: Seed) -> Result<(), SeedError> {
    let own = &world.config.account;
    for user in seed.users {
        let permissions = permissions(&user.name, user.policies.as_deref())?;
        let credentials = Credentials {
            access_key_id: user.access_key_id,
            secret_access_key: user.secret_access_key,
            session_token: None,
        };
        let account = user.account.as_ref().unwrap_or(own);
        world.identities.add_user_with(account, &user.name, credentials, permissions);
    }
    for seed in seed.roles {
        let mut role = Role::new(&seed.arn).may(permissions(&seed.arn, seed.policies.as_deref())?);
        for policy in policies(&seed.arn, &seed.trust)? {
            role = role.trusts(policy);
        }
        if let Some(seconds) = seed.max_session_seconds {
            role = role.max_session(Duration::from_secs(seconds));
        }
        world.identities.add_role(role);
    }
    for issuer in seed.token_issuers {
        let audiences: Vec<&str> = issuer.audiences.iter().map(String::as_str).collect();
        let account = issuer.account.as_ref().unwrap_or(own);
        let keys = issuer.jwks.to_string();
        world.identities.add_token_issuer(account, &issuer.issuer, &audiences, &keys);
    }
    for secret in &seed.secrets {
        plant_secret(world, secret)?;
    }
    for generate in &seed.generate {
        for number in 0..generate.count {
            let length = generate.bytes.saturating_sub(r#"{"password":""}"#.len());
            let value = json!({ "password": world.ids.word(length) }).to_string();
            plant_secret(world, &Secret::plain(format!("{}{number}", generate.prefix), value))?;
        }
    }
    for parameter in &seed.parameters {
        let input = json!({
            "Name": parameter.name, "Value": parameter.value, "Type": parameter.r#type,
        });
        act(world, "ssm:PutParameter", &input, &parameter.name)?;
    }
    for queue in &seed.queues {
        act(world, "sqs:CreateQueue", &json!({ "QueueName": queue.name }), &queue.name)?;
        let mut queues = world.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Place::new(own, &world.config.region, &queue.name);
        if let Some(made) = queues.get_mut(&place) {
            made.subscription.native |= queue.native_events;
            made.subscription.api_calls |= queue.api_call_events;
        }
    }
    for rule in seed.faults {
        world.faults.add(rule);
    }
    for limit in &seed.limits {
        let operations: Vec<&str> = limit.operations.iter().map(String::as_str).collect();
        world.throttle.limit(&operations, limit.per_second, limit.burst);
    }
    if seed.aws_quotas {
        world.throttle.aws_quotas();
    }
    if let Some(seconds) = seed.list_lag_seconds {
        let mut secrets = world.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.set_list_lag(Duration::from_secs(seconds));
    }
    Ok(())
}

impl Secret {
    fn plain(name: String, value: String) -> Self {
        Self {
            name,
            string: Some(value),
            binary: None,
            description: None,
            kms_key_id: None,
            tags: BTreeMap::new(),
        }
    }
}

fn plant_secret(world: &World, secret: &Secret) -> Result<(), SeedError> {
    let tags: Vec<Value> =
        secret.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let input = json!({
        "Name": secret.name,
        "ClientRequestToken": world.ids.uuid(),
        "SecretString": secret.string,
        "SecretBinary": secret.binary,
        "Description": secret.description,
        "KmsKeyId": secret.kms_key_id,
        "Tags": tags,
    });
    act(world, "secretsmanager:CreateSecret", &input, &secret.name)
}

fn act(world: &World, operation: &str, input: &Value, name: &str) -> Result<(), SeedError> {
    let (account, region) = (&world.config.account, &world.config.region);
    match dispatch::act(world, account, region, operation, input) {
        Ok(_) => Ok(()),
        Err(error) => Err(SeedError::Refused { what: format!("{operation} {name}"), error }),
    }
}

fn permissions(of: &str, documents: Option<&[Value]>) -> Result<Permissions, SeedError> {
    match documents {
        None => Ok(Permissions::Everything),
        Some(documents) => policies(of, documents).map(Permissions::Policies),
    }
}

fn policies(of: &str, documents: &[Value]) -> Result<Vec<Policy>, SeedError> {
    let parse = |document: &Value| {
        Policy::parse(&document.to_string())
            .map_err(|error| SeedError::Policy { of: of.to_owned(), error })
    };
    documents.iter().map(parse).collect()
}
