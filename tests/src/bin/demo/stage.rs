//! What the demo plays on: a control plane, AWS, kubernetes-external-secrets at work, and a shell.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use extsecret_dist::chart;
use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, now};
use extsecret_tests::kes::process::{self, Processes};
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::{helm, kes, release, tools};
use serde_json::{Value, json};

use crate::interrupt::Interrupt;

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_mins(2);

/// Between two looks at something that is waited for.
const POLL: Duration = Duration::from_millis(50);

/// The queue of AWS that changes of secrets come through.
const QUEUE: &str = "secret-changes";

/// Where the applications are.
pub(crate) const NAMESPACE: &str = "shop";

/// The Secrets there.
pub(crate) const SECRETS: [&str; 2] = ["db", "mail"];

/// Secrets of AWS: their names and what they hold.
const VALUES: [(&str, &str); 2] = [
    ("shop/db", r#"{"user":"shop","password":"first-password"}"#),
    ("shop/mail", r#"{"token":"mail-token"}"#),
];

/// Somebody has pressed Ctrl-C.
#[derive(Debug)]
pub(crate) struct Interrupted;

/// Everything that runs. Fields end in their order, each before what it works with.
pub(crate) struct Stage {
    interrupt: Interrupt,
    _kes: Processes,
    controller: Option<Controller>,
    pub(crate) api: Api,
    pub(crate) aws: Aws,
    /// The URL of the queue that changes of secrets come through.
    queue: String,
    cluster: Cluster,
    _folder: Leftover,
}

/// A file or a folder that goes away with this.
struct Leftover(PathBuf);

impl Drop for Leftover {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupted: everything that ran has been ended.")
    }
}

impl std::error::Error for Interrupted {}

/// Prints a line, or several.
///
/// # Errors
/// If nobody reads any more; `println` would panic.
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("printing")
}

/// Says what a person would want to know who looks on.
///
/// # Errors
/// As [`say`].
pub(crate) fn explain(text: &str) -> Result<()> {
    let text: Vec<_> = text.lines().map(|line| format!("# {line}")).collect();
    say(&text.join("\n"))
}

impl Stage {
    /// Starts it all, up to the moment in which KES has written its Secrets and a pod reads one.
    ///
    /// # Errors
    /// If a part does not come up, or somebody interrupts it.
    pub(crate) fn set(interrupt: Interrupt) -> Result<Self> {
        let cluster = Self::cluster()?;
        let folder = Leftover(cluster.dir().to_owned());
        let api = Api::of(&cluster);
        let aws = Aws::start();
        let mut values = BTreeMap::new();
        for (name, value) in VALUES {
            aws.secrets().put(name, value);
            values.insert(name.to_owned(), value.to_owned());
        }
        let queue = aws.queues().create(QUEUE);
        aws.queues().gets_native_events(QUEUE);
        let kes = Processes::start(&cluster, values);
        let stage = Self {
            interrupt,
            _kes: kes,
            controller: None,
            queue,
            api,
            aws,
            cluster,
            _folder: folder,
        };
        stage.furnish()?;
        Ok(stage)
    }

    /// A control plane that knows the definition of KES.
    fn cluster() -> Result<Cluster> {
        let name = format!("demo-kes-{}.yaml", std::process::id());
        let definition = Leftover(tools::target_dir().join(name));
        fs::write(&definition.0, kes::DEFINITION).context("writing the definition of KES")?;
        let cluster = Cluster::setup().crds(&definition.0).start();
        cluster.context("the control plane needs Go, which is not in the PATH")
    }

    /// Makes the applications and lets KES work.
    fn furnish(&self) -> Result<()> {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE },
        });
        self.api.create("api/v1/namespaces", &namespace);
        process::install(&self.api);
        let folder = self.folder();
        fs::create_dir_all(folder.join("manifests")).context("making a folder")?;
        fs::write(folder.join("manifests/shop.yaml"), MANIFESTS).context("writing manifests")?;
        fs::write(folder.join("api.yaml"), WORKLOAD).context("writing a manifest")?;
        let root = tools::crate_dir().parent().context("the folder of the repository")?;
        chart::stage(root, &folder)?;
        self.quietly("kubectl apply -R -f manifests -f api.yaml")?;
        let (name, region) = (process::DEPLOYMENT, self.aws.region());
        let settings = format!("AWS_REGION={region} POLLER_INTERVAL_MILLISECONDS=10000");
        self.quietly(&format!(
            "kubectl set env deployment/{name} -n {} {settings}",
            process::NAMESPACE
        ))?;
        process::scale(&self.api, 1);
        let pods = format!("api/v1/namespaces/{NAMESPACE}/pods");
        self.wait("KES has written its Secrets and the pods run", || {
            let secrets = SECRETS.iter().all(|name| {
                self.api.get(&format!("api/v1/namespaces/{NAMESPACE}/secrets/{name}")).is_some()
            });
            let pods = self.api.list(&pods);
            let old = self.api.list(&format!("{}/externalsecrets", kes::KES));
            let synced = |it: &Value| it["status"]["status"] == "SUCCESS";
            let run = |it: &Value| it["status"]["phase"] == "Running";
            let done = secrets && pods.len() == 2 && pods.iter().all(run);
            done && old.iter().all(synced)
        })
    }

    /// Runs the controller of a release as its pod would, whose nodes run no containers.
    pub(crate) fn run_controller(&mut self, namespace: &str) -> Result<()> {
        let deployments =
            self.api.list(&format!("apis/apps/v1/namespaces/{namespace}/deployments"));
        let pods = self.api.list(&format!("api/v1/namespaces/{namespace}/pods"));
        let deployment = deployments.first().context("the release has no Deployment")?;
        let pod = pods.first().context("the release has no pod")?;
        let folder = self.cluster.dir().join("controller");
        fs::create_dir(&folder).context("making a folder")?;
        let setup = release::controller(&self.cluster, deployment, pod, &folder);
        let environment = self.aws.environment(self.aws.admin());
        self.controller = Some(setup.environment(environment).start());
        Ok(())
    }

    /// The user's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.cluster.dir().join("home")
    }

    /// Types a command: prints it, then what it prints. What it printed must hold all of these, and
    /// it must succeed.
    #[track_caller]
    pub(crate) fn types(&self, command: &str, says: &[&str]) -> Result<()> {
        say(&format!("$ {command}"))?;
        let (ok, output) = self.run(command)?;
        match output.trim_end() {
            "" => say("")?,
            output => say(&format!("{output}\n"))?,
        }
        ensure!(ok, "`{command}` failed");
        let missing = says.iter().find(|it| !output.contains(**it));
        missing.map_or(Ok(()), |it| bail!("`{command}` does not say {it:?}"))
    }

    /// Runs a command of which nothing is shown unless it fails.
    fn quietly(&self, command: &str) -> Result<()> {
        let (ok, output) = self.run(command)?;
        ensure!(ok, "`{command}` failed: {output}");
        Ok(())
    }

    /// Runs a command as a person would who has kubectl and the plugin, and this cluster: whether it
    /// succeeded, and what it printed, in its order.
    fn run(&self, command: &str) -> Result<(bool, String)> {
        let kubectl = tools::kubectl().context("kubectl needs Go")?;
        // Helm lies beside it.
        let folders = [kubectl.as_path(), kubectl_extsecret()].map(Path::parent);
        let own = std::env::var_os("PATH").unwrap_or_default();
        let folders = folders.into_iter().flatten().map(Path::to_owned);
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&own)))?;
        let (mut reader, writer) = io::pipe()?;
        let mut shell = Command::new("sh");
        for name in helm::SETTINGS {
            shell.env_remove(name);
        }
        shell
            .args(["-c", command])
            .current_dir(self.folder())
            .env("PATH", path)
            .env("HOME", self.folder())
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("QUEUE_URL", &self.queue)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            // Ctrl-C is for this program, which ends them all.
            .process_group(0);
        let mut child = shell.spawn().with_context(|| format!("starting `{command}`"))?;
        // The pipe ends with the last who writes to it.
        drop(shell);
        let read = thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| String::from_utf8_lossy(&bytes).into_owned())
        });
        let ended = self.wait_for(&format!("`{command}` ends"), || child.try_wait().transpose());
        if ended.is_err() {
            end_group(&mut child);
        }
        let status = ended??;
        let output = read.join().ok().context("reading what a command prints")??;
        Ok((status.success(), output))
    }

    /// Waits until something holds.
    pub(crate) fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
        self.wait_for(what, || holds().then_some(()))
    }

    fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
        let ends = now() + DEADLINE;
        loop {
            if self.interrupt.is_set() {
                return Err(Interrupted.into());
            }
            if let Some(found) = look() {
                return Ok(found);
            }
            ensure!(now() < ends, "not in {DEADLINE:?}: {what}");
            thread::sleep(POLL);
        }
    }
}

/// Ends a command and all that it has started.
fn end_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
    let _ = child.wait();
}

/// What the team of the shop has in its repository.
const MANIFESTS: &str = "\
apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata:
  name: db
  namespace: shop
spec:
  backendType: secretsManager
  data:
    # Rotated every week.
    - key: shop/db
      name: password
      property: password
    - key: shop/db
      name: user
      property: user
---
apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata:
  name: mail
  namespace: shop
spec:
  backendType: secretsManager
  data:
    - key: shop/mail
      name: token
      property: token
";

/// A workload that reads a Secret as variables, which a running pod never sees change.
const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  replicas: 2
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec:
      containers:
        - name: api
          image: example.com/api:1
          envFrom: [{ secretRef: { name: db } }]
";
