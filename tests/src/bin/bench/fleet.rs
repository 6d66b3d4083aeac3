//! The controller in front of a fleet: a first sync of everything, a restart, refreshes and
//! rotations.
//!
//! A real API server, the double of AWS without latency, one store with a role, ten keys.

pub(crate) mod matrix;
mod rotation;
mod seen;
mod throttled;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use extsecret_tests::api::Api;
use extsecret_tests::aws::{Aws, Role};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, PROGRAM, now};
use extsecret_tests::fleet::Fleet;
use serde_json::json;

use self::seen::Watch;
pub(crate) use self::throttled::measure as measure_throttled;

const KEYS: usize = 10;

/// How long the rate of refreshes is counted.
const STEADY: Duration = Duration::from_secs(20);

/// How long after the last write memory is looked at again: the allocator gives back what it has not
/// needed for a second.
const REST: Duration = Duration::from_secs(10);

/// Longer than External Secrets Operator takes with its defaults.
const PATIENCE: Duration = Duration::from_mins(15);

/// What was counted at one moment.
struct Count {
    at: Instant,
    requests: BTreeMap<String, u64>,
    aws: BTreeMap<String, u64>,
}

struct Bench<'a> {
    cluster: &'a Cluster,
    fleet: Fleet<'a>,
    aws: &'a Aws,
    table: String,
}

/// This program, or else the controller of the tree as it is released.
fn released(program: Option<&Path>) -> std::path::PathBuf {
    program.map_or_else(|| PROGRAM.build(&["--release"]), Path::to_path_buf)
}

/// Measures with so many objects that are refreshed every `interval`, the controller of the tree or
/// another build of it.
pub(crate) fn measure(
    objects: usize,
    interval: &str,
    program: Option<&Path>,
) -> anyhow::Result<String> {
    let program = released(program);
    let cluster = Cluster::setup().definitions().start().context("a cluster needs Go")?;
    let (api, aws) = (Api::of(&cluster), Aws::start());
    let fleet = Fleet::new(&cluster, &api);
    let arn = format!("arn:aws:iam::{}:role/reader", aws.account());
    aws.identities().add_role(Role::new(&arn).trusts_principal(aws.account()));
    for key in 0..KEYS {
        aws.secrets().put(&format!("app/{key}"), "first");
    }
    fleet.store("aws", aws.region(), &json!({ "role": arn }));
    for number in 0..objects {
        fleet.external_secret(&format!("es-{number}"), &format!("app/{}", number % KEYS), interval);
    }
    let mut bench = Bench { cluster: &cluster, fleet, aws: &aws, table: String::new() };
    writeln!(bench.table, "{objects} ExternalSecrets on {KEYS} keys, every {interval}")?;

    let watch = Watch::new(&api, &bench.fleet.ours("externalsecrets"));
    let before = bench.count();
    let controller = bench.start(&program);
    watch.wait_ready(objects, PATIENCE);
    bench.tell("first sync", before.at.elapsed(), &before, &controller)?;
    let connections = aws.counters().connections();
    writeln!(bench.table, "  connections to AWS: {connections}")?;
    drop(watch);
    if interval == "1h" {
        bench.events(objects, &controller)?;
        controller.kill();
        let before = bench.count();
        let controller = bench.start(&program);
        bench.wait_looked(&controller, objects)?;
        bench.tell("restart", before.at.elapsed(), &before, &controller)?;
        bench.rest(&controller)?;
        controller.stop();
    } else {
        bench.steady(&controller)?;
        bench.rotate(interval, &controller)?;
        controller.stop();
    }
    Ok(bench.table)
}

impl Bench<'_> {
    fn start(&self, program: &Path) -> Controller {
        Controller::setup(self.cluster)
            .program(program)
            .environment(self.aws.environment(self.aws.admin()))
            .args([format!("--controller-class={}", self.fleet.namespace)])
            .start()
    }

    fn count(&self) -> Count {
        let text = self.cluster.kubectl(["get", "--raw=/metrics"]).run().succeeded();
        let mut requests = BTreeMap::<String, u64>::new();
        let lines = text.lines().filter(|line| line.starts_with("apiserver_request_total{"));
        for line in lines {
            let label = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=\""))?;
                rest.split_once('"').map(|(value, _)| value.to_owned())
            };
            let resource = label("resource").unwrap_or_default();
            let ours = ["externalsecrets", "secretstores", "secrets", "events", "namespaces"];
            if !ours.contains(&resource.as_str()) {
                continue;
            }
            let verb = label("verb").unwrap_or_default();
            let sub = label("subresource").filter(|it| !it.is_empty());
            let name = [Some(verb), Some(resource), sub].into_iter().flatten();
            let name = name.collect::<Vec<_>>().join(" ");
            let number = line.rsplit_once(' ').and_then(|(_, number)| number.parse::<f64>().ok());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let number = number.unwrap_or_default() as u64;
            *requests.entry(name).or_default() += number;
        }
        let aws = self.aws.counters().snapshot();
        Count { at: now(), requests, aws }
    }

    fn tell(
        &mut self,
        what: &str,
        took: Duration,
        before: &Count,
        controller: &Controller,
    ) -> anyhow::Result<()> {
        let (cpu, rss) = (controller.cpu_seconds(), controller.rss_bytes());
        let after = self.count();
        let [rss, peak] = [rss, controller.peak_rss_bytes()].map(|bytes| bytes >> 20);
        let took = took.as_secs_f64();
        let table = &mut self.table;
        writeln!(table, "{what}: {took:.1} s, {cpu:.2} CPU s, {rss} MB, {peak} MB at most")?;
        writeln!(table, "  AWS: {}", difference(&before.aws, &after.aws))?;
        // The bench's own questions are among them: GET and LIST.
        writeln!(table, "  API: {}", difference(&before.requests, &after.requests))?;
        Ok(())
    }

    /// Waits until the controller has looked at everything.
    fn wait_looked(&self, controller: &Controller, objects: usize) -> anyhow::Result<()> {
        let start = now();
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        while self.fleet.looks(controller) < objects as f64 {
            ensure!(start.elapsed() < PATIENCE, "{} looks", self.fleet.looks(controller));
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// What is left when nothing happens any more.
    fn rest(&mut self, controller: &Controller) -> anyhow::Result<()> {
        std::thread::sleep(REST);
        let rss = controller.rss_bytes() >> 20;
        writeln!(self.table, "  {rss} MB after {} s of rest", REST.as_secs())?;
        Ok(())
    }

    /// What becomes of the events: one of each ExternalSecret, and one of the store.
    fn events(&mut self, objects: usize, controller: &Controller) -> anyhow::Result<()> {
        let start = now();
        let path = self.fleet.core("events?limit=1");
        let written = || {
            let list = self.fleet.api.get(&path).unwrap_or_default();
            let first = list["items"].as_array().map_or(0, Vec::len);
            let rest = list["metadata"]["remainingItemCount"].as_u64().unwrap_or_default();
            first + usize::try_from(rest).unwrap_or_default()
        };
        let dropped = || {
            let all = controller.metrics();
            all.get("extsecret_events_dropped_total").copied().unwrap_or_default()
        };
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let is_complete = || written() as f64 + dropped() > objects as f64;
        // Metrics of thousands of objects are no question for every 20 ms.
        while !is_complete() {
            ensure!(start.elapsed() < PATIENCE, "{} events", written());
            std::thread::sleep(Duration::from_millis(500));
        }
        let took = start.elapsed().as_secs_f64();
        let (written, dropped) = (written(), dropped());
        writeln!(
            self.table,
            "  events: {written} written, {dropped} dropped, the last after {took:.1} s more"
        )?;
        self.rest(controller)
    }

    /// How many refreshes there are while nothing changes, and what each costs.
    fn steady(&mut self, controller: &Controller) -> anyhow::Result<()> {
        let syncs = || -> f64 {
            let all = controller.metrics();
            let syncs =
                all.iter().filter(|(name, _)| name.starts_with("externalsecret_sync_calls_total"));
            syncs.map(|(_, number)| number).sum()
        };
        let (before, first, cpu) = (self.count(), syncs(), controller.cpu_seconds());
        let start = now();
        std::thread::sleep(STEADY);
        let number = syncs() - first;
        let rate = number / start.elapsed().as_secs_f64();
        let cpu = (controller.cpu_seconds() - cpu) / number * 1000.0;
        let after = self.count();
        let [rss, peak] =
            [controller.rss_bytes(), controller.peak_rss_bytes()].map(|bytes| bytes >> 20);
        let table = &mut self.table;
        writeln!(
            table,
            "steady: {rate:.0} refreshes a second ({number:.0}), {cpu:.2} CPU ms each, {rss} MB, {peak} MB at most"
        )?;
        writeln!(table, "  AWS: {}", difference(&before.aws, &after.aws))?;
        writeln!(table, "  API: {}", difference(&before.requests, &after.requests))?;
        Ok(())
    }
}

/// What was counted between two moments.
fn difference(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> String {
    let changes = changes(before, after).into_iter();
    changes.map(|(name, number)| format!("{number} {name}")).collect::<Vec<_>>().join(", ")
}

/// What grew between two moments, and by how much.
fn changes(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let grown = |(name, number): (&String, &u64)| {
        let number = number - before.get(name).copied().unwrap_or(0);
        (number > 0).then(|| (name.clone(), number))
    };
    after.iter().filter_map(grown).collect()
}
