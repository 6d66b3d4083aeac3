use serde_json::json;

use super::*;

fn deployment() -> Workload {
    serde_json::from_value(json!({
        "metadata": { "name": "api" },
        "spec": {
            "selector": { "matchLabels": { "app": "api" } },
            "template": { "spec": {
                "containers": [{
                    "name": "0",
                    "env": [
                        { "name": "P", "valueFrom": {
                            "secretKeyRef": { "name": "db", "key": "password" } } },
                        { "name": "Q", "valueFrom": {
                            "secretKeyRef": { "name": "db", "key": "hint", "optional": true } } },
                    ],
                    "volumeMounts": [{ "name": "v", "mountPath": "/v" }],
                }],
                "imagePullSecrets": [{ "name": "registry" }],
                "volumes": [{ "name": "v", "secret": { "secretName": "files" } }],
            } },
        },
    }))
    .unwrap()
}

/// A pod of the deployment, with containers that all read the same.
fn pod(app: &str, phase: &str, started: &[&str]) -> Pod {
    let template = json!({ "name": "0", "env": [{ "name": "P", "valueFrom": {
        "secretKeyRef": { "name": "db", "key": "password" } } }] });
    let container = |index: usize| {
        let mut container = template.clone();
        container["name"] = json!(index.to_string());
        container
    };
    let status = |(index, at): (usize, &&str)| json!({ "name": index.to_string(), "state": { "running": { "startedAt": at } } });
    serde_json::from_value(json!({
        "metadata": { "labels": { "app": app, "more": "x" } },
        "spec": { "containers": (0..started.len()).map(container).collect::<Vec<_>>() },
        "status": {
            "phase": phase, "startTime": "2026-11-20T00:00:00Z",
            "containerStatuses": started.iter().enumerate().map(status).collect::<Vec<_>>(),
        },
    }))
    .unwrap()
}

/// A Secret whose keys were all written at one time.
fn written_at(at: &str) -> Written {
    let keys = json!({ "f:data": { "f:password": {}, "f:a": {} } });
    Written::of(None, [(at.parse().unwrap(), &keys)])
}

fn look(secret: &str, keys: &[&str], written: Option<&str>) -> Consumer {
    let workload = deployment();
    let uses = workload.uses();
    assert!(concerns(&uses, secret), "{secret}");
    let keys = keys.iter().map(ToString::to_string).collect();
    let pods = [
        pod("api", "Running", &["2026-11-25T10:00:00Z"]),
        // One of its containers is of today, the other still has yesterday's variables.
        pod("api", "Running", &["2026-11-25T12:00:00Z", "2026-11-24T00:00:00Z"]),
        pod("api", "Running", &["2026-11-25T12:00:00Z"]),
        pod("other", "Running", &["2026-11-24T00:00:00Z"]),
    ];
    let written = written.map(written_at).unwrap_or_default();
    let consumer_of_it = User { kind: "Deployment", workload, uses };
    consumer(&consumer_of_it, secret, Some(&Some(keys)), &pods, &written)
}

#[test]
fn a_workload_that_reads_keys() {
    let found = look("db", &["password"], Some("2026-11-25T11:00:00Z"));
    assert_eq!((found.pods, found.older), (3, 2));
    assert!(found.missing.is_empty());
    assert_eq!(
        found.uses,
        [
            "hint as variables of the environment (optional)",
            "password as variables of the environment",
        ]
    );
    let found = look("db", &["user"], None);
    assert_eq!(found.older, 0);
    assert_eq!(found.missing, BTreeSet::from(["password".to_owned()]));
}

#[test]
fn stale_is_who_keeps_an_older_value() {
    let workload = deployment();
    let uses = workload.uses();
    let consumer_of_it = User { kind: "Deployment", workload, uses };
    let (old, new) = (
        pod("api", "Running", &["2026-11-25T10:00:00Z"]),
        pod("api", "Running", &["2026-11-25T12:00:00Z"]),
    );
    let written = |secret: &str| {
        let at = written_at("2026-11-25T11:00:00Z");
        BTreeMap::from([(("shop".to_owned(), secret.to_owned()), at)])
    };
    let found = older(&consumer_of_it, "shop", &[&old, &new], &written("db"));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].secret.as_str(), found[0].pods, found[0].older), ("db", 2, 1));
    // Files of a volume are current, another namespace has another Secret, new pods are new.
    assert!(older(&consumer_of_it, "shop", &[&old], &written("files")).is_empty());
    assert!(older(&consumer_of_it, "other", &[&old], &written("db")).is_empty());
    assert!(older(&consumer_of_it, "shop", &[&new], &written("db")).is_empty());
}

#[test]
fn files_of_a_volume_are_kept_current() {
    let found = look("files", &["a"], Some("2026-11-25T11:00:00Z"));
    assert_eq!((found.pods, found.older), (3, 0));
    assert_eq!(found.uses, ["all keys as files of a volume"]);
}

#[test]
fn what_only_names_it_is_told() {
    assert_eq!(
        look("registry", &[], None).uses,
        ["named for something else, such as pulling images"]
    );
    assert!(!concerns(&deployment().uses(), "unknown"));
}

#[test]
fn pods_that_are_over_and_strangers_do_not_count() {
    let workload = deployment();
    assert!(pod("api", "Running", &[]).runs);
    assert!(!pod("api", "Succeeded", &[]).runs);
    assert!(!workload.has(&pod("x", "Running", &[])));
    // Without a selector nothing belongs to it, as for a CronJob.
    assert!(!Workload::default().has(&pod("api", "Running", &[])));
}

#[test]
fn a_cron_job_has_its_template_deeper() {
    let job: Workload = serde_json::from_value(json!({
        "metadata": { "name": "nightly" },
        "spec": { "jobTemplate": { "spec": { "template": { "spec": {
            "containers": [{ "envFrom": [{ "secretRef": { "name": "db" } }] }],
        } } } } },
    }))
    .unwrap();
    assert!(concerns(&job.uses(), "db"));
}

#[test]
fn who_needs_a_secret_that_is_not_there_waits_for_it() {
    let of = |workload: Workload, keys: Option<&Option<BTreeSet<String>>>| {
        let uses = workload.uses();
        let it = User { kind: "Deployment", workload, uses };
        let found = consumer(&it, "db", keys, &[], &Written::default());
        (found.waits, found.missing.len())
    };
    assert_eq!(of(deployment(), Some(&None)), (true, 0));
    assert_eq!(of(deployment(), Some(&Some(BTreeSet::new()))), (false, 1));
    // Nobody could look.
    assert_eq!(of(deployment(), None), (false, 0));
    let optional: Workload = serde_json::from_value(json!({
        "spec": { "template": { "spec": { "containers": [{
            "envFrom": [{ "secretRef": { "name": "db", "optional": true } }],
        }] } } },
    }))
    .unwrap();
    assert_eq!(of(optional, Some(&None)), (false, 0));
}
