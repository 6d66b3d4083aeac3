//! The controller in front of a fleet: a first sync of everything, a restart, and rotations.
//!
//! A real API server, the double of AWS without latency, one store with a role, ten keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use extsecret_tests::api::Api;
use extsecret_tests::aws::{Aws, Role};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, PROGRAM, wait_until};
use extsecret_tests::fleet::Fleet;
use serde_json::json;

const KEYS: usize = 10;

/// How often a key is rotated.
const ROTATIONS: usize = 20;

/// How long the rate of refreshes is counted.
const STEADY: Duration = Duration::from_secs(20);

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

/// Measures with so many objects that are refreshed every `interval`, the controller of the tree or
/// another build of it.
pub(crate) fn measure(
    objects: usize,
    interval: &str,
    program: Option<&Path>,
) -> anyhow::Result<String> {
    let program = program.map_or_else(|| PROGRAM.build(&["--release"]), Path::to_path_buf);
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

    let before = bench.count();
    let controller = bench.start(&program);
    wait_until(PATIENCE, "all Secrets", || (bench.secrets() >= objects).then_some(()));
    wait_until(PATIENCE, "all are ready", || (bench.fleet.count_ready() == objects).then_some(()));
    bench.tell("first sync", &before, &controller)?;
    let connections = aws.counters().connections();
    writeln!(bench.table, "  connections to AWS: {connections}")?;
    if interval == "1h" {
        controller.kill();
        let before = bench.count();
        let controller = bench.start(&program);
        bench.fleet.wait_looked(&controller, objects);
        bench.tell("restart", &before, &controller)?;
        controller.stop();
    } else {
        bench.rotate(&controller)?;
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

    /// How many Secrets there are, without reading them.
    fn secrets(&self) -> usize {
        let list = self.fleet.api.get(&self.fleet.core("secrets?limit=1")).unwrap_or_default();
        let first = list["items"].as_array().map_or(0, Vec::len);
        let rest = list["metadata"]["remainingItemCount"].as_u64().unwrap_or_default();
        first + usize::try_from(rest).unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "this program exists to read the clock")]
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
        Count { at: Instant::now(), requests, aws }
    }

    fn tell(&mut self, what: &str, before: &Count, controller: &Controller) -> anyhow::Result<()> {
        let took = before.at.elapsed();
        let (cpu, rss) = (controller.cpu_seconds(), controller.rss_bytes());
        let after = self.count();
        let difference = |before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>| {
            let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            let of = |map: &BTreeMap<String, u64>, name: &str| map.get(name).copied().unwrap_or(0);
            let pairs = names.into_iter().map(|name| (name, of(after, name) - of(before, name)));
            let pairs = pairs.filter(|(_, number)| *number > 0);
            pairs.map(|(name, number)| format!("{number} {name}")).collect::<Vec<_>>().join(", ")
        };
        let megabytes = rss / (1 << 20);
        let table = &mut self.table;
        writeln!(table, "{what}: {:.1} s, {cpu:.2} CPU s, {megabytes} MB", took.as_secs_f64())?;
        writeln!(table, "  AWS: {}", difference(&before.aws, &after.aws))?;
        // The bench's own questions are among them: GET and LIST.
        writeln!(table, "  API: {}", difference(&before.requests, &after.requests))?;
        Ok(())
    }

    /// How long a rotation takes to arrive, and how many refreshes there are meanwhile.
    #[expect(clippy::disallowed_methods, reason = "this program exists to read the clock")]
    fn rotate(&mut self, controller: &Controller) -> anyhow::Result<()> {
        let syncs = || -> f64 {
            let all = controller.metrics();
            let syncs =
                all.iter().filter(|(name, _)| name.starts_with("externalsecret_sync_calls_total"));
            syncs.map(|(_, number)| number).sum()
        };
        let (start, first) = (Instant::now(), syncs());
        std::thread::sleep(STEADY);
        let rate = (syncs() - first) / start.elapsed().as_secs_f64();
        let mut latencies = Vec::new();
        for round in 0..ROTATIONS {
            let key = round % KEYS;
            let value = format!("round-{round}");
            let encoded = {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD.encode(&value)
            };
            let begun = Instant::now();
            self.aws.secrets().put(&format!("app/{key}"), &value);
            let mut seen = BTreeSet::new();
            wait_until(PATIENCE, "the new value", || {
                let values = self.fleet.values();
                let wanted = values.keys().filter(|name| name.ends_with(&key.to_string())).count();
                for (name, _) in values.into_iter().filter(|(_, value)| *value == encoded) {
                    if seen.insert(name) {
                        latencies.push(begun.elapsed().as_secs_f64());
                    }
                }
                (seen.len() == wanted).then_some(())
            });
        }
        latencies.sort_by(f64::total_cmp);
        let part =
            |share: usize| latencies.get(latencies.len() * share / 100).copied().unwrap_or(0.0);
        let megabytes = controller.rss_bytes() / (1 << 20);
        let (half, most) = (part(50), part(99));
        let table = &mut self.table;
        writeln!(table, "steady: {rate:.0} refreshes a second, {megabytes} MB")?;
        writeln!(table, "rotation to Secret: p50 {half:.1} s, p99 {most:.1} s")?;
        Ok(())
    }
}
