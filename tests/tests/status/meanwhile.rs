//! Objects that are deleted between two calls of one command.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::require;
use serde_json::json;

use crate::{PASSWORD_IN_BASE64, assert_code, assert_says, call, external_secret, spec, synced};

/// The way to an API server on which something is deleted before one request goes through.
pub(crate) struct Meddler {
    server: String,
    seen: Arc<AtomicUsize>,
}

impl Meddler {
    /// Deletes `path` once, before the first request whose first line has `before` in it.
    fn start(api: &Arc<Api>, before: &'static str, path: String) -> Self {
        Self::when(api, path, move |line| line.contains(before))
    }

    /// Deletes `path` before the second request.
    pub(crate) fn after_the_first(api: &Arc<Api>, path: String) -> Self {
        let requests = AtomicUsize::new(0);
        Self::when(api, path, move |_| requests.fetch_add(1, Ordering::SeqCst) > 0)
    }

    /// Deletes `path` once, before the first request whose first line is wanted.
    fn when(
        api: &Arc<Api>,
        path: String,
        wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<AtomicUsize>::default();
        let (api, counter, wanted) = (Arc::clone(api), Arc::clone(&seen), Arc::new(wanted));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (api, counter, path) = (Arc::clone(&api), Arc::clone(&counter), path.clone());
                let wanted = Arc::clone(&wanted);
                thread::spawn(move || {
                    let meddle = |line: &str| {
                        if wanted(line) && counter.fetch_add(1, Ordering::SeqCst) == 0 {
                            api.delete(&path);
                        }
                    };
                    pass(client, api.address(), meddle);
                });
            }
        });
        Self { server, seen }
    }

    /// The address to ask.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What a command says on this way.
    #[track_caller]
    fn run(
        &self,
        cluster: &Cluster,
        namespace: &str,
        args: &str,
    ) -> extsecret_tests::call::Finished {
        let ran = call(cluster, args).args(["--server", &self.server]).namespace(namespace).run();
        assert!(self.seen.load(Ordering::SeqCst) > 0, "nothing was deleted meanwhile\n{ran}");
        assert!(!ran.stderr.contains("panicked"), "{ran}");
        ran
    }
}

/// One request, and its answer.
fn pass(mut client: TcpStream, server: &str, meddle: impl FnOnce(&str)) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            head.push_str("Connection: close\r\n\r\n");
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    meddle(head.lines().next().unwrap_or_default());
    let mut upstream = TcpStream::connect(server).unwrap();
    upstream.write_all(head.as_bytes()).unwrap();
    upstream.write_all(&body).unwrap();
    let _ = std::io::copy(&mut upstream, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Both);
}

/// An ExternalSecret `db` with its store, its Secret and a workload that reads it.
fn scene(cluster: &Cluster, api: &Api) -> String {
    let namespace = cluster.fresh_namespace();
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": "main" },
        "spec": { "provider": { "aws": { "service": "SecretsManager", "region": "eu-west-1" } } },
    });
    api.create(&format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/secretstores"), &store);
    external_secret(api, &namespace, "db", &spec(), &synced("True", "SecretSynced", "", 60));
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "db", "labels": { "reconcile.external-secrets.io/managed": "true" },
        },
        "data": { "password": PASSWORD_IN_BASE64 },
    });
    api.create(&format!("api/v1/namespaces/{namespace}/secrets"), &secret);
    let workload = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{
                    "name": "it", "image": "it", "envFrom": [{ "secretRef": { "name": "db" } }],
                }] },
            },
        },
    });
    api.create(&format!("apis/apps/v1/namespaces/{namespace}/deployments"), &workload);
    namespace
}

#[test]
fn what_is_deleted_between_two_calls_is_told() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Arc::new(Api::of(cluster));
    let ours = |kind: &str, name: &str| format!("{EXTERNAL_SECRETS}/namespaces/NS/{kind}/{name}");
    let object = ours("externalsecrets", "db");
    let store = ours("secretstores", "main");
    let secret = "api/v1/namespaces/NS/secrets/db".to_owned();
    let deployment = "apis/apps/v1/namespaces/NS/deployments/web".to_owned();
    // Command, what is deleted, before which request; the exit code, and what it says.
    let cases: [(&str, &str, &'static str, i32, &str); 9] = [
        ("status db", &store, "secretstores/main", 0, "SecretStore main: there is none"),
        ("status db", &secret, "secrets/db", 0, "Secret db: there is none"),
        ("status db", &object, "secretstores/main", 0, "ExternalSecret NS/db"),
        ("refresh db", &object, "PATCH", 1, "NS/db is gone"),
        ("restart deployment/web", &deployment, "PATCH", 1, "not restarted: it is gone"),
        ("why deployment/web", &deployment, "/pods", 0, "Deployment NS/web"),
        ("why deployment/web", &secret, "secrets", 0, "Secret db: there is none"),
        (
            "render db",
            &store,
            "secretstores/main",
            1,
            "error[V04]: there is no SecretStore \"main\"",
        ),
        ("iam -o json", &store, "secretstores/main", 1, "the SecretStore NS/main is not known"),
    ];
    for (args, path, before, code, words) in cases {
        let namespace = scene(cluster, &api);
        let here = |text: &str| text.replace("NS", &namespace);
        let meddler = Meddler::start(&api, before, here(path));
        let ran = meddler.run(cluster, &namespace, args);
        assert_code(&ran, code);
        assert_says(&format!("{}{}", ran.stdout, ran.stderr), &[&here(words)]);
    }
}
