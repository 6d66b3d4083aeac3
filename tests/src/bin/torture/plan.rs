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
    /// `dataFrom.find` by name, of secrets that nobody else reads.
    Find,
    /// One key, rendered of two properties.
    Template,
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

/// An ExternalSecret; its target has its name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) creation: Creation,
    pub(crate) deletion: Deletion,
    pub(crate) refresh: Refresh,
    pub(crate) immutable: bool,
    /// Something else controls a Secret of its name.
    pub(crate) foreign: bool,
    pub(crate) interval: &'static str,
    pub(crate) store: usize,
    /// The secrets of AWS that it reads, and those that it reads after an edit.
    pub(crate) remotes: [Vec<usize>; 2],
}

impl Source {
    /// Whether its target follows AWS whatever happens to its object.
    pub(crate) fn follows(&self) -> bool {
        self.refresh == Refresh::Periodic && !self.immutable
    }
}

/// A Deployment that reads a Secret.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Consumer {
    pub(crate) name: String,
    /// The ExternalSecret whose target it reads.
    pub(crate) source: usize,
    /// The keys that it reads; none stands for all of them.
    pub(crate) keys: Vec<String>,
    pub(crate) opted_in: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fleet {
    /// Names of the secrets in AWS.
    pub(crate) remotes: Vec<String>,
    pub(crate) sources: Vec<Source>,
    pub(crate) consumers: Vec<Consumer>,
    /// Stores; the second one assumes a role.
    pub(crate) stores: usize,
    pub(crate) election: bool,
}

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
    DeleteSource(usize),
    CreateSource(usize),
    DeleteSecret(usize),
    Tamper(usize),
    LabelSecret(usize),
    StripManaged(usize),
    DeleteStore(usize),
    CreateStore(usize),
    EditConsumer(usize),
    StripRecord(usize),
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
    /// A second writer of the targets, once for each.
    Conflicts,
    Denied,
    Allowed,
}

const FAULTS: [Fault; 28] = [
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
    Fault::Conflicts,
    Fault::Denied,
    Fault::Allowed,
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
    let mut sources = Vec::new();
    for number in 0..size.sources {
        let shape = [Shape::Data, Shape::Extract, Shape::Find, Shape::Template][random.below(4)];
        let creation = match random.below(10) {
            0 | 1 => Creation::Orphan,
            2 => Creation::Merge,
            3 => Creation::CreateOrMerge,
            _ => Creation::Owner,
        };
        let refresh = match random.below(10) {
            0 => Refresh::OnChange,
            1 => Refresh::CreatedOnce,
            _ => Refresh::Periodic,
        };
        let immutable = creation == Creation::Owner && random.chance(10);
        let deletion = match random.below(4) {
            _ if immutable || refresh != Refresh::Periodic => Deletion::Retain,
            0 if creation == Creation::Owner => Deletion::Delete,
            1 if shape != Shape::Template => Deletion::Merge,
            _ => Deletion::Retain,
        };
        let read = if shape == Shape::Find {
            let first = remotes.len();
            remotes.extend((0..3).map(|part| format!("find-{number}-{part}")));
            let all: Vec<usize> = (first..first + 3).collect();
            [all.clone(), all]
        } else {
            [vec![random.below(shared)], vec![random.below(shared)]]
        };
        sources.push(Source {
            name: format!("es-{number}"),
            shape,
            creation,
            deletion,
            refresh,
            immutable,
            foreign: creation == Creation::Owner && number % 12 == 11,
            interval: random.pick(&["1s", "2s", "3s"]),
            store: random.below(2),
            remotes: read,
        });
    }
    // What somebody else controls is nobody's business here.
    let readable: Vec<usize> = (0..sources.len()).filter(|it| !sources[*it].foreign).collect();
    let consumers = (0..size.consumers)
        .map(|number| {
            let source = readable[random.below(readable.len())];
            let keys = match sources[source].shape {
                Shape::Data | Shape::Extract if random.chance(60) => {
                    vec![(*random.pick(&["user", "password"])).to_owned()]
                }
                _ => Vec::new(),
            };
            Consumer { name: format!("web-{number}"), source, keys, opted_in: random.chance(75) }
        })
        .collect();
    Fleet { remotes, sources, consumers, stores: 2, election: random.chance(30) }
}

fn operation(random: &mut Random, fleet: &Fleet) -> Operation {
    let remote = random.below(fleet.remotes.len());
    let source = random.below(fleet.sources.len());
    let consumer = random.below(fleet.consumers.len());
    let store = random.below(fleet.stores);
    match random.below(100) {
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
}
