//! Restarts that a person asks for, as `kubectl rollout restart` makes them.

use std::ops::ControlFlow;
use std::time::Duration;

use extsecret_restart::kinds::Progress;
use serde_json::{Value, json};

use super::freeze::Freeze;
use super::why;
use crate::cluster::kinds::ROLLOUTS;
use crate::cluster::{Change, Cluster, Selection, Unread, Why};
use crate::status::workload::Named;

/// What kubectl writes, and its users know. The controller never does: it notes contents, not times.
const ANNOTATION: &str = "kubectl.kubernetes.io/restartedAt";

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All pods are new.
    Done,
    /// It will not end by itself.
    Failed,
    /// The workload is gone.
    Gone,
    /// Not in time.
    Late,
}

/// Why a workload is not restarted, or `None` if it can be; and how long it is frozen, in words. A
/// freeze holds back who restarts by himself, not a person.
pub(crate) fn obstacle(
    cluster: &Cluster,
    namespace: &str,
    named: &Named,
    now: jiff::Timestamp,
) -> anyhow::Result<(Option<String>, Option<String>)> {
    let object = why::object(cluster, namespace, named)?;
    let standing = why::standing(&object, named)?;
    let said = &object["metadata"]["annotations"];
    let said: Option<why::Annotations> = serde_json::from_value(said.clone()).ok();
    let frozen = said.as_ref().and_then(Freeze::said).filter(|it| it.until > now);
    let obstacle = standing.obstacle.map(|obstacle| obstacle.to_string());
    Ok((obstacle, frozen.map(|it| it.words(now))))
}

/// Changes the pod template, or says to a Rollout when to restart, which is no change of its template
/// and needs no canary; false if the workload is gone.
pub(crate) fn restart(
    cluster: &Cluster,
    namespace: &str,
    named: &Named,
    at: jiff::Timestamp,
    dry_run: bool,
) -> Result<bool, Unread> {
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let spec = if named.kind == ROLLOUTS {
        json!({ "restartAt": at })
    } else {
        json!({ "template": { "metadata": { "annotations": { ANNOTATION: at } } } })
    };
    let change = json!({ "spec": spec });
    let changed: Option<Value> =
        cluster.patch(&named.kind, Some(namespace), &named.name, &change, dry_run)?;
    Ok(changed.is_some())
}

/// Waits for the end of a rollout.
pub(crate) fn wait(
    cluster: &Cluster,
    namespace: &str,
    named: &Named,
    patience: Duration,
) -> anyhow::Result<Ended> {
    let progress = |object: &Value| match why::standing(object, named).ok()?.progress {
        Progress::Done => Some(Ended::Done),
        Progress::Failed => Some(Ended::Failed),
        Progress::Rolling => None,
    };
    let fields = Some(format!("metadata.name={}", named.name));
    let select = Selection { fields, ..Selection::default() };
    loop {
        let Some(object): Option<Value> = cluster.get(&named.kind, Some(namespace), &named.name)?
        else {
            return Ok(Ended::Gone);
        };
        if let Some(ended) = progress(&object) {
            return Ok(ended);
        }
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let seen = cluster.watch(
            &named.kind,
            Some(namespace),
            &select,
            version,
            Some(patience),
            |change: Change<Value>| match change {
                Change::Gone(_) => ControlFlow::Break(Ended::Gone),
                Change::Is(object) => match progress(&object) {
                    Some(ended) => ControlFlow::Break(ended),
                    None => ControlFlow::Continue(()),
                },
            },
        );
        match seen {
            Ok(ended) => return Ok(ended.unwrap_or(Ended::Late)),
            Err(Unread { why: Why::Expired, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
