//! Events about secrets and parameters, as EventBridge brings them into queues.

use std::sync::PoisonError;

use serde_json::{Value, json};

use crate::secrets_manager::LabelMove;
use crate::world::{Call, World};

/// Who sends the messages of EventBridge.
const SENDER: &str = "events.amazonaws.com";

/// A label has come to a version: the event that Secrets Manager sends itself.
pub(crate) fn label_updated(call: &Call<'_>, arn: &str, name: &str, moved: &LabelMove) {
    let detail = json!({ "name": name, "labelUpdated": moved.label, "versionId": moved.version });
    let event = envelope(call, "Secret Label Updated", "aws.secretsmanager", &[arn], &detail);
    deliver(call, true, &event);
}

/// A parameter has changed: the event that Parameter Store sends itself.
pub(crate) fn parameter_changed(call: &Call<'_>, arn: &str, name: &str, kind: &str, what: &str) {
    let detail = json!({ "name": name, "type": kind, "operation": what });
    let event = envelope(call, "Parameter Store Change", "aws.ssm", &[arn], &detail);
    deliver(call, true, &event);
}

/// A change was asked for through the API: the event that CloudTrail makes of it. `secret_id` is what
/// the caller wrote.
pub(crate) fn secret_api_call(call: &Call<'_>, secret_id: (&str, &str), arn: Option<&str>) {
    let (parameter, secret_id) = secret_id;
    let detail = json!({
        "eventVersion": "1.11",
        "userIdentity": { "arn": call.caller.arn, "accountId": call.caller.account },
        "eventTime": call.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": call.name(),
        "awsRegion": call.region,
        "requestParameters": { parameter: secret_id },
        "responseElements": arn.map(|arn| json!({ "arn": arn })),
        "eventID": call.world.ids.uuid(),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": call.caller.account,
        "eventCategory": "Management",
    });
    let kind = "AWS API Call via CloudTrail";
    deliver(call, false, &envelope(call, kind, "aws.secretsmanager", &[], &detail));
}

fn envelope(
    call: &Call<'_>,
    kind: &str,
    source: &str,
    resources: &[&str],
    detail: &Value,
) -> Value {
    json!({
        "version": "0",
        "id": call.world.ids.uuid(),
        "detail-type": kind,
        "source": source,
        "account": call.caller.account,
        "time": call.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": call.region,
        "resources": resources,
        "detail": detail,
    })
}

fn deliver(call: &Call<'_>, native: bool, event: &Value) {
    let World { queues, ids, .. } = call.world;
    let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
    let body = event.to_string();
    for queue in queues.all(&call.caller.account, call.region) {
        let wanted = queue.subscription;
        if if native { wanted.native } else { wanted.api_calls } {
            queue.send(&body, SENDER, ids, call.now);
        }
    }
    drop(queues);
    call.world.wake_receivers();
}
