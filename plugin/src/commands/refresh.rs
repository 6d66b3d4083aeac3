//! `kubectl extsecret refresh`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::anyhow;
use extsecret_crds::ExternalSecret;
use extsecret_crds::duration::GoDuration;
use extsecret_crds::external_secret::RefreshPolicy;
use extsecret_engine::refresh;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::cli::{DryRun, RefreshArgs};
use crate::clock;
use crate::cluster::kinds::{EXTERNAL_SECRETS, SECRETS};
use crate::cluster::{Change, Cluster, Selection, Unread, Why};
use crate::exit::Exit;
use crate::output;
use crate::status::gather;
use crate::status::list::shorten;
use crate::status::model::Row;

/// The annotation that the documentation of External Secrets Operator uses; any change would do.
const ANNOTATION: &str = "force-sync";

/// How long values are waited for, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

/// Namespace and name.
type Key = (String, String);

/// What is known of an object before it is refreshed.
struct Before {
    refreshed: Option<Timestamp>,
    was_ready: bool,
    secret: String,
    /// What tells the content of its Secret from another.
    version: Option<String>,
}

/// What became of it.
enum Outcome {
    Done,
    Failed(String),
    Gone,
}

pub(crate) fn run(args: &RefreshArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let namespace = (!args.all_namespaces).then(|| cluster.namespace().to_owned());
    let namespace = namespace.as_deref();
    let select = select(args);
    let mut objects = BTreeMap::new();
    let version =
        cluster.list(&EXTERNAL_SECRETS, namespace, &select, |page: Vec<ExternalSecret>| {
            let wanted =
                |name: &str| args.names.is_empty() || args.names.iter().any(|it| it == name);
            let page = page.into_iter().map(|object| (key(&object), object));
            objects.extend(page.filter(|((_, name), _)| wanted(name)));
        })?;
    for name in &args.names {
        if !objects.keys().any(|(_, known)| known == name) {
            let namespace = cluster.namespace();
            return Err(anyhow!(
                "there is no ExternalSecret {name:?} in the namespace {namespace:?}; nothing was \
                 refreshed"
            ));
        }
    }
    if objects.is_empty() {
        output::stderr("No resources found.\n");
        return Ok(Exit::Success);
    }
    let mut failed = false;
    let mut waiting = BTreeMap::new();
    for (key, object) in &objects {
        if let Some(warning) = in_vain(object) {
            output::stderr(&format!("warning: {}/{}: {warning}\n", key.0, key.1));
        }
        let before = args.change.wait.then(|| before(&cluster, key, object));
        match ask(&cluster, key, args.change.dry_run) {
            Ok(true) => {
                let how = match args.change.dry_run {
                    None => "refresh requested",
                    Some(DryRun::Client) => "refresh requested (dry run)",
                    Some(DryRun::Server) => "refresh requested (server dry run)",
                };
                if !args.change.wait {
                    say(key, namespace.is_none(), how)?;
                }
                waiting.extend(before.map(|before| (key.clone(), before)));
            }
            Ok(false) => {
                failed = true;
                output::stderr(&format!("error: {}/{} is gone\n", key.0, key.1));
            }
            Err(error) => {
                failed = true;
                output::stderr(&format!("error: {error}\n"));
            }
        }
    }
    if args.change.wait {
        return wait(args, &cluster, namespace, &select, version, waiting, failed);
    }
    Ok(if failed { Exit::Refused } else { Exit::Success })
}

fn select(args: &RefreshArgs) -> Selection {
    let fields = match args.names.as_slice() {
        [name] => Some(format!("metadata.name={name}")),
        _ => None,
    };
    Selection { labels: args.selector.clone(), fields }
}

fn key(object: &ExternalSecret) -> Key {
    let meta = &object.metadata;
    (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
}

/// Why a refresh may do nothing.
fn in_vain(object: &ExternalSecret) -> Option<&'static str> {
    let synced = object.status.as_ref().is_some_and(|status| status.refresh_time.is_some());
    if !synced {
        return None;
    }
    match object.spec.refresh_policy() {
        RefreshPolicy::CreatedOnce => Some(
            "its refreshPolicy is CreatedOnce: nothing is fetched as long as its Secret is there \
             and unchanged",
        ),
        RefreshPolicy::OnChange => None,
        _ => {
            let zero = object.spec.refresh_interval().is_ok_and(GoDuration::is_zero_or_negative);
            zero.then_some(
                "its refreshInterval is 0: External Secrets Operator fetches nothing as long as \
                 its Secret is there and unchanged; extsecret-controller does",
            )
        }
    }
}

fn before(cluster: &Cluster, key: &Key, object: &ExternalSecret) -> Before {
    let status = object.status.as_ref();
    let refreshed = status.and_then(|status| status.refresh_time.as_deref());
    let ready = status.and_then(extsecret_crds::ExternalSecretStatus::ready);
    let secret = object.spec.target_name(&key.1).to_owned();
    Before {
        refreshed: refreshed.and_then(|time| time.parse().ok()),
        was_ready: ready.is_some_and(extsecret_crds::Condition::is_true),
        version: version(cluster, &key.0, &secret),
        secret,
    }
}

/// From the Secret's metadata alone. Who may not read it learns no version.
fn version(cluster: &Cluster, namespace: &str, secret: &str) -> Option<String> {
    let meta = cluster.metadata(&SECRETS, Some(namespace), secret).ok()??;
    gather::version(&meta)
}

/// Asks for a refresh; false if there is no such object any more.
fn ask(cluster: &Cluster, key: &Key, dry_run: Option<DryRun>) -> Result<bool, Unread> {
    if dry_run == Some(DryRun::Client) {
        return Ok(true);
    }
    // Two in one second are two.
    let stamp = clock::now().as_nanosecond().to_string();
    let change = json!({ "metadata": { "annotations": { ANNOTATION: stamp } } });
    let dry_run = dry_run.is_some();
    let (namespace, name) = key;
    let changed: Option<serde_json::Value> =
        cluster.patch(&EXTERNAL_SECRETS, Some(namespace), name, &change, dry_run)?;
    Ok(changed.is_some())
}

fn say(key: &Key, namespaces: bool, what: &str) -> anyhow::Result<()> {
    let (namespace, name) = key;
    let mut line = EXTERNAL_SECRETS.name_of(name);
    if namespaces {
        let _ = write!(line, " in {namespace}");
    }
    Ok(output::stdout(&format!("{line} {what}\n"))?)
}

fn wait(
    args: &RefreshArgs,
    cluster: &Cluster,
    namespace: Option<&str>,
    select: &Selection,
    mut from: String,
    mut waiting: BTreeMap<Key, Before>,
    mut failed: bool,
) -> anyhow::Result<Exit> {
    let ends = SignedDuration::try_from(args.change.timeout.unwrap_or(PATIENCE))
        .ok()
        .and_then(|timeout| clock::now().checked_add(timeout).ok());
    while !waiting.is_empty() {
        let left = ends.map(|ends| ends.duration_since(clock::now()));
        let left = left.map(|left| Duration::try_from(left).unwrap_or_default());
        let seen = cluster.watch(
            &EXTERNAL_SECRETS,
            namespace,
            select,
            from.clone(),
            left,
            |change: Change<ExternalSecret>| {
                let (Change::Is(object) | Change::Gone(object)) = &change;
                let key = key(object);
                let outcome = waiting.get(&key).and_then(|before| outcome(change, before));
                match outcome {
                    Some(outcome) => ControlFlow::Break((key, outcome)),
                    None => ControlFlow::Continue(()),
                }
            },
        );
        let (key, outcome) = match seen {
            Ok(Some(seen)) => seen,
            Ok(None) => break,
            Err(Unread { why: Why::Expired, .. }) => {
                // From now on; what has happened since is seen in the list itself.
                let mut seen = None;
                from = cluster.list(&EXTERNAL_SECRETS, namespace, select, |page| {
                    for object in page {
                        let key = key(&object);
                        if seen.is_none()
                            && let Some(before) = waiting.get(&key)
                        {
                            seen = outcome(Change::Is(object), before).map(|it| (key, it));
                        }
                    }
                })?;
                match seen {
                    Some(seen) => seen,
                    None => continue,
                }
            }
            Err(error) => return Err(error.into()),
        };
        let Some(before) = waiting.remove(&key) else { continue };
        let what = match outcome {
            Outcome::Done => {
                let now = version(cluster, &key.0, &before.secret);
                done(before.version.as_deref(), now.as_deref())
            }
            Outcome::Failed(problem) => {
                failed = true;
                format!("not refreshed: {}", output::table::printable(&shorten(&problem)))
            }
            Outcome::Gone => {
                failed = true;
                "was deleted meanwhile".to_owned()
            }
        };
        say(&key, namespace.is_none(), &what)?;
    }
    for key in waiting.keys() {
        let now: Option<ExternalSecret> = cluster.get(&EXTERNAL_SECRETS, Some(&key.0), &key.1)?;
        let problem = now.and_then(|object| Row::of(&object, clock::now()).problem);
        let problem = problem.unwrap_or_else(|| "nobody fetched it: does a controller run?".into());
        let problem = output::table::printable(&shorten(&problem));
        say(key, namespace.is_none(), &format!("not refreshed in time: {problem}"))?;
    }
    Ok(match (waiting.is_empty(), failed) {
        (false, _) => Exit::TimedOut,
        (true, true) => Exit::Refused,
        (true, false) => Exit::Success,
    })
}

/// What has become of an object; `None` as long as that is open.
fn outcome(change: Change<ExternalSecret>, before: &Before) -> Option<Outcome> {
    let object = match change {
        Change::Gone(_) => return Some(Outcome::Gone),
        Change::Is(object) => object,
    };
    let status = object.status.as_ref()?;
    let ready = status.ready()?;
    let refreshed: Option<Timestamp> =
        status.refresh_time.as_deref().and_then(|time| time.parse().ok());
    // The hash of the annotations tells that ours was seen.
    let seen = status.synced_resource_version.as_deref()
        == Some(refresh::current_version(&object).as_str());
    let asked =
        object.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(ANNOTATION));
    if ready.is_true() && asked && (seen || refreshed > before.refreshed) {
        return Some(Outcome::Done);
    }
    // One that failed before looks the same when it fails again: only time tells.
    if !ready.is_true() && before.was_ready {
        let problem = ready.message.clone().or_else(|| ready.reason.clone());
        return Some(Outcome::Failed(problem.unwrap_or_default()));
    }
    None
}

fn done(before: Option<&str>, now: Option<&str>) -> String {
    match (before, now) {
        (Some(before), Some(now)) if before == now => {
            format!("refreshed, unchanged: version {now}")
        }
        (Some(before), Some(now)) => format!("refreshed: version {before} -> {now}"),
        (None, Some(now)) => format!("refreshed: version {now}"),
        (_, None) => "refreshed; the version of its Secret cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn object(status: &Value) -> ExternalSecret {
        serde_json::from_value(json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": "db", "generation": 1, "annotations": { ANNOTATION: "1" } },
            "spec": {}, "status": status,
        }))
        .unwrap()
    }

    fn status(ready: &str, time: &str, version: &str) -> Value {
        json!({
            "refreshTime": time, "syncedResourceVersion": version,
            "conditions": [{ "type": "Ready", "status": ready, "message": "denied" }],
        })
    }

    fn before(was_ready: bool) -> Before {
        Before {
            refreshed: "2026-11-25T12:00:00Z".parse().ok(),
            was_ready,
            secret: "db".into(),
            version: None,
        }
    }

    #[test]
    fn what_has_become_of_it() {
        let same = "2026-11-25T12:00:00Z";
        let see = |status: Value, was_ready| match outcome(
            Change::Is(object(&status)),
            &before(was_ready),
        ) {
            None => "open",
            Some(Outcome::Done) => "done",
            Some(Outcome::Failed(_)) => "failed",
            Some(Outcome::Gone) => "gone",
        };
        let current = refresh::current_version(&object(&json!({})));
        assert_eq!(see(status("True", same, "1-old"), true), "open");
        assert_eq!(see(status("True", same, &current), true), "done");
        assert_eq!(see(status("True", "2026-11-25T12:00:01Z", "1-old"), true), "done");
        assert_eq!(see(status("False", same, "1-old"), true), "failed");
        assert_eq!(see(status("False", same, "1-old"), false), "open");
        assert_eq!(see(json!({}), false), "open");
    }

    #[test]
    fn versions_are_compared_in_words() {
        assert_eq!(done(Some("a"), Some("a")), "refreshed, unchanged: version a");
        assert_eq!(done(Some("a"), Some("b")), "refreshed: version a -> b");
        assert_eq!(done(None, Some("b")), "refreshed: version b");
        assert!(done(Some("a"), None).contains("cannot be read"));
    }

    #[test]
    fn what_may_do_nothing_is_known() {
        let mut object = object(&status("True", "2026-11-25T12:00:00Z", "1-x"));
        assert_eq!(in_vain(&object), None);
        object.spec.refresh_interval = Some("0".into());
        assert!(in_vain(&object).is_some_and(|it| it.contains("refreshInterval is 0")));
        object.spec.refresh_policy = Some(RefreshPolicy::CreatedOnce);
        assert!(in_vain(&object).is_some_and(|it| it.contains("CreatedOnce")));
    }
}
