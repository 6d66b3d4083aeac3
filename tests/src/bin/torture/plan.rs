//! What a seed asks for: a fleet, and what happens to it.

use extsecret_tests::random::Random;
use serde::Serialize;

/// Where the values of an ExternalSecret come from and how they are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Shape {
    /// `data` with two properties of one secret.
    Data,
    /// `dataFrom.extract` of one secret.
    Extract,
    /// `dataFrom.find` by name or path, of secrets that nobody else reads.
    Find,
    /// One key, rendered of two properties.
    Template,
    /// `data` with a property each of two secrets.
    Pair,
}

/// `target.creationPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Creation {
    Owner,
    Orphan,
    Merge,
    CreateOrMerge,
}

/// `target.deletionPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Deletion {
    Retain,
    Delete,
    Merge,
}

/// `refreshPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Refresh {
    Periodic,
    OnChange,
    CreatedOnce,
}

/// Where an ExternalSecret is that a ClusterExternalSecret makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Placed {
    pub(crate) cluster: usize,
    /// Which of the namespaces that come and go.
    pub(crate) slot: usize,
}

/// An ExternalSecret.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Source {
    /// Of the object.
    pub(crate) name: String,
    /// Of the Secret.
    pub(crate) target: String,
    pub(crate) shape: Shape,
    pub(crate) creation: Creation,
    pub(crate) deletion: Deletion,
    pub(crate) refresh: Refresh,
    pub(crate) immutable: bool,
    /// Something else controls a Secret of its name before it comes.
    pub(crate) foreign: bool,
    /// Something else may take its Secret.
    pub(crate) seizable: bool,
    /// Whoever owns its target: it comes later, and must never win.
    pub(crate) holder: Option<usize>,
    pub(crate) placed: Option<Placed>,
    pub(crate) interval: Interval,
    pub(crate) store: usize,
    /// The secrets of AWS that it reads, and those that it reads after an edit.
    pub(crate) remotes: [Vec<usize>; 2],
}

/// `refreshInterval`, in seconds.
pub(crate) type Interval = u32;

/// One by which nothing is refreshed in a round: whoever has it is told of changes by the queue.
pub(crate) const BY_EVENT: Interval = 3600;

impl Source {
    /// Whether its target follows AWS whatever happens to its object.
    pub(crate) fn follows(&self) -> bool {
        self.refresh == Refresh::Periodic && !self.immutable
    }

    /// What its target is called in the history.
    pub(crate) fn key(&self) -> String {
        match self.placed {
            Some(Placed { slot, .. }) => format!("{}{}", slot_prefix(slot), self.target),
            None => self.target.clone(),
        }
    }
}

/// What tells Secrets of a namespace that comes and goes from those of the others.
pub(crate) fn slot_prefix(slot: usize) -> String {
    format!("slot-{slot}/")
}

/// What a consumer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// In paths of the API.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }
}

/// A workload that reads a Secret.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Consumer {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The ExternalSecret whose target it reads.
    pub(crate) source: usize,
    /// The keys that it reads; none stands for all of them.
    pub(crate) keys: Vec<String>,
    pub(crate) opted_in: bool,
}

/// Whether AWS tells of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Queue {
    None,
    /// It loses nothing, so that some rely on it.
    Sure,
    /// It loses what it likes.
    Lossy,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fleet {
    /// Names of what AWS holds: parameters begin with a slash.
    pub(crate) remotes: Vec<String>,
    pub(crate) sources: Vec<Source>,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) election: bool,
    pub(crate) queue: Queue,
    /// ClusterExternalSecrets.
    pub(crate) clusters: usize,
    /// Namespaces that come and go.
    pub(crate) slots: usize,
}

impl Fleet {
    /// Whether another ExternalSecret wants the target of this one.
    pub(crate) fn is_contested(&self, source: usize) -> bool {
        self.sources.iter().any(|it| it.holder == Some(source))
    }

    pub(crate) fn is_parameter(&self, remote: usize) -> bool {
        self.remotes[remote].starts_with('/')
    }

    /// Whether somebody relies on being told that it changes.
    pub(crate) fn is_told(&self, remote: usize) -> bool {
        self.remotes[remote].contains("event/")
    }
}

/// Stores: the second one assumes a role, the third one is of Parameter Store.
pub(crate) const STORES: usize = 3;

/// The store of all namespaces, which stays.
pub(crate) const CLUSTER_STORE: usize = STORES;

/// Something that happens to the fleet. What makes no sense any more does nothing, so that any part of
/// a list is a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Operation {
    /// A new password, and a new user if so.
    Put {
        remote: usize,
        user: bool,
    },
    Remove(usize),
    /// Deletes with a recovery window.
    Schedule(usize),
    Restore(usize),
    Touch(usize),
    Retarget(usize),
    EditTemplate(usize),
    DeleteSource(usize),
    CreateSource(usize),
    DeleteSecret(usize),
    /// Something else makes the Secret its own.
    Seize(usize),
    /// It does so while a new value is on its way to the API server.
    Race(usize),
    /// It is gone again.
    Yield(usize),
    Tamper(usize),
    LabelSecret(usize),
    StripManaged(usize),
    DeleteStore(usize),
    CreateStore(usize),
    EditConsumer(usize),
    StripRecord(usize),
    /// A namespace is selected, or not any more.
    Select(usize),
    DeleteSlot(usize),
    CreateSlot(usize),
    DeleteCluster(usize),
    CreateCluster(usize),
    RetargetCluster(usize),
    /// `external-secrets.io/force-sync`.
    TouchCluster(usize),
    Fault(Fault),
    /// All faults end, and everything has to become right.
    Rest,
}

/// Trouble. What lasts ends with the next trouble of its kind or with the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Fault {
    Kill,
    Terminate,
    Stop,
    Continue,
    ApiRefused,
    ApiSilent,
    ApiSlow,
    ApiCut,
    ApiBack,
    AwsRefused,
    AwsSilent,
    AwsSlow,
    AwsCut,
    AwsBack,
    Throttled,
    InternalError,
    Gateway,
    Reset,
    ResetAfter,
    Truncated,
    SlowBody,
    Garbage,
    Hang,
    AwsRight,
    /// Credentials of AWS run out, because its clock jumps.
    ClockOfAws,
    /// The controllers' clock is set, and stays so until the next of these.
    ClockAhead,
    ClockFarAhead,
    ClockBehind,
    ClockRight,
    /// A second writer of the targets, once for each.
    Conflicts,
    Denied,
    Allowed,
    /// One secret of AWS cannot be read by anybody, also among others.
    OneDenied,
    /// Reading one secret of AWS fails, also among others.
    OneFails,
    QueueFails,
    EventsLost,
    EventsDoubled,
    /// Events of what is long over.
    EventsOld,
    /// Messages that nobody understands.
    Poison,
}

const FAULTS: [Fault; 39] = [
    Fault::Kill,
    Fault::Terminate,
    Fault::Stop,
    Fault::Continue,
    Fault::ApiRefused,
    Fault::ApiSilent,
    Fault::ApiSlow,
    Fault::ApiCut,
    Fault::ApiBack,
    Fault::AwsRefused,
    Fault::AwsSilent,
    Fault::AwsSlow,
    Fault::AwsCut,
    Fault::AwsBack,
    Fault::Throttled,
    Fault::InternalError,
    Fault::Gateway,
    Fault::Reset,
    Fault::ResetAfter,
    Fault::Truncated,
    Fault::SlowBody,
    Fault::Garbage,
    Fault::Hang,
    Fault::AwsRight,
    Fault::ClockOfAws,
    Fault::ClockAhead,
    Fault::ClockFarAhead,
    Fault::ClockBehind,
    Fault::ClockRight,
    Fault::Conflicts,
    Fault::Denied,
    Fault::Allowed,
    Fault::OneDenied,
    Fault::OneFails,
    Fault::QueueFails,
    Fault::EventsLost,
    Fault::EventsDoubled,
    Fault::EventsOld,
    Fault::Poison,
];

/// How much a round is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) sources: usize,
    pub(crate) consumers: usize,
    pub(crate) phases: usize,
    pub(crate) operations: usize,
}

/// The fleet of a seed and what happens to it.
pub(crate) fn plan(seed: u64, size: Size) -> (Fleet, Vec<Operation>) {
    let mut random = Random::new(seed);
    let fleet = fleet(&mut random, size);
    let mut operations = vec![Operation::Rest];
    for _ in 0..size.phases {
        operations.extend((0..size.operations).map(|_| operation(&mut random, &fleet)));
        operations.push(Operation::Rest);
    }
    (fleet, operations)
}

fn fleet(random: &mut Random, size: Size) -> Fleet {
    let shared = (size.sources * 2 / 3).max(2);
    let mut remotes: Vec<String> = (0..shared).map(|number| format!("app/{number}")).collect();
    remotes.extend((0..shared / 2).map(|number| format!("/app/{number}")));
    let queue = [Queue::None, Queue::Sure, Queue::Lossy][random.below(3)];
    let mut sources = Vec::new();
    for number in 0..size.sources {
        let it = source(random, number, shared, &mut remotes, queue);
        sources.push(it);
    }
    same_reads(&mut sources, &mut remotes);
    // What somebody else controls now and then is nobody's business here.
    let is_free = |it: &Source| !it.foreign && !it.seizable;
    let readable: Vec<usize> = (0..sources.len()).filter(|it| is_free(&sources[*it])).collect();
    rivals(random, &mut sources);
    let (mut clusters, mut slots) = (0, 0);
    if random.chance(40) {
        (clusters, slots) = (2, 3);
        place(random, &mut sources, (clusters, slots), shared);
    }
    let consumers = (0..size.consumers)
        .map(|number| {
            let source = readable[random.below(readable.len())];
            let keys = match sources[source].shape {
                Shape::Data | Shape::Extract | Shape::Pair if random.chance(60) => {
                    vec![(*random.pick(&["user", "password"])).to_owned()]
                }
                _ => Vec::new(),
            };
            let kind = match random.below(10) {
                0..2 => Kind::StatefulSet,
                2 => Kind::DaemonSet,
                _ => Kind::Deployment,
            };
            let name = format!("web-{number}");
            Consumer { name, kind, source, keys, opted_in: random.chance(75) }
        })
        .collect();
    Fleet { remotes, sources, consumers, election: random.chance(30), queue, clusters, slots }
}

fn source(
    random: &mut Random,
    number: usize,
    shared: usize,
    remotes: &mut Vec<String>,
    queue: Queue,
) -> Source {
    let store = random.below(STORES);
    let shapes = [Shape::Data, Shape::Extract, Shape::Template, Shape::Pair, Shape::Find];
    let shape = shapes[random.below(shapes.len())];
    let is_told = queue == Queue::Sure && shape != Shape::Find && random.chance(25);
    let creation = match random.below(10) {
        _ if is_told => Creation::Owner,
        0 | 1 => Creation::Orphan,
        2 => Creation::Merge,
        3 => Creation::CreateOrMerge,
        _ => Creation::Owner,
    };
    let refresh = match random.below(10) {
        _ if is_told => Refresh::Periodic,
        0 => Refresh::OnChange,
        1 => Refresh::CreatedOnce,
        _ => Refresh::Periodic,
    };
    let immutable = creation == Creation::Owner && !is_told && random.chance(10);
    let deletion = match random.below(4) {
        _ if immutable || refresh != Refresh::Periodic => Deletion::Retain,
        0 if creation == Creation::Owner => Deletion::Delete,
        1 if shape != Shape::Template => Deletion::Merge,
        _ => Deletion::Retain,
    };
    let mut fresh = |names: Vec<String>| {
        let first = remotes.len();
        remotes.extend(names);
        let all: Vec<usize> = (first..remotes.len()).collect();
        [all.clone(), all]
    };
    let read = if shape == Shape::Find {
        // Parameters are searched for by path, secrets by name.
        let prefix =
            if store == 2 { format!("/find/{number}/") } else { format!("find-{number}-") };
        fresh((0..3).map(|part| format!("{prefix}{part}")).collect())
    } else if is_told {
        let slash = if store == 2 { "/" } else { "" };
        let count = if shape == Shape::Pair { 2 } else { 1 };
        fresh((0..count).map(|part| format!("{slash}event/{number}-{part}")).collect())
    } else {
        let pick = |random: &mut Random| {
            if store == 2 { shared + random.below(shared / 2) } else { random.below(shared) }
        };
        let count = if shape == Shape::Pair { 2 } else { 1 };
        [(); 2].map(|()| (0..count).map(|_| pick(random)).collect())
    };
    let may_be_taken = creation == Creation::Owner && !immutable;
    Source {
        name: format!("es-{number}"),
        target: format!("es-{number}"),
        shape,
        creation,
        deletion,
        refresh,
        immutable,
        foreign: may_be_taken && number % 12 == 11,
        seizable: may_be_taken && number % 4 == 3,
        holder: None,
        placed: None,
        interval: if is_told { BY_EVENT } else { [1, 2, 3][random.below(3)] },
        store,
        remotes: read,
    }
}

/// Some that read one and the same secret, by the same interval and through the same store.
fn same_reads(sources: &mut Vec<Source>, remotes: &mut Vec<String>) {
    let remote = remotes.len();
    remotes.push("same/0".to_owned());
    for number in 0..sources.len() / 4 {
        sources.push(Source {
            name: format!("same-{number}"),
            target: format!("same-{number}"),
            shape: Shape::Data,
            creation: Creation::Owner,
            deletion: Deletion::Retain,
            refresh: Refresh::Periodic,
            immutable: false,
            foreign: false,
            seizable: false,
            holder: None,
            placed: None,
            interval: 2,
            store: 0,
            remotes: [vec![remote], vec![remote]],
        });
    }
}

/// Two that want the target of another.
fn rivals(random: &mut Random, sources: &mut Vec<Source>) {
    let may_hold = |it: &Source| {
        it.creation == Creation::Owner
            && !it.immutable
            && !it.foreign
            && !it.seizable
            && it.deletion != Deletion::Delete
    };
    let holders: Vec<usize> = (0..sources.len()).filter(|it| may_hold(&sources[*it])).collect();
    for number in 0..2 {
        let (Some(holder), wish) =
            (holders.get(random.below(holders.len())).copied(), random.below(4))
        else {
            return;
        };
        let mut it = sources[random.below(sources.len())].clone();
        it.name = format!("rival-{number}");
        it.target.clone_from(&sources[holder].target);
        it.holder = Some(holder);
        // Of two owners, the API server itself refuses one.
        it.creation = match (number, wish) {
            (0, _) => Creation::Owner,
            (_, 0) => Creation::Orphan,
            (_, 1) => Creation::CreateOrMerge,
            _ => Creation::Merge,
        };
        it.deletion = match it.creation {
            Creation::Owner => Deletion::Delete,
            _ => Deletion::Retain,
        };
        (it.refresh, it.immutable, it.foreign, it.seizable) =
            (Refresh::Periodic, false, false, false);
        sources.push(it);
    }
}

/// What ClusterExternalSecrets make in namespaces that come and go.
fn place(
    random: &mut Random,
    sources: &mut Vec<Source>,
    (clusters, slots): (usize, usize),
    shared: usize,
) {
    for cluster in 0..clusters {
        let remotes = [(); 2].map(|()| vec![random.below(shared)]);
        for slot in 0..slots {
            sources.push(Source {
                name: format!("ces-{cluster}"),
                target: format!("ces-{cluster}"),
                shape: Shape::Extract,
                creation: Creation::Owner,
                deletion: Deletion::Retain,
                refresh: Refresh::Periodic,
                immutable: false,
                foreign: false,
                seizable: false,
                holder: None,
                placed: Some(Placed { cluster, slot }),
                interval: 2,
                store: CLUSTER_STORE,
                remotes: remotes.clone(),
            });
        }
    }
}

fn operation(random: &mut Random, fleet: &Fleet) -> Operation {
    let remote = random.below(fleet.remotes.len());
    let source = random.below(fleet.sources.len());
    let consumer = random.below(fleet.consumers.len());
    let store = random.below(STORES);
    let (cluster, slot) = (random.below(fleet.clusters), random.below(fleet.slots));
    // Few can be raced for, and a race is won or lost within milliseconds.
    let seizable: Vec<_> =
        (0..fleet.sources.len()).filter(|it| fleet.sources[*it].seizable).collect();
    let raced = seizable.get(random.below(seizable.len())).copied().unwrap_or(source);
    match random.below(123) {
        0..30 => Operation::Put { remote, user: random.chance(30) },
        30..34 => Operation::Remove(remote),
        34..37 => Operation::Schedule(remote),
        37..41 => Operation::Restore(remote),
        41..45 => Operation::Touch(source),
        45..49 => Operation::Retarget(source),
        49..52 => Operation::DeleteSource(source),
        52..56 => Operation::CreateSource(source),
        56..60 => Operation::DeleteSecret(source),
        60..64 => Operation::Tamper(source),
        64..67 => Operation::LabelSecret(source),
        67..70 => Operation::StripManaged(source),
        70..71 => Operation::DeleteStore(store),
        71..73 => Operation::CreateStore(store),
        73..75 => Operation::EditConsumer(consumer),
        75..79 => Operation::StripRecord(consumer),
        79..82 => Operation::EditTemplate(source),
        82..85 => Operation::Seize(source),
        85 | 120.. => Operation::Race(raced),
        86..88 => Operation::Yield(source),
        88..90 => Operation::Select(slot),
        90 => Operation::DeleteSlot(slot),
        91 => Operation::CreateSlot(slot),
        92 => Operation::DeleteCluster(cluster),
        93 => Operation::CreateCluster(cluster),
        94 => Operation::RetargetCluster(cluster),
        95 => Operation::TouchCluster(cluster),
        _ => Operation::Fault(FAULTS[random.below(FAULTS.len())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_one_plan() {
        let size = Size { sources: 20, consumers: 10, phases: 2, operations: 30 };
        let text = |seed| format!("{:?}", plan(seed, size));
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        let (_, operations) = plan(7, size);
        assert_eq!(operations.len(), 1 + 2 * 31);
        assert_eq!(operations.last(), Some(&Operation::Rest));
    }

    /// A suite that never makes something cannot find anything about it.
    #[test]
    fn some_seeds_have_each_thing() {
        let size = Size { sources: 24, consumers: 16, phases: 3, operations: 40 };
        let all: Vec<_> = (0..40).map(|seed| plan(seed, size)).collect();
        let has = |what: &dyn Fn(&Fleet) -> bool| all.iter().filter(|(it, _)| what(it)).count();
        let of = |what: fn(&Source) -> bool| has(&|fleet: &Fleet| fleet.sources.iter().any(what));
        assert!(of(|it| it.holder.is_some() && it.creation == Creation::Owner) > 10);
        assert!(of(|it| it.holder.is_some() && it.creation != Creation::Owner) > 10);
        assert!(of(|it| it.foreign) > 10);
        assert!(of(|it| it.seizable) > 30);
        assert!(of(|it| it.placed.is_some()) > 5);
        assert!(of(|it| it.interval == BY_EVENT) > 5);
        assert!(of(|it| it.store == 2) > 30);
        assert!(has(&|it| it.queue == Queue::Lossy) > 5);
        for kind in Kind::ALL {
            assert!(has(&|it| it.consumers.iter().any(|it| it.kind == kind)) > 10);
        }
        // Who holds a target is nobody's rival, and what is told of is read by one only.
        for (fleet, _) in &all {
            let mut holders = fleet.sources.iter().filter_map(|it| it.holder);
            assert!(holders.all(|it| fleet.sources[it].holder.is_none()));
            for remote in (0..fleet.remotes.len()).filter(|it| fleet.is_told(*it)) {
                let reads = |it: &&Source| it.holder.is_none() && it.remotes[0].contains(&remote);
                assert_eq!(fleet.sources.iter().filter(reads).count(), 1);
            }
        }
    }
}
