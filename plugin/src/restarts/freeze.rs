//! Freezes: who holds restarts back, until when, and how that ends.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use extsecret_restart::policy::{self, FREEZE, FREEZE_REASON};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::why::Annotations;
use crate::cluster::kinds::{
    CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, EXTERNAL_SECRETS, Kind, NAMESPACES, ROLLOUTS, SECRETS,
    STATEFUL_SETS,
};
use crate::cluster::{Cluster, Unread, Why};
use crate::output::age;
use crate::output::table::printable;

/// Who the API server notes as the author of a freeze.
const MANAGER: &str = "kubectl-extsecret-freeze";

/// Attempts at a change of an object that others change at the same time.
const ATTEMPTS: usize = 8;

/// Kinds of workloads that restart.
pub(crate) const WORKLOADS: [Kind; 4] = [DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, ROLLOUTS];

/// All kinds that can be frozen.
pub(crate) const KINDS: [Kind; 7] =
    [DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, ROLLOUTS, EXTERNAL_SECRETS, SECRETS, NAMESPACES];

/// A kind, and mostly a name: `deployment/api`, `externalsecrets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Which {
    pub(crate) kind: Kind,
    pub(crate) name: Option<String>,
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind, Some(name)),
            None => (text, None),
        };
        let lower = kind.to_lowercase();
        // `deployments.apps`, as kubectl prints it; with another group it is another kind.
        let (word, group) = match lower.split_once('.') {
            Some((word, group)) => (word, Some(group)),
            None => (lower.as_str(), None),
        };
        let is_it = |it: &&Kind| {
            let short = match **it {
                DEPLOYMENTS => "deploy",
                STATEFUL_SETS => "sts",
                DAEMON_SETS => "ds",
                ROLLOUTS => "ro",
                EXTERNAL_SECRETS => "es",
                NAMESPACES => "ns",
                CRON_JOBS => "cj",
                _ => "",
            };
            let named = it.plural == word || it.kind.to_lowercase() == word || short == word;
            named && group.is_none_or(|group| group == it.group)
        };
        if name == Some("") {
            return Err("the name is missing".to_owned());
        }
        if is_it(&&CRON_JOBS) {
            return Err("a CronJob is never restarted, its next run reads what there is then: \
                        there is nothing to hold back"
                .to_owned());
        }
        let kind = KINDS.iter().find(is_it).ok_or_else(|| {
            "not like deployment/NAME, statefulset/NAME, daemonset/NAME, rollout/NAME, \
             externalsecret/NAME, secret/NAME or namespace/NAME"
                .to_owned()
        })?;
        Ok(Self { kind: *kind, name: name.map(str::to_owned) })
    }
}

/// An object that can be frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    /// Of a namespace its own name.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Object {
    /// `deployment.apps/api`.
    pub(crate) fn name(&self) -> String {
        self.kind.name_of(&self.name)
    }

    /// What the path of the object has in it.
    fn space(&self) -> Option<&str> {
        self.kind.namespaced.then_some(self.namespace.as_str())
    }

    /// What to type to end its freeze.
    pub(crate) fn ends(&self) -> String {
        if self.kind == NAMESPACES {
            return format!("kubectl extsecret unfreeze --namespaces {}", printable(&self.name));
        }
        let kind = self.kind.kind.to_lowercase();
        let (name, namespace) = (printable(&self.name), printable(&self.namespace));
        format!("kubectl extsecret unfreeze {kind}/{name} -n {namespace}")
    }

    fn words(&self) -> String {
        match self.space() {
            Some(namespace) => format!("{} {namespace}/{}", self.kind.kind, self.name),
            None => format!("{} {}", self.kind.kind, self.name),
        }
    }

    /// What stands there now; `None` if there is no such object.
    pub(crate) fn read(&self, cluster: &Cluster) -> Result<Option<ObjectMeta>, Unread> {
        cluster.metadata(&self.kind, self.space(), &self.name)
    }

    /// Does with what stands there what `decide` says; returns both. An object that somebody
    /// changes at the same time is looked at again, so that a longer freeze that comes between is
    /// not lost.
    pub(crate) fn write(
        &self,
        cluster: &Cluster,
        decide: impl Fn(Option<&Freeze>) -> Decision,
        how: How,
    ) -> anyhow::Result<(Option<Freeze>, Decision)> {
        for _ in 0..ATTEMPTS {
            let meta = self.read(cluster)?.with_context(|| {
                let else_where =
                    if self.kind.namespaced { "; -n chooses another namespace" } else { "" };
                format!("there is no {}{else_where}", self.words())
            })?;
            let before = Freeze::of(&meta);
            let decision = decide(before.as_ref());
            let Decision::Write(freeze) = &decision else { return Ok((before, decision)) };
            if how == How::Client {
                return Ok((before, decision));
            }
            let change = json!({ "metadata": {
                // Whoever has changed the object meanwhile makes this a conflict.
                "resourceVersion": meta.resource_version,
                "uid": meta.uid,
                "annotations": {
                    FREEZE: freeze.as_ref().map(Freeze::text),
                    FREEZE_REASON: freeze.as_ref().and_then(|it| it.reason.as_ref()),
                },
            } });
            let dry_run = how == How::Server;
            let (space, name) = (self.space(), &self.name);
            match cluster.annotate(&self.kind, space, name, MANAGER, &change, dry_run) {
                Ok(Some(_)) => return Ok((before, decision)),
                Ok(None) => bail!("it was deleted meanwhile"),
                Err(Unread { why: Why::Conflict(_), .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        bail!("others change it all the time; try again")
    }
}

/// What is to become of what an object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is as it shall be.
    Keep,
    /// What stands there is longer.
    Longer,
    /// This, or nothing any more.
    Write(Option<Freeze>),
}

/// How a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Really,
    /// Only said.
    Client,
    /// Checked by the API server.
    Server,
}

/// What an annotation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Freeze {
    /// [`Timestamp::MAX`] is until somebody takes it away.
    pub(crate) until: Timestamp,
    pub(crate) reason: Option<String>,
}

impl Freeze {
    /// What an object says; `None` if it says nothing. One that is over is one, too.
    pub(crate) fn of(meta: &ObjectMeta) -> Option<Self> {
        Self::said(meta.annotations.as_ref()?)
    }

    /// The same of its annotations.
    pub(crate) fn said(all: &Annotations) -> Option<Self> {
        let text = all.get(FREEZE)?;
        let until = policy::frozen([Some(text.as_str())], Timestamp::MIN)?;
        Some(Self { until, reason: all.get(FREEZE_REASON).cloned() })
    }

    /// What becomes of what is there when this is asked for: nobody's freeze is made shorter, and no
    /// reason is lost.
    pub(crate) fn over(&self, before: Option<&Self>, now: Timestamp) -> Decision {
        let Some(before) = before.filter(|it| it.until > now) else {
            return Decision::Write(Some(self.clone()));
        };
        if before.until > self.until {
            return Decision::Longer;
        }
        let reason = self.reason.clone().or_else(|| before.reason.clone());
        let after = Self { until: self.until, reason };
        if after == *before { Decision::Keep } else { Decision::Write(Some(after)) }
    }

    /// As it stands in the annotation.
    fn text(&self) -> String {
        if self.until == Timestamp::MAX { "true".to_owned() } else { self.until.to_string() }
    }

    /// `until 2026-11-27T12:00:00Z (2h): load test`.
    pub(crate) fn words(&self, now: Timestamp) -> String {
        let until = until(self.until, now);
        match &self.reason {
            Some(reason) => format!("{until}: {}", printable(reason)),
            None => until,
        }
    }
}

/// Until when, in words.
pub(crate) fn until(until: Timestamp, now: Timestamp) -> String {
    if until == Timestamp::MAX {
        "until somebody unfreezes it".to_owned()
    } else {
        format!("until {until} ({})", age::since(now, until))
    }
}

/// Whoever holds restarts back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Object(Object),
    /// The controller at this place, by its flag.
    Controller(String),
}

impl By {
    /// What to do to end it.
    pub(crate) fn ends(&self) -> String {
        match self {
            Self::Object(object) => format!("`{}` ends it", object.ends()),
            Self::Controller(_) => {
                "the controller's flag --restart-freeze-until ends it".to_owned()
            }
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => f.write_str(&object.words()),
            Self::Controller(place) => write!(f, "the controller {place}"),
        }
    }
}

/// The longest of what holds back, if anything does at `now`.
pub(crate) fn longest(
    all: impl IntoIterator<Item = (By, Freeze)>,
    now: Timestamp,
) -> Option<(By, Freeze)> {
    all.into_iter().filter(|(_, it)| it.until > now).max_by_key(|(_, it)| it.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_as_for_kubectl() {
        for (text, kind) in [
            ("deployment/api", DEPLOYMENTS),
            ("deployments.apps/api", DEPLOYMENTS),
            ("sts/api", STATEFUL_SETS),
            ("es/api", EXTERNAL_SECRETS),
            ("ExternalSecret.external-secrets.io/api", EXTERNAL_SECRETS),
            ("secret/api", SECRETS),
            ("ns/api", NAMESPACES),
        ] {
            assert_eq!(text.parse(), Ok(Which { kind, name: Some("api".to_owned()) }), "{text}");
        }
        assert_eq!("daemonsets".parse(), Ok(Which { kind: DAEMON_SETS, name: None }));
        // One of KES is another kind, and nothing to freeze.
        for text in ["externalsecret.kubernetes-client.io/db", "pod/x", "secret/", "x", "job/x"] {
            assert!(text.parse::<Which>().is_err(), "{text}");
        }
        assert!("cronjob/x".parse::<Which>().unwrap_err().contains("never restarted"));
    }

    #[test]
    fn what_is_written_is_what_the_controller_reads() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        for until in [Timestamp::MAX, "2026-11-27T14:00:00Z".parse().unwrap()] {
            let freeze = Freeze { until, reason: Some("test".to_owned()) };
            assert_eq!(policy::frozen([Some(freeze.text().as_str())], now), Some(until));
            let meta = ObjectMeta {
                annotations: Some(
                    [
                        (FREEZE.to_owned(), freeze.text()),
                        (FREEZE_REASON.to_owned(), "test".to_owned()),
                    ]
                    .into(),
                ),
                ..ObjectMeta::default()
            };
            assert_eq!(Freeze::of(&meta), Some(freeze));
        }
        assert_eq!(Freeze::of(&ObjectMeta::default()), None);
    }

    #[test]
    fn no_freeze_is_made_shorter_and_no_reason_is_lost() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let it = |hour: &str, reason: Option<&str>| Freeze {
            until: format!("2026-11-27T{hour}:00:00Z").parse().unwrap(),
            reason: reason.map(str::to_owned),
        };
        let wanted = it("14", None);
        let written = |freeze: Freeze| Decision::Write(Some(freeze));
        assert_eq!(wanted.over(None, now), written(wanted.clone()));
        assert_eq!(wanted.over(Some(&it("11", Some("old"))), now), written(wanted.clone()));
        assert_eq!(wanted.over(Some(&it("13", Some("a"))), now), written(it("14", Some("a"))));
        assert_eq!(wanted.over(Some(&it("14", Some("a"))), now), Decision::Keep);
        assert_eq!(wanted.over(Some(&it("15", None)), now), Decision::Longer);
        assert_eq!(
            it("14", Some("b")).over(Some(&it("14", Some("a"))), now),
            written(it("14", Some("b")))
        );
    }

    #[test]
    fn the_longest_counts_and_what_is_over_does_not() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let it = |name: &str, until: &str| {
            let until = until.parse().unwrap();
            (By::Controller(name.to_owned()), Freeze { until, reason: None })
        };
        let all = [
            it("a", "2026-11-27T12:00:01Z"),
            it("b", "2026-11-27T13:00:00Z"),
            it("c", "2026-11-27T11:00:00Z"),
        ];
        assert_eq!(longest(all.clone(), now), Some(all[1].clone()));
        assert_eq!(longest([it("c", "2026-11-27T11:00:00Z")], now), None);
    }
}
