//! Restarts of the workloads that read a Secret whose content has changed.
//!
//! What has to restart, and when, is decided by `extsecret-restart`; here is what it needs to know, kept
//! current by watches, and what becomes of its decisions.

mod args;
mod secrets;
mod seen;
mod state;
mod tell;
mod watch;
mod webhook;
mod work;

use std::time::Duration;

use anyhow::Context as _;
use extsecret_restart::fingerprint::{KEY_BYTES, Key};
use zeroize::Zeroizing;

pub(crate) use self::args::RestartArgs;
pub(crate) use self::seen::{Seen, resource};
pub(crate) use self::state::{Fixed, State};
pub(crate) use self::watch::WorkloadWatches;
pub(crate) use self::work::Worker;
use crate::apply::{Apply, ApplyError};

/// The pause between two attempts at the key.
const PAUSE: Duration = Duration::from_secs(2);

/// Gets ready for restarts, if there are any: gets the key of fingerprints, or makes it.
///
/// # Errors
/// If the key cannot be used, or not be made.
pub(crate) async fn open(
    args: &RestartArgs,
    apply: &Apply,
    home: &str,
) -> anyhow::Result<Option<State>> {
    let Some(mode) = args.mode() else { return Ok(None) };
    let namespace = args.restart_key_namespace.as_deref().unwrap_or(home);
    let name = &args.restart_key_secret;
    let stored = loop {
        match key(apply, namespace, name).await {
            Ok(Some(stored)) => break stored,
            // Another replica has made it at the same time.
            Ok(None) | Err(ApplyError::Exists | ApplyError::Conflict) => {}
            Err(ApplyError::Unavailable(cause)) => {
                tracing::warn!(namespace, name, cause, "cannot get the key of fingerprints yet");
            }
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("cannot get or make Secret {namespace}/{name}, which holds the key of fingerprints")
                });
            }
        }
        tokio::time::sleep(PAUSE).await;
    };
    let key = Key::new(&stored.bytes)
        .with_context(|| format!("Secret {namespace}/{name} holds no key: delete it"))?;
    tracing::info!(namespace, name, key = %key.id(), "restarts are on");
    Ok(Some(State::new(Fixed {
        key,
        adopted: stored.created,
        mode,
        limits: args.limits(),
        by_default: args.restart_by_default,
        denied: args.restart_denied_namespace.iter().cloned().collect(),
        window: args.restart_window.clone(),
        frozen_until: args.restart_freeze_until,
        reloader: args.restart_reloader_annotations,
        deadline: args.deadline(),
        counts_workloads: args.restart_metrics_by_workload,
    })))
}

async fn key(
    apply: &Apply,
    namespace: &str,
    name: &str,
) -> Result<Option<crate::apply::StoredKey>, ApplyError> {
    if let Some(stored) = apply.read_key(namespace, name).await? {
        return Ok(Some(stored));
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|error| ApplyError::Refused(format!("no random bytes: {error}")))?;
    apply.create_key(namespace, name, bytes.as_slice()).await.map(Some)
}
