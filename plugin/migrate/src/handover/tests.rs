//! Golden case G60, and the refusals of kes-migration 3.14, as facts and what follows from them.

use serde_json::{Value, json};

use super::*;

fn pair() -> Pair {
    Pair { namespace: "app".into(), secret: "hello".into(), new: "hello".into() }
}

fn key() -> Key {
    Key::new([7; 32])
}

fn old() -> Value {
    json!({
        "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "hello", "namespace": "app", "uid": "K", "generation": 1 },
        "spec": {
            "backendType": "secretsManager", "region": "us-east-1",
            "data": [{ "key": "hello", "name": "password" }],
        },
        "status": { "observedGeneration": 1, "status": "SUCCESS" },
    })
}

fn object() -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "hello", "namespace": "app" },
        "spec": {
            "refreshInterval": "1h0m0s",
            "secretStoreRef": { "kind": "ClusterSecretStore", "name": "s1" },
            "target": {
                "name": "hello", "creationPolicy": "Owner", "deletionPolicy": "Retain",
                "template": { "engineVersion": "v2", "mergePolicy": "Merge" },
            },
            "data": [{ "secretKey": "password", "remoteRef": { "key": "hello" } }],
        },
    })
}

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": "hello", "namespace": "app", "uid": "S", "resourceVersion": "5",
            "ownerReferences": [
                { "apiVersion": "some.io/v1", "kind": "Foo", "name": "foo", "uid": "F" },
                {
                    "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
                    "name": "hello", "uid": "K", "controller": true,
                },
            ],
        },
        "data": { "password": "cGFzcw==" },
    })
}

/// The new ExternalSecret in the cluster, as the Secret's controller or not.
fn in_cluster(uid: &str, secret: &str) -> Value {
    let mut new = object();
    new["metadata"]["uid"] = json!(uid);
    new["spec"]["target"]["name"] = json!(secret);
    new["status"] = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
    new
}

/// The facts directly before step 4 of G60a: compared, parked, no pod.
fn facts(change: impl FnOnce(&mut Value, &mut Value)) -> Facts {
    let (mut old, mut secret) = (old(), secret());
    old["spec"]["controllerId"] = json!(PARKED);
    change(&mut old, &mut secret);
    let secret = Secret::of(&secret, &pair(), &key());
    let values = Secret::of(&self::secret(), &pair(), &key()).values;
    Facts {
        copy: copy::Copy::of(&json!({
            "metadata": { "uid": "C", "namespace": "app" },
            "data": { "externalsecret.json": self::old().to_string(), "uid": "K", "new": "hello" },
        })),
        checked: Some(Checked {
            secret: "S".into(),
            before: values.clone(),
            after: values,
            spec: spec_id(&object()),
        }),
        old: Some(Old::of(old)),
        secret: Some(secret),
        new: None,
        shadow: None,
    }
}

fn next(facts: &Facts, until: Step) -> Next {
    forward(&pair(), &object(), facts, &Installation::default(), Settings::default(), until)
}

fn request(facts: &Facts, until: Step) -> Value {
    match next(facts, until) {
        Next::Write(write) => {
            write.request(&pair(), facts, Some(&object()), "now").unwrap().document()
        }
        other => panic!("{other:?}"),
    }
}

fn blockers(facts: &Facts) -> Vec<&'static str> {
    match next(facts, Step::Retire) {
        Next::Stop(blockers) => blockers.iter().map(|it| it.code().id).collect(),
        other => panic!("{other:?}"),
    }
}

fn adopted() -> Facts {
    let mut facts = facts(|_, secret| {
        let owners = secret["metadata"]["ownerReferences"].as_array_mut().unwrap();
        owners[1]["controller"] = json!(false);
        owners.push(json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "hello",
            "uid": "E", "controller": true,
        }));
    });
    facts.new = Some(New::of(&in_cluster("E", "hello")));
    facts
}

#[test]
fn g60a_demotes_adopts_and_retires() {
    let ready = facts(|_, _| {});
    assert_eq!(
        request(&ready, Step::Retire),
        json!({ "resource": "secrets", "namespace": "app", "name": "hello", "patch": [
            { "op": "test", "path": "/metadata/uid", "value": "S" },
            { "op": "test", "path": "/metadata/ownerReferences/1/uid", "value": "K" },
            { "op": "replace", "path": "/metadata/ownerReferences/1/controller", "value": false },
        ] })
    );
    assert_eq!(next(&ready, Step::Stop), Next::Done);

    let demoted = facts(|_, it| it["metadata"]["ownerReferences"][1]["controller"] = json!(false));
    let apply = request(&demoted, Step::Retire);
    assert_eq!(apply["resource"], "externalsecrets.external-secrets.io");
    assert_eq!(apply["apply"], object());

    // Ready alone is no proof.
    let mut waiting = demoted;
    waiting.new = Some(New::of(&in_cluster("E", "hello")));
    assert_eq!(next(&waiting, Step::Retire), Next::Wait(Wait::Adoption));

    assert_eq!(
        request(&adopted(), Step::Retire),
        json!({
            "resource": "externalsecrets.kubernetes-client.io", "namespace": "app", "name": "hello",
            "delete": { "propagationPolicy": "Orphan", "preconditions": { "uid": "K" } },
        })
    );
    let mut failing = adopted();
    failing.new.as_mut().unwrap().ready = Some(false);
    assert_eq!(next(&failing, Step::Retire), Next::Wait(Wait::Ready));

    let mut retired = adopted();
    retired.old = None;
    assert_eq!(next(&retired, Step::Retire), Next::Wait(Wait::Retirement));
    retired.secret.as_mut().unwrap().owners.remove(1);
    assert_eq!(next(&retired, Step::Retire), Next::Done);
}

#[test]
fn g60b_removes_the_reference_when_asked() {
    let facts = facts(|_, _| {});
    let settings = Settings { hard_demote: true, ..Settings::default() };
    let kes = Installation::default();
    let next = forward(&pair(), &object(), &facts, &kes, settings, Step::Retire);
    let Next::Write(write) = next else { panic!("{next:?}") };
    let patch = write.request(&pair(), &facts, None, "").unwrap().document();
    assert_eq!(patch["patch"][2], json!({ "op": "remove", "path": "/metadata/ownerReferences/1" }));
    assert_eq!(patch["patch"][1]["value"], "K");
}

#[test]
fn g60c_does_nothing_more_while_kes_runs() {
    let pod = Pod { namespace: "kes".into(), name: "kes-1".into(), scalable: true };
    let kes = Installation { pods: vec![pod], ..Installation::default() };
    for facts in [facts(|_, _| {}), adopted()] {
        let next = forward(&pair(), &object(), &facts, &kes, Settings::default(), Step::Retire);
        assert_eq!(next, Next::StopKes);
    }
}

#[test]
fn g60d_to_g_refuse() {
    let unparked = |old: &mut Value| {
        old["spec"].as_object_mut().unwrap().remove("controllerId");
    };
    let failed = facts(|old, _| {
        unparked(old);
        old["status"]["status"] = json!("ERROR, access denied");
    });
    assert_eq!(blockers(&failed), ["H01"]);
    assert_eq!(
        blockers(&facts(|old, _| {
            unparked(old);
            old["status"] = json!({});
        })),
        ["H01"]
    );
    let behind = facts(|old, _| {
        unparked(old);
        old["metadata"]["generation"] = json!(2);
    });
    assert_eq!(blockers(&behind), ["H01"]);
    let uid = facts(|_, it| it["metadata"]["ownerReferences"][1]["uid"] = json!("gone"));
    assert_eq!(blockers(&uid), ["H04"]);
    let foreign = facts(|_, it| it["data"]["by-hand"] = json!("eA=="));
    assert_eq!(blockers(&foreign), ["H05"]);
    assert!(next_message(&foreign).contains("by-hand"));
    assert_eq!(blockers(&facts(|_, it| it["immutable"] = json!(true))), ["H03"]);
    let mut absent = facts(|_, _| {});
    absent.secret = None;
    absent.copy = None;
    absent.old = Some(Old::of(old()));
    assert_eq!(blockers(&absent), ["H02"]);
    let other = facts(|_, it| {
        let owners = &mut it["metadata"]["ownerReferences"];
        owners[0]["controller"] = json!(true);
        owners[1]["controller"] = json!(false);
    });
    assert_eq!(blockers(&other), ["H06"]);
    assert_eq!(
        blockers(&facts(|old, _| old["metadata"]["deletionTimestamp"] = json!("t"))),
        ["H13"]
    );
}

fn next_message(facts: &Facts) -> String {
    match next(facts, Step::Retire) {
        Next::Stop(blockers) => blockers[0].diagnostic().message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn g60h_compares_again_what_has_changed() {
    let changed = facts(|_, it| it["data"]["password"] = json!("bmV3"));
    assert_eq!(next(&changed, Step::Retire), Next::Write(Write::Shadow));

    let shadow = |data: &str, mine| {
        let mut changed = changed.clone();
        let mut written = secret();
        written["data"]["password"] = json!(data);
        changed.shadow = Some(facts::Shadow {
            new: New::of(&in_cluster("H", "hello-eso-shadow")),
            mine,
            secret: Some(Secret::of(&written, &pair(), &key())),
        });
        changed
    };
    // One of an earlier run has seen other values.
    let stale = shadow("bmV3", false);
    assert_eq!(next(&stale, Step::Retire), Next::Write(Write::DropShadow { uid: "H".into() }));
    let equal = shadow("bmV3", true);
    assert_eq!(next(&equal, Step::Retire), Next::Compare);
    let checked = compare(&equal, Settings::default()).unwrap();
    assert_eq!(checked.before, checked.after);
    let differs = compare(&shadow("b2xk", true), Settings::default()).unwrap_err();
    assert_eq!(differs[0].code().id, "H08");
    assert!(differs[0].diagnostic().message.contains("other values: password"));
    let accept = Settings { accept_changes: true, ..Settings::default() };
    assert!(compare(&shadow("b2xk", true), accept).is_ok());

    // After the adoption, too.
    let mut adopted = adopted();
    adopted.secret.as_mut().unwrap().values = changed.secret.unwrap().values;
    assert_eq!(next(&adopted, Step::Retire), Next::Write(Write::Shadow));
}

#[test]
fn another_spec_is_not_what_was_compared() {
    let mut facts = adopted();
    facts.new.as_mut().unwrap().spec = "another".into();
    assert_eq!(next(&facts, Step::Retire), Next::Write(Write::Apply));
}

#[test]
fn g60i_goes_back_from_the_adoption() {
    let mut facts = adopted();
    let back_request = |facts: &Facts| match back(facts, false) {
        Next::Write(write) => write.request(&pair(), facts, None, "").unwrap().document(),
        other => panic!("{other:?}"),
    };
    let orphan = back_request(&facts);
    assert_eq!(orphan["merge"]["spec"]["target"]["creationPolicy"], "Orphan");
    facts.new.as_mut().unwrap().policy = "Orphan".into();
    assert_eq!(back(&facts, false), Next::Wait(Wait::Release));
    facts.secret.as_mut().unwrap().owners.remove(2);
    let delete = back_request(&facts);
    assert_eq!(delete["resource"], "externalsecrets.external-secrets.io");
    assert_eq!(delete["delete"]["preconditions"]["uid"], "E");
    facts.new = None;
    let promote = back_request(&facts);
    assert_eq!(promote["patch"][0], json!({ "op": "test", "path": "/metadata/uid", "value": "S" }));
    assert_eq!(promote["patch"][1]["value"], "K");
    assert_eq!(promote["patch"][2]["value"], true);
    facts.secret.as_mut().unwrap().owners[1].controller = true;
    let unpark = back_request(&facts);
    assert_eq!(unpark["merge"]["spec"], json!({ "controllerId": null }));
    facts.old.as_mut().unwrap().object["spec"]["controllerId"] = Value::Null;
    assert_eq!(back(&facts, false), Next::Done);
    assert_eq!(back(&facts, true), Next::Write(Write::Forget { uid: "C".into() }));
}

#[test]
fn back_from_the_retirement_the_old_owner_comes_first() {
    let mut facts = adopted();
    facts.old = None;
    facts.secret.as_mut().unwrap().owners.remove(1);
    assert_eq!(back(&facts, false), Next::Write(Write::Restore));
    let restore = Write::Restore.request(&pair(), &facts, None, "").unwrap().document();
    assert_eq!(restore["create"]["spec"]["controllerId"], PARKED);
    let mut again = old();
    again["metadata"]["uid"] = json!("K2");
    again["spec"]["controllerId"] = json!(PARKED);
    facts.old = Some(Old::of(again));
    let Next::Write(own) = back(&facts, false) else { panic!() };
    let own = own.request(&pair(), &facts, None, "").unwrap().document();
    assert_eq!(own["patch"][1]["path"], "/metadata/resourceVersion");
    assert_eq!(own["patch"][2]["value"]["uid"], "K2");
    assert_eq!(own["patch"][2]["value"]["controller"], false);

    facts.copy = None;
    facts.old = None;
    assert_eq!(back(&facts, false), Next::Stop(vec![Blocker::NoCopy]));
}

#[test]
fn no_request_deletes_a_secret_or_anything_without_a_uid() {
    assert!(Request::delete(Resource::Secret, "app", "hello", "S", true).is_none());
    assert!(Request::delete(Resource::ConfigMap, "app", "hello", "", true).is_none());
}

#[test]
fn a_kept_object_comes_back_as_it_was() {
    let mut facts = facts(|_, _| {});
    let mut before = old();
    before["spec"]["controllerId"] = json!("blue");
    before["metadata"]["finalizers"] = json!(["orphan", "ours"]);
    facts.old = Some(Old::of(before));
    facts.copy = None;
    let Next::Write(Write::Keep) = next(&facts, Step::Retire) else { panic!() };
    let keep = Write::Keep.request(&pair(), &facts, None, "").unwrap();
    let Body::Apply(mut config_map) = keep.body else { panic!() };
    config_map["metadata"]["uid"] = json!("C");
    let copy = copy::Copy::of(&config_map).unwrap();
    assert_eq!((copy.controller_id(), copy.of.as_str()), (Some("blue"), "K"));
    assert_eq!(copy.object["metadata"]["finalizers"], json!(["ours"]));
    assert_eq!(copy.pair, pair());
    facts.copy = Some(copy);
    // Parked, it is not kept over itself.
    assert_eq!(next(&facts, Step::Stop), Next::Write(Write::Park { uid: "K".into() }));
    facts.old.as_mut().unwrap().object["spec"]["controllerId"] = json!(PARKED);
    assert_eq!(next(&facts, Step::Stop), Next::Done);
}

#[test]
fn fingerprints_are_of_one_secret_and_show_nothing() {
    let data = json!({ "password": "cGFzcw==" });
    let here = key().of_data(&pair(), &data);
    let elsewhere = key().of_data(&Pair { secret: "other".into(), ..pair() }, &data);
    assert_ne!(here, elsewhere);
    assert_ne!(here, Key::new([8; 32]).of_data(&pair(), &data));
    assert_eq!(format!("{here:?}"), r#"{"password"}"#);
    assert_eq!(format!("{:?}", key()), "Key(***)");
}

#[test]
fn long_names_are_cut_and_stay_different() {
    let long =
        |end: &str| Pair { new: "a".repeat(250) + end, secret: "b".repeat(250) + end, ..pair() };
    for name in [Pair::shadow, Pair::copy] {
        let (one, two) = (name(&long("x")), name(&long("y")));
        assert!(one.len() <= 253 && one != two, "{one}");
    }
    assert_eq!(pair().shadow(), "hello-eso-shadow");
    assert_eq!(pair().copy(), "extsecret-handover.hello");
}

#[test]
fn keys_are_read_from_both_kinds() {
    let keys = Keys::of_kes(&json!({
        "spec": {
            "data": [{ "name": "a" }], "template": { "stringData": { "b": "", "<%= c %>": "" } },
        },
    }));
    assert!(keys.more && keys.named.len() == 2);
    let mut new = object();
    new["spec"]["target"]["template"] = json!({ "data": { "c": "" } });
    assert_eq!(Keys::of_eso(&new).named.into_iter().collect::<Vec<_>>(), ["c"]);
    new["spec"]["target"]["template"]["mergePolicy"] = json!("Merge");
    assert_eq!(Keys::of_eso(&new).named.into_iter().collect::<Vec<_>>(), ["c", "password"]);
}

#[test]
fn git_ops_owners_are_known_by_what_they_write() {
    let manager = |meta: Value| Manager::of(&json!({ "metadata": meta }));
    let argo = manager(json!({ "annotations": {
        "argocd.argoproj.io/tracking-id": "shop:kubernetes-client.io/ExternalSecret:app/hello",
        "argocd.argoproj.io/sync-options": "Validate=false, Prune=false",
    } }));
    let argo = argo.unwrap();
    assert_eq!((argo.tool, argo.name.as_str(), argo.keeps), (Tool::ArgoCd, "shop", true));
    let flux =
        manager(json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" } })).unwrap();
    assert_eq!((flux.tool, flux.keeps), (Tool::Flux, false));
    let helm = json!({ "annotations": { "meta.helm.sh/release-name": "kes" } });
    assert_eq!(manager(helm.clone()).unwrap().tool, Tool::Helm);
    let definition = Definition::of(&json!({ "metadata": helm }));
    let kes = Installation { definition: Some(definition), ..Installation::default() };
    assert_eq!(kes.obstacles()[0].code().id, "H11");
}

#[test]
fn pods_of_kes_are_found_by_image_or_deployment() {
    let spec =
        json!({ "containers": [{ "image": "mirror.example/kubernetes-external-secrets:8.5.5" }] });
    let deployment = json!({
        "metadata": { "namespace": "kes", "name": "kes", "uid": "D" },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": "kes" } },
            "template": { "spec": spec },
        },
    });
    let deployment = Deployment::of(&deployment, &[]).unwrap();
    let pod = |labels: Value, phase: &str| {
        json!({
            "metadata": { "namespace": "kes", "name": "p", "labels": labels },
            "spec": spec, "status": { "phase": phase },
        })
    };
    let found = |pod: &Value| Pod::of(pod, std::slice::from_ref(&deployment));
    assert!(found(&pod(json!({ "app": "kes" }), "Running")).unwrap().scalable);
    assert!(!found(&pod(json!({}), "Running")).unwrap().scalable);
    assert!(found(&pod(json!({ "app": "kes" }), "Succeeded")).is_none());
    let strange = Installation {
        pods: vec![found(&pod(json!({}), "Unknown")).unwrap()],
        ..Installation::default()
    };
    assert_eq!(strange.obstacles()[0].code().id, "H12");
    let scale = copy::scale(&deployment, 0).document();
    assert_eq!(scale["merge"], json!({ "metadata": { "uid": "D" }, "spec": { "replicas": 0 } }));
    let kept = copy::deployments(std::slice::from_ref(&deployment));
    let Body::ApplyAs(_, config_map) = &kept[0].body else { panic!() };
    assert_eq!(copy::replicas(config_map, "kes"), Some(2));
    let mut stopped = deployment;
    stopped.replicas = 0;
    assert!(copy::deployments(&[stopped]).is_empty());
}

#[test]
fn what_is_needed_follows_from_the_steps() {
    let kes = Installation {
        deployments: vec![
            Deployment::of(
                &json!({
                    "metadata": { "namespace": "kes", "name": "kes", "uid": "D" },
                    "spec": { "template": { "spec": { "containers": [{
                        "image": "kubernetes-external-secrets",
                        "env": [
                            { "name": "AWS_SECRET_ACCESS_KEY", "value": "hidden" },
                            { "name": "WATCHED_NAMESPACES", "value": "app" },
                        ],
                    }] } } },
                }),
                &[],
            )
            .unwrap(),
        ],
        ..Installation::default()
    };
    let settings = [("WATCHED_NAMESPACES".to_owned(), "app".to_owned())];
    assert_eq!(kes.deployments[0].settings, settings);
    let told = |facts: &Facts, until| words(&needs([(&pair(), facts)], &[], &kes, until));
    let begun = facts(|_, _| {});
    assert!(told(&begun, Step::Stores).is_empty());
    let stop = told(&begun, Step::Stop);
    assert!(stop.contains(&"patch deployments.apps in kes".to_owned()), "{stop:?}");
    assert!(!stop.iter().any(|it| it.contains("secrets in") && it.contains("patch secrets")));
    let all = told(&begun, Step::Retire);
    for line in [
        "patch secrets in app",
        "create externalsecrets.kubernetes-client.io in app",
        "delete externalsecrets.external-secrets.io in app",
        "create configmaps in app, kes",
    ] {
        assert!(all.contains(&line.to_owned()), "{line}: {all:?}");
    }
    assert!(!all.iter().any(|it| it.starts_with("delete secrets")));
    let removal = told(&Facts::default(), Step::Remove);
    assert_eq!(removal, ["list secrets", "delete deployments.apps in kes"]);
}
