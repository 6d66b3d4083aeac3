//! `kubectl extsecret validate`

use std::collections::BTreeMap;

use extsecret_manifest::diagnostic::{Diagnostic, Severity};
use extsecret_manifest::read::{Content, Limits};
use extsecret_manifest::source::Place;
use extsecret_manifest::stream::{self, Object};
use extsecret_migrate::{Context, Migrator, Options};
use extsecret_validate::{Manifests, Stores, Verdict, check_with};

use crate::cli::{FindingsFormat as Format, ValidateArgs};
use crate::cluster::Cluster;
use crate::exit::Exit;
use crate::input::{Inputs, manifests};
use crate::output;
use crate::output::findings::{self, Counted, Finding};
use crate::output::text::Printer;
use crate::validation::codes;
use crate::validation::fix::{self, Fixed};
use crate::validation::live;
use crate::validation::server::Server;

/// What is to be said of one object, or of a document or the run.
struct Section {
    object: Option<String>,
    whole: Option<Place>,
    diagnostics: Vec<Diagnostic>,
}

pub(crate) fn run(args: &ValidateArgs) -> anyhow::Result<Exit> {
    let limits = Limits::default();
    let from_files = args.objects.are_in_files();
    let asked = args.dry_run.is_some() || !from_files;
    let cluster = asked.then(|| Cluster::connect(&args.cluster)).transpose()?;
    let (mut inputs, mut stores) = read(args, cluster.as_ref(), &limits)?;
    if args.fix {
        let fixed = fix::apply(&inputs, &limits)?;
        if fixed.fixes > 0 {
            let places = if fixed.fixes == 1 { "place" } else { "places" };
            let files = if fixed.files == 1 { "file" } else { "files" };
            let Fixed { fixes, files: count } = fixed;
            output::stderr(&format!("fixed {fixes} {places} in {count} {files}\n"));
            (inputs, stores) = read(args, cluster.as_ref(), &limits)?;
        }
    }
    if !from_files && inputs.files.is_empty() {
        output::stderr("No resources found.\n");
        return Ok(Exit::Success);
    }
    let server = match cluster.filter(|_| args.dry_run.is_some()) {
        Some(cluster) => Some(Server::ask(cluster)?),
        None => None,
    };
    let (mut sections, counted) = look(&inputs, server.as_ref(), stores)?;
    for section in &mut sections {
        section.diagnostics.retain(|it| is_wanted(args, it));
    }
    sections.sort_by_key(|section| {
        let place = section.diagnostics.first().and_then(|it| it.place).or(section.whole);
        (place.is_none(), place)
    });
    let all: Vec<Finding<'_>> = sections
        .iter()
        .flat_map(|section| {
            let object = section.object.as_deref();
            section.diagnostics.iter().map(move |diagnostic| Finding { object, diagnostic })
        })
        .collect();
    match args.output {
        Format::Text => explain(&inputs, &sections, &all, counted),
        Format::Json => {
            let document = findings::json(&inputs.sources, &all, counted);
            output::stdout_verbatim(&(serde_json::to_string_pretty(&document)? + "\n"))?;
        }
        Format::Sarif => {
            let document = findings::sarif(&inputs.sources, &all);
            output::stdout_verbatim(&(serde_json::to_string_pretty(&document)? + "\n"))?;
        }
        Format::Github => output::stdout_verbatim(&findings::github(&inputs.sources, &all))?,
    }
    if !inputs.any_readable() {
        return Ok(Exit::CouldNotRun);
    }
    let least = if args.strict { Severity::Warning } else { Severity::Error };
    // Severities are ordered from the worst on.
    let failed = all.iter().any(|finding| finding.diagnostic.code.severity <= least);
    Ok(if failed { Exit::Refused } else { Exit::Success })
}

/// Files, or what the cluster has with all stores of it.
fn read(
    args: &ValidateArgs,
    cluster: Option<&Cluster>,
    limits: &Limits,
) -> anyhow::Result<(Inputs, Option<Stores>)> {
    let mut stores = None;
    let mut inputs = Inputs::default();
    manifests::add_objects(&mut inputs, &args.objects, limits)?;
    if !args.objects.are_in_files()
        && let Some(cluster) = cluster
    {
        let namespace = (!args.objects.all_namespaces).then(|| cluster.namespace());
        let select = args.objects.selection();
        stores = Some(live::add(&mut inputs, cluster, namespace, &select, limits)?);
    }
    Ok((inputs, stores))
}

fn is_wanted(args: &ValidateArgs, diagnostic: &Diagnostic) -> bool {
    diagnostic.is_error() || !(args.quiet || args.suppress.contains(&diagnostic.code))
}

/// Looks at every object.
fn look(
    inputs: &Inputs,
    server: Option<&Server>,
    stores: Option<Stores>,
) -> anyhow::Result<(Vec<Section>, Counted)> {
    let mut sections = Vec::new();
    let mut counted = Counted::default();
    let documents = || inputs.files.iter().flat_map(|file| &file.documents);
    let objects: Vec<Object<'_>> = documents().flat_map(stream::objects).collect();
    let mut all = Manifests::default();
    for object in &objects {
        all.add(object);
    }
    if let Some(stores) = stores {
        all.know(stores);
    }
    let mut old = Vec::new();
    for object in &objects {
        let own = server.zip(object.kind()).and_then(|(server, kind)| server.schema(kind));
        match check_with(object, &all, own) {
            Verdict::Checked(mut diagnostics) => {
                counted.objects += 1;
                // Of what is refused anyway the API server would say the same in other words.
                let asked = server.filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
                if let Some(server) = asked {
                    diagnostics.extend(server.dry_run(object)?);
                }
                sections.push(Section {
                    object: Some(label(object)),
                    whole: Some(object.place()),
                    diagnostics,
                });
            }
            Verdict::OldKind => old.push(object),
            Verdict::NotOurs => counted.others += 1,
        }
    }
    if !old.is_empty() {
        let mut found = migrate(inputs);
        counted.objects += found.len();
        if let Some(server) = server {
            let more = ask_old(server, &old, &mut found)?;
            found.extend(more);
        }
        sections.extend(found);
    }
    for document in documents() {
        if let Content::Broken(error) = &document.content {
            let diagnostics = vec![(**error).clone()];
            sections.push(Section { object: None, whole: None, diagnostics });
        }
    }
    for diagnostic in &inputs.diagnostics {
        let diagnostics = vec![diagnostic.clone()];
        sections.push(Section { object: None, whole: None, diagnostics });
    }
    Ok((sections, counted))
}

/// What the migration says about objects of kubernetes-external-secrets.
fn migrate(inputs: &Inputs) -> Vec<Section> {
    let (context, options) = (Context::default(), Options::default());
    let mut migrator = Migrator::new(&context, &options);
    for file in &inputs.files {
        if let Some(source) = inputs.sources.get(file.id) {
            migrator.add(file.id, source, &file.documents, file.hints);
        }
    }
    let objects = migrator.finish().objects.into_iter();
    objects
        .filter(|object| object.api_version.starts_with("kubernetes-client.io/"))
        .map(|object| Section {
            object: Some(named(&object.kind, object.namespace.as_deref(), object.name.as_deref())),
            whole: Some(object.origin.place()),
            diagnostics: object.diagnostics,
        })
        .collect()
}

/// What the API server says of objects of kubernetes-external-secrets: to those it has something to say
/// of it is added; what is of none of them comes back. Whether they can be migrated is another question:
/// those that cannot are asked about, too.
fn ask_old(
    server: &Server,
    old: &[&Object<'_>],
    found: &mut [Section],
) -> anyhow::Result<Vec<Section>> {
    let mut more = Vec::new();
    let mut unserved = Vec::new();
    for object in old {
        let Some(diagnostic) = server.dry_run(object)? else { continue };
        if diagnostic.code.id == codes::OLD_KIND_NOT_SERVED.id {
            unserved.push(diagnostic.message);
            continue;
        }
        let place = Some(object.place());
        match found.iter_mut().find(|section| section.whole == place) {
            Some(section) => section.diagnostics.push(diagnostic),
            None => more.push(Section {
                object: Some(label(object)),
                whole: place,
                diagnostics: vec![diagnostic],
            }),
        }
    }
    if let Some(why) = unserved.first() {
        let count = match unserved.len() {
            1 => "one object of kubernetes-external-secrets was".to_owned(),
            number => format!("{number} objects of kubernetes-external-secrets were"),
        };
        let message = format!("{count} not tried by the API server: {why}");
        let diagnostics = vec![Diagnostic::new(&codes::OLD_KIND_NOT_SERVED, message)];
        more.push(Section { object: None, whole: None, diagnostics });
    }
    Ok(more)
}

fn label(object: &Object<'_>) -> String {
    named(object.kind().unwrap_or_default(), object.namespace(), object.name())
}

fn named(kind: &str, namespace: Option<&str>, name: Option<&str>) -> String {
    match (namespace, name) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        _ => kind.to_owned(),
    }
}

fn explain(inputs: &Inputs, sections: &[Section], all: &[Finding<'_>], counted: Counted) {
    let mut printer = Printer::new(&inputs.sources, &inputs.hidden);
    for section in sections {
        printer.add(section.object.as_deref(), section.whole, &section.diagnostics);
    }
    let mut text = printer.finish();
    text.push_str(&summary(all, counted));
    output::stderr(&text);
}

/// `3 objects checked: 1 error, 2 warnings; 4 other documents not looked at`
fn summary(all: &[Finding<'_>], counted: Counted) -> String {
    let count = |number: usize, noun: &str| {
        format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
    };
    let mut by_severity: BTreeMap<Severity, usize> = BTreeMap::new();
    for finding in all {
        *by_severity.entry(finding.diagnostic.code.severity).or_default() += 1;
    }
    let found: Vec<String> = by_severity
        .into_iter()
        .map(|(severity, number)| count(number, severity.as_str()))
        .collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    let others = match counted.others {
        0 => String::new(),
        number => format!("; {} of another kind not looked at", count(number, "object")),
    };
    format!("{} checked: {found}{others}\n", count(counted.objects, "object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts() {
        assert_eq!(
            summary(&[], Counted { objects: 1, others: 0 }),
            "1 object checked: nothing found\n"
        );
        let error = Diagnostic::new(&extsecret_validate::codes::MISSING, "x");
        let finding = Finding { object: None, diagnostic: &error };
        assert_eq!(
            summary(&[finding, finding], Counted { objects: 3, others: 2 }),
            "3 objects checked: 2 errors; 2 objects of another kind not looked at\n"
        );
    }
}
