//! Workloads that cannot be restarted by their template: told, untouched, never called done.

use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use serde_json::json;

use crate::room::{Room, reads};

#[test]
fn what_nobody_would_roll_out_is_told_and_left_alone() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let pod = reads("db", &["used"]);
    let (none, on_delete) = (json!({}), json!({ "updateStrategy": { "type": "OnDelete" } }));
    let partition = json!({ "updateStrategy": { "rollingUpdate": { "partition": 1 } } });
    let told = [
        room.workload("Deployment", "paused", &pod),
        room.workload_with("StatefulSet", "on-delete", &pod, &on_delete, &none),
        room.workload_with("DaemonSet", "on-delete-set", &pod, &on_delete, &none),
        room.workload_with("StatefulSet", "partition", &pod, &partition, &none),
    ];
    let idle = room.workload_with("Deployment", "idle", &pod, &json!({ "replicas": 0 }), &none);
    room.wait_done(&told);
    let controller = room.controller();
    room.wait_noted(&told);
    room.wait_noted(std::slice::from_ref(&idle));
    room.api.patch(&room.apps("Deployment", "paused"), &json!({ "spec": { "paused": true } }));
    let before = room.restarts_of(&told);
    let notes: Vec<_> = told.iter().map(|it| room.record(it)).collect();
    let idle_note = room.record(&idle);
    room.put("db", "used", "b");
    for (_, name) in &told {
        wait_until(SOON, "it is told", || {
            room.events(name).contains(&"RestartSuppressed".to_owned()).then_some(())
        });
    }
    room.wait_judged();
    assert_eq!(room.restarts_of(&told), before);
    let after: Vec<_> = told.iter().map(|it| room.record(it)).collect();
    assert_eq!(notes, after, "one was called done");
    // It reads the new value when it gets pods.
    assert_eq!(room.restarts(&idle), 0);
    assert_ne!(room.record(&idle), idle_note);
    let pending = "extsecret_restart_pending{reason=\"ManualRestartRequired\"}";
    assert!(controller.metric(pending) > 2.5);
    // Resumed, it restarts; with its pods made anew by hand, the other is done.
    room.api.patch(&room.apps("Deployment", "paused"), &json!({ "spec": { "paused": false } }));
    room.wait_restarts(&told[..1], before[0] + 1);
    room.wait_judged();
    room.api.delete(&format!("api/v1/namespaces/{}/pods/on-delete-0", room.namespace));
    wait_until(SOON, "it is noted", || (room.record(&told[1]) != notes[1]).then_some(()));
    assert_eq!(room.restarts(&told[1]), before[1]);
    controller.stop();
}
