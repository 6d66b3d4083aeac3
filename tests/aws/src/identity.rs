//! Who may call: users, roles and their sessions, and what each may do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::error::AwsError;
use crate::ids::Ids;
use crate::policy::{Policy, Question, Verdict, glob};

/// What a client signs with.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Credentials {
    /// Names the key.
    pub access_key_id: String,
    /// Never sent.
    pub secret_access_key: String,
    /// Sent along by sessions.
    #[serde(default)]
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// What an identity may do, by its own policies.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Permissions {
    /// Everything in its account.
    #[default]
    Everything,
    /// What the policies allow and none denies.
    Policies(Vec<Policy>),
}

impl Permissions {
    /// Nothing.
    pub fn nothing() -> Self {
        Self::Policies(Vec::new())
    }

    /// The actions on the resources, with `*` and `?` as wildcards.
    pub fn allow(actions: &[&str], resources: &[&str]) -> Self {
        Self::Policies(vec![Policy::allow(actions, resources)])
    }
}

/// A role that may be assumed.
#[derive(Debug, Clone)]
pub struct Role {
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) permissions: Permissions,
    pub(crate) trust: Policy,
    pub(crate) max_session: Duration,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Role {
    /// A role that nobody may assume yet, and that may do everything in its account. The ARN is
    /// `arn:aws:iam::ACCOUNT:role/NAME`.
    pub fn new(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            id: String::new(),
            permissions: Permissions::Everything,
            trust: Policy::default(),
            max_session: Duration::from_hours(1),
            tags: BTreeMap::new(),
        }
    }

    /// What its sessions may do.
    #[must_use]
    pub fn may(mut self, permissions: Permissions) -> Self {
        self.permissions = permissions;
        self
    }

    /// Adds a trust policy: who may assume it, for `sts:AssumeRole` or
    /// `sts:AssumeRoleWithWebIdentity`, under which conditions.
    #[must_use]
    pub fn trusts(mut self, policy: Policy) -> Self {
        self.trust.append(policy);
        self
    }

    /// Trusts callers: the ARN of a user or role, an account number, or `*`.
    #[must_use]
    pub fn trusts_principal(self, principal: &str) -> Self {
        let principal = match principal {
            "*" => serde_json::json!("*"),
            arn => serde_json::json!({ "AWS": arn }),
        };
        self.trusts_statement(&serde_json::json!({
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }))
    }

    /// Trusts tokens of an issuer (`https://...`) with this audience and a subject such as
    /// `system:serviceaccount:NAMESPACE:NAME`, in which `*` and `?` are wildcards.
    #[must_use]
    pub fn trusts_token(self, issuer: &str, audience: &str, subject: &str) -> Self {
        let account = self.account();
        let host = issuer.trim_start_matches("https://");
        self.clone().trusts_statement(&serde_json::json!({
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{account}:oidc-provider/{host}") },
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            "Condition": {
                "StringEquals": { format!("{host}:aud"): audience },
                "StringLike": { format!("{host}:sub"): subject },
            },
        }))
    }

    /// The longest session that one may ask for; an hour if nobody says otherwise.
    #[must_use]
    pub fn max_session(mut self, duration: Duration) -> Self {
        self.max_session = duration;
        self
    }

    /// Adds a tag, which its sessions carry.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The account that it belongs to.
    pub(crate) fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    fn trusts_statement(self, statement: &serde_json::Value) -> Self {
        let document = serde_json::json!({ "Statement": [statement] }).to_string();
        // The document is well-formed whatever the texts in it are.
        let policy = Policy::parse(&document).unwrap_or_else(|_| Policy::allow(&[], &[]));
        self.trusts(policy)
    }
}

/// Who called.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) user_id: String,
    /// The role of a session; its permissions are those of the role at the time of the call.
    pub(crate) role: Option<String>,
    permissions: Permissions,
    session_policy: Option<Policy>,
    pub(crate) tags: BTreeMap<String, String>,
    /// Keys of tags that go on to the sessions that this one starts.
    pub(crate) transitive: BTreeSet<String>,
    /// The test itself, whom no denial and no fault is about.
    pub(crate) is_test: bool,
}

impl Caller {
    /// The test itself, as root of an account.
    pub(crate) fn test(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_owned(),
            role: None,
            permissions: Permissions::Everything,
            session_policy: None,
            tags: BTreeMap::new(),
            transitive: BTreeSet::new(),
            is_test: true,
        }
    }

    /// The ARNs that policies may name it by.
    fn principals(&self) -> Vec<&str> {
        [Some(self.arn.as_str()), self.role.as_deref()].into_iter().flatten().collect()
    }

    /// Whether the policy of a resource, such as the trust of a role, lets it in.
    pub(crate) fn is_trusted(&self, access: &Access<'_>) -> bool {
        let verdict = access.resource_policy.map_or(Verdict::Silent, |policy| {
            policy.ask(&Question {
                action: access.action,
                resource: access.resource,
                principals: &self.principals(),
                account: &self.account,
                context: &|key| self.context(access, key),
            })
        });
        matches!(verdict, Verdict::Allow | Verdict::AllowAccount)
    }

    /// The values of a condition key.
    fn context(&self, access: &Access<'_>, key: &str) -> Vec<String> {
        if let Some(tag) = key.strip_prefix("aws:PrincipalTag/") {
            return self.tags.get(tag).cloned().into_iter().collect();
        }
        match key {
            "aws:PrincipalAccount" => vec![self.account.clone()],
            "aws:PrincipalArn" => vec![self.role.as_ref().unwrap_or(&self.arn).clone()],
            "aws:ResourceAccount" => vec![access.owner.to_owned()],
            "aws:userid" => vec![self.user_id.clone()],
            key => (access.context)(key),
        }
    }
}

/// A session that STS is about to hand out.
pub(crate) struct NewSession {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) duration: Duration,
    pub(crate) policy: Option<Policy>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) transitive: BTreeSet<String>,
}

/// A session that STS handed out.
pub(crate) struct Session {
    pub(crate) credentials: Credentials,
    pub(crate) expires: Timestamp,
    pub(crate) arn: String,
    pub(crate) user_id: String,
}

/// What a call wants to do, for the decision whether it may.
pub(crate) struct Access<'a> {
    pub(crate) action: &'a str,
    /// An ARN, or `*`.
    pub(crate) resource: &'a str,
    /// The account that the resource belongs to.
    pub(crate) owner: &'a str,
    pub(crate) resource_policy: Option<&'a Policy>,
    /// Values of condition keys, beside those of the caller.
    pub(crate) context: &'a dyn Fn(&str) -> Vec<String>,
}

/// Users, roles, sessions and denials.
#[derive(Debug)]
pub struct Identities {
    ids: Arc<Ids>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Key>,
    roles: BTreeMap<String, Role>,
    denials: Vec<Denial>,
    providers: BTreeMap<(String, String), Provider>,
}

#[derive(Debug)]
struct Key {
    credentials: Credentials,
    expires: Option<Timestamp>,
    caller: Arc<Caller>,
}

#[derive(Debug)]
struct Denial {
    caller: String,
    action: String,
    resource: String,
}

/// An `OpenID` Connect provider that an account trusts.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    /// Client ids: audiences of its tokens.
    pub(crate) audiences: Vec<String>,
    /// Its keys, as a JSON Web Key Set.
    pub(crate) jwks: String,
}

/// The key that a request names, as far as it can be told.
pub(crate) struct KnownKey {
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) caller: Arc<Caller>,
}

impl Identities {
    pub(crate) fn new(ids: Arc<Ids>) -> Self {
        Self { ids, state: Mutex::default() }
    }

    /// Adds a user with an access key.
    pub fn add_user(&self, account: &str, name: &str, permissions: Permissions) -> Credentials {
        let credentials = Credentials {
            access_key_id: self.ids.iam("AKIA"),
            secret_access_key: self.ids.word(40),
            session_token: None,
        };
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        self.add_key(account, arn, credentials.clone(), permissions);
        credentials
    }

    /// Lets these credentials stand for a user, or for the account itself (`root`).
    pub fn add_user_with(
        &self,
        account: &str,
        name: &str,
        credentials: Credentials,
        permissions: Permissions,
    ) {
        let arn = match name {
            "root" => format!("arn:aws:iam::{account}:root"),
            name => format!("arn:aws:iam::{account}:user/{name}"),
        };
        self.add_key(account, arn, credentials, permissions);
    }

    fn add_key(
        &self,
        account: &str,
        arn: String,
        credentials: Credentials,
        permissions: Permissions,
    ) {
        let caller = Caller {
            user_id: self.ids.iam("AIDA"),
            arn,
            permissions,
            is_test: false,
            ..Caller::test(account)
        };
        let name = credentials.access_key_id.clone();
        let key = Key { credentials, expires: None, caller: Arc::new(caller) };
        self.lock().keys.insert(name, key);
    }

    /// Adds a role, or replaces the one with its ARN: running sessions follow.
    pub fn add_role(&self, mut role: Role) {
        role.id = self.ids.iam("AROA");
        self.lock().roles.insert(role.arn.clone(), role);
    }

    /// Removes a role: nobody can assume it any more, and its sessions may do nothing.
    pub fn remove_role(&self, arn: &str) {
        self.lock().roles.remove(arn);
    }

    /// Changes what a role may do, at once and for running sessions too.
    pub fn set_permissions(&self, role: &str, permissions: Permissions) {
        if let Some(role) = self.lock().roles.get_mut(role) {
            role.permissions = permissions;
        }
    }

    /// Lets an account trust an issuer of tokens (`https://...`), with the audiences that are
    /// known to it and its keys as a JSON Web Key Set: what `kubectl get --raw
    /// /openid/v1/jwks` prints.
    pub fn add_token_issuer(&self, account: &str, issuer: &str, audiences: &[&str], jwks: &str) {
        let provider = Provider {
            audiences: audiences.iter().map(|&audience| audience.to_owned()).collect(),
            jwks: jwks.to_owned(),
        };
        let key = (account.to_owned(), issuer.trim_end_matches('/').to_owned());
        self.lock().providers.insert(key, provider);
    }

    /// Denies an action on resources to callers, whatever policies say. All three are patterns
    /// with `*` and `?` of ARNs and IAM actions.
    pub fn deny(&self, caller: &str, action: &str, resource: &str) {
        self.lock().denials.push(Denial {
            caller: caller.to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
        });
    }

    /// Takes back all that was denied with [`deny`](Self::deny).
    pub fn clear_denials(&self) {
        self.lock().denials.clear();
    }

    /// Lets a session's credentials expire at this moment of the double's time.
    pub fn expire(&self, access_key_id: &str, at: Timestamp) {
        if let Some(key) = self.lock().keys.get_mut(access_key_id) {
            key.expires = Some(at);
        }
    }

    /// Deletes an access key: from now on nobody knows it.
    pub fn revoke(&self, access_key_id: &str) {
        self.lock().keys.remove(access_key_id);
    }

    pub(crate) fn key(&self, access_key_id: &str) -> Option<KnownKey> {
        let state = self.lock();
        let key = state.keys.get(access_key_id)?;
        Some(KnownKey {
            secret: key.credentials.secret_access_key.clone(),
            token: key.credentials.session_token.clone(),
            expires: key.expires,
            caller: Arc::clone(&key.caller),
        })
    }

    pub(crate) fn role(&self, arn: &str) -> Option<Role> {
        self.lock().roles.get(arn).cloned()
    }

    pub(crate) fn provider(&self, account: &str, issuer: &str) -> Option<Provider> {
        let key = (account.to_owned(), issuer.trim_end_matches('/').to_owned());
        self.lock().providers.get(&key).cloned()
    }

    pub(crate) fn start_session(&self, new: NewSession, now: Timestamp) -> Session {
        let account = new.role.account().to_owned();
        let role_name = new.role.arn.rsplit('/').next().unwrap_or_default();
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{}", new.name);
        let user_id = format!("{}:{}", new.role.id, new.name);
        let credentials = Credentials {
            access_key_id: self.ids.iam("ASIA"),
            secret_access_key: self.ids.word(40),
            session_token: Some(self.ids.word(120)),
        };
        let caller = Caller {
            arn: arn.clone(),
            user_id: user_id.clone(),
            role: Some(new.role.arn),
            session_policy: new.policy,
            tags: new.role.tags.into_iter().chain(new.tags).collect(),
            transitive: new.transitive,
            is_test: false,
            ..Caller::test(&account)
        };
        let expires = crate::clock::later(now, new.duration);
        let key = Key {
            credentials: credentials.clone(),
            expires: Some(expires),
            caller: Arc::new(caller),
        };
        self.lock().keys.insert(credentials.access_key_id.clone(), key);
        Session { credentials, expires, arn, user_id }
    }

    /// What the policies of a role say about an action, as IAM simulates them: policies of resources
    /// and sessions have no part in it. `None` if there is no such role.
    pub(crate) fn simulate(
        &self,
        role: &str,
        action: &str,
        resource: &str,
        context: &dyn Fn(&str) -> Vec<String>,
    ) -> Option<Verdict> {
        let role = self.role(role)?;
        let account = role.account();
        let principals = [role.arn.as_str()];
        let question = Question { action, resource, principals: &principals, account, context };
        Some(match &role.permissions {
            Permissions::Everything => Verdict::Allow,
            Permissions::Policies(policies) => verdict(policies.iter(), &question),
        })
    }

    /// Whether a caller may do something; the refusal is AWS's `AccessDeniedException`.
    pub(crate) fn check(&self, caller: &Caller, access: &Access<'_>) -> Result<(), AwsError> {
        if caller.is_test {
            return Ok(());
        }
        let denied = |why: &str| {
            let resource = match access.resource {
                "*" => String::new(),
                arn => format!(" on resource: {arn}"),
            };
            Err(AwsError::new(
                "AccessDeniedException",
                format!(
                    "User: {} is not authorized to perform: {}{resource} {why}",
                    caller.arn, access.action
                ),
            ))
        };
        let silent =
            |kind: &str| denied(&format!("because no {kind} allows the {} action", access.action));
        let explicit = |kind: &str| denied(&format!("with an explicit deny in {kind}"));

        let state = self.lock();
        if state.denials.iter().any(|denial| {
            glob(&denial.caller, &caller.arn)
                && glob(&denial.action, access.action)
                && glob(&denial.resource, access.resource)
        }) {
            return explicit("an identity-based policy");
        }

        let context = |key: &str| caller.context(access, key);
        let principals = caller.principals();
        let question = Question {
            action: access.action,
            resource: access.resource,
            principals: &principals,
            account: &caller.account,
            context: &context,
        };

        let permissions = match &caller.role {
            None => Some(&caller.permissions),
            Some(role) => state.roles.get(role).map(|role| &role.permissions),
        };
        let by_identity = match permissions {
            None => Verdict::Silent,
            Some(Permissions::Everything) => Verdict::Allow,
            Some(Permissions::Policies(policies)) => verdict(policies.iter(), &question),
        };
        let by_resource = access.resource_policy.map_or(Verdict::Silent, |p| p.ask(&question));
        let by_session =
            caller.session_policy.as_ref().map_or(Verdict::Allow, |p| p.ask(&question));

        if by_identity == Verdict::Deny {
            return explicit("an identity-based policy");
        }
        if by_resource == Verdict::Deny {
            return explicit("a resource-based policy");
        }
        if by_session == Verdict::Deny {
            return explicit("a session policy");
        }
        if access.owner != caller.account {
            // Both accounts must agree.
            if !matches!(by_resource, Verdict::Allow | Verdict::AllowAccount) {
                return silent("resource-based policy");
            }
            if by_identity != Verdict::Allow {
                return silent("identity-based policy");
            }
        } else if by_identity != Verdict::Allow && by_resource != Verdict::Allow {
            return silent("identity-based policy");
        }
        if by_session != Verdict::Allow {
            return silent("session policy");
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What several policies say together.
pub(crate) fn verdict<'a>(
    policies: impl Iterator<Item = &'a Policy>,
    question: &Question<'_>,
) -> Verdict {
    let mut verdict = Verdict::Silent;
    for policy in policies {
        match policy.ask(question) {
            Verdict::Deny => return Verdict::Deny,
            Verdict::Silent => {}
            found => {
                if verdict != Verdict::Allow {
                    verdict = found;
                }
            }
        }
    }
    verdict
}
