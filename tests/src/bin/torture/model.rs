//! What External Secrets Operator's documents promise of a fleet, whatever happened before.
//!
//! Pure: it knows what was done, and says what has to be.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Creation, Deletion, Fleet, Operation, Refresh, Shape, Source};

/// What all values begin with.
pub(crate) const CANARY: &str = "CANARY";

/// How many changes of AWS a read may have begun before what asked for it.
const EARLIER: usize = 4;

/// A secret of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) user: usize,
    pub(crate) password: usize,
    pub(crate) presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Here,
    Gone,
    /// Deleted with a recovery window: as good as gone, as it was with ESO before it used the SDK of
    /// today and as its users ask for again.
    Scheduled,
}

/// What a target has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Data(BTreeMap<String, String>),
    /// The values cannot be read: whatever is there stays.
    Kept,
    Deleted,
}

/// What may happen to a target though nobody asked for it by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permit {
    Vanish,
    LoseKeys,
}

#[derive(Clone, Copy, Debug)]
struct State {
    exists: bool,
    /// Which of the two lists of secrets it reads.
    variant: usize,
    /// Since which change of AWS its values may be.
    since: usize,
}

pub(crate) struct Model<'a> {
    fleet: &'a Fleet,
    /// AWS after each change.
    worlds: Vec<Vec<Remote>>,
    states: Vec<State>,
    stores: Vec<bool>,
}

/// The values of a secret of AWS.
pub(crate) fn text(name: &str, remote: Remote) -> String {
    let [user, password] = fields(name, remote);
    format!(r#"{{"password":"{password}","user":"{user}"}}"#)
}

fn fields(name: &str, remote: Remote) -> [String; 2] {
    [
        format!("{CANARY}.{name}.user.{}", remote.user),
        format!("{CANARY}.{name}.password.{}", remote.password),
    ]
}

/// The target of an ExternalSecret that can read its store.
pub(crate) fn wanted(fleet: &Fleet, source: &Source, variant: usize, world: &[Remote]) -> Wanted {
    let read = &source.remotes[variant];
    if source.shape == Shape::Find {
        let here = read.iter().filter(|it| world[**it].presence == Presence::Here);
        let name = |it: &usize| fleet.remotes[*it].clone();
        let data: BTreeMap<_, _> = here.map(|it| (name(it), text(&name(it), world[*it]))).collect();
        return match source.deletion {
            Deletion::Retain if data.is_empty() => Wanted::Kept,
            Deletion::Delete if data.is_empty() => Wanted::Deleted,
            _ => Wanted::Data(data),
        };
    }
    let (name, remote) = (&fleet.remotes[read[0]], world[read[0]]);
    match (remote.presence, source.deletion) {
        (Presence::Here, _) => {}
        (_, Deletion::Retain) => return Wanted::Kept,
        (_, Deletion::Delete) => return Wanted::Deleted,
        (_, Deletion::Merge) => return Wanted::Data(BTreeMap::new()),
    }
    let [user, password] = fields(name, remote);
    Wanted::Data(if source.shape == Shape::Template {
        BTreeMap::from([("dsn".to_owned(), format!("{user}:{password}@db"))])
    } else {
        BTreeMap::from([("user".to_owned(), user), ("password".to_owned(), password)])
    })
}

impl<'a> Model<'a> {
    pub(crate) fn new(fleet: &'a Fleet) -> Self {
        let remote = Remote { user: 0, password: 0, presence: Presence::Here };
        let state = State { exists: true, variant: 0, since: 0 };
        Self {
            fleet,
            worlds: vec![vec![remote; fleet.remotes.len()]],
            states: vec![state; fleet.sources.len()],
            stores: vec![true; fleet.stores],
        }
    }

    /// AWS as it is.
    pub(crate) fn world(&self) -> &[Remote] {
        self.worlds.last().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn exists(&self, source: usize) -> bool {
        self.states[source].exists
    }

    pub(crate) fn variant(&self, source: usize) -> usize {
        self.states[source].variant
    }

    pub(crate) fn has_store(&self, store: usize) -> bool {
        self.stores[store]
    }

    /// Whether an operation does anything now.
    pub(crate) fn is_possible(&self, operation: &Operation) -> bool {
        let source = |it: usize| &self.fleet.sources[it];
        let presence = |it: usize| self.world()[it].presence;
        match *operation {
            Operation::Put { remote, .. } | Operation::Remove(remote) => {
                presence(remote) == Presence::Here
            }
            // A list may show what is scheduled for deletion or not.
            Operation::Schedule(remote) => {
                presence(remote) == Presence::Here
                    && !self.fleet.remotes[remote].starts_with("find")
            }
            Operation::Restore(remote) => presence(remote) != Presence::Here,
            Operation::Touch(it) | Operation::DeleteSource(it) => self.exists(it),
            Operation::Retarget(it) => {
                self.exists(it) && source(it).shape != Shape::Find && source(it).follows()
            }
            Operation::CreateSource(it) => !self.exists(it),
            Operation::DeleteSecret(it) => {
                self.exists(it) && source(it).creation != Creation::Merge && !source(it).foreign
            }
            Operation::Tamper(it) => {
                // An orphan is looked at when it is refreshed only.
                let looked_at = source(it).follows() || source(it).creation != Creation::Orphan;
                self.exists(it) && looked_at && !source(it).immutable && !source(it).foreign
            }
            Operation::LabelSecret(it) | Operation::StripManaged(it) => {
                self.exists(it) && !source(it).foreign
            }
            Operation::DeleteStore(it) => self.has_store(it),
            Operation::CreateStore(it) => !self.has_store(it),
            Operation::EditConsumer(_)
            | Operation::StripRecord(_)
            | Operation::Fault(_)
            | Operation::Rest => true,
        }
    }

    /// Takes note of an operation that is possible.
    pub(crate) fn apply(&mut self, operation: &Operation) {
        let mut world = self.world().to_vec();
        let number = self.worlds.len();
        match *operation {
            Operation::Put { remote, user } => {
                world[remote].password = number;
                if user {
                    world[remote].user = number;
                }
            }
            Operation::Remove(remote) => world[remote].presence = Presence::Gone,
            Operation::Schedule(remote) => world[remote].presence = Presence::Scheduled,
            Operation::Restore(remote) => world[remote].presence = Presence::Here,
            Operation::Touch(it) if self.fleet.sources[it].refresh == Refresh::OnChange => {
                self.fetches(it);
            }
            Operation::Retarget(it) => self.states[it].variant ^= 1,
            Operation::DeleteSource(it) => self.states[it].exists = false,
            Operation::CreateSource(it) => {
                self.states[it].exists = true;
                self.fetches(it);
            }
            // That an orphan is gone is not looked at.
            Operation::DeleteSecret(it) | Operation::Tamper(it) | Operation::StripManaged(it)
                if self.fleet.sources[it].creation != Creation::Orphan =>
            {
                self.fetches(it);
            }
            Operation::DeleteStore(it) => self.stores[it] = false,
            Operation::CreateStore(it) => self.stores[it] = true,
            _ => {}
        }
        if world != self.world() {
            self.worlds.push(world);
        }
    }

    fn fetches(&mut self, source: usize) {
        self.states[source].since = (self.worlds.len() - 1).saturating_sub(EARLIER);
    }

    /// What a target has to be now; `None` if there is no ExternalSecret.
    pub(crate) fn wanted(&self, source: usize) -> Option<Wanted> {
        let state = self.states[source];
        let spec = &self.fleet.sources[source];
        if !self.stores[spec.store] {
            return state.exists.then_some(Wanted::Kept);
        }
        state.exists.then(|| wanted(self.fleet, spec, state.variant, self.world()))
    }

    /// Whether these values may stay in a target.
    pub(crate) fn accepts(&self, source: usize, data: &BTreeMap<String, String>) -> bool {
        let (spec, state) = (&self.fleet.sources[source], self.states[source]);
        if spec.follows() {
            return match self.wanted(source) {
                Some(Wanted::Data(wanted)) => wanted == *data,
                Some(Wanted::Deleted) => false,
                Some(Wanted::Kept) | None => true,
            };
        }
        let at = |world: &Vec<Remote>| wanted(self.fleet, spec, state.variant, world);
        let since = self.worlds[state.since..].iter().map(at).collect::<Vec<_>>();
        // What could not be read leaves what was before.
        let all: Vec<_> = if since.contains(&Wanted::Kept) || !self.stores[spec.store] {
            self.worlds.iter().map(at).collect()
        } else {
            since
        };
        // Secrets are read one after another.
        data.iter().all(|(key, value)| {
            all.iter().any(|it| matches!(it, Wanted::Data(it) if it.get(key) == Some(value)))
        })
    }

    /// What may happen to targets now.
    pub(crate) fn permits(&self) -> BTreeSet<(usize, Permit)> {
        let mut permits = BTreeSet::new();
        for (number, spec) in self.fleet.sources.iter().enumerate() {
            match self.wanted(number) {
                None if spec.creation == Creation::Owner => {
                    permits.insert((number, Permit::Vanish));
                }
                Some(Wanted::Deleted) => {
                    permits.insert((number, Permit::Vanish));
                }
                Some(Wanted::Data(data)) if data.len() < self.keys(spec) => {
                    permits.insert((number, Permit::LoseKeys));
                }
                _ => {}
            }
        }
        permits
    }

    fn keys(&self, spec: &Source) -> usize {
        let here = Remote { user: 0, password: 0, presence: Presence::Here };
        match wanted(self.fleet, spec, 0, &vec![here; self.fleet.remotes.len()]) {
            Wanted::Data(data) => data.len(),
            Wanted::Kept | Wanted::Deleted => 0,
        }
    }

    /// Every value that a key of a target may ever have had, with the list of secrets that it is of and
    /// the change of AWS that made it.
    pub(crate) fn ever(&self) -> BTreeMap<(usize, String, String), Vec<(usize, usize)>> {
        let mut ever: BTreeMap<_, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, spec) in self.fleet.sources.iter().enumerate() {
            for variant in 0..2 {
                for (moment, world) in self.worlds.iter().enumerate() {
                    let Wanted::Data(data) = wanted(self.fleet, spec, variant, world) else {
                        continue;
                    };
                    for (key, value) in data {
                        let all = ever.entry((number, key, value)).or_default();
                        if all.iter().all(|(it, _)| *it != variant) {
                            all.push((variant, moment));
                        }
                    }
                }
            }
        }
        ever
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Size, plan};

    fn fleet(change: impl Fn(&mut Source)) -> Fleet {
        let size = Size { sources: 1, consumers: 0, phases: 0, operations: 0 };
        let (mut fleet, _) = plan(1, size);
        let source = &mut fleet.sources[0];
        source.shape = Shape::Data;
        source.creation = Creation::Owner;
        source.deletion = Deletion::Retain;
        source.refresh = Refresh::Periodic;
        source.immutable = false;
        source.store = 0;
        source.remotes = [vec![0], vec![1]];
        change(source);
        fleet
    }

    fn after(fleet: &Fleet, operations: &[Operation]) -> Wanted {
        let mut model = Model::new(fleet);
        for operation in operations {
            model.apply(operation);
        }
        model.wanted(0).expect("an ExternalSecret")
    }

    #[test]
    fn what_is_gone_is_kept_deleted_or_taken_out() {
        let wanted = [
            (Deletion::Retain, Wanted::Kept),
            (Deletion::Delete, Wanted::Deleted),
            (Deletion::Merge, Wanted::Data(BTreeMap::new())),
        ];
        for (deletion, wanted) in wanted {
            let fleet = fleet(|it| it.deletion = deletion);
            assert_eq!(after(&fleet, &[Operation::Remove(0)]), wanted);
            assert_eq!(after(&fleet, &[Operation::Schedule(0)]), wanted);
            assert_eq!(after(&fleet, &[Operation::DeleteStore(0)]), Wanted::Kept);
        }
    }

    #[test]
    fn a_value_of_before_is_accepted_where_nobody_asked_again() {
        let operations: Vec<_> = (0..9).map(|_| Operation::Put { remote: 0, user: true }).collect();
        let old = |fleet: &Fleet| {
            let model = Model::new(fleet);
            let Some(Wanted::Data(data)) = model.wanted(0) else { panic!("no values") };
            data
        };
        let run = |fleet: &Fleet, last: &[Operation]| {
            let mut model = Model::new(fleet);
            for operation in operations.iter().chain(last) {
                model.apply(operation);
            }
            model.accepts(0, &old(fleet))
        };
        assert!(!run(&fleet(|_| {}), &[]));
        let once = fleet(|it| it.refresh = Refresh::CreatedOnce);
        assert!(run(&once, &[]));
        assert!(run(&once, &[Operation::Touch(0)]));
        assert!(!run(&once, &[Operation::DeleteSecret(0)]));
        let on_change = fleet(|it| it.refresh = Refresh::OnChange);
        assert!(run(&on_change, &[]));
        assert!(!run(&on_change, &[Operation::Touch(0)]));
        assert!(run(&fleet(|it| it.immutable = true), &[Operation::Touch(0)]));
    }

    #[test]
    fn only_what_the_policies_say_may_vanish() {
        let owner = fleet(|_| {});
        let mut model = Model::new(&owner);
        assert!(model.permits().is_empty());
        model.apply(&Operation::Remove(0));
        assert!(model.permits().is_empty());
        model.apply(&Operation::DeleteSource(0));
        assert_eq!(model.permits(), BTreeSet::from([(0, Permit::Vanish)]));
        let orphan = fleet(|it| it.creation = Creation::Orphan);
        let mut model = Model::new(&orphan);
        model.apply(&Operation::DeleteSource(0));
        assert!(model.permits().is_empty());
    }
}
