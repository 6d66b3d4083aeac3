//! Who reconciles, whether they are well, and whether several do the same work.

use std::fmt::Write as _;

use extsecret_restart::policy::Mode;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::objects::Objects;
use super::products::{Product, Program, Role};
use super::{Check, Clocks, Section, State};
use crate::cluster::kinds::{DEPLOYMENTS, LEASES, PODS};
use crate::cluster::{Cluster, Selection, Unread, Why};
use crate::output::age;

/// Pods whose troubles are told; more of the same say no more.
const PODS_TOLD: usize = 3;

/// A program, and what its pods and its Lease say.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) program: Program,
    /// Why containers do not run, with how often they were started.
    troubles: Result<Vec<String>, String>,
    /// The Lease that it holds; `None` if it needs none.
    lease: Option<Result<Held, String>>,
}

/// Who holds a Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    holder: String,
    renewed: Option<Timestamp>,
    seconds: i32,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) programs: Vec<Running>,
    /// Where nobody could look, and why.
    unknown: Option<String>,
    /// The only namespace that could be looked at.
    only: Option<String>,
}

impl Found {
    /// Without those that do other things.
    pub(super) fn reconcilers(mut self) -> Self {
        self.programs.retain(|it| it.program.product.reconciles());
        self
    }
}

pub(super) fn find(cluster: &Cluster) -> Found {
    let (programs, only, unknown) = programs(cluster);
    let programs = programs
        .into_iter()
        .map(|program| Running {
            troubles: troubles(cluster, &program),
            lease: program.lease().map(|name| lease(cluster, &program, name)),
            program,
        })
        .collect();
    Found { programs, unknown, only }
}

/// All programs that may be seen; the only namespace that they are of, and what was in the way.
fn programs(cluster: &Cluster) -> (Vec<Program>, Option<String>, Option<String>) {
    let (mut only, mut unknown) = (None, None);
    let mut programs = Vec::new();
    let mut list = |namespace: Option<&str>| {
        programs.clear();
        cluster.list(&DEPLOYMENTS, namespace, &Selection::default(), |page: Vec<Deployment>| {
            programs.extend(page.into_iter().filter_map(Program::of));
        })
    };
    let mut listed = list(None);
    if matches!(listed, Err(Unread { why: Why::Forbidden(_), .. })) {
        listed = list(Some(cluster.namespace()));
        only = Some(cluster.namespace().to_owned());
    }
    if let Err(error) = listed {
        unknown = Some(error.short());
    }
    programs.sort_by(|a, b| {
        (a.product, &a.namespace, &a.name).cmp(&(b.product, &b.namespace, &b.name))
    });
    (programs, only, unknown)
}

/// A controller that restarts workloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restarter {
    /// `namespace/name` of its Deployment.
    pub(crate) place: String,
    mode: Mode,
    /// Whether it restarts those that say nothing about it.
    pub(crate) default: bool,
    /// Namespaces in which it restarts nothing.
    pub(crate) denied: Vec<String>,
    /// The only namespace that it looks at.
    pub(crate) scope: Option<String>,
    /// Whether it understands Reloader's annotations.
    pub(crate) reloader: bool,
    /// Before when it begins no restart, whatever else is said.
    pub(crate) frozen: Option<Timestamp>,
}

impl Restarter {
    /// What it does unless somebody says otherwise.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    fn of(program: &Program) -> Option<Self> {
        let mode = program.flag("--restarts").filter(|mode| *mode != "off")?;
        let on = |name: &str| {
            program.args.iter().any(|arg| arg == name || *arg == format!("{name}=true"))
        };
        let denied = |args: &[String]| {
            let name = "--restart-denied-namespace";
            let inline = args.iter().filter_map(|arg| arg.strip_prefix(&format!("{name}=")));
            let apart = args.windows(2).filter_map(|pair| match pair {
                [flag, value] if flag == name => Some(value.as_str()),
                _ => None,
            });
            inline.chain(apart).map(str::to_owned).collect()
        };
        Some(Self {
            place: program.place(),
            mode: Mode::of(Mode::Enforce, [Some(mode)]),
            default: on("--restart-by-default"),
            denied: denied(&program.args),
            scope: program.scope().map(str::to_owned),
            reloader: on("--restart-reloader-annotations"),
            frozen: program.flag("--restart-freeze-until").and_then(|it| it.parse().ok()),
        })
    }
}

/// Who restarts the workloads of a namespace; the reason if that is not to be seen.
pub(crate) fn restarter(cluster: &Cluster, namespace: &str) -> Result<Option<Restarter>, String> {
    let (programs, only, unknown) = programs(cluster);
    let here = |it: &Restarter| it.scope.as_deref().is_none_or(|it| it == namespace);
    let ours = programs.iter().filter(|it| it.product == Product::Ours && it.runs());
    let found = ours.filter_map(Restarter::of).find(here);
    match (found, unknown, only) {
        (Some(found), ..) => Ok(Some(found)),
        (None, Some(why), _) => Err(why),
        (None, None, Some(namespace)) => {
            Err(format!("only Deployments of the namespace {namespace:?} could be looked at"))
        }
        (None, None, None) => Ok(None),
    }
}

fn lease(cluster: &Cluster, program: &Program, name: &str) -> Result<Held, String> {
    let namespace = program.flag("--leader-election-namespace").unwrap_or(&program.namespace);
    let lease: Option<Lease> =
        cluster.get(&LEASES, Some(namespace), name).map_err(|error| error.short())?;
    let spec = lease.and_then(|lease| lease.spec);
    let spec = spec.ok_or_else(|| format!("there is no Lease {namespace}/{name}"))?;
    Ok(Held {
        holder: spec.holder_identity.unwrap_or_default(),
        renewed: spec.renew_time.map(|time| time.0),
        seconds: spec.lease_duration_seconds.unwrap_or(15),
    })
}

fn troubles(cluster: &Cluster, program: &Program) -> Result<Vec<String>, String> {
    if program.selector.is_empty() || program.available >= program.wanted {
        return Ok(Vec::new());
    }
    let select = Selection { labels: Some(program.selector.clone()), ..Selection::default() };
    let mut troubles = Vec::new();
    let listed = cluster.list(&PODS, Some(&program.namespace), &select, |page: Vec<Pod>| {
        troubles.extend(page.into_iter().filter_map(trouble));
    });
    listed.map_err(|error| error.short())?;
    Ok(troubles)
}

/// Why a pod does not work.
fn trouble(pod: Pod) -> Option<String> {
    let name = pod.metadata.name.unwrap_or_default();
    let status = pod.status.unwrap_or_default();
    let containers = status.container_statuses.iter().flatten();
    let waits = |it: &ContainerStatus| {
        let waiting = it.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.clone().unwrap_or_default();
        // A container that has not been started once says in its message what keeps it.
        let message = waiting.message.as_deref().filter(|_| it.restart_count == 0);
        let message = message.map(|text| format!(": {text}")).unwrap_or_default();
        Some(match it.restart_count {
            0 => format!("pod {name}: {reason}{message}"),
            count => format!("pod {name}: {reason}, started {} times", count + 1),
        })
    };
    if let Some(text) = containers.clone().find_map(waits) {
        return Some(text);
    }
    let unready = containers.clone().any(|it| !it.ready);
    let phase = status.phase.unwrap_or_default();
    if phase != "Running" {
        let conditions = status.conditions.unwrap_or_default();
        let message =
            conditions.into_iter().find(|it| it.status == "False").and_then(|it| it.message);
        return Some(match message {
            Some(message) => format!("pod {name}: {phase}: {message}"),
            None => format!("pod {name}: {phase}"),
        });
    }
    unready.then(|| format!("pod {name} runs and is not ready"))
}

pub(super) fn judge(found: &Found, objects: &Objects, clocks: Clocks) -> Section {
    let mut checks = Vec::new();
    for running in &found.programs {
        checks.push(health(running, clocks));
    }
    if let Some(why) = &found.unknown {
        checks.push(Check::new("controllers", State::Unknown, format!("Deployments: {why}")));
    } else if let Some(namespace) = &found.only {
        let text = format!("only Deployments of the namespace {namespace:?} could be looked at");
        checks.push(Check::new("controllers", State::Unknown, text));
    }
    checks.extend(nobody(found, objects));
    checks.extend(overlaps(&found.programs, objects));
    Section { title: "Controllers", checks }
}

fn health(running: &Running, clocks: Clocks) -> Check {
    const ABOUT: &str = "controller";
    let Running { program, troubles, lease } = running;
    let role = match program.role {
        Role::Controller => "",
        Role::Webhook => " (webhook)",
        Role::CertController => " (cert controller)",
    };
    let version = program.version.as_deref().map(|it| format!(" {it}")).unwrap_or_default();
    let Program { wanted, available, .. } = program;
    let mut text = format!("{}{role}{version}: {}", program.product.name(), program.place());
    if *wanted == 0 {
        text.push_str(", scaled to 0");
        return Check::new(ABOUT, State::Attention, text);
    }
    let _ = write!(text, ", {available} of {wanted} pods available");
    let late = lease.as_ref().and_then(|lease| late(lease, clocks));
    let state = if available < wanted || late.is_some() { State::Problem } else { State::Ok };
    let mut check = Check::new(ABOUT, state, text);
    match troubles {
        Ok(all) => {
            check.details.extend(all.iter().take(PODS_TOLD).cloned());
            if let Some(more) = all.len().checked_sub(PODS_TOLD).filter(|more| *more > 0) {
                check.details.push(format!("and {more} more pods"));
            }
        }
        Err(why) => check.details.push(format!("its pods: {why}")),
    }
    match (lease, late) {
        (_, Some(late)) => check.details.push(late),
        (Some(Ok(held)), None) => check.details.push(format!("{} holds the Lease", held.holder)),
        (Some(Err(why)), None) => check.details.push(format!("its Lease: {why}")),
        (None, None) => {}
    }
    if program.role == Role::Controller && program.product.reconciles() {
        if program.class() != "default" {
            check.details.push(format!("for the class {}", program.class()));
        }
        if let Some(namespace) = program.scope() {
            check.details.push(format!("for the namespace {namespace}"));
        }
    }
    check
}

/// What a Lease says of a controller that does not work. Who holds it renews it every few seconds.
fn late(lease: &Result<Held, String>, clocks: Clocks) -> Option<String> {
    let held = lease.as_ref().ok()?;
    if held.holder.is_empty() {
        return Some("nobody holds its Lease: no replica works".to_owned());
    }
    let renewed = held.renewed?;
    let since = clocks.there.duration_since(renewed);
    // Clocks of several machines are compared here.
    let limit = SignedDuration::from_secs(4 * i64::from(held.seconds));
    (since > limit).then(|| {
        let span = age::span(since.as_secs());
        format!("its Lease was last renewed {span} ago, by {}: no replica works", held.holder)
    })
}

/// Nobody reconciles what is there.
fn nobody(found: &Found, objects: &Objects) -> Option<Check> {
    let reconcilers = found
        .programs
        .iter()
        .filter(|it| it.program.product.reconciles() && it.program.role == Role::Controller);
    let mut reconcilers = reconcilers.peekable();
    let nobody = reconcilers.peek().is_none();
    if reconcilers.any(|it| it.program.runs()) || found.unknown.is_some() || found.only.is_some() {
        return None;
    }
    let text = if nobody {
        "no Deployment reconciles ExternalSecrets of external-secrets.io"
    } else {
        "no controller of external-secrets.io runs"
    };
    let state = if objects.external_secrets() > 0 { State::Problem } else { State::Attention };
    let mut check = Check::new("nobodyReconciles", state, text);
    if nobody && let Some((manager, at)) = objects.last_writer() {
        check.details.push(format!("{manager} wrote a status at {at}: it may run elsewhere"));
    }
    Some(check)
}

/// Programs that do the same work.
fn overlaps(programs: &[Running], objects: &Objects) -> Vec<Check> {
    let at_work =
        |running: &&Running| running.program.role == Role::Controller && running.program.runs();
    let programs: Vec<&Program> = programs.iter().filter(at_work).map(|it| &it.program).collect();
    let mut checks = Vec::new();
    let reconcilers: Vec<&&Program> =
        programs.iter().filter(|it| it.product.reconciles()).collect();
    for (index, first) in reconcilers.iter().enumerate() {
        for second in reconcilers.iter().skip(index + 1) {
            if let Some(check) = both(first, second) {
                checks.push(check);
            }
        }
    }
    let kes = programs.iter().find(|it| it.product == Product::Kes);
    if let (Some(kes), false) = (kes, reconcilers.is_empty()) {
        let twins = objects.twins();
        let text = "kubernetes-external-secrets runs beside a controller of external-secrets.io";
        checks.push(if twins.is_empty() {
            Check::new("overlap", State::Attention, text).and("no Secret is written by both yet")
        } else {
            let some: Vec<&str> = twins.iter().take(3).map(String::as_str).collect();
            let more = if twins.len() > some.len() { " and others" } else { "" };
            Check::new("overlap", State::Problem, text)
                .and(format!("both write {}: {}{more}", secrets(twins.len()), some.join(", ")))
                .and(format!("hand over: scale {} to 0 first", kes.place()))
        });
    }
    let restarts =
        |it: &&&Program| it.product == Product::Ours && it.flag("--restarts") == Some("enforce");
    let ours = programs.iter().find(restarts);
    let reloader = programs.iter().find(|it| it.product == Product::Reloader);
    if let (Some(ours), Some(reloader)) = (ours, reloader) {
        checks.push(
            Check::new("overlap", State::Attention, "two programs restart workloads")
                .and(format!("{} and Reloader ({})", ours.place(), reloader.place()))
                .and("a workload that asks both restarts twice for one change"),
        );
    }
    checks
}

fn secrets(count: usize) -> String {
    format!("{count} Secret{}", if count == 1 { "" } else { "s" })
}

/// Two that reconcile the same objects.
fn both(first: &Program, second: &Program) -> Option<Check> {
    let apart = first.class() != second.class()
        || matches!((first.scope(), second.scope()), (Some(a), Some(b)) if a != b);
    // Replicas of one installation that share a Lease take turns.
    let turns = first.product == second.product
        && first.namespace == second.namespace
        && first.lease().is_some()
        && first.lease() == second.lease();
    if apart || turns {
        return None;
    }
    let text = format!(
        "{} ({}) and {} ({}) reconcile the same ExternalSecrets",
        first.product.name(),
        first.place(),
        second.product.name(),
        second.place(),
    );
    Some(
        Check::new("overlap", State::Problem, text)
            .and(format!("both have the controller class {:?}", first.class()))
            .and(
                "scale one to 0, or give one another --controller-class and its stores that class",
            ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::products::program;
    use super::*;

    fn running(program: Program) -> Running {
        Running { program, troubles: Ok(Vec::new()), lease: None }
    }

    fn states(programs: &[Program], objects: &Objects) -> Vec<State> {
        let programs: Vec<Running> = programs.iter().cloned().map(running).collect();
        overlaps(&programs, objects).into_iter().map(|check| check.state).collect()
    }

    #[test]
    fn two_that_do_the_same_work_are_told() {
        let none = Objects::default();
        let eso = program(Product::Eso, "eso", &[]);
        let ours = program(Product::Ours, "ours", &[]);
        assert_eq!(states(&[eso.clone(), ours.clone()], &none), [State::Problem]);
        let stopped = Program { available: 0, ..ours.clone() };
        assert!(states(&[eso.clone(), stopped], &none).is_empty());
        let other = program(Product::Ours, "ours", &["--controller-class=blue"]);
        assert!(states(&[eso.clone(), other], &none).is_empty());
        let scoped = |namespace| program(Product::Ours, "ours", &["--namespace", namespace]);
        assert!(states(&[scoped("a"), scoped("b")], &none).is_empty());
        assert_eq!(states(&[scoped("a"), eso.clone()], &none), [State::Problem]);
        let elects = program(Product::Eso, "eso", &["--enable-leader-election"]);
        assert!(states(&[elects.clone(), elects], &none).is_empty());
        let webhook = Program { role: Role::Webhook, ..eso.clone() };
        assert!(states(&[eso, webhook], &none).is_empty());
    }

    #[test]
    fn the_old_operator_and_reloader_are_told() {
        let kes = program(Product::Kes, "kes", &[]);
        let eso = program(Product::Eso, "eso", &[]);
        let none = Objects::default();
        assert_eq!(states(&[eso.clone(), kes.clone()], &none), [State::Attention]);
        let twins = Objects::with_twins(&["shop/db"]);
        assert_eq!(states(&[eso, kes.clone()], &twins), [State::Problem]);
        assert!(states(&[kes], &twins).is_empty());
        let ours = program(Product::Ours, "ours", &["--restarts=enforce"]);
        let reloader = program(Product::Reloader, "reloader", &[]);
        assert_eq!(states(&[ours, reloader.clone()], &none), [State::Attention]);
        let quiet = program(Product::Ours, "ours", &["--restarts=dry-run"]);
        assert!(states(&[quiet, reloader], &none).is_empty());
    }

    #[test]
    fn a_controller_that_restarts_is_known_by_its_flags() {
        let of = |args: &[&str]| Restarter::of(&program(Product::Ours, "ours", args));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["--restarts=off"]), None);
        let all = [
            "--restarts=enforce",
            "--restart-by-default",
            "--restart-denied-namespace=a",
            "--restart-denied-namespace",
            "b",
            "--restart-reloader-annotations=true",
            "--restart-freeze-until=2027-01-04T06:00:00Z",
        ];
        let found = of(&all).unwrap();
        assert_eq!((found.mode(), found.default, found.reloader), (Mode::Enforce, true, true));
        assert_eq!(found.denied, ["a", "b"]);
        assert_eq!(found.frozen, "2027-01-04T06:00:00Z".parse().ok());
        assert_eq!(of(&["--restarts", "dry-run"]).unwrap().mode(), Mode::DryRun);
        assert_eq!(of(&["--restarts=notify"]).unwrap().mode(), Mode::Notify);
    }

    #[test]
    fn a_lease_tells_whether_somebody_works() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let clocks = Clocks { here: now, there: now };
        let held = |ago: i64, holder: &str| {
            let renewed = now.checked_sub(SignedDuration::from_secs(ago)).ok();
            Ok(Held { holder: holder.to_owned(), renewed, seconds: 15 })
        };
        assert_eq!(late(&held(59, "a"), clocks), None);
        assert!(late(&held(61, "a"), clocks).unwrap().contains("61s ago, by a"));
        assert!(late(&held(0, ""), clocks).unwrap().contains("nobody holds"));
        assert_eq!(late(&Err("forbidden".to_owned()), clocks), None);
    }

    #[test]
    fn a_pod_says_what_keeps_it() {
        let pod = |status| {
            let pod = json!({ "metadata": { "name": "p" }, "status": status });
            trouble(serde_json::from_value(pod).unwrap())
        };
        let waiting = |restarts: i32| {
            json!({ "phase": "Running", "containerStatuses": [{
                "name": "c", "image": "", "imageID": "", "ready": false, "restartCount": restarts,
                "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } },
            }] })
        };
        assert_eq!(pod(waiting(4)).as_deref(), Some("pod p: CrashLoopBackOff, started 5 times"));
        assert_eq!(pod(waiting(0)).as_deref(), Some("pod p: CrashLoopBackOff: back-off"));
        let pending = json!({ "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "message": "no nodes" }] });
        assert_eq!(pod(pending).as_deref(), Some("pod p: Pending: no nodes"));
        assert_eq!(pod(json!({ "phase": "Running" })), None);
    }
}
