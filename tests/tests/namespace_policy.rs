//! The admission policy of `migrate --namespace-policy`, decided by a real API server: what KES
//! refused by the annotations of a namespace stays refused, and nothing else is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "golden/case.rs"]
#[expect(dead_code, reason = "shared with the golden cases")]
mod case;
#[path = "golden/run.rs"]
#[expect(dead_code, reason = "shared with the golden cases")]
mod run;

use std::fs;
use std::time::Duration;

use extsecret_tests::cluster::Cluster;
use extsecret_tests::kubectl::Finished;
use extsecret_tests::{require, tools};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::case::{Case, documents};
use crate::run::run_case;

/// More often than a server on a busy machine needs to take up a policy.
const ATTEMPTS: usize = 200;

/// The file `decisions.yaml` of a golden case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    decisions: Vec<Decision>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    namespace: String,
    #[serde(rename = "use")]
    usage: Usage,
    allowed: bool,
}

/// What an `ExternalSecret` asks for.
#[derive(Debug, Deserialize)]
enum Usage {
    #[serde(rename = "data.remoteRef.key")]
    Data(String),
    #[serde(rename = "dataFrom.extract.key")]
    Extract(String),
    #[serde(rename = "dataFrom.find")]
    Find(Find),
    #[serde(untagged)]
    Anything(Anything),
}

#[derive(Debug, Deserialize)]
enum Find {
    #[serde(rename = "without path")]
    WithoutPath,
}

#[derive(Debug, Deserialize)]
enum Anything {
    #[serde(rename = "anything")]
    Anything,
}

impl Decision {
    fn object(&self) -> Value {
        let mut spec = json!({ "secretStoreRef": { "kind": "ClusterSecretStore", "name": "any" } });
        let data = |key: &str| json!([{ "secretKey": "v", "remoteRef": { "key": key } }]);
        match &self.usage {
            Usage::Data(key) => spec["data"] = data(key),
            Usage::Anything(Anything::Anything) => spec["data"] = data("/any/key"),
            Usage::Extract(key) => spec["dataFrom"] = json!([{ "extract": { "key": key } }]),
            Usage::Find(Find::WithoutPath) => {
                spec["dataFrom"] = json!([{ "find": { "name": { "regexp": ".*" } } }]);
            }
        }
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": { "name": "asked", "namespace": self.namespace },
            "spec": spec,
        })
    }

    /// What the server says to it.
    fn ask(&self, cluster: &Cluster) -> Finished {
        let object = self.object().to_string();
        cluster.kubectl(["create", "--dry-run=server", "--filename=-"]).stdin(object).run()
    }
}

fn list(objects: &[Value]) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string()
}

/// Runs a case, installs its policy, and asks for each decision.
fn check(cluster: &Cluster, name: &str) {
    let case = Case::load(name);
    let apply = |text: String| {
        cluster.kubectl(["apply", "--server-side", "--filename=-"]).stdin(text).run().succeeded()
    };
    let definitions = format!("--filename={}", tools::crate_dir().join("../crds").display());
    cluster.kubectl(["apply", "--server-side", &definitions]).run().succeeded();
    cluster.wait_established("--all");
    apply(list(&case.context().namespaces()));
    let written = documents(&run_case(&case).stdout);
    let (policy, others): (Vec<Value>, Vec<Value>) = written
        .into_iter()
        .partition(|object| object["kind"].as_str().unwrap().starts_with("ValidatingAdmission"));
    assert_eq!(policy.len(), 2, "a policy and its binding");
    apply(list(&policy));

    // The server checks the expressions against the definitions it has.
    let checked = cluster
        .kubectl(["get", "validatingadmissionpolicies"])
        .watch_until(Duration::from_mins(1), |policy| {
            policy.is_some_and(|policy| policy["status"]["observedGeneration"].is_number())
        });
    assert_eq!(checked["status"]["typeChecking"], json!({}), "{:#}", checked["status"]);

    let decisions = fs::read_to_string(case.folder.join("decisions.yaml")).unwrap();
    let Decisions { decisions } = serde_yaml::from_str(&decisions).unwrap();
    // A policy is in force a moment after it is stored, and nothing tells when: ask until it is.
    let denied = decisions.iter().find(|decision| !decision.allowed).unwrap();
    let in_force = (0..ATTEMPTS).any(|_| !denied.ask(cluster).status.success());
    assert!(in_force, "{denied:?} is still allowed");

    for decision in &decisions {
        let answer = decision.ask(cluster);
        assert_eq!(answer.status.success(), decision.allowed, "{decision:?}\n{answer}");
        if !decision.allowed {
            // Refused by the policy, not for another reason.
            let by = format!("ValidatingAdmissionPolicy '{}'", policy_name(&policy));
            assert!(answer.stderr.contains(&by), "{decision:?}\n{answer}");
        }
    }
    // What was converted lives with the policy.
    apply(list(&others));
}

fn policy_name(policy: &[Value]) -> &str {
    let binding = policy.iter().find(|object| object["spec"]["policyName"].is_string());
    binding.unwrap()["spec"]["policyName"].as_str().unwrap()
}

#[test]
fn annotations_stay_in_force() {
    let cluster = require!(Cluster::setup().start());
    check(&cluster, "G59b");
}

#[test]
fn enforced_annotations_stay_in_force() {
    let cluster = require!(Cluster::setup().start());
    check(&cluster, "G59c");
}

/// A case that prescribes decisions and is not checked here would prove nothing.
#[test]
fn every_case_with_decisions_is_checked() {
    let mut cases: Vec<String> = fs::read_dir(case::folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("decisions.yaml").is_file())
        .map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    cases.sort_unstable();
    assert_eq!(cases, ["G59b", "G59c"]);
}
