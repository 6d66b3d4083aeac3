//! Whether a workload has to restart: from what stands in the cluster, and nothing else.
//!
//! A record that is missing is never a reason by itself. Tools put workloads back to what stands in
//! their files, again and again, and whoever restarts for that never ends. What counts then is time:
//! pods that were made after the content was written, read it; so did those of a workload that was
//! made after it, or whose template was. Only pods that are older than a change that happened under
//! this controller's eyes have missed it.

use jiff::Timestamp;

use crate::fingerprint::{Fingerprint, Key};
use crate::kinds::{Obstacle, Progress, Standing};
use crate::record::{Found, Record};
use crate::scan::{KeySet, Reference};
use crate::source::{Source, Stamp};
use crate::stale::Began;

/// What is known of a workload's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pods<'a> {
    /// Nothing: nobody has looked yet.
    Unknown,
    /// They were looked at.
    Seen {
        /// When they were made, in any order.
        made: &'a [Timestamp],
        /// When their containers began to run; `None` if that is not known.
        ran: Option<&'a [Began]>,
    },
}

/// All that counts for one workload.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// With which fingerprints are made.
    pub key: &'a Key,
    /// When fingerprints of this key began: what was written before is nobody's change.
    pub adopted: Timestamp,
    /// Of the workload.
    pub namespace: &'a str,
    /// What its pods read of Secrets that they may restart for.
    pub references: &'a [Reference],
    /// Its record.
    pub found: &'a Found,
    /// When the workload was made.
    pub created: Timestamp,
    /// When its template changed last, if that was seen.
    pub template: Option<Stamp>,
    /// If it was not seen: a time after which it has not changed.
    pub touched: Option<Timestamp>,
    /// When content first changed while a rollout was under way that nobody has looked at since.
    pub waited: Option<Stamp>,
    /// Its pods.
    pub pods: Pods<'a>,
    /// What it can do, and does.
    pub standing: &'a Standing,
    /// Whether a rollout that is under way is not waited for any more: nobody calls it over, and its
    /// time is past.
    pub overdue: bool,
}

impl Facts<'_> {
    /// Whether a rollout is under way whose end counts.
    fn is_rolling(&self) -> bool {
        self.standing.progress == Progress::Rolling && !self.overdue
    }
}

/// A reference whose content is not what the pods were started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The reference.
    pub id: Box<str>,
    /// Its Secret.
    pub secret: Box<str>,
    /// Since when.
    pub since: Stamp,
    /// Whether that is known, and not only that it did not change later. Of what has no record, pods
    /// may have it then.
    pub certain: bool,
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Settled,
    /// The record has to say what pods have already, or will have when a rollout is over; none of them
    /// restarts. If it said something else, since when that is not so: what a rollout has to be asked
    /// about if content goes back before the record is written.
    Note(Record, Option<Stamp>),
    /// It depends on when the pods were made.
    AskPods,
    /// The workload has to restart.
    Restart {
        /// Because of these.
        changed: Vec<Changed>,
        /// What it holds then.
        record: Record,
    },
    /// It would have to, but a rollout is under way, some of whose pods may have read the old
    /// content.
    Rolling(Vec<Changed>),
    /// It would have to, but nobody would roll it out.
    Obstructed(Vec<Changed>, Obstacle),
}

/// How one reference stands.
enum Finding {
    /// As in the record.
    Same,
    /// The Secret, or one of its keys, is not there. What goes away is no reason to restart, and pods
    /// that need it would not start.
    Absent,
    /// To be noted, without a restart.
    Note(Fingerprint),
    /// Pods may have missed it.
    Perhaps(Fingerprint, Stamp),
    /// Pods have missed it.
    Missed(Fingerprint, Stamp),
}

/// What has to be done about a workload. `source` finds a Secret of its namespace.
pub fn judge<'s>(facts: &Facts<'_>, source: impl Fn(&str) -> Option<&'s Source>) -> Verdict {
    let before = match facts.found {
        Found::Record(record) => Some(record),
        // Of content that another key was used for, nothing can be said.
        Found::Missing | Found::OtherKey(_) => None,
    };
    let mut record = Record::new(facts.key.id());
    if let Some(old) = facts.found.record() {
        record.restarts.clone_from(&old.restarts);
        record.last.clone_from(&old.last);
    }
    let mut changed = Vec::new();
    let (mut asks, mut differs, mut left) = (false, false, None);
    for reference in facts.references {
        let had = before.and_then(|before| before.had.get(&reference.id));
        let now = match find(facts, reference, had, source(&reference.secret)) {
            Finding::Same | Finding::Absent => had.copied(),
            Finding::Note(now) => {
                differs = true;
                if had.is_some()
                    && let Some(source) = source(&reference.secret)
                {
                    let since = source.since(&reference.keys);
                    left = Some(left.map_or(since, |left: Stamp| left.earliest(since)));
                }
                Some(now)
            }
            Finding::Perhaps(now, since) => {
                asks = true;
                changed.push((reference, since));
                Some(now)
            }
            Finding::Missed(now, since) => {
                changed.push((reference, since));
                Some(now)
            }
        };
        record.had.extend(now.map(|now| (reference.id.clone(), now)));
    }
    if changed.is_empty() || facts.standing.idle {
        return if differs || !changed.is_empty() {
            Verdict::Note(record, left)
        } else {
            Verdict::Settled
        };
    }
    let changed = changed.into_iter().map(|(reference, since)| Changed {
        id: reference.id.clone(),
        secret: reference.secret.clone(),
        since,
        certain: before.is_some_and(|before| before.had.contains_key(&reference.id))
            || source(&reference.secret).is_none_or(|it| it.is_since_certain(&reference.keys)),
    });
    let changed: Vec<_> = changed.collect();
    if facts.standing.obstacle.is_none() && facts.is_rolling() {
        return Verdict::Rolling(changed);
    }
    if asks {
        return Verdict::AskPods;
    }
    match &facts.standing.obstacle {
        Some(obstacle) => Verdict::Obstructed(changed, obstacle.clone()),
        None => Verdict::Restart { changed, record },
    }
}

fn find(
    facts: &Facts<'_>,
    reference: &Reference,
    had: Option<&Fingerprint>,
    source: Option<&Source>,
) -> Finding {
    let content = source.and_then(|source| Some((source, source.content()?)));
    let is_complete = content.is_some_and(|(_, content)| match &reference.keys {
        KeySet::All => true,
        KeySet::Some(keys) => keys.iter().all(|key| content.0.contains_key(key)),
    });
    let Some((source, content)) = content.filter(|_| is_complete) else {
        return Finding::Absent;
    };
    let now = facts.key.fingerprint(facts.namespace, &reference.secret, content, &reference.keys);
    let since = source.since(&reference.keys);
    let known = match had {
        Some(had) if *had == now => return came_back(facts, now, since),
        // Of other keys, nothing can be said: the template was edited.
        Some(before) => before.has_keys_of(now),
        None => false,
    };
    if is_read_by_all(facts, since) {
        return Finding::Note(now);
    }
    if !known {
        let is_old = since.time <= facts.adopted;
        if is_old || matches!(facts.found, Found::OtherKey(_)) {
            return Finding::Note(now);
        }
        // Pods that need a Secret, or a key of it, wait until it is there, and have what it came with:
        // unless they ran before, and so with another of the same name.
        let has = |it: &Began| it.at.as_second() >= source.since(&it.keys).time.as_second();
        if !reference.optional
            && source.is_new(&reference.keys)
            && let Pods::Seen { ran: Some(ran), .. } = facts.pods
            && ran.iter().filter(|it| it.secret == reference.secret).all(has)
        {
            return Finding::Note(now);
        }
    }
    let certain = matches!(facts.pods, Pods::Seen { .. });
    // Pods may be newer than the workload shows.
    let is_doubtful = facts.waited.is_some()
        || facts.standing.obstacle.is_some()
        || (facts.template.is_none()
            && facts.touched.is_some_and(|at| at.as_second() >= since.time.as_second()));
    if certain || (known && !is_doubtful) {
        Finding::Missed(now, since)
    } else {
        Finding::Perhaps(now, since)
    }
}

/// Content is as recorded. If it was not while a rollout went on, pods that were made meanwhile have
/// something else.
fn came_back(facts: &Facts<'_>, now: Fingerprint, since: Stamp) -> Finding {
    let Some(left) = facts.waited.filter(|left| since.is_after(*left)) else {
        return Finding::Same;
    };
    match facts.pods {
        _ if facts.is_rolling() => Finding::Same,
        Pods::Unknown => Finding::Perhaps(now, since),
        Pods::Seen { made, .. } => {
            let meanwhile = left.time.as_second()..=since.time.as_second();
            if made.iter().any(|made| meanwhile.contains(&made.as_second())) {
                Finding::Missed(now, since)
            } else {
                Finding::Same
            }
        }
    }
}

/// Whether every pod was certainly made after the content was written. Times show seconds only, so
/// what is of one second is not certain.
fn is_read_by_all(facts: &Facts<'_>, since: Stamp) -> bool {
    let is_later = |time: Timestamp| time.as_second() > since.time.as_second();
    let by_pods = match facts.pods {
        Pods::Unknown => false,
        Pods::Seen { made, .. } => made.iter().copied().all(is_later),
    };
    by_pods
        || is_later(facts.created)
        // Of one that nobody rolls out, pods may still be of an older template.
        || (facts.standing.obstacle.is_none()
            && facts.template.is_some_and(|template| template.is_after(since)))
}

#[cfg(test)]
mod tests;
