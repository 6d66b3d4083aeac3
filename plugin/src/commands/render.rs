//! `kubectl extsecret render`

use std::cell::OnceCell;
use std::collections::BTreeMap;

use anyhow::Context as _;
use extsecret_engine::collect::{self, CollectError, Collected, FetchError, Fetched};
use extsecret_engine::plan::{self, Action, Input, PlanError};
use extsecret_engine::request::{self, Request};
use extsecret_engine::secret::Secret;
use extsecret_engine::template::{self, Reference, Settings, Sources, TemplateError};
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::read::Limits;
use extsecret_manifest::source::Place;
use extsecret_migrate::verify::Source as _;
use extsecret_provider::aws::Endpoints;
use gotemplate::Delimiters;

use crate::cli::{Format, RenderArgs};
use crate::cluster::Cluster;
use crate::exit::Exit;
use crate::input::{self, Inputs};
use crate::output::manifests::{self, Part};
use crate::output::{self, text::Printer};
use crate::render::aws::Aws;
use crate::render::compare::{self, Comparison};
use crate::render::mask::Mask;
use crate::render::subject::{Manifests, Subject, Written};
use crate::render::system::System;
use crate::render::values::Offline;
use crate::render::{codes, locate, show};

/// The namespace of objects that do not name theirs, when no cluster is asked.
const DEFAULT_NAMESPACE: &str = "default";

pub(crate) fn run(args: &RenderArgs) -> anyhow::Result<Exit> {
    let limits = Limits::default();
    let mut inputs = Inputs::default();
    let offline = args.values.offline().then(|| Offline::read(&args.values, &mut inputs, &limits));
    let offline = offline.transpose()?;
    input::manifests::add(&mut inputs, &args.filename, args.recursive, None, &limits)?;
    let connection = Connection { args, cluster: OnceCell::new() };
    let namespace = match &args.cluster.namespace {
        Some(namespace) => namespace.clone(),
        // Files and values say everything: the kubeconfig has no part in it.
        None if offline.is_some() && args.names.is_empty() && !args.diff => {
            DEFAULT_NAMESPACE.to_owned()
        }
        None => connection.get()?.namespace().to_owned(),
    };
    let mut manifests = Manifests::read(&inputs, &namespace);
    for name in &args.names {
        let object = connection.get()?.external_secret(&namespace, name)?;
        let object = object.with_context(|| {
            format!("there is no ExternalSecret {name:?} in the namespace {namespace:?}; -n chooses another one")
        })?;
        manifests.subjects.push(Subject { object, written: None });
    }
    let settings = Settings {
        delimiters: Delimiters {
            left: args.template_left_delimiter.clone(),
            right: args.template_right_delimiter.clone(),
        },
        ..Settings::default()
    };
    let mut renderer = Renderer {
        args,
        manifests: &manifests,
        connection: &connection,
        offline: offline.as_ref(),
        aws: None,
        settings,
        mask: Mask::new(args.show_values)?,
        system: System::new()?,
        findings: Vec::new(),
        notes: Vec::new(),
    };
    let mut shown = Shown::default();
    for subject in &manifests.subjects {
        renderer.subject(subject, &inputs, &mut shown)?;
    }
    let Renderer { findings, notes, .. } = renderer;
    let failed = explain(&inputs, &manifests, &findings, &notes);
    shown.print(args)?;
    if manifests.subjects.is_empty() && !failed {
        output::stderr(
            "error: there is no ExternalSecret of external-secrets.io/v1 in the input\n",
        );
        return Ok(Exit::CouldNotRun);
    }
    Ok(if failed || shown.differs() { Exit::Refused } else { Exit::Success })
}

/// What goes to stdout.
#[derive(Default)]
struct Shown {
    documents: Vec<Node>,
    comparisons: Vec<Comparison>,
}

impl Shown {
    fn differs(&self) -> bool {
        self.comparisons.iter().any(|comparison| !comparison.changes.is_empty())
    }

    fn print(&self, args: &RenderArgs) -> anyhow::Result<()> {
        let format = args.output.unwrap_or_default();
        if args.diff {
            let text = match format {
                Format::Yaml => self.comparisons.iter().map(Comparison::text).collect(),
                Format::Json => {
                    let json = serde_json::to_string_pretty(&self.comparisons);
                    json.context("cannot write the comparison as JSON")? + "\n"
                }
            };
            return Ok(output::stdout_verbatim(&text)?);
        }
        let parts =
            self.documents.iter().map(|node| Part::Written(std::borrow::Cow::Borrowed(node)));
        match format {
            Format::Yaml => {
                let mut stdout = output::stdout_in_pieces();
                manifests::yaml(parts, &mut stdout)?;
                std::io::Write::flush(&mut stdout)?;
            }
            Format::Json => output::stdout_verbatim(&manifests::json(parts))?,
        }
        Ok(())
    }
}

/// The cluster, once something is wanted from it.
struct Connection<'a> {
    args: &'a RenderArgs,
    cluster: OnceCell<Cluster>,
}

impl Connection<'_> {
    fn get(&self) -> anyhow::Result<&Cluster> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster);
        }
        let cluster = Cluster::connect(&self.args.cluster)?;
        Ok(self.cluster.get_or_init(|| cluster))
    }
}

/// What becomes of an ExternalSecret.
struct Rendered {
    /// The Secret that is in the cluster now.
    existing: Option<Secret>,
    /// The Secret as it would be; `None` if there would be none.
    wanted: Option<Secret>,
}

/// Why a Secret is not shown.
enum Failure {
    Collect(CollectError),
    Plan(PlanError),
    /// A store, or something else around the object.
    Diagnostic(Diagnostic),
}

struct Renderer<'a> {
    args: &'a RenderArgs,
    manifests: &'a Manifests<'a>,
    connection: &'a Connection<'a>,
    offline: Option<&'a Offline>,
    aws: Option<Aws>,
    settings: Settings,
    mask: Mask,
    system: System,
    /// What is wrong, with the object that it is about.
    findings: Vec<(String, Option<Place>, Diagnostic)>,
    /// What is worth knowing about objects that are fine.
    notes: Vec<String>,
}

impl Renderer<'_> {
    fn subject(
        &mut self,
        subject: &Subject<'_>,
        inputs: &Inputs,
        shown: &mut Shown,
    ) -> anyhow::Result<()> {
        match self.render(subject)? {
            Ok(Rendered { existing, wanted }) if self.args.diff => {
                let comparison = compare::compare(
                    &subject.object,
                    existing.as_ref(),
                    wanted.as_ref(),
                    &self.mask,
                );
                shown.comparisons.extend(comparison);
            }
            Ok(Rendered { wanted, .. }) => {
                let document =
                    wanted.map(|secret| show::document(&subject.object, &secret, &self.mask));
                shown.documents.extend(document.map(Node::from));
            }
            Err(failure) => {
                let diagnostic = self.diagnostic(subject, failure, inputs);
                let whole = subject.written.map(Written::place);
                self.findings.push((subject.label(), whole, diagnostic));
            }
        }
        Ok(())
    }

    fn render(&mut self, subject: &Subject<'_>) -> anyhow::Result<Result<Rendered, Failure>> {
        let object = &subject.object;
        let requests = match request::requests(&object.spec) {
            Ok(requests) => requests,
            Err(error) => return Ok(Err(Failure::Collect(error.into()))),
        };
        let answers = match self.answers(subject, &requests)? {
            Ok(answers) => answers,
            Err(diagnostic) => return Ok(Err(Failure::Diagnostic(diagnostic))),
        };
        let collected = match collect::collect(&object.spec, &requests, answers, &mut self.system) {
            Ok(collected) => collected,
            Err(error) => return Ok(Err(Failure::Collect(error))),
        };
        let existing = if self.args.diff {
            let name = object.spec.target_name(subject.name());
            let secret = self.connection.get()?.secret(subject.namespace(), name)?;
            secret.map(Secret::from)
        } else {
            None
        };
        let sources = self.sources(subject)?;
        let input = Input {
            object,
            collected: Ok(&collected),
            existing: existing.as_ref(),
            sources: &sources,
            settings: &self.settings,
            adopt: true,
        };
        let plan = plan::plan(&input, &mut self.system);
        if !plan.outcome.ready {
            // What the Secret itself says about it has a place; the rest is about policies.
            let failure = match plan::desired(&input, &collected.data, &mut self.system) {
                Err(error) => Failure::Plan(error),
                Ok(_) => {
                    Failure::Diagnostic(Diagnostic::new(&codes::NO_SECRET, plan.outcome.message))
                }
            };
            return Ok(Err(failure));
        }
        let wanted = match plan.action {
            Action::Create(secret) | Action::Update(secret) => Some(secret),
            Action::Delete => None,
            Action::Nothing if plan.outcome.bound || collected.data.is_empty() => existing.clone(),
            // A policy keeps it from being written; what it would be is shown all the same.
            Action::Nothing => match plan::desired(&input, &collected.data, &mut self.system) {
                Ok(secret) => Some(secret),
                Err(error) => return Ok(Err(Failure::Plan(error))),
            },
        };
        self.note(subject, &collected, &plan.outcome.message);
        Ok(Ok(Rendered { existing, wanted }))
    }

    /// What the controller would say, where it is more than "secret synced".
    fn note(&mut self, subject: &Subject<'_>, collected: &Collected, message: &str) {
        // Without a look at the cluster, nobody knows whether there is a Secret to merge into.
        let uninteresting = message == "secret synced"
            || (!self.args.diff && message.starts_with("secret will not be created"));
        if !uninteresting || !collected.missing.is_empty() {
            self.notes.push(format!("{}: {message}", subject.label()));
        }
    }

    /// An answer to each request, from the files or from AWS.
    fn answers(
        &mut self,
        subject: &Subject<'_>,
        requests: &[Request],
    ) -> anyhow::Result<Result<Vec<Result<Fetched, FetchError>>, Diagnostic>> {
        if let Some(offline) = self.offline {
            return Ok(Ok(requests.iter().map(|request| offline.answer(&request.fetch)).collect()));
        }
        let mut answers: BTreeMap<usize, Result<Fetched, FetchError>> = BTreeMap::new();
        let mut by_store: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, request) in requests.iter().enumerate() {
            by_store.entry(&request.store).or_default().push(index);
        }
        for (store, indices) in by_store {
            let namespace = subject.namespace();
            let spec = match self.manifests.store(namespace, store) {
                Some(spec) => Some(spec.clone()),
                None => self.connection.get()?.store(namespace, store)?,
            };
            let Some(spec) = spec else {
                let message =
                    format!("there is no {store}, neither in the files nor in the cluster");
                return Ok(Err(Diagnostic::new(&codes::NO_STORE, message)));
            };
            let aws = match &mut self.aws {
                Some(aws) => aws,
                none => {
                    let endpoints = Endpoints {
                        secrets_manager: self.args.aws.aws_secretsmanager_endpoint.clone(),
                        parameter_store: self.args.aws.aws_ssm_endpoint.clone(),
                        sts: None,
                    };
                    none.insert(Aws::new(endpoints, self.args.cluster.request_timeout.0)?)
                }
            };
            let wanted: Vec<_> = indices.iter().map(|index| &requests[*index].fetch).collect();
            match aws.fetch(store, &spec, &wanted) {
                Ok(fetched) => answers.extend(indices.into_iter().zip(fetched)),
                Err(message) => {
                    return Ok(Err(Diagnostic::new(&codes::NO_STORE, message)));
                }
            }
        }
        Ok(Ok(answers.into_values().collect()))
    }

    /// The ConfigMaps and Secrets of `templateFrom`: from the files, else from the cluster, if a
    /// cluster is asked at all.
    fn sources(&self, subject: &Subject<'_>) -> anyhow::Result<Sources> {
        let mut sources = Sources::default();
        let target = subject.object.spec.target.as_ref();
        let Some(template) = target.and_then(|target| target.template.as_ref()) else {
            return Ok(sources);
        };
        let namespace = subject.namespace();
        let key = |name: &str| (namespace.to_owned(), name.to_owned());
        let ask = self.offline.is_none() || self.args.diff || !self.args.names.is_empty();
        for reference in template::references(template) {
            match reference {
                Reference::ConfigMap(name) => {
                    if let Some((data, _)) = self.manifests.config_maps.get(&key(name)) {
                        sources.config_maps.insert(name.to_owned(), data.clone());
                    } else if ask
                        && let Some(found) = self.connection.get()?.config_map(namespace, name)?
                    {
                        sources.config_maps.insert(name.to_owned(), found.data.unwrap_or_default());
                    }
                }
                Reference::Secret(name) => {
                    if let Some(data) = self.manifests.secrets.get(&key(name)) {
                        sources.secrets.insert(name.to_owned(), data.clone());
                    } else if ask
                        && let Some(found) = self.connection.get()?.secret(namespace, name)?
                    {
                        sources.secrets.insert(name.to_owned(), Secret::from(found).data);
                    }
                }
            }
        }
        Ok(sources)
    }

    fn diagnostic(&self, subject: &Subject<'_>, failure: Failure, inputs: &Inputs) -> Diagnostic {
        let whole = subject.written.map(Written::place);
        let at_whole = |diagnostic: Diagnostic| match whole {
            Some(place) if diagnostic.place.is_none() => diagnostic.at(place),
            _ => diagnostic,
        };
        match failure {
            Failure::Diagnostic(diagnostic) => at_whole(diagnostic),
            Failure::Collect(error) => {
                let code = match &error {
                    CollectError::Request(_) => &codes::NO_STORE,
                    CollectError::Fetch { .. } => &codes::NO_VALUE,
                    CollectError::Value { .. } => &codes::UNUSABLE_VALUE,
                };
                let mut diagnostic = Diagnostic::new(code, error.to_string());
                if let CollectError::Fetch { missing, error: FetchError::NoSecret } = &error
                    && self.offline.is_some()
                    && let Some(key) = &missing.key
                {
                    diagnostic = diagnostic.help(format!("add {key:?} to the file of --values"));
                }
                let field = match &error {
                    CollectError::Fetch { missing, .. } | CollectError::Value { missing, .. } => {
                        Some(missing.field)
                    }
                    CollectError::Request(_) => None,
                };
                at_whole(match (subject.written, field) {
                    (Some(written), Some(field)) => {
                        let place =
                            locate::item(written.node, field).map_or(written.place(), |node| {
                                Place { file: written.file, span: node.span }
                            });
                        diagnostic.at(place)
                    }
                    _ => diagnostic,
                })
            }
            Failure::Plan(error) => {
                let PlanError::Template(error) = error else {
                    return at_whole(Diagnostic::new(&codes::NO_SECRET, error.to_string()));
                };
                at_whole(self.template_diagnostic(subject, &error, inputs))
            }
        }
    }

    /// A finding that points to the line of the template.
    fn template_diagnostic(
        &self,
        subject: &Subject<'_>,
        error: &TemplateError,
        inputs: &Inputs,
    ) -> Diagnostic {
        let (code, place, inner) = match error {
            TemplateError::Parse { place, error } => (&codes::TEMPLATE_SYNTAX, place, Some(error)),
            TemplateError::Execute { place, error } => {
                (&codes::TEMPLATE_FAILED, place, Some(error))
            }
            TemplateError::NotAMap { place, .. }
            | TemplateError::Decode { place, .. }
            | TemplateError::NotText { place } => (&codes::TEMPLATE_FAILED, place, None),
            TemplateError::SourceMissing { .. } | TemplateError::KeyMissing { .. } => {
                return Diagnostic::new(&codes::TEMPLATE_SOURCE, error.to_string());
            }
            _ => return Diagnostic::new(&codes::NO_SECRET, error.to_string()),
        };
        // Whoever asks for the values gets the whole error, too.
        let message = match inner {
            Some(inner) if self.mask.is_open() => {
                String::from_utf8_lossy(&inner.message.reveal()).into_owned()
            }
            Some(inner) => inner.to_string(),
            None => error.to_string(),
        };
        let diagnostic = Diagnostic::new(code, message).field(place.to_string());
        let written = match place {
            template::Place::ConfigMap { name, .. } => {
                let key = (subject.namespace().to_owned(), name.clone());
                self.manifests.config_maps.get(&key).map(|(_, written)| *written)
            }
            _ => subject.written,
        };
        let Some(written) = written else { return diagnostic };
        let Some(node) = locate::node(written.node, place) else { return diagnostic };
        let span = match (inner, inputs.sources.get(written.file)) {
            (Some(inner), Some(file)) => locate::line(file, node, inner.line, inner.column),
            _ => node.span,
        };
        diagnostic.at(Place { file: written.file, span })
    }
}

/// Prints all findings; true if one of them is an error.
fn explain(
    inputs: &Inputs,
    manifests: &Manifests<'_>,
    findings: &[(String, Option<Place>, Diagnostic)],
    notes: &[String],
) -> bool {
    let mut printer = Printer::new(&inputs.sources, &inputs.hidden);
    let mut failed = false;
    for diagnostic in &inputs.diagnostics {
        failed |= diagnostic.is_error();
        printer.add(None, None, std::slice::from_ref(diagnostic));
    }
    for (object, diagnostic) in &manifests.diagnostics {
        failed |= diagnostic.is_error();
        printer.add(object.as_deref(), None, std::slice::from_ref(diagnostic));
    }
    for (object, whole, diagnostic) in findings {
        failed |= diagnostic.is_error();
        printer.add(Some(object), *whole, std::slice::from_ref(diagnostic));
    }
    let mut text = printer.finish();
    for note in notes {
        text.push_str("note: ");
        text.push_str(note);
        text.push('\n');
    }
    output::stderr(&text);
    failed
}
