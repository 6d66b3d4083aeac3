//! A round on real parts: a namespace of a control plane, a double of AWS, controllers, and two ways
//! between them that the round disturbs.

mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::{Aws, Effect, Role, Rule};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::Controller;
use extsecret_tests::random::Random;
use serde_json::{Value, json};

use crate::history::{Deeds, Finding, THEIRS};
use crate::model::{Model, Permit, Presence, text};
use crate::objects;
use crate::passage::{Passage, Way};
use crate::plan::{Fault, Fleet, Operation};
use crate::watch::{Watch, begin, revision_of};

/// Far longer than it takes until all is right: the longest pause after failures that a round can lead
/// to, and a rollout.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long a controller may take to end when it is asked to.
const END: Duration = Duration::from_secs(40);

/// How long everything stays right before it is believed.
const CALM: Duration = Duration::from_secs(4);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);

/// Where rounds take place.
pub(crate) struct Place<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) api: &'a Api,
    /// The controller; else that of the tree.
    pub(crate) program: Option<&'a Path>,
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
}

pub(crate) struct Stage<'a> {
    cluster: &'a Cluster,
    api: &'a Api,
    program: Option<&'a Path>,
    fleet: &'a Fleet,
    namespace: String,
    model: Model<'a>,
    aws: Aws,
    api_way: Passage,
    aws_way: Passage,
    kubeconfig: PathBuf,
    watch: Watch,
    controllers: Vec<Controller>,
    begun: Instant,
    deeds: Deeds,
    open: BTreeMap<(usize, Permit), u64>,
    denies: bool,
    /// Whether there are workloads.
    employs: bool,
    /// Makes every write another one.
    number: usize,
    /// How many writes of targets there are reasons for.
    reasons: usize,
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
        let Place { cluster, api, program } = *place;
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
        let begun = begin();
        let watch = Watch::of(api, &namespace, begun);
        let mut stage = Self {
            cluster,
            api,
            program,
            fleet,
            namespace,
            model: Model::new(fleet),
            aws,
            api_way,
            aws_way,
            kubeconfig,
            watch,
            controllers: Vec::new(),
            begun,
            deeds: Deeds::default(),
            open: BTreeMap::new(),
            denies: false,
            employs: false,
            number: 0,
            reasons: 2 * fleet.sources.len(),
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
        for (name, remote) in self.fleet.remotes.iter().zip(self.model.world()) {
            self.aws.secrets().put(name, &text(name, *remote));
        }
        let role = self.role();
        self.aws.identities().add_role(Role::new(&role).trusts_principal(self.aws.account()));
        let owner = json!({ "metadata": { "name": "owner" } });
        let (_, owner) = self.write("POST", &self.core("configmaps"), &owner);
        for number in 0..self.fleet.stores {
            self.create_store(number);
        }
        let fleet = self.fleet;
        for (number, source) in fleet.sources.iter().enumerate() {
            if let Some(secret) = objects::target_before(source, &owner) {
                self.write("POST", &self.core("secrets"), &secret);
            }
            self.create_source(number);
        }
    }

    /// Makes the workloads, once there is something to read: time decides what those have that were there
    /// before the controller, and time counts in seconds.
    fn employ(&mut self) {
        let fleet = self.fleet;
        for consumer in &fleet.consumers {
            let object = objects::deployment(fleet, consumer);
            self.write("POST", &self.deployments(), &object);
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

    fn deployments(&self) -> String {
        format!("apis/apps/v1/namespaces/{}/deployments", self.namespace)
    }

    fn source(&self, number: usize) -> String {
        self.ours(&format!("externalsecrets/{}", self.fleet.sources[number].name))
    }

    fn secret(&self, number: usize) -> String {
        self.core(&format!("secrets/{}", self.fleet.sources[number].name))
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

    fn create_store(&mut self, number: usize) {
        let role = self.role();
        let role = (number == 1).then_some(&*role);
        let store = objects::store(&self.namespace, number, self.aws.region(), role);
        self.write("POST", &self.ours("secretstores"), &store);
    }

    fn create_source(&mut self, number: usize) {
        let variant = self.model.variant(number);
        let object = objects::external_secret(self.fleet, &self.fleet.sources[number], variant);
        self.write("POST", &self.ours("externalsecrets"), &object);
    }

    fn spawn(&mut self) -> Controller {
        self.outcome.starts += 1;
        let namespace = &self.namespace;
        let mut flags: Vec<String> = [
            format!("--controller-class={namespace}"),
            format!("--namespace={namespace}"),
            format!("--restart-key-namespace={namespace}"),
        ]
        .into();
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

    fn perform(&mut self, operation: &Operation) {
        let revision = self.revision();
        self.number += 1;
        let number = self.number;
        let fleet = self.fleet;
        let reads = |remote: usize| {
            let all = fleet.sources.iter().flat_map(|it| &it.remotes);
            all.filter(|it| it.contains(&remote)).count()
        };
        self.reasons += match *operation {
            Operation::Put { remote, .. }
            | Operation::Remove(remote)
            | Operation::Schedule(remote)
            | Operation::Restore(remote) => reads(remote),
            Operation::Fault(Fault::Conflicts) => fleet.sources.len(),
            _ => 1,
        };
        let presence = |model: &Model<'_>, it: usize| model.world()[it].presence;
        let was_scheduled = matches!(
            *operation,
            Operation::Restore(it) if presence(&self.model, it) == Presence::Scheduled
        );
        self.model.apply(operation);
        self.permit(revision, operation);
        match *operation {
            Operation::Restore(remote) if was_scheduled => {
                let name = json!({ "SecretId": fleet.remotes[remote] });
                self.aws.secrets().act("RestoreSecret", &name);
            }
            Operation::Put { remote, .. } | Operation::Restore(remote) => self.put(remote),
            Operation::Remove(remote) => self.aws.secrets().delete(&fleet.remotes[remote]),
            Operation::Schedule(remote) => {
                let name = json!({ "SecretId": fleet.remotes[remote] });
                self.aws.secrets().act("DeleteSecret", &name);
            }
            Operation::Touch(it) => {
                let change =
                    json!({ "metadata": { "annotations": { "force-sync": number.to_string() } } });
                self.write("PATCH", &self.source(it), &change);
            }
            Operation::Retarget(it) => {
                let object =
                    objects::external_secret(fleet, &fleet.sources[it], self.model.variant(it));
                let change = json!({ "spec": object["spec"] });
                self.write("PATCH", &self.source(it), &change);
            }
            Operation::DeleteSource(it) => {
                self.delete(&self.source(it));
            }
            Operation::CreateSource(it) => self.create_source(it),
            Operation::DeleteSecret(it) => {
                self.delete(&self.secret(it));
            }
            Operation::Tamper(it) => self.tamper(it),
            Operation::LabelSecret(it) => self.label(it),
            Operation::StripManaged(it) => {
                let change = json!({ "metadata": {
                    "labels": { "reconcile.external-secrets.io/managed": null },
                    "annotations": { "example.test/number": number.to_string() },
                } });
                self.write("PATCH", &self.secret(it), &change);
            }
            Operation::DeleteStore(it) => {
                let path = self.ours(&format!("secretstores/{}", objects::store_name(it)));
                self.delete(&path);
            }
            Operation::CreateStore(it) => self.create_store(it),
            Operation::EditConsumer(it) => {
                let labels = json!({ "edit": number.to_string() });
                let change =
                    json!({ "spec": { "template": { "metadata": { "labels": labels } } } });
                self.change_consumer(it, &change);
            }
            Operation::StripRecord(it) => {
                let change = json!({ "metadata": { "annotations": {
                    "extsecret.io/restart-record": null,
                    "example.test/number": number.to_string(),
                } } });
                self.change_consumer(it, &change);
            }
            Operation::Fault(fault) => {
                *self.outcome.faults.entry(fault).or_default() += 1;
                self.trouble(fault);
            }
            Operation::Rest => {}
        }
    }

    fn permit(&mut self, revision: u64, operation: &Operation) {
        let mut permits = self.model.permits();
        match *operation {
            Operation::DeleteSecret(it) => {
                permits.insert((it, Permit::Vanish));
            }
            // A controller may look at it after it is there again.
            Operation::Tamper(it) => {
                permits.insert((it, Permit::LoseKeys));
            }
            _ => {}
        }
        for permit in permits {
            self.open.entry(permit).or_insert(revision);
        }
    }

    fn put(&self, remote: usize) {
        let name = &self.fleet.remotes[remote];
        self.aws.secrets().put(name, &text(name, self.model.world()[remote]));
    }

    fn delete(&mut self, path: &str) {
        let options = json!({ "propagationPolicy": "Background" });
        self.write("DELETE", path, &options);
    }

    fn tamper(&mut self, it: usize) {
        let (status, secret) = self.api.ask("GET", &self.secret(it), None, "");
        let key = crate::watch::data(&secret).into_keys().find(|key| key != THEIRS);
        if let (200, Some(key)) = (status, key) {
            let value = STANDARD.encode(format!("TAMPER.{}", self.number));
            self.write("PATCH", &self.secret(it), &json!({ "data": { key: value } }));
        }
    }

    fn label(&mut self, it: usize) {
        let number = self.number.to_string();
        let change = json!({ "metadata": { "labels": { "example.test/number": number } } });
        self.write("PATCH", &self.secret(it), &change);
    }

    fn change_consumer(&mut self, it: usize, change: &Value) {
        let path = format!("{}/{}", self.deployments(), self.fleet.consumers[it].name);
        self.write("PATCH", &path, change);
    }

    fn trouble(&mut self, fault: Fault) {
        let all = |effect: Effect| Rule::on("*").percent(50).effect(effect);
        let aws = |effect: Effect| {
            self.aws.faults().add(all(effect));
        };
        match fault {
            Fault::Kill => {
                let first = self.controllers.remove(0);
                let printed = first.kill();
                self.hear(&printed);
                let next = self.spawn();
                self.controllers.push(next);
            }
            Fault::Terminate => self.terminate(),
            Fault::Stop => self.controllers[0].signal("STOP"),
            Fault::Continue => self.carry_on(),
            Fault::ApiRefused => self.api_way.set(Way::Refused),
            Fault::ApiSilent => self.api_way.set(Way::Silent),
            Fault::ApiSlow => self.api_way.set(Way::Slow),
            Fault::ApiCut => self.api_way.set(Way::Cut),
            Fault::ApiBack => self.api_way.set(Way::Open),
            Fault::AwsRefused => self.aws_way.set(Way::Refused),
            Fault::AwsSilent => self.aws_way.set(Way::Silent),
            Fault::AwsSlow => self.aws_way.set(Way::Slow),
            Fault::AwsCut => self.aws_way.set(Way::Cut),
            Fault::AwsBack => self.aws_way.set(Way::Open),
            Fault::Throttled => aws(Effect::throttled()),
            Fault::InternalError => aws(Effect::error(500, "InternalServiceError", "try again")),
            Fault::Gateway => aws(Effect::Gateway { status: 503 }),
            Fault::Reset => aws(Effect::Reset),
            Fault::ResetAfter => aws(Effect::ResetAfter),
            Fault::Truncated => aws(Effect::Truncated),
            Fault::SlowBody => aws(Effect::SlowBody { millis: 1500 }),
            Fault::Garbage => aws(Effect::Garbage),
            Fault::Hang => aws(Effect::Hang),
            Fault::AwsRight => self.aws.faults().clear(),
            Fault::ClockOfAws => self.aws.clock().advance(Duration::from_hours(2)),
            Fault::Conflicts => (0..self.fleet.sources.len())
                .filter(|it| !self.fleet.sources[*it].foreign)
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|it| self.label(it)),
            Fault::Denied if !self.denies => {
                self.denies = true;
                let [policy, binding] = objects::denial(&self.namespace);
                self.write("POST", POLICIES, &policy);
                self.write("POST", BINDINGS, &binding);
            }
            Fault::Allowed if self.denies => {
                self.denies = false;
                for folder in [BINDINGS, POLICIES] {
                    self.delete(&format!("{folder}/{}", self.namespace));
                }
            }
            Fault::Denied | Fault::Allowed => {}
        }
    }

    fn carry_on(&mut self) {
        self.supervise();
        for controller in &self.controllers {
            controller.signal("CONT");
        }
    }

    fn terminate(&mut self) {
        self.carry_on();
        let mut first = self.controllers.remove(0);
        first.signal("TERM");
        if first.wait_for_end(END).is_none() {
            self.find("does-not-end", format!("after SIGTERM, in {END:?}"));
        }
        let printed = first.kill();
        self.hear(&printed);
        let next = self.spawn();
        self.controllers.push(next);
    }

    /// Ends all trouble, and waits until everything is right and stays so. False if it does not.
    fn rest(&mut self) -> bool {
        for fault in
            [Fault::ApiBack, Fault::AwsBack, Fault::AwsRight, Fault::Allowed, Fault::Continue]
        {
            self.trouble(fault);
        }
        let ends = begin() + PATIENCE;
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
        let is_right = wrong.is_empty();
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

const POLICIES: &str = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS: &str = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
