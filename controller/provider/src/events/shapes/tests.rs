use proptest::prelude::*;
use serde_json::json;

use super::*;

const ACCOUNT: &str = "123456789012";

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{name}")
}

fn native(name: &str) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "Secret Label Updated",
        "source": "aws.secretsmanager", "account": ACCOUNT, "region": "eu-west-1",
        "resources": [arn(&format!("{name}-AbCdEf"))],
        "detail": { "name": name, "labelUpdated": "AWSCURRENT", "versionId": "v2" },
    })
}

fn call(name: &str, asked: &Value, answered: &Value) -> Value {
    json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.secretsmanager",
        "account": ACCOUNT, "region": "eu-west-1", "resources": [],
        "detail": {
            "eventName": name, "requestParameters": asked, "responseElements": answered,
            "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
        },
    })
}

fn names(event: &Value) -> Vec<String> {
    let change = parse(&event.to_string()).unwrap().unwrap();
    assert_eq!((change.account.as_str(), change.region.as_str()), (ACCOUNT, "eu-west-1"));
    assert_eq!(change.kind, Kind::Secret);
    change.names
}

#[test]
fn the_native_event_names_secret_and_version() {
    assert_eq!(names(&native("app/db-main")), ["app/db-main"]);
    let change = parse(&native("x").to_string()).unwrap().unwrap();
    assert_eq!(change.version.as_deref(), Some("v2"));
}

#[test]
fn a_call_names_the_secret_as_it_was_written_or_answered() {
    let put = |asked: &str, answered: &Value| {
        names(&call("PutSecretValue", &json!({ "secretId": asked }), answered))
    };
    assert_eq!(put("app/db", &Value::Null), ["app/db"]);
    assert_eq!(put("app/db", &json!({ "arn": arn("app/db-AbCdEf") })), ["app/db"]);
    assert_eq!(put("other", &json!({ "aRN": arn("app/db-AbCdEf") })), ["app/db"]);
    // A name that ends like a suffix, in an ARN that may be without one.
    assert_eq!(put(&arn("my-secret"), &Value::Null), ["my-secret", "my"]);
    assert_eq!(put(&arn("my-secret-AbCdEf"), &Value::Null), ["my-secret-AbCdEf", "my-secret"]);
    let created = call("CreateSecret", &json!({ "name": "new" }), &Value::Null);
    assert_eq!(names(&created), ["new"]);
}

#[test]
fn a_rotation_counts_when_it_has_succeeded() {
    let rotation = |name: &str| {
        json!({
            "detail-type": "AWS Service Event via CloudTrail", "source": "aws.secretsmanager",
            "account": ACCOUNT, "region": "eu-west-1",
            "detail": {
                "eventName": name, "requestParameters": null,
                "additionalEventData": { "SecretId": arn("app/db-AbCdEf") },
            },
        })
    };
    assert_eq!(names(&rotation("RotationSucceeded")), ["app/db"]);
    assert_eq!(parse(&rotation("RotationStarted").to_string()), Ok(None));
}

/// What is no whole ARN says nothing about where; the event does.
#[test]
fn an_arn_without_region_or_account_is_a_name() {
    for id in
        ["arn:aws:secretsmanager::123456789012:secret:x", "arn:aws:secretsmanager:a::secret:x"]
    {
        assert_eq!(names(&call("PutSecretValue", &json!({ "secretId": id }), &Value::Null)), [id]);
        assert_eq!((names_of(id), account_of(id)), (vec![id.to_owned()], None));
    }
}

#[test]
fn a_parameter_changes_too() {
    let event = json!({
        "detail-type": "Parameter Store Change", "source": "aws.ssm", "account": ACCOUNT,
        "region": "eu-west-1", "detail": { "name": "/app/db", "operation": "Update" },
    });
    let change = parse(&event.to_string()).unwrap().unwrap();
    assert_eq!((change.kind, change.names), (Kind::Parameter, vec!["/app/db".to_owned()]));
}

#[test]
fn what_changes_nothing_is_told_from_what_cannot_be_understood() {
    let asked = json!({ "secretId": "a" });
    assert_eq!(parse(&call("GetSecretValue", &asked, &Value::Null).to_string()), Ok(None));
    let mut failed = call("PutSecretValue", &asked, &Value::Null);
    failed["detail"]["errorCode"] = json!("AccessDenied");
    assert_eq!(parse(&failed.to_string()), Ok(None));
    let other = json!({ "detail-type": "Object Created", "source": "aws.s3", "detail": {} });
    assert_eq!(parse(&other.to_string()), Ok(None));

    for body in ["", "{", "[]", "null", "\"text\"", "12"] {
        assert_eq!(parse(body), Err(ShapeError::NotAnObject), "{body}");
    }
    assert_eq!(parse("{}"), Err(ShapeError::NoEvent("detail-type")));
    let mut nameless = native("a");
    nameless["detail"] = json!({});
    assert!(matches!(parse(&nameless.to_string()), Err(ShapeError::Incomplete { .. })));
    let nothing = call("PutSecretValue", &Value::Null, &Value::Null);
    assert!(matches!(parse(&nothing.to_string()), Err(ShapeError::Incomplete { .. })));
}

#[test]
fn a_topic_may_stand_between() {
    let wrapped = json!({ "Type": "Notification", "Message": native("a").to_string() });
    assert_eq!(names(&wrapped), ["a"]);
}

proptest! {
    /// Whatever form a key has in an ExternalSecret and an event has, they meet.
    #[test]
    fn a_key_meets_its_events(
        name in "[a-zA-Z0-9/_+=.@-]{1,40}",
        suffix in "[a-zA-Z0-9]{6}",
        form in 0..4_u8,
    ) {
        let whole = arn(&format!("{name}-{suffix}"));
        let event = match form {
            0 => native(&name),
            1 => call("PutSecretValue", &json!({ "secretId": name }), &json!({ "arn": whole })),
            2 => call("UpdateSecret", &json!({ "secretId": whole }), &Value::Null),
            _ => call("UpdateSecret", &json!({ "secretId": arn(&name) }), &Value::Null),
        };
        let changed = names(&event);
        for key in [name.clone(), arn(&name), whole.clone()] {
            let meant = names_of(&key);
            prop_assert!(meant.iter().any(|name| changed.contains(name)), "{key}: {meant:?} {changed:?}");
        }
    }

    #[test]
    fn anything_can_be_read(body in "\\PC*") {
        let _ = parse(&body);
        let _ = names_of(&body);
        let _ = parse(&native(&body).to_string());
    }
}
