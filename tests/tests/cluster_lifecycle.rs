//! The test cluster itself: it does what the tests rely on, and nothing of it is left behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::process::{Command, Output};
use std::time::Duration;

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::require;
use serde_json::{Value, json};

/// Three pods that cannot start before they have their Secret.
const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: example.test/web, envFrom: [{secretRef: {name: settings}}]}]
";

/// The reasons of the waiting containers of a pod.
fn waits_for(pod: &Value) -> Option<&str> {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str()
}

#[test]
fn a_deployment_rolls_out_once_its_secret_is_there() {
    let cluster = require!(Cluster::shared());
    let namespace = cluster.fresh_namespace();
    let kubectl = |args: &[&str]| cluster.kubectl(args).namespace(&namespace);

    kubectl(&["apply", "--filename=-"]).stdin(WEB).run().succeeded();
    let pod = kubectl(&["get", "pods"]).watch_until(Duration::from_mins(1), |pod| {
        pod.is_some_and(|pod| waits_for(pod) == Some("CreateContainerConfigError"))
    });
    assert_eq!(pod["status"]["phase"], "Pending");

    kubectl(&["create", "secret", "generic", "settings", "--from-literal=a=b"]).run().succeeded();
    kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).run().succeeded();
    let pods = kubectl(&["get", "pods", "--output=json"]).run().json();
    let pods = pods["items"].as_array().unwrap();
    assert_eq!(pods.len(), 3);
    assert!(pods.iter().all(|pod| waits_for(pod).is_none()), "{pods:#?}");

    // A restart replaces every pod.
    kubectl(&["rollout", "restart", "deployment/web"]).run().succeeded();
    kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).run().succeeded();
    kubectl(&["wait", "--for=delete", "--timeout=60s"])
        .args(pods.iter().map(|pod| format!("pod/{}", pod["metadata"]["name"].as_str().unwrap())))
        .run()
        .succeeded();
}

#[test]
fn the_api_is_reached_over_plain_http() {
    let cluster = require!(Cluster::shared());
    let namespace = cluster.fresh_namespace();
    let api = Api::of(cluster);
    let list = format!("api/v1/namespaces/{namespace}/secrets");
    let web = format!("{list}/web");
    assert_eq!(api.get(&web), None);
    api.create(&list, &json!({ "metadata": { "name": "web" }, "stringData": { "a": "1" } }));
    api.patch(&web, &json!({ "data": { "b": "Mg==" } }));
    assert_eq!(api.get(&web).unwrap()["data"], json!({ "a": "MQ==", "b": "Mg==" }));
    assert_eq!(api.list(&list).len(), 1);
    api.delete(&web);
    assert_eq!(api.get(&web), None);
    let (status, answer) = api.ask("POST", &list, Some(&json!({})), "application/json");
    assert_eq!((status, &answer["reason"]), (422, &json!("Invalid")));
}

#[test]
fn a_service_account_gets_a_token_that_is_good_for_its_rights() {
    let cluster = require!(Cluster::shared());
    let namespace = cluster.fresh_namespace();
    let kubectl = |args: &[&str]| cluster.kubectl(args).namespace(&namespace);
    kubectl(&["create", "serviceaccount", "robot"]).run().succeeded();
    let token = kubectl(&["create", "token", "robot", "--duration=10m"]).run().succeeded();
    let as_robot = |args: &[&str]| {
        kubectl(args).args([
            "--kubeconfig=/dev/null".to_owned(),
            format!("--server={}", cluster.server()),
            format!("--certificate-authority={}", cluster.dir().join("ca.crt").display()),
            format!("--token={}", token.trim()),
        ])
    };

    let who = as_robot(&["auth", "whoami", "--output=json"]).run().json();
    let robot = format!("system:serviceaccount:{namespace}:robot");
    assert_eq!(who["status"]["userInfo"]["username"], robot.as_str());
    let refused = as_robot(&["get", "secrets"]).run().failed();
    assert!(refused.contains("forbidden"), "{refused}");

    kubectl(&["create", "role", "reader", "--verb=list", "--resource=secrets"]).run().succeeded();
    let account = format!("--serviceaccount={namespace}:robot");
    kubectl(&["create", "rolebinding", "reader", "--role=reader", &account]).run().succeeded();
    as_robot(&["get", "secrets"]).run().succeeded();
}

/// A cloud that federates with the cluster checks tokens against these keys.
#[test]
fn the_keys_of_the_token_issuer_are_published() {
    let cluster = require!(Cluster::shared());
    let keys = cluster.kubectl(["get", "--raw=/openid/v1/jwks"]).run().json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1), "{keys}");
    assert_eq!(keys["keys"][0]["alg"], "ES256");
}

#[test]
fn a_secret_goes_with_its_owner() {
    let cluster = require!(Cluster::shared());
    let namespace = cluster.fresh_namespace();
    let kubectl = |args: &[&str]| cluster.kubectl(args).namespace(&namespace);
    let owner = kubectl(&["create", "configmap", "owner", "--output=json"]).run().json();
    let uid = owner["metadata"]["uid"].as_str().unwrap();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: owned\n  ownerReferences:\n  \
         - {{apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid}}}\n"
    );
    kubectl(&["create", "--filename=-"]).stdin(secret).run().succeeded();
    kubectl(&["delete", "configmap", "owner"]).run().succeeded();
    kubectl(&["wait", "--for=delete", "secret/owned", "--timeout=60s"]).run().succeeded();
}

#[test]
fn two_clusters_do_not_disturb_each_other() {
    let one = require!(Cluster::setup().user("guest").start());
    let other = require!(Cluster::setup().start());
    assert_ne!(one.server(), other.server());
    one.kubectl(["create", "namespace", "only-here"]).run().succeeded();
    let missing = other.kubectl(["get", "namespace", "only-here"]).run().failed();
    assert!(missing.contains("not found"), "{missing}");

    // Each accepts its own users only.
    let refused = one.kubectl(["get", "namespaces"]).context("guest").run().failed();
    assert!(refused.contains("forbidden"), "{refused}");
    let elsewhere = format!("--server={}", other.server());
    let unknown = one.kubectl(["get", "namespaces"]).args([&elsewhere]).run().failed();
    assert!(unknown.contains("certificate"), "{unknown}");

    drop(other);
    one.kubectl(["get", "namespace", "only-here"]).run().succeeded();
}

#[test]
fn the_api_server_comes_back_on_the_same_port() {
    let mut cluster = require!(Cluster::setup().start());
    cluster.kubectl(["create", "configmap", "kept"]).run().succeeded();
    let before = (cluster.server().to_owned(), cluster.pids().clone());
    cluster.restart_apiserver();
    assert_eq!(cluster.server(), before.0);
    assert_ne!(cluster.pids()["apiserver"], before.1["apiserver"]);
    assert_eq!(cluster.pids()["etcd"], before.1["etcd"]);
    cluster.kubectl(["get", "configmap", "kept"]).run().succeeded();
}

/// Runs one test of this file on a machine without Go.
fn without_go(test: &str, ci: &str) -> Output {
    let empty = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env("PATH", empty.path())
        .env("CI", ci)
        .output()
        .unwrap()
}

#[test]
fn without_go_a_test_is_skipped_aloud_and_fails_in_ci() {
    let test = "a_secret_goes_with_its_owner";
    let skipped = without_go(test, "");
    let said = String::from_utf8_lossy(&skipped.stderr);
    assert!(skipped.status.success(), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("SKIPPED ")).collect();
    assert_eq!(lines, [format!("SKIPPED cluster_lifecycle::{test}")], "{said}");
    assert!(said.contains("Go is not installed"), "{said}");

    let failed = without_go(test, "true");
    assert!(!failed.status.success());
    let said = String::from_utf8_lossy(&failed.stdout);
    assert!(said.contains("Go is not installed"), "{said}");
}

/// What is left when processes end that nobody asked to end.
#[cfg(target_os = "linux")]
mod leftovers {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::net::TcpStream;
    use std::os::fd::OwnedFd;
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};

    use extsecret_tests::cluster::Cluster;
    use extsecret_tests::{require, tools};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    /// A process of a cluster, held by a file that stands for it even when its number is reused.
    struct Process {
        name: String,
        file: OwnedFd,
    }

    impl Process {
        /// Takes hold of a running process, and makes sure that it is the one it should be.
        fn find(name: &str, pid: u32) -> Self {
            let number = Pid::from_raw(pid.try_into().unwrap()).unwrap();
            let file = pidfd_open(number, PidfdFlags::empty())
                .unwrap_or_else(|error| panic!("{name}, process {pid}: {error}"));
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
            let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
            assert!(words[0].ends_with(b"/cluster"), "{:?}", String::from_utf8_lossy(&command));
            assert_eq!(words[1], name.as_bytes());
            Self { name: name.to_owned(), file }
        }

        /// Fails unless the process is gone within half a minute.
        fn is_gone(&self) {
            let mut files = [PollFd::new(&self.file, PollFlags::IN)];
            let deadline = Timespec { tv_sec: 30, tv_nsec: 0 };
            assert_eq!(poll(&mut files, Some(&deadline)).unwrap(), 1, "{} still runs", self.name);
        }
    }

    /// A lab that ends with its test, also when that fails.
    struct Lab(Child);

    impl Drop for Lab {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn nothing_is_left_of_a_killed_test_process() {
        require!(tools::cluster_program());
        let mut lab = Lab(Command::new(env!("CARGO_BIN_EXE_lab"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap());
        let mut parts = Vec::new();
        let mut kubeconfig = PathBuf::new();
        for line in BufReader::new(lab.0.stdout.take().unwrap()).lines().map(Result::unwrap) {
            if let Some((part, pid)) = line.split_once(": process ") {
                parts.push(Process::find(part.trim_start_matches("# "), pid.parse().unwrap()));
            } else if let Some(path) = line.strip_prefix("export KUBECONFIG=") {
                kubeconfig = path.trim_matches('\'').into();
            } else if line.contains("Ctrl-C") {
                break;
            }
        }
        assert_eq!(parts.len(), 6, "the lab prints all processes");
        let dir = kubeconfig.parent().unwrap();
        let port = port(&fs::read_to_string(&kubeconfig).unwrap());
        assert!(dir.starts_with(tools::target_dir()));
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());

        lab.0.kill().unwrap();
        lab.0.wait().unwrap();
        parts.iter().for_each(Process::is_gone);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(!dir.join("etcd").exists(), "the database is removed");
    }

    #[test]
    fn the_parts_end_with_the_process_that_runs_them() {
        let cluster = require!(Cluster::setup().start());
        let parts: Vec<Process> =
            cluster.pids().iter().map(|(name, pid)| Process::find(name, *pid)).collect();
        assert_eq!(parts.len(), 5);
        let up = Pid::from_raw(cluster.pid().try_into().unwrap()).unwrap();
        rustix::process::kill_process(up, rustix::process::Signal::KILL).unwrap();
        parts.iter().for_each(Process::is_gone);
    }

    fn port(kubeconfig: &str) -> u16 {
        let kubeconfig: serde_json::Value = serde_json::from_str(kubeconfig).unwrap();
        let server = kubeconfig["clusters"][0]["cluster"]["server"].as_str().unwrap();
        server.rsplit_once(':').unwrap().1.parse().unwrap()
    }
}
