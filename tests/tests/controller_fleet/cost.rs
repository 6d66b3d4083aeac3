//! What a fleet costs: calls, connections, writes.

use extsecret_tests::aws::{Aws, Permissions, Role};
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::require;
use serde_json::json;

const KEYS: usize = 10;
const FLEET: usize = 1_000;

/// What reads values.
const READS: [&str; 2] = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"];

fn reads(aws: &Aws) -> u64 {
    READS.iter().map(|operation| aws.counters().calls(operation)).sum()
}

#[test]
fn a_thousand_on_ten_keys_cost_ten_reads_and_a_restart_costs_none() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    let arn = format!("arn:aws:iam::{}:role/reader", aws.account());
    aws.identities().add_role(Role::new(&arn).trusts_principal(aws.account()));
    for key in 0..KEYS {
        aws.secrets().put(&format!("app/{key}"), "one");
    }
    fleet.store("aws", aws.region(), &json!({ "role": arn }));
    for number in 0..FLEET {
        fleet.external_secret(&format!("es-{number}"), &format!("app/{}", number % KEYS), "1h");
    }

    let controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(FLEET);
    assert!(reads(&aws) <= KEYS as u64, "{:?}", aws.counters().snapshot());
    assert_eq!(aws.counters().calls("sts:AssumeRole"), 1);
    let connections = aws.counters().connections();
    assert!(connections <= 16, "{connections} connections");
    let values = fleet.values();
    assert_eq!(values.len(), FLEET);
    assert!(values.values().all(|value| value == "b25l"));
    let saved = || controller.metric("extsecret_provider_calls_saved_total");
    wait_until(SOON, "most calls are saved", || (saved() >= 900.0).then_some(()));

    let before = fleet.versions();
    controller.kill();
    aws.counters().reset();
    let controller = fleet.controller(cluster, &aws);
    fleet.wait_looked(&controller, FLEET);
    controller.stop();
    assert_eq!(reads(&aws), 0);
    assert_eq!(fleet.versions(), before);
}

#[test]
fn who_shares_an_answer_shares_those_of_later_rounds() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    aws.secrets().put("app", "one");
    fleet.store("aws", aws.region(), &json!({}));
    // To write so many takes longer than the tenth of the interval that an answer is shared for.
    for number in 0..200 {
        fleet.external_secret(&format!("es-{number}"), "app", "2s");
    }
    let controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(200);
    let first = reads(&aws);
    let rounds = || {
        let series = controller.metrics().into_iter();
        let syncs = series.filter(|(name, _)| name.starts_with("externalsecret_sync_calls_total"));
        let most = syncs.map(|(_, count)| count).fold(0.0, f64::max);
        (most >= 6.0).then_some(most)
    };
    wait_until(SOON, "some rounds", rounds);
    // Counted in this order, there may be more rounds than the reads are of, never fewer.
    let (reads, rounds) = (reads(&aws), rounds().expect("as many as before"));
    controller.stop();
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let (reads, first) = (reads as f64, first as f64);
    assert!(reads <= first * rounds, "{reads} reads in {rounds} rounds, {first} in the first");
}

#[test]
fn a_rotation_is_one_read_and_one_write_each_and_rewrites_nobody_else() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    aws.secrets().put("turned", "one");
    aws.secrets().put("still", "one");
    fleet.store("aws", aws.region(), &json!({}));
    for number in 0..20 {
        let key = if number % 2 == 0 { "turned" } else { "still" };
        fleet.external_secret(&format!("es-{number}"), key, "2s");
    }
    let controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(20);
    let version = |number: usize| {
        let secret = api.get(&fleet.core(&format!("secrets/es-{number}"))).expect("a Secret");
        secret["metadata"]["resourceVersion"].clone()
    };
    let before: Vec<_> = (0..20).map(version).collect();
    aws.secrets().put("turned", "two");
    let turned = || fleet.values().values().filter(|value| *value == "dHdv").count();
    wait_until(SOON, "ten have the new value", || (turned() == 10).then_some(()));
    controller.stop();
    for (number, before) in before.iter().enumerate() {
        assert_eq!(version(number) != *before, number % 2 == 0, "es-{number}");
    }
    let secret = api.get(&fleet.core("secrets/es-0")).expect("a Secret");
    let managers = secret["metadata"]["managedFields"].as_array().expect("managers");
    assert_eq!(managers.len(), 1, "{managers:?}");
}

/// A fleet in which everybody reads a secret of their own, at an AWS that answers 20 reads a second.
fn behind_a_quota(fleet: &Fleet<'_>, aws: &Aws) {
    for number in 0..QUOTA_FLEET {
        aws.secrets().put(&format!("quota/{number}"), "one");
    }
    aws.throttle().limit(&READS, 20, 20);
    for number in 0..QUOTA_FLEET {
        fleet.external_secret(&format!("es-{number}"), &format!("quota/{number}"), "1h");
    }
}

const QUOTA_FLEET: usize = 200;

/// How many reads were one too many.
fn refused(aws: &Aws) -> u64 {
    let refused = |operation: &&str| aws.counters().outcomes(operation, "ThrottlingException");
    READS.iter().map(refused).sum()
}

#[test]
fn a_quota_is_kept_with_values_read_together() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    fleet.store("aws", aws.region(), &json!({}));
    behind_a_quota(&fleet, &aws);
    let controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(QUOTA_FLEET);
    controller.stop();
    assert!(reads(&aws) < 60, "{:?}", aws.counters().snapshot());
    assert!(refused(&aws) < 10, "{:?}", aws.counters().all_outcomes());
}

#[test]
fn a_quota_is_found_with_few_refusals() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    // One who may not read several values together.
    let arn = format!("arn:aws:iam::{}:role/single", aws.account());
    let single = Permissions::allow(&["secretsmanager:GetSecretValue"], &["*"]);
    aws.identities().add_role(Role::new(&arn).may(single).trusts_principal(aws.account()));
    fleet.store("aws", aws.region(), &json!({ "role": arn }));
    behind_a_quota(&fleet, &aws);
    let controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(QUOTA_FLEET);
    controller.stop();
    let values = fleet.values();
    assert!(values.len() == QUOTA_FLEET && values.values().all(|value| value == "b25l"));
    assert!(aws.counters().calls("secretsmanager:GetSecretValue") >= QUOTA_FLEET as u64);
    assert!(refused(&aws) < 10, "{:?}", aws.counters().all_outcomes());
}
