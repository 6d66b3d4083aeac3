//! `kubectl extsecret why` and `kubectl extsecret restart`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{anyhow, bail};
use extsecret_restart::policy::{WAVE, wave};

use super::consumers::print;
use crate::cli::{DryRun, RestartArgs, WhyArgs};
use crate::clock;
use crate::cluster::{Cluster, Unread, Why};
use crate::exit::Exit;
use crate::output;
use crate::restarts::rollout::{self, Ended};
use crate::restarts::{self, why as facts};
use crate::status::consumers::{self, Users, WORKLOADS, keeps};
use crate::status::workload::Named;
use crate::tty;

/// How long one rollout is waited for, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) fn why(args: &WhyArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let now = clock::now();
    let facts = facts::facts(&cluster, cluster.namespace(), &args.workload, now)?;
    if let Some(format) = args.output {
        print(format, restarts::document(&facts))?;
    } else {
        let tree = restarts::tree(&facts, now);
        output::stdout(&output::tree::text(&tree, tty::stdout_width()))?;
    }
    Ok(Exit::Success)
}

pub(crate) fn restart(args: &RestartArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let waves = which(args, &cluster)?;
    if waves.is_empty() {
        output::stderr("No workloads found.\n");
        return Ok(Exit::Success);
    }
    let namespace = cluster.namespace();
    let mut refused = false;
    for all in waves.into_values() {
        let mut rolling = Vec::new();
        for named in all {
            let name = named.kind.name_of(&named.name);
            match one(args, &cluster, &named) {
                Ok(how) => {
                    output::stdout(&format!("{name} {how}\n"))?;
                    rolling.push(named);
                }
                Err(error) if is_about_all(&error) => return Err(error),
                Err(error) => {
                    refused = true;
                    output::stderr(&format!("error: {name} not restarted: {error}\n"));
                }
            }
        }
        if !args.change.wait {
            continue;
        }
        for named in rolling {
            let name = named.kind.name_of(&named.name);
            let ended = rollout::wait(
                &cluster,
                namespace,
                &named,
                args.change.timeout.unwrap_or(PATIENCE),
            )?;
            let what = match ended {
                Ended::Done => {
                    output::stdout(&format!("{name} rolled out\n"))?;
                    continue;
                }
                Ended::Late => "is not rolled out in time",
                Ended::Failed => "cannot be rolled out: `kubectl describe` shows why",
                Ended::Gone => "was deleted meanwhile",
            };
            output::stderr(&format!("error: {name} {what}; nothing more is restarted\n"));
            // What follows may break in the same way.
            return Ok(if ended == Ended::Late { Exit::TimedOut } else { Exit::Refused });
        }
    }
    Ok(if refused { Exit::Refused } else { Exit::Success })
}

/// True for what the next workload would fail of as well.
pub(super) fn is_about_all(error: &anyhow::Error) -> bool {
    let unread = error.downcast_ref::<Unread>();
    unread.is_some_and(|it| matches!(it.why, Why::Unreachable { .. } | Why::Unauthorized(_)))
}

/// Restarts one, and says so.
fn one(args: &RestartArgs, cluster: &Cluster, named: &Named) -> anyhow::Result<&'static str> {
    let namespace = cluster.namespace();
    let (obstacle, frozen) = rollout::obstacle(cluster, namespace, named, clock::now())?;
    if let Some(obstacle) = obstacle {
        return Err(anyhow!("{obstacle}"));
    }
    if let Some(frozen) = frozen {
        let name = named.kind.name_of(&named.name);
        output::stderr(&format!(
            "warning: {name} is frozen {frozen}: you asked for it all the same\n"
        ));
    }
    let dry_run = args.change.dry_run == Some(DryRun::Server);
    if args.change.dry_run != Some(DryRun::Client)
        && !rollout::restart(cluster, namespace, named, clock::now(), dry_run)?
    {
        return Err(anyhow!("it is gone"));
    }
    Ok(match args.change.dry_run {
        None => "restarted",
        Some(DryRun::Client) => "restarted (dry run)",
        Some(DryRun::Server) => "restarted (server dry run)",
    })
}

/// What is to be restarted, by waves.
fn which(args: &RestartArgs, cluster: &Cluster) -> anyhow::Result<BTreeMap<i32, Vec<Named>>> {
    let mut waves: BTreeMap<i32, Vec<Named>> = BTreeMap::new();
    if !args.workloads.is_empty() {
        // In the order in which somebody has named them.
        waves.insert(0, args.workloads.clone());
        return Ok(waves);
    }
    let namespace = cluster.namespace();
    let mut stale: Option<BTreeSet<(&str, String)>> = None;
    if args.stale {
        let (found, unknown) = consumers::stale(cluster, Some(namespace))?;
        tell(&unknown);
        stale = Some(found.into_iter().map(|it| (it.kind, it.name)).collect());
    }
    let users = consumers::users(cluster, Some(namespace), |uses| {
        let mut kept = uses.read.iter().filter(|it| keeps(it));
        kept.any(|it| args.secret.as_deref().is_none_or(|secret| &*it.secret == secret))
    });
    if !users.looked() {
        bail!(
            "no workload of the namespace {namespace:?} could be looked at: {}; `kubectl auth can-i --list \
             -n {namespace}` tells what you may do",
            users.unknown.join("; ")
        );
    }
    let Users { found: users, unknown, .. } = users;
    tell(&unknown);
    for user in users {
        let meta = user.workload.metadata;
        let name = meta.name.unwrap_or_default();
        let wanted = stale.as_ref().is_none_or(|all| all.contains(&(user.kind, name.clone())));
        let kind = WORKLOADS.iter().find(|kind| kind.kind == user.kind);
        let Some(kind) = kind.filter(|_| wanted) else { continue };
        let named = Named { kind: *kind, name };
        // A CronJob reads what there is when it runs next.
        if !named.restarts() {
            continue;
        }
        let annotations = meta.annotations.unwrap_or_default();
        let number = wave(annotations.get(WAVE).map(String::as_str));
        waves.entry(number).or_default().push(named);
    }
    Ok(waves)
}

fn tell(unknown: &[String]) {
    for why in unknown {
        output::stderr(&format!("warning: not looked at: {why}\n"));
    }
}
