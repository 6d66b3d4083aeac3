//! One run: documents in, objects and a report out.
//!
//! Two passes, because a store's name and the namespaces that may use it are known only when
//! every object has been seen: [`Migrator::add`] converts, [`Migrator::finish`] names and writes.

mod kinds;
mod remarks;

use std::collections::{BTreeMap, BTreeSet};

use extsecret_crds::duration::GoDuration;
use extsecret_crds::external_secret::StoreKind;
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::helm::{HelmFile, StandIns};
use extsecret_manifest::node::Node;
use extsecret_manifest::read::{Content, Document, looks_like_template};
use extsecret_manifest::source::{FileId, Place, SourceFile};
use extsecret_manifest::stream::{self, Object};

use crate::backends::{self, Facts, StoreSeed};
use crate::codes;
use crate::comments::{self, Moves};
use crate::context::{Context, Family};
use crate::csi::{self, Classes};
use crate::emit::{self, Draft, Refresh};
use crate::finding::{Findings, WithHelp};
use crate::helm::{self, Helm};
use crate::kes;
use crate::options::{Options, Scope};
use crate::report::{Migration, ObjectReport, Origin, Outcome, Output};
use crate::stores::{StoreKey, Stores};
use crate::{FileHints, old_eso, template};
use kinds::{is_patch_of_kes, named};

/// ESO's default, spelt as its API server writes it (specification 3.5).
pub(crate) const REFRESH_INTERVAL: &str = "1h0m0s";

/// One run over any number of files.
#[derive(Debug)]
pub struct Migrator<'a> {
    context: Context,
    options: &'a Options,
    objects: Vec<ObjectReport>,
    /// Drafts with the index of their object's report; boxed, so that each is freed as soon as it
    /// is written.
    drafts: Vec<(usize, Box<Draft>)>,
    /// The stores that drafts need, each once.
    seeds: Vec<StoreSeed>,
    seed_numbers: BTreeMap<String, usize>,
    /// Classes of the CSI driver, and who mounts them.
    classes: Classes,
    /// Objects that need no store, finished at once.
    outputs: Vec<Output>,
    diagnostics: Vec<Diagnostic>,
    families: BTreeSet<Family>,
}

impl<'a> Migrator<'a> {
    /// Starts a run.
    pub fn new(context: &Context, options: &'a Options) -> Self {
        Self {
            context: context.clone(),
            options,
            objects: Vec::new(),
            drafts: Vec::new(),
            seeds: Vec::new(),
            seed_numbers: BTreeMap::new(),
            classes: Classes::default(),
            outputs: Vec::new(),
            diagnostics: Vec::new(),
            families: BTreeSet::new(),
        }
    }

    /// Converts the documents of one file. Documents of other kinds are only reported as kept.
    pub fn add(&mut self, id: FileId, file: &SourceFile, documents: &[Document], hints: FileHints) {
        self.documents(id, file, documents, hints, None);
    }

    /// Converts the objects of a Helm template with their actions set aside. What comes of it is
    /// complete after [`settle`](crate::helm::settle).
    pub fn add_helm(&mut self, id: FileId, file: &HelmFile, words: &StandIns, hints: FileHints) {
        let helm = Some(Helm { file, words });
        self.documents(id, &file.masked, &file.documents, hints, helm);
    }

    fn documents(
        &mut self,
        id: FileId,
        file: &SourceFile,
        documents: &[Document],
        hints: FileHints,
        helm: Option<Helm<'_>>,
    ) {
        for document in documents {
            match &document.content {
                Content::Empty => {}
                Content::Broken(why) => self.broken(id, file, document, why, helm),
                Content::Node(node) => {
                    if is_patch_of_kes(node) {
                        self.patch(id, file, document, node);
                        continue;
                    }
                    let (drafts, outputs) = (self.drafts.len(), self.outputs.len());
                    for object in stream::objects(document) {
                        self.object(id, file, object, hints, helm);
                    }
                    self.comments_of_list(node, drafts, outputs);
                }
            }
        }
    }

    /// What is said about a List goes to the first object that is written of it.
    fn comments_of_list(&mut self, list: &Node, drafts: usize, outputs: usize) {
        let comments = comments::around_items(list);
        if comments.is_empty() {
            return;
        }
        if let Some((_, draft)) = self.drafts.get_mut(drafts) {
            draft.above = comments;
        } else if let Some(output) = self.outputs.get_mut(outputs) {
            output.above = comments;
        }
    }

    fn broken(
        &mut self,
        id: FileId,
        file: &SourceFile,
        document: &Document,
        why: &Diagnostic,
        helm: Option<Helm<'_>>,
    ) {
        let origin = Origin { file: id, document: document.index, item: None, span: document.span };
        // Only a syntax error can come from template actions; a duplicate key cannot.
        let template = why.code.id == "R01" && looks_like_template(file.slice(document.span));
        let mut outcome = Outcome::Unreadable;
        let mut diagnostics = Vec::new();
        let diagnostic = if let Some(helm) = helm {
            if !helm.may_be_ours(document.span) {
                outcome = Outcome::Kept;
            }
            helm::unreadable(why)
        } else if template {
            let mut found = Diagnostic::new(
                &codes::E14,
                "this looks like a Helm template, which is no YAML yet",
            );
            found.place = why.place;
            found.help(
                "render it first (`helm template`, `kubectl kustomize` ...) and migrate what it prints, or keep it a Helm template with --helm-escape",
            )
        } else {
            why.clone()
        };
        if outcome == Outcome::Unreadable {
            diagnostics.push(diagnostic);
        }
        self.objects.push(ObjectReport {
            origin,
            api_version: String::new(),
            kind: String::new(),
            namespace: None,
            name: None,
            outcome,
            store: None,
            diagnostics,
        });
    }

    /// A JSON patch (RFC 6902) of a KES object.
    fn patch(&mut self, id: FileId, file: &SourceFile, document: &Document, node: &Node) {
        let mut found = Findings::new(id, file, node.span);
        found.object(&codes::E14, "this is a JSON patch of a KES object, not an object").with_help(
            "patches are edited by hand: point it at the new object's fields and API version external-secrets.io/v1",
        );
        self.objects.push(ObjectReport {
            origin: Origin { file: id, document: document.index, item: None, span: node.span },
            api_version: String::new(),
            kind: String::new(),
            namespace: None,
            name: None,
            outcome: Outcome::Refused,
            store: None,
            diagnostics: found.finish(),
        });
    }

    fn object(
        &mut self,
        id: FileId,
        file: &SourceFile,
        object: Object<'_>,
        hints: FileHints,
        helm: Option<Helm<'_>>,
    ) {
        let origin = Origin {
            file: id,
            document: object.document.index,
            item: object.item,
            span: object.node.span,
        };
        let api_version = object.api_version().unwrap_or_default();
        let kind = object.kind().unwrap_or_default();
        let mut report = ObjectReport {
            origin,
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: object.namespace().map(str::to_owned),
            name: object.name().map(str::to_owned),
            outcome: Outcome::Kept,
            store: None,
            diagnostics: Vec::new(),
        };
        let index = self.objects.len();
        match (api_version.split_once('/').unwrap_or(("", api_version)), kind) {
            (("kubernetes-client.io", _), "ExternalSecret") => {
                let mut found = Findings::new(id, file, object.node.span);
                let ready = helm.is_none_or(|helm| helm.check(&object, &mut found));
                let draft = ready.then(|| self.kes(object.node, hints, helm, &mut found)).flatten();
                report.outcome = Outcome::Refused;
                if let Some(draft) = draft.filter(|_| !found.is_refused()) {
                    report.outcome = Outcome::Converted;
                    report.namespace.clone_from(&draft.namespace);
                    self.drafts.push((index, Box::new(draft)));
                }
                report.diagnostics = found.finish();
            }
            (("external-secrets.io", "v1alpha1" | "v1beta1"), _) if old_eso::converts(kind) => {
                let mut found = Findings::new(id, file, object.node.span);
                if helm.is_none_or(|helm| helm.check_copied(&object, &mut found)) {
                    self.old_eso(id, origin, &named(object), &mut report);
                } else {
                    report.outcome = Outcome::Refused;
                    report.diagnostics = found.finish();
                }
            }
            ((group, _), _) if csi::is_class(group, kind) => {
                let mut found = Findings::new(id, file, object.node.span);
                let ready = helm.is_none_or(|helm| helm.check_class(&object, &mut found));
                let added =
                    ready && self.classes.add(index, object.node, hints, self.options, &mut found);
                report.outcome = if added { Outcome::Converted } else { Outcome::Refused };
                report.namespace = report.namespace.or_else(|| self.options.namespace.clone());
                report.diagnostics = found.finish();
            }
            (("", "v1"), "Namespace") => {
                self.diagnostics.extend(self.context.add_namespace(id, object.node));
            }
            // Which class such a workload mounts, and as whom, depends on what Helm prints.
            _ if helm.is_some_and(|helm| helm.is_in(object.document)) => {}
            _ => {
                let namespace = object.namespace().or(self.options.namespace.as_deref());
                self.classes.workload(id, file, object.node, kind, namespace);
            }
        }
        self.objects.push(report);
    }

    fn kes(
        &mut self,
        object: &Node,
        hints: FileHints,
        helm: Option<Helm<'_>>,
        found: &mut Findings<'_>,
    ) -> Option<Draft> {
        if hints.helm_template {
            found
                .object(&codes::E14, "the file is said to be a Helm template")
                .with_help("render it first with `helm template`, and migrate what it prints, or keep it a Helm template with --helm-escape");
            return None;
        }
        let kes = kes::read(object, hints, self.options.force, found)?;
        let facts = Facts { context: &self.context, options: self.options };
        let mut mapped = backends::convert(&kes, facts, Moves::of(object), found);
        let template = template::convert(&kes, self.options, Moves::of(object), found);
        let namespace = kes.namespace.or(self.options.namespace.as_deref());
        if namespace.is_none() && self.options.scope == Scope::Cluster {
            found
                .object(&codes::E10, "the object names no namespace, so its store cannot list it")
                .with_help("give --namespace NAMESPACE, or --scope namespace for a base that is used in many");
        }
        if found.is_refused() {
            return None;
        }
        self.families.insert(match kes.backend {
            kes::Backend::SecretsManager | kes::Backend::SystemManager => Family::Aws,
            kes::Backend::Vault => Family::Vault,
            _ => Family::Any,
        });
        let mut store = std::mem::take(&mut mapped.store);
        if let Some(helm) = helm {
            store.readable = helm.words.left_out(&store.readable);
        }
        let seed = self.seed(store);
        Some(emit::draft(object, &kes, namespace, seed, mapped, template, found))
    }

    fn old_eso(&mut self, id: FileId, origin: Origin, node: &Node, report: &mut ObjectReport) {
        match old_eso::convert(id, node) {
            Ok((body, diagnostics)) => {
                report.outcome = Outcome::Converted;
                report.diagnostics = diagnostics;
                self.outputs.push(Output {
                    origin: Some(origin),
                    api_version: extsecret_crds::API_VERSION.into(),
                    kind: report.kind.clone(),
                    namespace: report.namespace.clone(),
                    name: report.name.clone().unwrap_or_default(),
                    above: Vec::new(),
                    body,
                });
            }
            Err(diagnostics) => {
                report.outcome = Outcome::Refused;
                report.diagnostics = diagnostics;
            }
        }
    }

    /// Names the stores, applies the permissions of namespaces, and writes everything.
    pub fn finish(mut self) -> Migration {
        let policies = crate::permissions::apply(
            &self.context,
            self.options,
            &mut self.objects,
            &mut self.drafts,
            &mut self.diagnostics,
        );
        let refresh = self.refresh();
        self.about_the_run();
        self.classes();
        self.duplicates();
        let (keys, mut stores) = self.stores();
        let refused = stores.settle(self.options);
        self.diagnostics.extend(refused.into_iter().map(|why| Diagnostic::new(&codes::W28, why)));
        let cluster = self.options.scope == Scope::Cluster;
        let skeletons =
            emit::skeletons(self.drafts.iter().filter_map(|(_, d)| d.skeleton.as_ref()));
        let drafts = std::mem::take(&mut self.drafts);
        self.outputs.reserve_exact(drafts.len());
        for ((index, draft), key) in drafts.into_iter().zip(keys) {
            self.write(index, *draft, &key, &stores, cluster, &refresh);
        }
        let mut outputs: Vec<Output> =
            stores.into_sorted().into_iter().map(|store| emit::store(store, cluster)).collect();
        outputs.extend(skeletons.iter().map(emit::skeleton));
        outputs.extend(policies);
        let mut objects = self.outputs;
        objects.sort_by(|a, b| {
            (&a.namespace, &a.name, &a.kind, a.origin).cmp(&(
                &b.namespace,
                &b.name,
                &b.kind,
                b.origin,
            ))
        });
        outputs.extend(objects);
        if self.options.helm_escape {
            for output in &mut outputs {
                helm::escape(&mut output.body);
            }
        }
        for report in &mut self.objects {
            report.diagnostics.sort_by_key(|d| (d.place, d.code.severity, d.code.id));
        }
        self.objects.sort_by_key(|report| report.origin);
        self.diagnostics.sort_by(|a, b| {
            (a.code.id, &a.message, a.place).cmp(&(b.code.id, &b.message, b.place))
        });
        Migration { objects: self.objects, outputs, diagnostics: self.diagnostics }
    }

    fn write(
        &mut self,
        index: usize,
        mut draft: Draft,
        keys: &Keys,
        stores: &Stores,
        cluster: bool,
        refresh: &Refresh,
    ) {
        let kind = if cluster { StoreKind::ClusterSecretStore } else { StoreKind::SecretStore };
        let (name, namespace) = (draft.name.clone(), draft.namespace.clone());
        let above = std::mem::take(&mut draft.above);
        let store = stores.name(keys.main);
        let kind_and_name = format!("{kind}/{store}");
        let elsewhere: Vec<_> = keys
            .elsewhere
            .iter()
            .map(|(item, key)| (*item, stores.name(*key).to_owned()))
            .collect();
        let (body, strays) = draft.finish(&kind, store, &elsewhere, refresh);
        let Some(report) = self.objects.get_mut(index) else { return };
        report.store = Some(kind_and_name);
        for stray in strays {
            let field = if stray.field.is_empty() { "the object" } else { stray.field.as_str() };
            report.diagnostics.push(
                Diagnostic::new(
                    &codes::W30,
                    format!("the comment at {field} was kept above the nearest field that is left"),
                )
                .at(Place { file: report.origin.file, span: stray.span })
                .field(stray.field.clone()),
            );
        }
        self.outputs.push(Output {
            origin: Some(report.origin),
            api_version: extsecret_crds::API_VERSION.into(),
            kind: "ExternalSecret".into(),
            namespace,
            name,
            above,
            body,
        });
    }

    /// As soon as one object names a controller, every store does: one without would be served by
    /// all of them (specification 3.11).
    fn stores(&self) -> (Vec<Keys>, Stores) {
        let named = self.drafts.iter().any(|(_, draft)| draft.controller.is_some());
        let mut stores = Stores::default();
        let mut known: BTreeMap<(usize, Option<String>, Option<String>), StoreKey> =
            BTreeMap::new();
        let mut keys = Vec::with_capacity(self.drafts.len());
        for (_, draft) in &self.drafts {
            let controller =
                named.then(|| draft.controller.clone().unwrap_or_else(|| "default".into()));
            let home = draft.namespace.clone().filter(|_| self.options.scope == Scope::Namespace);
            let mut find = |number: usize| {
                let seed = self.seeds.get(number)?;
                let key = *known
                    .entry((number, controller.clone(), home.clone()))
                    .or_insert_with(|| stores.find_or_add(seed, controller.clone(), home.clone()));
                if let Some(namespace) = &draft.namespace {
                    stores.use_from(key, namespace);
                }
                Some(key)
            };
            let Some(main) = find(draft.seed) else { continue };
            let elsewhere = draft.elsewhere.iter();
            let elsewhere =
                elsewhere.filter_map(|(item, seed)| Some((*item, find(*seed)?))).collect();
            keys.push(Keys { main, elsewhere });
        }
        (keys, stores)
    }

    /// Adds the drafts of the CSI driver's classes: all their pods have been seen.
    fn classes(&mut self) {
        let classes = std::mem::take(&mut self.classes);
        let mut objects = std::mem::take(&mut self.objects);
        let others = std::mem::take(&mut self.drafts);
        let options = self.options;
        let (drafts, diagnostics) =
            classes.finish(options, &mut objects, &others, |seed| self.seed(seed));
        self.objects = objects;
        self.drafts = others;
        self.drafts.extend(drafts);
        self.diagnostics.extend(diagnostics);
    }

    /// The seed's number: objects of one tuple share it.
    fn seed(&mut self, seed: StoreSeed) -> usize {
        // The types hold nothing that JSON could not, and print it in a fixed order.
        let text = serde_json::to_string(&seed.provider).unwrap_or_default();
        let next = self.seeds.len();
        let number = *self.seed_numbers.entry(text).or_insert(next);
        if number == next {
            self.seeds.push(seed);
        }
        number
    }

    fn refresh(&mut self) -> Refresh {
        let converted = !self.drafts.is_empty();
        let mut say = |message: String| {
            if converted {
                self.diagnostics.push(Diagnostic::new(&codes::W12, message));
            }
        };
        if self.context.polling_disabled() {
            say("KES did not poll (DISABLE_POLLING is set, whatever its value): the new objects are refreshed only when they change".into());
            // With an interval ESO would reconcile such objects for ever.
            return Refresh { interval: "0s".into(), on_change: true };
        }
        let interval = match self.context.interval_millis() {
            Ok(millis) if self.options.keep_interval => go_duration(millis),
            Ok(millis) => {
                say(format!(
                    "values are refreshed every {REFRESH_INTERVAL} instead of every {}; --keep-interval keeps KES's interval, at its price in API calls",
                    go_duration(millis)
                ));
                REFRESH_INTERVAL.into()
            }
            Err(unknown) => {
                if converted && self.options.keep_interval {
                    self.diagnostics.push(Diagnostic { code: &codes::W31, ..unknown });
                }
                REFRESH_INTERVAL.into()
            }
        };
        Refresh { interval, on_change: false }
    }

    /// The same namespace and name twice: whichever is applied last wins.
    fn duplicates(&mut self) {
        let mut first: BTreeMap<(Option<&str>, &str), usize> = BTreeMap::new();
        let mut order: Vec<&(usize, Box<Draft>)> = self.drafts.iter().collect();
        order.sort_by_key(|(index, _)| self.objects.get(*index).map(|report| report.origin));
        let mut again = Vec::new();
        for (index, draft) in order {
            let key = (draft.namespace.as_deref(), draft.name.as_str());
            match first.get(&key) {
                None => {
                    first.insert(key, *index);
                }
                Some(&earlier) => again.push((*index, earlier)),
            }
        }
        for (index, earlier) in again {
            let Some(other) = self.objects.get(earlier).map(|report| report.origin.place()) else {
                continue;
            };
            if let Some(report) = self.objects.get_mut(index) {
                let place = report.origin.place();
                report.diagnostics.push(
                    Diagnostic::new(
                        &codes::W28,
                        "another object has the same namespace and name; both are converted",
                    )
                    .at(place)
                    .related(other, "the other one"),
                );
            }
        }
    }
}

/// The stores of a draft.
#[derive(Debug)]
struct Keys {
    main: StoreKey,
    /// By the position of the item of `data` that reads another.
    elsewhere: Vec<(usize, StoreKey)>,
}

/// Milliseconds as Go prints a duration.
fn go_duration(millis: u64) -> String {
    let nanoseconds = i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    GoDuration::from_nanoseconds(nanoseconds).to_string()
}
