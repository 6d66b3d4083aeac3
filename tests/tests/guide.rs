//! What the operations guide promises about AWS: its policies are enough, and hold nothing that is not used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;

use extsecret_tests::api::Api;
use extsecret_tests::aws::{Aws, Permissions, Policy, Role};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::{require, tools};
use serde_json::{Value, json};

const QUEUE: &str = "secret-changes";

/// The policies of the guide, for the account and the region of a double.
fn policies(aws: &Aws) -> Vec<String> {
    let guide = tools::crate_dir().join("../controller/README.md");
    let guide = fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let policies = blocks.filter(|block| block.contains("\"Statement\""));
    policies
        .map(|it| it.replace("111122223333", aws.account()).replace("eu-west-1", aws.region()))
        .collect()
}

/// The actions of a policy.
fn actions(policy: &str) -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    let mut actions = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        match &statement["Action"] {
            Value::Array(all) => {
                actions.extend(all.iter().map(|it| it.as_str().unwrap().to_owned()));
            }
            one => _ = actions.insert(one.as_str().unwrap().to_owned()),
        }
    }
    actions
}

#[test]
fn the_policies_of_the_guide_are_enough_and_all_used() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    let policies = policies(&aws);
    let [reading, queue] = policies.as_slice() else { panic!("{} policies", policies.len()) };
    let arn = format!("arn:aws:iam::{}:role/reader", aws.account());
    let permissions = Permissions::Policies(vec![Policy::parse(reading).unwrap()]);
    aws.identities().add_role(Role::new(&arn).may(permissions).trusts_principal(aws.account()));
    let assume =
        json!({ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn } });
    let own = [queue.clone(), assume.to_string()].map(|it| Policy::parse(&it).unwrap());
    let own = Permissions::Policies(own.into());
    let own = aws.identities().add_user(aws.account(), "controller", own);

    for name in ["shop/a", "shop/b", "other/a"] {
        aws.secrets().put(name, "one");
        aws.parameters().put(&format!("/{name}"), "one");
    }
    let url = aws.queues().create(QUEUE);
    aws.queues().gets_native_events(QUEUE);

    let fleet = Fleet::new(cluster, &api);
    fleet.store("secrets", aws.region(), &json!({ "role": arn }));
    let parameters = json!({ "service": "ParameterStore", "role": arn });
    fleet.store("parameters", aws.region(), &parameters);
    let keys = |prefix: &str| {
        let data = |key: &str| json!({ "secretKey": key, "remoteRef": { "key": format!("{prefix}{key}") } });
        json!({ "data": [data("a"), data("b")] })
    };
    let tags = |key: &str| {
        let from = json!({ "key": key, "metadataPolicy": "Fetch" });
        json!({ "data": [{ "secretKey": "tags", "remoteRef": from }] })
    };
    let find = |find: &Value| json!({ "dataFrom": [{ "find": find }] });
    let by_name = json!({ "name": { "regexp": "^/?shop/" } });
    let by_path = json!({ "path": "/shop", "name": { "regexp": "a" } });
    for (name, store, source) in [
        ("secrets", "secrets", keys("shop/")),
        ("secret-tags", "secrets", tags("shop/a")),
        ("found-secrets", "secrets", find(&by_name)),
        ("parameters", "parameters", keys("/shop/")),
        ("parameter-tags", "parameters", tags("/shop/a")),
        ("found-parameters", "parameters", find(&by_name)),
        ("parameters-of-a-path", "parameters", find(&by_path)),
    ] {
        fleet.reader(name, store, &source);
    }
    let controller = Controller::setup(cluster)
        .environment(aws.environment(&own))
        .args(fleet.flags())
        .args([format!("--events-queue-url={url}")])
        .start();
    fleet.wait_ready(7);
    // Where there is nothing to read together, it is another call.
    aws.parameters().put("/shop/c", "one");
    let late = json!({ "data": [{ "secretKey": "c", "remoteRef": { "key": "/shop/c" } }] });
    fleet.reader("late", "parameters", &late);
    fleet.wait_ready(8);
    aws.secrets().put("shop/a", "two");
    wait_until(SOON, "the new value", || {
        let secret = api.get(&fleet.core("secrets/secrets"))?;
        (secret["data"]["a"] == "dHdv").then_some(())
    });
    wait_until(SOON, "no message is left", || {
        (aws.queues().counts(QUEUE) == (0, 0, 0)).then_some(())
    });

    // What is not below the path stays out of reach.
    let outside = json!({ "data": [{ "secretKey": "a", "remoteRef": { "key": "other/a" } }] });
    fleet.reader("outside", "secrets", &outside);
    let message = wait_until(SOON, "the refusal", || {
        let ready = fleet.ready("outside")?;
        (ready["status"] == "False").then(|| ready["message"].as_str().unwrap().to_owned())
    });
    assert!(message.contains("AccessDenied"), "{message}");
    controller.stop();

    let unused: Vec<_> = [reading, queue]
        .into_iter()
        .flat_map(|policy| actions(policy))
        .filter(|action| calls(&aws, action) == 0)
        .collect();
    // It is for what takes longer than a message is hidden, half a minute, and for what failed.
    assert_eq!(unused, ["sqs:ChangeMessageVisibility"], "{:?}", aws.counters().snapshot());
}

/// Calls that an action allows: permissions of SQS are named as the call for one message.
fn calls(aws: &Aws, action: &str) -> u64 {
    let batch = format!("{action}Batch");
    aws.counters().calls(action) + aws.counters().calls(&batch)
}
