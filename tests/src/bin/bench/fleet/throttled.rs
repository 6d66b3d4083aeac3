//! A fleet of different keys in front of an AWS that allows 20 calls a second.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use extsecret_tests::api::Api;
use extsecret_tests::aws::{Aws, Permissions, Role};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, now};
use extsecret_tests::fleet::Fleet;
use serde_json::json;

use super::seen::Watch;
use super::{PATIENCE, released};

/// Calls a second that are allowed, and at once after a rest.
const ALLOWED: u32 = 20;

/// What is limited, together.
const READS: [&str; 2] = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"];

/// Measures with a role that may read many values with one call, and with one that may not.
pub(crate) fn measure(objects: usize, program: Option<&Path>) -> anyhow::Result<String> {
    let program = released(program);
    let cluster = Cluster::setup().definitions().start().context("a cluster needs Go")?;
    let api = Api::of(&cluster);
    let mut table = String::new();
    writeln!(table, "{objects} ExternalSecrets on as many keys, {ALLOWED} reads a second allowed")?;
    for (what, may) in [
        ("with batches", Permissions::Everything),
        ("one by one", Permissions::allow(&["secretsmanager:GetSecretValue"], &["*"])),
    ] {
        let (aws, fleet) = (Aws::start(), Fleet::new(&cluster, &api));
        let arn = format!("arn:aws:iam::{}:role/reader", aws.account());
        aws.identities().add_role(Role::new(&arn).may(may).trusts_principal(aws.account()));
        aws.throttle().limit(&READS, ALLOWED, ALLOWED);
        fleet.store("aws", aws.region(), &json!({ "role": arn }));
        for number in 0..objects {
            let key = format!("app/{number}");
            aws.secrets().put(&key, "a value");
            fleet.external_secret(&format!("es-{number}"), &key, "1h");
        }
        let watch = Watch::new(&api, &fleet.ours("externalsecrets"));
        let start = now();
        let controller = Controller::setup(&cluster)
            .program(&program)
            .environment(aws.environment(aws.admin()))
            .args([format!("--controller-class={}", fleet.namespace)])
            .start();
        watch.wait_ready(objects, PATIENCE);
        let took = start.elapsed().as_secs_f64();
        let outcomes = aws.counters().all_outcomes();
        let reads = READS.iter().filter_map(|read| Some((*read, outcomes.get(*read)?)));
        let reads: Vec<_> = reads.map(|(read, all)| format!("{read} {all:?}")).collect();
        writeln!(table, "{what}: all ready after {took:.1} s; {}", reads.join(", "))?;
        controller.stop();
    }
    Ok(table)
}
