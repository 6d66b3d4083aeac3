//! Every verb in every kind of cluster: it ends with the code that this table says, tells something, and
//! never a value; what goes wrong is told with the object, the cause and the next step. The snapshots are
//! the screens.
//!
//! What is held elsewhere: that an API server which does not answer is an error within five seconds
//! (`cluster_lifecycle`, `broken`), what each verb does for who may read only a part (`broken`, `freeze`,
//! `history`, `rollback`), which request meets an object that is gone (`meanwhile`), how long ten thousand
//! objects take (`bench`, `many`), and the verbs of `migrate` (`migrate_live`). `explain`, `version` and
//! `completion` ask no cluster.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::kubectl::Finished;
use extsecret_tests::{fleet, require};
use regex::Regex;
use serde_json::{Value, json};

use crate::doctor::{ESO, both_apis, deploy, store};
use crate::meanwhile::Meddler;
use crate::outputs::steady;
use crate::restarts::{wait_running, workload};
use crate::{PASSWORD, PASSWORD_IN_BASE64, call, external_secret, spec, synced};

/// Where `store` has its secrets.
const REGION: &str = "eu-west-1";

const CONTROLLER: &str = "registry.test/extsecret-controller:v1";

/// A verb as it is typed, what is deleted after its first question, and how it ends: where all is well,
/// without rights, without definitions, with a store that is not there, with a controller that is dead,
/// among ten thousand objects, and when the object is deleted meanwhile.
struct Row {
    args: &'static str,
    object: &'static str,
    ends: [i32; 7],
}

const WELL: usize = 0;
const NO_RIGHTS: usize = 1;
const NO_DEFINITIONS: usize = 2;
const NO_STORE: usize = 3;
const DEAD: usize = 4;
const MANY: usize = 5;
const GONE: usize = 6;

const EXTERNAL_SECRET: &str = "apis/external-secrets.io/v1/namespaces/NS/externalsecrets/db";
const SECRET: &str = "api/v1/namespaces/NS/secrets/db";
const DEPLOYMENT: &str = "apis/apps/v1/namespaces/NS/deployments/web";

const fn row(args: &'static str, object: &'static str, ends: [i32; 7]) -> Row {
    Row { args, object, ends }
}

const ROWS: &[Row] = &[
    row("status", EXTERNAL_SECRET, [0, 2, 2, 0, 0, 0, 0]),
    row("status db", EXTERNAL_SECRET, [0, 0, 0, 0, 0, 0, 0]),
    row("status db --exit-code", EXTERNAL_SECRET, [0, 1, 1, 1, 0, 0, 0]),
    row("refresh db", EXTERNAL_SECRET, [0, 2, 2, 0, 0, 0, 1]),
    row("refresh db --wait --timeout 1s", EXTERNAL_SECRET, [124, 2, 2, 124, 124, 124, 1]),
    row("consumers db", SECRET, [0, 2, 0, 0, 0, 0, 0]),
    row("stale", SECRET, [0, 2, 0, 0, 0, 0, 0]),
    row("why deployment/web", DEPLOYMENT, [0, 2, 0, 0, 0, 0, 0]),
    row("restart deployment/web --dry-run=server", DEPLOYMENT, [0, 1, 0, 0, 0, 0, 1]),
    row("restart --secret db --dry-run=server", DEPLOYMENT, [0, 2, 0, 0, 0, 0, 1]),
    row("history deployment/web", DEPLOYMENT, [0, 2, 0, 0, 0, 0, 2]),
    row("history secret/db", SECRET, [0, 2, 0, 0, 0, 0, 0]),
    row("freeze deployment/web --dry-run=server", DEPLOYMENT, [0, 1, 0, 0, 0, 0, 1]),
    row("unfreeze externalsecret/db", EXTERNAL_SECRET, [0, 1, 1, 0, 0, 0, 1]),
    row("rollback db --dry-run", EXTERNAL_SECRET, [0, 2, 2, 2, 0, 0, 0]),
    row("render db", EXTERNAL_SECRET, [0, 2, 2, 1, 0, 0, 0]),
    row("validate", EXTERNAL_SECRET, [0, 2, 2, 1, 0, 0, 0]),
    row("scaffold es new --store main --from-secret db", SECRET, [0, 2, 0, 0, 0, 0, 0]),
    row(
        "scaffold es --store main --from-workload deployment/web",
        DEPLOYMENT,
        [2, 2, 0, 2, 2, 2, 2],
    ),
    row("iam -o json", EXTERNAL_SECRET, [0, 2, 2, 1, 0, 0, 0]),
    row("doctor", EXTERNAL_SECRET, [0, 0, 1, 1, 1, 1, 1]),
];

/// An ExternalSecret `db` that is synced, its Secret and a workload that reads it; with its store, unless
/// that is what is missing.
fn scene(api: &Api, namespace: &str, has_store: bool, definitions: bool, pods: u32) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "db", "labels": { "reconcile.external-secrets.io/managed": "true" } },
        "data": { "password": PASSWORD_IN_BASE64 },
    });
    api.create(&format!("api/v1/namespaces/{namespace}/secrets"), &secret);
    let mut web = workload("Deployment", "web", "db", &json!({ "/spec/replicas": pods }));
    web["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web");
    api.create(&format!("apis/apps/v1/namespaces/{namespace}/deployments"), &web);
    if !definitions {
        return;
    }
    let status = if has_store {
        synced("True", "SecretSynced", "secret synced", 60)
    } else {
        synced("False", "SecretSyncedError", "could not get SecretStore \"main\"", 60)
    };
    external_secret(api, namespace, "db", &spec(), &status);
    if has_store {
        store(api, namespace, "main", "True", "store validated");
    }
}

fn environment(aws: &Aws) -> BTreeMap<&'static str, String> {
    aws.environment(aws.admin())
}

/// A command, with AWS at hand.
fn typed(cluster: &Cluster, aws: &Aws, namespace: &str, args: &str) -> Finished {
    let mut call = call(cluster, args).namespace(namespace);
    for (name, value) in environment(aws) {
        call = call.env(name, value);
    }
    call.run()
}

/// What varies besides what [`steady`] knows: numbered namespaces, and hashes of ids.
static VARIES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let all = [
        (r"\bt-[a-z-]+-\d+\b", "[namespace]"),
        (r#"\"?\b[0-9a-f]{56}\b\"?"#, "[hash]"),
        (r"hash [0-9a-f]{8}\b", "hash [hash]"),
        (r"\b\d{19}\b", "[time]"),
        (r"started \d+ times", "started [some] times"),
        // Columns are as wide as ages are long.
        (r" {2,}", "  "),
    ];
    all.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into()
});

/// What holds in every cell. Returns the screen for the snapshot, or what is wrong.
fn judge(row: &Row, column: usize, namespace: &str, ran: &Finished) -> Result<String, String> {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let code = ran.status.code().unwrap_or(-1);
    let mut wrong = Vec::new();
    if code != row.ends[column] {
        wrong.push(format!("ends with {code} instead of {}", row.ends[column]));
    }
    if said.trim().is_empty() {
        wrong.push("says nothing".to_owned());
    }
    if said.contains("panicked") || said.contains("hit a bug") {
        wrong.push("has a bug".to_owned());
    }
    if [PASSWORD, PASSWORD_IN_BASE64].iter().any(|value| said.contains(value)) {
        wrong.push("shows a value".to_owned());
    }
    // What could not be done names an object or a kind, and says more than that.
    let names = ["db", "web", namespace, ".io", "deployments", "secrets"];
    if code == 2 && !names.iter().any(|name| ran.stderr.contains(name)) {
        wrong.push("names no object".to_owned());
    }
    let steps = ["kubectl", "--", "-n ", "are the CRDs", "AWS_PROFILE"];
    if code == 2 && !steps.iter().any(|step| ran.stderr.contains(step)) {
        wrong.push("says no next step".to_owned());
    }
    let screen = format!(
        "$ kubectl extsecret {}\n{}(exit code {code})\n\n",
        row.args,
        VARIES.iter().fold(steady(&said), |text, (pattern, name)| {
            pattern.replace_all(&text, *name).into_owned()
        })
    );
    if wrong.is_empty() {
        return Ok(screen);
    }
    Err(format!("{}: {}\n{screen}", row.args, wrong.join(", ")))
}

/// Columns that have been run: their names, their screens and what is wrong.
#[derive(Default)]
struct Columns {
    screens: Vec<(&'static str, String)>,
    wrong: String,
}

impl Columns {
    /// Runs every verb.
    fn run(&mut self, name: &'static str, column: usize, run: impl Fn(&Row) -> (String, Finished)) {
        let mut screens = String::new();
        for row in ROWS {
            let (namespace, ran) = run(row);
            match judge(row, column, &namespace, &ran) {
                // How many objects there are by then, no row knows.
                Ok(_) if column == GONE && row.args == "doctor" => {}
                Ok(screen) => screens.push_str(&screen),
                Err(why) => {
                    let _ = writeln!(self.wrong, "{name}: {why}");
                }
            }
        }
        self.screens.push((name, screens));
    }

    /// Tells all cells at once that are not as they should be.
    #[track_caller]
    fn end(self) {
        assert!(self.wrong.is_empty(), "\n{}", self.wrong);
        for (name, screens) in self.screens {
            insta::assert_snapshot!(name, screens);
        }
    }
}

fn aws() -> Aws {
    let aws = Aws::start();
    for value in [PASSWORD, "newer"] {
        aws.secrets().in_region(REGION).put("app/db", value);
    }
    aws
}

#[test]
fn every_verb_in_every_cluster_with_definitions() {
    let cluster = require!(both_apis());
    let api = Arc::new(Api::of(&cluster));
    let aws = aws();
    let namespace = |has_store: bool| {
        let namespace = cluster.fresh_namespace();
        scene(&api, &namespace, has_store, true, 1);
        wait_running(&api, &namespace, 1);
        namespace
    };
    let here = |namespace: &str, args: &str| {
        (namespace.to_owned(), typed(&cluster, &aws, namespace, args))
    };
    let mut columns = Columns::default();
    let well = namespace(true);
    deploy(&api, &well, "eso", ESO, &[], &Value::Null);
    columns.run("well", WELL, |row| here(&well, row.args));
    columns.run("no_rights", NO_RIGHTS, |row| here(&well, &format!("{} --as nobody", row.args)));
    let lost = namespace(false);
    columns.run("no_store", NO_STORE, |row| here(&lost, row.args));
    // From here on the only controller is one that has died.
    api.delete(&format!("apis/apps/v1/namespaces/{well}/deployments/eso"));
    let dead = namespace(true);
    let crash = json!({ "extsecret.test/crash": "true" });
    let own = format!("--namespace={dead}");
    deploy(&api, &dead, "ours", CONTROLLER, &["--restarts=enforce", &own], &crash);
    columns.run("dead", DEAD, |row| here(&dead, row.args));
    api.delete(&format!("apis/apps/v1/namespaces/{dead}/deployments/ours"));
    columns.run("gone", GONE, |row| {
        let namespace = cluster.fresh_namespace();
        scene(&api, &namespace, true, true, 0);
        let path = row.object.replace("NS", &namespace);
        let meddler = Meddler::after_the_first(&api, path);
        let mut call = call(&cluster, row.args).args(["--server", meddler.server()]);
        for (name, value) in environment(&aws) {
            call = call.env(name, value);
        }
        let ran = call.namespace(&namespace).run();
        (namespace, ran)
    });
    columns.end();
}

#[test]
fn every_verb_in_a_cluster_without_definitions() {
    let cluster = require!(Cluster::setup().start());
    let api = Api::of(&cluster);
    let aws = aws();
    let namespace = cluster.fresh_namespace();
    scene(&api, &namespace, false, false, 1);
    wait_running(&api, &namespace, 1);
    let mut columns = Columns::default();
    columns.run("no_definitions", NO_DEFINITIONS, |row| {
        (namespace.clone(), typed(&cluster, &aws, &namespace, row.args))
    });
    columns.end();
}

#[test]
fn every_verb_among_ten_thousand_objects() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let aws = aws();
    let namespace = cluster.fresh_namespace();
    fleet::fill(&cluster, &namespace, 10_000);
    scene(&api, &namespace, true, true, 1);
    wait_running(&api, &namespace, 1);
    let mut columns = Columns::default();
    columns
        .run("many", MANY, |row| (namespace.clone(), typed(&cluster, &aws, &namespace, row.args)));
    // Ten thousand lines are no screen.
    columns.screens.clear();
    columns.end();
}
