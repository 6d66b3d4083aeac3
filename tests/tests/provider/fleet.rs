//! Many who ask: what AWS sees of them.

use std::sync::Arc;
use std::time::Duration;

use extsecret_engine::collect::Fetched;
use extsecret_engine::request::Fetch;
use extsecret_provider::provider::{ProviderError, Window};
use extsecret_tests::aws::{Effect, Permissions, Rule};
use futures::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::place::*;

const PARAMETER: &str = "ssm:GetParameter";
const PARAMETERS: &str = "ssm:GetParameters";

fn names(many: usize) -> Vec<String> {
    (0..many).map(|number| format!("app/{number:03}")).collect()
}

#[test]
fn a_fleet_on_ten_keys_is_one_call_and_one_session() {
    let place = Place::new();
    for name in names(10) {
        place.aws.secrets().put(&name, &name);
    }
    let role = place.add_role("reader", Permissions::Everything);
    run(async {
        let due = Instant::now();
        let spec = and(&json!({ "role": role }));
        let one = |number: usize| {
            let (place, spec) = (&place, &spec);
            async move {
                let name = format!("app/{:03}", number % 10);
                let store = place.connect(spec, &scope("shop")).await.unwrap();
                let answers = store.fetch(&[value(&name)], since(due)).await;
                assert_eq!(text(&answers[0].as_ref().unwrap().fetched), name);
            }
        };
        join_all((0..1000).map(one)).await;
        assert_eq!((place.count(BATCH), place.count(GET)), (1, 0));
        assert_eq!(place.count(ASSUME), 1);
        // Who comes a little later, for the same round, costs nothing.
        join_all((0..1000).map(one)).await;
        assert_eq!((place.count(BATCH), place.count(ASSUME)), (1, 1));
        let counts = place.provider.counts();
        assert_eq!((counts.asked, counts.read, counts.calls), (2000, 10, 1));
        assert_eq!(counts.saved, 1999);
    });
    let connections = place.aws.counters().connections();
    assert!(connections <= 16, "{connections} connections");
}

#[test]
fn many_threads_share_calls_as_one_does() {
    let place = Arc::new(Place::new());
    for name in names(10) {
        place.aws.secrets().put(&name, &name);
    }
    let role = place.add_role("reader", Permissions::Everything);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
    let due = Instant::now();
    // Current values, which a call brings many of, and stages, which it does not.
    for version in [None, Some("AWSPENDING")] {
        let before = place.provider.counts();
        runtime.block_on(async {
            let one = |number: usize| {
                let (place, role) = (Arc::clone(&place), role.clone());
                let key = format!("app/{:03}", number % 10);
                let wanted = [Fetch::Value { key, version: version.map(str::to_owned) }];
                tokio::spawn(async move {
                    let spec = and(&json!({ "role": role }));
                    let store = place.connect(&spec, &scope("shop")).await.unwrap();
                    store.fetch(&wanted, since(due)).await.remove(0)
                })
            };
            let reads: Vec<_> = (0..1000).map(one).collect();
            for (number, read) in reads.into_iter().enumerate() {
                match read.await.unwrap() {
                    Ok(answer) => {
                        assert_eq!(text(&answer.fetched), format!("app/{:03}", number % 10));
                    }
                    Err(error) => {
                        assert_eq!((version, error), (Some("AWSPENDING"), ProviderError::NotFound));
                    }
                }
            }
        });
        let counts = place.provider.counts();
        assert_eq!((counts.asked - before.asked, counts.read - before.read), (1000, 10));
        let calls = counts.calls - before.calls;
        assert!((1..=10).contains(&calls), "{calls} calls");
        assert_eq!(counts.saved - before.saved, 1000 - calls);
    }
    let calls = (place.count(BATCH), place.count(GET));
    assert!(calls.0 + calls.1 <= 20 && calls.1 >= 10, "{calls:?}");
    assert_eq!(place.count(ASSUME), 1);
}

#[test]
fn a_new_value_is_seen_by_whoever_asks_after_it() {
    let place = Place::new();
    place.aws.secrets().put("a", "old");
    run(async {
        let spec = secrets_store();
        let start = Instant::now();
        let store = place.connect(&spec, &scope("shop")).await.unwrap();
        let read = async |window| {
            let answer = store.fetch(&[value("a")], window).await.remove(0).unwrap();
            (text(&answer.fetched), answer.began)
        };
        let (old, began) = read(since(start)).await;
        assert_eq!(old, "old");
        place.aws.secrets().put("a", "new");
        let noticed = Instant::now();
        let earlier = (old, began);
        assert_eq!(
            read(since(start)).await,
            earlier,
            "good enough for an earlier round, and dated"
        );
        let (new, began) = read(since(noticed)).await;
        assert!(new == "new" && began >= noticed);
        assert_eq!(read(since(start)).await, (new, began));
    });
}

#[test]
fn connections_have_a_limit() {
    let place = Place::new();
    let all = names(300);
    for name in &all {
        place.aws.secrets().put(name, name);
    }
    run(async {
        let spec = secrets_store();
        // Stages are read one by one.
        let wanted: Vec<Fetch> = all
            .iter()
            .map(|name| Fetch::Value { key: name.clone(), version: Some("AWSPREVIOUS".into()) })
            .collect();
        place
            .aws
            .faults()
            .add(Rule::on("*").effect(Effect::Latency { millis: 1, jitter_millis: 5 }));
        let answers = place.fetch(&spec, &wanted).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(ProviderError::NotFound))));
    });
    assert_eq!(place.count(GET), 300);
    let connections = place.aws.counters().connections();
    assert!(connections <= 16, "{connections} connections");
}

#[test]
fn who_may_not_read_together_reads_one_by_one() {
    let place = Place::new();
    let all = names(45);
    for name in &all {
        place.aws.secrets().put(name, name);
    }
    place.aws.identities().deny("*", BATCH, "*");
    run(async {
        let spec = secrets_store();
        let wanted: Vec<Fetch> = all.iter().map(|name| value(name)).collect();
        let answers = place.fetch(&spec, &wanted).await;
        for (name, answer) in all.iter().zip(&answers) {
            assert_eq!(text(answer.as_ref().unwrap()), *name);
        }
        let denied = place.count(BATCH);
        assert!(denied <= 4, "{denied} batches were tried");
        assert_eq!(place.count(GET), 45);
        place.fetch(&spec, &wanted).await;
        assert_eq!((place.count(BATCH), place.count(GET)), (denied, 90), "it is remembered");
    });
}

#[test]
fn a_batch_loses_nothing() {
    let place = Place::new();
    for name in ["fine", "denied", "leaving", "broken"] {
        place.aws.secrets().put(name, name);
    }
    place.aws.identities().deny("*", GET, "*:secret:denied-*");
    place.aws.secrets().act("DeleteSecret", &json!({ "SecretId": "leaving" }));
    let broken = Effect::error(500, "InternalServiceError", "An error occurred.");
    place.aws.faults().add(Rule::on(BATCH).resource("broken").effect(broken));
    run(async {
        let keys = ["fine", "denied", "leaving", "gone", "broken"];
        let wanted: Vec<Fetch> = keys.iter().map(|key| value(key)).collect();
        let answers = place.fetch(&secrets_store(), &wanted).await;
        assert_eq!(place.count(BATCH), 1);
        assert_eq!(text(answers[0].as_ref().unwrap()), "fine");
        let denied = answers[1].as_ref().unwrap_err();
        assert_eq!(denied.category(), "denied");
        assert!(denied.to_string().contains("\"denied\""), "{denied}");
        assert_eq!(*answers[2].as_ref().unwrap_err(), ProviderError::NotFound);
        assert_eq!(*answers[3].as_ref().unwrap_err(), ProviderError::NotFound);
        assert_eq!(text(answers[4].as_ref().unwrap()), "broken", "read alone");
    });
}

#[test]
fn parameters_are_read_ten_at_a_time() {
    let place = Place::new();
    let all: Vec<String> = names(25).into_iter().map(|name| format!("/{name}")).collect();
    for name in &all {
        place.aws.parameters().put(name, name);
    }
    run(async {
        let spec = parameters_store();
        let mut wanted: Vec<Fetch> = all.iter().map(|name| value(name)).collect();
        wanted.push(value("/gone"));
        let answers = place.fetch(&spec, &wanted).await;
        for (name, answer) in all.iter().zip(&answers) {
            assert_eq!(text(answer.as_ref().unwrap()), *name);
        }
        assert_eq!(*answers[25].as_ref().unwrap_err(), ProviderError::NotFound);
        assert_eq!((place.count(PARAMETERS), place.count(PARAMETER)), (3, 1));

        // One that may not be read harms nobody else.
        place.aws.identities().deny("*", "ssm:GetParameter*", "*:parameter/app/003");
        let answers = place.fetch(&spec, &wanted).await;
        let denied: Vec<usize> = (0..25).filter(|index| answers[*index].is_err()).collect();
        assert_eq!(denied, [3]);
        assert_eq!(answers[3].as_ref().unwrap_err().category(), "denied");
    });
}

#[test]
fn the_same_search_is_made_once() {
    let place = Place::new();
    for name in names(30) {
        place.aws.secrets().put(&name, &name);
    }
    run(async {
        let spec = secrets_store();
        let find: Fetch =
            Fetch::Find(serde_json::from_value(json!({ "name": { "regexp": "^app/" } })).unwrap());
        let store = place.connect(&spec, &scope("shop")).await.unwrap();
        let window = fresh();
        let wanted = [find];
        let answers = join_all((0..50).map(|_| store.fetch(&wanted, window))).await;
        for answer in answers {
            let Ok(Fetched::Found(found)) = answer[0].as_ref().map(|it| &it.fetched) else {
                panic!("{answer:?}")
            };
            assert_eq!(found.len(), 30);
        }
        assert_eq!(place.count("secretsmanager:ListSecrets"), 1);
        assert_eq!((place.count(BATCH), place.count(GET)), (2, 0));
    });
}

#[test]
fn a_search_needs_no_permission_for_batches() {
    let place = Place::new();
    for name in names(3) {
        place.aws.secrets().put(&name, &name);
    }
    place.aws.identities().deny("*", BATCH, "*");
    run(async {
        let find = serde_json::from_value(json!({ "name": { "regexp": "." } })).unwrap();
        let answers = place.fetch(&secrets_store(), &[Fetch::Find(find)]).await;
        let Ok(Fetched::Found(found)) = &answers[0] else { panic!("{answers:?}") };
        assert_eq!(found.len(), 3);
    });
}

/// Without batches, because there the limit would never be felt.
#[test]
fn two_hundred_keys_at_twenty_a_second_are_refused_fewer_than_ten_times() {
    let place = Place::new();
    let all = names(200);
    for name in &all {
        place.aws.secrets().put(name, name);
    }
    place.aws.identities().deny("*", BATCH, "*");
    place.aws.throttle().limit(&[GET], 20, 20);
    run(async {
        let wanted: Vec<Fetch> = all.iter().map(|name| value(name)).collect();
        let answers = place.fetch(&secrets_store(), &wanted).await;
        for (name, answer) in all.iter().zip(&answers) {
            assert_eq!(text(answer.as_ref().unwrap()), *name);
        }
    });
    let refused = place.aws.counters().outcomes(GET, "ThrottlingException");
    assert!((1..10).contains(&refused), "{refused} refusals");
    assert_eq!(place.provider.counts().throttled, refused);
}

#[test]
fn trouble_on_the_way_is_waited_out_and_then_told() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    run(async {
        let spec = secrets_store();
        let trouble = [
            Effect::error(500, "InternalServiceError", "An error occurred."),
            Effect::Reset,
            Effect::Truncated,
            Effect::Garbage,
            Effect::Gateway { status: 503 },
            Effect::throttled(),
        ];
        for effect in trouble {
            place.aws.faults().add(Rule::on(GET).times(2).effect(effect.clone()));
            let answers = place.fetch(&spec, &[value("a")]).await;
            assert_eq!(text(answers[0].as_ref().unwrap()), "1", "{effect:?}");
            place.aws.faults().clear();
        }
        place.aws.faults().add(Rule::on(GET).effect(Effect::Reset));
        let answers = place.fetch(&spec, &[value("a")]).await;
        assert_eq!(answers[0].as_ref().unwrap_err().category(), "transient");
    });
}

#[test]
fn who_has_no_time_gives_up_and_the_next_is_served() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    let hangs = place.aws.faults().add(Rule::on(GET).effect(Effect::Hang));
    run(async {
        let store = place.connect(&secrets_store(), &scope("shop")).await.unwrap();
        let now = Instant::now();
        let window = Window { since: now, deadline: now + Duration::from_millis(100) };
        let answers = store.fetch(&[value("a")], window).await;
        assert_eq!(answers[0].as_ref().unwrap_err().category(), "transient");
        place.aws.faults().remove(hangs);
        let answers = store.fetch(&[value("a")], fresh()).await;
        assert_eq!(text(&answers[0].as_ref().unwrap().fetched), "1");
    });
}
