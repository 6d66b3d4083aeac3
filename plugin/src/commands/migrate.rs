//! `kubectl extsecret migrate`

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::read::{Content, Limits};
use extsecret_manifest::source::{Place, SourceFile, Span};
use extsecret_migrate::context::Release;
use extsecret_migrate::verify::{self, Source, Verification};
use extsecret_migrate::{Context, Migration, Migrator, ObjectReport, Outcome};

use crate::cli::{ContextArgs, Format, MigrateArgs};
use crate::exit::Exit;
use crate::files::{self, Access};
use crate::input::{self, Documents, Inputs, Reading};
use crate::output;
use crate::output::manifests::{self, Part};
use crate::output::report::{self, Summary};
use crate::output::text::Printer;
use crate::placement::{self, Plan};
use crate::render::values::Offline;

pub(crate) fn run(args: &MigrateArgs) -> anyhow::Result<Exit> {
    if let Some(live) = &args.live {
        return super::handover::run(live);
    }
    let limits = Limits::default();
    let mut inputs = Inputs::default();
    let context = match context(&args.context, &mut inputs, &limits) {
        Ok(context) => context,
        Err(diagnostics) => {
            let mut printer = Printer::new(&inputs.sources, &inputs.hidden);
            printer.add(None, None, &diagnostics);
            output::stderr(&printer.finish());
            return Ok(Exit::CouldNotRun);
        }
    };

    let values = &args.verify.values;
    let values = values.offline().then(|| Offline::read(values, &mut inputs, &limits));
    let values = values.transpose()?;

    let options = args.options();
    let mut migrator = Migrator::new(&context, &options);
    let again =
        args.output.in_place || args.output.diff || args.output.pass_through || args.verify.verify;
    let reading = Reading {
        except: args.output.output_dir.as_deref(),
        documents: if again { Documents::Keep } else { Documents::Drop },
        helm: options.helm_escape,
    };
    input::read(&mut inputs, &args.input, reading, &limits, |input, source, words| {
        match &input.helm {
            Some(helm) => migrator.add_helm(input.id, helm, words, input.hints),
            None => migrator.add(input.id, source, &input.documents, input.hints),
        }
    });
    let mut migration = migrator.finish();
    let verification = args.verify.verify.then(|| {
        let values = values.as_ref().map(|values| values as &dyn Source);
        verify::verify(&mut migration, &options, |origin| inputs.read_again(origin), values)
    });

    inputs.settle(&mut migration, &limits);
    if let Some(file) = inputs.edited.keys().next()
        && args.output.output == Some(Format::Json)
    {
        let path = inputs.sources.get(*file).map_or("a file", SourceFile::path);
        anyhow::bail!("JSON cannot hold {path}, which is a Helm template: leave out -o json");
    }

    let mut plan = plan(args, &inputs, &migration, &limits)?;
    // A reader that went away does not take the findings away from the person at the terminal.
    let printed = print(args, &inputs, &migration, &plan, &limits);
    if !args.output.diff {
        files::write_all(&plan.writes)?;
    }
    inputs.diagnostics.append(&mut plan.diagnostics);
    if let Some(path) = &args.output.report {
        report(path, args.output.diff, &inputs, &migration, verification, &plan)?;
    }
    explain(args, &inputs, &migration, verification, &plan);
    printed.context("cannot print the result")?;

    let findings = migration.objects.iter().flat_map(|object| &object.diagnostics);
    let failed = Summary::of(&migration).refused > 0
        || findings.into_iter().any(Diagnostic::is_error)
        || inputs.diagnostics.iter().chain(&migration.diagnostics).any(Diagnostic::is_error);
    Ok(match (inputs.any_readable(), failed) {
        (false, _) => Exit::CouldNotRun,
        (true, true) => Exit::Refused,
        (true, false) => Exit::Success,
    })
}

/// What the flags say about KES's installation. The files are never quoted: they hold credentials.
fn context(
    args: &ContextArgs,
    inputs: &mut Inputs,
    limits: &Limits,
) -> Result<Context, Vec<Diagnostic>> {
    let (path, is_deployment) = match (&args.kes_deployment, &args.kes_values) {
        (Some(path), _) => (path, true),
        (None, Some(path)) => (path, false),
        (None, None) => return Ok(Context::default()),
    };
    let (file, documents) = inputs.add_context(path, limits);
    let mut nodes: Vec<&Node> = Vec::new();
    let mut broken = Vec::new();
    for document in &documents {
        match &document.content {
            Content::Node(node) => nodes.push(node),
            Content::Broken(diagnostic) => broken.push((**diagnostic).clone()),
            Content::Empty => {}
        }
    }
    if !broken.is_empty() {
        return Err(broken);
    }
    let read = if is_deployment {
        Context::from_deployment(file, nodes)
    } else {
        let nothing = Node::default();
        let values = nodes.first().copied().unwrap_or(&nothing);
        let release =
            Release { name: args.kes_release.as_deref(), namespace: args.kes_namespace.as_deref() };
        Context::from_helm_values(file, values, release)
    };
    let (context, diagnostics) = read.map_err(|mut diagnostic| {
        diagnostic.place.get_or_insert(Place { file, span: Span::default() });
        vec![diagnostic]
    })?;
    inputs.diagnostics.extend(diagnostics);
    Ok(context)
}

fn plan(
    args: &MigrateArgs,
    inputs: &Inputs,
    migration: &Migration,
    limits: &Limits,
) -> anyhow::Result<Plan> {
    if let Some(folder) = &args.output.output_dir {
        return placement::tree(inputs, migration, folder, args.output.pass_through, limits);
    }
    if args.output.in_place || args.output.diff {
        let stores = args
            .output
            .stores
            .clone()
            .unwrap_or_else(|| placement::stores_file(&args.input.filename));
        return placement::in_place(inputs, migration, &stores, limits);
    }
    Ok(Plan::default())
}

/// What belongs on stdout.
fn print(
    args: &MigrateArgs,
    inputs: &Inputs,
    migration: &Migration,
    plan: &Plan,
    limits: &Limits,
) -> anyhow::Result<()> {
    if args.output.diff {
        return Ok(output::stdout(&plan.diffs.concat())?);
    }
    if args.output.in_place || args.output.output_dir.is_some() {
        return Ok(());
    }
    let copies: Vec<(String, &Node)> = migration
        .objects
        .iter()
        .filter(|object| args.output.pass_through && object.outcome == Outcome::Kept)
        .filter(|object| !inputs.is_template(object.origin.file))
        .filter_map(|object| inputs.copied(&object.origin))
        .collect();
    // Stores may hold actions, and a template is written as a whole.
    let mut texts = Vec::new();
    let mut parts = Vec::with_capacity(migration.outputs.len());
    for output in &migration.outputs {
        match output.origin {
            None if !inputs.words.is_empty() => {
                texts.push((inputs.text_of(&[output], limits)?, output.node()));
            }
            Some(origin) if inputs.is_template(origin.file) => {}
            _ => parts.push(Part::Written(output.standalone())),
        }
    }
    let nothing = Node::default();
    for input in inputs.files.iter().filter(|input| inputs.is_template(input.id)) {
        let whole = match inputs.edited.get(&input.id) {
            Some(edited) => Some(edited.text.as_str()),
            None if args.output.pass_through => inputs.sources.get(input.id).map(SourceFile::text),
            None => None,
        };
        texts.extend(whole.map(|text| (text.to_owned(), &nothing)));
    }
    let stores = texts.iter().map(|(text, node)| Part::Copied { text, node });
    let parts =
        stores.chain(parts).chain(copies.iter().map(|(text, node)| Part::Copied { text, node }));
    match args.output.output.unwrap_or_default() {
        Format::Yaml => {
            let mut stdout = output::stdout_in_pieces();
            manifests::yaml(parts, &mut stdout)?;
            std::io::Write::flush(&mut stdout)?;
        }
        Format::Json => output::stdout_verbatim(&manifests::json(parts))?,
    }
    Ok(())
}

fn report(
    path: &Path,
    dry: bool,
    inputs: &Inputs,
    migration: &Migration,
    verification: Option<Verification>,
    plan: &Plan,
) -> anyhow::Result<()> {
    let places = plan.places.iter();
    let places =
        places.filter(|_| !dry).map(|(index, path)| (*index, path.display().to_string())).collect();
    let json =
        report::json(&inputs.sources, migration, verification, &inputs.diagnostics, &places)?;
    if path == Path::new("-") {
        output::stdout_verbatim(&json)?;
        return Ok(());
    }
    files::write(path, &json, Access::Kept)
        .with_context(|| format!("cannot write the report {}", path.display()))
}

/// Findings that are shown together.
struct Section<'a> {
    place: Option<Place>,
    /// The object's own place.
    whole: Option<Place>,
    object: Option<String>,
    diagnostics: &'a [Diagnostic],
}

/// Findings in the order of the input, what was written, and the summary.
fn explain(
    args: &MigrateArgs,
    inputs: &Inputs,
    migration: &Migration,
    verification: Option<Verification>,
    plan: &Plan,
) {
    let mut printer = Printer::new(&inputs.sources, &inputs.hidden)
        .errors_only(args.output.quiet)
        .suppress(&args.output.suppress);
    let about_objects = migration.objects.iter().map(|object| Section {
        place: Some(object.origin.place()),
        whole: Some(object.origin.place()),
        object: label(object),
        diagnostics: &object.diagnostics,
    });
    let about_more = inputs.diagnostics.iter().chain(&migration.diagnostics);
    let about_more = about_more.map(|diagnostic| Section {
        place: diagnostic.place,
        whole: None,
        object: None,
        diagnostics: std::slice::from_ref(diagnostic),
    });
    let mut sections: Vec<_> = about_more.chain(about_objects).collect();
    // What is said about the run as a whole comes last.
    sections.sort_by_key(|section| (section.place.is_none(), section.place));
    for section in &sections {
        printer.add(section.object.as_deref(), section.whole, section.diagnostics);
    }
    let mut text = printer.finish();
    if !args.output.diff {
        text.push_str(&written(plan, migration));
    }
    let stdout_or_tree = !(args.output.in_place || args.output.diff);
    let left_out = stdout_or_tree && !args.output.pass_through;
    let _ = writeln!(text, "{}", Summary::of(migration).line(left_out));
    if let Some(verification) = verification {
        let given = args.verify.values.offline();
        let _ = writeln!(text, "{}", report::verified(verification, given));
    }
    output::stderr(&text);
}

/// A word on the files, when there are any.
fn written(plan: &Plan, migration: &Migration) -> String {
    let stores = migration.outputs.iter().position(|output| output.origin.is_none());
    let stores = stores.and_then(|index| plan.places.get(&index));
    match (plan.writes.len(), stores) {
        (0, _) => String::new(),
        (1, None) => "1 file written\n".to_owned(),
        (files, None) => format!("{files} files written\n"),
        (1, Some(path)) => format!("1 file written: {}\n", path.display()),
        (files, Some(path)) => {
            format!("{files} files written, new stores to {}\n", path.display())
        }
    }
}

/// `ExternalSecret app/db`
fn label(object: &ObjectReport) -> Option<String> {
    let name = object.name.as_deref()?;
    Some(match &object.namespace {
        Some(namespace) => format!("{} {namespace}/{name}", object.kind),
        None => format!("{} {name}", object.kind),
    })
}
