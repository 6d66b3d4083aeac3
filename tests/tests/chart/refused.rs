//! Values that would not do what they look like are refused before anything is installed.

use extsecret_tests::{require, tools};

use crate::chart::{template, values_files};

/// Arguments of Helm, and a part of its refusal.
const BAD: &[(&[&str], &str)] = &[
    // A name that is nearly right.
    (&["--set=replicas=2"], "replicas"),
    (&["--set=image.repo=x"], "repo"),
    (&["--set=crds.createClusterGenerator=false"], "createClusterGenerator"),
    (&["--set=podDisruptionBudget.minavailable=1"], "minavailable"),
    (&["--set=livenessProbe.spec.httpGet.prot=1"], "prot"),
    // A part of External Secrets Operator that is not there.
    (&["--set=webhook.create=false"], "webhook"),
    (&["--set=certController.create=false"], "certController"),
    (&["--set=processPushSecret=true"], "processPushSecret"),
    // Values of the wrong type or out of range.
    (&["--set=replicaCount=-1"], "replicaCount"),
    (&["--set-string=replicaCount=2"], "replicaCount"),
    (&["--set-string=leaderElect=yes"], "leaderElect"),
    (&["--set=concurrent=0"], "concurrent"),
    (&["--set=log.level=verbose"], "log"),
    (&["--set=storeRequeueInterval=often"], "storeRequeueInterval"),
    (&["--set=image.pullPolicy=Sometimes"], "pullPolicy"),
    (&["--set=image.digest=sha256:abc"], "digest"),
    (&["--set=metrics.listen.port=70000"], "metrics"),
    (&["--set=scopedNamespace=Not_A_Namespace"], "scopedNamespace"),
    (&["--set=podDisruptionBudget.minAvailable=half"], "minAvailable"),
    (&["--set=events.queueUrl=my-queue"], "queueUrl"),
    (&["--set=restarts.notify.url=ftp://example.com"], "url"),
    (&["--set-json=podLabels={\"a\":1}"], "podLabels"),
    (&["--set-json=extraEnv=[{\"value\":\"x\"}]"], "extraEnv"),
    (&["--set-json=extraArgs={\"--concurrent\":1}"], "--concurrent"),
    (&["--set=serviceMonitor.renderMode=perhaps"], "renderMode"),
    (&["--set=networkPolicy.egressPorts=null"], "egressPorts"),
    // What no schema can say.
    (&["--set=scopedRBAC=true"], "scopedRBAC needs scopedNamespace"),
    (&["--set=replicaCount=2,leaderElect=false"], "replicaCount 2 needs leaderElect"),
    (
        &["--set=restarts.enabled=true,restarts.notify.url=https://example.com"],
        "restarts.notify.url needs restarts.notify.keySecret.name",
    ),
    (
        &["--set=serviceMonitor.enabled=true,serviceMonitor.renderMode=failIfMissing"],
        "install the Prometheus Operator",
    ),
];

#[test]
fn bad_values_are_refused_with_their_name() {
    require!(tools::helm());
    let accepted: Vec<_> = BAD
        .iter()
        .filter_map(|(args, part)| {
            let rendered = template(args).unwrap();
            let refused = !rendered.status.success() && rendered.stderr.contains(part);
            (!refused).then(|| format!("{args:?}: {}", rendered.stderr))
        })
        .collect();
    assert!(accepted.is_empty(), "not refused as they should be:\n{}", accepted.join("\n"));
    // The same way of calling it takes good ones.
    template(&["--set=replicaCount=2"]).unwrap().succeeded();
    assert!(!values_files().is_empty());
}
