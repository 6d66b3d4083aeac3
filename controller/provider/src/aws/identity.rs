//! Who a store is: what its credentials are made of, from its spec and the place where it is used
//! (eso-semantics 3.1).
//!
//! Two uses of the same identity share credentials, calls and answers; nothing else does. So what
//! makes a difference to AWS is all in [`Identity`], and written keys are in it as a fingerprint.

use std::fmt;

use aws_credential_types::Credentials;
use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::provider::AwsProvider;
use extsecret_crds::provider::aws::{AwsAuthSecretRef, AwsJwtAuth, SessionTagsPolicy};
use extsecret_crds::selector::SecretKeySelector;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::provider::{Cluster, ProviderError, Scope};

const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
const AUDIENCE_ANNOTATION: &str = "eks.amazonaws.com/audience";
const AUDIENCE: &str = "sts.amazonaws.com";

/// All that AWS could tell two callers apart by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) base: Base,
    /// Roles, in the order in which they are assumed.
    pub(super) hops: Vec<Hop>,
}

/// Where the first credentials come from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Base {
    Own,
    /// A fingerprint of the access key, all parts of it.
    Written([u8; 32]),
    WebIdentity(WebIdentity),
}

/// A ServiceAccount and the role that its token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct WebIdentity {
    pub(super) namespace: String,
    pub(super) service_account: String,
    pub(super) uid: String,
    pub(super) role: String,
    pub(super) audiences: Vec<String>,
}

/// A role that is assumed, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Hop {
    pub(super) role: String,
    pub(super) external_id: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) transitive: Vec<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            Base::Own => f.write_str("own credentials")?,
            Base::Written(_) => f.write_str("an access key")?,
            Base::WebIdentity(identity) => {
                write!(f, "service account {}/{}", identity.namespace, identity.service_account)?;
            }
        }
        self.hops.iter().try_for_each(|hop| write!(f, ", then {}", hop.role))
    }
}

/// Whether the credentials are looked for in the namespace of whoever uses the store: a
/// ClusterSecretStore cannot be checked by itself then, and is neither valid nor invalid.
pub fn is_referent(aws: &AwsProvider) -> bool {
    let lacks = |selector: &Option<SecretKeySelector>| {
        selector.as_ref().is_some_and(|selector| selector.namespace.is_none())
    };
    match (jwt(aws), secret_ref(aws)) {
        (Some((_, jwt)), _) => {
            jwt.service_account_ref.as_ref().is_some_and(|account| account.namespace.is_none())
        }
        (None, Some(keys)) => {
            lacks(&keys.access_key_id_secret_ref)
                || lacks(&keys.secret_access_key_secret_ref)
                || lacks(&keys.session_token_secret_ref)
        }
        (None, None) => false,
    }
}

/// The first of the two that count: a token, if both are there.
fn jwt(aws: &AwsProvider) -> Option<(&str, &AwsJwtAuth)> {
    let jwt = aws.auth.as_ref()?.jwt.as_ref()?;
    Some((jwt.service_account_ref.as_ref()?.name.as_str(), jwt))
}

fn secret_ref(aws: &AwsProvider) -> Option<&AwsAuthSecretRef> {
    aws.auth.as_ref()?.secret_ref.as_ref()
}

/// Finds out who `aws` is in `scope`. Written keys come along, because the identity holds only
/// their fingerprint.
pub(super) async fn identify(
    aws: &AwsProvider,
    scope: &Scope,
    cluster: &dyn Cluster,
) -> Result<(Identity, Option<Credentials>), ProviderError> {
    let place = Place { scope };
    let mut written = None;
    let base = if let Some((name, jwt)) = jwt(aws) {
        Base::WebIdentity(place.web_identity(name, jwt, cluster).await?)
    } else if let Some(keys) = secret_ref(aws) {
        let (fingerprint, credentials) = place.access_key(keys, cluster).await?;
        written = Some(credentials);
        Base::Written(fingerprint)
    } else {
        Base::Own
    };
    let mut hops: Vec<Hop> = aws
        .additional_roles
        .iter()
        .flatten()
        .map(|role| Hop { role: role.clone(), ..Hop::default() })
        .collect();
    if let Some(role) = aws.role.as_ref().filter(|role| !role.is_empty()) {
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        hops.push(Hop {
            role: role.clone(),
            external_id: some(&aws.external_id),
            tags: place.tags(aws)?,
            transitive: aws.transitive_tag_keys.clone().unwrap_or_default(),
        });
    }
    Ok((Identity { base, hops }, written))
}

/// The store and where it is used.
struct Place<'a> {
    scope: &'a Scope,
}

impl Place<'_> {
    fn invalid(&self, cause: &str) -> ProviderError {
        ProviderError::Invalid(format!("{}: {cause}", self.scope.store))
    }

    /// The namespace to look in. Only a ClusterSecretStore may name one: through any other, whoever
    /// may write stores in a namespace could use credentials of another.
    fn namespace(&self, named: Option<&str>, what: &str) -> Result<String, ProviderError> {
        let own = self.scope.namespace.as_deref();
        let named = named.filter(|named| !named.is_empty());
        match (named, own) {
            (Some(named), own)
                if self.scope.store.kind != StoreKind::ClusterSecretStore && own != Some(named) =>
            {
                Err(self.invalid(&format!(
                    "{what} names the namespace {named:?}, which only a ClusterSecretStore may do: \
                     leave it out"
                )))
            }
            (Some(named), _) => Ok(named.to_owned()),
            (None, Some(own)) => Ok(own.to_owned()),
            (None, None) => Err(self.invalid(&format!(
                "{what} names no namespace, so that it is that of each ExternalSecret: the store \
                 cannot be reached by itself"
            ))),
        }
    }

    async fn key(
        &self,
        selector: Option<&SecretKeySelector>,
        field: &str,
        cluster: &dyn Cluster,
    ) -> Result<Zeroizing<String>, ProviderError> {
        let field = format!("auth.secretRef.{field}");
        let missing = |part: &str| self.invalid(&format!("{field} has no {part}"));
        let selector = selector.ok_or_else(|| self.invalid(&format!("{field} is missing")))?;
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let name = some(&selector.name).ok_or_else(|| missing("name"))?;
        let key = some(&selector.key).ok_or_else(|| missing("key"))?;
        let namespace = self.namespace(selector.namespace.as_deref(), &field)?;
        let bytes = cluster.secret_key(&namespace, &name, &key).await?;
        // A line break at the end comes from `echo` and is never part of a key.
        let text = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
        if text.is_empty() || text.contains(|c: char| c.is_control()) {
            return Err(self.invalid(&format!(
                "{field}: the key {key:?} of the Secret {namespace}/{name} is empty or not one \
                 line of text"
            )));
        }
        Ok(Zeroizing::new(text.to_owned()))
    }

    async fn access_key(
        &self,
        keys: &AwsAuthSecretRef,
        cluster: &dyn Cluster,
    ) -> Result<([u8; 32], Credentials), ProviderError> {
        let id = keys.access_key_id_secret_ref.as_ref();
        let id = self.key(id, "accessKeyIDSecretRef", cluster).await?;
        let secret = keys.secret_access_key_secret_ref.as_ref();
        let secret = self.key(secret, "secretAccessKeySecretRef", cluster).await?;
        let token = match &keys.session_token_secret_ref {
            Some(token) => Some(self.key(Some(token), "sessionTokenSecretRef", cluster).await?),
            None => None,
        };
        let mut hash = Sha256::new();
        for part in [Some(&id), Some(&secret), token.as_ref()].into_iter().flatten() {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        let token = token.map(|token| token.to_string());
        let credentials = Credentials::new(id.as_str(), secret.as_str(), token, None, "secretRef");
        Ok((hash.finalize().into(), credentials))
    }

    async fn web_identity(
        &self,
        name: &str,
        jwt: &AwsJwtAuth,
        cluster: &dyn Cluster,
    ) -> Result<WebIdentity, ProviderError> {
        let selector = jwt.service_account_ref.as_ref();
        let named = selector.and_then(|selector| selector.namespace.as_deref());
        let namespace = self.namespace(named, "auth.jwt.serviceAccountRef")?;
        let account = cluster.service_account(&namespace, name).await?;
        let annotation = |key: &str| account.annotations.get(key).filter(|text| !text.is_empty());
        let role = annotation(ROLE_ANNOTATION).ok_or_else(|| {
            self.invalid(&format!(
                "an IAM role must be associated with service account {name} (namespace: \
                 {namespace}): annotate it with {ROLE_ANNOTATION}"
            ))
        })?;
        let audience = annotation(AUDIENCE_ANNOTATION).map_or(AUDIENCE, String::as_str);
        let more = selector.and_then(|selector| selector.audiences.as_deref()).unwrap_or_default();
        let mut audiences = vec![audience.to_owned()];
        for audience in more {
            if !audiences.contains(audience) {
                audiences.push(audience.clone());
            }
        }
        Ok(WebIdentity {
            role: role.clone(),
            service_account: name.to_owned(),
            uid: account.uid,
            namespace,
            audiences,
        })
    }

    /// Tags of the session of `role`.
    fn tags(&self, aws: &AwsProvider) -> Result<Vec<(String, String)>, ProviderError> {
        let policy = aws.session_tags_policy.clone().unwrap_or_default();
        let own = match policy {
            SessionTagsPolicy::None => None,
            SessionTagsPolicy::Other(other) if other.is_empty() => None,
            SessionTagsPolicy::Simple => Some(None),
            SessionTagsPolicy::Custom => Some(aws.custom_session_tags.as_ref()),
            SessionTagsPolicy::Other(other) => {
                return Err(self.invalid(&format!(
                    "unknown sessionTagsPolicy {other:?}: use None, Simple or Custom"
                )));
            }
        };
        let Some(own) = own else {
            let tags = aws.session_tags.iter().flatten();
            return Ok(tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect());
        };
        let store = &self.scope.store;
        let mut tags = vec![
            ("esoNamespace".to_owned(), self.scope.namespace.clone().unwrap_or_default()),
            ("esoStoreName".to_owned(), store.name.clone()),
            ("esoStoreKind".to_owned(), store.kind.to_string()),
        ];
        for (key, value) in own.into_iter().flatten() {
            if tags.iter().any(|(known, _)| known == key) {
                return Err(self.invalid(&format!(
                    "customSessionTags: {key} is written by the policy itself"
                )));
            }
            if !key.is_empty() && !value.is_empty() {
                tags.push((key.clone(), value.clone()));
            }
        }
        Ok(tags)
    }
}
