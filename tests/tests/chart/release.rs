//! The chart installed in a real cluster, and the controller as whoever the chart says.
//!
//! The cluster's nodes run no containers. So the test starts the program with the arguments and the
//! variables of the container, with a token of the service account of its pod.

use std::fs;
use std::sync::OnceLock;

use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::Setup;
use extsecret_tests::release;
use serde_json::Value;
use tempfile::TempDir;

use crate::chart::{documents, scratch, staged};

/// What the API server writes down of every request of a service account.
const AUDIT: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts"]
"#;

/// A cluster that writes down what is asked of it, and in which owners are protected as on `OpenShift`.
pub(crate) struct Audited {
    pub(crate) cluster: Cluster,
    folder: TempDir,
}

/// The one of all tests here.
pub(crate) fn audited() -> Option<&'static Audited> {
    static AUDITED: OnceLock<Option<Audited>> = OnceLock::new();
    let start = || {
        let folder = scratch();
        let policy = folder.path().join("policy.yaml");
        fs::write(&policy, AUDIT).unwrap();
        let cluster = Cluster::setup()
            .definitions()
            .apiserver_flag(&format!("--audit-policy-file={}", policy.display()))
            .apiserver_flag(&format!("--audit-log-path={}", folder.path().join("log").display()))
            // A request is not answered before it is written down.
            .apiserver_flag("--audit-log-mode=blocking-strict")
            .apiserver_flag("--enable-admission-plugins=OwnerReferencesPermissionEnforcement")
            .start()?;
        Some(Audited { cluster, folder })
    };
    AUDITED.get_or_init(start).as_ref()
}

/// One request, as far as permissions go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) group: String,
    /// With its subresource: `externalsecrets/status`.
    pub(crate) resource: String,
    pub(crate) verb: String,
}

impl Audited {
    /// What somebody asked for, and whether it was allowed.
    pub(crate) fn requests_of(&self, user: &str) -> Vec<(Use, bool)> {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        let requests = log.lines().filter_map(|line| {
            let entry: Value = serde_json::from_str(line).ok()?;
            (entry["user"]["username"] == user).then(|| request(&entry))?
        });
        requests.collect()
    }
}

fn request(entry: &Value) -> Option<(Use, bool)> {
    let about = entry["objectRef"].as_object()?;
    let text = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default();
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        subresource => format!("{}/{subresource}", text("resource")),
    };
    let verb = entry["verb"].as_str().unwrap().to_owned();
    let allowed = entry["responseStatus"]["code"] != 403;
    Some((Use { group: text("apiGroup").to_owned(), resource, verb }, allowed))
}

/// An installed release.
pub(crate) struct Release<'a> {
    cluster: &'a Cluster,
    /// Its namespace.
    pub(crate) namespace: String,
    /// The Deployment as the cluster has it.
    pub(crate) deployment: Value,
    pod: Value,
    folder: TempDir,
}

impl<'a> Release<'a> {
    pub(crate) const NAME: &'static str = "sync";

    /// Installs the chart with these values into a new namespace that refuses pods that are not
    /// `restricted`, and waits until its pods run.
    pub(crate) fn install(cluster: &'a Cluster, values: &Value) -> Self {
        let namespace = restricted_namespace(cluster);
        cluster
            .helm(["install", Self::NAME])
            .args([staged()])
            .args(["--wait", "--timeout=100s", "--values=-"])
            .namespace(&namespace)
            .stdin(values.to_string())
            .run()
            .succeeded();
        let get = |what: &str| {
            let args = ["get", what, "--output=json"];
            let mut list = cluster.kubectl(args).namespace(&namespace).run().json();
            list["items"][0].take()
        };
        let (deployment, pod) = (get("deployments"), get("pods"));
        assert_eq!(pod["status"]["phase"], "Running", "{pod:#}");
        Self { cluster, namespace, deployment, pod, folder: scratch() }
    }

    /// The objects that were installed.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let helm = self.cluster.helm(["get", "manifest", Self::NAME]).namespace(&self.namespace);
        documents(&helm.run().succeeded())
    }

    /// Its service account.
    pub(crate) fn account(&self) -> &str {
        self.deployment["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap()
    }

    /// Who the controller is.
    pub(crate) fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.account())
    }

    /// The controller, as its pod would run it.
    pub(crate) fn controller(&self, aws: &Aws) -> Setup {
        release::controller(self.cluster, &self.deployment, &self.pod, self.folder.path())
            .environment(aws.environment(aws.admin()))
    }
}

/// A new namespace in which only pods run that are `restricted`.
pub(crate) fn restricted_namespace(cluster: &Cluster) -> String {
    let namespace = cluster.fresh_namespace();
    let level = |mode: &str| format!("pod-security.kubernetes.io/{mode}=restricted");
    cluster
        .kubectl(["label", "namespace", &namespace, &level("enforce"), &level("warn")])
        .run()
        .succeeded();
    namespace
}
