//! AWS in trouble: in the end every Secret is right, and at no moment one is gone or empty.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use extsecret_tests::aws::{Aws, Effect, Role, Rule};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::require;
use serde_json::{Value, json};

/// What must be in no output: all values in these tests begin with it.
const CANARY: &str = "CANARY";

/// Base64 of [`CANARY`], as far as it does not depend on what follows.
const ENCODED: &str = "Q0FOQVJZ";

/// Looks at the Secrets while something else happens, and counts how often.
pub(crate) fn watched(fleet: &Fleet<'_>, count: usize, during: impl FnOnce()) -> usize {
    let over = AtomicBool::new(false);
    let mut looks = 0;
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) {
                let values = fleet.values();
                assert_eq!(values.len(), count, "a Secret is gone");
                for (name, value) in values {
                    assert!(value.starts_with(ENCODED), "{name} has lost its value");
                }
                looks += 1;
                // Enough for what lasts, and the machine is the controller's, too.
                thread::sleep(Duration::from_millis(5));
            }
            looks
        });
        during();
        over.store(true, Ordering::Relaxed);
        looks = watcher.join().expect("every look was good");
    });
    looks
}

fn put(aws: &Aws, count: usize, round: usize) {
    for number in 0..count {
        aws.secrets().put(&format!("app/{number}"), &format!("{CANARY}-{round}-{number}"));
    }
}

/// How many Secrets hold the value of a round.
fn in_round(fleet: &Fleet<'_>, round: usize) -> usize {
    fleet.count_values(|name| format!("{CANARY}-{round}-{}", name.trim_start_matches("es-")))
}

/// So many ExternalSecrets with a key each, refreshed every second and synced.
fn synced(cluster: &Cluster, fleet: &Fleet<'_>, aws: &Aws, count: usize) -> Controller {
    synced_as(cluster, fleet, aws, count, &json!({}))
}

/// The same with a store that says who reads.
fn synced_as(
    cluster: &Cluster,
    fleet: &Fleet<'_>,
    aws: &Aws,
    count: usize,
    identity: &Value,
) -> Controller {
    fleet.store("aws", aws.region(), identity);
    put(aws, count, 0);
    for number in 0..count {
        fleet.external_secret(&format!("es-{number}"), &format!("app/{number}"), "1s");
    }
    let controller = fleet.controller(cluster, aws);
    fleet.wait_ready(count);
    controller
}

#[test]
fn whatever_aws_does_secrets_stay_until_they_are_right() {
    const COUNT: usize = 12;
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    let controller = synced(cluster, &fleet, &aws, COUNT);

    let troubles = [
        Effect::throttled(),
        Effect::error(500, "InternalServiceError", "try again"),
        Effect::Gateway { status: 503 },
        Effect::Reset,
        Effect::ResetAfter,
        Effect::Truncated,
        Effect::Garbage,
    ];
    let looks = watched(&fleet, COUNT, || {
        for (round, effect) in troubles.into_iter().enumerate() {
            let name = format!("{effect:?}");
            let fault = aws.faults().add(Rule::on("secretsmanager:*").percent(50).effect(effect));
            put(&aws, COUNT, round + 1);
            wait_until(SOON, &format!("the values, despite {name}"), || {
                (in_round(&fleet, round + 1) == COUNT).then_some(())
            });
            assert!(aws.faults().met(fault) > 0, "no call met {name}");
            aws.faults().clear();
        }
    });
    assert!(looks > 0);
    wait_until(SOON, "all are ready again", || (fleet.count_ready() == COUNT).then_some(()));
    let metrics = controller.get("/metrics").expect("metrics").1;
    let printed = controller.stop();
    assert_silent(&fleet, &[&printed, &metrics]);
}

#[test]
fn one_key_that_is_denied_harms_nobody_else() {
    const COUNT: usize = 10;
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, api);
    let controller = synced(cluster, &fleet, &aws, COUNT);
    let denied = Effect::error(400, "AccessDeniedException", "not authorized to perform it");
    let looks = watched(&fleet, COUNT, || {
        let fault = aws.faults().add(Rule::on("secretsmanager:*").resource("app/3").effect(denied));
        put(&aws, COUNT, 1);
        wait_until(SOON, "all others", || (in_round(&fleet, 1) == COUNT - 1).then_some(()));
        let condition = wait_until(SOON, "the condition", || {
            fleet.ready("es-3").filter(|it| it["status"] == "False")
        });
        let message = condition["message"].as_str().expect("a message").to_owned();
        assert!(message.starts_with("could not get secret data from provider: "), "{message}");
        assert!(message.contains("app/3") && message.contains("AccessDenied"), "{message}");
        assert_eq!(fleet.count_ready(), COUNT - 1);
        aws.faults().remove(fault);
        wait_until(SOON, "the last one", || (in_round(&fleet, 1) == COUNT).then_some(()));
        wait_until(SOON, "it is ready", || (fleet.count_ready() == COUNT).then_some(()));
    });
    assert!(looks > 0);
    let printed = controller.stop();
    assert_silent(&fleet, &[&printed]);
}

/// AWS ends a session long before the time that it gave it.
#[test]
fn credentials_that_expire_early_are_replaced_at_once() {
    const COUNT: usize = 10;
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let arn = format!("arn:aws:iam::{}:role/reader", aws.account());
    aws.identities().add_role(Role::new(&arn).trusts_principal(aws.account()));
    let fleet = Fleet::new(cluster, api);
    let controller = synced_as(cluster, &fleet, &aws, COUNT, &json!({ "role": arn }));
    assert_eq!(aws.counters().calls("sts:AssumeRole"), 1);
    let looks = watched(&fleet, COUNT, || {
        for round in 1..=3 {
            aws.clock().advance(Duration::from_hours(2));
            put(&aws, COUNT, round);
            wait_until(SOON, "the values", || (in_round(&fleet, round) == COUNT).then_some(()));
            let roles = aws.counters().calls("sts:AssumeRole");
            assert!(roles <= 1 + round as u64, "{roles} sessions in round {round}");
        }
    });
    assert!(looks > 0);
    wait_until(SOON, "all are ready", || (fleet.count_ready() == COUNT).then_some(()));
    let printed = controller.stop();
    assert_silent(&fleet, &[&printed]);
}

/// No value is in what was printed, in an event, or in an object that is no Secret.
fn assert_silent(fleet: &Fleet<'_>, printed: &[&str]) {
    let events = fleet.api.list(&fleet.core("events"));
    assert!(!events.is_empty());
    let mut texts: Vec<String> = printed.iter().map(ToString::to_string).collect();
    texts.extend(events.iter().map(ToString::to_string));
    for kind in ["externalsecrets", "secretstores"] {
        let objects = fleet.api.list(&fleet.ours(kind));
        texts.extend(objects.iter().map(ToString::to_string));
    }
    for text in texts {
        for needle in [CANARY, ENCODED] {
            let place = text.find(needle).map(|at| &text[at.saturating_sub(200)..at]);
            assert_eq!(place, None, "a value is told");
        }
    }
}

/// Whoever keeps a Secret as it is, before its values go, must not be too late because AWS is slow.
#[test]
fn what_is_taken_back_while_aws_is_slow_is_not_done() {
    let (cluster, api) = require!(crate::shared());
    let orphan = json!({ "target": { "creationPolicy": "Orphan" } });
    let delete = json!({ "target": { "deletionPolicy": "Delete" } });
    for (policy, is_deleted) in [(orphan, true), (delete, false)] {
        let aws = Aws::start();
        let fleet = Fleet::new(cluster, api);
        aws.secrets().put("app/0", &format!("{CANARY}-0"));
        fleet.store("aws", aws.region(), &json!({}));
        let mut source =
            json!({ "data": [{ "secretKey": "value", "remoteRef": { "key": "app/0" } }] });
        source["target"] = policy["target"].clone();
        source["refreshInterval"] = json!("1s");
        fleet.reader("es-0", "aws", &source);
        let controller = fleet.controller(cluster, &aws);
        fleet.wait_ready(1);
        let version = || fleet.versions().get("Secret es-0").cloned();
        let before = version();
        assert!(before.is_some());
        let slow = Effect::Latency { millis: 5000, jitter_millis: 0 };
        let slow = aws.faults().add(Rule::on("secretsmanager:*").effect(slow));
        // What is under way is read when it is answered.
        wait_until(SOON, "it is asked for", || (aws.faults().met(slow) > 0).then_some(()));
        if is_deleted {
            aws.secrets().put("app/0", &format!("{CANARY}-1"));
        } else {
            aws.secrets().delete("app/0");
        }
        let path = fleet.ours("externalsecrets/es-0");
        if is_deleted {
            api.delete(&path);
        } else {
            api.patch(&path, &json!({ "spec": { "target": { "deletionPolicy": "Retain" } } }));
        }
        // It ends when what it has begun has ended.
        controller.stop();
        assert_eq!(version(), before, "deleted: {is_deleted}");
    }
}
