//! What happened, a row for each.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_restart::kinds::Progress;
use extsecret_restart::record::{MARKER, Record};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// What `kubectl rollout restart` writes into pod templates.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// What annotations of Reloader begin with.
const RELOADER: &str = "reloader.stakater.com/";

/// How far a restart and the revision that it made may be apart: the controller's clock and the API
/// server's, and the time that a busy cluster takes. Restarts of one workload are further apart.
const APART: SignedDuration = SignedDuration::from_secs(150);

/// Who restarts.
const CONTROLLER: &str = "extsecret-controller";

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// `None` if nobody has noted when.
    pub(crate) at: Option<Timestamp>,
    /// `restarted`, `rolled out`, `written`, `synced`, or the reason of an Event.
    pub(crate) what: String,
    /// To which object, as `deployment.apps/api`.
    pub(crate) object: String,
    /// Who has done or told it.
    pub(crate) by: Option<String>,
    /// Because of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) secrets: Vec<String>,
    /// Of which keys, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
    /// The revision of the workload, or the version of the Secret.
    pub(crate) version: Option<String>,
    /// How it ended, or what was told.
    pub(crate) result: String,
    /// How often it was told.
    #[serde(skip_serializing_if = "is_once")]
    pub(crate) count: i64,
    /// Where it belongs if nobody knows when it was.
    #[serde(skip)]
    pub(crate) order: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_once(count: &i64) -> bool {
    *count <= 1
}

/// A revision of a pod template that the cluster still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) number: i64,
    pub(super) made: Option<Timestamp>,
    /// Annotations of its pods.
    pub(super) annotations: BTreeMap<String, String>,
}

/// The newest first; what nobody has noted the time of stands after what came before it.
pub(crate) fn sort(rows: &mut [Row]) {
    rows.sort_by_key(|row| std::cmp::Reverse(row.at.or(row.order)));
}

/// The Secrets of references of a record, and their optional keys.
fn named(references: &[Box<str>]) -> (Vec<String>, Vec<String>) {
    let mut secrets = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for reference in references {
        match reference.split_once('?') {
            Some((secret, key)) => {
                secrets.insert(secret.to_owned());
                keys.insert(key.to_owned());
            }
            None => {
                secrets.insert(reference.to_string());
            }
        }
    }
    (secrets.into_iter().collect(), keys.into_iter().collect())
}

/// What became of a workload, by its revisions and by what the controller has noted of it.
pub(super) fn of_workload(
    object: &str,
    mut revisions: Vec<Revision>,
    record: Option<&Record>,
    progress: Progress,
    author: Option<&str>,
) -> Vec<Row> {
    revisions.sort_by_key(|it| it.number);
    let mut noted: Vec<Timestamp> = record.map(|it| it.restarts.clone()).unwrap_or_default();
    let last = record.and_then(|it| it.last.as_ref());
    let newest = noted.last().copied();
    let mut rows = Vec::new();
    let now = match progress {
        Progress::Done => "all its pods are new",
        Progress::Rolling => "under way",
        Progress::Failed => "failed",
    };
    let nothing = Revision { number: 0, made: None, annotations: BTreeMap::new() };
    let mut latest: Option<Timestamp> = None;
    for (index, it) in revisions.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| revisions.get(index));
        let next = revisions.get(index + 1);
        let changed = |wanted: &dyn Fn(&str) -> bool| {
            let all = it.annotations.iter().filter(|(name, _)| wanted(name));
            let mut new = all.filter(|(name, value)| {
                before.unwrap_or(&nothing).annotations.get(*name) != Some(value)
            });
            before.is_some() && new.next().is_some()
        };
        // A template that was there before comes with the time at which it was made first.
        let again = matches!((latest, it.made), (Some(latest), Some(made)) if made < latest);
        let mut row = Row {
            at: it.made.filter(|_| !again),
            object: object.to_owned(),
            version: Some(format!("revision {}", it.number)),
            order: latest.max(it.made),
            ..Row::default()
        };
        latest = latest.max(it.made);
        row.result = match next {
            Some(next) => format!("replaced by revision {}", next.number),
            None => now.to_owned(),
        };
        if again {
            "rolled back".clone_into(&mut row.what);
        } else if changed(&|name| name == MARKER) {
            "restarted".clone_into(&mut row.what);
            row.by = Some(CONTROLLER.to_owned());
            let made = it.made.unwrap_or_default();
            let mine = noted
                .iter()
                .enumerate()
                .map(|(index, at)| (made.duration_since(*at).abs(), index))
                .filter(|(apart, _)| *apart <= APART)
                .min();
            if let Some((_, index)) = mine {
                row.at = Some(noted.remove(index));
            }
            let marker = it.annotations.get(MARKER).map(String::as_str);
            if let Some(last) = last.filter(|last| Some(&*last.marker) == marker) {
                (row.secrets, row.keys) = named(&last.references);
            }
        } else if changed(&|name| name == RESTARTED_AT) {
            "restarted".clone_into(&mut row.what);
            let known = author.filter(|_| next.is_none());
            row.by = Some(known.unwrap_or("kubectl or another tool").to_owned());
        } else if changed(&|name| name.starts_with(RELOADER)) {
            "restarted".clone_into(&mut row.what);
            row.by = Some("Reloader".to_owned());
        } else if before.is_none() {
            // What came before is not kept, so nobody knows what it changed.
            "rolled out".clone_into(&mut row.what);
            row.result = format!("the oldest that is kept; {}", row.result);
        } else {
            "rolled out".clone_into(&mut row.what);
            row.result = format!("a changed pod template; {}", row.result);
        }
        rows.push(row);
    }
    for at in noted {
        let mut row = Row {
            at: Some(at),
            what: "restarted".to_owned(),
            object: object.to_owned(),
            by: Some(CONTROLLER.to_owned()),
            ..Row::default()
        };
        // The last of them is the one whose reason is noted, unless a revision has it.
        let told = rows.iter().any(|row: &Row| !row.secrets.is_empty());
        if let Some(last) = last.filter(|_| newest == Some(at) && !told) {
            (row.secrets, row.keys) = named(&last.references);
            now.clone_into(&mut row.result);
        } else {
            "its revision is no longer kept".clone_into(&mut row.result);
        }
        rows.push(row);
    }
    // Times are whole seconds: of two in one, the later one comes first.
    rows.reverse();
    rows
}

#[cfg(test)]
mod tests {
    use extsecret_restart::fingerprint::KeyId;
    use extsecret_restart::record;

    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn revision(number: i64, second: i64, said: &[(&str, &str)]) -> Revision {
        let said = said.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Revision { number, made: Some(time(second)), annotations: said.collect() }
    }

    fn record() -> Record {
        let text = serde_json::json!({
            "key": "00000000", "restarts": [time(0), time(1000), time(5000)], "marker": "m2",
            "for": ["db", "mail?user"],
        });
        record::read(Some(&text.to_string()), KeyId::NONE).record().cloned().unwrap()
    }

    #[test]
    fn revisions_tell_who_has_restarted() {
        let revisions = vec![
            revision(4, 5003, &[(MARKER, "m2"), (RESTARTED_AT, "x")]),
            revision(1, -900, &[]),
            revision(3, 3000, &[(MARKER, "m1"), (RESTARTED_AT, "x")]),
            revision(2, 1004, &[(MARKER, "m1")]),
        ];
        let mut rows = of_workload("d/api", revisions, Some(&record()), Progress::Done, None);
        sort(&mut rows);
        let told: Vec<_> = rows
            .iter()
            .map(|it| (it.at, &*it.what, it.by.as_deref(), it.secrets.join(",")))
            .collect();
        let controller = Some(CONTROLLER);
        assert_eq!(
            told,
            [
                (Some(time(5000)), "restarted", controller, "db,mail".to_owned()),
                (Some(time(3000)), "restarted", Some("kubectl or another tool"), String::new()),
                (Some(time(1000)), "restarted", controller, String::new()),
                (Some(time(0)), "restarted", controller, String::new()),
                (Some(time(-900)), "rolled out", None, String::new()),
            ]
        );
        assert_eq!(rows[0].keys, ["user"]);
        let results: Vec<&str> = rows.iter().map(|it| &*it.result).collect();
        assert_eq!(
            results,
            [
                "all its pods are new",
                "replaced by revision 4",
                "replaced by revision 3",
                "its revision is no longer kept",
                "the oldest that is kept; replaced by revision 2",
            ]
        );
    }

    #[test]
    fn a_rollback_brings_an_old_template_again() {
        let revisions = vec![revision(2, 100, &[("app", "2")]), revision(3, 0, &[("app", "1")])];
        let mut rows = of_workload("d/api", revisions, None, Progress::Failed, None);
        sort(&mut rows);
        assert_eq!((&*rows[0].what, rows[0].at), ("rolled back", None));
        assert_eq!(rows[0].result, "failed");
    }

    #[test]
    fn without_revisions_the_record_tells() {
        let rows = of_workload("r/web", Vec::new(), Some(&record()), Progress::Rolling, None);
        let last = rows.iter().max_by_key(|it| it.at).unwrap();
        assert_eq!((last.secrets.join(","), &*last.result), ("db,mail".to_owned(), "under way"));
        assert_eq!(rows.len(), 3);
    }
}
