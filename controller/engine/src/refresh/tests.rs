#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]

use serde_json::{Value, json};

use super::*;
use crate::hash::{DATA_HASH_ANNOTATION, MANAGED_LABEL, data_hash};

const NOW: &str = "2026-03-01T12:00:00Z";
const REFRESHED: &str = "2026-03-01T11:30:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// An ExternalSecret that synced half an hour ago.
fn synced(spec: Value) -> ExternalSecret {
    let mut object: ExternalSecret = serde_json::from_value(json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "db", "namespace": "app", "generation": 3, "labels": { "a": "b" } },
        "spec": spec,
        "status": { "refreshTime": REFRESHED },
    }))
    .unwrap();
    let version = current_version(&object);
    object.status.as_mut().unwrap().synced_resource_version = Some(version);
    object
}

fn intact() -> Secret {
    let mut secret = Secret::default();
    secret.metadata.labels = Some([(MANAGED_LABEL.into(), "true".into())].into());
    secret.metadata.annotations =
        Some([(DATA_HASH_ANNOTATION.into(), data_hash(&secret.data))].into());
    secret
}

fn decided(object: &ExternalSecret, existing: Option<&Secret>) -> Decision {
    decide(object, existing, now(), RefreshOptions::default()).unwrap()
}

fn minutes(count: u64) -> Decision {
    Decision::Wait(Some(Duration::from_secs(60 * count)))
}

#[test]
fn periodic_waits_for_the_rest_of_its_interval() {
    let secret = intact();
    assert_eq!(decided(&synced(json!({})), Some(&secret)), minutes(30));
    assert_eq!(decided(&synced(json!({ "refreshInterval": "45m" })), Some(&secret)), minutes(15));
    for due in ["29m", "1s"] {
        assert_eq!(
            decided(&synced(json!({ "refreshInterval": due })), Some(&secret)),
            Decision::Fetch(Cause::Interval)
        );
    }
    // At the very moment it is not yet due: ESO asks for "before now".
    assert_eq!(decided(&synced(json!({ "refreshInterval": "30m" })), Some(&secret)), minutes(0));
}

#[test]
fn a_change_of_the_object_or_its_labels_is_fetched() {
    for policy in [json!({}), json!({ "refreshPolicy": "OnChange" })] {
        let mut generation = synced(policy.clone());
        generation.metadata.generation = Some(4);
        let mut label = synced(policy);
        label.metadata.labels.as_mut().unwrap().insert("force-sync".into(), "1".into());
        for object in [generation, label] {
            assert_eq!(decided(&object, Some(&intact())), Decision::Fetch(Cause::Changed));
        }
    }
}

#[test]
fn created_once_and_on_change_never_wait_for_a_time() {
    for policy in ["CreatedOnce", "OnChange"] {
        let object = synced(json!({ "refreshPolicy": policy, "refreshInterval": "1m" }));
        assert_eq!(decided(&object, Some(&intact())), Decision::Wait(None));
        // Drift is repaired under every policy.
        assert_eq!(decided(&object, None), Decision::Fetch(Cause::Drift));
    }
    let mut changed = synced(json!({ "refreshPolicy": "CreatedOnce" }));
    changed.metadata.generation = Some(9);
    assert_eq!(decided(&changed, Some(&intact())), Decision::Wait(None));
}

#[test]
fn interval_zero_refreshes_on_change_only_unless_frozen() {
    let mut object = synced(json!({ "refreshInterval": "0" }));
    assert_eq!(decided(&object, Some(&intact())), Decision::Wait(None));
    object.metadata.generation = Some(4);
    assert_eq!(decided(&object, Some(&intact())), Decision::Fetch(Cause::Changed));
    let frozen = RefreshOptions { frozen_interval_zero: true, ..RefreshOptions::default() };
    assert_eq!(decide(&object, Some(&intact()), now(), frozen), Ok(Decision::Wait(None)));
    object.status = None;
    assert_eq!(decide(&object, None, now(), frozen), Ok(Decision::Fetch(Cause::First)));
}

#[test]
fn drift_is_fetched_except_where_the_secret_is_not_ours_to_keep() {
    let mut edited = intact();
    edited.data.insert("a".into(), b"b".to_vec());
    assert_eq!(decided(&synced(json!({})), Some(&edited)), Decision::Fetch(Cause::Drift));
    let orphan = synced(json!({ "target": { "creationPolicy": "Orphan" } }));
    assert_eq!(decided(&orphan, Some(&edited)), minutes(30));
    assert_eq!(decided(&orphan, None), minutes(30));
    // Nothing is ever written, so nothing can be missing.
    let none = synced(json!({ "target": { "creationPolicy": "None" } }));
    assert_eq!(decided(&none, None), minutes(30));
}

#[test]
fn a_refresh_in_the_future_is_not_believed() {
    let mut object = synced(json!({}));
    object.status.as_mut().unwrap().refresh_time = Some("2026-03-01T12:00:01Z".into());
    assert_eq!(decided(&object, Some(&intact())), Decision::Fetch(Cause::FutureRefresh));
}

#[test]
fn windows_hold_the_interval_back_and_nothing_else() {
    let windows =
        json!({ "kind": "deny", "windows": [{ "schedule": "0 11 * * *", "duration": "3h" }] });
    let mut object = synced(json!({ "refreshInterval": "10m", "syncWindows": windows }));
    assert_eq!(decided(&object, Some(&intact())), minutes(120));
    assert_eq!(decided(&object, None), Decision::Fetch(Cause::Drift));
    object.metadata.generation = Some(4);
    assert_eq!(decided(&object, Some(&intact())), Decision::Fetch(Cause::Changed));
}

/// Reads a key through a store, every ten minutes.
fn reader(store: &str, key: &str) -> ExternalSecret {
    synced(json!({
        "refreshInterval": "10m", "secretStoreRef": { "name": store },
        "data": [{ "secretKey": "value", "remoteRef": { "key": key } }],
    }))
}

/// How long its values last from their refresh on.
fn pause(object: &ExternalSecret, options: RefreshOptions) -> Duration {
    next(object, REFRESHED.parse().unwrap(), options).unwrap().unwrap()
}

const SPREAD: RefreshOptions = RefreshOptions { frozen_interval_zero: false, spread: true };

#[test]
fn refreshes_are_spread_over_the_last_tenth_of_their_interval_and_never_late() {
    let share = |object: &ExternalSecret, options| pause(object, options).as_secs_f64() / 600.0;
    let mut shares = Vec::new();
    for number in 0..100 {
        let object = reader("main", &format!("app/{number}"));
        assert!((share(&object, RefreshOptions::default()) - 1.0).abs() < f64::EPSILON);
        shares.push(share(&object, SPREAD));
    }
    shares.sort_by(f64::total_cmp);
    assert!(shares[0] >= 0.9 && shares[99] <= 1.0, "{shares:?}");
    // Of a hundred that fall anywhere, ten fall in each tenth of that.
    for tenth in 0..10 {
        let from = 0.9 + 0.01 * f64::from(tenth);
        let there = shares.iter().filter(|share| (from..from + 0.01).contains(*share)).count();
        assert!((3..=20).contains(&there), "{there} from {from}: {shares:?}");
    }
}

#[test]
fn those_that_read_the_same_key_of_the_same_store_stay_together() {
    let object = reader("main", "a");
    let mut more = object.clone();
    more.metadata.name = Some("other".into());
    let further = json!([
        { "secretKey": "x", "remoteRef": { "key": "b" } },
        { "secretKey": "y", "remoteRef": { "key": "a", "property": "p" },
          "sourceRef": { "storeRef": { "name": "main" } } },
    ]);
    more.spec.data = Some(serde_json::from_value(further).unwrap());
    let mut extract = object.clone();
    extract.spec.data = None;
    extract.spec.data_from =
        Some(serde_json::from_value(json!([{ "extract": { "key": "a" } }])).unwrap());
    for same in [more, extract] {
        assert_eq!(pause(&same, SPREAD), pause(&object, SPREAD));
    }
    for other in [reader("main", "b"), reader("other", "a")] {
        assert_ne!(pause(&other, SPREAD), pause(&object, SPREAD));
    }
}

#[test]
fn what_is_due_early_is_fetched_early_and_not_before() {
    for key in ["a", "b", "c"] {
        let object = reader("main", key);
        let pause = SignedDuration::try_from(pause(&object, SPREAD)).unwrap();
        let due = REFRESHED.parse::<Timestamp>().unwrap().checked_add(pause).unwrap();
        let at = |now| decide(&object, Some(&intact()), now, SPREAD).unwrap();
        assert_eq!(at(due), Decision::Wait(Some(Duration::ZERO)));
        let nanosecond = SignedDuration::from_nanos(1);
        assert_eq!(at(due.checked_add(nanosecond).unwrap()), Decision::Fetch(Cause::Interval));
        let just_before = due.checked_sub(nanosecond).unwrap();
        assert_eq!(at(just_before), Decision::Wait(Some(Duration::from_nanos(1))));
    }
}

#[test]
fn an_interval_that_is_no_duration_is_an_error() {
    assert!(
        decide(
            &synced(json!({ "refreshInterval": "soon" })),
            None,
            now(),
            RefreshOptions::default()
        )
        .is_err()
    );
}
