//! From External Secrets Operator to this controller and back, without a Secret being rewritten.

use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::eso;
use extsecret_tests::fleet::{Fleet, SOON, ready};
use extsecret_tests::require;
use serde_json::{Value, json};

/// What External Secrets Operator writes for the data `foo=value1, bar=value2`, and for an object
/// without labels and annotations (its own hashes; eso-semantics 2.2).
const DATA_HASH: &str = "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64";
const METADATA_HASH: &str = "f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2";

/// SHA3-224 of `takeover/web`, as Python computes it.
const OWNER_HASH: &str = "818a6be1ffb31ea242a0a469672b80f9b4bb0bada0ce201de93b4af7";

const FINALIZER: &str = "externalsecrets.external-secrets.io/externalsecret-cleanup";

fn spec() -> Value {
    json!({
        "refreshInterval": "1h0m0s",
        "secretStoreRef": { "name": "aws", "kind": "SecretStore" },
        "data": [
            { "secretKey": "foo", "remoteRef": { "key": "one" } },
            { "secretKey": "bar", "remoteRef": { "key": "two" } },
        ],
    })
}

#[test]
fn what_eso_has_synced_is_taken_over_without_a_read_or_a_write() {
    let (cluster, api) = require!(crate::shared());
    is_taken_over(cluster, api);
}

#[test]
fn what_is_synced_here_is_what_eso_would_have_written() {
    let (cluster, api) = require!(crate::shared());
    is_synced_alike(cluster, api);
}

/// Where its operator was, its definitions are.
#[test]
fn the_definitions_of_eso_serve_as_well() {
    let Some(definitions) = eso::definitions("the controller on ESO's definitions") else { return };
    let setup = definitions.iter().fold(Cluster::setup(), |setup, file| setup.crds(file));
    let cluster = require!(setup.start());
    let api = Api::of(&cluster);
    is_taken_over(&cluster, &api);
    is_synced_alike(&cluster, &api);
}

fn is_taken_over(cluster: &Cluster, api: &Api) {
    let aws = Aws::start();
    // Whoever read them would change the Secret.
    aws.secrets().put("one", "CHANGED");
    aws.secrets().put("two", "CHANGED");
    cluster.kubectl(["create", "namespace", "takeover"]).run().succeeded();
    let fleet = Fleet { api, namespace: "takeover".to_owned() };
    fleet.store("aws", aws.region(), &json!({}));
    let object = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "web", "finalizers": [FINALIZER] },
        "spec": spec(),
    });
    let object = api.create(&fleet.ours("externalsecrets"), &object);
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let status = json!({ "status": {
        "binding": { "name": "web" },
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "SecretSynced",
            "message": "secret synced", "lastTransitionTime": now,
        }],
        "refreshTime": now,
        "syncedResourceVersion": format!("1-{METADATA_HASH}"),
    } });
    let path = fleet.ours("externalsecrets/web/status?fieldManager=external-secrets");
    api.patch(&path, &status);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": "web",
            "labels": {
                "reconcile.external-secrets.io/created-by": OWNER_HASH,
                "reconcile.external-secrets.io/managed": "true",
            },
            "annotations": { "reconcile.external-secrets.io/data-hash": DATA_HASH },
            "ownerReferences": [{
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "web",
                "uid": object["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "data": { "foo": "dmFsdWUx", "bar": "dmFsdWUy" },
    });
    let manager = "externalsecrets.external-secrets.io%2Fweb";
    let secret = api.create(&fleet.core(&format!("secrets?fieldManager={manager}")), &secret);

    let controller = fleet.controller(cluster, &aws);
    // It says so once it has decided.
    let series = r#"externalsecret_status_condition{condition="Ready",name="web",namespace="takeover",status="True"}"#;
    wait_until(SOON, "the decision", || (controller.metric(series) > 0.0).then_some(()));
    controller.stop();
    assert_eq!(api.get(&fleet.core("secrets/web")), Some(secret));
    assert_eq!(aws.counters().snapshot().keys().find(|it| it.starts_with("secretsmanager")), None);
    let after = api.get(&fleet.ours("externalsecrets/web")).expect("the object");
    assert_eq!(after["status"], status["status"]);
    assert_eq!(after["spec"], object["spec"]);
    // It would keep the object for ever once its operator is gone.
    assert_eq!(after["metadata"].get("finalizers"), None);
}

fn is_synced_alike(cluster: &Cluster, api: &Api) {
    let aws = Aws::start();
    aws.secrets().put("one", "value1");
    aws.secrets().put("two", "value2");
    let fleet = Fleet::new(cluster, api);
    let (namespace, owned) = (fleet.namespace.as_str(), format!("{}/web", fleet.namespace));
    fleet.store("aws", aws.region(), &json!({}));
    let object = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "web" }, "spec": spec(),
    });
    let object = api.create(&fleet.ours("externalsecrets"), &object);
    let controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(1);
    controller.stop();

    let secret = api.get(&fleet.core("secrets/web")).expect("the Secret");
    let metadata = &secret["metadata"];
    let owner_hash = sha3(&owned);
    assert_eq!(
        metadata["labels"],
        json!({
            "reconcile.external-secrets.io/created-by": owner_hash,
            "reconcile.external-secrets.io/managed": "true",
        }),
        "{namespace}"
    );
    assert_eq!(
        metadata["annotations"],
        json!({ "reconcile.external-secrets.io/data-hash": DATA_HASH })
    );
    assert_eq!(
        metadata["ownerReferences"],
        json!([{
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "web",
            "uid": object["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
        }])
    );
    assert_eq!(metadata["managedFields"][0]["manager"], "externalsecrets.external-secrets.io/web");
    assert_eq!(secret["type"], "Opaque");
    assert_eq!(secret["data"], json!({ "foo": "dmFsdWUx", "bar": "dmFsdWUy" }));
    let after = api.get(&fleet.ours("externalsecrets/web")).expect("the object");
    assert_eq!(after["status"]["syncedResourceVersion"], format!("1-{METADATA_HASH}"));
    assert_eq!(after["status"]["binding"], json!({ "name": "web" }));
    let ready = ready(&after).expect("a condition");
    assert_eq!(
        (&ready["reason"], &ready["message"]),
        (&json!("SecretSynced"), &json!("secret synced"))
    );
    assert_eq!(after["metadata"].get("finalizers"), None);
}

/// SHA3-224 as Python computes it: an implementation that is not the controller's.
fn sha3(text: &str) -> String {
    let script = "import hashlib, sys; print(hashlib.sha3_224(sys.argv[1].encode()).hexdigest())";
    let output = std::process::Command::new("python3").args(["-c", script, text]).output();
    let output = output.expect("Python");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}
