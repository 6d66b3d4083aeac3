//! Argo Rollouts, of which the cluster learns while the controller runs. The test plays Argo's part.

use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::{argo, require};
use serde_json::{Value, json};

use crate::room::{Room, reads};

#[test]
fn a_rollout_restarts_by_its_own_field_together_with_its_record() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let controller = room.controller();
    room.wait_judged();
    argo::define(room.cluster, room.api);
    let path = argo::rollouts(&room.namespace);
    let make = |name: &str, spec: &Value| {
        let mut all = json!({
            "replicas": 1, "selector": { "matchLabels": { "app": name } },
            "strategy": { "canary": { "steps": [{ "setWeight": 10 }, { "pause": {} }] } },
        });
        for (field, value) in spec.as_object().into_iter().flatten() {
            all[field] = value.clone();
        }
        room.api.create(
            &path,
            &json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                "metadata": { "name": name, "annotations": { "extsecret.io/restart": "db" } },
                "spec": all,
            }),
        );
    };
    let get = |name: &str| room.api.get(&format!("{path}/{name}")).expect("a Rollout");
    let record = |object: &Value| {
        let text = object["metadata"]["annotations"]["extsecret.io/restart-record"].as_str()?;
        serde_json::from_str::<Value>(text).ok()
    };
    // As Argo writes it: the generation is a text.
    let argo_says = |name: &str, phase: &str| {
        let object = get(name);
        let status = json!({ "status": {
            "phase": phase, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1,
            "observedGeneration": object["metadata"]["generation"].to_string(),
            "restartedAt": object["spec"]["restartAt"],
        } });
        room.api.patch(&format!("{path}/{name}/status"), &status);
    };
    make(
        "web",
        &json!({ "template": {
        "metadata": { "labels": { "app": "web" } }, "spec": reads("db", &["used"]) } }),
    );
    // Its pods are those of a Deployment that does not ask.
    let off = room.deployment("elsewhere", "db", &["used"]);
    let change = json!({ "metadata": { "annotations": { "extsecret.io/restart": "off" } } });
    room.api.patch(&room.apps(off.0, &off.1), &change);
    room.wait_done(&[off]);
    make("elsewhere", &json!({ "workloadRef": { "kind": "Deployment", "name": "web" } }));
    for name in ["web", "elsewhere"] {
        argo_says(name, "Healthy");
        wait_until(SOON, "it is noted", || record(&get(name)));
    }
    let before = get("web");

    room.put("db", "used", "b");
    let restarted = wait_until(SOON, "it restarts", || {
        Some(get("web")).filter(|it| it["spec"]["restartAt"].is_string())
    });
    // One write: whoever sees the one, sees the other.
    let at = &restarted["spec"]["restartAt"];
    assert_eq!(record(&restarted).expect("a record")["marker"], *at);
    assert_eq!(restarted["metadata"]["generation"], 2);
    assert_eq!(restarted["spec"]["template"], before["spec"]["template"], "a canary would begin");
    wait_until(SOON, "it is told", || {
        room.events("elsewhere").contains(&"RestartSuppressed".to_owned()).then_some(())
    });
    room.wait_judged();
    assert!(get("elsewhere")["spec"]["restartAt"].is_null());
    assert!(controller.metric("extsecret_restart_rollouts") > 0.5);
    argo_says("web", "Degraded");
    wait_until(SOON, "it has failed", || {
        room.events("web").contains(&"RestartFailed".to_owned()).then_some(())
    });
    argo_says("web", "Healthy");
    wait_until(SOON, "it is over", || {
        room.events("web").contains(&"RestartCompleted".to_owned()).then_some(())
    });
    room.wait_judged();
    assert_eq!(get("web")["metadata"]["generation"], 2, "it was restarted again");
    controller.stop();
}
