#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn uses(spec: Value) -> Uses {
    Uses::of(&serde_json::from_value(json!({ "spec": spec })).unwrap())
}

/// `secret keys how`, with a `?` for what is optional.
fn read(spec: Value) -> Vec<String> {
    uses(spec)
        .read
        .iter()
        .map(|it| {
            let keys = match &it.keys {
                KeySet::All => "*".to_owned(),
                KeySet::Some(keys) => keys.iter().map(|key| &**key).collect::<Vec<_>>().join(","),
            };
            let optional = if it.optional { "?" } else { "" };
            format!("{}{optional} {keys} {:?}", it.secret, it.how)
        })
        .collect()
}

#[test]
fn each_way_of_reading_is_seen_with_its_keys() {
    let mount = |name: &str| json!([{ "name": name, "mountPath": "/x" }]);
    let cases = [
        (
            "a variable",
            json!({ "containers": [{ "env": [
                { "name": "P", "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } },
                { "name": "Q", "value": "x" },
                { "name": "R", "valueFrom": { "configMapKeyRef": { "name": "db", "key": "q" } } },
            ] }] }),
            vec!["db password Env"],
        ),
        (
            "all variables",
            json!({ "containers": [{ "envFrom": [
                { "prefix": "X_", "secretRef": { "name": "db", "optional": true } },
                { "configMapRef": { "name": "other" } },
            ] }] }),
            vec!["db? * Env"],
        ),
        (
            "a volume",
            json!({ "containers": [{ "volumeMounts": mount("v") }],
                "volumes": [{ "name": "v", "secret": { "secretName": "db" } }] }),
            vec!["db * Volume"],
        ),
        (
            "items of a volume",
            json!({ "containers": [{ "volumeMounts": mount("v") }],
                "volumes": [{ "name": "v", "secret": { "secretName": "db",
                    "items": [{ "key": "a", "path": "x" }, { "key": "b", "path": "y" }] } }] }),
            vec!["db a,b Volume"],
        ),
        (
            "a projected volume",
            json!({ "containers": [{ "volumeMounts": mount("v") }],
                "volumes": [{ "name": "v", "projected": { "sources": [
                    { "secret": { "name": "db", "items": [{ "key": "a", "path": "x" }] } },
                    { "secret": { "name": "api" } }, { "serviceAccountToken": {} } ] } }] }),
            vec!["api * Volume", "db a Volume"],
        ),
        (
            "a file by subPath",
            json!({ "containers": [{ "volumeMounts": [{ "name": "v", "subPath": "password" }] }],
                "volumes": [{ "name": "v", "secret": { "secretName": "db" } }] }),
            vec!["db password SubPath"],
        ),
        (
            "items below a subPath",
            json!({ "containers": [{ "volumeMounts": [{ "name": "v", "subPath": "tls" }] }],
                "volumes": [{ "name": "v", "secret": { "secretName": "db", "items": [
                    { "key": "a", "path": "tls/crt" }, { "key": "b", "path": "tls" },
                    { "key": "c", "path": "tls2" } ] } }] }),
            vec!["db a,b SubPath"],
        ),
        (
            "a subPath that depends on the pod",
            json!({ "containers": [{ "volumeMounts": [{ "name": "v", "subPathExpr": "$(X)" }] }],
                "volumes": [{ "name": "v", "secret": { "secretName": "db" } }] }),
            vec!["db * SubPath"],
        ),
        (
            "init containers and sidecars",
            json!({ "containers": [], "initContainers": [
                { "envFrom": [{ "secretRef": { "name": "init" } }] },
                { "restartPolicy": "Always", "envFrom": [{ "secretRef": { "name": "side" } }] } ] }),
            vec!["init * Env", "side * Env"],
        ),
        (
            "a volume that nobody mounts",
            json!({ "containers": [{}], "volumes": [
                { "name": "v", "secret": { "secretName": "db" } }] }),
            vec![],
        ),
    ];
    for (what, spec, expected) in cases {
        assert_eq!(read(spec), expected, "{what}");
    }
}

#[test]
fn what_pods_do_not_read_is_named_only() {
    let uses = uses(json!({
        "containers": [{ "envFrom": [{ "secretRef": { "name": "db" } }] }],
        "imagePullSecrets": [{ "name": "registry" }, { "name": "db" }],
        "volumes": [
            { "name": "a", "csi": { "driver": "d", "nodePublishSecretRef": { "name": "node" } } },
            { "name": "b", "cephfs": { "secretRef": { "name": "ceph" } } },
            { "name": "c", "azureFile": { "secretName": "azure", "shareName": "s" } },
            { "name": "d", "secret": { "secretName": "unread" } },
        ],
    }));
    let named: Vec<_> = uses.named.iter().map(|name| &**name).collect();
    assert_eq!(named, ["azure", "ceph", "node", "registry", "unread"]);
}

#[test]
fn keys_of_one_secret_are_one_reference_and_optional_ones_stand_alone() {
    let env = |key: &str, optional: bool| json!({ "valueFrom": { "secretKeyRef": { "name": "db", "key": key, "optional": optional } } });
    let found = uses(json!({ "containers": [
        { "env": [env("user", false), env("extra", true)] },
        { "env": [env("password", false), env("user", true)] },
    ] }));
    let references = found.references(|_| true);
    let ids: Vec<_> = references.iter().map(|it| (&*it.id, it.optional)).collect();
    assert_eq!(ids, [("db", false), ("db?extra", true)]);
    let KeySet::Some(keys) = &references[0].keys else { panic!("not all") };
    assert_eq!(keys.iter().map(|key| &**key).collect::<Vec<_>>(), ["password", "user"]);

    let all = uses(json!({ "containers": [
        { "env": [env("extra", true)], "envFrom": [{ "secretRef": { "name": "db", "optional": true } }] },
    ] }));
    let references = all.references(|_| true);
    assert_eq!(references.len(), 1);
    assert!(references[0].optional && references[0].keys == KeySet::All);
}

#[test]
fn what_is_read_again_by_the_workload_can_be_left_out() {
    let found = uses(json!({
        "containers": [{
            "envFrom": [{ "secretRef": { "name": "env" } }],
            "volumeMounts": [{ "name": "v" }, { "name": "v", "subPath": "x" }],
        }],
        "volumes": [{ "name": "v", "secret": { "secretName": "files" } }],
    }));
    let references = found.references(|it| it.how != How::Volume);
    assert_eq!(references.iter().map(|it| &*it.id).collect::<Vec<_>>(), ["env", "files"]);
    assert_eq!(references[1].keys, KeySet::Some(BTreeSet::from(["x".into()])));
}

#[test]
fn nulls_and_empty_names_are_nothing() {
    assert_eq!(read(json!(null)), Vec::<String>::new());
    let found = read(json!({
        "containers": [
            { "env": null, "envFrom": [{ "secretRef": { "name": "" } }, { "secretRef": null }] },
            { "volumeMounts": null },
        ],
        "initContainers": null, "volumes": null, "imagePullSecrets": null,
    }));
    assert_eq!(found, Vec::<String>::new());
}

proptest! {
    #[test]
    fn any_sub_path_is_read_without_harm(path in "[./a]{0,6}", item in "[./a]{0,6}", items: bool) {
        let items = if items { json!([{ "key": "k", "path": item }]) } else { json!(null) };
        let _ = uses(json!({
            "containers": [{ "volumeMounts": [{ "name": "v", "subPath": path }] }],
            "volumes": [{ "name": "v", "secret": { "secretName": "db", "items": items } }],
        }));
    }
}
