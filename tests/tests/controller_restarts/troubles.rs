//! Somebody says no, or nothing.

use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use serde_json::json;

use crate::room::Room;

#[test]
fn one_that_is_refused_keeps_nobody_waiting_and_restarts_when_it_may() {
    const COUNT: usize = 33;
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(COUNT);
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    let policy = format!("deny-{}", room.namespace);
    let policies = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    let bindings = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
    room.api.create(policies, &json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": policy },
        "spec": {
            "matchConstraints": { "resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
                "resources": ["deployments"], "resourceNames": ["web-7"],
            }] },
            "validations": [{ "expression": "object.spec.template == oldObject.spec.template" }],
        },
    }));
    room.api.create(
        bindings,
        &json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": { "name": policy },
            "spec": {
                "policyName": policy, "validationActions": ["Deny"],
                "matchResources": { "namespaceSelector": { "matchLabels": {
                    "kubernetes.io/metadata.name": room.namespace } } },
            },
        }),
    );
    // It is in force a moment after it was made.
    let mut number = 0;
    wait_until(SOON, "the policy is in force", || {
        number += 1;
        let change = json!({ "spec": { "template": { "metadata": { "annotations": {
            "try": number.to_string() } } } } });
        let path = format!("{}?dryRun=All", room.apps("Deployment", "web-7"));
        let (status, _) =
            room.api.ask("PATCH", &path, Some(&change), "application/merge-patch+json");
        (status == 422 || status == 403).then_some(())
    });
    room.put("db", "used", "b");
    let (refused, others): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|it| it.1 == "web-7");
    room.wait_restarts(&others, 1);
    wait_until(SOON, "it is told", || {
        room.events("web-7").contains(&"RestartFailed".to_owned()).then_some(())
    });
    room.wait_judged();
    assert_eq!(room.restarts_of(&others), vec![1; COUNT - 1]);
    assert_eq!(room.restarts_of(&refused), [0]);
    room.api.delete(&format!("{bindings}/{policy}"));
    room.api.delete(&format!("{policies}/{policy}"));
    room.wait_restarts(&refused, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![1; COUNT]);
    controller.stop();
}
