//! One environment variable of KES, and which of its values may be kept.

use std::fmt;

use extsecret_manifest::source::Place;

/// What may be done with the value of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Kept, and may be printed.
    Public,
    /// Kept because a store needs it, never printed: it names an account.
    Private,
    /// Only where it comes from is kept; a value that stands in the manifest is dropped at once.
    Credential,
    /// Only the fact that it is set.
    Presence,
}

/// The class of every variable that means something to a migration. All others are forgotten while
/// they are read, since any of them may hold a password.
pub(super) fn class(name: &str) -> Option<Class> {
    Some(match name {
        "AWS_REGION"
        | "AMAZON_REGION"
        | "AWS_INTERMEDIATE_ROLE_ARN"
        | "AWS_STS_ENDPOINT"
        | "AWS_SM_ENDPOINT"
        | "AWS_SSM_ENDPOINT"
        | "VAULT_ADDR"
        | "VAULT_NAMESPACE"
        | "DEFAULT_VAULT_MOUNT_POINT"
        | "DEFAULT_VAULT_ROLE"
        | "NODE_EXTRA_CA_CERTS"
        | "AZURE_ENVIRONMENT"
        | "AZURE_KEY_VAULT_DNS_SUFFIX"
        | "GOOGLE_APPLICATION_CREDENTIALS"
        | "GOOGLE_CLOUD_PROJECT"
        | "GCLOUD_PROJECT"
        | "IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT"
        | "IBM_CLOUD_SECRETS_MANAGER_API_AUTH_TYPE"
        | "IBM_CLOUD_SECRETS_MANAGER_API_AUTH_URL"
        | "IBM_CLOUD_SECRETS_MANAGER_API_IAM_PROFILE_ID"
        | "IBM_CLOUD_SECRETS_MANAGER_API_IAM_PROFILE_NAME"
        | "AKEYLESS_API_ENDPOINT"
        | "ROLE_PERMITTED_ANNOTATION"
        | "NAMING_PERMITTED_ANNOTATION"
        | "WATCHED_NAMESPACES"
        | "INSTANCE_ID"
        | "POLLER_INTERVAL_MILLISECONDS" => Class::Public,

        "AZURE_TENANT_ID" | "AZURE_CLIENT_ID" | "AKEYLESS_ACCESS_TYPE" => Class::Private,

        "AWS_ACCESS_KEY_ID"
        | "AWS_SECRET_ACCESS_KEY"
        | "AWS_SESSION_TOKEN"
        | "AZURE_CLIENT_SECRET"
        | "IBM_CLOUD_SECRETS_MANAGER_API_APIKEY"
        | "AKEYLESS_ACCESS_ID"
        | "AKEYLESS_ACCESS_TYPE_PARAM" => Class::Credential,

        "DISABLE_POLLING"
        | "ENFORCE_NAMESPACE_ANNOTATIONS"
        | "HTTP_PROXY"
        | "HTTPS_PROXY"
        | "LOCALSTACK"
        | "VAULT_TOKEN_RENEW_THRESHOLD" => Class::Presence,

        _ => return None,
    })
}

/// The flag of `kubectl extsecret migrate` that says the same as a variable.
pub(super) fn flag(name: &str) -> Option<&'static str> {
    Some(match name {
        "AWS_REGION" => "--region",
        "VAULT_ADDR" => "--vault-server",
        "VAULT_NAMESPACE" => "--vault-namespace",
        "DEFAULT_VAULT_MOUNT_POINT" => "--vault-mount",
        "DEFAULT_VAULT_ROLE" => "--vault-role",
        "AZURE_TENANT_ID" => "--azure-tenant",
        "GOOGLE_CLOUD_PROJECT" => "--gcp-project",
        "IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT" => "--ibm-endpoint",
        "AKEYLESS_API_ENDPOINT" => "--akeyless-endpoint",
        _ => return None,
    })
}

/// A key of a Secret or of a ConfigMap, in the namespace of KES.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The object's name.
    pub name: String,
    /// The key in it.
    pub key: String,
}

/// A text whose `Debug` shows it only when its variable is known to be harmless.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    value: String,
    public: bool,
}

impl Text {
    /// The value.
    pub fn as_str(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.public { fmt::Debug::fmt(&self.value, f) } else { f.write_str("(not shown)") }
    }
}

/// What KES finds in an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A text that stands in the manifest or in a `ConfigMap` beside it.
    Text(Text),
    /// The content of a Secret, which is never read.
    SecretKey(ObjectKey),
    /// Something that is there but was dropped while reading: a credential written into the
    /// manifest, or a value that does not matter.
    Dropped,
    /// It cannot be known from the manifests; the reason completes "the value ...".
    Unknown(String),
}

/// A variable as read, before the rules of [`class`] are applied. Has no `Debug` on purpose.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    SecretKey(ObjectKey),
    Unknown(String),
}

/// A [`Setting`] and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) setting: Setting,
    pub(super) place: Option<Place>,
}

impl Setting {
    /// Keeps of a raw value what may be kept; `None` for a variable that means nothing here.
    pub(super) fn admit(name: &str, raw: Raw) -> Option<Self> {
        let class = class(name)?;
        Some(match raw {
            Raw::SecretKey(key) => Self::SecretKey(key),
            Raw::Unknown(reason) => Self::Unknown(reason),
            Raw::Text(_) if class == Class::Presence => Self::Dropped,
            // An empty variable counts as unset everywhere but where presence is what matters.
            Raw::Text(value) if class == Class::Credential && !value.is_empty() => Self::Dropped,
            Raw::Text(value) if has_user_info(&value) => Self::Unknown(
                "is a URL with a user name or password in it, which is not passed on".into(),
            ),
            Raw::Text(value) if !is_path_or_no_file(name, &value) => {
                Self::Unknown("is no absolute path".into())
            }
            Raw::Text(value) => Self::Text(Text { value, public: class == Class::Public }),
        })
    }
}

/// False when a variable that names a file holds something else: people paste a whole key there.
fn is_path_or_no_file(name: &str, value: &str) -> bool {
    let names_file = matches!(name, "NODE_EXTRA_CA_CERTS" | "GOOGLE_APPLICATION_CREDENTIALS");
    !names_file || value.is_empty() || (value.starts_with('/') && !value.contains('\n'))
}

/// True for `scheme://user:password@host` and the like.
fn has_user_info(value: &str) -> bool {
    value
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next())
        .is_some_and(|authority| authority.contains('@'))
}
