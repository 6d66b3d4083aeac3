//! The servers that the table is asked of, each ready for it.

use std::collections::BTreeMap;

use extsecret_test_aws::{Config, Double, Permissions, Policy, Role};
use extsecret_tests::aws_client::{AwsClient, Service};
use extsecret_tests::emulator::Emulator;
use serde_json::{Value, json};

use crate::checks;
use crate::run::{Results, Server, run_all};

/// The account of the table that is not the client's own.
const OTHER_ACCOUNT: &str = "222233334444";

/// Starts a server and asks it everything, given the statuses that are particular to it; `None` if
/// what it needs is not installed.
type RunServer = fn(BTreeMap<String, u16>) -> Option<Results>;

/// All servers, by the names of their lists.
pub(crate) const ALL: [(&str, RunServer); 3] = [
    ("double", |statuses| Some(double(statuses))),
    ("ministack", |statuses| Some(emulator(&Emulator::ministack()?, statuses))),
    ("moto", |statuses| Some(emulator(&Emulator::moto()?, statuses))),
];

fn double(statuses: BTreeMap<String, u16>) -> Results {
    let double = Double::start(Config::default()).expect("a free loopback port");
    let other = Role::new(&format!("arn:aws:iam::{OTHER_ACCOUNT}:role/reader"));
    double.identities().add_role(other.trusts_principal(double.account()));
    let server = Server {
        client: AwsClient::new(double.endpoint()),
        account: double.account().to_owned(),
        make_role: Box::new(|_, name, policy| {
            let role = Role::new(&format!("arn:aws:iam::{}:role/{name}", double.account()));
            let policy = Policy::parse(&policy.to_string()).expect("a policy of the table");
            let permissions = Permissions::Policies(vec![policy]);
            double.identities().add_role(role.trusts_principal(double.account()).may(permissions));
        }),
        route_label_events: Box::new(|_, url, _| {
            double.queues().gets_native_events(name_of_queue(url));
        }),
        statuses,
    };
    run_all(&server, &checks::all())
}

/// Emulators have IAM and EventBridge.
fn emulator(emulator: &Emulator, statuses: BTreeMap<String, u16>) -> Results {
    let client = AwsClient::new(emulator.endpoint());
    let who = client.ask(Service::Sts, "GetCallerIdentity", &json!({}));
    let account = who.body["Account"].as_str().unwrap_or_else(|| panic!("who am I? {who:?}"));
    let server = Server {
        account: account.to_owned(),
        client,
        make_role: Box::new(|client, name, policy| make_role(client, account, name, policy)),
        route_label_events: Box::new(route_through_event_bridge),
        statuses,
    };
    run_all(&server, &checks::all())
}

/// Makes a role that its account may assume.
fn make_role(client: &AwsClient, account: &str, name: &str, policy: &Value) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
        "Action": "sts:AssumeRole",
    }]});
    let role = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
    let policy = json!({
        "RoleName": name, "PolicyName": "table", "PolicyDocument": policy.to_string(),
    });
    for (operation, request) in [("CreateRole", role), ("PutRolePolicy", policy)] {
        let answer = client.ask(Service::Iam, operation, &request);
        assert_eq!(answer.status, 200, "{operation}: {answer:?}");
    }
}

/// Sends the events that are about labels to a queue.
fn route_through_event_bridge(client: &AwsClient, url: &str, arn: &str) {
    let rule = name_of_queue(url);
    let pattern = json!({
        "source": ["aws.secretsmanager"], "detail-type": ["Secret Label Updated"],
    });
    let requests = [
        ("PutRule", json!({ "Name": rule, "EventPattern": pattern.to_string() })),
        ("PutTargets", json!({ "Rule": rule, "Targets": [{ "Id": "queue", "Arn": arn }] })),
    ];
    for (operation, request) in requests {
        let answer = client.ask(Service::Events, operation, &request);
        assert_eq!(answer.status, 200, "{operation}: {answer:?}");
    }
}

fn name_of_queue(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, name)| name)
}
