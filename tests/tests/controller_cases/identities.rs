//! Who the controller is at AWS: written keys, service accounts, roles.

use extsecret_tests::aws::{AUDIENCE, Policy, Role};
use extsecret_tests::aws_client::Service as Api;
use extsecret_tests::controller::Controller;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Service, data, keys, merge};
use crate::shared::{cases, run};

const SERVICES: [Service; 2] = [Service::SecretsManager, Service::ParameterStore];

impl Room {
    /// Makes a role of the room's account that a service account of the namespace may use; it may do
    /// everything there.
    fn role_of(&self, service_account: &str) -> String {
        let issuer = self.trust_cluster();
        let subject = format!("system:serviceaccount:{}:{service_account}", self.namespace);
        let role = Role::new(&self.arn(service_account));
        self.bench.aws.identities().add_role(role.trusts_token(&issuer, AUDIENCE, &subject));
        self.arn(service_account)
    }

    /// Lets the room's account trust the tokens of the cluster.
    fn trust_cluster(&self) -> String {
        let get = |path: &str| self.bench.api.get(path).unwrap();
        let issuer = get(".well-known/openid-configuration")["issuer"].as_str().unwrap().to_owned();
        let keys = get("openid/v1/jwks").to_string();
        let identities = self.bench.aws.identities();
        identities.add_token_issuer(&self.account, &issuer, &[AUDIENCE], &keys);
        issuer
    }

    fn arn(&self, role: &str) -> String {
        format!("arn:aws:iam::{}:role/{role}", self.account)
    }

    /// Makes a role that the room's user may assume, under conditions.
    fn add_role(&self, name: &str, conditions: &Value) -> String {
        let trust = json!({ "Statement": {
            "Effect": "Allow", "Principal": { "AWS": self.account },
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": conditions,
        } });
        let trust = Policy::parse(&trust.to_string()).unwrap();
        self.bench.aws.identities().add_role(Role::new(&self.arn(name)).trusts(trust));
        self.arn(name)
    }

    fn put_account(&self, name: &str, role: &str) {
        let annotations = json!({ "eks.amazonaws.com/role-arn": role });
        let account = json!({ "metadata": { "annotations": annotations } });
        self.create("serviceaccounts", name, &account);
    }

    /// Makes a ClusterSecretStore, and returns its name.
    fn put_cluster_store(&self, spec: &Value) -> String {
        let name = format!("of-{}", self.namespace);
        self.create("clustersecretstores", &name, &json!({ "spec": spec }));
        name
    }

    /// Makes a secret and an ExternalSecret for it, and waits until it is synced through this store.
    #[track_caller]
    fn reads_through(&self, kind: &str, store: &str, service: Service) {
        let name = format!("{store}-{}", service.store());
        self.put(service, &name, "value", &json!({}));
        self.put_external_secret(&name, &through(kind, store, &name));
        self.ready(&name);
        self.has(&name, &json!({ "data": { "key": "value" } }));
    }
}

/// An ExternalSecret of one key.
fn through(kind: &str, store: &str, key: &str) -> Value {
    json!({ "secretStoreRef": { "kind": kind, "name": store }, "data": data(&[("key", key, "")]) })
}

/// A room whose stores use a service account instead of a key.
fn open_with_account(case: &str) -> Option<Room> {
    let room = Room::open(case)?;
    room.put_account("reader", &room.role_of("reader"));
    let jwt = json!({ "auth": { "jwt": { "serviceAccountRef": { "name": "reader" } } } });
    for service in SERVICES {
        room.delete("secretstores", service.store());
        room.put_store(service.store(), &service.spec(&jwt));
    }
    // Nothing else is left to read with.
    room.delete("secrets", "aws-keys");
    Some(room)
}

#[test]
fn a_service_account_reads_all_that_a_key_reads() {
    for service in SERVICES {
        let done = run(&cases(), service, open_with_account);
        assert!(done || extsecret_tests::tools::cluster_program().is_none());
    }
}

/// As on EKS: the controller's own pod has a token, and stores say nothing.
#[test]
fn a_mounted_token_reads_all_that_a_key_reads() {
    let room = require!(Room::open("mounted"));
    let role = room.role_of("default");
    room.wait("serviceaccounts", "default", "it is there", |found| {
        found.map(drop).ok_or_else(String::new)
    });
    let path = format!("{}/token", room.path("serviceaccounts", "default"));
    let request = json!({ "spec": { "audiences": [AUDIENCE] } });
    let token = room.bench.api.create(&path, &request);
    let file = room.bench.cluster.dir().join("mounted-token");
    std::fs::write(&file, token["status"]["token"].as_str().unwrap()).unwrap();

    let namespace = format!("--namespace={}", room.namespace);
    let _controller = Controller::setup(&room.bench.cluster)
        .environment(room.bench.aws.environment_without_credentials())
        .environment([("AWS_WEB_IDENTITY_TOKEN_FILE", file)])
        .environment([("AWS_ROLE_ARN", role)])
        .args(["--controller-class=mounted", &namespace])
        .start();
    for service in SERVICES {
        room.delete("secretstores", service.store());
        let mut spec = service.spec(&json!({}));
        spec["controller"] = json!("mounted");
        room.put_store(service.store(), &spec);
    }
    room.delete("secrets", "aws-keys");
    let cases = cases();
    for service in SERVICES {
        for case in &cases {
            case.begin(&room, service);
        }
        for case in &cases {
            case.end(&room);
            room.delete("externalsecrets", case.name);
        }
        // The targets go with their ExternalSecrets, and do not stand for the next service's.
        for case in &cases {
            room.is_gone("secrets", case.target());
        }
    }
}

#[test]
fn a_cluster_store_without_a_namespace_uses_each_ones_own() {
    let room = require!(Room::open("referent"));
    let other = require!(Room::open("referent-other"));
    for service in SERVICES {
        let spec = service.spec(&keys("aws-keys", None));
        let name = format!("of-{}-{}", room.namespace, service.store());
        room.create("clustersecretstores", &name, &json!({ "spec": spec }));
        room.reads_through("ClusterSecretStore", &name, service);
        // Each is another account here.
        other.put(service, &name, "other", &json!({}));
        other.put_external_secret(&name, &through("ClusterSecretStore", &name, &name));
        other.has(&name, &json!({ "data": { "key": "other" } }));
        let store = room.get("clustersecretstores", &name).unwrap();
        let ready = crate::room::ready_condition(&store);
        assert_eq!((&ready["status"], &ready["reason"]), (&json!("True"), &json!("Valid")));
    }
}

#[test]
fn a_cluster_store_uses_the_key_of_the_namespace_that_it_names() {
    let room = require!(Room::open("named"));
    let user = require!(Room::open("named-user"));
    let spec = Service::SecretsManager.spec(&keys("aws-keys", Some(&room.namespace)));
    let store = room.put_cluster_store(&spec);
    room.put(Service::SecretsManager, "db", "of the named one", &json!({}));
    user.put(Service::SecretsManager, "db", "of its own", &json!({}));
    user.put_external_secret("web", &through("ClusterSecretStore", &store, "db"));
    user.has("web", &json!({ "data": { "key": "of the named one" } }));
}

#[test]
fn a_cluster_store_uses_a_service_account_of_its_own_or_of_each_one() {
    let room = require!(Room::open("accounts"));
    let user = require!(Room::open("accounts-user"));
    room.put_account("reader", &room.role_of("reader"));
    user.put_account("reader", &user.role_of("reader"));
    for (name, account, value) in [
        ("named", json!({ "name": "reader", "namespace": room.namespace }), "of the named one"),
        ("referent", json!({ "name": "reader" }), "of its own"),
    ] {
        let jwt = json!({ "auth": { "jwt": { "serviceAccountRef": account } } });
        let store = format!("{name}-{}", room.namespace);
        let spec = Service::SecretsManager.spec(&jwt);
        room.create("clustersecretstores", &store, &json!({ "spec": spec }));
        room.put(Service::SecretsManager, name, "of the named one", &json!({}));
        user.put(Service::SecretsManager, name, "of its own", &json!({}));
        user.put_external_secret(name, &through("ClusterSecretStore", &store, name));
        user.has(name, &json!({ "data": { "key": value } }));
    }
}

#[test]
fn a_role_wants_an_external_id() {
    let room = require!(Room::open("external-id"));
    let condition = json!({ "StringEquals": { "sts:ExternalId": "tenant" } });
    let role = room.add_role("guarded", &condition);
    for (name, id) in [("right", "tenant"), ("wrong", "other")] {
        let mut aws = keys("aws-keys", None);
        merge(&mut aws, &json!({ "role": role, "externalID": id }));
        room.put_store(name, &Service::SecretsManager.spec(&aws));
    }
    room.reads_through("SecretStore", "right", Service::SecretsManager);
    room.put_external_secret("web", &through("SecretStore", "wrong", "right-secrets"));
    let object = room.fails("web", "could not get secret data from provider: ");
    let message = crate::room::ready_condition(&object)["message"].to_string();
    assert!(message.contains("SecretStore") && message.contains("AssumeRole"), "{message}");
    assert_eq!(room.get("secrets", "web"), None);
}

#[test]
fn sessions_carry_the_tags_of_their_store_or_of_their_namespace() {
    let room = require!(Room::open("session-tags"));
    let wants = |tag: &str, value: &str| json!({ "StringEquals": { format!("aws:RequestTag/{tag}"): value } });
    let written = room.add_role("written", &wants("team", "shop"));
    let simple = room.add_role("simple", &wants("esoNamespace", &room.namespace));
    let custom = room.add_role("custom", &wants("stage", "test"));
    for (name, more) in [
        (
            "written",
            json!({
                "role": written, "sessionTags": [{ "key": "team", "value": "shop" }],
                "transitiveTagKeys": ["team"],
            }),
        ),
        ("simple", json!({ "role": simple, "sessionTagsPolicy": "Simple" })),
        (
            "custom",
            json!({
                "role": custom, "sessionTagsPolicy": "Custom", "customSessionTags": { "stage": "test" },
            }),
        ),
    ] {
        let mut aws = keys("aws-keys", None);
        merge(&mut aws, &more);
        room.put_store(name, &Service::SecretsManager.spec(&aws));
        room.reads_through("SecretStore", name, Service::SecretsManager);
    }
}

#[test]
fn roles_are_assumed_in_order() {
    let room = require!(Room::open("chain"));
    let first = room.add_role("first", &json!({}));
    let trust = json!({ "Statement": {
        "Effect": "Allow", "Principal": { "AWS": first }, "Action": "sts:AssumeRole",
    } });
    let trust = Policy::parse(&trust.to_string()).unwrap();
    let second = room.arn("second");
    room.bench.aws.identities().add_role(Role::new(&second).trusts(trust));
    let mut aws = keys("aws-keys", None);
    merge(&mut aws, &json!({ "additionalRoles": [first], "role": second }));
    room.put_store("chained", &Service::SecretsManager.spec(&aws));
    room.reads_through("SecretStore", "chained", Service::SecretsManager);
}

#[test]
fn a_session_token_belongs_to_a_key() {
    let room = require!(Room::open("session-token"));
    let user = room.bench.aws.identities().add_user(
        &room.account,
        "temporary",
        extsecret_tests::aws::Permissions::Everything,
    );
    let role = room.add_role("temporary", &json!({}));
    let request = json!({ "RoleArn": role, "RoleSessionName": "test" });
    let answer = room.bench.aws.client_of(&user).ask(Api::Sts, "AssumeRole", &request);
    let part = |name: &str| answer.body["Credentials"][name].as_str().unwrap().to_owned();
    room.put_keys(
        "temporary",
        &extsecret_tests::aws::Credentials {
            access_key_id: part("AccessKeyId"),
            secret_access_key: part("SecretAccessKey"),
            session_token: Some(part("SessionToken")),
        },
    );
    let mut aws = keys("temporary", None);
    aws["auth"]["secretRef"]["sessionTokenSecretRef"] =
        json!({ "name": "temporary", "key": "token" });
    room.put_store("temporary", &Service::SecretsManager.spec(&aws));
    room.reads_through("SecretStore", "temporary", Service::SecretsManager);
}

/// A key that is corrected is used at once: nobody waits for the next interval.
#[test]
fn a_store_that_is_put_right_wakes_its_users() {
    let room = require!(Room::open("put-right"));
    let nobody = extsecret_tests::aws::Credentials {
        access_key_id: "AKIANOBODY".to_owned(),
        secret_access_key: "wrong".to_owned(),
        session_token: None,
    };
    room.put(Service::SecretsManager, "db", "1", &json!({}));
    room.put_keys("late", &nobody);
    room.put_store("late", &Service::SecretsManager.spec(&keys("late", None)));
    room.put_external_secret("web", &through("SecretStore", "late", "db"));
    room.fails("web", "could not get secret data from provider: ");
    let right = room.get("secrets", "aws-keys").unwrap();
    room.patch("secrets", "late", &json!({ "data": right["data"] }));
    room.ready("web");
    room.has("web", &json!({ "data": { "key": "1" } }));
}
