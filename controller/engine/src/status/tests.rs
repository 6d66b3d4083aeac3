use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-03-01T12:00:00.75Z".parse().unwrap()
}

#[test]
fn the_transition_time_moves_with_the_status_only() {
    let fetched = "2026-03-01T11:59:58Z".parse().unwrap();
    let ready = next_status(None, &Outcome::synced(), "1-x", Some("db"), now(), fetched);
    assert_eq!(
        serde_json::to_value(&ready).unwrap(),
        json!({
            "refreshTime": "2026-03-01T11:59:58Z",
            "syncedResourceVersion": "1-x",
            "binding": { "name": "db" },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "SecretSynced",
                "message": "secret synced", "lastTransitionTime": "2026-03-01T12:00:00Z",
            }],
        })
    );
    let later = "2026-03-01T13:00:00Z".parse().unwrap();
    let again = next_status(Some(&ready), &Outcome::frozen(), "2-x", None, later, later);
    assert_eq!(again.refresh_time.as_deref(), Some("2026-03-01T13:00:00Z"));
    assert_eq!(again.binding, ready.binding);
    let since =
        |status: &ExternalSecretStatus| status.ready().unwrap().last_transition_time.clone();
    assert_eq!(since(&again), since(&ready));

    let outcome = Outcome::failed(Step::Update, &"why", true);
    let failed = next_status(Some(&again), &outcome, "3-x", None, later, later);
    assert_eq!(failed.refresh_time, again.refresh_time);
    assert_eq!(failed.synced_resource_version.as_deref(), Some("2-x"));
    let condition = failed.ready().unwrap();
    assert_eq!(condition.message.as_deref(), Some("could not update secret: why"));
    assert_eq!(condition.last_transition_time.as_deref(), Some("2026-03-01T13:00:00Z"));
    assert_eq!(failed.conditions.unwrap().len(), 1);
}

#[test]
fn a_long_cause_is_cut_at_a_character() {
    let outcome = Outcome::failed(Step::GetData, &"ä".repeat(2000), true);
    assert!(outcome.message.len() <= MAX_MESSAGE && outcome.message.ends_with("ä..."));
}
