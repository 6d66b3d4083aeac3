//! What both services do alike: secrets at AWS, an ExternalSecret, and the Secret that follows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use crate::room::{Room, Service, data, merge};

/// One row of a table. Its ExternalSecret is called as the case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Names, values and tags.
    pub(crate) remote: Vec<(&'static str, &'static str, Value)>,
    pub(crate) spec: Value,
    /// As for [`Room::has`].
    pub(crate) wanted: Value,
}

const NESTED: &str = r#"{
  "name": { "first": "Ada", "last": "Byron" },
  "friends": [ { "first": "Charles" }, { "first": "Mary", "born": 1780 } ],
  "dotted.key": "literal"
}"#;
const LOGIN: &str = r#"{"username":"shop","password":"s3cret","port":5432}"#;
const DOCKER: &str = r#"{"auths":{"registry.example.test":{"auth":"c2hvcDpzM2NyZXQ="}}}"#;
const SSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n  indented\n-----END OPENSSH PRIVATE KEY-----\n";

/// The rows.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "two-values",
            remote: vec![("two-1", "first", json!({})), ("two-2", "second\n", json!({}))],
            spec: json!({
                "target": { "name": "two-values-target" },
                "data": data(&[("one", "two-1", ""), ("two", "two-2", "")]),
            }),
            wanted: json!({ "data": { "one": "first", "two": "second\n" } }),
        },
        Case {
            name: "nested-properties",
            remote: vec![("nested", NESTED, json!({}))],
            spec: json!({ "target": { "name": "nested-target" }, "data": data(&[
                ("first", "nested", "name.first"),
                ("second-friend", "nested", "friends.1.first"),
                ("friend", "nested", "friends.0"),
                ("born", "nested", "friends.1.born"),
                ("dotted", "nested", "dotted.key"),
            ]) }),
            wanted: json!({ "data": {
                "first": "Ada", "second-friend": "Mary", "friend": r#"{ "first": "Charles" }"#,
                "born": "1780", "dotted": "literal",
            } }),
        },
        Case {
            name: "extract",
            remote: vec![("login", LOGIN, json!({}))],
            spec: json!({
                "target": { "name": "extract-target" },
                "dataFrom": [{ "extract": { "key": "login" } }],
            }),
            wanted: json!({
                "data": { "username": "shop", "password": "s3cret", "port": "5432" },
            }),
        },
        Case {
            name: "extract-and-rewrite",
            remote: vec![("prefixed", r#"{"DB_USER":"shop","DB_PASS":"s3cret"}"#, json!({}))],
            spec: json!({
                "target": { "name": "rewrite-target" },
                "dataFrom": [{
                    "extract": { "key": "prefixed" },
                    "rewrite": [{ "regexp": { "source": "^DB_(.*)$", "target": "my-$1" } }],
                }],
            }),
            wanted: json!({ "data": { "my-USER": "shop", "my-PASS": "s3cret" } }),
        },
        Case {
            name: "property",
            remote: vec![("property-login", LOGIN, json!({}))],
            spec: json!({
                "target": { "name": "property-target" },
                "data": data(&[("password", "property-login", "password")]),
            }),
            wanted: json!({ "data": { "password": "s3cret" } }),
        },
        Case {
            name: "template",
            remote: vec![("template-login", LOGIN, json!({}))],
            spec: json!({
                "target": { "name": "template-target", "template": {
                    "metadata": {
                        "labels": { "app": "shop", "user": "{{ .user }}" },
                        "annotations": { "note": "for {{ .user | upper }}" },
                    },
                    "data": { "url": "db://{{ .user }}:{{ .password }}@db:5432" },
                } },
                "data": data(&[
                    ("user", "template-login", "username"),
                    ("password", "template-login", "password"),
                ]),
            }),
            wanted: json!({
                "data": { "url": "db://shop:s3cret@db:5432" },
                "labels": { "app": "shop", "user": "shop" },
                "annotations": { "note": "for SHOP" },
            }),
        },
        Case {
            name: "registry-login",
            remote: vec![("docker", DOCKER, json!({}))],
            spec: json!({
                "target": { "name": "registry-target", "template": {
                    "type": "kubernetes.io/dockerconfigjson",
                    "data": { ".dockerconfigjson": "{{ .config }}" },
                } },
                "data": data(&[("config", "docker", "")]),
            }),
            wanted: json!({
                "type": "kubernetes.io/dockerconfigjson",
                "data": { ".dockerconfigjson": DOCKER },
            }),
        },
        Case {
            name: "registry-login-in-a-property",
            remote: vec![(
                "docker-property",
                r#"{"dockerconfig":{"auths":{"registry.example.test":{"auth":"c2hvcA=="}}}}"#,
                json!({}),
            )],
            spec: json!({
                "target": { "name": "registry-property-target", "template": {
                    "type": "kubernetes.io/dockerconfigjson",
                    "data": { ".dockerconfigjson": "{{ .config | toString }}" },
                } },
                "data": data(&[("config", "docker-property", "dockerconfig")]),
            }),
            wanted: json!({
                "type": "kubernetes.io/dockerconfigjson",
                "data": {
                    ".dockerconfigjson":
                        r#"{"auths":{"registry.example.test":{"auth":"c2hvcA=="}}}"#,
                },
            }),
        },
        Case {
            name: "ssh-key",
            remote: vec![("ssh", SSH, json!({}))],
            spec: json!({
                "target": { "name": "ssh-target", "template": {
                    "type": "kubernetes.io/ssh-auth",
                    "data": { "ssh-privatekey": "{{ .key }}" },
                } },
                "data": data(&[("key", "ssh", "")]),
            }),
            wanted: json!({
                "type": "kubernetes.io/ssh-auth", "data": { "ssh-privatekey": SSH },
            }),
        },
        Case {
            name: "ssh-key-in-a-property",
            remote: vec![(
                "ssh-property",
                r#"{"private":"-----BEGIN KEY-----\nbGluZQ\n\tx\n-----END KEY-----\n"}"#,
                json!({}),
            )],
            spec: json!({
                "target": { "name": "ssh-property-target", "template": {
                    "type": "kubernetes.io/ssh-auth",
                    "data": { "ssh-privatekey": "{{ .key }}" },
                } },
                "data": data(&[("key", "ssh-property", "private")]),
            }),
            wanted: json!({
                "type": "kubernetes.io/ssh-auth",
                "data": {
                    "ssh-privatekey": "-----BEGIN KEY-----\nbGluZQ\n\tx\n-----END KEY-----\n",
                },
            }),
        },
        Case {
            name: "no-target-name",
            remote: vec![("no-target", "value", json!({}))],
            spec: json!({ "data": data(&[("key", "no-target", "")]) }),
            wanted: json!({ "data": { "key": "value" } }),
        },
        Case {
            name: "no-target-name-and-a-property",
            remote: vec![("no-target-login", LOGIN, json!({}))],
            spec: json!({ "data": data(&[("user", "no-target-login", "username")]) }),
            wanted: json!({ "data": { "user": "shop" } }),
        },
    ]
}

impl Case {
    /// Makes everything.
    pub(crate) fn begin(&self, room: &Room, service: Service) {
        for (name, value, tags) in &self.remote {
            room.put(service, name, value, tags);
        }
        let mut spec = json!({ "secretStoreRef": { "name": service.store() } });
        merge(&mut spec, &self.spec);
        room.put_external_secret(self.name, &spec);
    }

    /// The name of its Secret.
    pub(crate) fn target(&self) -> &str {
        self.spec["target"]["name"].as_str().unwrap_or(self.name)
    }

    /// Checks what came of it.
    pub(crate) fn end(&self, room: &Room) {
        let object = room.ready(self.name);
        let target = self.target();
        let secret = room.has(target, &self.wanted);
        room.assert_marks(&secret, self.name, true);
        assert_eq!(object["status"]["binding"]["name"], target);
    }
}

/// Runs all rows at the same time, each in a room that `open` makes; false if there is no cluster.
pub(crate) fn run(cases: &[Case], service: Service, open: impl Fn(&str) -> Option<Room>) -> bool {
    let mut begun = Vec::new();
    for case in cases {
        let Some(room) = open(case.name) else { return false };
        case.begin(&room, service);
        begun.push((case, room));
    }
    let mut failed = Vec::new();
    for (case, room) in begun {
        // All rows are looked at, whatever comes of one.
        if catch_unwind(AssertUnwindSafe(move || case.end(&room))).is_err() {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "{service:?}: {failed:?}");
    true
}
