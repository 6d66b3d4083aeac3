//! People say whether and when: namespaces, workloads, Secrets and flags.

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::room::Room;

fn wait_told(room: &Room<'_>, name: &str, reason: &str) {
    wait_until(SOON, &format!("{name} is told {reason}"), || {
        room.events(name).iter().any(|it| it == reason).then_some(())
    });
}

fn pending(controller: &Controller, reason: &str) -> f64 {
    controller.metric(&format!("extsecret_restart_pending{{reason=\"{reason}\"}}"))
}

#[test]
fn a_dry_run_tells_what_would_restart_and_writes_nothing() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(3);
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    controller.stop();
    let controller = room.controller_with(&["--restarts=dry-run"]);
    let versions: Vec<_> = all.iter().map(|it| room.version(it)).collect();
    room.put("db", "used", "b");
    for (_, name) in &all {
        wait_told(&room, name, "RestartSuppressed");
    }
    wait_until(SOON, "they wait", || (pending(&controller, "DryRun") > 2.5).then_some(()));
    let after: Vec<_> = all.iter().map(|it| room.version(it)).collect();
    assert_eq!(versions, after, "a workload was written");
    controller.stop();
    // What would have restarted does when it may; and one that says no to that still does not.
    room.annotate(&all[2], "extsecret.io/restart-mode", &json!("dry-run"));
    let controller = room.controller();
    room.wait_restarts(&all[..2], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1, 1, 0]);
    assert!((pending(&controller, "DryRun") - 1.0).abs() < 0.5);
    controller.stop();
}

#[test]
fn who_is_to_restart_it_is_told_once_for_each_content_and_nothing_is_written() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(2);
    for it in &all {
        room.annotate(it, "extsecret.io/restart-mode", &json!("notify"));
    }
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_judged();
    let versions = || all.iter().map(|it| room.version(it)).collect::<Vec<_>>();
    let before = versions();
    let told = |name: &str| room.events(name).iter().filter(|it| *it == "RestartNeeded").count();
    for round in 1..=2 {
        room.put("db", "used", &format!("b{round}"));
        for (_, name) in &all {
            wait_until(SOON, "it is told", || (told(name) == round).then_some(()));
        }
        room.wait_judged();
        assert_eq!(all.iter().map(|(_, name)| told(name)).collect::<Vec<_>>(), [round; 2]);
    }
    assert_eq!(versions(), before, "a workload was written");
    assert!((pending(&controller, "Notified") - 2.0).abs() < 0.5);
    controller.stop();
    // As for one annotation, so for the flag; who comes anew tells anew.
    for it in &all {
        room.annotate(it, "extsecret.io/restart-mode", &json!(null));
    }
    let before = versions();
    let controller = room.controller_with(&["--restarts=notify"]);
    wait_until(SOON, "all are told", || (pending(&controller, "Notified") > 1.5).then_some(()));
    assert_eq!(versions(), before, "a workload was written");
    // Somebody does it.
    let change =
        json!({ "spec": { "template": { "metadata": { "annotations": { "by": "hand" } } } } });
    room.api.patch(&room.apps("Deployment", "web-0"), &change);
    wait_until(SOON, "one is done", || {
        ((pending(&controller, "Notified") - 1.0).abs() < 0.5).then_some(())
    });
    let notified = "extsecret_restarts_total{kind=\"Deployment\",result=\"notified\",\
                    reason=\"SecretChanged\"}";
    assert!((controller.metric(notified) - 2.0).abs() < 0.5);
    controller.stop();
}

#[test]
fn a_window_and_a_freeze_hold_a_restart_until_they_are_over() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(3);
    room.wait_done(&all);
    let hour = |later: i64| {
        let at = Timestamp::now() + SignedDuration::from_hours(later);
        json!(format!("0 {} * * * 2h", at.strftime("%-H")))
    };
    room.annotate(&all[0], "extsecret.io/restart-window", &hour(12));
    room.annotate(&all[1], "extsecret.io/restart-freeze", &json!("true"));
    let mut controller = room.controller();
    room.wait_noted(&all);
    room.put("db", "used", "b");
    room.wait_restarts(&all[2..], 1);
    for name in ["web-0", "web-1"] {
        wait_told(&room, name, "RestartDeferred");
    }
    // Whoever comes next knows of it, too.
    controller.kill();
    controller = room.controller();
    wait_until(SOON, "both are held", || {
        (pending(&controller, "Window") > 0.5 && pending(&controller, "Frozen") > 0.5).then_some(())
    });
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [0, 0, 1]);
    let stale = format!("extsecret_stale_pods{{namespace=\"{}\"}}", room.namespace);
    wait_until(SOON, "their pods are", || {
        ((controller.metric(&stale) - 2.0).abs() < 0.5).then_some(())
    });
    room.annotate(&all[0], "extsecret.io/restart-window", &hour(0));
    let soon = Timestamp::now() + SignedDuration::from_secs(2);
    room.annotate(&all[1], "extsecret.io/restart-freeze", &json!(soon.to_string()));
    // One opens by what is said, the other by the time.
    room.wait_restarts(&all, 1);
    assert!(Timestamp::now() > soon);
    room.wait_done(&all);
    room.wait_judged();
    wait_until(SOON, "no pod is", || (controller.metric(&stale) < 0.5).then_some(()));
    assert_eq!(room.restarts_of(&all), [1, 1, 1]);
    // A Secret may be frozen as well, and so may everything.
    let freeze =
        json!({ "metadata": { "annotations": { "extsecret.io/restart-freeze": "true" } } });
    room.patch_secret("db", &freeze);
    room.put("db", "used", "c");
    wait_until(SOON, "all are held", || (pending(&controller, "Frozen") > 2.5).then_some(()));
    controller.stop();
    assert_eq!(room.restarts_of(&all), [1, 1, 1]);
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    let thaw = json!({ "metadata": { "annotations": { "extsecret.io/restart-freeze": null } } });
    room.patch_secret("db", &thaw);
    let controller = room.controller_with(&[&format!("--restart-freeze-until={later}")]);
    wait_until(SOON, "all are held", || (pending(&controller, "Frozen") > 2.5).then_some(()));
    controller.stop();
    // And everything has its window.
    for workload in &all {
        room.annotate(workload, "extsecret.io/restart-window", &json!(null));
    }
    let closed = hour(12);
    let closed = format!("--restart-window={}", closed.as_str().unwrap_or_default());
    let controller = room.controller_with(&[&closed]);
    wait_until(SOON, "all are held", || (pending(&controller, "Window") > 2.5).then_some(()));
    controller.stop();
    let controller = room.controller();
    room.wait_restarts(&all, 2);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [2, 2, 2]);
    controller.stop();
}

/// Its controller looks after all namespaces, and so has a cluster of its own.
#[test]
fn what_a_namespace_says_counts_for_its_workloads() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let rooms: Vec<_> = (0..4).map(|_| Room::new((&cluster, &api))).collect();
    let [on, off, denied, frozen] = rooms.as_slice() else { panic!("four rooms") };
    let say = |room: &Room<'_>, what: &str, value: &Value| {
        let change = json!({ "metadata": { "annotations": { what: value } } });
        api.patch(&format!("api/v1/namespaces/{}", room.namespace), &change);
    };
    say(on, "extsecret.io/restart", &json!("on"));
    say(off, "extsecret.io/restart", &json!("off"));
    say(frozen, "extsecret.io/restart-freeze", &json!("true"));
    let make = |room: &Room<'_>, name: &str, says: &Value| {
        let it = room.deployment(name, "db", &["used"]);
        room.annotate(&it, "extsecret.io/restart", says);
        it
    };
    for room in &rooms {
        room.secret("db", &[("used", "a")]);
    }
    let yes = [
        make(on, "silent", &json!(null)),
        make(on, "inherits", &json!("inherit")),
        make(on, "asks", &json!("db")),
    ];
    let no = [make(on, "off", &json!("off")), make(on, "others", &json!("api"))];
    let outvoted = [make(off, "asks", &json!("auto"))];
    let forbidden = [make(denied, "asks", &json!("auto"))];
    let waits = [make(frozen, "asks", &json!("auto"))];
    on.wait_done(&yes);
    on.wait_done(&no);
    for (room, all) in [(off, &outvoted), (denied, &forbidden), (frozen, &waits)] {
        room.wait_done(all);
    }
    let mut flags = on.flags();
    flags.retain(|flag| !flag.starts_with("--namespace="));
    flags.push(format!("--restart-denied-namespace={}", denied.namespace));
    let controller = Controller::setup(&cluster)
        .environment(on.aws.environment(on.aws.admin()))
        .args(flags)
        .start();
    on.wait_noted(&yes);
    frozen.wait_noted(&waits);
    for room in &rooms {
        room.put("db", "used", "b");
    }
    on.wait_restarts(&yes, 1);
    wait_told(frozen, "asks", "RestartDeferred");
    on.wait_judged();
    assert_eq!(on.restarts_of(&yes), [1; 3]);
    assert_eq!(on.restarts_of(&no), [0; 2]);
    for (room, all) in [(off, &outvoted), (denied, &forbidden), (frozen, &waits)] {
        assert_eq!(room.restarts_of(all), [0]);
    }
    say(frozen, "extsecret.io/restart-freeze", &json!(null));
    frozen.wait_restarts(&waits, 1);
    controller.stop();
}

/// The scenarios of Reloader's own end-to-end suites that are about Secrets. Here: `auto`, `secret.auto`, a
/// named Secret, several names, a pattern that matches and one that does not, `search` with and without
/// `match`, `auto: false`, `ignore` on the Secret, an excluded Secret and its sibling, what asks for
/// `ConfigMaps` only, two changes one after the other, and nothing for a label. The ways of referring to
/// a Secret (variables, `envFrom`, volumes, projected, init containers), the kinds, and its load scenarios
/// are in `changes`, `pace`, `crashes` and `start`, with the oracle that no change is lost or counted twice.
///
/// Not covered: `ConfigMaps`, which this controller does not watch; CSI volumes and `DeploymentConfigs`, which
/// it does not know; Jobs and `CronJobs` that are made to run, which it never does (see `kinds`);
/// annotations on pod templates, `pause-period`, reload on create or delete, `auto-reload-all` and the
/// selectors, for which it has annotations and flags of its own; the variable in containers that Reloader's
/// other strategy writes.
#[test]
fn annotations_of_reloader_count_only_when_asked_for() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db-main", &[("used", "a")]);
    room.secret("marked", &[("used", "a")]);
    let matched =
        json!({ "metadata": { "annotations": { "reloader.stakater.com/match": "true" } } });
    room.patch_secret("marked", &matched);
    room.secret("ignored", &[("used", "a")]);
    let ignored =
        json!({ "metadata": { "annotations": { "reloader.stakater.com/ignore": "true" } } });
    room.patch_secret("ignored", &ignored);
    let make = |name: &str, secret: &str, what: &str, value: &str| {
        let it = room.deployment(name, secret, &["used"]);
        room.annotate(&it, "extsecret.io/restart", &json!(null));
        room.annotate(&it, what, &json!(value));
        it
    };
    let yes = [
        make("auto", "db-main", "reloader.stakater.com/auto", "true"),
        make("named", "db-main", "secret.reloader.stakater.com/reload", "api,db-.*"),
        make("search", "marked", "reloader.stakater.com/search", "true"),
        make("typed", "db-main", "secret.reloader.stakater.com/auto", "true"),
        make("several", "db-main", "secret.reloader.stakater.com/reload", "api,db-main"),
        make("sibling", "db-main", "reloader.stakater.com/auto", "true"),
    ];
    let except = "secrets.exclude.reloader.stakater.com/reload";
    room.annotate(&yes[5], except, &json!("other"));
    let no = [
        make("unmarked", "db-main", "reloader.stakater.com/search", "true"),
        make("never", "db-main", "reloader.stakater.com/auto", "false"),
        make("config", "db-main", "configmap.reloader.stakater.com/auto", "true"),
        make("except", "db-main", "reloader.stakater.com/auto", "true"),
        make("others", "db-main", "secret.reloader.stakater.com/reload", "api,web-.*"),
        make("ignores", "ignored", "reloader.stakater.com/auto", "true"),
        make("matched-only", "marked", "reloader.stakater.com/match", "true"),
    ];
    room.annotate(&no[3], except, &json!("other,db-main"));
    room.wait_done(&yes);
    room.wait_done(&no);
    let controller = room.controller();
    room.wait_judged();
    for secret in ["db-main", "marked", "ignored"] {
        room.put(secret, "used", "b");
    }
    room.wait_judged();
    assert_eq!(room.restarts_of(&yes), [0; 6]);
    controller.stop();
    let controller = room.controller_with(&["--restart-reloader-annotations"]);
    room.wait_noted(&yes);
    // Their pods have an older value.
    room.wait_restarts(&yes, 1);
    let label = json!({ "metadata": { "labels": { "a": "b" } } });
    room.patch_secret("db-main", &label);
    room.wait_judged();
    assert_eq!(room.restarts_of(&yes), [1; 6]);
    for secret in ["db-main", "marked", "ignored"] {
        room.put(secret, "used", "c");
    }
    room.wait_restarts(&yes, 2);
    room.wait_judged();
    assert_eq!(room.restarts_of(&yes), [2; 6]);
    assert_eq!(room.restarts_of(&no), [0; 7]);

    // A Reloader that still runs is noticed, and so is what it does.
    let running = || controller.metric("extsecret_restart_reloaders");
    assert!(running() < 0.5);
    let pod = json!({ "containers": [{ "name": "it", "image": "ghcr.io/stakater/reloader:v1" }] });
    room.workload("Deployment", "reloader", &pod);
    wait_until(SOON, "it is noticed", || (running() > 0.5).then_some(()));
    assert!(controller.text().contains("Reloader runs beside this"));
    let last = json!({ "reloader.stakater.com/last-reloaded-from": "{}" });
    let change = json!({ "spec": { "template": { "metadata": { "annotations": last } } } });
    room.api.patch(&room.apps("Deployment", "auto"), &change);
    wait_told(&room, "auto", "RestartedByReloader");
    room.api.delete(&room.apps("Deployment", "reloader"));
    wait_until(SOON, "it is gone", || (running() < 0.5).then_some(()));
    controller.stop();
}
