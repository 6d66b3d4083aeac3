//! What the API server has seen, in its own order, and what of it may not be.
//!
//! Pure: every version of every Secret, workload and pod comes in with the revision of the store that
//! it has, which is one order for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{CANARY, Permit};
use crate::plan::{Consumer, Fleet};

/// The key of a Secret that was there before it is merged into.
pub(crate) const THEIRS: &str = "theirs";

/// How long after a Secret had another content for a moment a restart for it may still come.
const LATE: Duration = Duration::from_secs(20);

/// How long a restart may be on its way, for a Secret that goes meanwhile.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// Times show seconds only: what was written so long before pods were made may be as new as they are.
const SAME: Duration = Duration::from_secs(3);

pub(crate) type Data = BTreeMap<String, String>;

/// One version of something.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) revision: u64,
    /// Since the round began.
    pub(crate) at: Duration,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// `None` when it is deleted.
    Secret {
        name: String,
        data: Option<Data>,
        /// Whether it has the label by which the controller knows it.
        managed: bool,
    },
    Workload {
        name: String,
        template: String,
    },
    Pod {
        consumer: String,
        name: String,
        is_there: bool,
        runs: bool,
    },
}

/// What was done by somebody else than the controller.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// Revisions that the round itself has written.
    pub(crate) ours: BTreeSet<u64>,
    /// From which revision on, and until which, something was allowed.
    pub(crate) permits: Vec<(usize, Permit, u64, u64)>,
    /// After which revision, and until which, a target was somebody else's.
    pub(crate) theirs: Vec<(usize, u64, u64)>,
    /// Whose record was taken away, and after which revision.
    pub(crate) stripped: Vec<(String, u64)>,
}

/// Something that may not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// What is the same if another list of operations leads to it.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

fn finding(kind: &'static str, text: String) -> Finding {
    Finding { kind, text }
}

/// What is known of a workload up to a revision.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    template: Option<String>,
    /// What it reads had this content when its template changed last.
    content: Option<Data>,
    /// The revision and the time of that change, and when the Secret was written last.
    since: (u64, Duration),
    written: Duration,
    /// Other contents since then, and when they were there last.
    others: Vec<(Data, Duration)>,
    /// When the Secret went last.
    gone: Option<Duration>,
    pods: BTreeMap<String, Pod>,
    pub(crate) restarts: usize,
}

#[derive(Debug)]
struct Pod {
    created: Option<Data>,
    started: Option<Data>,
    runs: bool,
}

impl Pod {
    fn has(&self, content: &Data) -> bool {
        [&self.created, &self.started].into_iter().any(|it| it.as_ref() == Some(content))
    }
}

/// The state after the last entry, and what was wrong on the way.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) findings: Vec<Finding>,
    pub(crate) secrets: BTreeMap<String, Option<Data>>,
    /// Those whose label was taken away, and which no controller sees.
    unseen: BTreeSet<String>,
    pub(crate) consumers: BTreeMap<String, Watched>,
    /// Versions of targets that the controller has written.
    pub(crate) writes: usize,
}

impl Judged {
    /// Consumers that ask for restarts and have pods with an older content, and with which.
    pub(crate) fn stale(&self, fleet: &Fleet) -> Vec<String> {
        let asks = fleet.consumers.iter().filter(|it| it.opted_in);
        asks.filter_map(|it| self.stale_one(fleet, it)).collect()
    }

    fn stale_one(&self, fleet: &Fleet, consumer: &Consumer) -> Option<String> {
        let name = &consumer.name;
        let secret = &fleet.sources[consumer.source].target;
        let now = part(self.secrets.get(secret)?.as_ref()?, &consumer.keys)?;
        // Without its store nobody can put the label back.
        if self.unseen.contains(secret) {
            return None;
        }
        let watched = self.consumers.get(name)?;
        watched.template.as_ref()?;
        if watched.pods.is_empty() {
            return Some(format!("{name} has no pods"));
        }
        let (pod, had) = watched.pods.iter().find(|(_, pod)| !pod.has(&now))?;
        // The values are no secret: they are made up.
        Some(format!(
            "{name} has pods with an older value of {secret}: {pod} was made with {:?} and started with \
             {:?}; now it is {now:?}",
            had.created, had.started
        ))
    }

    pub(crate) fn restarts(&self) -> usize {
        self.consumers.values().map(|it| it.restarts).sum()
    }
}

/// What somebody who reads these keys sees; `None` if one is missing and no pod could start.
fn part(data: &Data, keys: &[String]) -> Option<Data> {
    if keys.is_empty() {
        return Some(data.clone());
    }
    keys.iter().map(|key| data.get(key).map(|value| (key.clone(), value.clone()))).collect()
}

/// Values by ExternalSecret, key and text: the list of secrets that each is of, and the change of AWS
/// that made it.
pub(crate) type Ever = BTreeMap<(usize, String, String), Vec<(usize, usize)>>;

/// Goes through all that was seen.
pub(crate) fn judge(entries: &[Entry], fleet: &Fleet, ever: &Ever, deeds: &Deeds) -> Judged {
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|it| it.revision);
    let holders = fleet.sources.iter().enumerate().filter(|(_, it)| it.holder.is_none());
    let numbers: BTreeMap<String, usize> = holders.map(|(number, it)| (it.key(), number)).collect();
    let mut judged = Judged::default();
    for entry in order {
        match &entry.what {
            What::Secret { name, data, managed } => {
                if *managed {
                    judged.unseen.remove(name);
                } else {
                    judged.unseen.insert(name.clone());
                }
                let is_ours = deeds.ours.contains(&entry.revision);
                let before = judged.secrets.get(name).cloned().flatten();
                if let Some(number) = numbers.get(name.as_str()) {
                    if !is_ours {
                        let change = Change { number: *number, name, before, data, entry };
                        change.judge(ever, deeds, &mut judged.findings);
                        judged.writes += usize::from(data.is_some());
                    }
                    if let Some(data) = data {
                        seen(&mut judged.consumers, fleet, *number, data, entry);
                    } else {
                        for it in fleet.consumers.iter().filter(|it| it.source == *number) {
                            let watched = judged.consumers.entry(it.name.clone()).or_default();
                            watched.gone = Some(entry.at);
                        }
                    }
                }
                judged.secrets.insert(name.clone(), data.clone());
            }
            What::Workload { name, template } => {
                changed(&mut judged, fleet, deeds, entry, name, template);
            }
            What::Pod { consumer, name, is_there, runs } => {
                let now = content(&judged.secrets, fleet, consumer);
                let pods = &mut judged.consumers.entry(consumer.clone()).or_default().pods;
                if *is_there {
                    let pod = pods.entry(name.clone()).or_insert_with(|| Pod {
                        created: now.clone(),
                        started: None,
                        runs: false,
                    });
                    if !pod.runs {
                        pod.started = now;
                        pod.runs = *runs;
                    }
                } else {
                    pods.remove(name);
                }
            }
        }
    }
    judged
}

/// What a workload reads, if all of it is there.
pub(crate) fn content(
    secrets: &BTreeMap<String, Option<Data>>,
    fleet: &Fleet,
    consumer: &str,
) -> Option<Data> {
    let consumer = fleet.consumers.iter().find(|it| it.name == consumer)?;
    let data = secrets.get(&fleet.sources[consumer.source].target)?.as_ref()?;
    part(data, &consumer.keys)
}

/// A Secret has this content now.
fn seen(
    consumers: &mut BTreeMap<String, Watched>,
    fleet: &Fleet,
    number: usize,
    data: &Data,
    entry: &Entry,
) {
    for it in fleet.consumers.iter().filter(|it| it.source == number) {
        consumers.entry(it.name.clone()).or_default().written = entry.at;
        let Some(now) = part(data, &it.keys) else { continue };
        let watched = consumers.entry(it.name.clone()).or_default();
        // A pod that waits for its Secret starts with the first one that it gets.
        for pod in watched.pods.values_mut().filter(|pod| pod.started.is_none()) {
            pod.started = Some(now.clone());
        }
        watched.content.get_or_insert_with(|| now.clone());
        watched.others.retain(|(other, _)| *other != now);
        watched.others.push((now, entry.at));
    }
}

/// A workload has this template now.
fn changed(
    judged: &mut Judged,
    fleet: &Fleet,
    deeds: &Deeds,
    entry: &Entry,
    name: &str,
    template: &str,
) {
    let Some(consumer) = fleet.consumers.iter().find(|it| it.name == name) else { return };
    let now = content(&judged.secrets, fleet, name);
    let watched = judged.consumers.entry(name.to_owned()).or_default();
    if watched.template.as_deref() == Some(template) {
        return;
    }
    let is_first = watched.template.replace(template.to_owned()).is_none();
    if !is_first && !deeds.ours.contains(&entry.revision) {
        watched.restarts += 1;
        let had = watched.content.as_ref();
        let is_other = now.as_ref().is_some_and(|now| had.is_some_and(|had| had != now));
        let is_late = watched
            .others
            .iter()
            .rev()
            .skip(1)
            .any(|(other, at)| had != Some(other) && entry.at.saturating_sub(*at) < LATE);
        // A Secret may go while the restart for it is on its way.
        let is_under_way = now.is_none()
            && watched.gone.is_some_and(|at| entry.at.saturating_sub(at) < UNDER_WAY)
            && watched.others.last().is_some_and(|(last, _)| had != Some(last));
        let is_old = now.as_ref().is_some_and(|now| watched.pods.values().any(|it| !it.has(now)));
        // Without its record, time decides; and the API server has one time for all that one hand has written
        // of a Secret, of labels and of other keys too.
        let is_unknown = watched.written + SAME >= watched.since.1
            && deeds.stripped.iter().any(|(it, at)| it == name && *at > watched.since.0);
        if !consumer.opted_in {
            let text = format!("{name} restarts at {} and has never asked for it", entry.revision);
            judged.findings.push(finding("restart-unasked", text));
        } else if !is_other && !is_late && !is_under_way && !is_old && !is_unknown {
            let text = format!("{name} restarts at {}: nothing has changed", entry.revision);
            judged.findings.push(finding("restart-needless", text));
        }
    }
    if now.is_some() {
        watched.content = now;
    }
    watched.since = (entry.revision, entry.at);
    let last = watched.others.pop();
    watched.others.clear();
    watched.others.extend(last);
}

/// A version of a target that the round has not written itself.
struct Change<'a> {
    number: usize,
    name: &'a str,
    before: Option<Data>,
    data: &'a Option<Data>,
    entry: &'a Entry,
}

impl Change<'_> {
    fn judge(&self, ever: &Ever, deeds: &Deeds, findings: &mut Vec<Finding>) {
        let (name, revision) = (self.name, self.entry.revision);
        let may = |permit| {
            deeds.permits.iter().any(|(number, it, from, to)| {
                *number == self.number && *it == permit && (*from..=*to).contains(&revision)
            })
        };
        let is_theirs = deeds.theirs.iter().any(|(number, from, to)| {
            *number == self.number && *from < revision && revision <= *to
        });
        if is_theirs {
            let text = format!("Secret {name} at {revision} belongs to somebody else");
            findings.push(finding("foreign", text));
            return;
        }
        let Some(data) = self.data else {
            if !may(Permit::Vanish) {
                let text = format!("Secret {name} is deleted at {revision}");
                findings.push(finding("lost", text));
            }
            return;
        };
        let before = self.before.clone().unwrap_or_default();
        for key in before.keys().filter(|key| !data.contains_key(*key)) {
            if key == THEIRS || !(may(Permit::LoseKeys) || may(Permit::Vanish)) {
                let text = format!("Secret {name} loses {key} at {revision}");
                findings.push(finding("emptied", text));
            }
        }
        for (key, value) in data {
            let old = before.get(key);
            if old == Some(value) {
                continue;
            }
            let place = |value: &String| ever.get(&(self.number, key.clone(), value.clone()));
            let Some(new) = place(value) else {
                let hint = if value.contains(CANARY) { "of another" } else { "nobody knows" };
                let text = format!("Secret {name} at {revision}: {key} has a value {hint}");
                findings.push(finding("wrong-value", text));
                continue;
            };
            // Of what is read from the same secrets, nothing older comes after something newer.
            let older = old.and_then(place).is_some_and(|old| {
                let of_both = old.iter().filter_map(|(list, at)| {
                    let (_, to) = new.iter().find(|(it, _)| it == list)?;
                    Some((at, to))
                });
                let mut of_both = of_both.peekable();
                of_both.peek().is_some() && of_both.all(|(at, to)| to < at)
            });
            if older {
                let text = format!("Secret {name} at {revision}: {key} goes back");
                findings.push(finding("went-back", text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::plan::{Consumer, Operation, Size, plan};

    fn fleet() -> Fleet {
        let size = Size { sources: 1, consumers: 0, phases: 0, operations: 0 };
        let (mut fleet, _) = plan(1, size);
        fleet.sources.truncate(1);
        let source = &mut fleet.sources[0];
        (source.shape, source.foreign) = (crate::plan::Shape::Data, false);
        source.remotes = [vec![0], vec![0]];
        let consumer = |name: &str, keys: &[&str], opted_in| Consumer {
            name: name.to_owned(),
            kind: crate::plan::Kind::Deployment,
            source: 0,
            keys: keys.iter().map(ToString::to_string).collect(),
            opted_in,
        };
        fleet.consumers =
            vec![consumer("asks", &["password"], true), consumer("never", &["password"], false)];
        fleet
    }

    /// Versions of the target: the password after so many changes; none is its end.
    fn kinds(versions: &[Option<usize>], templates: &[(&str, &str, usize)]) -> Vec<&'static str> {
        kinds_with(versions, templates, &Deeds::default())
    }

    fn kinds_with(
        versions: &[Option<usize>],
        templates: &[(&str, &str, usize)],
        deeds: &Deeds,
    ) -> Vec<&'static str> {
        let fleet = fleet();
        let mut model = Model::new(&fleet);
        for _ in 0..4 {
            model.apply(&Operation::Put { remote: 0, user: false });
        }
        let value = |number: &usize| {
            BTreeMap::from([
                ("user".to_owned(), "CANARY.app/0.user.0".to_owned()),
                ("password".to_owned(), format!("CANARY.app/0.password.{number}")),
            ])
        };
        let entry = |revision: usize, what| Entry {
            revision: revision as u64,
            at: Duration::from_secs(revision as u64 * 100),
            what,
        };
        let mut entries = Vec::new();
        for (revision, version) in versions.iter().enumerate() {
            let data = version.as_ref().map(value);
            entries.push(entry(
                revision * 10,
                What::Secret { name: "es-0".to_owned(), data, managed: true },
            ));
        }
        for (name, template, revision) in templates {
            let (name, template) = (ToString::to_string(name), ToString::to_string(template));
            entries.push(entry(*revision, What::Workload { name, template }));
        }
        let judged = judge(&entries, &fleet, &model.ever(), deeds);
        judged.findings.iter().map(|it| it.kind).collect()
    }

    #[test]
    fn a_secret_only_ever_goes_forward() {
        assert!(kinds(&[Some(0), Some(1), Some(4)], &[]).is_empty());
        assert_eq!(kinds(&[Some(0), Some(2), Some(1)], &[]), ["went-back"]);
        assert_eq!(kinds(&[Some(0), None], &[]), ["lost"]);
        assert_eq!(kinds(&[Some(0), Some(9)], &[]), ["wrong-value"]);
    }

    #[test]
    fn what_is_somebody_elses_is_not_written_while_it_is() {
        let theirs = |from, to| {
            let deeds = Deeds { theirs: vec![(0, from, to)], ..Deeds::default() };
            kinds_with(&[Some(0), Some(1)], &[], &deeds)
        };
        assert_eq!(theirs(5, 20), ["foreign"]);
        assert!(theirs(10, 20).is_empty(), "its own revision is the one that took it");
        assert!(theirs(1, 9).is_empty());
    }

    #[test]
    fn a_restart_needs_another_content_and_somebody_who_asks() {
        let restarts = |name, at| kinds(&[Some(0), Some(1)], &[(name, "a", 5), (name, "b", at)]);
        assert!(restarts("asks", 15).is_empty());
        assert_eq!(restarts("asks", 8), ["restart-needless"]);
        // Nobody knows any more what it has, and the Secret was written meanwhile.
        let deeds = Deeds { stripped: vec![("asks".to_owned(), 7)], ..Deeds::default() };
        let stripped = |versions: &[Option<usize>]| {
            kinds_with(versions, &[("asks", "a", 5), ("asks", "b", 18)], &deeds)
        };
        assert!(stripped(&[Some(1), Some(1)]).is_empty());
        assert_eq!(stripped(&[Some(1)]), ["restart-needless"]);
        assert_eq!(restarts("never", 15), ["restart-unasked"]);
    }

    #[test]
    fn a_restart_for_a_secret_that_is_gone_can_only_be_on_its_way() {
        let versions = [Some(0), Some(1), None];
        let restarts = |at| kinds(&versions, &[("asks", "a", 5), ("asks", "b", at)]);
        assert!(!restarts(20).contains(&"restart-needless"));
        assert!(restarts(21).contains(&"restart-needless"));
    }
}
