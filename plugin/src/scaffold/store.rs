//! A store that is to be.

use clap::ValueEnum;
use extsecret_manifest::node::Node;

use super::document::{above, map, object, text};

/// How a store comes to credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Those that the controller has: IRSA, EKS Pod Identity or its environment
    Controller,
    /// The token of a service account, for the role in its annotation (IRSA)
    ServiceAccount,
    /// Access keys in a Secret
    Secret,
}

/// What decides about a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreDraft {
    pub(crate) name: String,
    /// Of a `SecretStore`.
    pub(crate) namespace: Option<String>,
    pub(crate) is_cluster: bool,
    /// `SecretsManager` or `ParameterStore`.
    pub(crate) service: &'static str,
    pub(crate) region: String,
    pub(crate) role: Option<String>,
    pub(crate) auth: Auth,
    /// The service account or the Secret of `auth`, and for a cluster store its namespace.
    pub(crate) subject: Option<(Option<String>, String)>,
}

impl StoreDraft {
    /// The manifest.
    pub(crate) fn document(&self) -> Node {
        let mut aws = vec![("service", text(self.service)), ("region", text(&self.region))];
        let auth = self.auth();
        if let Some(role) = &self.role {
            let who = match self.auth {
                Auth::Controller => "the controller's own credentials",
                Auth::ServiceAccount | Auth::Secret => "the credentials of `auth`",
            };
            let comment = format!("Assumed with {who}; its trust policy has to allow that.");
            aws.push(("role", above(&comment, text(role))));
        }
        let document = match auth {
            Some(auth) => {
                aws.push(("auth", auth));
                self.object(aws)
            }
            None => above(
                "Without `auth` the controller's own credentials are used: the role of its\nservice \
                 account (IRSA), EKS Pod Identity, or its environment.",
                self.object(aws),
            ),
        };
        above(
            "What it has to be allowed at AWS, `kubectl extsecret iam -f FILE` prints,\nwhere FILE \
             holds its ExternalSecrets, too.",
            document,
        )
    }

    fn object(&self, aws: Vec<(&str, Node)>) -> Node {
        let spec = map(vec![("provider", map(vec![("aws", map(aws))]))]);
        let kind = if self.is_cluster { "ClusterSecretStore" } else { "SecretStore" };
        object(kind, self.namespace.as_deref().filter(|_| !self.is_cluster), &self.name, spec)
    }

    fn auth(&self) -> Option<Node> {
        let (namespace, name) = self.subject.as_ref()?;
        let namespace = namespace.as_deref().filter(|_| self.is_cluster);
        let named = |more: Option<&str>| {
            let mut entries = vec![("name", text(name))];
            entries.extend(namespace.map(|namespace| ("namespace", text(namespace))));
            entries.extend(more.map(|key| ("key", text(key))));
            map(entries)
        };
        match self.auth {
            Auth::Controller => None,
            Auth::ServiceAccount => {
                let comment = "Its annotation eks.amazonaws.com/role-arn names the role.";
                let jwt = map(vec![("serviceAccountRef", above(comment, named(None)))]);
                Some(map(vec![("jwt", jwt)]))
            }
            Auth::Secret => {
                let keys = map(vec![
                    ("accessKeyIDSecretRef", named(Some("access-key-id"))),
                    ("secretAccessKeySecretRef", named(Some("secret-access-key"))),
                ]);
                let comment = "Access keys that somebody has to rotate; a role needs none.";
                Some(map(vec![("secretRef", above(comment, keys))]))
            }
        }
    }
}
