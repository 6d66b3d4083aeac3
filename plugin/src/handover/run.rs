//! Does what is next until nothing is: reads, decides, changes one thing, and reads again.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use extsecret_migrate::handover::{
    self, Blocker, Facts, Installation, Next, Pair, Resource, Settings, Step, Wait, Write, copy,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::input::Wanted;
use super::observe;
use super::progress::Progress;
use super::state::State;
use crate::clock;
use crate::cluster::kinds::{CLUSTER_SECRET_STORES, EXTERNAL_SECRETS, SECRET_STORES};
use crate::cluster::{Changed, Cluster, Unread};

/// Between two looks at something that is waited for: first, and at most.
const LOOK: Duration = Duration::from_millis(20);
const LOOK_AT_MOST: Duration = Duration::from_millis(500);

/// How often the same change of one object is made before somebody else is to blame.
const TRIES: usize = 6;

/// How often KES is stopped before somebody else is to blame.
const STOPS: usize = 5;

/// How long an ExternalSecret may say that it is not Ready before that is believed.
const DOUBT: SignedDuration = SignedDuration::from_secs(15);

/// After how long a controller is made to look again, after the object was written and after that.
const TOUCH_AFTER: SignedDuration = SignedDuration::from_secs(3);
const TOUCH_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// How long a look at all namespaces holds in which no KES ran. Within it only those are looked at
/// where KES ever was: what starts elsewhere meanwhile finds the objects parked, and a poll that is
/// older than the parking would have been seen, as every parking ends this time.
const ALL_SEEN: SignedDuration = SignedDuration::from_secs(10);

/// How a hand-over of one Secret, or a way back, ended for now.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    /// It is where it shall be.
    Done,
    /// Somebody else has to act first, and it was not waited for.
    Waiting,
    /// It cannot go on.
    Stopped(Vec<Blocker>),
}

/// A run of the command.
pub(crate) struct Run<'a> {
    cluster: &'a Cluster,
    state: &'a State,
    /// Deployments that a person says run KES.
    named: &'a [(String, String)],
    patience: SignedDuration,
    /// Shadows that were made in this run.
    mine: BTreeSet<String>,
    /// When all namespaces were looked at, and no KES ran.
    quiet: Option<Timestamp>,
    /// Namespaces in which KES is or was.
    homes: BTreeSet<String>,
    stops: usize,
    pub(crate) progress: Progress,
}

/// What is known within the work on one Secret.
#[derive(Default)]
struct Attempt {
    made: BTreeMap<usize, usize>,
    kinds: Vec<Discriminant<Write>>,
    waiting: Option<(Wait, Timestamp)>,
    looks: Looks,
    /// When its controller had a reason to look, last.
    called: Option<Timestamp>,
    touched: bool,
    /// Why the last change could not be made.
    refused: Option<String>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        cluster: &'a Cluster,
        state: &'a State,
        named: &'a [(String, String)],
        patience: Duration,
    ) -> Self {
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        Self {
            cluster,
            state,
            named,
            patience,
            mine: BTreeSet::new(),
            quiet: None,
            homes: BTreeSet::new(),
            stops: 0,
            progress: Progress::hidden(),
        }
    }

    /// Brings one Secret forward, up to a step.
    pub(crate) fn forward(
        &mut self,
        wanted: &Wanted,
        settings: Settings,
        until: Step,
        wait: bool,
    ) -> anyhow::Result<Ended> {
        let Wanted { pair, object } = wanted;
        let mut attempt = Attempt::default();
        loop {
            let facts = self.facts(pair)?;
            let nobody = Installation::default();
            let mut next = handover::forward(pair, object, &facts, &nobody, settings, until);
            // Looked at last: what is decided about a deletion is decided about now.
            if facts.old.is_some() && next.needs_quiet(until) {
                let kes = self.look_at_kes()?;
                next = handover::forward(pair, object, &facts, &kes, settings, until);
            }
            if next == Next::Compare {
                match handover::compare(&facts, settings) {
                    Ok(checked) => {
                        self.state.check(pair, checked)?;
                        let name = EXTERNAL_SECRETS.name_of(&pair.new);
                        let namespace = &pair.namespace;
                        self.progress
                            .say(&format!("{name} in {namespace} writes what is there"))?;
                    }
                    Err(blockers) => {
                        self.drop_shadow(pair)?;
                        return Ok(Ended::Stopped(blockers));
                    }
                }
                continue;
            }
            if let Some(ended) = self.step(next, pair, &facts, Some(object), wait, &mut attempt)? {
                return Ok(ended);
            }
        }
    }

    /// Keeps KES from polling one object; whether it still runs is asked later, once for all.
    pub(crate) fn park(&mut self, wanted: &Wanted, settings: Settings) -> anyhow::Result<Ended> {
        let Wanted { pair, object } = wanted;
        let mut attempt = Attempt::default();
        loop {
            let facts = self.facts(pair)?;
            let nobody = Installation::default();
            let next = handover::forward(pair, object, &facts, &nobody, settings, Step::Stop);
            if !matches!(next, Next::Write(Write::Keep | Write::Park { .. }) | Next::Stop(_)) {
                return Ok(Ended::Done);
            }
            if let Some(ended) = self.step(next, pair, &facts, Some(object), true, &mut attempt)? {
                return Ok(ended);
            }
        }
    }

    /// The Deployments and pods of KES, read now.
    fn look_at_kes(&mut self) -> anyhow::Result<Installation> {
        let now = clock::now();
        let seen = self.quiet.is_some_and(|quiet| now.duration_since(quiet) < ALL_SEEN);
        let kes = if seen {
            let homes = self.homes.iter().map(|home| Some(home.as_str()));
            observe::running_in(self.cluster, self.named, homes)?
        } else {
            observe::running(self.cluster, self.named)?
        };
        let places = kes.deployments.iter().map(|it| &it.namespace);
        self.homes.extend(places.chain(kes.pods.iter().map(|it| &it.namespace)).cloned());
        match (seen, kes.pods.is_empty()) {
            (_, false) => self.quiet = None,
            (false, true) => self.quiet = Some(now),
            (true, true) => {}
        }
        Ok(kes)
    }

    /// Brings one Secret back to KES.
    pub(crate) fn back(&mut self, pair: &Pair, forget: bool) -> anyhow::Result<Ended> {
        self.state.uncheck(pair)?;
        let mut attempt = Attempt::default();
        loop {
            let facts = self.facts(pair)?;
            let next = handover::back(&facts, forget);
            if let Some(ended) = self.step(next, pair, &facts, None, true, &mut attempt)? {
                return Ok(ended);
            }
        }
    }

    fn facts(&self, pair: &Pair) -> Result<Facts, Unread> {
        observe::facts(self.cluster, pair, self.state, &self.mine)
    }

    /// Does one thing; `Some` if that was the last.
    fn step(
        &mut self,
        next: Next,
        pair: &Pair,
        facts: &Facts,
        object: Option<&Value>,
        wait: bool,
        attempt: &mut Attempt,
    ) -> anyhow::Result<Option<Ended>> {
        match next {
            Next::Done => Ok(Some(Ended::Done)),
            Next::Stop(blockers) => Ok(Some(Ended::Stopped(blockers))),
            Next::Compare => Ok(None),
            Next::StopKes => {
                let stopped = self.stop_kes()?;
                Ok((stopped != Ended::Done).then_some(stopped))
            }
            Next::Write(write) => {
                if !attempt.may(&write) {
                    let mut what = format!("{pair} {}", write.as_str());
                    if let Some(refused) = &attempt.refused {
                        what = format!("{what}; the API server says: {refused}");
                    }
                    return Ok(Some(Ended::Stopped(vec![Blocker::Undone { what }])));
                }
                attempt.refused = self.write(&write, pair, facts, object)?;
                if matches!(write, Write::Apply) {
                    attempt.called = Some(clock::now());
                }
                if matches!(write, Write::Demote(_)) {
                    // One that failed to become the owner does not try again by itself.
                    attempt.called = None;
                }
                attempt.waiting = None;
                attempt.looks = Looks::default();
                Ok(None)
            }
            Next::Wait(_) if !wait => Ok(Some(Ended::Waiting)),
            Next::Wait(what) => self.wait(what, pair, facts, attempt),
        }
    }

    fn wait(
        &mut self,
        what: Wait,
        pair: &Pair,
        facts: &Facts,
        attempt: &mut Attempt,
    ) -> anyhow::Result<Option<Ended>> {
        let now = clock::now();
        let since = match attempt.waiting {
            Some((known, since)) if known == what => since,
            _ => {
                attempt.waiting = Some((what, now));
                now
            }
        };
        let object = match what {
            Wait::Shadow | Wait::ShadowGone => facts.shadow.as_ref().map(|shadow| &shadow.new),
            _ => facts.new.as_ref(),
        };
        let waited = now.duration_since(since);
        let refused = object.is_some_and(|new| new.ready == Some(false)) && waited > DOUBT;
        if waited > self.patience || (refused && matches!(what, Wait::Shadow | Wait::Ready)) {
            let message = object.filter(|new| new.ready != Some(true));
            let message = message.and_then(|new| new.message.clone());
            let blocker = Blocker::Late { what: what.as_str().to_owned(), message };
            return Ok(Some(Ended::Stopped(vec![blocker])));
        }
        if what == Wait::Adoption
            && let Some(new) = facts.new.as_ref().filter(|_| attempt.touches(now))
        {
            self.write(&Write::Touch { uid: new.uid.clone() }, pair, facts, None)?;
        }
        self.cluster.pause(attempt.looks.pause());
        Ok(None)
    }

    /// One change. That it could not be made as it was meant shows when everything is read again;
    /// then this says why.
    fn write(
        &mut self,
        write: &Write,
        pair: &Pair,
        facts: &Facts,
        object: Option<&Value>,
    ) -> anyhow::Result<Option<String>> {
        let mark = clock::now().to_string();
        let Some(request) = write.request(pair, facts, object, &mark) else { return Ok(None) };
        if let (Write::Keep, Some(old)) = (write, &facts.old) {
            self.state.keep(pair, &old.object)?;
        }
        match self.cluster.change(&request, false)? {
            Changed::Done(changed) => {
                if matches!(write, Write::Park { .. }) {
                    self.quiet = None;
                }
                if *write == Write::Shadow
                    && let Some(uid) = changed["metadata"]["uid"].as_str()
                {
                    self.mine.insert(uid.to_owned());
                }
                if !matches!(write, Write::Keep | Write::Forget { .. } | Write::Touch { .. }) {
                    let name = crate::cluster::kind(request.resource).name_of(&request.name);
                    let namespace = &pair.namespace;
                    self.progress.say(&format!("{name} in {namespace} {}", write.as_str()))?;
                }
            }
            Changed::Gone => self.cluster.pause(LOOK_AT_MOST),
            Changed::Conflict(message) => {
                self.cluster.pause(LOOK_AT_MOST);
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Removes what a comparison has made.
    pub(crate) fn drop_shadow(&mut self, pair: &Pair) -> anyhow::Result<()> {
        let facts = self.facts(pair)?;
        if let Some(shadow) = facts.shadow.as_ref().filter(|shadow| !shadow.new.deleting) {
            let uid = shadow.new.uid.clone();
            self.write(&Write::DropShadow { uid }, pair, &facts, None)?;
        }
        Ok(())
    }

    /// Stops KES, and waits for its pods: a Deployment does not count one that ends, and it still
    /// writes (kes-migration 3.14, step 3).
    pub(crate) fn stop_kes(&mut self) -> anyhow::Result<Ended> {
        let mut since: Option<Timestamp> = None;
        let mut looks = Looks::default();
        loop {
            let kes = observe::installation(self.cluster, self.named)?;
            if kes.pods.is_empty() {
                return Ok(Ended::Done);
            }
            let obstacles = kes.obstacles();
            if !obstacles.is_empty() {
                return Ok(Ended::Stopped(obstacles));
            }
            let running: Vec<_> = kes.deployments.iter().filter(|it| it.replicas > 0).collect();
            if !running.is_empty() {
                self.stops += 1;
                if self.stops > STOPS {
                    let pods = kes.running();
                    return Ok(Ended::Stopped(vec![Blocker::KesComesBack { pods }]));
                }
                for request in copy::deployments(&kes.deployments) {
                    self.cluster.change(&request, false)?;
                }
                for deployment in running {
                    let request = copy::scale(deployment, 0);
                    if let Changed::Done(_) = self.cluster.change(&request, false)? {
                        let name = format!("{}/{}", deployment.namespace, deployment.name);
                        self.progress.say(&format!("deployment.apps/{name} stopped"))?;
                    }
                }
            }
            let now = clock::now();
            if now.duration_since(*since.get_or_insert(now)) > self.patience {
                let what = format!("the pods of KES are gone: {}", kes.running().join(", "));
                return Ok(Ended::Stopped(vec![Blocker::Late { what, message: None }]));
            }
            self.cluster.pause(looks.pause());
        }
    }

    /// Gives KES the pods that it had. Returns true if there is a KES to start.
    pub(crate) fn start_kes(&self) -> anyhow::Result<bool> {
        let kes = observe::installation(self.cluster, self.named)?;
        for deployment in &kes.deployments {
            let noted = observe::noted(self.cluster, deployment)?;
            if let Some(replicas) = noted.filter(|_| deployment.replicas == 0) {
                self.cluster.change(&copy::scale(deployment, replicas), false)?;
                let name = format!("{}/{}", deployment.namespace, deployment.name);
                self.progress.say(&format!("deployment.apps/{name} started"))?;
            }
        }
        Ok(!kes.deployments.is_empty())
    }

    /// Applies a store and waits until it is Ready. An error says what it says of itself.
    pub(crate) fn store(&self, request: &handover::Request) -> anyhow::Result<Ended> {
        let kind = match request.resource {
            Resource::ClusterSecretStore => &CLUSTER_SECRET_STORES,
            _ => &SECRET_STORES,
        };
        self.cluster.change(request, false)?;
        let since = clock::now();
        let mut looks = Looks::default();
        loop {
            let namespace = Some(request.namespace.as_str()).filter(|name| !name.is_empty());
            let found: Option<Value> = self.cluster.get(kind, namespace, &request.name)?;
            let conditions = found.iter().filter_map(|it| it["status"]["conditions"].as_array());
            let ready = conditions.flatten().find(|it| it["type"] == "Ready");
            let waited = clock::now().duration_since(since);
            match ready {
                Some(ready) if ready["status"] == "True" => return Ok(Ended::Done),
                _ if waited > self.patience || (ready.is_some() && waited > DOUBT) => {
                    let what = format!("{}/{} is Ready", request.resource.name(), request.name);
                    let message = ready.and_then(|ready| ready["message"].as_str());
                    let message = message.map(str::to_owned);
                    return Ok(Ended::Stopped(vec![Blocker::Late { what, message }]));
                }
                _ => self.cluster.pause(looks.pause()),
            }
        }
    }
}

/// Looks at the same thing, less and less often.
#[derive(Default)]
struct Looks {
    pause: Duration,
}

impl Looks {
    fn pause(&mut self) -> Duration {
        self.pause = (2 * self.pause).clamp(LOOK, LOOK_AT_MOST);
        self.pause
    }
}

impl Attempt {
    /// Counts a change; false if it was made too often.
    fn may(&mut self, write: &Write) -> bool {
        let kind = discriminant(write);
        let index = self.kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        let made = self.made.entry(index).or_default();
        *made += 1;
        *made <= TRIES
    }

    /// True if it is time to touch, and from now on it was done.
    fn touches(&mut self, now: Timestamp) -> bool {
        let patience = if self.touched { TOUCH_AGAIN } else { TOUCH_AFTER };
        let due = self.called.is_none_or(|called| now.duration_since(called) >= patience);
        if due {
            self.called = Some(now);
            self.touched = true;
        }
        due
    }
}
