//! Classes of the Secrets Store CSI driver become ExternalSecrets.
//!
//! A `SecretProviderClass` of the AWS provider (ASCP) says what is fetched into a volume of pods,
//! and which Secrets the driver makes of it while such a pod runs. Each of those Secrets becomes
//! an ExternalSecret; a class without any becomes one whose keys are its files.
//!
//! ```text
//! SecretProviderClass ─> class ─┬─> objects (YAML in a text, with places) ─> descriptor ─> files
//!                               └─> secrets (one plan per Secret)
//! pods ─────────────────> identity (store), volume (what to change in the pods)   at the end
//! ```
//!
//! Who reads the values is known only when all workloads have been seen, so that classes wait
//! here until the run ends.

mod class;
mod descriptor;
mod identity;
mod jmes;
mod objects;
mod pods;
mod secrets;
mod volume;

use std::collections::BTreeMap;

use extsecret_crds::provider::aws::AwsService;
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::{Node, Value};
use extsecret_manifest::source::{FileId, SourceFile};

use crate::FileHints;
use crate::backends::StoreSeed;
use crate::codes;
use crate::emit::{self, Draft, Refresh};
use crate::finding::Findings;
use crate::noise;
use crate::options::{Options, Scope};
use crate::report::{ObjectReport, Outcome};
use crate::run::REFRESH_INTERVAL;
use identity::Identity;
use pods::Mount;
use secrets::Planned;
use volume::Change;

/// True for the objects that are read here.
pub(crate) fn is_class(group: &str, kind: &str) -> bool {
    group == "secrets-store.csi.x-k8s.io" && kind == "SecretProviderClass"
}

/// Everything about the CSI driver in a run.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    pending: Vec<Pending>,
    mounts: Vec<Mount>,
}

/// A class that waits for the workloads.
#[derive(Debug)]
struct Pending {
    /// Position of its report.
    index: usize,
    name: String,
    namespace: Option<String>,
    region: String,
    pod_identity: bool,
    secrets: Vec<(Planned, Node)>,
    change: Change,
}

impl Classes {
    /// Reads a class. False when it is refused; the findings then say why.
    pub(crate) fn add(
        &mut self,
        index: usize,
        object: &Node,
        hints: FileHints,
        options: &Options,
        found: &mut Findings<'_>,
    ) -> bool {
        let Some(class) = class::read(object, hints, options, found) else { return false };
        if class.namespace.is_none() && options.scope == Scope::Cluster {
            found
                .object(&codes::E10, "the class names no namespace, so its store cannot list it")
                .help = Some(
                "give --namespace NAMESPACE, or --scope namespace for a base that is used in many"
                    .into(),
            );
        }
        about_members(&class, found);
        top_level(object, found);
        let planned = secrets::plan(&class, found);
        let old = object.get("metadata").cloned().unwrap_or_default();
        let metadata = emit::metadata(class.name, class.namespace, &old, found);
        let change = Change::new(
            &class.fetched.files,
            planned.iter().map(|planned| {
                let data = planned.spec.data.as_deref().unwrap_or_default();
                let keys = data.iter().zip(&planned.files);
                let keys =
                    keys.filter_map(|(item, file)| Some((item.secret_key.as_str(), (*file)?)));
                (planned.name.as_str(), keys.collect())
            }),
            !class.secrets.is_empty(),
        );
        if found.is_refused() {
            return false;
        }
        self.pending.push(Pending {
            index,
            name: class.name.to_owned(),
            namespace: class.namespace.map(str::to_owned),
            region: class.region.clone(),
            pod_identity: class.pod_identity,
            change,
            secrets: planned.into_iter().map(|planned| named(planned, &metadata)).collect(),
        });
        true
    }

    /// Remembers what an object of another kind mounts.
    pub(crate) fn workload(
        &mut self,
        id: FileId,
        file: &SourceFile,
        object: &Node,
        kind: &str,
        namespace: Option<&str>,
    ) {
        self.mounts.extend(pods::mounts(id, file, object, kind, namespace));
    }

    /// Makes the drafts. `others` are the Secrets that other objects of the run write; `seed`
    /// gives a store its number.
    pub(crate) fn finish(
        mut self,
        options: &Options,
        reports: &mut [ObjectReport],
        others: &[(usize, Box<Draft>)],
        mut seed: impl FnMut(StoreSeed) -> usize,
    ) -> (Vec<(usize, Box<Draft>)>, Vec<Diagnostic>) {
        self.collisions(reports, others);
        let mut by_class: BTreeMap<(Option<String>, String), Vec<&Mount>> = BTreeMap::new();
        for mount in &self.mounts {
            let key = (mount.namespace.clone(), mount.class.clone());
            by_class.entry(key).or_default().push(mount);
        }
        for mounts in by_class.values_mut() {
            mounts.sort_by(|a, b| (&a.spot, a.place).cmp(&(&b.spot, b.place)));
        }
        let (mut drafts, mut synced, mut mounted) = (Vec::new(), false, false);
        for pending in self.pending {
            let key = (pending.namespace.clone(), pending.name.clone());
            let mounts = by_class.get(&key).map(Vec::as_slice).unwrap_or_default();
            let Some(report) = reports.get_mut(pending.index) else { continue };
            let place = report.origin.place();
            let decided = identity::decide(
                pending.namespace.as_deref(),
                pending.pod_identity,
                mounts,
                options,
            );
            let identity = match decided {
                Ok(identity) => identity,
                Err(why) => {
                    report.outcome = Outcome::Refused;
                    report.diagnostics = vec![why.at(place)];
                    continue;
                }
            };
            synced |= pending.change.synced;
            mounted |= !pending.change.synced;
            report.diagnostics.push(about_pods(&pending, mounts).at(place));
            let parameters = pending
                .secrets
                .iter()
                .any(|(planned, _)| planned.services.contains(&AwsService::ParameterStore));
            report.diagnostics.push(identity.finding.clone().at(place));
            if parameters {
                let message = "ESO reads parameters with ssm:GetParameter; the provider used ssm:GetParameters, and a role may allow only that";
                report.diagnostics.push(Diagnostic::new(&codes::W36, message).at(place));
            }
            let index = pending.index;
            drafts.extend(
                pending
                    .drafts(mounts, &identity, &mut seed)
                    .into_iter()
                    .map(|draft| (index, Box::new(draft))),
            );
        }
        (drafts, about_the_run(synced, mounted))
    }

    /// Refuses classes whose Secrets something else in the run writes otherwise.
    fn collisions(&mut self, reports: &mut [ObjectReport], others: &[(usize, Box<Draft>)]) {
        struct Writer<'a> {
            index: usize,
            class: Option<(&'a Pending, &'a Planned)>,
        }
        let mut writers: BTreeMap<(Option<&str>, &str), Vec<Writer<'_>>> = BTreeMap::new();
        for (index, draft) in others {
            let key = (draft.namespace.as_deref(), draft.name.as_str());
            writers.entry(key).or_default().push(Writer { index: *index, class: None });
        }
        for pending in &self.pending {
            for (planned, _) in &pending.secrets {
                let key = (pending.namespace.as_deref(), planned.name.as_str());
                let class = Some((pending, planned));
                writers.entry(key).or_default().push(Writer { index: pending.index, class });
            }
        }
        // Said twice in the same words, as when one file is given twice, nothing is lost.
        let same = |a: &Writer<'_>, b: &Writer<'_>| match (a.class, b.class) {
            (Some((class, one)), Some((other, two))) => {
                class.region == other.region
                    && class.pod_identity == other.pod_identity
                    && one.spec == two.spec
                    && one.services == two.services
            }
            _ => false,
        };
        let mut refused: BTreeMap<usize, Diagnostic> = BTreeMap::new();
        for ((_, name), writers) in &writers {
            let Some(first) = writers.first() else { continue };
            if writers.iter().skip(1).all(|other| same(first, other)) {
                continue;
            }
            for (at, writer) in writers.iter().enumerate().filter(|(_, w)| w.class.is_some()) {
                let other = writers.get(usize::from(at == 0)).map_or(writer.index, |w| w.index);
                let (Some(report), Some(other)) = (reports.get(writer.index), reports.get(other))
                else {
                    continue;
                };
                let message = format!(
                    "another object of the input writes the Secret `{name}` too, in another way"
                );
                refused.entry(writer.index).or_insert_with(|| {
                    Diagnostic::new(&codes::E26, message)
                        .at(report.origin.place())
                        .related(other.origin.place(), "the other one")
                });
            }
        }
        self.pending.retain(|pending| !refused.contains_key(&pending.index));
        for (index, why) in refused {
            if let Some(report) = reports.get_mut(index) {
                report.outcome = Outcome::Refused;
                report.diagnostics = vec![why];
            }
        }
    }
}

/// The metadata of the class, under the name of one of its Secrets.
fn named(planned: Planned, metadata: &Node) -> (Planned, Node) {
    let mut metadata = metadata.clone();
    if let Some(name) = metadata.get_mut("name") {
        name.value = Value::String(planned.name.clone());
    }
    (planned, metadata)
}

impl Pending {
    fn label(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }

    fn drafts(
        self,
        mounts: &[&Mount],
        identity: &Identity,
        seed: &mut impl FnMut(StoreSeed) -> usize,
    ) -> Vec<Draft> {
        let mut notes = self.change.comment(&self.label(), mounts);
        let mut store =
            |service: &AwsService| seed(identity::seed(service, &self.region, identity));
        let mut drafts = Vec::with_capacity(self.secrets.len());
        for (planned, metadata) in self.secrets {
            // The store that most classes need for all of their objects.
            let main = if planned.services.contains(&AwsService::SecretsManager) {
                AwsService::SecretsManager
            } else {
                AwsService::ParameterStore
            };
            let number = store(&main);
            let other = planned.services.iter().find(|service| **service != main).map(&mut store);
            let elsewhere = planned.services.iter().enumerate();
            let elsewhere = elsewhere.filter(|(_, service)| **service != main);
            drafts.push(Draft {
                name: planned.name,
                namespace: self.namespace.clone(),
                controller: None,
                seed: number,
                skeleton: None,
                role_chain: false,
                role: None,
                keys: Vec::new(),
                above: Vec::new(),
                elsewhere: elsewhere.filter_map(|(at, _)| Some((at, other?))).collect(),
                refresh: Some(Refresh { interval: REFRESH_INTERVAL.into(), on_change: false }),
                notes: std::mem::take(&mut notes),
                metadata,
                spec: planned.spec,
                comments: planned.comments,
            });
        }
        drafts
    }
}

/// What the class's own pods have to do.
fn about_pods(pending: &Pending, mounts: &[&Mount]) -> Diagnostic {
    let change = &pending.change;
    let (message, help) = if change.synced {
        let missing = if change.missing.is_empty() {
            String::new()
        } else {
            format!("; in no Secret are: {}", change.missing.join(", "))
        };
        (
            format!(
                "once the new objects are ready, pods need the class's volume only for its files{missing}"
            ),
            if change.is_possible() {
                format!(
                    "remove the volume and its volumeMounts; if containers read its files, write instead of `csi`: {}",
                    change.flow()
                )
            } else {
                "remove the volume and its volumeMounts where no container reads its files".into()
            },
        )
    } else {
        (
            format!(
                "the files are keys of the Secret `{}` now, which the pods have to mount",
                pending.name
            ),
            format!(
                "in the volume write instead of `csi`: {}; the volumeMounts stay as they are",
                change.flow()
            ),
        )
    };
    let mut found = Diagnostic::new(&codes::W39, message).help(help);
    for mount in mounts {
        found.related.push((mount.place, format!("{}, volume {}", mount.workload, mount.volume)));
    }
    found
}

/// What is said once, however many classes there are.
fn about_the_run(synced: bool, mounted: bool) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    let mut say = |code, message: String| all.push(Diagnostic::new(code, message));
    if synced || mounted {
        say(&codes::W34, "Secrets are there whether or not a pod mounts the class, and their values are read before any pod starts".into());
        say(
            &codes::W37,
            format!(
                "values are refreshed every {REFRESH_INTERVAL}; the CSI driver read them at the start of each pod, and with rotation as often as its poll interval says"
            ),
        );
    }
    if synced {
        say(&codes::W35, "Secrets that the CSI driver made are taken over: first the new objects, then the classes without secretObjects, then the pods".into());
    }
    if mounted {
        say(
            &codes::W41,
            "values that were only in the memory of nodes are kept in Secrets, and so in etcd"
                .into(),
        );
    }
    all
}

fn about_members(class: &class::Class<'_>, found: &mut Findings<'_>) {
    if class.fetched.files.iter().any(|file| file.property.is_some()) {
        found.object(
            &codes::W38,
            "where a path of jmesPath names no text, the provider failed; ESO writes the JSON text",
        );
    }
}

/// Fields beside `spec`.
fn top_level(object: &Node, found: &mut Findings<'_>) {
    for given in object.as_mapping().unwrap_or_default() {
        match given.key.as_str() {
            "apiVersion" | "kind" | "metadata" | "spec" => {}
            "status" => found.once(&codes::I04, noise::MESSAGE),
            other => {
                found.at(
                    &codes::W02,
                    given.key_span,
                    other,
                    format!("`{other}` is unknown to the CSI driver and left out"),
                );
            }
        }
    }
}
