//! What a real API server does with the definitions: it takes them, fills in the defaults, refuses
//! what the schema refuses, and keeps what is not modelled.

use std::sync::OnceLock;

use extsecret_tests::cluster::{Cluster, definitions};
use extsecret_tests::require;
use serde_json::{Value, json};

/// The shared cluster with the definitions of the tree, or `None` if Go is not installed.
fn cluster() -> Option<&'static Cluster> {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    let cluster = Cluster::shared()?;
    INSTALLED.get_or_init(|| install(cluster));
    Some(cluster)
}

fn install(cluster: &Cluster) {
    let files = definitions();
    let files = files.iter().map(|file| format!("--filename={}", file.display()));
    // Client-side, with its limit on the size of an annotation, as most people install them.
    cluster.kubectl(["apply"]).args(files).run().succeeded();
    cluster.wait_established("--all");
}

fn object(kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": kind,
        "metadata": { "name": "a" },
        "spec": spec,
    })
}

/// What the API server makes of an object that it accepts with unknown fields refused.
fn stored(cluster: &Cluster, kind: &str, spec: &Value) -> Value {
    let namespace = cluster.fresh_namespace();
    let create = ["create", "--validate=strict", "--output=json", "--filename=-"];
    let create = cluster.kubectl(create).namespace(&namespace);
    create.stdin(object(kind, spec).to_string()).run().json()["spec"].take()
}

/// What the API server says about an object that it refuses.
fn refused(cluster: &Cluster, kind: &str, spec: &Value) -> String {
    let namespace = cluster.fresh_namespace();
    let create = ["create", "--validate=strict", "--dry-run=server", "--filename=-"];
    cluster
        .kubectl(create)
        .namespace(&namespace)
        .stdin(object(kind, spec).to_string())
        .run()
        .failed()
}

#[test]
fn the_definitions_are_accepted_without_a_complaint() {
    let cluster = require!(cluster());
    let list = cluster.kubectl(["get", "crd", "--output=json"]).run().json();
    let crds = list["items"].as_array().expect("definitions");
    assert_eq!(crds.len(), 4);
    for crd in crds {
        let conditions = crd["status"]["conditions"].as_array().expect("conditions");
        for condition in conditions {
            let good =
                ["Established", "NamesAccepted"].iter().any(|good| condition["type"] == *good);
            assert!(good && condition["status"] == "True", "{crd:#}");
        }
    }
    for short in ["es", "ss", "css", "ces"] {
        cluster.kubectl(["get", short]).run().succeeded();
    }
    let explained = cluster.kubectl(["explain", "es.spec.target.deletionPolicy"]).run().succeeded();
    assert!(explained.contains("What happens to the target"), "{explained}");
}

#[test]
fn defaults_are_filled_in() {
    let cluster = require!(cluster());
    let data = json!([{ "secretKey": "a", "remoteRef": { "key": "k" } }]);
    let target = json!({ "creationPolicy": "Owner", "deletionPolicy": "Retain" });
    let spec = stored(cluster, "ExternalSecret", &json!({ "data": data }));
    // The items of data get none: an object must not differ from what is in the repository.
    assert_eq!(spec, json!({ "data": data, "refreshInterval": "1h0m0s", "target": target }));

    let given = json!({
        "data": data,
        "refreshInterval": null,
        "target": { "deletionPolicy": null, "template": { "data": { "a": "b" } } },
    });
    let spec = stored(cluster, "ExternalSecret", &given);
    assert_eq!(spec["refreshInterval"], "1h0m0s");
    assert_eq!(spec["target"]["creationPolicy"], "Owner");
    assert_eq!(spec["target"]["deletionPolicy"], "Retain", "null is absent");
    let template = json!({ "engineVersion": "v2", "mergePolicy": "Replace", "data": { "a": "b" } });
    assert_eq!(spec["target"]["template"], template);

    let kubernetes = json!({ "role": "r" });
    let vault = json!({ "server": "https://v", "auth": { "kubernetes": kubernetes } });
    let spec = stored(cluster, "SecretStore", &json!({ "provider": { "vault": vault } }));
    let vault = &spec["provider"]["vault"];
    assert_eq!(vault["version"], "v2");
    assert_eq!(vault["auth"]["kubernetes"], json!({ "mountPath": "kubernetes", "role": "r" }));
}

#[test]
fn what_the_schema_refuses_is_refused() {
    let cluster = require!(cluster());
    let item = |key: &str| json!({ "secretKey": key, "remoteRef": { "key": "k" } });
    let aws = json!({ "service": "SecretsManager", "region": "eu-west-1" });
    let tagged = json!({
        "service": "SecretsManager", "region": "r", "customSessionTags": { "esoNamespace": "x" },
    });
    for (kind, spec, complaint) in [
        ("ExternalSecret", json!({ "dta": [] }), "unknown field \"spec.dta\""),
        ("ExternalSecret", json!({ "data": [item("a b")] }), "spec.data[0].secretKey"),
        ("ExternalSecret", json!({ "data": [{ "secretKey": "a" }] }), "spec.data[0].remoteRef"),
        ("ExternalSecret", json!({ "refreshPolicy": "Never" }), "spec.refreshPolicy"),
        (
            "ExternalSecret",
            json!({ "dataFrom": [{ "rewrite": [{}] }] }),
            "spec.dataFrom[0].rewrite[0]",
        ),
        ("SecretStore", json!({}), "spec.provider"),
        ("SecretStore", json!({ "provider": {} }), "spec.provider"),
        ("SecretStore", json!({ "provider": { "aws": aws, "webhook": {} } }), "spec.provider"),
        ("SecretStore", json!({ "provider": { "aws": { "region": "r" } } }), "service"),
        ("SecretStore", json!({ "provider": { "aws": tagged } }), "customSessionTags"),
        ("ClusterExternalSecret", json!({}), "spec.externalSecretSpec"),
    ] {
        let answer = refused(cluster, kind, &spec);
        assert!(answer.contains(complaint), "{spec}: {answer}");
    }
}

#[test]
fn what_is_not_modelled_is_stored() {
    let cluster = require!(cluster());
    let oracle = json!({ "vault": "ocid", "region": "r", "auth": { "deep": [1, { "a": "b" }] } });
    let jwt = json!({ "path": "jwt", "role": "r", "secretRef": { "name": "s", "key": "k" } });
    for (interval, provider) in [
        (json!(300), json!({ "oracle": oracle })),
        (json!("5m"), json!({ "tomorrow": { "a": [] } })),
        (
            json!(0),
            json!({ "vault": { "server": "s", "version": "v1", "auth": { "jwt": jwt }, "new": 1 } }),
        ),
    ] {
        let spec = json!({ "refreshInterval": interval, "provider": provider });
        assert_eq!(stored(cluster, "SecretStore", &spec), spec);
    }
}

#[test]
fn external_secrets_can_be_selected_by_store() {
    let cluster = require!(cluster());
    let namespace = cluster.fresh_namespace();
    for store in ["one", "two"] {
        let mut secret = object("ExternalSecret", &json!({ "secretStoreRef": { "name": store } }));
        secret["metadata"]["name"] = json!(format!("from-{store}"));
        let create = cluster.kubectl(["create", "--filename=-"]).namespace(&namespace);
        create.stdin(secret.to_string()).run().succeeded();
    }
    let get = ["get", "es", "--output=name", "--field-selector=spec.secretStoreRef.name=two"];
    let found = cluster.kubectl(get).namespace(&namespace).run().succeeded();
    assert_eq!(found.trim(), "externalsecret.external-secrets.io/from-two");
}
