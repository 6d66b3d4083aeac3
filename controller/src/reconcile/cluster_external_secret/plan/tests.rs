use proptest::prelude::*;
use serde_json::json;

use super::*;

const UID: &str = "11111111-0000-4000-8000-000000000001";

/// A ClusterExternalSecret `db` with more in its spec.
fn object(spec: Value) -> ClusterExternalSecret {
    let mut all = json!({ "externalSecretSpec": {
        "refreshInterval": "1h",
        "secretStoreRef": { "name": "aws" },
        "data": [{ "secretKey": "a", "remoteRef": { "key": "app/db" } }],
    } });
    let (Value::Object(fields), Value::Object(more)) = (&mut all, spec) else { unreachable!() };
    fields.extend(more);
    serde_json::from_value(json!({
        "apiVersion": API_VERSION, "kind": "ClusterExternalSecret",
        "metadata": { "name": "db", "uid": UID },
        "spec": all,
    }))
    .unwrap()
}

fn with_status(mut object: ClusterExternalSecret, status: Value) -> ClusterExternalSecret {
    object.status = Some(serde_json::from_value(status).unwrap());
    object
}

fn namespace(labels: &[(&str, &str)]) -> Namespace {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Namespace { labels: labels.collect(), ..Namespace::default() }
}

fn web() -> Namespace {
    namespace(&[("team", "web")])
}

fn selects(spec: Value, name: &str, namespace: &Namespace) -> Result<bool, String> {
    let object = object(spec);
    Selection::of(&object).map(|selection| selection.selects(name, namespace))
}

/// The ExternalSecret that a step makes where there is none, as the API server would return it.
fn made(object: &ClusterExternalSecret, namespace: &str) -> ExternalSecret {
    let Step::Create(made) = step(object, namespace, None) else { panic!("nothing is made") };
    let mut made = *made;
    made.metadata.uid = Some(format!("{namespace}/{}", made_name(object)));
    made.metadata.resource_version = Some("7".to_owned());
    made
}

fn updated(object: &ClusterExternalSecret, existing: &ExternalSecret) -> ExternalSecret {
    match step(object, "shop", Some(existing)) {
        Step::Update(changed) => *changed,
        other => panic!("not an update: {other:?}"),
    }
}

#[test]
fn any_selector_and_any_name_select() {
    let by = |team: &str| json!({ "matchLabels": { "team": team } });
    let is = |spec| selects(spec, "shop", &web()).unwrap();
    assert!(!is(json!({})), "without selectors nothing is selected");
    assert!(is(json!({ "namespaceSelector": {} })), "an empty one selects everything");
    assert!(is(json!({ "namespaceSelector": by("web") })));
    assert!(!is(json!({ "namespaceSelector": by("db") })));
    assert!(is(json!({ "namespaceSelectors": [by("db"), by("web")] })));
    assert!(is(json!({ "namespaceSelector": by("db"), "namespaceSelectors": [by("web")] })));
    assert!(is(json!({ "namespaceSelector": by("db"), "namespaces": ["x", "shop"] })));
    assert!(!is(json!({ "namespaces": ["x", "sho"] })));
}

#[test]
fn a_selector_that_cannot_be_read_is_an_error_also_beside_others() {
    let by = |operator: &str| json!({ "matchExpressions": [{ "key": "team", "operator": operator, "values": ["web"] }] });
    let bad = |spec| selects(spec, "shop", &web()).unwrap_err();
    assert_eq!(
        bad(json!({ "namespaceSelectors": [by("In"), by("Like")], "namespaces": ["shop"] })),
        "failed to convert label selector spec.namespaceSelectors[1]: operator \"Like\" is not \
         known: use In, NotIn, Exists or DoesNotExist"
    );
    assert!(bad(json!({ "namespaceSelector": by("Exists") })).contains("spec.namespaceSelector:"));
}

#[test]
fn what_is_made_is_what_eso_makes() {
    let mut object = object(json!({
        "externalSecretName": "web",
        "externalSecretMetadata": { "labels": { "a": "1" }, "annotations": { FORCE_SYNC: "old" } },
    }));
    let made = made(&object, "shop");
    let metadata = serde_json::to_value(&made.metadata).unwrap();
    assert_eq!(
        metadata,
        json!({
            "name": "web", "namespace": "shop", "uid": "shop/web", "resourceVersion": "7",
            "labels": { "a": "1" },
            "ownerReferences": [{
                "apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
                "name": "db", "uid": UID, "controller": true, "blockOwnerDeletion": true,
            }],
        })
    );
    assert_eq!(made.spec, object.spec.external_secret_spec);
    assert_eq!(step(&object, "shop", Some(&made)), Step::Nothing);

    object.metadata.annotations = Some(BTreeMap::from([(FORCE_SYNC.to_owned(), "7".to_owned())]));
    let changed = updated(&object, &made);
    assert_eq!(changed.metadata.annotations, object.metadata.annotations);
    assert_eq!(step(&object, "shop", Some(&changed)), Step::Nothing);
}

#[test]
fn what_went_through_go_is_the_same() {
    let spec = json!({ "externalSecretSpec": {
        "refreshInterval": "90m",
        "dataFrom": [],
        "target": { "name": "", "immutable": false, "template": { "data": { "empty": "" } } },
        "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }],
    } });
    let object = object(spec);
    let mut existing = made(&object, "shop");
    let through_go = json!({
        "refreshInterval": "1h30m0s",
        "secretStoreRef": {},
        "target": { "template": { "metadata": {}, "data": { "empty": "" } } },
        "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }],
    });
    existing.spec = serde_json::from_value(through_go.clone()).unwrap();
    assert_eq!(step(&object, "shop", Some(&existing)), Step::Nothing);

    for (path, value) in [
        ("/refreshInterval", json!("1h30m1s")),
        ("/target/template/data", json!({})),
        ("/target/template/data/empty", json!("x")),
        ("/data/0/remoteRef/key", json!("other")),
        ("/data", json!([])),
        ("/secretStoreRef", json!({ "name": "x" })),
    ] {
        let mut other = through_go.clone();
        *other.pointer_mut(path).unwrap() = value;
        existing.spec = serde_json::from_value(other).unwrap();
        assert!(matches!(step(&object, "shop", Some(&existing)), Step::Update(_)), "{path}");
    }
}

#[test]
fn an_update_keeps_what_is_not_its_own() {
    let object = object(json!({}));
    let mut existing = made(&object, "shop");
    existing.metadata.finalizers = Some(vec!["somebody/s".to_owned()]);
    let other = OwnerReference {
        kind: "Application".to_owned(),
        name: "shop".to_owned(),
        ..OwnerReference::default()
    };
    existing.metadata.owner_references.as_mut().unwrap().insert(0, other.clone());
    assert_eq!(step(&object, "shop", Some(&existing)), Step::Nothing);

    existing.metadata.labels = Some(BTreeMap::from([("a".to_owned(), "1".to_owned())]));
    let changed = updated(&object, &existing);
    assert_eq!(changed.metadata.labels, None);
    assert_eq!(changed.metadata.finalizers, existing.metadata.finalizers);
    assert_eq!(changed.metadata.uid, existing.metadata.uid);
    assert_eq!(changed.metadata.resource_version, existing.metadata.resource_version);
    assert_eq!(changed.metadata.owner_references.as_ref().unwrap()[0], other);

    // One that was made anew under the same name takes over before garbage collection comes.
    existing.metadata.labels = None;
    existing.metadata.owner_references.as_mut().unwrap()[1].uid = "another".to_owned();
    let changed = updated(&object, &existing);
    let owners = changed.metadata.owner_references.unwrap();
    assert_eq!((owners.len(), owners[1].uid.as_str()), (2, UID));
}

#[test]
fn what_is_somebody_elses_is_left_alone_and_the_cause_is_said() {
    let object = object(json!({}));
    let own = made(&object, "shop");
    let with = |change: &dyn Fn(&mut OwnerReference)| {
        let mut other = own.clone();
        change(&mut other.metadata.owner_references.as_mut().unwrap()[0]);
        match step(&object, "shop", Some(&other)) {
            Step::Leave(reason) => reason.strip_prefix(EXISTS).unwrap().to_owned(),
            step => panic!("{step:?}"),
        }
    };
    assert_eq!(
        with(&|owner| owner.name = "x".to_owned()),
        ": it is controlled by ClusterExternalSecret \"x\""
    );
    assert_eq!(with(&|owner| owner.kind = "Y".to_owned()), ": it is controlled by Y \"db\"");
    assert!(with(&|owner| owner.api_version = "x.io/v1".to_owned()).contains("controlled by"));
    assert!(with(&|owner| owner.controller = None).starts_with(": nothing controls it"));

    let mut deleted = own;
    deleted.metadata.deletion_timestamp =
        serde_json::from_value(json!("2026-01-01T00:00:00Z")).ok();
    assert!(matches!(step(&object, "shop", Some(&deleted)), Step::Leave(_)));
}

/// Whether the ExternalSecret of `shop` is to go.
fn doom_of(
    object: &ClusterExternalSecret,
    namespace: Option<&Namespace>,
    existing: &ExternalSecret,
) -> Option<Doom> {
    let selection = Selection::of(object).unwrap();
    doom(object, &selection, namespace, existing, false)
}

#[test]
fn only_what_was_made_here_goes_and_only_on_evidence() {
    let recorded = json!({ "externalSecretName": "db", "provisionedNamespaces": ["shop"] });
    let by_team = json!({ "namespaceSelector": { "matchLabels": { "team": "web" } } });
    let object = with_status(object(by_team), recorded);
    let existing = made(&object, "shop");
    let other = namespace(&[("team", "db")]);
    assert_eq!(doom_of(&object, Some(&other), &existing), Some(Doom::Deselected));
    assert_eq!(doom_of(&object, Some(&web()), &existing), None, "it is selected");
    assert_eq!(doom_of(&object, None, &existing), None, "its namespace is not known");
    let terminating = Namespace { terminating: true, ..other.clone() };
    assert_eq!(doom_of(&object, Some(&terminating), &existing), None);

    let failed =
        json!({ "externalSecretName": "db", "failedNamespaces": [{ "namespace": "shop" }] });
    let retried = with_status(object.clone(), failed);
    assert_eq!(doom_of(&retried, Some(&other), &existing), Some(Doom::Deselected));
    for status in
        [json!({}), json!({ "externalSecretName": "db", "provisionedNamespaces": ["other"] })]
    {
        let unknown = with_status(object.clone(), status);
        assert_eq!(doom_of(&unknown, Some(&other), &existing), None, "a copy");
        let selection = Selection::of(&unknown).unwrap();
        let here = doom(&unknown, &selection, Some(&other), &existing, true);
        assert_eq!(here, Some(Doom::Deselected), "this process made it");
    }
    let mut named = existing.clone();
    named.metadata.name = Some("copy".to_owned());
    assert_eq!(doom_of(&object, Some(&other), &named), None);
    let mut former = existing.clone();
    former.metadata.owner_references.as_mut().unwrap()[0].uid = "another".to_owned();
    assert_eq!(doom_of(&object, Some(&other), &former), None, "another object's");
    let mut free = existing;
    free.metadata.owner_references = None;
    assert_eq!(doom_of(&object, Some(&other), &free), None, "nobody's");
}

#[test]
fn of_a_former_name_the_secret_is_kept_if_the_new_one_writes_it() {
    let status = json!({ "externalSecretName": "db", "provisionedNamespaces": ["shop"] });
    let spec = |target: Value| {
        json!({
            "externalSecretName": "web",
            "namespaceSelector": {},
            "externalSecretSpec": { "target": target },
        })
    };
    for (old, new, keep_secret) in [
        (json!({}), json!({}), false),
        (json!({ "name": "x" }), json!({ "name": "x" }), true),
        (json!({}), json!({ "name": "db" }), true),
        (json!({ "name": "x" }), json!({ "name": "y" }), false),
    ] {
        let object = with_status(object(spec(new)), status.clone());
        let mut existing = made(&object, "shop");
        existing.metadata.name = Some("db".to_owned());
        existing.spec.target = serde_json::from_value(old).unwrap();
        let doom = doom_of(&object, Some(&web()), &existing);
        assert_eq!(doom, Some(Doom::Renamed { keep_secret }));
    }
}

#[test]
fn the_status_is_esos_and_is_written_once() {
    let object = object(json!({ "externalSecretName": "web" }));
    let mut tally = Tally::default();
    tally.provisioned.extend(["b", "a"].map(Arc::from));
    let status = status_of(&object, &tally);
    assert_eq!(
        serde_json::to_value(&status).unwrap(),
        json!({
            "externalSecretName": "web",
            "provisionedNamespaces": ["a", "b"],
            "conditions": [{ "type": "Ready", "status": "True" }],
        })
    );
    assert!(!is_told(&object, &status));
    let object = ClusterExternalSecret { status: Some(status), ..object };
    assert!(is_told(&object, &status_of(&object, &tally)));

    tally.failed.insert("c".into(), "why".to_owned());
    let status = status_of(&object, &tally);
    let said = serde_json::to_value(&status).unwrap();
    assert_eq!(said["failedNamespaces"], json!([{ "namespace": "c", "reason": "why" }]));
    assert_eq!(
        said["conditions"],
        json!([{ "type": "Ready", "status": "False", "message": "one or more namespaces failed" }])
    );
    let object = ClusterExternalSecret { status: Some(status), ..object };
    let refused = status_refused(&object, "bad");
    assert_eq!(refused.provisioned_namespaces, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(refused.failed_namespaces.as_ref().unwrap()[0].namespace, "unknown");
    let object = ClusterExternalSecret { status: Some(refused), ..object };
    assert!(is_told(&object, &status_refused(&object, "bad")));

    // What others wrote stays, and empty lists are none.
    let theirs = with_status(
        object,
        json!({
            "provisionedNamespaces": [], "failedNamespaces": [], "externalSecretName": "web",
            "conditions": [
                { "type": "Ready", "status": "True", "message": "" },
                { "type": "PartiallyReady", "status": "True" },
            ],
        }),
    );
    let status = status_of(&theirs, &Tally::default());
    assert!(is_told(&theirs, &status), "{status:?}");
}

#[test]
fn the_former_name_stays_until_nothing_is_called_so() {
    let named = object(json!({ "externalSecretName": "web" }));
    let object = with_status(named, json!({ "externalSecretName": "db" }));
    let left = Tally { former_left: true, ..Tally::default() };
    let name = |tally| status_of(&object, tally).external_secret_name.unwrap();
    assert_eq!((name(&left), name(&Tally::default())), ("db".to_owned(), "web".to_owned()));
}

/// A cluster in small: namespaces by name, and ExternalSecrets by namespace and name.
#[derive(Clone, Debug)]
struct World {
    object: ClusterExternalSecret,
    namespaces: BTreeMap<String, Namespace>,
    existing: BTreeMap<(String, String), ExternalSecret>,
}

impl World {
    /// Does what there is to do, in the order in which it is done; returns what was written.
    fn run(&mut self) -> Vec<(String, String)> {
        let object = self.object.clone();
        let Ok(selection) = Selection::of(&object) else {
            self.object.status = Some(status_refused(&object, "bad"));
            return Vec::new();
        };
        let mut written = Vec::new();
        let mut tally = Tally::default();
        for (name, namespace) in &self.namespaces {
            if namespace.terminating || !selection.selects(name, namespace) {
                continue;
            }
            let place = (name.clone(), made_name(&object).to_owned());
            let known: Arc<str> = name.as_str().into();
            match step(&object, name, self.existing.get(&place)) {
                Step::Nothing => {}
                Step::Leave(reason) => {
                    tally.failed.insert(known, reason);
                    continue;
                }
                Step::Create(mut made) => {
                    made.metadata.uid = Some("new".to_owned());
                    written.push(place.clone());
                    self.existing.insert(place, *made);
                }
                Step::Update(changed) => {
                    written.push(place.clone());
                    self.existing.insert(place, *changed);
                }
            }
            tally.provisioned.insert(known);
        }
        for (place, existing) in self.existing.clone() {
            let namespace = self.namespaces.get(&place.0);
            match doom(&object, &selection, namespace, &existing, false) {
                None => continue,
                Some(Doom::Renamed { .. }) if !tally.provisioned.contains(&*place.0) => {
                    tally.former_left = true;
                    continue;
                }
                Some(_) => {}
            }
            self.existing.remove(&place);
            written.push(place);
        }
        self.object.status = Some(status_of(&object, &tally));
        written
    }
}

fn any_world() -> impl Strategy<Value = World> {
    let places = ["a", "b", "c", "d"];
    let teams = prop::sample::select(vec!["web", "db"]);
    let namespace = (teams.clone(), prop::bool::weighted(0.2), prop::bool::weighted(0.8));
    let names = || prop::sample::select(vec!["db", "web", "old"]);
    // Its owner: this, this before it was made anew, another, nobody.
    let existing = (prop::sample::select(places.to_vec()), names(), 0..4u8, any::<bool>());
    let recorded = prop::sample::subsequence(places.to_vec(), 0..=4);
    let selector = prop::sample::select(vec!["In", "NotIn", "Exists", "Nonsense"]);
    (
        prop::collection::vec(namespace, 4),
        prop::collection::vec(existing, 0..8),
        (selector, teams, names(), prop::sample::subsequence(places.to_vec(), 0..=1)),
        (recorded, names()),
    )
        .prop_map(
            move |(namespaces, existing, (operator, team, name, listed), (recorded, former))| {
                let values = if operator == "Exists" { json!([]) } else { json!([team]) };
                let object = object(json!({
                    "externalSecretName": name,
                    "namespaces": listed,
                    "namespaceSelectors": [{ "matchExpressions": [
                        { "key": "team", "operator": operator, "values": values },
                    ] }],
                }));
                let status =
                    json!({ "externalSecretName": former, "provisionedNamespaces": recorded });
                let object = with_status(object, status);
                let known = places.iter().zip(namespaces).filter(|(_, (_, _, known))| *known);
                let namespaces = known.map(|(name, (team, terminating, _))| {
                    let labels = BTreeMap::from([("team".to_owned(), team.to_owned())]);
                    ((*name).to_owned(), Namespace { labels, terminating, ..Namespace::default() })
                });
                let existing = existing.into_iter().map(|(place, name, owner, drifted)| {
                    let mut it = made(&object, place);
                    it.metadata.name = Some(name.to_owned());
                    let owners = it.metadata.owner_references.as_mut().unwrap();
                    match owner {
                        0 => {}
                        1 => owners[0].uid = "before".to_owned(),
                        2 => owners[0].name = "another".to_owned(),
                        _ => owners.clear(),
                    }
                    if drifted {
                        it.spec.refresh_interval = Some("5m".to_owned());
                    }
                    ((place.to_owned(), name.to_owned()), it)
                });
                World { namespaces: namespaces.collect(), existing: existing.collect(), object }
            },
        )
}

proptest! {
    #[test]
    fn whatever_there_is(world in any_world()) {
        let before = world;
        let mut after = before.clone();
        let written = after.run();
        let object = &before.object;
        let selection = Selection::of(object);
        for place in &written {
            let namespace = before.namespaces.get(&place.0);
            prop_assert!(namespace.is_some_and(|it| !it.terminating), "{place:?} is not there");
            let selectors = object.spec.namespace_selectors.iter().flatten();
            let requirements = selectors.flat_map(|it| it.match_expressions.iter().flatten());
            let readable = requirements.into_iter().all(|it| it.operator != "Nonsense");
            prop_assert!(readable, "it is not known which namespaces are meant");
            let Some(old) = before.existing.get(place) else { continue };
            prop_assert!(foreign(object, old).is_none(), "{place:?} is somebody else's");
            if !after.existing.contains_key(place) {
                let uid = controller(&old.metadata).map(|owner| owner.uid.as_str());
                prop_assert_eq!(uid, Some(UID), "{:?} is not its own", place);
                let selected = selection.as_ref().unwrap().selects(&place.0, namespace.unwrap());
                let other = (place.0.clone(), made_name(object).to_owned());
                prop_assert!(
                    !selected || after.existing.contains_key(&other),
                    "{place:?} leaves its namespace without any"
                );
            }
        }
        // What is not written stays as it was.
        for (place, old) in &before.existing {
            prop_assert!(written.contains(place) || after.existing.get(place) == Some(old));
        }
        let settled = after.clone();
        prop_assert_eq!(after.run(), Vec::new(), "there is nothing left to do");
        prop_assert_eq!(after.object.status, settled.object.status);
    }
}
