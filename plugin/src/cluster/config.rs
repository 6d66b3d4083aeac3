//! From the flags and the kubeconfig to a connection.

use anyhow::Context as _;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::cli::ClusterArgs;

/// Loads the kubeconfig as kubectl does: the flag, else `KUBECONFIG` (several files are merged),
/// else `~/.kube/config`, else the ServiceAccount of the pod this runs in.
pub(super) async fn load(args: &ClusterArgs) -> anyhow::Result<Config> {
    let options = KubeConfigOptions {
        context: args.context.clone(),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
    };
    let chosen = args.context.is_some() || args.cluster.is_some() || args.user.is_some();
    let mut config = if let Some(path) = &args.kubeconfig {
        let file = Kubeconfig::read_from(path)
            .with_context(|| format!("cannot read the kubeconfig {}", path.display()))?;
        Config::from_custom_kubeconfig(file, &options)
            .await
            .with_context(|| format!("cannot use the kubeconfig {}", path.display()))?
    } else {
        match Config::from_kubeconfig(&options).await {
            Ok(config) => config,
            Err(error) if chosen => {
                return Err(anyhow::Error::new(error).context("cannot use the kubeconfig"));
            }
            Err(error) => match Config::incluster() {
                Ok(config) => config,
                Err(_) => {
                    return Err(anyhow::Error::new(error).context(
                        "there is no usable kubeconfig: set KUBECONFIG or give --kubeconfig",
                    ));
                }
            },
        }
    };
    // A command that hangs for minutes without a word is worse than one that fails.
    config.default_retry = false;
    config.read_timeout = args.request_timeout.0;
    if args.request_timeout.0.is_some() {
        config.connect_timeout = args.request_timeout.0;
    }
    if let Some(user) = &args.as_user {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups =
            (!args.as_group.is_empty()).then(|| args.as_group.clone());
    }
    Ok(config)
}
