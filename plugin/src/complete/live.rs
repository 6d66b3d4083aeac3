//! Candidates that only the kubeconfig or the cluster knows.
//!
//! Whoever presses TAB waits for them: there is a second, and no answer is no error.

use std::ffi::OsString;
use std::sync::OnceLock;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;

use crate::cli::{ClusterArgs, RequestTimeout};
use crate::cluster::kinds::{self, Kind};
use crate::cluster::{self, Cluster, Selection};
use crate::restarts::freeze;
use crate::status::consumers::WORKLOADS;

/// How long a prompt may stand still.
const PATIENCE: Duration = Duration::from_secs(1);

/// The words of the command line, for candidates that depend on its flags.
static WORDS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Says once what has been typed so far.
pub(super) fn typed(words: &[OsString]) {
    let _ = WORDS.set(words.to_vec());
}

/// Contexts of the kubeconfig.
pub(crate) fn contexts() -> Vec<CompletionCandidate> {
    let Ok(file) = cluster::kubeconfig(args().kubeconfig.as_deref()) else { return Vec::new() };
    file.contexts.into_iter().map(|it| CompletionCandidate::new(it.name)).collect()
}

/// Clusters of the kubeconfig.
pub(crate) fn clusters() -> Vec<CompletionCandidate> {
    let Ok(file) = cluster::kubeconfig(args().kubeconfig.as_deref()) else { return Vec::new() };
    file.clusters.into_iter().map(|it| CompletionCandidate::new(it.name)).collect()
}

/// Users of the kubeconfig.
pub(crate) fn users() -> Vec<CompletionCandidate> {
    let Ok(file) = cluster::kubeconfig(args().kubeconfig.as_deref()) else { return Vec::new() };
    file.auth_infos.into_iter().map(|it| CompletionCandidate::new(it.name)).collect()
}

/// Namespaces of the cluster.
pub(crate) fn namespaces() -> Vec<CompletionCandidate> {
    names(&kinds::NAMESPACES)
}

/// ExternalSecrets of the namespace.
pub(crate) fn external_secrets() -> Vec<CompletionCandidate> {
    names(&kinds::EXTERNAL_SECRETS)
}

/// Stores of the namespace.
pub(crate) fn secret_stores() -> Vec<CompletionCandidate> {
    names(&kinds::SECRET_STORES)
}

/// Stores of the cluster.
pub(crate) fn cluster_secret_stores() -> Vec<CompletionCandidate> {
    names(&kinds::CLUSTER_SECRET_STORES)
}

/// Workloads of the namespace, as `deployment/NAME`.
pub(crate) fn workloads() -> Vec<CompletionCandidate> {
    of_kinds(&WORKLOADS)
}

/// What can be frozen, as `deployment/NAME`.
pub(crate) fn freezable() -> Vec<CompletionCandidate> {
    of_kinds(&freeze::KINDS)
}

/// What `history` tells of, as `deployment/NAME`.
pub(crate) fn with_a_past() -> Vec<CompletionCandidate> {
    let mut all = workloads();
    all.extend(of_kinds(&[kinds::SECRETS, kinds::EXTERNAL_SECRETS]));
    all
}

fn of_kinds(kinds: &[Kind]) -> Vec<CompletionCandidate> {
    let all = kinds.iter().flat_map(|kind| {
        let kind_name = kind.kind.to_lowercase();
        names(kind).into_iter().map(move |it| it.add_prefix(format!("{kind_name}/")))
    });
    all.collect()
}

/// Secrets of the namespace, by their metadata.
pub(crate) fn secrets() -> Vec<CompletionCandidate> {
    names(&kinds::SECRETS)
}

fn names(kind: &Kind) -> Vec<CompletionCandidate> {
    let Ok(cluster) = Cluster::connect(&args()) else { return Vec::new() };
    let mut found = Vec::new();
    let namespace = kind.namespaced.then(|| cluster.namespace().to_owned());
    let listed = cluster.list_metadata(kind, namespace.as_deref(), &Selection::default(), |page| {
        found.extend(page.into_iter().filter_map(|it| it.metadata.name));
    });
    if listed.is_err() {
        return Vec::new();
    }
    found.into_iter().map(CompletionCandidate::new).collect()
}

/// The flags that matter for finding the cluster. A command line that is being typed does not
/// parse, so they are looked for by name.
fn args() -> ClusterArgs {
    let words: Vec<&str> =
        WORDS.get().into_iter().flatten().filter_map(|word| word.to_str()).collect();
    let flag = |names: &[&str]| -> Option<String> {
        let mut found = None;
        // The last word is the one that is being typed.
        for (index, word) in words.iter().enumerate().take(words.len().saturating_sub(1)) {
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (*word, None),
            };
            if names.contains(&name) {
                let value = inline.or_else(|| words.get(index + 1).copied());
                found = value.map(str::to_owned).or(found);
            }
        }
        found
    };
    ClusterArgs {
        namespace: flag(&["-n", "--namespace"]),
        kubeconfig: flag(&["--kubeconfig"]).map(Into::into),
        context: flag(&["--context"]),
        cluster: flag(&["--cluster"]),
        user: flag(&["--user"]),
        as_user: flag(&["--as"]),
        server: flag(&["-s", "--server"]),
        request_timeout: RequestTimeout(Some(PATIENCE)),
        ..ClusterArgs::default()
    }
}
