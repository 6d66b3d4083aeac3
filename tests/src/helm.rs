//! Real Helm, as an administrator of a test cluster or without one.
//!
//! ```no_run
//! # use extsecret_tests::cluster::Cluster;
//! # fn example(cluster: &Cluster) {
//! let namespace = cluster.fresh_namespace();
//! cluster.helm(["install", "web", "charts/web", "--wait"]).namespace(&namespace).run().succeeded();
//! # }
//! ```

use std::ffi::OsStr;
use std::path::Path;

use crate::call::{Call, Finished};
use crate::tools;

/// Variables of the machine that lead Helm out of the home folder, or into the machine's own cluster.
pub const SETTINGS: [&str; 9] = [
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
    "HELM_DATA_HOME",
    "HELM_KUBECONTEXT",
    "HELM_NAMESPACE",
    "HELM_PLUGINS",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// A call of Helm, before it is made.
#[must_use = "nothing runs before `run`"]
#[derive(Debug)]
pub struct Helm {
    call: Call,
}

impl Helm {
    pub(crate) fn new(program: &Path, kubeconfig: &Path, home: &Path) -> Self {
        let call = Call::new(program).env("HOME", home).env("KUBECONFIG", kubeconfig);
        Self { call: SETTINGS.into_iter().fold(call, Call::without_env) }
    }

    /// Helm without a cluster, for `create`, `lint`, `package` and `template`; `None` if Go is not
    /// installed. It keeps its caches in `home`.
    ///
    /// # Panics
    ///
    /// If Helm cannot be built.
    pub fn without_cluster(home: &Path) -> Option<Self> {
        Some(Self::new(&tools::helm()?, &home.join("no-kubeconfig"), home))
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        Self { call: self.call.args(args) }
    }

    /// Works in this namespace.
    pub fn namespace(self, namespace: &str) -> Self {
        self.args(["--namespace", namespace])
    }

    /// Works in this folder: charts are found from there.
    pub fn in_folder(self, folder: &Path) -> Self {
        Self { call: self.call.in_folder(folder) }
    }

    /// What to read from standard input; add `--values=-` or the like.
    pub fn stdin(self, text: impl Into<Vec<u8>>) -> Self {
        Self { call: self.call.stdin(text) }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// If it does not start, or has not ended after two minutes.
    pub fn run(self) -> Finished {
        self.call.run()
    }
}
