//! Reads a Deployment of KES.

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::source::{FileId, Place};

use super::environment::Builder;
use super::manifest::{self, Neighbours, name_of};
use super::{Context, ServiceAccount, Source, files};
use crate::codes;

/// The name of the chart, of its container and of the image's repository.
const KES: &str = "kubernetes-external-secrets";
/// What people call it for short, and what ESO is called too.
const SHORT: &str = "external-secrets";

/// One container of one Deployment.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    deployment: &'a Node,
    container: &'a Node,
}

impl Context {
    /// Reads the documents of a file that holds the Deployment of KES, and beside it, as far as
    /// given, the `ConfigMap`s and the service account that it refers to and Namespaces. Of
    /// Secrets only the names of their keys are looked at.
    ///
    /// Returns what should be known about it (W31), or E10 when there is no such Deployment or
    /// when it is not clear which container is KES.
    pub fn from_deployment<'a>(
        file: FileId,
        documents: impl IntoIterator<Item = &'a Node>,
    ) -> Result<(Self, Vec<Diagnostic>), Diagnostic> {
        let objects = manifest::objects(documents);
        let Candidate { deployment, container } = find(file, &objects)?;
        let neighbours = Neighbours::new(&objects);
        let namespace = name_of(deployment, &["metadata", "namespace"]);
        let pod = deployment.at(&["spec", "template", "spec"]);

        let mut builder = Builder::new(file, namespace, &neighbours);
        for entry in container.get("envFrom").and_then(Node::as_sequence).unwrap_or_default() {
            builder.source(entry);
        }
        for entry in container.get("env").and_then(Node::as_sequence).unwrap_or_default() {
            builder.entry(entry);
        }
        let (env, unseen) = builder.finish();

        // A pod that names none runs as `default`; `serviceAccount` is the field's old name.
        let account = pod
            .and_then(|pod| {
                name_of(pod, &["serviceAccountName"]).or_else(|| name_of(pod, &["serviceAccount"]))
            })
            .unwrap_or("default");

        let mut context = Self {
            namespace: namespace.map(Into::into),
            service_account: Some(ServiceAccount {
                name: account.into(),
                annotations: neighbours.service_account(namespace, account),
            }),
            pod_annotations: manifest::texts(deployment.at(&[
                "spec",
                "template",
                "metadata",
                "annotations",
            ])),
            source: Source::Deployment,
            env,
            unseen,
            mounts: files::mounts(
                pod.and_then(|pod| pod.get("volumes")),
                container.get("volumeMounts"),
                namespace,
                &neighbours,
            ),
            ..Self::default()
        };
        let mut diagnostics = context.unreadable();
        diagnostics.extend(objects.iter().filter_map(|object| context.add_namespace(file, object)));
        Ok((context, diagnostics))
    }
}

/// Finds the container of KES: the one that is certainly it, or else the one that is called so for
/// short, or else the only one. ESO is never taken for it.
fn find<'a>(file: FileId, objects: &[&'a Node]) -> Result<Candidate<'a>, Diagnostic> {
    let candidates: Vec<_> = objects
        .iter()
        .filter(|object| name_of(object, &["kind"]) == Some("Deployment"))
        .flat_map(|deployment| {
            let containers = deployment.at(&["spec", "template", "spec", "containers"]);
            containers
                .and_then(Node::as_sequence)
                .unwrap_or_default()
                .iter()
                .map(|container| Candidate { deployment, container })
        })
        .collect();
    if candidates.is_empty() {
        return Err(Diagnostic::new(&codes::E10, "no Deployment of KES in the file").help(
            "write it with `kubectl get deployment kubernetes-external-secrets -o yaml`, with the \
             namespace KES runs in",
        ));
    }

    let ranks: [fn(&Candidate<'a>) -> bool; 3] =
        [|it| it.is_kes(), |it| it.is_called_external_secrets(), |it| !it.is_eso()];
    for rank in ranks {
        let mut found = candidates.iter().copied().filter(rank);
        match (found.next(), found.next()) {
            (None, _) => {}
            (Some(candidate), None) => return Ok(candidate),
            (Some(_), Some(_)) => {
                return Err(ambiguous(file, candidates.iter().copied().filter(rank)));
            }
        }
    }
    let message = "the Deployment in the file runs External Secrets Operator, not KES";
    let diagnostic = Diagnostic::new(&codes::E10, message)
        .help("pass the Deployment whose image is kubernetes-external-secrets");
    Err(match candidates.first() {
        Some(candidate) => diagnostic.at(candidate.place(file)),
        None => diagnostic,
    })
}

fn ambiguous<'a>(file: FileId, found: impl Iterator<Item = Candidate<'a>>) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(&codes::E10, "");
    let mut names = Vec::new();
    for candidate in found {
        names.push(candidate.describe());
        diagnostic = match diagnostic.place {
            None => diagnostic.at(candidate.place(file)),
            Some(_) => diagnostic.related(candidate.place(file), "or this one"),
        };
    }
    diagnostic.message = format!("more than one container could be KES: {}", names.join(", "));
    diagnostic
        .help("leave only one in the file; convert the objects of each KES in a run of its own")
}

impl Candidate<'_> {
    fn name(&self) -> &str {
        name_of(self.container, &["name"]).unwrap_or_default()
    }

    fn image(&self) -> &str {
        name_of(self.container, &["image"]).unwrap_or_default()
    }

    /// The image without registry, tag and digest, such as `external-secrets/external-secrets`.
    fn repository(&self) -> &str {
        let image = self.image();
        let image = image.split_once('@').map_or(image, |(image, _)| image);
        match image.rsplit_once(':') {
            // A colon before the last slash belongs to the registry's port.
            Some((name, tag)) if !tag.contains('/') => name,
            _ => image,
        }
    }

    fn is_kes(&self) -> bool {
        self.name() == KES || last_segment(self.repository()).contains(KES)
    }

    fn is_called_external_secrets(&self) -> bool {
        !self.is_eso() && (self.name() == SHORT || last_segment(self.repository()) == SHORT)
    }

    fn is_eso(&self) -> bool {
        self.repository().ends_with("external-secrets/external-secrets")
    }

    fn describe(&self) -> String {
        let deployment =
            name_of(self.deployment, &["metadata", "name"]).unwrap_or("without a name");
        format!("{} of Deployment {deployment}", self.name())
    }

    fn place(&self, file: FileId) -> Place {
        Place { file, span: self.container.span }
    }
}

fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
