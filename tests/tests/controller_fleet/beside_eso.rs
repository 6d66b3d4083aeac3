//! ESO itself and this controller take turns on the same objects: neither rewrites what the other has
//! written, not even when every value is read again.

use std::collections::BTreeMap;

use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::eso;
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::require;
use serde_json::{Value, json};

/// What an ExternalSecret can be like, as far as both write it: names and specs.
fn specs() -> Vec<(&'static str, Value)> {
    let data = json!([
        { "secretKey": "user", "remoteRef": { "key": "db", "property": "user" } },
        { "secretKey": "whole", "remoteRef": { "key": "db" } },
        { "secretKey": "list", "remoteRef": { "key": "db", "property": "hosts" } },
    ]);
    let one = |key: &str, more: &Value| {
        let mut reference = json!({ "key": key });
        for (name, value) in more.as_object().into_iter().flatten() {
            reference[name] = value.clone();
        }
        json!({ "data": [{ "secretKey": "value", "remoteRef": reference }] })
    };
    let target = |target: Value| json!({ "data": data, "target": target });
    let template = json!({
        "type": "Opaque",
        "metadata": { "labels": { "app": "{{ .user }}" }, "annotations": { "note": "made" } },
        "data": {
            "url": "postgres://{{ .user }}@{{ (.list | fromJson) | first }}/",
            "upper": "{{ .user | upper | b64enc }}",
            "yaml": "{{ .whole | fromJson | toYaml }}",
        },
    });
    let rename = json!([{ "regexp": { "source": "(.*)", "target": "DB_$1" } }]);
    vec![
        ("plain", one("text", &json!({}))),
        ("decoded", one("encoded", &json!({ "decodingStrategy": "Auto" }))),
        ("version", one("text", &json!({ "version": "AWSCURRENT" }))),
        ("properties", json!({ "data": data })),
        ("extract", json!({ "dataFrom": [{ "extract": { "key": "db" } }] })),
        ("renamed", json!({ "dataFrom": [{ "extract": { "key": "db" }, "rewrite": rename }] })),
        ("find", json!({ "dataFrom": [{ "find": { "name": { "regexp": "^te.t$" } } }] })),
        ("template", target(json!({ "template": template }))),
        (
            "merged",
            target(json!({ "template": {
                "mergePolicy": "Merge", "data": { "more": "{{ .user }}!" },
            } })),
        ),
        ("orphan", target(json!({ "creationPolicy": "Orphan", "name": "of-nobody" }))),
        ("merge", target(json!({ "creationPolicy": "Merge", "name": "somebodys" }))),
        ("unchanging", target(json!({ "immutable": true }))),
        ("on-change", json!({ "data": data, "refreshPolicy": "OnChange" })),
        (
            "parameters",
            json!({
                "secretStoreRef": { "name": "parameters" },
                "data": [{ "secretKey": "value", "remoteRef": { "key": "/app/one" } }],
                "dataFrom": [{
                    "find": { "path": "/app", "name": { "regexp": ".*" } },
                    "rewrite": [{ "regexp": { "source": "/app/", "target": "app-" } }],
                }],
            }),
        ),
    ]
}

struct Scene<'a> {
    cluster: &'a Cluster,
    fleet: Fleet<'a>,
    aws: Aws,
    names: Vec<&'static str>,
}

impl<'a> Scene<'a> {
    fn new(cluster: &'a Cluster, api: &'a Api) -> Self {
        let aws = Aws::start();
        aws.secrets().put("text", "a text");
        aws.secrets().put("test", "another text");
        aws.secrets().put("encoded", "ZGVjb2RlZA==");
        let db =
            json!({ "user": "ann", "port": 5432, "hosts": ["a", "b"], "on": true, "none": null });
        aws.secrets().put("db", &db.to_string());
        aws.parameters().put("/app/one", "1");
        aws.parameters().put("/app/two", "2");
        // Both take this class.
        let fleet = Fleet { api, namespace: "default".to_owned() };
        fleet.store("aws", aws.region(), &json!({}));
        fleet.store("parameters", aws.region(), &json!({ "service": "ParameterStore" }));
        let somebodys = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "somebodys" },
            "stringData": { "own": "stays" },
        });
        api.create(&fleet.core("secrets"), &somebodys);
        let mut names = Vec::new();
        for (name, spec) in specs() {
            fleet.reader(name, "aws", &spec);
            names.push(name);
        }
        // Without a template the Secret gets what the object has.
        let marks = json!({ "metadata": {
            "labels": { "team": "blue" }, "annotations": { "note": "of the object" },
        } });
        api.patch(&fleet.ours("externalsecrets/plain"), &marks);
        Self { cluster, fleet, aws, names }
    }

    /// Every Secret as it is, down to who wrote which field, and when.
    fn secrets(&self) -> BTreeMap<String, Value> {
        let all = self.fleet.api.list(&self.fleet.core("secrets"));
        let name = |it: &Value| it["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        all.into_iter().map(|it| (name(&it), it)).collect()
    }

    #[track_caller]
    fn unchanged(&self, written: &BTreeMap<String, Value>, when: &str) {
        for (name, secret) in self.secrets() {
            similar_asserts(&written[&name], &secret, &format!("{name}, {when}"));
        }
    }

    /// Waits until whoever runs has synced all objects as they are.
    fn synced(&self) {
        wait_until(SOON, "all objects are synced", || {
            let synced = |name: &&&str| {
                let object = self.fleet.ours(&format!("externalsecrets/{name}"));
                let object = self.fleet.api.get(&object).expect("the object");
                let version = object["status"]["syncedResourceVersion"].as_str();
                let generation = object["metadata"]["generation"].to_string();
                version.and_then(|it| it.split('-').next()) == Some(&generation)
            };
            (self.names.iter().filter(synced).count() == self.names.len()).then_some(())
        });
    }

    /// Makes whoever runs read everything again, and compare it with what is there.
    fn read_again(&self, interval: &str) {
        for name in &self.names {
            let change = json!({ "spec": { "refreshInterval": interval } });
            self.fleet.api.patch(&self.fleet.ours(&format!("externalsecrets/{name}")), &change);
        }
        self.synced();
    }

    /// Calls that were made for values.
    fn reads(&self) -> u64 {
        let counters = self.aws.counters().snapshot();
        counters.iter().filter(|(name, _)| !name.starts_with("sts")).map(|(_, count)| *count).sum()
    }

    /// Ours has decided about everything that it finds at its start.
    fn decided(&self, controller: &Controller) {
        wait_until(SOON, "it has looked at all objects", || {
            let metrics = controller.metrics();
            let ready = |name: &&&str| {
                let series = format!(
                    r#"externalsecret_status_condition{{condition="Ready",name="{name}",namespace="default",status="True"}}"#
                );
                metrics.get(&series).is_some_and(|value| *value > 0.0)
            };
            (self.names.iter().filter(ready).count() == self.names.len()).then_some(())
        });
    }
}

#[track_caller]
fn similar_asserts(before: &Value, after: &Value, what: &str) {
    let text = |value: &Value| serde_json::to_string_pretty(value).expect("JSON");
    let (before, after) = (text(before), text(after));
    let diff = similar::TextDiff::from_lines(&before, &after);
    assert!(before == after, "{what}:\n{}", diff.unified_diff());
}

#[test]
fn eso_and_this_controller_take_turns_and_rewrite_nothing() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let scene = Scene::new(&cluster, &api);

    let theirs = eso::start(scene.cluster, &scene.aws);
    scene.synced();
    theirs.stop();
    let (written, reads) = (scene.secrets(), scene.reads());
    assert_eq!(written.len(), scene.names.len());

    // Taken over: nothing is read or written until something is due.
    let ours = Controller::start(scene.cluster, &scene.aws, &[]);
    scene.decided(&ours);
    scene.unchanged(&written, "taken over");
    assert_eq!(scene.reads(), reads);
    // And when it is, what is there is what would be written.
    scene.read_again("2h");
    assert!(scene.reads() > reads);
    scene.unchanged(&written, "read again by ours");
    ours.stop();

    // Given back.
    let theirs = eso::start(scene.cluster, &scene.aws);
    scene.read_again("3h");
    scene.unchanged(&written, "given back");
    theirs.stop();
}

#[test]
fn what_this_controller_makes_eso_keeps() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let scene = Scene::new(&cluster, &api);
    let ours = Controller::start(scene.cluster, &scene.aws, &[]);
    scene.synced();
    ours.stop();
    let written = scene.secrets();
    assert_eq!(written.len(), scene.names.len());

    let theirs = eso::start(scene.cluster, &scene.aws);
    scene.read_again("2h");
    scene.unchanged(&written, "read again by ESO");
    theirs.stop();
}
