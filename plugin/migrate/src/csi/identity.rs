//! As whom the values are read: the pod's identity becomes the store's.

use std::collections::BTreeSet;

use extsecret_crds::provider::Provider;
use extsecret_crds::provider::aws::{AwsAuth, AwsJwtAuth, AwsProvider, AwsService};
use extsecret_crds::selector::ServiceAccountSelector;
use extsecret_manifest::diagnostic::Diagnostic;

use super::pods::Mount;
use crate::backends::{StoreSeed, readable};
use crate::codes;
use crate::kes::is_dns_subdomain;
use crate::options::{Auth, Options, Scope};

/// The identity of a class's stores, and what has to be true for it.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) account: Option<ServiceAccountSelector>,
    pub(super) finding: Diagnostic,
}

/// Decides by the class, the workloads that mount it, and the flags.
///
/// # Errors
/// E10, when the flag names an account that the store may not use.
pub(super) fn decide(
    namespace: Option<&str>,
    pod_identity: bool,
    mounts: &[&Mount],
    options: &Options,
) -> Result<Identity, Diagnostic> {
    let cluster = options.scope == Scope::Cluster;
    // A name that is none would make a store that the API refuses.
    let accounts: BTreeSet<&str> = mounts
        .iter()
        .map(|mount| mount.service_account.as_str())
        .filter(|name| is_dns_subdomain(name))
        .collect();
    let say = |message: String| Diagnostic::new(&codes::W36, message);
    if let Auth::ServiceAccount { namespace: home, name } = &options.auth {
        if !cluster && namespace != Some(home.as_str()) {
            let message =
                format!("a SecretStore cannot use the service account of namespace `{home}`");
            return Err(Diagnostic::new(&codes::E10, message).help(
                "migrate each namespace with a service account of its own, or use --scope cluster",
            ));
        }
        return Ok(Identity {
            account: Some(account(name, cluster.then(|| home.clone()))),
            finding: say(format!(
                "the store logs in as the service account `{home}/{name}`, not as the pods: its role must be allowed to read what theirs may"
            )),
        });
    }
    if options.pods_as_controller {
        return Ok(Identity {
            account: None,
            finding: say("the store logs in as the controller, not as the pods: its role must be allowed to read what theirs may".into()),
        });
    }
    if pod_identity {
        return Ok(Identity {
            account: None,
            finding: say("the pods log in by EKS Pod Identity, which serves only the pod that asks: the store logs in as the controller".into())
                .help("associate ESO's own service account with a role that may read these secrets, or give another account a role by annotation and name it with --auth serviceaccount=NAMESPACE/NAME"),
        });
    }
    let Some(first) = accounts.first() else {
        return Ok(Identity {
            account: None,
            finding: say("the input shows no pods of the class, so their service account is not known: the store logs in as the controller".into())
                .help("convert the class together with its workloads to log in as their service account, or give --auth serviceaccount=NAMESPACE/NAME"),
        });
    };
    let shown = namespace.map_or_else(|| (*first).to_owned(), |home| format!("{home}/{first}"));
    let others = accounts.iter().skip(1).copied().collect::<Vec<_>>().join("`, `");
    let rest = if others.is_empty() {
        String::new()
    } else {
        format!(", also for the pods of `{others}`")
    };
    Ok(Identity {
        account: Some(account(first, namespace.filter(|_| cluster).map(str::to_owned))),
        finding: say(format!(
            "the store logs in as the pods' service account `{shown}`{rest}: keep the account with its annotation eks.amazonaws.com/role-arn, and the role with its trust in it"
        )),
    })
}

fn account(name: &str, namespace: Option<String>) -> ServiceAccountSelector {
    ServiceAccountSelector { name: name.to_owned(), namespace, ..ServiceAccountSelector::default() }
}

/// The store of a service.
pub(super) fn seed(service: &AwsService, region: &str, identity: &Identity) -> StoreSeed {
    let account = identity.account.clone();
    let name = account.as_ref().map(|account| account.name.clone()).unwrap_or_default();
    StoreSeed {
        short: if *service == AwsService::ParameterStore { "ssm" } else { "sm" },
        readable: readable([region, name.as_str()]),
        provider: Provider {
            aws: Some(AwsProvider {
                service: service.clone(),
                region: region.to_owned(),
                auth: account.map(|account| AwsAuth {
                    jwt: Some(AwsJwtAuth {
                        service_account_ref: Some(account),
                        ..AwsJwtAuth::default()
                    }),
                    ..AwsAuth::default()
                }),
                ..AwsProvider::default()
            }),
            ..Provider::default()
        },
    }
}
