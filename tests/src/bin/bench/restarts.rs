//! The controller in front of workloads that read Secrets: what they cost it at rest and in a stream of
//! changes, and how long a change of AWS takes until the last pod runs it.
//!
//! A real API server with real rollouts on fake nodes, whose pods are ready at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, PROGRAM, now, wait_until};
use extsecret_tests::fleet::Fleet;
use extsecret_tests::random::Random;
use serde_json::{Value, json};

/// Bytes of a Secret.
const SIZE: usize = 4096;
/// Secrets that change while it is counted.
const CHANGES: usize = 100;
/// Consumers of the one that all of them wait for.
const CONSUMERS: usize = 31;
/// Rotations whose way is measured, each of another secret with one workload.
const ROTATIONS: usize = 100;
/// How long they are spread over: several intervals of polling.
const SPREAD: Duration = Duration::from_secs(50);
/// Hands that make objects.
const HANDS: usize = 8;
/// Long enough for everything that a start leaves behind.
const REST: Duration = Duration::from_secs(20);
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(15);
/// Flags that hold no restart back but by the debounce.
const UNPACED: [&str; 7] = [
    "--restart-min-interval=0s",
    "--restart-max-per-hour=0",
    "--restart-max-per-minute=0",
    "--restart-concurrent=200",
    "--restart-concurrent-per-namespace=200",
    "--restart-concurrent-per-secret=200",
    "--restart-concurrent-daemonsets=200",
];

struct Bench<'a> {
    cluster: &'a Cluster,
    aws: &'a Aws,
    program: &'a Path,
    table: String,
}

/// Measures with so many Secrets and Deployments, the controller of the tree or another build of it.
pub(crate) fn measure(objects: usize, program: Option<&Path>) -> anyhow::Result<String> {
    let program = program.map_or_else(|| PROGRAM.build(&["--release"]), Path::to_path_buf);
    let cluster = Cluster::setup().definitions().start().context("a cluster needs Go")?;
    let (api, aws) = (Api::of(&cluster), Aws::start());
    let table = String::new();
    let mut bench = Bench { cluster: &cluster, aws: &aws, program: &program, table };
    bench.cost(&api, objects)?;
    bench.way(&api, "polling every 10 s", "10s", false)?;
    bench.way(&api, "by event", "1h", true)?;
    Ok(bench.table)
}

impl Bench<'_> {
    fn start(&self, namespace: &str, more: &[String]) -> Controller {
        Controller::setup(self.cluster)
            .program(self.program)
            .environment(self.aws.environment(self.aws.admin()))
            .args([
                format!("--controller-class={namespace}"),
                format!("--namespace={namespace}"),
                format!("--restart-key-namespace={namespace}"),
                "--restarts=enforce".to_owned(),
            ])
            .args(UNPACED)
            .args(more)
            .start()
    }

    /// What it costs at rest, and while Secrets change.
    fn cost(&mut self, api: &Api, objects: usize) -> anyhow::Result<()> {
        let fleet = Fleet::new(self.cluster, api);
        let names = |number: usize| format!("db-{number}");
        self.by_hands(objects, |api, number| {
            make_secret(api, &fleet, &names(number));
            make_deployment(api, &fleet, &format!("web-{number}"), &names(number), "value");
        });
        make_secret(api, &fleet, "one");
        self.by_hands(CONSUMERS, |api, number| {
            make_deployment(api, &fleet, &format!("one-{number}"), "one", "value");
        });
        let all = objects + CONSUMERS;
        wait_until(PATIENCE, "all run", || (done(&deployments(api, &fleet)) == all).then_some(()));
        let controller = self.start(&fleet.namespace, &[]);
        let noted = |it: &Value| record(it).is_some();
        wait_until(PATIENCE, "all are noted", || {
            let all_now = deployments(api, &fleet);
            (all_now.iter().filter(|it| noted(it)).count() == all).then_some(())
        });
        thread::sleep(REST);
        let idle = controller.rss_bytes();
        let (lists, cpu) = (self.lists(), controller.cpu_seconds());
        let restarted = |result: &str| {
            let name = format!(
                "extsecret_restarts_total{{kind=\"Deployment\",result=\"{result}\",reason=\"SecretChanged\"}}"
            );
            controller.metric(&name)
        };
        let begun = now();
        let changes = CHANGES.min(objects);
        self.by_hands(changes, |api, number| put(api, &fleet, &names(number), "value", "new"));
        #[expect(clippy::cast_precision_loss, reason = "hundreds")]
        let (wanted, more) = (changes as f64, CONSUMERS as f64);
        wait_until(PATIENCE, "all are restarted", || {
            (restarted("completed") >= wanted - 0.5).then_some(())
        });
        let took = begun.elapsed().as_secs_f64();
        // The bench has asked for none meanwhile.
        let (after, cpu) = (self.lists(), controller.cpu_seconds() - cpu);
        let lists: Vec<_> = after
            .iter()
            .map(|(name, number)| (name, number - lists.get(name).copied().unwrap_or(0)))
            .filter(|(_, number)| *number > 0)
            .map(|(name, number)| format!("{number} {name}"))
            .collect();
        let peak = controller.peak_rss_bytes();
        let size = SIZE / 1024;
        let table = &mut self.table;
        writeln!(table, "{objects} Secrets of {size} KiB, {all} Deployments:")?;
        writeln!(table, "  idle {} MiB, peak {} MiB", idle >> 20, peak >> 20)?;
        let lists = if lists.is_empty() { "none".to_owned() } else { lists.join(", ") };
        writeln!(table, "  {changes} changes: {took:.1} s, {cpu:.2} CPU s, LISTs: {lists}")?;
        let restarts = deployments(api, &fleet).iter().filter(|it| restarts(it) > 0).count();
        writeln!(table, "  {restarts} of them restarted")?;

        let begun = now();
        put(api, &fleet, "one", "value", "new");
        wait_until(PATIENCE, "the last begins", || {
            (restarted("started") >= wanted + more - 0.5).then_some(())
        });
        let took = begun.elapsed().as_secs_f64();
        wait_until(PATIENCE, "the last is over", || {
            (restarted("completed") >= wanted + more - 0.5).then_some(())
        });
        let over = begun.elapsed().as_secs_f64();
        writeln!(
            self.table,
            "  {CONSUMERS} consumers of one change: the last begins {:.1} s after the debounce of 10 s, and is over after {:.1} s",
            took - 10.0,
            over - 10.0
        )?;
        controller.stop();
        Ok(())
    }

    /// How long changes of AWS take until the last pod runs them, debounce and rollout included.
    fn way(&mut self, api: &Api, what: &str, interval: &str, told: bool) -> anyhow::Result<()> {
        let fleet = Fleet::new(self.cluster, api);
        fleet.store("aws", self.aws.region(), &json!({}));
        let name = |number: usize| format!("{}-{number}", fleet.namespace);
        for number in 0..ROTATIONS {
            self.aws.secrets().put(&name(number), "old");
        }
        self.by_hands(ROTATIONS, |api, number| {
            let fleet = Fleet { api, namespace: fleet.namespace.clone() };
            fleet.external_secret(&format!("db-{number}"), &name(number), interval);
        });
        let url = told.then(|| self.aws.queues().create(&fleet.namespace));
        let flags: Vec<_> = url.iter().map(|url| format!("--events-queue-url={url}")).collect();
        let controller = self.start(&fleet.namespace, &flags);
        fleet.wait_ready(ROTATIONS);
        self.by_hands(ROTATIONS, |api, number| {
            let secret = format!("db-{number}");
            make_deployment(api, &fleet, &format!("web-{number}"), &secret, "value");
        });
        wait_until(PATIENCE, "all run and are noted", || {
            let all = deployments(api, &fleet);
            let noted = all.iter().filter(|it| record(it).is_some()).count();
            (noted == ROTATIONS && done(&all) == ROTATIONS).then_some(())
        });
        if told {
            self.aws.queues().gets_native_events(&fleet.namespace);
        }
        let mut random = Random::new(8);
        let spread = usize::try_from(SPREAD.as_millis())?;
        let mut moments: Vec<_> = (0..ROTATIONS).map(|_| random.below(spread) as u64).collect();
        moments.sort_unstable();
        let begun = now();
        let mut rotated = BTreeMap::<String, Instant>::new();
        let mut delays = Vec::new();
        let mut moments = moments.into_iter().enumerate().peekable();
        let mut over = BTreeSet::new();
        wait_until(PATIENCE, "all run the new value", || {
            let is_due = |(_, at): &(usize, u64)| begun.elapsed().as_millis() >= u128::from(*at);
            while let Some((number, _)) = moments.next_if(is_due) {
                self.aws.secrets().put(&name(number), "new");
                rotated.insert(format!("web-{number}"), now());
            }
            for it in deployments(api, &fleet).iter().filter(|it| restarts(it) > 0 && is_done(it)) {
                let name = it["metadata"]["name"].as_str().unwrap_or_default();
                if let Some(begun) = rotated.get(name).filter(|_| over.insert(name.to_owned())) {
                    delays.push(begun.elapsed().as_secs_f64());
                }
            }
            (delays.len() == ROTATIONS).then_some(())
        });
        delays.sort_by(f64::total_cmp);
        let part = |share: usize| delays.get(delays.len() * share / 100).copied().unwrap_or(0.0);
        let (half, most) = (part(50), part(99));
        writeln!(
            self.table,
            "change in AWS to the last pod that runs it, {what}: p50 {half:.1} s, p99 {most:.1} s"
        )?;
        controller.stop();
        Ok(())
    }

    fn by_hands(&self, count: usize, make: impl Fn(&Api, usize) + Sync) {
        thread::scope(|scope| {
            for hand in 0..HANDS {
                let make = &make;
                scope.spawn(move || {
                    let api = Api::of(self.cluster);
                    (hand..count).step_by(HANDS).for_each(|number| make(&api, number));
                });
            }
        });
    }

    /// LISTs that the API server has answered of what restarts are about, whoever asked.
    fn lists(&self) -> BTreeMap<String, u64> {
        const RESOURCES: [&str; 9] = [
            "secrets",
            "deployments",
            "statefulsets",
            "daemonsets",
            "jobs",
            "cronjobs",
            "pods",
            "namespaces",
            "externalsecrets",
        ];
        let text = self.cluster.kubectl(["get", "--raw=/metrics"]).run().succeeded();
        let mut lists = BTreeMap::<String, u64>::new();
        for line in text.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
            let label = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=\""))?;
                rest.split_once('"').map(|(value, _)| value)
            };
            let resource = label("resource").unwrap_or_default();
            if label("verb") != Some("LIST") || !RESOURCES.contains(&resource) {
                continue;
            }
            let number = line.rsplit_once(' ').and_then(|(_, number)| number.parse::<u64>().ok());
            *lists.entry(resource.to_owned()).or_default() += number.unwrap_or_default();
        }
        lists
    }
}

fn make_secret(api: &Api, fleet: &Fleet<'_>, name: &str) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": name, "labels": { "reconcile.external-secrets.io/managed": "true" },
        },
        "data": {
            "value": STANDARD.encode("old"),
            "rest": STANDARD.encode("x".repeat(SIZE)),
        },
    });
    api.create(&fleet.core("secrets"), &secret);
}

fn put(api: &Api, fleet: &Fleet<'_>, name: &str, key: &str, value: &str) {
    let change = json!({ "data": { key: STANDARD.encode(value) } });
    api.patch(&fleet.core(&format!("secrets/{name}")), &change);
}

fn apps(fleet: &Fleet<'_>) -> String {
    format!("apis/apps/v1/namespaces/{}/deployments", fleet.namespace)
}

fn make_deployment(api: &Api, fleet: &Fleet<'_>, name: &str, secret: &str, key: &str) {
    let env = json!([{ "name": "A",
        "valueFrom": { "secretKeyRef": { "name": secret, "key": key } } }]);
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "annotations": { "extsecret.io/restart": "auto" } },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "app", "image": "app", "env": env }] },
            },
        },
    });
    api.create(&apps(fleet), &object);
}

fn deployments(api: &Api, fleet: &Fleet<'_>) -> Vec<Value> {
    api.list(&apps(fleet))
}

fn record(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"]["extsecret.io/restart-record"].as_str()
}

/// How often it was rolled out after it was made.
fn restarts(object: &Value) -> i64 {
    let revision = &object["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
    revision.as_str().and_then(|text| text.parse::<i64>().ok()).unwrap_or(1) - 1
}

fn done(all: &[Value]) -> usize {
    all.iter().filter(|it| is_done(it)).count()
}

fn is_done(object: &Value) -> bool {
    let status = &object["status"];
    status["observedGeneration"] == object["metadata"]["generation"]
        && ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|it| status[it] == 1)
}
