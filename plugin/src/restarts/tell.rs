//! What decides about restarts, in words.

use extsecret_restart::kinds::Obstacle;
use extsecret_restart::policy::{Because, Mode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::freeze::{By, Freeze};
use super::why::{Facts, SecretFacts};
use crate::output::age;
use crate::output::tree::{Branch, Mark};
use crate::status::tree::{WAITS, count};

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

/// Events that are told.
const EVENTS: usize = 5;

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Its pods have what is there.
    Current,
    /// Nobody knows.
    Unknown,
    /// Some pods are older, and the controller is to restart it.
    Awaited,
    /// Some pods are older, and nobody restarts it.
    ByHand,
}

fn verdict(facts: &Facts) -> Verdict {
    let Ok((_, older)) = facts.pods else { return Verdict::Unknown };
    let unread = facts.secrets.iter().any(|it| it.found.is_err());
    if older == 0 {
        return if unread { Verdict::Unknown } else { Verdict::Current };
    }
    let asked = facts.secrets.iter().any(|it| it.older > 0 && matches!(it.rule, Some((true, _))));
    let restarts = matches!(facts.restarter, Ok(Some(_))) && facts.pace.mode == Mode::Enforce;
    let awaited = asked && restarts && facts.standing.obstacle.is_none();
    if awaited { Verdict::Awaited } else { Verdict::ByHand }
}

/// The answer, and below it what it is made of.
pub(crate) fn tree(facts: &Facts, now: Timestamp) -> Branch {
    let what = facts.named.words(&facts.namespace);
    let verdict = verdict(facts);
    let (mark, says) = match (verdict, &facts.pods) {
        (Verdict::Current, Ok((0, _))) => (Mark::None, "no pod of it runs".to_owned()),
        (Verdict::Current, Ok((pods, _))) => {
            (Mark::Good, format!("{} as new as what they read", count(*pods, "pod")))
        }
        (_, Ok((pods, older))) if *older > 0 => {
            (Mark::Attention, format!("{older} of {} with an older value", count(*pods, "pod")))
        }
        _ => (Mark::Attention, "whether its pods have older values is not known".to_owned()),
    };
    let mut root = Branch::new(mark, format!("{what}: {says}"));
    if let Err(why) = &facts.pods {
        root.line(format!("not looked at: {why}"));
    }
    root.lines.extend(facts.unknown.iter().map(|why| format!("not looked at: {why}")));
    restarts(facts, now, &mut root);
    match verdict {
        Verdict::Awaited => root.line("the controller is to restart it; Events below say when"),
        Verdict::ByHand if facts.standing.obstacle.is_none() => root.line(format!(
            "restart it: kubectl extsecret restart {}/{} -n {}",
            facts.named.kind.kind.to_lowercase(),
            facts.named.name,
            facts.namespace
        )),
        _ => {}
    }
    if facts.secrets.is_empty() {
        root.branches.push(Branch::new(Mark::None, nothing(facts)));
    }
    root.branches.extend(facts.secrets.iter().map(|it| secret(it, facts, now)));
    root.branches.extend(events(facts, now));
    root
}

/// Of what reads no Secret.
fn nothing(facts: &Facts) -> String {
    match &facts.standing.obstacle {
        Some(Obstacle::TemplateElsewhere { kind, name }) => format!(
            "what its pods read stands there: kubectl extsecret why {}/{name} -n {}",
            kind.to_lowercase(),
            facts.namespace
        ),
        _ => "it reads no Secret".to_owned(),
    }
}

/// Who restarts it, and what is in the way.
fn restarts(facts: &Facts, now: Timestamp, to: &mut Branch) {
    match &facts.restarter {
        Ok(Some(it)) if it.mode() == Mode::DryRun => {
            to.line(format!("{} only tells what it would restart (dry-run)", it.place));
        }
        Ok(Some(it)) if it.mode() == Mode::Notify => {
            to.line(format!("{} only tells when to restart it (notify)", it.place));
        }
        Ok(Some(it)) => to.line(format!("{} restarts workloads", it.place)),
        Ok(None) => {
            to.line("nobody restarts workloads here: no extsecret-controller with --restarts runs in this cluster");
        }
        Err(why) => to.line(format!("whether a controller restarts workloads is not known: {why}")),
    }
    if let Some(obstacle) = &facts.standing.obstacle {
        to.line(format!("it cannot be restarted: {obstacle}"));
    }
    if facts.pace.mode != Mode::Enforce
        && matches!(&facts.restarter, Ok(Some(it)) if it.mode() == Mode::Enforce)
    {
        to.line(format!("an annotation asks for words only ({})", facts.pace.mode.name()));
    }
    if let Some((by, it)) = &facts.pace.frozen {
        to.line(frozen(by, it, now));
    }
    if let Some(opens) = facts.pace.opens {
        to.line(if opens == Timestamp::MAX {
            "its window never opens".to_owned()
        } else {
            format!("its window opens in {}", age::since(now, opens))
        });
    }
    if facts.pace.wave != 0 {
        to.line(format!("in the wave {}", facts.pace.wave));
    }
    let Some(record) = &facts.record else { return };
    if let Some(at) = record.restarts.last() {
        let last = record.last.as_ref().map(|last| last.references.join(", "));
        let what = last.filter(|it| !it.is_empty()).map(|it| format!(", for {it}"));
        to.line(format!(
            "restarted by the controller {} ago{}",
            age::since(*at, now),
            what.unwrap_or_default()
        ));
    }
}

/// Whose freeze it is, until when, and how it ends.
fn frozen(by: &By, it: &Freeze, now: Timestamp) -> String {
    format!("frozen {}; {by} says so: {}", it.words(now), by.ends())
}

fn secret(it: &SecretFacts, facts: &Facts, now: Timestamp) -> Branch {
    let name = &it.name;
    let written =
        it.found.as_ref().ok().and_then(Option::as_ref).and_then(|it| it.written().last());
    let (mark, title) = match (&it.found, written) {
        (Err(why), _) => (Mark::Attention, format!("Secret {name}: {why}")),
        (Ok(None), _) => (Mark::Attention, format!("Secret {name}: there is none")),
        (Ok(Some(_)), at) => {
            let at = at.map(|at| format!(", written {} ago", age::since(at, now)));
            let mark = if it.older > 0 { Mark::Attention } else { Mark::Good };
            (mark, format!("Secret {name}{}", at.unwrap_or_default()))
        }
    };
    let mut branch = Branch::new(mark, title);
    if it.older > 0 {
        branch.line(format!("{} started before that", count(it.older, "pod")));
    }
    branch.lines.extend(it.uses.iter().cloned());
    if it.needed && matches!(it.found, Ok(None)) {
        branch.mark = Mark::Bad;
        branch.line(WAITS);
    }
    if let Some(maker) = &it.made_by {
        branch.line(format!("made by the ExternalSecret {maker}"));
    } else if it.found.as_ref().is_ok_and(Option::is_some) && facts.unknown.is_empty() {
        branch.line("no ExternalSecret makes it: the controller restarts nothing for it");
    }
    branch.line(rule(it.rule));
    if let Some((by, it)) = &it.frozen {
        branch.line(frozen(by, it, now));
    }
    branch
}

fn rule(rule: Option<(bool, Because)>) -> String {
    match rule {
        None => "a change restarts nothing: extsecret.io/restart-on leaves this out".to_owned(),
        Some((false, Because::Default)) => {
            "a change restarts nothing: nobody asks for it (extsecret.io/restart: auto)".to_owned()
        }
        Some((false, because)) => format!("a change restarts nothing: {because}"),
        Some((true, because)) => format!("a change restarts the workload: {because}"),
    }
}

fn events(facts: &Facts, now: Timestamp) -> Option<Branch> {
    let events = match &facts.events {
        Ok(events) => events,
        Err(why) => return Some(Branch::new(Mark::Attention, format!("Events: {why}"))),
    };
    let ours: Vec<_> = events.iter().filter(|it| it.reason.starts_with("Restart")).collect();
    if ours.is_empty() {
        return None;
    }
    let mut branch = Branch::new(Mark::None, "Events");
    branch.lines = ours
        .iter()
        .take(EVENTS)
        .map(|it| {
            let at =
                it.last.map_or_else(String::new, |at| format!("{} ago: ", age::since(at, now)));
            format!("{at}{}: {}", it.reason, it.message)
        })
        .collect();
    Some(branch)
}

/// The same for programs.
pub(crate) fn document(facts: &Facts) -> Value {
    let verdict = match verdict(facts) {
        Verdict::Current => "current",
        Verdict::Unknown => "unknown",
        Verdict::Awaited => "restartAwaited",
        Verdict::ByHand => "restartByHand",
    };
    let secret = |it: &SecretFacts| {
        let found = it.found.as_ref().ok().and_then(Option::as_ref);
        json!({
            "name": it.name,
            "exists": it.found.as_ref().ok().map(Option::is_some),
            "unknown": it.found.as_ref().err(),
            "uses": it.uses,
            "written": found.and_then(|it| it.written().last()),
            "externalSecret": it.made_by,
            "older": it.older,
            "restarts": it.rule.is_some_and(|(yes, _)| yes),
            "because": it.rule.map(|(_, because)| because.to_string()),
        })
    };
    json!({
        "version": VERSION,
        "kind": facts.named.kind.kind,
        "namespace": facts.namespace,
        "name": facts.named.name,
        "verdict": verdict,
        "pods": facts.pods.as_ref().ok().map(|(pods, _)| pods),
        "older": facts.pods.as_ref().ok().map(|(_, older)| older),
        "obstacle": facts.standing.obstacle.as_ref().map(|it| json!({
            "reason": it.reason(), "message": it.to_string(),
        })),
        "controller": facts.restarter.as_ref().ok().and_then(Option::as_ref).map(|it| &it.place),
        "frozenUntil": facts.pace.frozen.as_ref().map(|(_, it)| it.until),
        "windowOpens": facts.pace.opens,
        "wave": facts.pace.wave,
        "restarts": facts.record.as_ref().map(|it| &it.restarts),
        "secrets": facts.secrets.iter().map(secret).collect::<Vec<_>>(),
        "unknown": facts.unknown,
    })
}
