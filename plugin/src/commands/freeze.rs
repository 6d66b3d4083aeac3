//! `kubectl extsecret freeze` and `kubectl extsecret unfreeze`

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{anyhow, bail};
use jiff::{SignedDuration, Timestamp, Unit};

use super::restart::is_about_all;
use crate::cli::{DryRun, FreezeArgs, FrozenArgs, NameFormat, UnfreezeArgs};
use crate::clock;
use crate::cluster::kinds::{EXTERNAL_SECRETS, NAMESPACES, SECRETS};
use crate::cluster::{Cluster, Selection, Unread, Why};
use crate::doctor::{self, Restarter};
use crate::exit::Exit;
use crate::output::table::printable;
use crate::output::wrap::wrap;
use crate::output::{self};
use crate::restarts::freeze::{By, Decision, Freeze, How, Object, WORKLOADS, longest, until};
use crate::restarts::why::{Makers, makers};
use crate::status::consumers::{self, Stale};
use crate::status::tree::count;
use crate::tty;

/// Workloads that are named where many wait.
const NAMED: usize = 5;

pub(crate) fn freeze(args: &FreezeArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let now = time(&cluster)?;
    let until = match (args.duration, args.until) {
        (Some(duration), _) => {
            let later = SignedDuration::try_from(duration).ok().filter(|it| !it.is_zero());
            let later = later.and_then(|it| now.checked_add(it).ok());
            later.and_then(|it| it.round(Unit::Second).ok()).ok_or_else(|| {
                anyhow!(
                    "--for needs a time that is neither nothing nor for ever; without it the \
                         freeze lasts until somebody unfreezes it"
                )
            })?
        }
        (None, Some(until)) if until <= now => {
            bail!("--until {until} is over: it is {} now", now.round(Unit::Second).unwrap_or(now))
        }
        (None, Some(until)) => until,
        (None, None) => Timestamp::MAX,
    };
    let reason = args.reason.as_deref().map(str::trim).filter(|it| !it.is_empty());
    let wanted = Freeze { until, reason: reason.map(str::to_owned) };
    run(&args.which, &cluster, now, |before| wanted.over(before, now))
}

pub(crate) fn unfreeze(args: &UnfreezeArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let now = time(&cluster)?;
    run(&args.which, &cluster, now, |before| match before {
        Some(_) => Decision::Write(None),
        None => Decision::Keep,
    })
}

/// The API server's time, by which controllers go; a wrong clock here would make a freeze end early.
fn time(cluster: &Cluster) -> anyhow::Result<Timestamp> {
    match cluster.server() {
        Ok(server) => Ok(server.date.unwrap_or_else(clock::now)),
        Err(error @ Unread { why: Why::Unreachable { .. } | Why::Unauthorized(_), .. }) => {
            Err(error.into())
        }
        Err(_) => Ok(clock::now()),
    }
}

fn run(
    args: &FrozenArgs,
    cluster: &Cluster,
    now: Timestamp,
    decide: impl Fn(Option<&Freeze>) -> Decision,
) -> anyhow::Result<Exit> {
    let (objects, mut refused) = objects(args, cluster)?;
    if objects.is_empty() && !refused {
        output::stderr("No resources found.\n");
        return Ok(Exit::Success);
    }
    let how = match args.dry_run {
        None => How::Really,
        Some(DryRun::Client) => How::Client,
        Some(DryRun::Server) => How::Server,
    };
    let mut scene = Scene { cluster, now, spaces: BTreeMap::new(), around: BTreeMap::new() };
    for object in &objects {
        let name = object.name();
        let (before, decision) = match object.write(cluster, &decide, how) {
            Ok(done) => done,
            Err(error) if is_about_all(&error) => return Err(error),
            Err(error) => {
                refused = true;
                output::stderr(&format!("error: {name} not changed: {error}\n"));
                continue;
            }
        };
        if args.output == Some(NameFormat::Name) {
            output::stdout(&format!("{name}\n"))?;
            continue;
        }
        let dry = match how {
            How::Really => "",
            How::Client => " (dry run)",
            How::Server => " (server dry run)",
        };
        let (what, now_holds) = became(object, before, decision, now);
        let mut lines = vec![format!("{name} {what}{dry}")];
        lines.extend(scene.details(object, now_holds.as_ref()));
        let room = tty::stdout_width().unwrap_or(usize::MAX);
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            text.push_str(&wrap(line, room, if index == 0 { "" } else { "  " }));
        }
        output::stdout(&text)?;
    }
    scene.tell();
    Ok(if refused { Exit::Refused } else { Exit::Success })
}

/// What became of an object, in words, and what it says now.
fn became(
    object: &Object,
    before: Option<Freeze>,
    decision: Decision,
    now: Timestamp,
) -> (String, Option<Freeze>) {
    let active = |it: &Freeze| it.until > now;
    match (decision, before) {
        (Decision::Keep, Some(it)) => (format!("frozen {}, unchanged", it.words(now)), Some(it)),
        (Decision::Longer, Some(it)) => {
            let words = it.words(now);
            let ends = object.ends();
            let text = format!("stays frozen {words}, which is longer; `{ends}` comes first");
            (text, Some(it))
        }
        (Decision::Keep | Decision::Longer, None) => ("not frozen, unchanged".to_owned(), None),
        (Decision::Write(Some(it)), before) => {
            let was = before.filter(active).map(|it| format!(", was {}", until(it.until, now)));
            (format!("frozen {}{}", it.words(now), was.unwrap_or_default()), Some(it))
        }
        (Decision::Write(None), before) => {
            let was = before.map(|it| {
                if active(&it) {
                    format!(", was frozen {}", it.words(now))
                } else {
                    format!(", was frozen until {}", it.until)
                }
            });
            (format!("unfrozen{}", was.unwrap_or_default()), None)
        }
    }
}

/// What is to be changed, and whether some kind could not be looked at.
fn objects(args: &FrozenArgs, cluster: &Cluster) -> anyhow::Result<(Vec<Object>, bool)> {
    let here = cluster.namespace();
    let object = |kind, name: &str| {
        let namespace = if kind == NAMESPACES { name } else { here };
        Object { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    };
    let Some(labels) = &args.selector else {
        let named = args.objects.iter().filter_map(|it| Some(object(it.kind, it.name.as_ref()?)));
        let spaces = args.namespaces.iter().map(|name| object(NAMESPACES, name));
        let mut seen = BTreeSet::new();
        let all = named.chain(spaces).filter(|it| seen.insert(it.name()));
        return Ok((all.collect(), false));
    };
    let select = Selection { labels: Some(labels.clone()), ..Selection::default() };
    let kinds: Vec<_> = match args.objects.as_slice() {
        [] => WORKLOADS.to_vec(),
        all => all.iter().map(|it| it.kind).collect(),
    };
    let mut found = Vec::new();
    let mut failed = Vec::new();
    for kind in &kinds {
        let namespace = kind.namespaced.then_some(here);
        let listed = cluster.list_metadata(kind, namespace, &select, |page| {
            found.extend(page.into_iter().filter_map(|it| Some(object(*kind, &it.metadata.name?))));
        });
        match listed {
            Err(error)
                if args.objects.is_empty() && consumers::is_without(cluster, kind, &error) => {}
            Err(error) => failed.push(error),
            Ok(_) => {}
        }
    }
    let refused = !failed.is_empty();
    for error in failed {
        if found.is_empty() {
            return Err(error.into());
        }
        output::stderr(&format!("error: {error}\n"));
    }
    Ok((found, refused))
}

/// What is around the objects of a namespace.
struct Around {
    restarter: Result<Option<Restarter>, String>,
    makers: Result<Makers, String>,
    stale: Result<Vec<Stale>, String>,
    unknown: Vec<String>,
}

/// What has been looked at, each once.
struct Scene<'a> {
    cluster: &'a Cluster,
    now: Timestamp,
    /// What namespaces say.
    spaces: BTreeMap<String, Result<Option<Freeze>, String>>,
    around: BTreeMap<String, Around>,
}

impl Scene<'_> {
    fn look(&mut self, namespace: &str) {
        if self.around.contains_key(namespace) {
            return;
        }
        let (stale, unknown) = match consumers::stale(self.cluster, Some(namespace)) {
            Ok((stale, unknown)) => (Ok(stale), unknown),
            Err(error) => (Err(format!("Secrets: {}", error.short())), Vec::new()),
        };
        let around = Around {
            restarter: doctor::restarter(self.cluster, namespace),
            makers: makers(self.cluster, namespace),
            stale,
            unknown,
        };
        self.around.insert(namespace.to_owned(), around);
        let space = Object {
            kind: NAMESPACES,
            namespace: namespace.to_owned(),
            name: namespace.to_owned(),
        };
        let said = space.read(self.cluster).map_err(|error| error.short());
        let said = said.map(|meta| meta.as_ref().and_then(Freeze::of));
        self.spaces.insert(namespace.to_owned(), said);
    }

    /// What else holds back, what counts, and what waits.
    fn details(&mut self, object: &Object, own: Option<&Freeze>) -> Vec<String> {
        let namespace = object.namespace.as_str();
        self.look(namespace);
        let mut lines = Vec::new();
        let Some(around) = self.around.get(namespace) else { return lines };
        let mut others = Vec::new();
        let restarter = around.restarter.as_ref().ok().and_then(Option::as_ref);
        let scope = restarter.and_then(|it| it.scope.as_ref());
        if object.kind == NAMESPACES {
            if let (Some(_), Some(it)) = (scope, restarter) {
                lines.push(format!(
                    "{} is the controller of this namespace alone, and does not look at what the \
                     namespace says: freeze its workloads",
                    it.place
                ));
            }
        } else if scope.is_none() {
            match self.spaces.get(namespace) {
                Some(Ok(Some(it))) => {
                    let by = Object {
                        kind: NAMESPACES,
                        namespace: namespace.to_owned(),
                        name: namespace.to_owned(),
                    };
                    others.push((By::Object(by), it.clone()));
                }
                Some(Err(why)) => lines.push(format!("what the namespace says: {why}")),
                _ => {}
            }
        }
        let by_flag = restarter.and_then(|it| Some((it.place.clone(), it.frozen?)));
        if let Some((place, until)) = by_flag {
            others.push((By::Controller(place), Freeze { until, reason: None }));
        }
        let secret = self.secret(object, around, &mut others, &mut lines);
        match longest(others, self.now) {
            Some((by, it)) if own.is_none_or(|own| own.until < it.until) => {
                lines.push(format!(
                    "{by} is frozen {}: that counts; {}",
                    it.words(self.now),
                    by.ends()
                ));
            }
            _ => {}
        }
        lines.push(waiting(object, secret.as_deref(), around));
        lines.extend(around.unknown.iter().map(|why| format!("not looked at: {why}")));
        lines
    }

    /// The Secret that the object is, or makes, and what the other one of the two says.
    fn secret(
        &self,
        object: &Object,
        around: &Around,
        others: &mut Vec<(By, Freeze)>,
        lines: &mut Vec<String>,
    ) -> Option<String> {
        let is_secret = object.kind == SECRETS;
        if !is_secret && object.kind != EXTERNAL_SECRETS {
            return None;
        }
        let makers = match &around.makers {
            Ok(makers) => makers,
            Err(why) => {
                lines.push(format!("not looked at: ExternalSecrets: {why}"));
                return is_secret.then(|| object.name.clone());
            }
        };
        let other = |kind, name: &str| Object {
            kind,
            namespace: object.namespace.clone(),
            name: name.to_owned(),
        };
        if is_secret {
            if let Some((maker, said)) = makers.get(&object.name)
                && let Some(it) = Freeze::said(said)
            {
                others.push((By::Object(other(EXTERNAL_SECRETS, maker)), it));
            }
            return Some(object.name.clone());
        }
        let (target, _) = makers.iter().find(|(_, (maker, _))| *maker == object.name)?;
        let copy = other(SECRETS, target);
        match copy.read(self.cluster) {
            Ok(meta) => {
                if let Some(it) = meta.as_ref().and_then(Freeze::of) {
                    others.push((By::Object(copy), it));
                }
            }
            Err(error) => lines.push(format!("Secret {target}: {}", error.short())),
        }
        Some(target.clone())
    }

    /// Who is held back.
    fn tell(&self) {
        for (namespace, around) in &self.around {
            let namespace = printable(namespace);
            match &around.restarter {
                Ok(Some(_)) => {}
                Ok(None) => output::stderr(&format!(
                    "warning: nobody restarts workloads in {namespace}: no extsecret-controller with \
                     --restarts runs in this cluster\n"
                )),
                Err(why) => output::stderr(&format!(
                    "warning: whether a controller restarts workloads in {namespace} is not known: \
                     {why}\n"
                )),
            }
        }
    }
}

/// Which pods have older values than they would.
fn waiting(object: &Object, secret: Option<&str>, around: &Around) -> String {
    let stale = match &around.stale {
        Ok(stale) => stale,
        Err(why) => return format!("what waits is not known: {why}"),
    };
    let mine = |it: &&Stale| match secret {
        Some(secret) => it.secret == secret,
        None if object.kind == NAMESPACES => true,
        None if object.kind == EXTERNAL_SECRETS => false,
        None => it.kind == object.kind.kind && it.name == object.name,
    };
    let all: Vec<&Stale> = stale.iter().filter(mine).collect();
    if all.is_empty() {
        return "nothing waits: no pod has an older value".to_owned();
    }
    let one = |it: &Stale| {
        format!(
            "{}/{} ({} of {} older than Secret {})",
            it.kind.to_lowercase(),
            it.name,
            it.older,
            count(it.pods, "pod"),
            it.secret
        )
    };
    let mut named: Vec<String> = all.iter().take(NAMED).map(|it| one(it)).collect();
    if all.len() > NAMED {
        named.push(format!("and {} more", all.len().saturating_sub(NAMED)));
    }
    let namespace = printable(&object.namespace);
    format!("with an older value: {}; `kubectl extsecret stale -n {namespace}`", named.join(", "))
}
