//! What External Secrets Operator's documents promise of a fleet, whatever happened before.
//!
//! Pure: it knows what was done, and says what has to be.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{
    BY_EVENT, CLUSTER_STORE, Creation, Deletion, Fleet, Operation, Placed, Refresh, Shape, Source,
};

/// What all values begin with.
pub(crate) const CANARY: &str = "CANARY";

/// What all values begin with that somebody else writes into targets.
pub(crate) const TAMPER: &str = "TAMPER";

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
    /// It is somebody else's: whatever is there stays, and Ready says so.
    Theirs,
}

/// What may happen to a target though nobody asked for it by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permit {
    Vanish,
    LoseKeys,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// Whether its object was made by the round; a ClusterExternalSecret makes those of its own.
    exists: bool,
    /// Bit 0: which of the two lists of secrets it reads; bit 1: which of the two templates it has.
    variant: usize,
    /// Whether something else controls its Secret.
    seized: bool,
    /// Since which change of AWS its values may be.
    since: usize,
}

pub(crate) struct Model<'a> {
    fleet: &'a Fleet,
    /// AWS after each change.
    worlds: Vec<Vec<Remote>>,
    states: Vec<State>,
    stores: Vec<bool>,
    clusters: Vec<bool>,
    /// Namespaces that come and go: whether each is there, and then whether it is selected.
    slots: Vec<Option<bool>>,
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

/// What `dsn` is rendered from.
pub(crate) fn template(variant: usize) -> String {
    format!("{{{{ .user }}}}:{{{{ .password }}}}@db{}", variant >> 1)
}

/// The target of an ExternalSecret that can read its store.
pub(crate) fn wanted(fleet: &Fleet, source: &Source, variant: usize, world: &[Remote]) -> Wanted {
    let read = &source.remotes[variant & 1];
    let is_here = |it: usize| world[it].presence == Presence::Here;
    let mut data = BTreeMap::new();
    if source.shape == Shape::Find {
        let name = |it: usize| &fleet.remotes[it];
        let here = read.iter().copied().filter(|it| is_here(*it));
        // A slash is no character of a key.
        data.extend(here.map(|it| (name(it).replace('/', "_"), text(name(it), world[it]))));
    } else {
        // Without a policy for it, a secret that is not there is a failure.
        if source.deletion == Deletion::Retain && !read.iter().all(|it| is_here(*it)) {
            return Wanted::Kept;
        }
        // What two secrets have is one property of each.
        for (place, key) in ["user", "password"].into_iter().enumerate() {
            let remote = read[place.min(read.len() - 1)];
            if is_here(remote) {
                let value = fields(&fleet.remotes[remote], world[remote])[place].clone();
                data.insert(key.to_owned(), value);
            }
        }
    }
    if data.is_empty() {
        return match source.deletion {
            Deletion::Retain => Wanted::Kept,
            Deletion::Delete => Wanted::Deleted,
            Deletion::Merge => Wanted::Data(data),
        };
    }
    if source.shape == Shape::Template {
        let (user, password) = (&data["user"], &data["password"]);
        let dsn = format!("{user}:{password}@db{}", variant >> 1);
        return Wanted::Data(BTreeMap::from([("dsn".to_owned(), dsn)]));
    }
    Wanted::Data(data)
}

impl<'a> Model<'a> {
    pub(crate) fn new(fleet: &'a Fleet) -> Self {
        let remote = Remote { user: 0, password: 0, presence: Presence::Here };
        let state = |it: &Source| State {
            exists: it.holder.is_none(),
            variant: 0,
            seized: it.foreign,
            since: 0,
        };
        Self {
            fleet,
            worlds: vec![vec![remote; fleet.remotes.len()]],
            states: fleet.sources.iter().map(state).collect(),
            stores: vec![true; CLUSTER_STORE + 1],
            clusters: vec![true; fleet.clusters],
            slots: vec![Some(true); fleet.slots],
        }
    }

    /// AWS as it is.
    pub(crate) fn world(&self) -> &[Remote] {
        self.worlds.last().map_or(&[], Vec::as_slice)
    }

    /// Whether there has to be such an ExternalSecret.
    pub(crate) fn exists(&self, source: usize) -> bool {
        match self.fleet.sources[source].placed {
            Some(Placed { cluster, slot }) => {
                self.clusters[cluster] && self.slots[slot] == Some(true)
            }
            None => self.states[source].exists,
        }
    }

    pub(crate) fn is_seized(&self, source: usize) -> bool {
        self.states[source].seized
    }

    pub(crate) fn has_cluster(&self, cluster: usize) -> bool {
        self.clusters[cluster]
    }

    /// Whether a namespace is there, and then whether it is selected.
    pub(crate) fn slot(&self, slot: usize) -> Option<bool> {
        self.slots[slot]
    }

    /// The variant of what a ClusterExternalSecret makes.
    pub(crate) fn cluster_variant(&self, cluster: usize) -> usize {
        self.made_by(cluster).next().map_or(0, |it| self.states[it].variant)
    }

    fn made_by(&self, cluster: usize) -> impl Iterator<Item = usize> + use<'a> {
        let fleet = self.fleet;
        (0..fleet.sources.len())
            .filter(move |it| fleet.sources[*it].placed.is_some_and(|it| it.cluster == cluster))
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
        let is_own = |it: usize| source(it).placed.is_none();
        // What may be done to the Secret, which is that of its ExternalSecret.
        let holds =
            |it: usize| self.exists(it) && source(it).holder.is_none() && !self.states[it].seized;
        match *operation {
            Operation::Put { remote, .. } => presence(remote) == Presence::Here,
            Operation::Remove(remote) => {
                presence(remote) == Presence::Here && !self.fleet.is_told(remote)
            }
            // A list may show what is scheduled for deletion or not.
            Operation::Schedule(remote) => {
                presence(remote) == Presence::Here
                    && !self.fleet.remotes[remote].starts_with("find")
                    && !self.fleet.is_told(remote)
                    && !self.fleet.is_parameter(remote)
            }
            Operation::Restore(remote) => presence(remote) != Presence::Here,
            Operation::Touch(it) => self.exists(it) && is_own(it),
            // If the holder of a target went, its rival might win.
            Operation::DeleteSource(it) => self.exists(it) && !self.fleet.is_contested(it),
            Operation::Retarget(it) => {
                self.exists(it)
                    && is_own(it)
                    && source(it).shape != Shape::Find
                    && source(it).follows()
            }
            Operation::EditTemplate(it) => {
                self.exists(it)
                    && is_own(it)
                    && source(it).shape == Shape::Template
                    && source(it).follows()
            }
            Operation::CreateSource(it) => !self.exists(it) && is_own(it),
            Operation::DeleteSecret(it) => {
                holds(it) && source(it).creation != Creation::Merge && !self.fleet.is_contested(it)
            }
            Operation::Seize(it) => {
                self.exists(it) && source(it).seizable && !self.states[it].seized
            }
            Operation::Race(it) => {
                let first = source(it).remotes[self.states[it].variant & 1][0];
                self.is_possible(&Operation::Seize(it)) && presence(first) == Presence::Here
            }
            Operation::Yield(it) => self.states[it].seized,
            Operation::Tamper(it) => {
                // An orphan is looked at when it is refreshed only.
                let looked_at = source(it).follows() && source(it).interval != BY_EVENT
                    || source(it).creation != Creation::Orphan;
                holds(it) && looked_at && !source(it).immutable
            }
            Operation::LabelSecret(it) | Operation::StripManaged(it) => holds(it),
            Operation::DeleteStore(it) => self.has_store(it),
            Operation::CreateStore(it) => !self.has_store(it),
            Operation::Select(it) | Operation::DeleteSlot(it) => {
                self.slots.get(it).is_some_and(Option::is_some)
            }
            Operation::CreateSlot(it) => self.slots.get(it).is_some_and(Option::is_none),
            Operation::DeleteCluster(it)
            | Operation::RetargetCluster(it)
            | Operation::TouchCluster(it) => self.clusters.get(it).is_some_and(|it| *it),
            Operation::CreateCluster(it) => self.clusters.get(it).is_some_and(|it| !*it),
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
            Operation::Touch(it)
                if self.fleet.sources[it].refresh == Refresh::OnChange
                    && !self.fleet.sources[it].immutable =>
            {
                self.fetches(it);
            }
            Operation::Retarget(it) => self.states[it].variant ^= 1,
            Operation::EditTemplate(it) => self.states[it].variant ^= 2,
            Operation::DeleteSource(it) => self.states[it].exists = false,
            Operation::Seize(it) => self.states[it].seized = true,
            Operation::Yield(it) => {
                self.states[it].seized = false;
                self.fetches(it);
            }
            Operation::Select(it) => {
                self.slots[it] = self.slots[it].map(|selected| !selected);
            }
            Operation::DeleteSlot(it) => self.slots[it] = None,
            Operation::CreateSlot(it) => self.slots[it] = Some(true),
            Operation::DeleteCluster(it) => self.clusters[it] = false,
            Operation::CreateCluster(it) => self.clusters[it] = true,
            Operation::RetargetCluster(cluster) => {
                for it in self.made_by(cluster) {
                    self.states[it].variant ^= 1;
                }
            }
            Operation::CreateSource(it) => {
                self.states[it].exists = true;
                // A Secret that never changes may still be there.
                if !self.fleet.sources[it].immutable {
                    self.fetches(it);
                }
            }
            // That an orphan is gone is not looked at.
            Operation::DeleteSecret(it) if self.fleet.sources[it].creation != Creation::Orphan => {
                self.fetches(it);
            }
            Operation::Tamper(it) | Operation::StripManaged(it)
                if self.fleet.sources[it].creation != Creation::Orphan
                    && !self.fleet.sources[it].immutable =>
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
        self.exists(source).then(|| {
            if state.seized || spec.holder.is_some() {
                Wanted::Theirs
            } else if self.stores[spec.store] {
                wanted(self.fleet, spec, state.variant, self.world())
            } else {
                Wanted::Kept
            }
        })
    }

    /// Whether these values may stay in a target.
    pub(crate) fn accepts(&self, source: usize, data: &BTreeMap<String, String>) -> bool {
        let (spec, state) = (&self.fleet.sources[source], self.states[source]);
        if spec.follows() {
            // What somebody else has changed is his by managedFields, and stays when its value goes from
            // AWS before it is put right.
            let is_his = |key: &String, value: &String, wanted: &BTreeMap<String, String>| {
                spec.deletion == Deletion::Merge
                    && !wanted.contains_key(key)
                    && value.starts_with(TAMPER)
            };
            return match self.wanted(source) {
                Some(Wanted::Data(wanted)) => {
                    data.iter().filter(|(key, value)| !is_his(key, value, &wanted)).eq(&wanted)
                }
                Some(Wanted::Deleted) => false,
                Some(Wanted::Kept | Wanted::Theirs) | None => true,
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
            if spec.holder.is_some() {
                continue;
            }
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

    /// How often each value of AWS is read at most in so many seconds in which nothing happens, once all
    /// that is refreshed in them was due at once: who reads the same first key through the same store by the
    /// same interval stays together, and what is due together is read once. Nothing is said of what somebody
    /// fails to read, and tries again. Intervals are up to a tenth shorter; a busy machine may part
    /// those once that are together; one more is due at the start, one at the end, and one because of a status that
    /// could not be written.
    pub(crate) fn reads(&self, seconds: f64) -> BTreeMap<usize, f64> {
        let mut together = BTreeMap::<usize, BTreeSet<(usize, u32, &str)>>::new();
        let mut fails = BTreeSet::<usize>::new();
        for (number, spec) in self.fleet.sources.iter().enumerate() {
            let read = &spec.remotes[self.states[number].variant & 1];
            match self.wanted(number) {
                None => continue,
                // Whose Secret it is, is known without a value, unless it has no label: then the first
                // write would tell, which needs values.
                Some(Wanted::Theirs) => {
                    let variant = self.states[number].variant;
                    if wanted(self.fleet, spec, variant, self.world()) == Wanted::Kept {
                        fails.extend(read);
                    }
                    continue;
                }
                Some(Wanted::Data(data)) if data.len() == self.keys(spec) => {}
                Some(_) => fails.extend(read),
            }
            let names = read.iter().map(|it| self.fleet.remotes[*it].as_str());
            let first = if spec.shape == Shape::Find { "" } else { names.min().unwrap_or("") };
            for it in read {
                together.entry(*it).or_default().insert((spec.store, spec.interval, first));
            }
        }
        let most = |(_, interval, _): &(usize, u32, &str)| {
            2.0 * seconds / (0.9 * f64::from(*interval)) + 3.0
        };
        together
            .into_iter()
            .filter(|(it, _)| !fails.contains(it))
            .map(|(it, groups)| (it, groups.iter().map(most).sum()))
            .collect()
    }

    fn keys(&self, spec: &Source) -> usize {
        let here = Remote { user: 0, password: 0, presence: Presence::Here };
        match wanted(self.fleet, spec, 0, &vec![here; self.fleet.remotes.len()]) {
            Wanted::Data(data) => data.len(),
            Wanted::Kept | Wanted::Deleted | Wanted::Theirs => 0,
        }
    }

    /// Every value that a key of a target may ever have had, with the list of secrets that it is of and
    /// the change of AWS that made it.
    pub(crate) fn ever(&self) -> BTreeMap<(usize, String, String), Vec<(usize, usize)>> {
        let mut ever: BTreeMap<_, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, spec) in self.fleet.sources.iter().enumerate() {
            let variants = if spec.shape == Shape::Template { 4 } else { 2 };
            for variant in (0..variants).filter(|_| spec.holder.is_none()) {
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
mod tests;
