//! Workloads that cannot be restarted by their template: told, untouched, never called done.

use extsecret_tests::controller::{Controller, wait_until};
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
        room.workload("Deployment", "owned", &pod),
    ];
    // As an operator does, which would take back whatever it did not write.
    let maps = format!("api/v1/namespaces/{}/configmaps", room.namespace);
    let maker = room.api.create(
        &maps,
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "kafka" } }),
    );
    let owner = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "kafka", "controller": true,
        "uid": maker["metadata"]["uid"],
    });
    let change = json!({ "metadata": { "ownerReferences": [owner] } });
    room.api.patch(&room.apps("Deployment", "owned"), &change);
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
    assert!(controller.metric("extsecret_restart_pending{reason=\"OwnedByController\"}") > 0.5);
    // Resumed, it restarts; with its pods made anew by hand, the other is done.
    room.api.patch(&room.apps("Deployment", "paused"), &json!({ "spec": { "paused": false } }));
    room.wait_restarts(&told[..1], before[0] + 1);
    room.wait_judged();
    room.api.delete(&format!("api/v1/namespaces/{}/pods/on-delete-0", room.namespace));
    wait_until(SOON, "it is noted", || (room.record(&told[1]) != notes[1]).then_some(()));
    assert_eq!(room.restarts(&told[1]), before[1]);
    controller.stop();
}

#[test]
fn jobs_and_pods_that_nothing_makes_anew_are_told_and_left_alone() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a"), ("unused", "a")]);
    let asks = json!({ "extsecret.io/restart": "auto" });
    let mut pod = reads("db", &["used"]);
    pod["restartPolicy"] = json!("Never");
    let batch = |plural: &str| format!("apis/batch/v1/namespaces/{}/{plural}", room.namespace);
    let pods = format!("api/v1/namespaces/{}/pods", room.namespace);
    // It is under way until the end of the test.
    let slow = json!({ "annotations": { "extsecret.test/ready-after": "1h" } });
    let job = |name: &str| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": { "name": name, "annotations": asks },
            "spec": { "template": { "metadata": slow, "spec": pod } },
        })
    };
    room.api.create(&batch("jobs"), &job("once"));
    room.api.create(
        &batch("cronjobs"),
        &json!({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": { "name": "nightly", "annotations": asks },
            "spec": {
                "schedule": "0 0 1 1 *",
                "jobTemplate": { "spec": { "template": { "spec": pod } } },
            },
        }),
    );
    let bare = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "bare", "annotations": asks }, "spec": pod,
    });
    room.api.create(&pods, &bare);
    let all = [batch("jobs/once"), batch("cronjobs/nightly"), format!("{pods}/bare")];
    let runs = |path: &str| {
        let object = room.api.get(path).unwrap_or_default();
        let status = &object["status"];
        (status["active"] == 1 || status["phase"] == "Running").then_some(object)
    };
    for path in [&all[0], &all[2]] {
        wait_until(SOON, "it runs", || runs(path));
    }
    // Its last run was before the change.
    let last = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).expect("now");
    let last = json!({ "status": { "lastScheduleTime": last.to_string() } });
    room.api.patch(&format!("{}/status", all[1]), &last);
    let controller = room.controller();
    // Long enough for the change to be certainly later than the controller's first start.
    room.wait_judged();
    room.put("db", "unused", "b");
    room.wait_judged();
    let reasons = ["Job", "NextRun", "BarePod"];
    let names = ["once", "nightly", "bare"];
    let pending = |controller: &Controller, reason: &str| {
        controller.metric(&format!("extsecret_restart_pending{{reason=\"{reason}\"}}"))
    };
    let pends = |controller: &Controller, all: &[&str]| {
        all.iter().all(|reason| pending(controller, reason) > 0.5)
    };
    assert!(
        reasons.iter().all(|reason| pending(&controller, reason) < 0.5),
        "a key that nobody reads counts"
    );
    // Whoever comes anew does not know which key that was, and tells nobody for nothing.
    controller.kill();
    let controller = room.controller();
    room.wait_judged();
    wait_until(SOON, "they may have an older value", || pends(&controller, &reasons).then_some(()));
    for name in names {
        assert_eq!(room.events(name), [""; 0], "{name} is told for nothing");
    }
    let kept = |path: &String| {
        let object = room.api.get(path).expect("what is told of is still there");
        let metadata = &object["metadata"];
        [metadata["uid"].clone(), metadata["annotations"].clone(), metadata["generation"].clone()]
    };
    let before: Vec<_> = all.iter().map(kept).collect();

    room.put("db", "used", "b");
    for name in names {
        wait_until(SOON, "it is told", || {
            room.events(name).contains(&"RestartSuppressed".to_owned()).then_some(())
        });
    }
    room.wait_judged();
    assert!(pends(&controller, &reasons), "one was called done");
    assert_eq!(all.iter().map(kept).collect::<Vec<_>>(), before);
    assert_eq!(room.api.list(&batch("jobs")).len(), 1, "a CronJob was run");
    // Made again by hand, it has the new value.
    room.api.delete(&all[2]);
    wait_until(SOON, "it is gone", || room.api.get(&all[2]).is_none().then_some(()));
    room.api.create(&pods, &bare);
    wait_until(SOON, "it is done", || (pending(&controller, "BarePod") < 0.5).then_some(()));
    assert!(pends(&controller, &["Job"]));
    controller.stop();
}
