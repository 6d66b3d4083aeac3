//! One client: what the engine asks for is what comes back, and what cannot be had is never
//! mistaken for what does not exist.

use std::slice;
use std::time::Duration;

use extsecret_crds::provider::{AwsProvider, AwsService};
use extsecret_engine::collect::{FetchError, Fetched};
use extsecret_engine::request::Fetch;
use extsecret_provider::aws::{Client, Credentials, Endpoints};
use extsecret_tests::aws::{Aws, Effect, Permissions, Rule};
use serde_json::{Value, json};

const BATCH: &str = "secretsmanager:BatchGetSecretValue";
const GET: &str = "secretsmanager:GetSecretValue";

fn store(service: AwsService, prefix: &str) -> AwsProvider {
    AwsProvider {
        service,
        region: "us-east-1".to_owned(),
        prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
        ..AwsProvider::default()
    }
}

fn value(key: &str) -> Fetch {
    Fetch::Value { key: key.to_owned(), version: None }
}

fn version(key: &str, version: &str) -> Fetch {
    Fetch::Value { key: key.to_owned(), version: Some(version.to_owned()) }
}

fn tags(key: &str) -> Fetch {
    Fetch::Tags { key: key.to_owned() }
}

fn find(find: Value) -> Fetch {
    Fetch::Find(serde_json::from_value(find).unwrap())
}

/// Asks as somebody.
fn fetch_as(
    aws: &Aws,
    who: &extsecret_tests::aws::Credentials,
    store: &AwsProvider,
    wanted: &[Fetch],
) -> Vec<Result<Fetched, FetchError>> {
    let endpoints = Endpoints {
        secrets_manager: Some(aws.endpoint().to_owned()),
        parameter_store: Some(aws.endpoint().to_owned()),
        sts: None,
    };
    let credentials = Credentials::new(
        &who.access_key_id,
        &who.secret_access_key,
        who.session_token.clone(),
        None,
        "test",
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let timeout = Some(Duration::from_mins(1));
        let client = Client::with_credentials(&store.region, &endpoints, credentials, timeout)
            .await
            .unwrap();
        client.fetch(store, &wanted.iter().collect::<Vec<_>>()).await
    })
}

fn secrets(aws: &Aws, wanted: &[Fetch]) -> Vec<Result<Fetched, FetchError>> {
    fetch_as(aws, aws.admin(), &store(AwsService::SecretsManager, ""), wanted)
}

fn parameters(aws: &Aws, wanted: &[Fetch]) -> Vec<Result<Fetched, FetchError>> {
    fetch_as(aws, aws.admin(), &store(AwsService::ParameterStore, ""), wanted)
}

/// An answer in a form that can be compared: what came back, or why nothing did.
fn shown(answer: &Result<Fetched, FetchError>) -> String {
    match answer {
        Ok(Fetched::Value(payload)) => match (&payload.string, &payload.binary) {
            (Some(text), None) => String::from_utf8(text.clone()).unwrap(),
            (None, Some(bytes)) => format!("{bytes:?}"),
            other => panic!("{other:?}"),
        },
        Ok(Fetched::Tags(tags)) => json!(tags).to_string(),
        Ok(Fetched::Found(found)) => {
            let mut names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            names.join(" ")
        }
        Err(FetchError::NoSecret) => "no secret".to_owned(),
        Err(FetchError::Failed { message, .. }) => format!("failed: {message}"),
    }
}

fn all(answers: &[Result<Fetched, FetchError>]) -> Vec<String> {
    answers.iter().map(shown).collect()
}

fn one(answers: &[Result<Fetched, FetchError>]) -> String {
    assert_eq!(answers.len(), 1);
    shown(&answers[0])
}

#[track_caller]
fn failure(answer: &Result<Fetched, FetchError>) -> (&str, bool) {
    match answer {
        Err(FetchError::Failed { message, may_pass }) => (message, *may_pass),
        other => panic!("{other:?}"),
    }
}

fn tag_list(tags: &[(&str, &str)]) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn tagged(aws: &Aws, name: &str, tags: &[(&str, &str)]) {
    aws.secrets().put(name, name);
    aws.secrets().act("TagResource", &json!({ "SecretId": name, "Tags": tag_list(tags) }));
}

fn tagged_parameter(aws: &Aws, name: &str, tags: &[(&str, &str)]) {
    aws.parameters().put(name, name);
    let request =
        json!({ "ResourceType": "Parameter", "ResourceId": name, "Tags": tag_list(tags) });
    aws.parameters().act("AddTagsToResource", &request);
}

#[test]
fn a_secret_is_read_by_stage_and_by_id() {
    let aws = Aws::start();
    let first = aws.secrets().put("app/db", "old");
    let second = aws.secrets().put("app/db", "new");
    let answers = secrets(
        &aws,
        &[
            value("app/db"),
            version("app/db", "AWSCURRENT"),
            version("app/db", "AWSPREVIOUS"),
            version("app/db", &format!("uuid/{first}")),
            version("app/db", &format!("uuid/{second}")),
        ],
    );
    assert_eq!(all(&answers), ["new", "new", "old", "old", "new"]);
}

#[test]
fn bytes_stay_bytes() {
    let aws = Aws::start();
    aws.secrets().put_binary("key", &[0, 255, 10]);
    assert_eq!(one(&secrets(&aws, &[value("key")])), "[0, 255, 10]");
    let Ok(Fetched::Found(found)) =
        &secrets(&aws, &[find(json!({ "name": { "regexp": "key" } }))])[0]
    else {
        panic!("nothing found")
    };
    assert_eq!(found[0].1.binary.as_deref(), Some(&[0, 255, 10][..]));
    assert_eq!(found[0].1.string, None);
}

#[test]
fn what_does_not_exist_is_no_secret() {
    let aws = Aws::start();
    aws.secrets().put("there", "x");
    aws.secrets().put("leaving", "x");
    aws.secrets().act("DeleteSecret", &json!({ "SecretId": "leaving" }));
    let answers = secrets(
        &aws,
        &[
            value("gone"),
            version("there", "AWSPREVIOUS"),
            version("there", "uuid/00000000-0000-0000-0000-000000000009"),
            value("leaving"),
            tags("gone"),
            tags("leaving"),
        ],
    );
    assert_eq!(all(&answers), ["no secret"; 6]);
    // A list does not bring it either.
    assert_eq!(one(&secrets(&aws, &[find(json!({ "name": { "regexp": "." } }))])), "there");

    aws.parameters().put("/there", "x");
    let wanted =
        [value("/gone"), version("/there", "7"), version("/there", "label"), tags("/gone")];
    assert_eq!(all(&parameters(&aws, &wanted)), ["no secret"; 4]);
}

#[test]
fn a_refusal_is_an_error_that_says_what_to_grant() {
    let aws = Aws::start();
    aws.secrets().put("app/db", "s3cret-value");
    aws.parameters().put("/app/db", "s3cret-value");
    let who = aws.identities().add_user(aws.account(), "deploy", Permissions::nothing());
    for (service, key, action) in [
        (AwsService::SecretsManager, "app/db", "secretsmanager:GetSecretValue"),
        (AwsService::ParameterStore, "/app/db", "ssm:GetParameter"),
    ] {
        let store = store(service, "");
        let answers = fetch_as(&aws, &who, &store, &[value(key)]);
        let (message, may_pass) = failure(&answers[0]);
        assert!(message.contains(action) && message.contains("user/deploy"), "{message}");
        assert!(message.contains(&format!("of \"{key}\" in us-east-1")), "{message}");
        assert!(may_pass, "the permission may be granted: {message}");
        // The same trouble has the same words each time: nothing may tell two calls apart.
        let again = fetch_as(&aws, &who, &store, &[value(key)]);
        assert_eq!(message, failure(&again[0]).0);
        for call in aws.counters().journal() {
            assert!(!message.contains(&call.request_id), "{message}");
        }
        for secret in ["s3cret-value", &who.secret_access_key, &who.access_key_id] {
            assert!(!message.contains(secret), "{message}");
        }
    }
}

#[test]
fn credentials_that_nobody_knows_are_an_error() {
    let aws = Aws::start();
    aws.secrets().put("app/db", "x");
    let who = aws.identities().add_user(aws.account(), "left", Permissions::Everything);
    aws.identities().revoke(&who.access_key_id);
    let store = store(AwsService::SecretsManager, "");
    for wanted in [value("app/db"), tags("app/db"), find(json!({ "name": { "regexp": "." } }))] {
        let answers = fetch_as(&aws, &who, &store, &[wanted]);
        let (message, _) = failure(&answers[0]);
        assert!(message.contains("the credentials are not valid"), "{message}");
    }
}

#[test]
fn tags_are_read() {
    let aws = Aws::start();
    tagged(&aws, "app/db", &[("team", "core"), ("env", "live")]);
    tagged_parameter(&aws, "/app/db", &[("team", "web")]);
    assert_eq!(one(&secrets(&aws, &[tags("app/db")])), r#"{"env":"live","team":"core"}"#);
    assert_eq!(one(&parameters(&aws, &[tags("/app/db")])), r#"{"team":"web"}"#);
}

#[test]
fn a_search_goes_by_name_path_and_whole_tags() {
    let aws = Aws::start();
    tagged(&aws, "app/db", &[("a", "1"), ("b", "2")]);
    tagged(&aws, "app/db2", &[("a", "2"), ("b", "1")]);
    tagged(&aws, "app/mq", &[("a", "1")]);
    tagged(&aws, "web/db", &[("a", "1"), ("b", "2"), ("c", "\u{fc}!")]);
    let answers = secrets(
        &aws,
        &[
            find(json!({ "name": { "regexp": "^app/db" } })),
            find(json!({ "name": { "regexp": "db" }, "path": "app/" })),
            // Filters of keys and values apart would also bring app/db2.
            find(json!({ "tags": { "a": "1", "b": "2" } })),
            find(json!({ "tags": { "a": "1", "b": "2" }, "path": "web/" })),
            find(json!({ "tags": { "a": "1" }, "name": { "regexp": "mq$" } })),
            // AWS would not take this text in a filter.
            find(json!({ "tags": { "c": "\u{fc}!" } })),
            find(json!({ "name": { "regexp": "nobody" } })),
        ],
    );
    let names =
        ["app/db app/db2", "app/db app/db2", "app/db web/db", "web/db", "app/mq", "web/db", ""];
    assert_eq!(all(&answers), names);
    assert!(
        failure(&secrets(&aws, &[find(json!({ "path": "app" }))])[0]).0.contains("ListSecrets")
    );
}

#[test]
fn a_prefix_of_the_store_is_applied_once() {
    let aws = Aws::start();
    for name in ["team/app/db", "team/mq", "app/db"] {
        tagged(&aws, name, &[("a", "1")]);
    }
    let wanted = [
        value("app/db"),
        tags("mq"),
        find(json!({ "name": { "regexp": "." } })),
        find(json!({ "name": { "regexp": "db" }, "path": "app/" })),
        find(json!({ "name": { "regexp": "db" }, "path": "team/app/" })),
        find(json!({ "tags": { "a": "1" } })),
    ];
    let store_of = |prefix| store(AwsService::SecretsManager, prefix);
    let answers = fetch_as(&aws, aws.admin(), &store_of("team/"), &wanted);
    let both = "team/app/db team/mq";
    let expected = ["team/app/db", r#"{"a":"1"}"#, both, "team/app/db", "team/app/db", both];
    assert_eq!(all(&answers), expected);

    for name in ["/team/app/db", "/team/mq", "/teams", "/app/db"] {
        tagged_parameter(&aws, name, &[("a", "1")]);
    }
    let wanted = [
        value("/app/db"),
        find(json!({ "name": { "regexp": "." } })),
        find(json!({ "name": { "regexp": "." }, "path": "/app" })),
        find(json!({ "name": { "regexp": "." }, "path": "/team/app" })),
        find(json!({ "tags": { "a": "1" }, "path": "/app" })),
    ];
    let store = store(AwsService::ParameterStore, "/team");
    let answers = fetch_as(&aws, aws.admin(), &store, &wanted);
    let below = "/team/app/db";
    let expected = [below, "/team/app/db /team/mq /teams", below, below, below];
    assert_eq!(all(&answers), expected);
}

#[test]
fn a_member_that_may_not_be_read_fails_the_whole_search() {
    let aws = Aws::start();
    for name in ["app/a", "app/b", "app/c"] {
        aws.secrets().put(name, "x");
    }
    let who = aws.identities().add_user(aws.account(), "deploy", Permissions::Everything);
    aws.identities().deny("*user/deploy", GET, "*:secret:app/b-*");
    let search = find(json!({ "name": { "regexp": "app" } }));
    let store_of = |service| store(service, "");
    let manager = store_of(AwsService::SecretsManager);
    let answers = fetch_as(&aws, &who, &manager, &[search.clone(), value("app/a")]);
    let (message, _) = failure(&answers[0]);
    assert!(message.contains("app/b") && message.contains("AccessDenied"), "{message}");
    assert_eq!(shown(&answers[1]), "x", "the rest does not suffer");
    aws.identities().clear_denials();
    assert_eq!(one(&fetch_as(&aws, &who, &manager, &[search])), "app/a app/b app/c");

    tagged_parameter(&aws, "/a", &[("t", "1")]);
    tagged_parameter(&aws, "/b", &[("t", "1")]);
    aws.identities().deny("*user/deploy", "ssm:GetParameter*", "*:parameter/b");
    let search = find(json!({ "tags": { "t": "1" } }));
    let answers = fetch_as(&aws, &who, &store_of(AwsService::ParameterStore), &[search]);
    assert!(failure(&answers[0]).0.contains("AccessDenied"));
}

#[test]
fn a_search_reads_all_pages() {
    let aws = Aws::start();
    let names: Vec<String> = (0..130).map(|number| format!("many/{number:03}")).collect();
    for name in &names {
        aws.secrets().put(name, name);
    }
    let answers = secrets(&aws, &[find(json!({ "name": { "regexp": "^many/" } }))]);
    assert_eq!(one(&answers), names.join(" "));
    let Ok(Fetched::Found(found)) = &answers[0] else { panic!() };
    for (name, payload) in found {
        assert_eq!(payload.string.as_deref(), Some(name.as_bytes()));
    }
    assert_eq!(aws.counters().calls(BATCH), 7);
    assert_eq!(aws.counters().calls(GET), 0);

    let names: Vec<String> = (0..25).map(|number| format!("/many/{number:03}")).collect();
    for name in &names {
        tagged_parameter(&aws, name, &[("a", "1")]);
    }
    let wanted = [
        find(json!({ "name": { "regexp": "." }, "path": "/many" })),
        find(json!({ "tags": { "a": "1" } })),
    ];
    assert_eq!(all(&parameters(&aws, &wanted)), [names.join(" "), names.join(" ")]);
}

#[test]
fn parameters_are_read_by_version_and_label() {
    let aws = Aws::start();
    aws.parameters().put("/app/db", "old");
    aws.parameters().put("/app/db", "new");
    let label = json!({ "Name": "/app/db", "ParameterVersion": 1, "Labels": ["stable"] });
    aws.parameters().act("LabelParameterVersion", &label);
    let plain = json!({ "Name": "plain", "Value": "text", "Type": "String" });
    aws.parameters().act("PutParameter", &plain);
    let wanted = [
        value("/app/db"),
        version("/app/db", "1"),
        version("/app/db", "2"),
        version("/app/db", "stable"),
        value("plain"),
    ];
    assert_eq!(all(&parameters(&aws, &wanted)), ["new", "old", "new", "old", "text"]);
}

#[test]
fn a_search_of_parameters_means_whole_levels() {
    let aws = Aws::start();
    for name in ["/app/db", "/app/deep/db", "/apple/db"] {
        tagged_parameter(&aws, name, &[("a", "1"), ("b", "2")]);
    }
    tagged_parameter(&aws, "/app/other", &[("a", "2"), ("b", "1")]);
    let answers = parameters(
        &aws,
        &[
            find(json!({ "name": { "regexp": "db" }, "path": "/app" })),
            find(json!({ "tags": { "a": "1", "b": "2" }, "path": "/app" })),
            find(json!({ "tags": { "a": "1", "b": "2" } })),
            find(json!({ "tags": { "a": "1" }, "name": { "regexp": "deep" } })),
        ],
    );
    let both = "/app/db /app/deep/db";
    assert_eq!(all(&answers), [both, both, "/app/db /app/deep/db /apple/db", "/app/deep/db"]);
    let wrong = parameters(&aws, &[find(json!({ "name": { "regexp": "." }, "path": "app" }))]);
    failure(&wrong[0]);
}

#[test]
fn a_search_by_path_that_is_denied_lists_and_reads_instead() {
    let aws = Aws::start();
    let mut names: Vec<String> = (0..60).map(|number| format!("/app/{number:02}")).collect();
    names.extend(["/app/deep/db", "/apple/db", "plain"].map(str::to_owned));
    for name in &names {
        aws.parameters().put(name, name);
    }
    let who = aws.identities().add_user(aws.account(), "deploy", Permissions::Everything);
    aws.identities().deny("*user/deploy", "ssm:GetParametersByPath", "*");
    let store = store(AwsService::ParameterStore, "");
    let wanted = [
        find(json!({ "name": { "regexp": "^/app" }, "path": "/app" })),
        find(json!({ "name": { "regexp": "db$" }, "path": "/app/" })),
        find(json!({ "name": { "regexp": "^(/apple|plain)" } })),
        find(json!({ "name": { "regexp": "nobody" } })),
    ];
    let found = |who: &extsecret_tests::aws::Credentials| {
        wanted
            .iter()
            .map(|find| one(&fetch_as(&aws, who, &store, slice::from_ref(find))))
            .collect::<Vec<_>>()
    };
    let answers = found(&who);
    assert_eq!(answers[0], names[..61].join(" "));
    assert_eq!(answers[1..], ["/app/deep/db", "/apple/db plain", ""]);
    assert_eq!(answers, found(aws.admin()), "the permission makes no difference");
    let Ok(Fetched::Found(values)) = &fetch_as(&aws, &who, &store, &wanted[1..2])[0] else {
        panic!()
    };
    assert_eq!(values[0].1.string.as_deref(), Some(b"/app/deep/db".as_slice()));

    // One that may not be read is not left out here either.
    aws.identities().deny("*user/deploy", "ssm:GetParameter*", "*:parameter/app/07");
    let answers = fetch_as(&aws, &who, &store, &wanted[..1]);
    assert!(failure(&answers[0]).0.contains("/app/07"), "{}", failure(&answers[0]).0);
    let narrow = [find(json!({ "name": { "regexp": "[01]1$" }, "path": "/app" }))];
    assert_eq!(one(&fetch_as(&aws, &who, &store, &narrow)), "/app/01 /app/11");

    // Who may do neither hears of both.
    aws.identities().deny("*user/deploy", "ssm:DescribeParameters", "*");
    let answers = fetch_as(&aws, &who, &store, &wanted[..1]);
    let (message, may_pass) = failure(&answers[0]);
    for operation in ["ssm:GetParametersByPath", "ssm:DescribeParameters"] {
        assert!(message.contains(operation), "{message}");
    }
    assert!(may_pass, "{message}");
}

#[test]
fn only_a_refusal_makes_a_search_by_path_list() {
    let aws = Aws::start();
    aws.parameters().put("/app/db", "x");
    let search = [find(json!({ "name": { "regexp": "." }, "path": "/app" }))];
    for effect in [
        Effect::throttled(),
        Effect::Reset,
        Effect::error(500, "InternalServerError", "An error occurred."),
        Effect::error(400, "ValidationException", "no"),
    ] {
        let fault = aws.faults().add(Rule::on("ssm:GetParametersByPath").effect(effect));
        failure(&parameters(&aws, &search)[0]);
        aws.faults().remove(fault);
    }
    assert_eq!(aws.counters().calls("ssm:DescribeParameters"), 0);
}

#[test]
fn a_throttled_call_is_repeated_and_then_told() {
    let aws = Aws::start();
    aws.secrets().put("app/db", "x");
    aws.faults().add(Rule::on(GET).times(2).effect(Effect::throttled()));
    assert_eq!(one(&secrets(&aws, &[value("app/db")])), "x");
    assert_eq!(aws.counters().calls(GET), 3);

    aws.faults().clear();
    for effect in [
        Effect::throttled(),
        Effect::error(500, "InternalServiceError", "An error occurred on the server side."),
        Effect::Reset,
        Effect::Garbage,
        Effect::Gateway { status: 503 },
    ] {
        let id = aws.faults().add(Rule::on("*").effect(effect.clone()));
        for wanted in [value("app/db"), tags("app/db")] {
            let answers = secrets(&aws, &[wanted]);
            let (message, may_pass) = failure(&answers[0]);
            assert!(may_pass, "{effect:?}: {message}");
        }
        aws.faults().remove(id);
    }
}

#[test]
fn what_is_wanted_twice_is_fetched_once() {
    let aws = Aws::start();
    aws.secrets().put("a", "1");
    aws.secrets().put("b", "2");
    let wanted = [value("a"), value("b"), value("a"), version("a", "AWSPREVIOUS"), value("a")];
    let answers = secrets(&aws, &wanted);
    assert_eq!(all(&answers), ["1", "2", "1", "no secret", "1"]);
    assert_eq!(aws.counters().calls(GET), 3);
}
