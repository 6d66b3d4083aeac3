//! Whether the API server encrypts Secrets before it stores them, as far as anybody can see that from
//! outside: no API tells it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;

use super::{Check, State};
use crate::cluster::kinds::PODS;
use crate::cluster::{Cluster, Selection};

/// Where control planes that run as pods have them, and the label that they have there.
const NAMESPACE: &str = "kube-system";
const LABEL: &str = "component=kube-apiserver";

/// The flag that names what encrypts.
const FLAG: &str = "--encryption-provider-config";

/// Counts what is encrypted on its way to etcd.
const METRIC: &str = "apiserver_storage_transformation_operations_total{";

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// Secrets are written by these: `aescbc`, `kms`.
    By(Vec<String>),
    /// There is a configuration, and nobody could see what it says of Secrets.
    Configured,
    /// The API server runs without a configuration.
    Plain,
    /// Nobody can tell, and why.
    Unknown(String),
}

pub(super) fn look(cluster: &Cluster) -> Check {
    let metrics = cluster.text("/metrics");
    let flags = flags(cluster);
    let counted = metrics.as_ref().ok().and_then(Option::as_deref).map(writers);
    let refused = metrics.err().map(|error| error.short());
    check(judge(counted, flags, refused))
}

fn judge(counted: Option<Vec<String>>, flags: Option<bool>, refused: Option<String>) -> Seen {
    match (counted, flags) {
        (Some(by), _) if !by.is_empty() => Seen::By(by),
        (_, Some(true)) => Seen::Configured,
        (_, Some(false)) => Seen::Plain,
        // Nothing counted: there is no configuration, or no Secret was written since the start.
        (Some(_), None) => Seen::Unknown(
            "the API server has encrypted no Secret since it started, and its flags are not to be \
             seen"
                .to_owned(),
        ),
        (None, None) => Seen::Unknown(match refused {
            Some(why) => format!("metrics of the API server: {why}"),
            None => "the API server shows neither its flags nor its metrics".to_owned(),
        }),
    }
}

fn check(seen: Seen) -> Check {
    const ABOUT: &str = "encryptionAtRest";
    match seen {
        Seen::By(by) => {
            let text = format!("Secrets are encrypted at rest by {}", by.join(" and "));
            Check::new(ABOUT, State::Ok, text)
        }
        Seen::Configured => Check::new(
            ABOUT,
            State::Ok,
            "the API server has a configuration for encryption at rest",
        )
        .and("whether it is about Secrets, its file says"),
        Seen::Plain => {
            Check::new(ABOUT, State::Attention, "Secrets are stored in etcd as they are")
                .and(format!("the API server runs without {FLAG}"))
        }
        Seen::Unknown(why) => Check::new(ABOUT, State::Unknown, "encryption at rest: unknown")
            .and(why)
            .and("a managed control plane tells it in its provider's console"),
    }
}

/// Whether a control plane that runs as pods has the flag; `None` if there is none to be seen.
fn flags(cluster: &Cluster) -> Option<bool> {
    let select = Selection { labels: Some(LABEL.to_owned()), ..Selection::default() };
    let mut found: Option<bool> = None;
    let listed = cluster.list(&PODS, Some(NAMESPACE), &select, |page: Vec<Pod>| {
        for pod in page {
            let spec = pod.spec.into_iter();
            let words = spec.flat_map(|spec| spec.containers).flat_map(|container| {
                container.command.into_iter().chain(container.args).flatten()
            });
            let has = words.into_iter().any(|word| {
                word.strip_prefix(FLAG).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            });
            // With one that has none, some Secrets are written as they are.
            found = Some(found.unwrap_or(true) && has);
        }
    });
    listed.ok()?;
    found
}

/// What has encrypted Secrets, by the metrics of the API server.
fn writers(metrics: &str) -> Vec<String> {
    let mut by = BTreeSet::new();
    for line in metrics.lines().filter_map(|line| line.strip_prefix(METRIC)) {
        let label = |name: &str| -> Option<&str> {
            let start = line.find(&format!("{name}=\""))? + name.len() + 2;
            line.get(start..)?.split('"').next()
        };
        // Servers before 1.31 do not tell of which resource they count.
        let secrets = label("resource").is_none_or(|it| it == "secrets");
        let counted = line.rsplit(' ').next().is_some_and(|number| number != "0");
        if !secrets || !counted || label("transformation_type") != Some("to_storage") {
            continue;
        }
        // `k8s:enc:kms:v2:NAME:`
        let prefix = label("transformer_prefix").unwrap_or_default();
        if let Some(rest) = prefix.strip_prefix("k8s:enc:") {
            let name = rest.trim_end_matches(':').replace(':', " ");
            by.insert(name);
        }
    }
    by.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_tell_what_encrypts_secrets() {
        let line = |resource: &str, kind: &str, prefix: &str, count: &str| {
            format!(
                "{METRIC}resource=\"{resource}\",status=\"OK\",transformation_type=\"{kind}\",\
                 transformer_prefix=\"{prefix}\"}} {count}\n"
            )
        };
        let all = [
            line("secrets", "to_storage", "k8s:enc:kms:v2:aws:", "3"),
            line("secrets", "from_storage", "k8s:enc:aescbc:v1:old:", "3"),
            line("configmaps", "to_storage", "k8s:enc:aesgcm:v1:a:", "3"),
            line("secrets", "to_storage", "k8s:enc:secretbox:v1:b:", "0"),
        ];
        assert_eq!(writers(&all.concat()), ["kms v2 aws"]);
        assert!(writers("apiserver_other 1\n").is_empty());
        let old = format!(
            "{METRIC}transformation_type=\"to_storage\",transformer_prefix=\"k8s:enc:aescbc:v1:k:\"}} 1"
        );
        assert_eq!(writers(&old), ["aescbc v1 k"]);
    }

    #[test]
    fn what_nobody_can_see_is_unknown() {
        let by = || vec!["kms v2 aws".to_owned()];
        assert_eq!(judge(Some(by()), Some(false), None), Seen::By(by()));
        assert_eq!(judge(Some(Vec::new()), Some(true), None), Seen::Configured);
        assert_eq!(judge(None, Some(false), None), Seen::Plain);
        assert!(matches!(judge(Some(Vec::new()), None, None), Seen::Unknown(_)));
        let Seen::Unknown(why) = judge(None, None, Some("forbidden".into())) else { panic!() };
        assert!(why.contains("forbidden"));
        for seen in [Seen::Configured, Seen::Plain, Seen::Unknown(String::new()), Seen::By(by())] {
            assert_eq!(check(seen.clone()).state == State::Attention, seen == Seen::Plain);
        }
    }
}
