use serde_json::json;

use super::*;

const NOW: &str = "2026-11-25T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn row(spec: &Value, status: &Value) -> Row {
    let object = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {
            "name": "db", "namespace": "shop", "creationTimestamp": "2026-11-20T12:00:00Z",
            "managedFields": [
                { "manager": "kubectl", "operation": "Update", "time": "2026-11-25T11:00:00Z" },
                { "manager": "external-secrets", "operation": "Update", "subresource": "status",
                  "time": "2026-11-25T10:00:00Z" },
            ],
        },
        "spec": spec, "status": status,
    });
    Row::of(&serde_json::from_value(object).unwrap(), now())
}

fn synced(ready: &str, reason: &str, refreshed: &str) -> Value {
    json!({
        "refreshTime": refreshed, "syncedResourceVersion": "1-x",
        "conditions": [{ "type": "Ready", "status": ready, "reason": reason, "message": "told" }],
    })
}

#[test]
fn a_healthy_one() {
    let spec = json!({
        "secretStoreRef": { "name": "main", "kind": "ClusterSecretStore" },
        "refreshInterval": "1h", "target": { "name": "database" },
    });
    let row = row(&spec, &synced("True", "SecretSynced", "2026-11-25T11:30:00Z"));
    assert_eq!(row.health, Health::Healthy);
    assert_eq!(row.problem, None);
    assert_eq!(row.secret, "database");
    assert_eq!(row.store.as_ref().map(|it| it.kind.as_str()), Some("ClusterSecretStore"));
    assert_eq!(row.next_sync, "2026-11-25T12:30:00Z".parse().ok());
    assert_eq!(row.controller.as_deref(), Some("external-secrets"));
}

#[test]
fn a_failing_one_says_why() {
    let row = row(&json!({}), &synced("False", "SecretSyncedError", "2026-11-25T11:30:00Z"));
    assert_eq!((row.health, row.problem.as_deref()), (Health::Failing, Some("told")));
}

#[test]
fn one_that_no_controller_refreshes_is_stale() {
    let status = synced("True", "SecretSynced", "2026-11-25T08:00:00Z");
    let stale = row(&json!({ "refreshInterval": "1h" }), &status);
    assert_eq!(stale.health, Health::Stale);
    assert!(stale.problem.as_deref().unwrap().contains("3h overdue"), "{stale:?}");
    assert_eq!(stale.next_sync, "2026-11-25T09:00:00Z".parse().ok());
    // What is not fetched in intervals is never late.
    for spec in [
        json!({ "refreshInterval": "0" }),
        json!({ "refreshInterval": "1h", "refreshPolicy": "OnChange" }),
        json!({ "refreshInterval": "1h", "refreshPolicy": "CreatedOnce" }),
    ] {
        let row = row(&spec, &status);
        assert_eq!((row.health, row.next_sync), (Health::Healthy, None), "{spec}");
    }
    // A controller has a queue.
    let status = synced("True", "SecretSynced", "2026-11-25T10:56:00Z");
    assert_eq!(row(&json!({ "refreshInterval": "1h" }), &status).health, Health::Healthy);
}

#[test]
fn one_outside_its_windows_is_not_late() {
    let spec = json!({
        "refreshInterval": "1h",
        "syncWindows": {
            "kind": "allow", "windows": [{ "schedule": "0 3 * * *", "duration": "1h" }],
        },
    });
    let row = row(&spec, &synced("True", "SecretSynced", "2026-11-25T03:10:00Z"));
    assert_eq!(row.health, Health::Healthy);
    assert_eq!(row.next_sync, "2026-11-26T03:00:00Z".parse().ok());
}

#[test]
fn ready_without_a_target_is_not_healthy() {
    let row = row(&json!({}), &synced("True", "SecretMissing", "2026-11-25T11:30:00Z"));
    assert_eq!(row.health, Health::Failing);
}

#[test]
fn nobody_has_looked_at_it() {
    let row = row(&json!({}), &json!({}));
    assert_eq!(row.health, Health::Failing);
    assert!(row.problem.as_deref().unwrap().contains("no controller"), "{row:?}");
    let mut young = row;
    young.created = now().checked_sub(SignedDuration::from_secs(10)).ok();
    young.judge(now());
    assert_eq!(young.health, Health::Pending);
}

#[test]
fn the_first_item_names_the_store_where_the_object_does_not() {
    let source = json!({ "storeRef": { "name": "own", "kind": "SecretStore" } });
    let spec = json!({
        "data": [{ "secretKey": "a", "remoteRef": { "key": "k" }, "sourceRef": source }],
    });
    assert_eq!(row(&spec, &json!({})).store.map(|it| it.name).as_deref(), Some("own"));
    assert_eq!(row(&json!({}), &json!({})).store, None);
}

#[test]
fn objects_of_the_old_kind() {
    let kes = |status: Value| {
        let object = json!({
            "metadata": { "name": "db", "namespace": "shop",
                "creationTimestamp": "2020-11-20T12:00:00Z" },
            "spec": { "backendType": "secretsManager" }, "status": status,
        });
        Row::of_kes(&serde_json::from_value(object).unwrap(), now())
    };
    let fine = kes(json!({ "lastSync": "2026-11-25T11:59:50.123Z", "status": "SUCCESS" }));
    assert_eq!(fine.health, Health::Healthy);
    assert_eq!(fine.last_sync, "2026-11-25T11:59:50.123Z".parse().ok());
    assert_eq!(fine.store.map(|it| it.name).as_deref(), Some("secretsManager"));
    let broken = kes(json!({ "status": "ERROR, AccessDeniedException: no" }));
    assert_eq!(broken.reason.as_deref(), Some("ERROR"));
    assert_eq!(broken.problem.as_deref(), Some("AccessDeniedException: no"));
    assert_eq!(kes(json!({})).health, Health::Failing);
    let old: KesObject = serde_json::from_value(json!({
        "metadata": {}, "secretDescriptor": { "backendType": "vault" },
    }))
    .unwrap();
    assert_eq!(Row::of_kes(&old, now()).store.map(|it| it.name).as_deref(), Some("vault"));
}

#[test]
fn keys_are_known_without_reading_one() {
    let meta: ObjectMeta = serde_json::from_value(json!({ "managedFields": [
        { "manager": "a", "fieldsV1": { "f:data": { ".": {}, "f:b": {}, "f:a": {} } } },
        { "manager": "b", "fieldsV1": { "f:data": { "f:a": {} }, "f:type": {} } },
        { "manager": "c" },
    ] }))
    .unwrap();
    assert_eq!(keys(&meta), ["a", "b"]);
}
