//! Which workloads of the input mount a class, through which volume, and as whom.

use extsecret_manifest::node::Node;
use extsecret_manifest::source::{FileId, Place, SourceFile};

const DRIVER: &str = "secrets-store.csi.k8s.io";

/// One volume of one workload.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    pub(super) namespace: Option<String>,
    pub(super) class: String,
    /// `Deployment app/web`
    pub(super) workload: String,
    pub(super) volume: String,
    /// Where the volume stands.
    pub(super) place: Place,
    /// `FILE:LINE` of the same.
    pub(super) spot: String,
    pub(super) service_account: String,
}

/// The mounts of classes in an object that is a pod, or that makes pods.
pub(super) fn mounts(
    id: FileId,
    file: &SourceFile,
    object: &Node,
    kind: &str,
    namespace: Option<&str>,
) -> Vec<Mount> {
    const SPECS: [&[&str]; 3] = [
        &["spec", "template", "spec"],
        &["spec", "jobTemplate", "spec", "template", "spec"],
        &["spec"],
    ];
    let has_volumes =
        |path: &&[&str]| object.at(path).is_some_and(|spec| spec.get("volumes").is_some());
    let Some(spec) = SPECS.iter().copied().find(has_volumes).and_then(|path| object.at(path))
    else {
        return Vec::new();
    };
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let name =
        object.at(&["metadata", "name"]).or_else(|| object.at(&["metadata", "generateName"]));
    let name = name.and_then(Node::as_str).unwrap_or("without a name");
    let workload = match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    let service_account = text(spec, "serviceAccountName")
        .or_else(|| text(spec, "serviceAccount"))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "default".into());
    let volumes = spec.get("volumes").and_then(Node::as_sequence).unwrap_or_default();
    volumes
        .iter()
        .filter_map(|volume| {
            let csi = volume.get("csi")?;
            csi.get("driver").and_then(Node::as_str).filter(|driver| *driver == DRIVER)?;
            let class = csi.at(&["volumeAttributes", "secretProviderClass"])?.as_str()?;
            let line = file.location(volume.span.start).line;
            Some(Mount {
                namespace: namespace.map(str::to_owned),
                class: class.to_owned(),
                workload: workload.clone(),
                volume: text(volume, "name").unwrap_or_default(),
                place: Place { file: id, span: volume.span },
                spot: format!("{}:{line}", file.path()),
                service_account: service_account.clone(),
            })
        })
        .collect()
}
