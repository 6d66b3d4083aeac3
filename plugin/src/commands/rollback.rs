//! `kubectl extsecret rollback`

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Context as _, bail};
use extsecret_crds::ExternalSecret;
use extsecret_crds::duration::GoDuration;
use extsecret_crds::external_secret::RefreshPolicy;
use extsecret_engine::refresh;
use extsecret_manifest::node::Node;
use extsecret_manifest::write;
use extsecret_migrate::handover::{Body, Manager, Request, Resource};
use extsecret_provider::aws::Endpoints;
use serde_json::Value;
use similar::TextDiff;

use crate::cli::{DryRun, RollbackToArgs};
use crate::clock;
use crate::cluster::kinds::EXTERNAL_SECRETS;
use crate::cluster::{Change, Changed, Cluster, Selection, Unread, Why};
use crate::exit::Exit;
use crate::output;
use crate::output::table::printable;
use crate::restarts;
use crate::restarts::why as facts;
use crate::rollback::pins::{self, Entry, Pin};
use crate::rollback::versions::Versions;
use crate::scaffold::ask::Person;
use crate::status::consumers::{self, WORKLOADS};
use crate::status::list::shorten;
use crate::status::workload::Named;

/// How long a sync is waited for, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn run(args: &RollbackToArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let (namespace, name) = (cluster.namespace(), args.name.as_str());
    let what = format!("ExternalSecret {namespace}/{name}");
    let found: Option<Value> = cluster.get(&EXTERNAL_SECRETS, Some(namespace), name)?;
    let object =
        found.with_context(|| format!("there is no {what}; -n chooses another namespace"))?;
    let typed: ExternalSecret = serde_json::from_value(object.clone())
        .with_context(|| format!("the {what} is not as its kind wants it"))?;
    let cannot = |why: String| anyhow::anyhow!("the {what} cannot be pinned: {why}");
    if let Some(owner) = owner(&object) {
        return Err(cannot(format!("{owner} makes it and would put it back: change that one")));
    }
    let chosen = pins::choose(pins::entries(&object["spec"]), &args.key).map_err(cannot)?;
    let pins = if args.undo {
        undone(&chosen)
    } else {
        let pins = pinned(args, &cluster, &typed, &chosen);
        pins.with_context(|| format!("the {what} cannot be pinned"))?
    };
    let after = pins::apply(&object, &pins);
    if pins.is_empty() {
        let how = if args.undo { "is not pinned" } else { "is pinned to that already" };
        output::stdout(&format!("{} {how}, unchanged\n", EXTERNAL_SECRETS.name_of(name)))?;
        return Ok(Exit::Success);
    }
    if args.output.is_some() {
        let text = write::write(&Node::from(pins::manifest(&after)));
        output::stdout_verbatim(&text)?;
        return Ok(Exit::Success);
    }
    output::stdout(&difference(&object, &after))?;
    warn(&typed, &object, args.undo);
    if args.change.dry_run.is_none() && !agreed(args, &what)? {
        output::stderr("nothing was changed\n");
        return Ok(Exit::Refused);
    }
    if args.change.dry_run != Some(DryRun::Client) {
        let request = Request {
            resource: Resource::ExternalSecret,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            body: Body::Patch(pins::patch(&object, &pins)),
        };
        match cluster.change(&request, args.change.dry_run.is_some())? {
            Changed::Done(_) => {}
            Changed::Gone => bail!("the {what} was deleted meanwhile"),
            Changed::Conflict(_) => {
                bail!(
                    "somebody has changed the {what} meanwhile: look again what there is to change"
                )
            }
        }
    }
    let dry = match args.change.dry_run {
        None => "",
        Some(DryRun::Client) => " (dry run)",
        Some(DryRun::Server) => " (server dry run)",
    };
    output::stdout(&format!("{} {}{dry}\n", EXTERNAL_SECRETS.name_of(name), done(&pins)))?;
    if args.change.dry_run.is_some() {
        return Ok(Exit::Success);
    }
    if !args.change.wait {
        output::stderr(&format!(
            "`kubectl extsecret status {name} -n {namespace}` tells how the sync goes, `kubectl extsecret \
             stale -n {namespace}` what has to restart\n"
        ));
        return Ok(Exit::Success);
    }
    let patience = args.change.timeout.unwrap_or(PATIENCE);
    let secret = typed.spec.target_name(name);
    wait(&cluster, name, was_ready(&typed), patience).and_then(|exit| {
        if exit == Exit::Success {
            tell_of_restarts(&cluster, secret)?;
        }
        Ok(exit)
    })
}

/// Whoever makes the object and keeps it as it is.
fn owner(object: &Value) -> Option<String> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|it| it["controller"] == true)?;
    Some(format!("the {} {}", owner["kind"].as_str()?, owner["name"].as_str()?))
}

/// Pins that go.
fn undone(chosen: &[Entry]) -> Vec<Pin> {
    let pinned = chosen.iter().filter(|it| it.is_pinned());
    pinned.map(|entry| Pin { entry: entry.clone(), to: None }).collect()
}

/// Pins that come.
fn pinned(
    args: &RollbackToArgs,
    cluster: &Cluster,
    typed: &ExternalSecret,
    chosen: &[Entry],
) -> anyhow::Result<Vec<Pin>> {
    if typed.spec.refresh_policy() == RefreshPolicy::CreatedOnce {
        bail!(
            "its refreshPolicy is CreatedOnce: nothing is fetched as long as its Secret is there, \
             whatever the version"
        );
    }
    let previous = args.to == "previous";
    // What follows something else than the current version has no version before that.
    if let Some(it) = chosen.iter().find(|it| previous && it.version.is_some()) {
        let version = it.version.as_deref().unwrap_or_default();
        if it.is_pinned() {
            bail!(
                "it reads the version {version} of {:?}, and not the current one: --undo takes that \
                 away, --to with an id pins another",
                it.key
            );
        }
        bail!(
            "it reads what is labelled {version} of {:?}, and not the current version: move the \
             label in AWS, or name a version by its id with --to",
            it.key
        );
    }
    let endpoints = Endpoints {
        secrets_manager: args.aws.aws_secretsmanager_endpoint.clone(),
        parameter_store: args.aws.aws_ssm_endpoint.clone(),
        ..Endpoints::default()
    };
    let mut versions = Versions::new(endpoints, args.cluster.request_timeout.0)?;
    let mut known = BTreeMap::new();
    let mut all = Vec::new();
    for entry in chosen {
        let place = (entry.store.to_string(), entry.key.clone());
        if !known.contains_key(&place) {
            let store = &entry.store;
            let spec = cluster.store(cluster.namespace(), store)?;
            let spec = spec.with_context(|| {
                format!(
                    "there is no {store}: `kubectl extsecret validate` names all that are missing"
                )
            })?;
            let aws = spec.provider.aws.with_context(|| {
                format!("the {store} is not for AWS: only versions of AWS can be told")
            })?;
            known.insert(place.clone(), versions.find(&aws, &entry.key, &args.to)?);
        }
        let to = known.get(&place).cloned();
        if to != entry.version {
            all.push(Pin { entry: entry.clone(), to });
        }
    }
    Ok(all)
}

/// The manifest before and after.
fn difference(before: &Value, after: &Value) -> String {
    let text = |object: &Value| write::write(&Node::from(pins::manifest(object)));
    let (before, after) = (text(before), text(after));
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let text = diff.unified_diff().context_radius(3).header("now", "then").to_string();
    let lines = text.lines().flat_map(|line| [printable(line), "\n".to_owned()]);
    lines.collect()
}

/// What may surprise.
fn warn(typed: &ExternalSecret, object: &Value, undo: bool) {
    if let Some(manager) = Manager::of(object) {
        output::stderr(&format!(
            "warning: {} ({}) puts this back with its next sync: commit what -o yaml prints instead\n",
            manager.tool,
            printable(&manager.name)
        ));
    }
    let zero = typed.spec.refresh_interval().is_ok_and(GoDuration::is_zero_or_negative);
    if zero && typed.spec.refresh_policy() == RefreshPolicy::Periodic {
        output::stderr(
            "warning: its refreshInterval is 0: External Secrets Operator fetches nothing as long as its \
             Secret is there and unchanged; extsecret-controller does\n",
        );
    }
    if !undo {
        output::stderr("warning: a pin keeps new versions out until --undo takes it away\n");
    }
}

fn agreed(args: &RollbackToArgs, what: &str) -> anyhow::Result<bool> {
    if args.yes {
        return Ok(true);
    }
    match Person::at_the_terminal() {
        Some(person) => person.agrees(&format!("Change the {what}?")),
        None => bail!(
            "this would change the {what}, and there is no terminal to ask at: --yes says so, \
             --dry-run only shows it"
        ),
    }
}

/// What was changed, a secret at a time.
fn done(pins: &[Pin]) -> String {
    let one = |pin: &Pin| match &pin.to {
        Some(version) => format!("pinned: {} to {version}", pin.entry.key),
        None => format!("follows the current version of {} again", pin.entry.key),
    };
    let all: BTreeSet<String> = pins.iter().map(one).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

fn was_ready(object: &ExternalSecret) -> bool {
    let status = object.status.as_ref();
    let ready = status.and_then(extsecret_crds::ExternalSecretStatus::ready);
    ready.is_some_and(extsecret_crds::Condition::is_true)
}

/// Waits until the changed object is synced.
fn wait(
    cluster: &Cluster,
    name: &str,
    was_ready: bool,
    patience: Duration,
) -> anyhow::Result<Exit> {
    let namespace = cluster.namespace();
    let shown = EXTERNAL_SECRETS.name_of(name);
    let fields = Some(format!("metadata.name={name}"));
    let select = Selection { fields, ..Selection::default() };
    let outcome = |object: &ExternalSecret| {
        let status = object.status.as_ref()?;
        let ready = status.ready()?;
        // The generation is part of it: this version of the object was synced.
        let seen = status.synced_resource_version.as_deref()
            == Some(refresh::current_version(object).as_str());
        if ready.is_true() && seen {
            return Some(Ok(()));
        }
        let failed = !ready.is_true() && was_ready;
        failed.then(|| Err(ready.message.clone().unwrap_or_default()))
    };
    let told = |outcome: Option<Result<(), String>>| match outcome {
        Some(Ok(())) => {
            output::stdout(&format!("{shown} synced\n"))?;
            Ok(Exit::Success)
        }
        Some(Err(why)) => {
            let why = shorten(&why);
            output::stderr(&format!("error: {shown} not synced: {}\n", printable(&why)));
            Ok(Exit::Refused)
        }
        None => {
            output::stderr(&format!(
                "error: {shown} not synced in time: does a controller run? `kubectl extsecret doctor` \
                 looks\n"
            ));
            Ok(Exit::TimedOut)
        }
    };
    loop {
        let mut last = None;
        let version = cluster.list(
            &EXTERNAL_SECRETS,
            Some(namespace),
            &select,
            |page: Vec<ExternalSecret>| {
                last = page.into_iter().next();
            },
        )?;
        let Some(object) = last else { bail!("{shown} was deleted meanwhile") };
        if let Some(outcome) = outcome(&object) {
            return told(Some(outcome));
        }
        let seen = cluster.watch(
            &EXTERNAL_SECRETS,
            Some(namespace),
            &select,
            version,
            Some(patience),
            |change: Change<ExternalSecret>| match change {
                Change::Gone(_) => ControlFlow::Break(Err("it was deleted meanwhile".to_owned())),
                Change::Is(object) => match outcome(&object) {
                    Some(outcome) => ControlFlow::Break(outcome),
                    None => ControlFlow::Continue(()),
                },
            },
        );
        match seen {
            Ok(seen) => return told(seen),
            Err(Unread { why: Why::Expired, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Which workloads have another value than the Secret now, and who restarts them.
fn tell_of_restarts(cluster: &Cluster, secret: &str) -> anyhow::Result<()> {
    let namespace = cluster.namespace();
    let (stale, unknown) = match consumers::stale(cluster, Some(namespace)) {
        Ok(found) => found,
        Err(error) => (Vec::new(), vec![format!("Secrets: {}", error.short())]),
    };
    let now = clock::now();
    let mut by_hand = false;
    let mine: Vec<_> = stale.iter().filter(|it| it.secret == secret).collect();
    for it in &mine {
        let kind = WORKLOADS.iter().find(|kind| kind.kind == it.kind);
        let Some(kind) = kind else { continue };
        let named = Named { kind: *kind, name: it.name.clone() };
        let awaited = facts::facts(cluster, namespace, &named, now)
            .is_ok_and(|facts| restarts::document(&facts)["verdict"] == "restartAwaited");
        by_hand |= !awaited;
        let who = if awaited { "the controller restarts it" } else { "nobody restarts it" };
        let name = kind.name_of(&it.name);
        output::stdout(&format!(
            "{name} has the value from before in {} of {} pods: {who}\n",
            it.older, it.pods
        ))?;
    }
    if mine.is_empty() && unknown.is_empty() {
        output::stdout(&format!("no pod keeps another value of Secret {secret}\n"))?;
    }
    if by_hand {
        output::stderr(&format!(
            "`kubectl extsecret restart --secret {} -n {namespace} --wait` restarts what reads it\n",
            printable(secret)
        ));
    }
    for why in &unknown {
        output::stderr(&format!("warning: not looked at: {why}\n"));
    }
    Ok(())
}
