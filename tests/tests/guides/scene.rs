//! Clusters as documents take them to be: KES at work, and whoever comes after it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::{Cluster, Setup};
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::SOON;
use extsecret_tests::kes::process::{self, Processes};
use extsecret_tests::kes::{self, KES};
use serde_json::{Value, json};

use crate::shell::{PLANTED, Shell};

/// The applications' namespace in all documents.
pub(crate) const NAMESPACE: &str = "shop";

/// What the team of the shop has in its repository.
pub(crate) const MANIFESTS: &str = "\
apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata:
  name: db
  namespace: shop
spec:
  backendType: secretsManager
  data:
    - key: shop/db
      name: password
      property: password
    - key: shop/db
      name: user
      property: user
";

/// A cluster with the definitions of both APIs and the namespace of the applications.
pub(crate) fn cluster(setup: Setup) -> Cluster {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), kes::DEFINITION).unwrap();
    let cluster = setup.definitions().crds(file.path()).start().unwrap();
    namespace(&cluster, NAMESPACE);
    cluster
}

/// Makes a namespace in which pods can be made.
pub(crate) fn namespace(cluster: &Cluster, name: &str) {
    cluster.kubectl(["create", "namespace", name]).run().succeeded();
    cluster
        .kubectl(["get", "serviceaccounts", "--field-selector=metadata.name=default"])
        .namespace(name)
        .watch_until(SOON, |account| account.is_some());
}

/// A cluster in which KES keeps one Secret, the files of its objects, and its successor, which waits.
pub(crate) struct KesScene {
    pub(crate) shell: Shell,
    before: Vec<Value>,
    pub(crate) api: Api,
    _kes: Processes,
    _controller: Controller,
    _aws: Aws,
    _cluster: Cluster,
}

impl KesScene {
    /// KES has written its Secret.
    pub(crate) fn new() -> Self {
        let cluster = cluster(Cluster::setup());
        let api = Api::of(&cluster);
        let aws = Aws::start();
        let value = json!({ "user": "shop", "password": PLANTED[0].0 }).to_string();
        aws.secrets().put("shop/db", &value);
        let values = BTreeMap::from([("shop/db".to_owned(), value)]);
        process::install(&api);
        let shell = Shell::new().cluster(&cluster, NAMESPACE).aws(&aws);
        let settings = format!("AWS_REGION={} POLLER_INTERVAL_MILLISECONDS=10000", aws.region());
        let (name, place) = (process::DEPLOYMENT, process::NAMESPACE);
        let command = format!("kubectl set env deployment/{name} -n {place} {settings}");
        shell.run(&command, None).succeeded();
        shell.write("manifests/shop.yaml", MANIFESTS);
        shell.run("kubectl apply -R -f manifests", None).succeeded();
        let kes = Processes::start(&cluster, values);
        process::scale(&api, 1);
        wait_until(SOON, "KES has written its Secret", || {
            let old = api.list(&format!("{KES}/externalsecrets"));
            let is_synced = old.iter().all(|it| it["status"]["status"] == "SUCCESS");
            (is_synced && secrets(&api).len() == 1).then_some(())
        });
        let controller = Controller::start(&cluster, &aws, &[]);
        let before = secrets(&api);
        Self {
            shell,
            before,
            api,
            _kes: kes,
            _controller: controller,
            _aws: aws,
            _cluster: cluster,
        }
    }

    /// Converts the files as the chapter before has said.
    pub(crate) fn convert(&self) {
        let deployment = "kubectl -n kube-secrets get deployment kubernetes-external-secrets -o yaml > kes-deployment.yaml";
        self.shell.run(deployment, None).succeeded();
        let migrate = "kubectl extsecret migrate -R -f manifests --kes-deployment kes-deployment.yaml --in-place";
        self.shell.run(migrate, None).succeeded();
    }

    /// The Secret of the beginning is there: the same object with the same bytes.
    pub(crate) fn assert_unharmed(&self) {
        assert_eq!(secrets(&self.api), self.before);
    }

    /// The group of the controller of the Secret.
    pub(crate) fn owner(&self) -> String {
        let secret = self.api.get("api/v1/namespaces/shop/secrets/db").unwrap();
        let owners = secret["metadata"]["ownerReferences"].as_array().unwrap().clone();
        let owner = owners.iter().find(|it| it["controller"] == true).unwrap();
        owner["apiVersion"].as_str().unwrap().to_owned()
    }
}

/// Uid and data of the Secrets of the applications; a shadow that is being deleted is none of them.
fn secrets(api: &Api) -> Vec<Value> {
    let all = api.list("api/v1/namespaces/shop/secrets");
    let own = all.iter().filter(|it| it["metadata"]["name"] == "db");
    own.map(|it| json!([it["metadata"]["uid"], it["data"]])).collect()
}

/// Makes objects of a manifest.
pub(crate) fn apply(shell: &Shell, manifest: &str) {
    shell.write(".applied.yaml", manifest);
    shell.run("kubectl apply -f .applied.yaml", None).succeeded();
    fs::remove_file(shell.file(".applied.yaml")).unwrap();
}

/// A configuration of the API server that encrypts Secrets.
pub(crate) fn encryption(folder: &Path) -> String {
    let file = folder.join("encryption.yaml");
    let configuration = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n\
                         resources:\n- resources: [secrets]\n  providers:\n  - aescbc:\n      keys:\n\
                         \x20     - { name: first, secret: MDEyMzQ1Njc4OWFiY2RlZg== }\n  - identity: {}\n";
    fs::write(&file, configuration).unwrap();
    format!("--encryption-provider-config={}", file.display())
}
