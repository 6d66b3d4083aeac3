//! Who a store is at AWS, as far as objects tell: the controller's provider finds out the same when it
//! connects (eso-semantics 3.1).

use std::collections::BTreeMap;
use std::fmt;

use extsecret_crds::provider::AwsProvider;
use extsecret_crds::provider::aws::{AwsAuthSecretRef, AwsJwtAuth, SessionTagsPolicy};

use super::arn::Arn;
use super::{Key, Objects, Options};

const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
const AUDIENCE_ANNOTATION: &str = "eks.amazonaws.com/audience";
const AUDIENCE: &str = "sts.amazonaws.com";

/// What the annotations of a service account say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) role: Option<String>,
    pub(crate) audience: Option<String>,
}

impl Account {
    pub(crate) fn read(annotations: Option<&BTreeMap<String, String>>) -> Self {
        let annotation = |key: &str| {
            let text = annotations?.get(key)?;
            (!text.is_empty()).then(|| text.clone())
        };
        Self { role: annotation(ROLE_ANNOTATION), audience: annotation(AUDIENCE_ANNOTATION) }
    }
}

/// Somebody who has policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    /// A role, by its ARN.
    Role(String),
    /// The controller, whatever role it has.
    Controller,
    /// A service account whose role is not known: namespace and name.
    ServiceAccount(String, String),
    /// Whoever the access key in a Secret belongs to: namespace and name.
    AccessKey(String, String),
}

impl Identity {
    /// The ARN, if it is known.
    pub(crate) fn arn(&self) -> Option<&str> {
        match self {
            Self::Role(arn) => Some(arn),
            _ => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(arn) => f.write_str(arn),
            Self::Controller => f.write_str("controller"),
            Self::ServiceAccount(namespace, name) => {
                write!(f, "ServiceAccount {namespace}/{name}")
            }
            Self::AccessKey(namespace, name) => {
                write!(f, "access key in Secret {namespace}/{name}")
            }
        }
    }
}

/// Who may become somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truster {
    /// The token of a service account: namespace, name and audience.
    Token(String, String, String),
    /// The controller's pods.
    Controller,
    /// Another identity, by `sts:AssumeRole`, with this external id, and with tags of the session.
    Assumes { from: Identity, external_id: Option<String>, tagged: bool },
}

/// One identity of a chain, and who becomes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) identity: Identity,
    pub(crate) truster: Option<Truster>,
}

/// Who a store is: the last link reads, each other one assumes the next. The text says why nobody can
/// tell, or what is wrong with what was told.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) links: Vec<Link>,
    pub(crate) remarks: Vec<String>,
}

/// Who the store is for whoever uses it from this namespace.
pub(crate) fn chain(
    store: &Key,
    aws: &AwsProvider,
    namespace: Option<&str>,
    objects: &Objects,
    options: &Options,
) -> Result<Chain, String> {
    let mut remarks = Vec::new();
    let place = Place { store, namespace };
    let mut links = vec![if let Some((name, jwt)) = jwt(aws) {
        place.service_account(name, jwt, objects, &mut remarks)?
    } else if let Some(keys) = aws.auth.as_ref().and_then(|auth| auth.secret_ref.as_ref()) {
        Link { identity: place.access_key(keys)?, truster: None }
    } else {
        let identity = options.controller_role.clone().map_or(Identity::Controller, Identity::Role);
        Link { identity, truster: Some(Truster::Controller) }
    }];
    let role = aws.role.as_deref().filter(|role| !role.is_empty());
    let before = aws.additional_roles.iter().flatten();
    let hops = before.map(|role| (role.as_str(), None)).chain(role.map(|role| (role, Some(aws))));
    for (role, last) in hops {
        let field = if last.is_some() { "role" } else { "additionalRoles" };
        let identity = role_of(role).ok_or_else(|| {
            format!("spec.provider.aws.{field}: {role:?} is not the ARN of a role")
        })?;
        let from = links.last().map_or(Identity::Controller, |link| link.identity.clone());
        let external_id = last.and_then(|aws| aws.external_id.clone()).filter(|id| !id.is_empty());
        let tagged = last.is_some_and(is_tagged);
        let truster = Some(Truster::Assumes { from, external_id, tagged });
        links.push(Link { identity, truster });
    }
    Ok(Chain { links, remarks })
}

/// Service accounts that stores name, as namespace and name, of those who use them.
pub(crate) fn service_account(
    store: &Key,
    aws: &AwsProvider,
    namespace: Option<&str>,
) -> Option<(String, String)> {
    let (name, jwt) = jwt(aws)?;
    let named = jwt.service_account_ref.as_ref().and_then(|account| account.namespace.as_deref());
    let place = Place { store, namespace };
    Some((place.namespace(named, "auth.jwt.serviceAccountRef").ok()?, name.to_owned()))
}

fn role_of(text: &str) -> Option<Identity> {
    Arn::read(text)?.role()?;
    Some(Identity::Role(text.to_owned()))
}

/// A token counts before an access key.
fn jwt(aws: &AwsProvider) -> Option<(&str, &AwsJwtAuth)> {
    let jwt = aws.auth.as_ref()?.jwt.as_ref()?;
    Some((jwt.service_account_ref.as_ref()?.name.as_str(), jwt))
}

/// Whether the session of `role` gets tags, which is a permission of its own.
fn is_tagged(aws: &AwsProvider) -> bool {
    match aws.session_tags_policy.clone().unwrap_or_default() {
        SessionTagsPolicy::Simple | SessionTagsPolicy::Custom => true,
        SessionTagsPolicy::None | SessionTagsPolicy::Other(_) => {
            aws.session_tags.as_ref().is_some_and(|tags| !tags.is_empty())
        }
    }
}

/// A store and where it is used.
struct Place<'a> {
    store: &'a Key,
    namespace: Option<&'a str>,
}

impl Place<'_> {
    /// The namespace that a reference is about.
    fn namespace(&self, named: Option<&str>, what: &str) -> Result<String, String> {
        let named = named.filter(|named| !named.is_empty());
        match (named, self.store, self.namespace) {
            (Some(named), (Some(own), _), _) if named != own => Err(format!(
                "{what} names the namespace {named:?}, which only a ClusterSecretStore may do"
            )),
            (Some(named), _, _) => Ok(named.to_owned()),
            (None, (Some(own), _), _) => Ok(own.clone()),
            (None, (None, _), Some(user)) => Ok(user.to_owned()),
            (None, (None, _), None) => Err(format!(
                "{what} names no namespace, so that it is that of each ExternalSecret, and which \
                 namespaces these are in is not known"
            )),
        }
    }

    fn service_account(
        &self,
        name: &str,
        jwt: &AwsJwtAuth,
        objects: &Objects,
        remarks: &mut Vec<String>,
    ) -> Result<Link, String> {
        let selector = jwt.service_account_ref.as_ref();
        let named = selector.and_then(|selector| selector.namespace.as_deref());
        let namespace = self.namespace(named, "auth.jwt.serviceAccountRef")?;
        let key = (namespace.clone(), name.to_owned());
        let label = format!("the ServiceAccount {namespace}/{name}");
        let account = match objects.accounts.get(&key) {
            Some(Ok(account)) => {
                if account.role.is_none() {
                    remarks.push(format!(
                        "{label} has no annotation {ROLE_ANNOTATION}: the policy is for the role \
                         that it shall name"
                    ));
                }
                account.clone()
            }
            Some(Err(why)) => {
                remarks.push(format!("the role of {label} is not known: {why}"));
                Account::default()
            }
            None => {
                remarks.push(format!(
                    "the role of {label} is not known, because it is not among the objects: the \
                     policy is for the role that its annotation {ROLE_ANNOTATION} names"
                ));
                Account::default()
            }
        };
        let audience = account.audience.unwrap_or_else(|| AUDIENCE.to_owned());
        let identity = match &account.role {
            Some(role) => role_of(role).ok_or_else(|| {
                format!(
                    "{label}: the annotation {ROLE_ANNOTATION} is not the ARN of a role: {role:?}"
                )
            })?,
            None => Identity::ServiceAccount(namespace.clone(), name.to_owned()),
        };
        let truster = Some(Truster::Token(namespace, name.to_owned(), audience));
        Ok(Link { identity, truster })
    }

    fn access_key(&self, keys: &AwsAuthSecretRef) -> Result<Identity, String> {
        let what = "auth.secretRef.accessKeyIDSecretRef";
        let selector = keys.access_key_id_secret_ref.as_ref();
        let name = selector.and_then(|selector| selector.name.clone());
        let name =
            name.filter(|name| !name.is_empty()).ok_or_else(|| format!("{what} has no name"))?;
        let named = selector.and_then(|selector| selector.namespace.as_deref());
        Ok(Identity::AccessKey(self.namespace(named, what)?, name))
    }
}
