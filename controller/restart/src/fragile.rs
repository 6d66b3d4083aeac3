//! Workloads whose restart may interrupt what they serve. They restart all the same, as their owner has
//! asked for: whoever looks for the cause of an interruption finds it told.

use std::fmt;

use serde_json::Value;

/// Why a restart may be felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragile {
    /// All pods stop before new ones start.
    Recreate,
    /// All pods may be unavailable at once.
    AllAtOnce,
    /// Nothing says when a new pod serves: the next old one stops as soon as it runs.
    NoReadinessProbe,
    /// A new pod starts beside the old one, and may wait for its volume for ever.
    ClaimAndSurge,
}

impl fmt::Display for Fragile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recreate => "its strategy is Recreate, so all pods stop first",
            Self::AllAtOnce => "maxUnavailable lets all pods stop at once",
            Self::NoReadinessProbe => "no container has a readiness probe, so nothing tells when new pods serve",
            Self::ClaimAndSurge => {
                "new pods start beside old ones, and wait for them if its volume claim is for one node only"
            }
        })
    }
}

/// What is fragile of a workload as the API has it.
pub fn of(workload: &Value) -> Vec<Fragile> {
    let mut found = Vec::new();
    let strategies = ["/spec/strategy", "/spec/updateStrategy"];
    let strategy = strategies.into_iter().find_map(|place| workload.pointer(place));
    let setting = |name| strategy?.pointer("/rollingUpdate")?.get(name);
    let pod = workload.pointer("/spec/template/spec");
    let list = |name| pod.and_then(|pod| pod.get(name)?.as_array()).into_iter().flatten();
    let is_deployment = workload.pointer("/spec/strategy").is_some();
    if strategy.and_then(|it| it.get("type")?.as_str()) == Some("Recreate") {
        found.push(Fragile::Recreate);
    } else {
        let replicas = workload.pointer("/spec/replicas").and_then(Value::as_i64);
        if setting("maxUnavailable").is_some_and(|most| is_all(most, replicas)) {
            found.push(Fragile::AllAtOnce);
        }
        let surges = setting("maxSurge").is_none_or(|most| {
            most.as_i64() != Some(0) && most.as_str() != Some("0%") && most.as_str() != Some("0")
        });
        let claims = list("volumes").any(|volume| volume.get("persistentVolumeClaim").is_some());
        if is_deployment && surges && claims {
            found.push(Fragile::ClaimAndSurge);
        }
    }
    let mut containers = list("containers").peekable();
    if containers.peek().is_some() && containers.all(|it| it.get("readinessProbe").is_none()) {
        found.push(Fragile::NoReadinessProbe);
    }
    found
}

/// Whether a number or a share of the replicas, if those are known, is all of them.
fn is_all(most: &Value, replicas: Option<i64>) -> bool {
    let share = most.as_str().and_then(|most| most.strip_suffix('%')?.parse::<i64>().ok());
    let number = || most.as_i64().or_else(|| most.as_str()?.parse().ok());
    match share {
        Some(share) => share >= 100,
        None => number().zip(replicas).is_some_and(|(most, all)| all > 0 && most >= all),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(strategy: &Value) -> Value {
        json!({ "spec": { "replicas": 2, "strategy": strategy, "template": { "spec": {
            "containers": [{ "readinessProbe": {} }, {}] } } } })
    }

    #[test]
    fn what_stops_all_pods_at_once_is_told() {
        let rolling = |most: Value| json!({ "rollingUpdate": { "maxUnavailable": most } });
        for (strategy, expected) in [
            (json!({ "type": "Recreate" }), vec![Fragile::Recreate]),
            (rolling(json!("100%")), vec![Fragile::AllAtOnce]),
            (rolling(json!(2)), vec![Fragile::AllAtOnce]),
            (rolling(json!(1)), vec![]),
            (rolling(json!("25%")), vec![]),
            (json!({}), vec![]),
        ] {
            assert_eq!(of(&deployment(&strategy)), expected, "{strategy}");
        }
        // The nodes of a DaemonSet are not counted.
        let set = |most: Value| json!({ "spec": { "updateStrategy": { "rollingUpdate": { "maxUnavailable": most } } } });
        assert_eq!(of(&set(json!("100%"))), [Fragile::AllAtOnce]);
        assert_eq!(of(&set(json!(5))), []);
    }

    #[test]
    fn a_volume_that_new_pods_may_wait_for_and_pods_that_nothing_probes_are_told() {
        let mut it = deployment(&json!({ "rollingUpdate": { "maxSurge": "25%" } }));
        it["spec"]["template"]["spec"]["volumes"] =
            json!([{ "persistentVolumeClaim": { "claimName": "a" } }]);
        assert_eq!(of(&it), [Fragile::ClaimAndSurge]);
        it["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = json!(0);
        assert_eq!(of(&it), []);
        it["spec"]["template"]["spec"]["containers"] = json!([{}, {}]);
        assert_eq!(of(&it), [Fragile::NoReadinessProbe]);
        assert_eq!(of(&json!({ "spec": { "containers": [{}] } })), [], "a pod of its own");
    }
}
