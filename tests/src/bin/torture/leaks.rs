//! Objects, keys and values come and go for a long time, and a controller must not keep anything of them.
//!
//! Names are never used again, so that whatever is kept by name and not let go is seen. Memory and open
//! descriptors are looked at once all is warm: neither may grow.

use std::thread;
use std::time::Duration;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::Aws;
use extsecret_tests::controller::Controller;
use extsecret_tests::fleet::ready;
use extsecret_tests::random::Random;
use serde_json::{Value, json};

use crate::say;
use crate::stage::Place;
use crate::watch::begin;

/// ExternalSecrets that are there at a time.
const POPULATION: usize = 40;

/// Between two operations: some for each second, so that all of them are worked on before the next.
const PACE: Duration = Duration::from_millis(200);

/// Between two looks.
const EACH: Duration = Duration::from_secs(10);

/// How many looks there are for each that is told.
const TOLD: usize = 30;

/// The part of the time after which caches, connections and the allocator's pools are as large as they get.
const WARM: u32 = 5;

/// How much the memory may grow by in all: what an allocator keeps in pieces differs by some megabytes from
/// one moment to the next, and two kilobytes kept of each object of an hour are more than this.
const SLACK_BYTES: f64 = 8.0 * 1024.0 * 1024.0;

/// How many descriptors more there may be: connections come and go.
const SLACK_DESCRIPTORS: f64 = 8.0;

const QUEUE: &str = "changes";

/// How long the last objects may take to be ready.
const END: Duration = Duration::from_mins(2);

/// What was seen at a moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    seconds: f64,
    bytes: f64,
    descriptors: f64,
}

/// By how much something grows from the first to the last look, by the line that fits all of them best.
fn growth(points: &[(f64, f64)]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1));
    let above: f64 = points.iter().map(|it| (it.0 - x) * (it.1 - y)).sum();
    let below: f64 = points.iter().map(|it| (it.0 - x).powi(2)).sum();
    match (points.first(), points.last()) {
        (Some(first), Some(last)) if below > 0.0 => above / below * (last.0 - first.0),
        _ => 0.0,
    }
}

/// Churns for so long, and says what it led to: the summary, and whether all is well.
pub(crate) fn churn(place: &Place<'_>, minutes: u64) -> anyhow::Result<(Value, bool)> {
    let aws = Aws::start();
    let url = aws.queues().create(QUEUE);
    aws.queues().gets_native_events(QUEUE);
    let namespace = place.cluster.fresh_namespace();
    let mut churn = Churn {
        api: place.api,
        aws: &aws,
        namespace: &namespace,
        random: Random::new(minutes),
        first: 0,
        next: 0,
        operations: 0,
    };
    churn.furnish();
    let setup = Controller::setup(place.cluster);
    let setup = match place.program {
        Some(program) => setup.program(program),
        None => setup,
    };
    let controller = setup
        .environment(aws.environment(aws.admin()))
        .args([
            format!("--controller-class={namespace}"),
            format!("--namespace={namespace}"),
            format!("--restart-key-namespace={namespace}"),
            format!("--events-queue-url={url}"),
        ])
        .args(["--restarts=enforce", "--restart-debounce=1s", "--restart-min-interval=0s"])
        .start();
    let begun = begin();
    let ends = begun + Duration::from_mins(minutes);
    let warm = Duration::from_mins(minutes) / WARM;
    let mut samples = Vec::new();
    let mut look = begun;
    while begin() < ends {
        churn.step();
        if begin() >= look {
            look += EACH;
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let sample = Sample {
                seconds: begun.elapsed().as_secs_f64(),
                bytes: controller.rss_bytes() as f64,
                descriptors: controller.descriptors() as f64,
            };
            if samples.len().is_multiple_of(TOLD) {
                say(&format!("{sample:.0?}, {} objects so far", churn.next))?;
            }
            samples.push(sample);
        }
        thread::sleep(PACE);
    }
    let is_alive = churn.all_ready();
    let (objects, operations) = (churn.next, churn.operations);
    controller.stop();
    samples.retain(|it| it.seconds >= warm.as_secs_f64());
    let of = |value: fn(&Sample) -> f64| {
        let points: Vec<_> = samples.iter().map(|it| (it.seconds, value(it))).collect();
        (points.first().map(|it| it.1), points.last().map(|it| it.1), growth(&points))
    };
    let (bytes, descriptors) = (of(|it| it.bytes), of(|it| it.descriptors));
    let is_well = is_alive
        && bytes.2 <= SLACK_BYTES
        && descriptors.2 <= SLACK_DESCRIPTORS
        && samples.len() > 2;
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let summary = json!({
        "minutes": minutes, "operations": operations, "objects": objects, "samples": samples.len(),
        "rss": { "first": bytes.0, "last": bytes.1, "growth": bytes.2.round(), "slack": SLACK_BYTES,
            "per_object": (bytes.2 / objects as f64).round() },
        "descriptors": { "first": descriptors.0, "last": descriptors.1, "growth": descriptors.2,
            "slack": SLACK_DESCRIPTORS },
        "all_ready_at_the_end": is_alive, "is_well": is_well,
    });
    Ok((summary, is_well))
}

struct Churn<'a> {
    api: &'a Api,
    aws: &'a Aws,
    namespace: &'a str,
    random: Random,
    /// The oldest object that is there, and the next one to come.
    first: usize,
    next: usize,
    operations: usize,
}

impl Churn<'_> {
    fn ours(&self, path: &str) -> String {
        format!("{EXTERNAL_SECRETS}/namespaces/{}/{path}", self.namespace)
    }

    fn deployments(&self) -> String {
        format!("apis/apps/v1/namespaces/{}/deployments", self.namespace)
    }

    fn furnish(&self) {
        for service in ["SecretsManager", "ParameterStore"] {
            let store = json!({
                "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": { "name": service.to_lowercase() },
                "spec": { "controller": self.namespace, "provider": { "aws": {
                    "service": service, "region": self.aws.region() } } },
            });
            self.api.create(&self.ours("secretstores"), &store);
        }
    }

    /// One operation.
    fn step(&mut self) {
        self.operations += 1;
        let there = self.next - self.first;
        match self.random.below(10) {
            0..3 if there >= POPULATION / 2 => self.delete(),
            0..5 if there < POPULATION => self.create(),
            5..8 if there > 0 => {
                let number = self.first + self.random.below(there);
                self.put(number);
            }
            8 if there > 0 => {
                let number = self.first + self.random.below(there);
                let path = self.ours(&format!("externalsecrets/churn-{number}"));
                let note = format!("note-{}", self.operations);
                let change = json!({ "metadata": { "annotations": { note: "x" } } });
                self.api.ask("PATCH", &path, Some(&change), "application/merge-patch+json");
            }
            _ if there > 0 => {
                let number = self.first + self.random.below(there);
                let path = format!("api/v1/namespaces/{}/secrets/churn-{number}", self.namespace);
                self.api.ask("DELETE", &path, None, "");
            }
            _ => self.create(),
        }
    }

    /// Another value under keys that nobody has seen before.
    fn put(&self, number: usize) {
        let moment = self.operations;
        let value =
            json!({ "password": format!("p-{moment}"), format!("key-{moment}"): "v".repeat(512) });
        let name = format!("/churn/{number}");
        if number.is_multiple_of(2) {
            self.aws.secrets().put(&name, &value.to_string());
        } else {
            self.aws.parameters().put(&name, &value.to_string());
        }
    }

    fn create(&mut self) {
        let number = self.next;
        self.next += 1;
        self.put(number);
        let store = if number.is_multiple_of(2) { "secretsmanager" } else { "parameterstore" };
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": format!("churn-{number}") },
            "spec": {
                "refreshInterval": if number.is_multiple_of(3) { "1h" } else { "5s" },
                "secretStoreRef": { "name": store },
                "dataFrom": [{ "extract": { "key": format!("/churn/{number}") } }],
            },
        });
        self.api.create(&self.ours("externalsecrets"), &object);
        if number.is_multiple_of(5) {
            let labels = json!({ "app": format!("churn-{number}") });
            let container = json!({ "name": "app", "image": "app", "envFrom": [
                { "secretRef": { "name": format!("churn-{number}"), "optional": true } }] });
            let object = json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": { "name": format!("churn-{number}"),
                    "annotations": { "extsecret.io/restart": "auto" } },
                "spec": { "replicas": 1, "selector": { "matchLabels": labels },
                    "template": { "metadata": { "labels": labels },
                        "spec": { "containers": [container] } } },
            });
            self.api.create(&self.deployments(), &object);
        }
    }

    fn delete(&mut self) {
        let number = self.first;
        self.first += 1;
        let options = json!({ "propagationPolicy": "Background" });
        let object = self.ours(&format!("externalsecrets/churn-{number}"));
        self.api.ask("DELETE", &object, Some(&options), "application/json");
        if number.is_multiple_of(5) {
            let workload = format!("{}/churn-{number}", self.deployments());
            self.api.ask("DELETE", &workload, Some(&options), "application/json");
        }
        let name = format!("/churn/{number}");
        if number.is_multiple_of(2) {
            self.aws.secrets().delete(&name);
        } else {
            self.aws.parameters().delete(&name);
        }
    }

    /// Whether the controller still does its work.
    fn all_ready(&self) -> bool {
        let ends = begin() + END;
        loop {
            let all = self.api.list(&self.ours("externalsecrets"));
            let is_ready = |it: &Value| ready(it).is_some_and(|it| it["status"] == "True");
            if all.len() == self.next - self.first && all.iter().all(is_ready) {
                return true;
            }
            if begin() > ends {
                return false;
            }
            thread::sleep(PACE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..100).map(|it| f64::from(it) * 10.0).map(|x| (x, value(x))).collect()
    }

    #[test]
    fn growth_is_that_of_the_line_through_all_points() {
        assert!(growth(&points(|_| 5.0)).abs() < 1e-9);
        assert!((growth(&points(|x| 3.0 + x / 2.0)) - 495.0).abs() < 1e-6);
        assert!((growth(&points(|x| -x)) + 990.0).abs() < 1e-6);
        // One jump at the end is no growth of its own size.
        assert!(growth(&points(|x| if x < 989.0 { 0.0 } else { 100.0 })) < 10.0);
        assert!(growth(&[]).abs() < 1e-9);
        assert!(growth(&[(1.0, 2.0)]).abs() < 1e-9);
    }
}
