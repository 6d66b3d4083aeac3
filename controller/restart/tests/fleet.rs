//! A fleet in memory, where anything happens in any order: Secrets change, labels change, tools put
//! workloads back, people roll out, the controller dies and comes back with another clock, and what it
//! sees is late. Whatever happens, no more rollouts are under way than allowed, nobody restarts more
//! often than content has changed, and in the end every pod has read what its Secret holds.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_restart::decide::{Changed, Facts, Pods, Verdict, judge};
use extsecret_restart::fingerprint::{Content, Key};
use extsecret_restart::kinds::{Kind, Progress, Standing};
use extsecret_restart::pace::{Id, Limits, Rolling, Waiting, plan};
use extsecret_restart::record::{self, Record};
use extsecret_restart::scan::{KeySet, Reference};
use extsecret_restart::source::{Source, Stamp, Version};
use extsecret_restart::stale::Began;
use extsecret_restart::wait::Waits;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const SECRETS: usize = 3;
const WORKLOADS: usize = 6;
const AT_ONCE: usize = 2;
/// When the controller came.
const ADOPTED: i64 = 1_000;

#[derive(Clone, Debug)]
enum Step {
    /// The consumed key of a Secret gets this value.
    Change(usize, u8),
    /// A label of it, or a key that nobody reads.
    Touch(usize),
    /// The Secret goes, and comes back with this value.
    Recreate(usize, u8),
    /// A tool takes the annotations off a workload.
    Strip(usize),
    /// Somebody rolls a workload out.
    RollOut(usize),
    /// The controller sees the present Secret, or the present workload.
    SeeSecret(usize),
    SeeWorkload(usize),
    /// It works once; the API server takes so many of its writes and answers no others, and of the
    /// last one that it takes, it may lose the answer.
    Work {
        taken: usize,
        answer_lost: bool,
    },
    /// It dies, and comes back with a clock that is wrong by this.
    Crash(i64),
    /// Time passes.
    Pass(u8),
    /// One pod that has to be made anew, is.
    Roll(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (secret, workload) = (0..SECRETS, 0..WORKLOADS);
    prop_oneof![
        4 => (secret.clone(), 0..3_u8).prop_map(|(secret, value)| Step::Change(secret, value)),
        2 => secret.clone().prop_map(Step::Touch),
        1 => (secret.clone(), 0..3_u8).prop_map(|(secret, value)| Step::Recreate(secret, value)),
        2 => workload.clone().prop_map(Step::Strip),
        1 => workload.clone().prop_map(Step::RollOut),
        4 => secret.prop_map(Step::SeeSecret),
        6 => workload.clone().prop_map(Step::SeeWorkload),
        6 => (0..4_usize, any::<bool>())
            .prop_map(|(taken, answer_lost)| Step::Work { taken, answer_lost }),
        1 => (-100_000..100_000_i64).prop_map(Step::Crash),
        6 => (0..20_u8).prop_map(Step::Pass),
        8 => workload.prop_map(Step::Roll),
    ]
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

#[derive(Clone, Debug)]
struct Secret {
    value: u8,
    note: u8,
    created: i64,
    written: Stamp,
}

impl Secret {
    fn content(&self) -> Content {
        Content::of([("read", [self.value].as_slice()), ("note", [self.note].as_slice())])
    }
}

#[derive(Clone, Debug)]
struct Workload {
    version: u64,
    generation: i64,
    record: Option<String>,
    /// Which generation each pod is of, when it was made, and what it read.
    pods: Vec<(i64, i64, Vec<u8>)>,
    template: Stamp,
}

impl Workload {
    fn is_rolling(&self) -> bool {
        self.pods.iter().any(|(generation, _, _)| *generation < self.generation)
    }

    fn is_rolling_by_us(&self, key: &Key) -> bool {
        let found = record::read(self.record.as_deref(), key.id());
        let last = found.record().and_then(|record| record.last.as_ref());
        self.is_rolling() && last.is_some_and(|last| *last.marker == *self.generation.to_string())
    }
}

/// The Secrets that a workload reads: one or two.
fn reads(workload: usize) -> BTreeSet<usize> {
    BTreeSet::from([workload % SECRETS, workload / 2 % SECRETS])
}

struct Cluster {
    now: i64,
    version: u64,
    secrets: Vec<Secret>,
    workloads: Vec<Workload>,
    /// What the controller wrote to cause a rollout.
    restarts: Vec<usize>,
}

impl Cluster {
    fn new() -> Self {
        let stamp = Stamp { time: at(100), version: 1 };
        let secret = Secret { value: 0, note: 0, created: 100, written: stamp };
        let workload = |index| Workload {
            version: 1,
            generation: 1,
            record: None,
            pods: vec![(1, 200, vec![0; reads(index).len()]); 2],
            template: Stamp { time: at(200), version: 1 },
        };
        Self {
            now: ADOPTED + 1,
            version: 2,
            secrets: vec![secret; SECRETS],
            workloads: (0..WORKLOADS).map(workload).collect(),
            restarts: vec![0; WORKLOADS],
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.version += 1;
        Stamp { time: at(self.now), version: self.version }
    }

    fn roll_out(&mut self, index: usize) {
        let stamp = self.stamp();
        let workload = &mut self.workloads[index];
        workload.generation += 1;
        workload.template = stamp;
        workload.version = stamp.version;
    }

    fn roll(&mut self, index: usize) {
        let read = reads(index).into_iter().map(|secret| self.secrets[secret].value).collect();
        let (now, version) = (self.now, self.stamp().version);
        let workload = &mut self.workloads[index];
        let generation = workload.generation;
        let old = workload.pods.iter_mut().find(|(of, _, _)| *of < generation);
        if let Some(pod) = old {
            *pod = (generation, now, read);
            workload.version = version;
        }
    }

    fn stale(&self, index: usize) -> bool {
        let values: Vec<_> = reads(index).into_iter().map(|it| self.secrets[it].value).collect();
        self.workloads[index].pods.iter().any(|(_, _, read)| *read != values)
    }
}

/// What the controller has in memory: all of it goes with a crash.
#[derive(Default)]
struct Memory {
    secrets: BTreeMap<usize, Source>,
    workloads: BTreeMap<usize, Workload>,
    waits: BTreeMap<usize, Waits>,
    waited: BTreeMap<usize, Stamp>,
    /// Templates that it saw change.
    templates: BTreeMap<usize, Stamp>,
}

struct Controller {
    key: Key,
    limits: Limits,
    ids: Vec<Id>,
    memory: Memory,
    skew: i64,
}

impl Controller {
    fn new() -> Self {
        let id = |index: usize| Id {
            namespace: "shop".into(),
            name: index.to_string().into(),
            kind: Kind::Deployment,
        };
        Self {
            key: Key::new(&[1; 32]).expect("a key"),
            limits: Limits {
                debounce: SignedDuration::from_secs(10),
                min_interval: SignedDuration::from_secs(30),
                at_once: AT_ONCE,
                ..Limits::default()
            },
            ids: (0..WORKLOADS).map(id).collect(),
            memory: Memory::default(),
            skew: 0,
        }
    }

    fn see_secret(&mut self, index: usize, secret: &Secret) {
        let (content, created) = (secret.content(), at(secret.created));
        let first = content.clone();
        let version = Version::at(created, secret.written);
        let new = || Source::new(first, &version);
        let source = self.memory.secrets.entry(index).or_insert_with(new);
        source.update(content, &version);
    }

    fn see_workload(&mut self, index: usize, workload: &Workload) {
        let before = self.memory.workloads.insert(index, workload.clone());
        if before.is_some_and(|before| before.generation < workload.generation) {
            self.memory.templates.insert(index, workload.template);
        }
    }

    /// One round, as the controller does it: judge all, plan, write.
    fn work(&mut self, cluster: &mut Cluster, taken: usize, answer_lost: bool) {
        // Nothing begins before everything is listed.
        if self.memory.secrets.len() < SECRETS || self.memory.workloads.len() < WORKLOADS {
            (0..SECRETS).for_each(|it| self.see_secret(it, &cluster.secrets[it]));
            (0..WORKLOADS).for_each(|it| self.see_workload(it, &cluster.workloads[it]));
        }
        let now = at(cluster.now + self.skew);
        let (mut notes, mut restarts) = (Vec::new(), BTreeMap::new());
        for index in 0..WORKLOADS {
            match self.judge(index, Pods::Unknown, cluster) {
                Verdict::Note(record, left) => {
                    if let Some(left) = left {
                        self.memory.waited.entry(index).or_insert(left);
                    }
                    notes.push((index, record));
                }
                Verdict::Restart { changed, record } => {
                    restarts.insert(index, (changed, record));
                }
                Verdict::Rolling(changed) => {
                    let first = changed.iter().map(|it| it.since).reduce(Stamp::earliest);
                    self.memory.waited.entry(index).or_insert(first.expect("a change"));
                }
                Verdict::Settled => {
                    if !self.memory.workloads[&index].is_rolling() {
                        self.memory.waited.remove(&index);
                    }
                    self.memory.waits.entry(index).or_default().is_taken_back(now);
                }
                Verdict::AskPods | Verdict::Obstructed(..) => panic!("pods were told"),
            }
        }
        let mut taken = taken;
        for (index, record) in notes {
            self.memory.waits.entry(index).or_default().is_over();
            self.write(cluster, index, &record, false, &mut taken, answer_lost);
        }
        self.start(cluster, &restarts, now, taken, answer_lost);
    }

    fn start(
        &mut self,
        cluster: &mut Cluster,
        restarts: &BTreeMap<usize, (Vec<Changed>, Record)>,
        now: Timestamp,
        mut taken: usize,
        answer_lost: bool,
    ) {
        for (index, (_, record)) in restarts {
            self.memory.waits.entry(*index).or_default().has_to(record.clone(), now);
        }
        let waits = restarts.iter().map(|(index, (changed, record))| {
            let wait = self.memory.waits[index].get().expect("it was just said");
            Waiting {
                id: &self.ids[*index],
                wave: 0,
                secrets: changed.iter().map(|it| &*it.secret).collect(),
                first: wait.first,
                last: wait.last,
                restarts: &record.restarts,
                held: None,
                refused: false,
            }
        });
        let waits: Vec<_> = waits.collect();
        let rolling = self.memory.workloads.iter().filter(|(_, it)| it.is_rolling_by_us(&self.key));
        let rolling = rolling.map(|(index, _)| Rolling {
            id: &self.ids[*index],
            wave: 0,
            secrets: Vec::new(),
            failed: false,
        });
        let rolling: Vec<_> = rolling.collect();
        let planned = plan(now, &self.limits, &waits, &rolling, &[]);
        let order: Vec<_> = restarts.keys().copied().collect();
        let chosen: Vec<_> = planned.start.iter().map(|it| order[*it]).collect();
        for index in chosen {
            let (changed, mut record) = restarts[&index].clone();
            let generation = self.memory.workloads[&index].generation + 1;
            record.restarted(
                now,
                &generation.to_string(),
                changed.into_iter().map(|it| it.id).collect(),
            );
            self.write(cluster, index, &record, true, &mut taken, answer_lost);
        }
    }

    fn judge(&self, index: usize, pods: Pods<'_>, cluster: &Cluster) -> Verdict {
        let workload = &self.memory.workloads[&index];
        let references = reads(index).into_iter().map(|secret| Reference {
            id: secret.to_string().into(),
            secret: secret.to_string().into(),
            keys: KeySet::Some(BTreeSet::from(["read".into()])),
            optional: false,
        });
        let references: Vec<_> = references.collect();
        let is_rolling = workload.is_rolling();
        let progress = if is_rolling { Progress::Rolling } else { Progress::Done };
        let facts = Facts {
            key: &self.key,
            adopted: at(ADOPTED),
            namespace: "shop",
            references: &references,
            found: &record::read(workload.record.as_deref(), self.key.id()),
            created: at(200),
            template: self.memory.templates.get(&index).copied(),
            touched: Some(workload.template.time),
            waited: self.memory.waited.get(&index).copied(),
            pods,
            standing: &Standing { progress, obstacle: None, idle: false },
            overdue: false,
        };
        match judge(&facts, |name| self.memory.secrets.get(&name.parse().expect("an index"))) {
            Verdict::AskPods => {
                let pods = cluster.workloads[index].pods.iter();
                let made: Vec<_> = pods.map(|(_, made, _)| at(*made)).collect();
                let began = |at: Timestamp| {
                    references.iter().map(move |it| Began {
                        secret: it.secret.clone(),
                        keys: it.keys.clone(),
                        at,
                    })
                };
                let ran: Vec<_> = made.iter().copied().flat_map(began).collect();
                self.judge(index, Pods::Seen { made: &made, ran: Some(&ran) }, cluster)
            }
            verdict => verdict,
        }
    }

    /// The write of a record, which may be that of a restart; only of what was seen.
    fn write(
        &mut self,
        cluster: &mut Cluster,
        index: usize,
        record: &Record,
        restart: bool,
        taken: &mut usize,
        answer_lost: bool,
    ) {
        if *taken == 0 || self.memory.workloads[&index].version != cluster.workloads[index].version
        {
            return;
        }
        *taken -= 1;
        if restart {
            cluster.roll_out(index);
            cluster.restarts[index] += 1;
        }
        let version = cluster.stamp().version;
        let workload = &mut cluster.workloads[index];
        workload.version = version;
        workload.record = Some(record.write());
        if !workload.is_rolling() {
            self.memory.waited.remove(&index);
        }
        let under_way =
            cluster.workloads.iter().filter(|it| it.is_rolling_by_us(&self.key)).count();
        assert!(!restart || under_way <= AT_ONCE, "{under_way} at once");
        if !(answer_lost && *taken == 0) || restart {
            // An answer that is lost ends the round; what was written is seen before the next.
            let workload = cluster.workloads[index].clone();
            self.see_workload(index, &workload);
        }
    }
}

fn run(steps: &[Step], seen_at_once: bool) -> (Cluster, Vec<usize>, Vec<usize>) {
    let mut cluster = Cluster::new();
    let mut controller = Controller::new();
    // Writes of a Secret, and those that changed what is read of it, by workload.
    let (mut writes, mut changes) = (vec![0; WORKLOADS], vec![0; WORKLOADS]);
    // The first round: everything is noted, nothing restarts.
    controller.work(&mut cluster, usize::MAX, false);
    assert_eq!(cluster.restarts, [0; WORKLOADS]);
    for step in steps {
        if seen_at_once {
            (0..WORKLOADS).for_each(|it| controller.see_workload(it, &cluster.workloads[it]));
            controller.work(&mut cluster, 0, false);
        }
        match step {
            Step::Change(secret, value) | Step::Recreate(secret, value) => {
                // Of a pod that began to run in the second in which its Secret was made again, or again
                // and changed, nobody can tell what it read.
                cluster.now += i64::from(matches!(step, Step::Recreate(..)));
                let written = cluster.stamp();
                let now = cluster.now;
                let it = &mut cluster.secrets[*secret];
                let is_changed = it.value != *value;
                (it.value, it.written) = (*value, written);
                if matches!(step, Step::Recreate(..)) {
                    it.created = now;
                    cluster.now += 1;
                }
                if seen_at_once {
                    controller.see_secret(*secret, &cluster.secrets[*secret]);
                    controller.work(&mut cluster, 0, false);
                }
                for workload in (0..WORKLOADS).filter(|it| reads(*it).contains(secret)) {
                    writes[workload] += 1;
                    changes[workload] += usize::from(is_changed);
                }
            }
            Step::Touch(secret) => {
                let written = cluster.stamp();
                let it = &mut cluster.secrets[*secret];
                (it.note, it.written) = (it.note.wrapping_add(1), written);
                for workload in (0..WORKLOADS).filter(|it| reads(*it).contains(secret)) {
                    writes[workload] += 1;
                }
            }
            Step::Strip(index) => {
                let version = cluster.stamp().version;
                let workload = &mut cluster.workloads[*index];
                (workload.record, workload.version) = (None, version);
            }
            Step::RollOut(index) => cluster.roll_out(*index),
            Step::SeeSecret(index) => controller.see_secret(*index, &cluster.secrets[*index]),
            Step::SeeWorkload(index) => controller.see_workload(*index, &cluster.workloads[*index]),
            Step::Work { taken, answer_lost } => {
                controller.work(&mut cluster, *taken, *answer_lost);
            }
            Step::Crash(skew) => {
                controller.memory = Memory::default();
                controller.skew = *skew;
            }
            Step::Pass(seconds) => cluster.now += i64::from(*seconds),
            Step::Roll(index) => cluster.roll(*index),
        }
    }
    (settle(cluster, controller), writes, changes)
}

/// Nothing happens any more but what follows from what has.
fn settle(cluster: Cluster, controller: Controller) -> Cluster {
    settle_in(40, cluster, controller)
}

fn settle_in(rounds: usize, mut cluster: Cluster, mut controller: Controller) -> Cluster {
    for _ in 0..rounds {
        for index in 0..WORKLOADS {
            cluster.roll(index);
            controller.see_workload(index, &cluster.workloads[index]);
        }
        for index in 0..SECRETS {
            controller.see_secret(index, &cluster.secrets[index]);
        }
        controller.work(&mut cluster, usize::MAX, false);
        cluster.now += 600;
    }
    cluster
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_change_reaches_every_pod_and_no_pod_restarts_without_one(
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        // No value comes back: a pod that was made while it was away would not be found.
        let steps: Vec<_> = steps.into_iter().enumerate().map(|(index, step)| match step {
            Step::Change(secret, _) => Step::Change(secret, u8::try_from(index + 1).expect("few steps")),
            Step::Recreate(secret, value) if value > 0 => Step::Recreate(secret, u8::try_from(index + 1).expect("few steps")),
            Step::Recreate(secret, _) => Step::Touch(secret),
            step => step,
        }).collect();
        let (cluster, writes, changes) = run(&steps, false);
        let is_stripped = steps.iter().any(|step| matches!(step, Step::Strip(_)));
        for index in 0..WORKLOADS {
            prop_assert!(!cluster.stale(index), "{index} is stale: {:?}", cluster.workloads[index]);
            // Without its record, a workload may take any write of its Secret for a change.
            let most = if is_stripped { writes[index] } else { changes[index] };
            prop_assert!(
                cluster.restarts[index] <= most,
                "{index} restarted {} times for {most} changes", cluster.restarts[index]
            );
        }
        // And then there is rest: not even a controller that comes anew finds anything to do.
        let before = cluster.restarts.clone();
        let after = settle(cluster, Controller::new());
        prop_assert_eq!(before, after.restarts);
    }

    #[test]
    fn values_that_come_and_go_under_its_eyes_leave_no_pod_behind(
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let is_dull = |step: &Step| matches!(step, Step::Crash(_) | Step::Strip(_));
        let steps: Vec<_> = steps.into_iter().filter(|step| !is_dull(step)).collect();
        let (cluster, _, changes) = run(&steps, true);
        let most = cluster.restarts.iter().zip(&changes);
        prop_assert!(most.clone().all(|(restarts, changes)| restarts <= changes), "{most:?}");
        for index in 0..WORKLOADS {
            prop_assert!(!cluster.stale(index), "{index} is stale: {:?}", cluster.workloads[index]);
        }
    }

    #[test]
    fn tools_that_take_records_away_restart_nobody(
        steps in proptest::collection::vec(prop_oneof![
            (0..WORKLOADS).prop_map(Step::Strip),
            (0..WORKLOADS).prop_map(Step::SeeWorkload),
            Just(Step::Work { taken: 3, answer_lost: false }),
            (-100_000..100_000_i64).prop_map(Step::Crash),
            (0..20_u8).prop_map(Step::Pass),
        ], 0..120),
    ) {
        prop_assert_eq!(run(&steps, false).0.restarts, [0; WORKLOADS]);
    }
}

/// A change, and the end of the controller before or after it is written who restarts for it: a hundred
/// times over, for each of them.
#[test]
fn killed_before_or_after_each_write_it_restarts_everybody_once_for_each_change() {
    const ROUNDS: usize = 100;
    for (taken, answer_lost) in [(0, false), (1, false), (1, true), (2, true)] {
        let mut cluster = Cluster::new();
        let mut controller = Controller::new();
        controller.work(&mut cluster, usize::MAX, false);
        for round in 0..ROUNDS {
            let written = cluster.stamp();
            let value = u8::try_from(round + 1).expect("few rounds");
            (cluster.secrets[0].value, cluster.secrets[0].written) = (value, written);
            controller.see_secret(0, &cluster.secrets[0]);
            controller.work(&mut cluster, 0, false);
            cluster.now += 600;
            controller.work(&mut cluster, taken, answer_lost);
            cluster = settle_in(8, cluster, Controller::new());
            for index in 0..WORKLOADS {
                let wanted = if reads(index).contains(&0) { round + 1 } else { 0 };
                assert_eq!(cluster.restarts[index], wanted, "{index} after {round}");
                assert!(!cluster.stale(index));
            }
            controller = Controller::new();
            controller.work(&mut cluster, 0, false);
        }
    }
}
