//! A round on real parts: a namespace of a control plane, a double of AWS, controllers, and two ways
//! between them that the round disturbs.

mod calls;
mod deeds;
mod trouble;
mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::{Aws, Role};
use extsecret_tests::clock::Clock;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::Controller;
use extsecret_tests::random::Random;
use serde_json::{Value, json};

use crate::history::{Deeds, Finding};
use crate::model::{Model, Permit};
use crate::objects;
use crate::passage::Passage;
use crate::plan::{CLUSTER_STORE, Fault, Fleet, Kind, Operation, Placed, Queue, STORES};
use crate::watch::{Watch, begin, revision_of};

/// Far longer than it takes until all is right: the longest pause after failures that a round can lead
/// to, and a rollout.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// How long a controller may take to end when it is asked to.
const END: Duration = Duration::from_secs(40);

/// How long everything stays right before it is believed.
const CALM: Duration = Duration::from_secs(4);

/// The queue of changes.
const QUEUE: &str = "changes";

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);

/// Where rounds take place.
pub(crate) struct Place<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) api: &'a Api,
    /// The controller; else that of the tree.
    pub(crate) program: Option<&'a Path>,
    /// How long it may take until all is right.
    pub(crate) patience: Duration,
}

/// What came of a round.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) findings: Vec<Finding>,
    pub(crate) operations: usize,
    pub(crate) faults: BTreeMap<Fault, usize>,
    pub(crate) restarts: usize,
    pub(crate) writes: usize,
    pub(crate) reads: u64,
    pub(crate) starts: usize,
    /// How many of the list were played.
    pub(crate) played: usize,
    /// What the controllers have printed.
    pub(crate) printed: Vec<String>,
}

pub(crate) struct Stage<'a> {
    cluster: &'a Cluster,
    api: &'a Api,
    program: Option<&'a Path>,
    patience: Duration,
    fleet: &'a Fleet,
    namespace: String,
    model: Model<'a>,
    aws: Aws,
    api_way: Passage,
    aws_way: Passage,
    kubeconfig: PathBuf,
    clock: Clock,
    watch: Watch,
    controllers: Vec<Controller>,
    begun: Instant,
    deeds: Deeds,
    open: BTreeMap<(usize, Permit), u64>,
    /// Targets that are somebody else's, and since which revision.
    theirs: BTreeMap<usize, u64>,
    /// What takes them.
    owner: Value,
    /// What the namespaces that come and go are called, and how many there have been.
    slots: Vec<Option<String>>,
    made: usize,
    /// Which secret is put next to last: events may tell of it again.
    told: usize,
    denies: bool,
    /// Whether there are workloads.
    employs: bool,
    /// Makes every write another one.
    number: usize,
    /// How many writes of targets there are reasons for.
    reasons: usize,
    /// Whether all was right at the last rest.
    is_right: bool,
    outcome: Outcome,
}

/// Plays a list of operations to its end, or to the first rest that fails.
pub(crate) fn play(
    place: &Place<'_>,
    seed: u64,
    fleet: &Fleet,
    operations: &[Operation],
) -> anyhow::Result<Outcome> {
    let mut stage = Stage::set(place, fleet)?;
    let mut random = Random::new(!seed);
    for operation in operations {
        stage.outcome.played += 1;
        stage.supervise();
        if *operation == Operation::Rest {
            if !stage.rest() {
                break;
            }
            if !stage.employs {
                stage.employ();
                if !stage.rest() {
                    break;
                }
            }
        } else if stage.model.is_possible(operation) {
            stage.outcome.operations += 1;
            stage.perform(operation);
            // The moment of what comes next is a part of what is tried.
            thread::sleep(Duration::from_millis(random.below(350) as u64));
        }
    }
    Ok(stage.end())
}

impl<'a> Stage<'a> {
    fn set(place: &Place<'a>, fleet: &'a Fleet) -> anyhow::Result<Self> {
        let Place { cluster, api, program, patience } = *place;
        let namespace = cluster.fresh_namespace();
        let aws = Aws::start();
        let api_way = Passage::to(api.address().to_owned())?;
        let aws_way = Passage::to(aws.address().to_string())?;
        let kubeconfig = cluster.dir().join(format!("{namespace}.kubeconfig"));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: way\n\
             clusters: [{{name: way, cluster: {{server: 'http://{}'}}}}]\n\
             contexts: [{{name: way, context: {{cluster: way, user: way}}}}]\n\
             users: [{{name: way, user: {{}}}}]\n",
            api_way.address()
        );
        fs::write(&kubeconfig, text)?;
        let clock = Clock::start(cluster.dir().join(format!("{namespace}.clock")))?;
        let begun = begin();
        let watch = Watch::of(api, &namespace, begun);
        let mut stage = Self {
            cluster,
            api,
            program,
            patience,
            fleet,
            namespace,
            model: Model::new(fleet),
            aws,
            api_way,
            aws_way,
            kubeconfig,
            clock,
            watch,
            controllers: Vec::new(),
            begun,
            deeds: Deeds::default(),
            open: BTreeMap::new(),
            theirs: BTreeMap::new(),
            owner: Value::Null,
            slots: vec![None; fleet.slots],
            made: 0,
            told: 0,
            denies: false,
            employs: false,
            number: 0,
            reasons: 2 * fleet.sources.len(),
            is_right: false,
            outcome: Outcome::default(),
        };
        stage.furnish();
        for _ in 0..=usize::from(fleet.election) {
            let controller = stage.spawn();
            stage.controllers.push(controller);
        }
        Ok(stage)
    }

    fn furnish(&mut self) {
        let fleet = self.fleet;
        if fleet.queue != Queue::None {
            self.aws.queues().create(QUEUE);
        }
        for number in 0..fleet.remotes.len() {
            self.put(number);
        }
        // Only from now on: what was there before is read anyway.
        if fleet.queue != Queue::None {
            self.aws.queues().gets_native_events(QUEUE);
        }
        let role = self.role();
        self.aws.identities().add_role(Role::new(&role).trusts_principal(self.aws.account()));
        let labels = json!({ "metadata": { "labels": { "torture": self.namespace } } });
        self.write("PATCH", &format!("api/v1/namespaces/{}", self.namespace), &labels);
        let owner = json!({ "metadata": { "name": "owner" } });
        (_, self.owner) = self.write("POST", &self.core("configmaps"), &owner);
        for number in 0..STORES {
            self.create_store(number);
        }
        if fleet.clusters > 0 {
            self.create_store(CLUSTER_STORE);
        }
        (0..fleet.slots).for_each(|slot| self.create_slot(slot));
        (0..fleet.clusters).for_each(|cluster| self.create_cluster(cluster));
        for (number, source) in fleet.sources.iter().enumerate() {
            if let Some(secret) = objects::target_before(source, &self.owner) {
                let (_, secret) = self.write("POST", &self.core("secrets"), &secret);
                if source.foreign {
                    self.theirs.insert(number, revision_of(&secret).unwrap_or_default());
                }
            }
            if source.placed.is_none() && source.holder.is_none() {
                self.create_source(number);
            }
        }
    }

    /// Makes the workloads, once there is something to read: time decides what those have that were there
    /// before the controller, and time counts in seconds. Those come now, too, that want the targets of
    /// others.
    fn employ(&mut self) {
        let fleet = self.fleet;
        for consumer in &fleet.consumers {
            let object = objects::workload(fleet, consumer);
            self.write("POST", &self.workloads(consumer.kind), &object);
        }
        for number in 0..fleet.sources.len() {
            if fleet.sources[number].holder.is_some() && !self.model.exists(number) {
                self.model.apply(&Operation::CreateSource(number));
                self.create_source(number);
            }
        }
        self.employs = true;
    }

    fn role(&self) -> String {
        format!("arn:aws:iam::{}:role/reader", self.aws.account())
    }

    fn core(&self, path: &str) -> String {
        format!("api/v1/namespaces/{}/{path}", self.namespace)
    }

    fn ours(&self, path: &str) -> String {
        format!("{EXTERNAL_SECRETS}/namespaces/{}/{path}", self.namespace)
    }

    fn workloads(&self, kind: Kind) -> String {
        format!("apis/apps/v1/namespaces/{}/{}", self.namespace, kind.plural())
    }

    /// Where an ExternalSecret is; nowhere if its namespace is not there.
    fn namespace_of(&self, number: usize) -> &str {
        match self.fleet.sources[number].placed {
            Some(Placed { slot, .. }) => self.slots[slot].as_deref().unwrap_or("nowhere"),
            None => &self.namespace,
        }
    }

    fn source(&self, number: usize) -> String {
        let (place, name) = (self.namespace_of(number), &self.fleet.sources[number].name);
        format!("{EXTERNAL_SECRETS}/namespaces/{place}/externalsecrets/{name}")
    }

    fn secret(&self, number: usize) -> String {
        let (place, name) = (self.namespace_of(number), &self.fleet.sources[number].target);
        format!("api/v1/namespaces/{place}/secrets/{name}")
    }

    /// Asks the API for something that is the round's own doing.
    fn write(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let kind =
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let (status, answer) = self.api.ask(method, path, Some(body), kind);
        if method != "DELETE" && matches!(status, 200 | 201) {
            self.deeds.ours.extend(revision_of(&answer));
        }
        (status, answer)
    }

    fn spawn(&mut self) -> Controller {
        self.outcome.starts += 1;
        let namespace = &self.namespace;
        let mut flags: Vec<String> = [
            format!("--controller-class={namespace}"),
            format!("--restart-key-namespace={namespace}"),
        ]
        .into();
        // ClusterExternalSecrets need all namespaces; others are left alone by the class.
        if self.fleet.clusters == 0 {
            flags.push(format!("--namespace={namespace}"));
        }
        if self.fleet.queue != Queue::None {
            flags.push(format!("--events-queue-url={}", self.queue_url()));
        }
        flags.extend(
            [
                "--loglevel=debug",
                "--restarts=enforce",
                "--restart-debounce=1s",
                "--restart-max-hold=5s",
                "--restart-min-interval=0s",
                "--restart-max-per-hour=0",
                "--restart-max-per-minute=0",
                "--restart-concurrent=50",
                "--restart-concurrent-per-namespace=50",
                "--restart-concurrent-per-secret=50",
            ]
            .map(str::to_owned),
        );
        if self.fleet.election {
            flags.push("--enable-leader-election".to_owned());
            flags.push(format!("--leader-election-namespace={namespace}"));
        }
        let endpoint = format!("http://{}", self.aws_way.address());
        let setup = Controller::setup(self.cluster);
        let setup = match self.program {
            Some(program) => setup.program(program),
            None => setup,
        };
        setup
            .kubeconfig(&self.kubeconfig)
            .environment(self.aws.environment(self.aws.admin()))
            .environment([("AWS_ENDPOINT_URL", endpoint)])
            .environment(self.clock.environment())
            .args(flags)
            .spawn()
    }

    /// Starts anew what has ended, as Kubernetes does.
    fn supervise(&mut self) {
        for number in 0..self.controllers.len() {
            if self.controllers[number].wait_for_end(Duration::ZERO).is_some() {
                self.replace(number);
            }
        }
    }

    /// Where the controller finds the queue, on the way that is disturbed.
    fn queue_url(&self) -> String {
        format!("http://{}/{}/{QUEUE}", self.aws_way.address(), self.aws.account())
    }

    fn replace(&mut self, number: usize) {
        let next = self.spawn();
        let before = std::mem::replace(&mut self.controllers[number], next);
        let printed = before.kill();
        self.hear(&printed);
    }

    fn revision(&self) -> u64 {
        let (_, list) = self.api.ask("GET", &self.core("secrets?limit=1"), None, "");
        revision_of(&list).unwrap_or_default()
    }

    /// Ends all trouble, and waits until everything is right and stays so. False if it does not.
    fn rest(&mut self) -> bool {
        for fault in
            [Fault::ApiBack, Fault::AwsBack, Fault::AwsRight, Fault::Allowed, Fault::Continue]
        {
            self.trouble(fault);
        }
        let ends = begin() + self.patience;
        let mut calm: Option<Instant> = None;
        let wrong = loop {
            self.supervise();
            let wrong = self.wrong();
            calm = if wrong.is_empty() { calm.or_else(|| Some(begin())) } else { None };
            if calm.is_some_and(|since| since.elapsed() >= CALM) || begin() > ends {
                break wrong;
            }
            thread::sleep(LOOK);
        };
        // What has gone wrong by now need not be played on.
        let is_right = wrong.is_empty() && self.judge().findings.is_empty();
        self.is_right = is_right;
        for text in wrong {
            self.find("not-right", text);
        }
        let revision = self.revision();
        for ((number, permit), from) in std::mem::take(&mut self.open) {
            self.deeds.permits.push((number, permit, from, revision));
        }
        self.permit(revision, &Operation::Rest);
        is_right
    }
}
