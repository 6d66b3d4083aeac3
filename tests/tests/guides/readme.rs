//! The tour through the commands in README.

use std::fs;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::{Aws, Config, Permissions, Role};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::SOON;
use extsecret_tests::kes::process;
use serde_json::{Value, json};

use crate::document::{Section, root};
use crate::scene::{self, NAMESPACE};
use crate::shell::{How, PLANTED, Shell};

/// The account and the region of the examples.
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// Who looks at a terminal, and is asked nothing.
const TERMINAL: How = How::Asked(&[]);

/// What `scaffold` asks who says nothing, and answers that lead to a secret of AWS.
const ASKED: How = How::Asked(&[
    ("What shall it be", "\r"),
    ("Where the values come from", "j\r"),
    ("Its name begins with", "app/\r"),
    ("Which one", "\r"),
    ("Name of the ExternalSecret", "\r"),
    ("Which store", "\r"),
]);

/// AWS as the documents speak of it.
pub(crate) fn aws() -> Aws {
    let config =
        Config { account: ACCOUNT.to_owned(), region: REGION.to_owned(), ..Config::default() };
    Aws::start_with(config)
}

/// What the database's secret holds in AWS.
fn database(password: &str) -> String {
    json!({ "user": "admin", "password": password }).to_string()
}

/// Files of KES, and KES, which knows the region.
pub(crate) fn first_migration(section: &Section) {
    let cluster = scene::cluster(Cluster::setup());
    process::install(&Api::of(&cluster));
    let shell = Shell::new().cluster(&cluster, NAMESPACE);
    shell.copy("plugin/examples/kes", "manifests");
    shell.copy("plugin/examples/kes-deployment.yaml", "kes-deployment.yaml");
    let replace = "kubectl replace -f kes-deployment.yaml && rm kes-deployment.yaml";
    shell.run(replace, None).succeeded();
    shell.play(section, &[]);
    let stores = shell.file("manifests").join("secret-stores.yaml");
    assert!(stores.is_file());
}

/// Three objects of the new API, one misspelt.
pub(crate) fn validate(section: &Section) {
    let shell = Shell::new();
    let object = |name: &str, field: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  \
             {field}: 1h\n  secretStoreRef: {{ name: main }}\n  data:\n    - secretKey: password\n      \
             remoteRef: {{ key: shop/{name}, property: password }}\n"
        )
    };
    shell.write("apps/db.yaml", &object("db", "refreshInterwal"));
    shell.write("apps/mail.yaml", &object("mail", "refreshInterval"));
    shell.write("apps/store.yaml", &store("main", &json!({})).to_string());
    shell.play(section, &[("validate -R", How::Code(1))]);
}

/// A SecretStore of the namespace.
fn store(name: &str, more: &Value) -> Value {
    let mut aws = json!({ "service": "SecretsManager", "region": REGION });
    for (field, value) in more.as_object().into_iter().flatten() {
        aws[field] = value.clone();
    }
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "provider": { "aws": aws } },
    })
}

/// An ExternalSecret that reads members of a secret.
fn external_secret(name: &str, store: &Value, key: &str, members: &[&str]) -> Value {
    let item = |it: &&str| json!({ "secretKey": it, "remoteRef": { "key": key, "property": it } });
    let data: Vec<_> = members.iter().map(item).collect();
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "refreshInterval": "1h0m0s", "secretStoreRef": store, "data": data },
    })
}

/// A Deployment whose pods read a password as a variable.
fn workload(secret: &str, replicas: u32) -> Value {
    let variable = json!({
        "name": "PASSWORD",
        "valueFrom": { "secretKeyRef": { "name": secret, "key": "password" } },
    });
    let container = json!({ "name": "api", "image": "api", "env": [variable] });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "api", "namespace": NAMESPACE },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": { "app": "api" } },
            "template": {
                "metadata": { "labels": { "app": "api" } }, "spec": { "containers": [container] },
            },
        },
    })
}

/// A workload whose Secret nobody makes, and a secret in AWS.
pub(crate) fn scaffold(section: &Section) {
    let cluster = scene::cluster(Cluster::setup());
    let aws = aws();
    aws.secrets().put("app/db", &database(PLANTED[0].0));
    let shell = Shell::new().cluster(&cluster, NAMESPACE).aws(&aws);
    scene::apply(&shell, &store("main", &json!({})).to_string());
    scene::apply(&shell, &workload("db", 0).to_string());
    let special = [
        ("scaffold externalsecret db", How::Says(&["property: user", "property: password"])),
        ("--from-workload", How::Says(&["# Read by the Deployment shop/api."])),
        ("scaffold secretstore", How::Says(&["name: reader", "region: eu-west-1"])),
    ];
    for command in section.commands.iter().filter(|it| !it.is_name) {
        let one = Section { heading: section.heading.clone(), commands: vec![command.clone()] };
        let bare = [("scaffold", ASKED)];
        let is_bare = command.text == "kubectl extsecret scaffold";
        let its: Vec<_> =
            special.iter().filter(|(part, _)| command.text.contains(part)).copied().collect();
        shell.play(&one, if is_bare { &bare } else { &its });
    }
}

/// A cluster in which one ExternalSecret fails, and a pod of ESO does.
pub(crate) fn what_is_wrong(section: &Section) {
    let folder = tempfile::tempdir().unwrap();
    let flag = scene::encryption(folder.path());
    let cluster = scene::cluster(Cluster::setup().apiserver_flag(&flag));
    let api = Api::of(&cluster);
    let aws = aws();
    aws.secrets().put("shop/db", &database(PLANTED[0].0));
    aws.secrets().put("shop/tokens", &json!({ "github": "x" }).to_string());
    let role = aws.role_of(&cluster, NAMESPACE, "shop", Permissions::Everything);
    let shell = Shell::new().cluster(&cluster, NAMESPACE).aws(&aws);
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {
            "name": "shop", "namespace": NAMESPACE,
            "annotations": { "eks.amazonaws.com/role-arn": role },
        },
    });
    let main =
        store("main", &json!({ "auth": { "jwt": { "serviceAccountRef": { "name": "shop" } } } }));
    let mut shared = store("shared", &json!({}));
    shared["kind"] = json!("ClusterSecretStore");
    shared["metadata"] = json!({ "name": "shared" });
    let tokens = json!({ "name": "shared", "kind": "ClusterSecretStore" });
    for object in [
        account,
        main,
        shared,
        external_secret("database", &json!({ "name": "main" }), "shop/db", &["password", "user"]),
        external_secret("api-tokens", &tokens, "shop/tokens", &["github"]),
    ] {
        scene::apply(&shell, &object.to_string());
    }
    let controller = Controller::start(&cluster, &aws, &[]);
    becomes(&api, "database", "True");
    becomes(&api, "api-tokens", "True");
    // Two pods before the last write and one after it, as far as times of a second can tell.
    scene::apply(&shell, &workload("database", 2).to_string());
    running_pods(&api, 2);
    a_later_second();
    let secret = "api/v1/namespaces/shop/secrets/database";
    let before = api.get(secret).unwrap();
    aws.secrets().put("shop/db", &database(PLANTED[1].0));
    refresh(&api, "database", "1");
    wait_until(SOON, "a write", || (api.get(secret)?["data"] != before["data"]).then_some(()));
    a_later_second();
    api.patch(
        "apis/apps/v1/namespaces/shop/deployments/api",
        &json!({ "spec": { "replicas": 3 } }),
    );
    running_pods(&api, 3);
    // The role loses its rights; then nobody works for hours.
    aws.identities().set_permissions(&role, Permissions::nothing());
    refresh(&api, "database", "2");
    becomes(&api, "database", "False");
    controller.stop();
    let then = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(3)).unwrap();
    let then = then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let path = format!(
        "{EXTERNAL_SECRETS}/namespaces/{NAMESPACE}/externalsecrets/database/status?fieldManager=external-secrets"
    );
    api.patch(&path, &json!({ "status": { "refreshTime": then } }));
    eso(&api);

    let special = [("status -A", TERMINAL), ("doctor", How::Code(1))];
    let mut successor = None;
    shell.play_after(section, &special, |command| {
        if command.text.contains("refresh") && successor.is_none() {
            aws.identities().set_permissions(&role, Permissions::Everything);
            successor = Some(Controller::start(&cluster, &aws, &[]));
            becomes(&api, "database", "True");
            aws.secrets().put("shop/db", &database(PLANTED[0].0));
        }
    });
}

/// Waits until so many pods of the workload run.
fn running_pods(api: &Api, count: usize) {
    wait_until(SOON, "the pods run", || {
        let pods = api.list("api/v1/namespaces/shop/pods?labelSelector=app%3Dapi");
        let running = pods.iter().filter(|it| it["status"]["phase"] == "Running").count();
        (running == count).then_some(())
    });
}

/// Lets the second end that is now: times of objects have no parts of one.
fn a_later_second() {
    let now = || jiff::Timestamp::now().as_second();
    let then = now();
    wait_until(SOON, "a later second", || (now() > then).then_some(()));
}

/// Waits until the condition `Ready` of an ExternalSecret is this.
fn becomes(api: &Api, name: &str, status: &str) {
    let path = format!("{EXTERNAL_SECRETS}/namespaces/{NAMESPACE}/externalsecrets/{name}");
    wait_until(SOON, &format!("{name} becomes {status}"), || {
        let object = api.get(&path)?;
        let conditions = object["status"]["conditions"].as_array()?.clone();
        let is = |it: &Value| it["type"] == "Ready" && it["status"] == status;
        conditions.iter().any(is).then_some(())
    });
}

/// Has the values of an ExternalSecret fetched.
fn refresh(api: &Api, name: &str, word: &str) {
    let path = format!("{EXTERNAL_SECRETS}/namespaces/{NAMESPACE}/externalsecrets/{name}");
    api.patch(&path, &json!({ "metadata": { "annotations": { "force-sync": word } } }));
}

/// ESO's Deployment, whose pod does not want to run.
fn eso(api: &Api) {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "external-secrets" },
    });
    api.create("api/v1/namespaces", &namespace);
    let labels = json!({ "app.kubernetes.io/name": "external-secrets" });
    let image = "ghcr.io/external-secrets/external-secrets:v2.9.0";
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "external-secrets" },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels, "annotations": { "extsecret.test/crash": "true" } },
                "spec": { "containers": [{ "name": "external-secrets", "image": image }] },
            },
        },
    });
    api.create("apis/apps/v1/namespaces/external-secrets/deployments", &deployment);
    wait_until(SOON, "its pod crashes", || {
        let pods = api.list("api/v1/namespaces/external-secrets/pods");
        pods.first().is_some_and(|pod| !pod["status"]["containerStatuses"].is_null()).then_some(())
    });
}

/// An ExternalSecret in files, and in a cluster one whose role may read nothing.
pub(crate) fn permissions(section: &Section) {
    let cluster = scene::cluster(Cluster::setup());
    let aws = aws();
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/shop-reader");
    let kms = Permissions::allow(&["kms:Decrypt"], &["*"]);
    aws.identities().add_role(Role::new(&arn).may(kms));
    aws.secrets().put("shop/api", &database(PLANTED[0].0));
    let shell = Shell::new().cluster(&cluster, NAMESPACE).aws(&aws);
    let store = store("main", &json!({ "role": arn }));
    let object = external_secret("api", &json!({ "name": "main" }), "shop/api", &["password"]);
    shell.write("apps/store.yaml", &store.to_string());
    shell.write("apps/api.yaml", &object.to_string());
    shell.run("kubectl apply -f apps", None).succeeded();
    let policy = How::Says(&["secretsmanager:GetSecretValue", "secret:shop/api-??????"]);
    let special = [("-R -f apps", policy), ("--check", How::Code(1))];
    shell.play(section, &special);
}

/// The file of values that README shows, an ExternalSecret that reads them, and one in a cluster.
pub(crate) fn render(section: &Section) {
    let cluster = scene::cluster(Cluster::setup());
    scene::namespace(&cluster, "app");
    let aws = aws();
    let shell = Shell::new().cluster(&cluster, NAMESPACE).aws(&aws);
    rendered(&shell, &aws);
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let start = readme.find("    app/db: {").unwrap();
    let values = readme[start..].split("\n\n").next().unwrap().replace("    ", "");
    assert!(values.lines().count() >= 4, "{values}");
    shell.write("values.yaml", &values);
    shell.play(section, &[("--values", How::Says(&["password"])), ("--diff", How::Code(1))]);
}

/// Makes, in the namespace `app`, an ExternalSecret `db` whose Secret has another value than AWS,
/// and writes it to `externalsecret.yaml`.
pub(crate) fn rendered(shell: &Shell, aws: &Aws) {
    aws.secrets().put("app/db", &database(PLANTED[1].0));
    let mut store = store("main", &json!({}));
    let mut object =
        external_secret("db", &json!({ "name": "main" }), "app/db", &["user", "password"]);
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db" },
        "stringData": { "user": "admin", "password": PLANTED[0].0 },
    });
    for object in [&mut store, &mut object, &mut secret] {
        object["metadata"]["namespace"] = json!("app");
        scene::apply(shell, &object.to_string());
    }
    shell.write("externalsecret.yaml", &format!("{object}\n---\n{store}\n"));
}

/// A class of the CSI driver and the workload that mounts it.
pub(crate) fn csi(section: &Section) {
    let shell = Shell::new();
    shell.write("apps/class.yaml", CLASS);
    shell.play(section, &[]);
    let report = fs::read_to_string(shell.file("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["summary"]["converted"], 1, "{report}");
}

const CLASS: &str = "\
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: db
  namespace: shop
spec:
  provider: aws
  parameters:
    region: eu-west-1
    objects: |
      - objectName: shop/db
        objectType: secretsmanager
        objectAlias: db
  secretObjects:
    - secretName: db
      type: Opaque
      data:
        - objectName: db
          key: value
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec:
      serviceAccountName: api
      containers:
        - name: api
          image: api
          volumeMounts: [{ name: secrets, mountPath: /secrets, readOnly: true }]
      volumes:
        - name: secrets
          csi:
            driver: secrets-store.csi.k8s.io
            readOnly: true
            volumeAttributes: { secretProviderClass: db }
";

/// The templates of a chart.
pub(crate) fn helm_charts(section: &Section) {
    let shell = Shell::new();
    let template = scene::MANIFESTS
        .replace("namespace: shop", "namespace: {{ .Release.Namespace }}")
        .replace("key: shop/db", "key: \"{{ .Values.env }}/db\"")
        .replace("  data:", "  region: eu-west-1\n  data:");
    shell.write("chart/templates/db.yaml", &template);
    let says =
        How::Says(&["+apiVersion: external-secrets.io/v1", "namespace: {{ .Release.Namespace }}"]);
    shell.play(section, &[("--helm-escape", says)]);
}

/// Files of which one is refused.
pub(crate) fn report(section: &Section) {
    let shell = Shell::new();
    shell.write(
        "manifests/shop.yaml",
        &scene::MANIFESTS.replace("secretsManager", "alicloudSecretsManager"),
    );
    let refused = How::Says(&["manifests/shop.yaml:1 shop/db E"]);
    shell.play(section, &[("migrate", How::Code(1)), ("jq", refused)]);
}
