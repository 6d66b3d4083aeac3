//! A secret with its versions, and the rules by which staging labels move.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::seconds;
use crate::error::AwsError;
use crate::policy::Policy;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
pub(super) const PENDING: &str = "AWSPENDING";

/// Above this many versions, those without a label go, oldest first.
const MAX_VERSIONS: usize = 100;

/// No version goes before it is so old.
const MIN_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Labels of one version, and of all versions of a secret together.
const MAX_LABELS: usize = 20;

/// What is protected. Its `Debug` shows only what kind it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Payload {
    Text(String),
    Binary(Vec<u8>),
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Binary(_) => "Binary(..)",
        })
    }
}

/// One version of a secret.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: String,
    /// None for a version that a rotation started and whose value is still to come.
    pub(super) payload: Option<Payload>,
    pub(super) labels: Vec<String>,
    pub(super) created: Timestamp,
    pub(super) accessed: Option<Timestamp>,
    pub(super) kms_key: Option<String>,
}

/// When and by what a secret is rotated.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    pub(super) enabled: bool,
    pub(super) function: String,
    pub(super) rules: Value,
    pub(super) last: Option<Timestamp>,
}

/// A secret, in its primary region.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) account: String,
    /// The primary region.
    pub(super) region: String,
    pub(super) name: String,
    /// The six characters at the end of the ARN.
    pub(super) suffix: String,
    /// In order of creation within the region.
    pub(super) serial: u64,
    pub(super) description: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) accessed: Option<Timestamp>,
    /// When the deletion was asked for, and when it will happen.
    pub(super) deletion: Option<(Timestamp, Timestamp)>,
    pub(super) versions: Vec<Version>,
    pub(super) rotation: Option<Rotation>,
    pub(super) policy: Option<(String, Policy)>,
    /// Regions with a replica.
    pub(super) replicas: Vec<String>,
    pub(super) owning_service: Option<String>,
}

/// A label that has come to a version, worth an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelMove {
    pub(crate) label: String,
    pub(crate) version: String,
}

impl Secret {
    /// The ARN in a region: its own, or one with a replica.
    pub(super) fn arn(&self, region: &str) -> String {
        format!(
            "arn:aws:secretsmanager:{region}:{}:secret:{}-{}",
            self.account, self.name, self.suffix
        )
    }

    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(super) fn labelled(&self, label: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.has(label))
    }

    pub(super) fn version_mut(&mut self, id: &str) -> Option<&mut Version> {
        self.versions.iter_mut().find(|version| version.id == id)
    }

    /// Adds a version with labels that move to it from wherever they are. The first version that
    /// has a value is current, whatever labels it gets.
    pub(super) fn add_version(
        &mut self,
        id: &str,
        payload: Option<Payload>,
        labels: &[String],
        now: Timestamp,
    ) -> Result<Vec<LabelMove>, AwsError> {
        let is_first = payload.is_some() && self.labelled(CURRENT).is_none();
        let mut labels = labels.to_vec();
        if is_first && !labels.iter().any(|label| label == CURRENT) {
            labels.push(CURRENT.to_owned());
        }
        let others = self.versions.iter().flat_map(|version| &version.labels);
        let kept = others.filter(|label| !labels.contains(label)).count();
        if kept + labels.len() > MAX_LABELS {
            return Err(AwsError::new(
                "LimitExceededException",
                format!("A secret can't have more than {MAX_LABELS} staging labels."),
            ));
        }
        match self.version_mut(id) {
            Some(version) => version.payload = payload,
            None => self.versions.push(Version {
                id: id.to_owned(),
                payload,
                labels: Vec::new(),
                created: now,
                accessed: None,
                kms_key: self.kms_key.clone(),
            }),
        }
        let moves = labels.iter().filter_map(|label| self.attach(label, id, now)).collect();
        self.changed = now;
        self.drop_old_versions(now);
        Ok(moves)
    }

    /// Moves a label to a version. The version that stops to be current becomes the previous one.
    pub(super) fn attach(&mut self, label: &str, id: &str, now: Timestamp) -> Option<LabelMove> {
        let from = self.labelled(label).map(|version| version.id.clone());
        if from.as_deref() == Some(id) {
            return None;
        }
        let was_pending = self.version(id).is_some_and(|version| version.has(PENDING));
        self.detach(label);
        if let Some(version) = self.version_mut(id) {
            version.labels.push(label.to_owned());
        }
        if label == CURRENT {
            if let Some(from) = from {
                self.detach(PREVIOUS);
                if let Some(version) = self.version_mut(&from) {
                    version.labels.push(PREVIOUS.to_owned());
                }
            }
            if let Some(rotation) = self.rotation.as_mut().filter(|_| was_pending) {
                rotation.last = Some(now);
            }
        }
        self.changed = now;
        let is_news = label != PENDING && label != PREVIOUS;
        is_news.then(|| LabelMove { label: label.to_owned(), version: id.to_owned() })
    }

    /// Takes a label from whichever version has it.
    pub(super) fn detach(&mut self, label: &str) {
        for version in &mut self.versions {
            version.labels.retain(|other| other != label);
        }
    }

    fn drop_old_versions(&mut self, now: Timestamp) {
        while self.versions.len() > MAX_VERSIONS {
            let old = self.versions.iter().position(|version| {
                version.labels.is_empty() && now.duration_since(version.created) > MIN_AGE
            });
            let Some(old) = old else { break };
            self.versions.remove(old);
        }
    }

    /// What `DescribeSecret` and `ListSecrets` both say, seen from a region.
    pub(super) fn describe(&self, region: &str, stages_key: &str) -> Map<String, Value> {
        let mut map = Map::new();
        let mut set = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        set("ARN", json!(self.arn(region)));
        set("Name", json!(self.name));
        if let Some(description) = &self.description {
            set("Description", json!(description));
        }
        if let Some(key) = &self.kms_key {
            set("KmsKeyId", json!(key));
        }
        if let Some(rotation) = &self.rotation {
            set("RotationEnabled", json!(rotation.enabled));
            set("RotationLambdaARN", json!(rotation.function));
            set("RotationRules", rotation.rules.clone());
            if let Some(last) = rotation.last {
                set("LastRotatedDate", json!(seconds(last)));
            }
        }
        set("LastChangedDate", json!(seconds(self.changed)));
        if let Some(accessed) = self.accessed {
            set("LastAccessedDate", json!(seconds(day(accessed))));
        }
        if let Some((asked, _)) = self.deletion {
            set("DeletedDate", json!(seconds(asked)));
        }
        let tags: Vec<Value> =
            self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        set("Tags", json!(tags));
        let stages: Map<String, Value> = self
            .versions
            .iter()
            .filter(|version| !version.labels.is_empty())
            .map(|version| (version.id.clone(), json!(version.labels)))
            .collect();
        if !stages.is_empty() {
            set(stages_key, Value::Object(stages));
        }
        if let Some(service) = &self.owning_service {
            set("OwningService", json!(service));
        }
        set("CreatedDate", json!(seconds(self.created)));
        if !self.replicas.is_empty() {
            set("PrimaryRegion", json!(self.region));
        }
        map
    }
}

impl Version {
    pub(super) fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|other| other == label)
    }
}

/// The midnight (UTC) before a moment: accesses are known by the day only.
pub(super) fn day(moment: Timestamp) -> Timestamp {
    let seconds = moment.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(86_400)).unwrap_or(moment)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A secret without versions.
    pub(in crate::secrets_manager) fn bare(name: &str) -> Secret {
        Secret {
            account: "1".to_owned(),
            region: "r".to_owned(),
            name: name.to_owned(),
            suffix: "AbCdEf".to_owned(),
            serial: 0,
            description: None,
            kms_key: None,
            tags: BTreeMap::new(),
            created: Timestamp::UNIX_EPOCH,
            changed: Timestamp::UNIX_EPOCH,
            accessed: None,
            deletion: None,
            versions: Vec::new(),
            rotation: None,
            policy: None,
            replicas: Vec::new(),
            owning_service: None,
        }
    }

    fn put(secret: &mut Secret, id: &str, labels: &[&str], hours: i64) -> Vec<LabelMove> {
        let labels: Vec<_> = labels.iter().map(|&label| label.to_owned()).collect();
        let now = Timestamp::from_second(hours * 3600).unwrap();
        secret.add_version(id, Some(Payload::Text(id.to_owned())), &labels, now).unwrap()
    }

    fn labels(secret: &Secret, id: &str) -> Vec<String> {
        secret.version(id).unwrap().labels.clone()
    }

    #[test]
    fn current_and_previous_follow_each_other() {
        let mut secret = bare("s");
        for id in ["a", "b", "c"] {
            put(&mut secret, id, &[CURRENT], 0);
        }
        assert!(labels(&secret, "a").is_empty());
        assert_eq!(labels(&secret, "b"), [PREVIOUS]);
        assert_eq!(labels(&secret, "c"), [CURRENT]);

        // A rollback.
        let moved = secret.attach(CURRENT, "b", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(moved, LabelMove { label: CURRENT.to_owned(), version: "b".to_owned() });
        assert_eq!(labels(&secret, "b"), [CURRENT]);
        assert_eq!(labels(&secret, "c"), [PREVIOUS]);
        assert_eq!(secret.attach(CURRENT, "b", Timestamp::UNIX_EPOCH), None, "it is there already");
    }

    #[test]
    fn the_first_value_is_current_whatever_its_labels() {
        let mut secret = bare("s");
        put(&mut secret, "a", &["blue"], 0);
        assert_eq!(labels(&secret, "a"), ["blue", CURRENT]);
        put(&mut secret, "b", &["blue"], 0);
        assert_eq!(labels(&secret, "a"), [CURRENT]);
        assert_eq!(labels(&secret, "b"), ["blue"]);
    }

    #[test]
    fn only_moves_that_matter_are_news() {
        let mut secret = bare("s");
        put(&mut secret, "a", &[CURRENT], 0);
        assert!(put(&mut secret, "b", &[PENDING], 0).is_empty());
        let labels: Vec<_> =
            put(&mut secret, "c", &[CURRENT, "green"], 0).into_iter().map(|m| m.label).collect();
        assert_eq!(labels, [CURRENT, "green"]);
    }

    #[test]
    fn old_versions_go_when_there_are_a_hundred() {
        let mut secret = bare("s");
        for number in 0..150 {
            put(&mut secret, &format!("v{number}"), &[CURRENT], number);
        }
        assert_eq!(secret.versions.len(), 100);
        assert!(secret.version("v49").is_none());
        assert!(secret.version("v50").is_some());

        // But not within a day.
        let mut secret = bare("s");
        for number in 0..150 {
            put(&mut secret, &format!("v{number}"), &[CURRENT], 0);
        }
        assert_eq!(secret.versions.len(), 150);
    }

    #[test]
    fn twenty_labels_and_no_more() {
        let mut secret = bare("s");
        let names: Vec<_> = (0..20).map(|number| format!("l{number}")).collect();
        let labels: Vec<_> = names.iter().map(String::as_str).take(19).collect();
        put(&mut secret, "a", &labels, 0);
        let error = secret
            .add_version("b", Some(Payload::Text(String::new())), &names, Timestamp::UNIX_EPOCH)
            .unwrap_err();
        assert_eq!(error.code, "LimitExceededException");
        assert!(secret.version("b").is_none());
    }

    #[test]
    fn debug_shows_no_value() {
        let mut secret = bare("s");
        put(&mut secret, "hunter2", &[CURRENT], 0);
        secret.versions[0].id.clear();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn days_begin_at_midnight() {
        let moment: Timestamp = "2026-11-05T13:14:15Z".parse().unwrap();
        assert_eq!(day(moment).to_string(), "2026-11-05T00:00:00Z");
    }
}
