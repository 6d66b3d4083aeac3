//! The way forward.

use std::collections::BTreeSet;

use serde_json::Value;

use super::blocker::Blocker;
use super::facts::{Checked, Facts, New, Old, Owner, Secret, Stage};
use super::installation::Installation;
use super::keys::Keys;
use super::{Change, Next, Pair, Reference, Settings, Step, Wait, Write};

/// What forbids the hand-over of a Secret that is not adopted yet (kes-migration 3.14, step 0, and
/// G60). Nothing has to be written to know it.
pub fn obstacles(pair: &Pair, object: &Value, facts: &Facts, settings: Settings) -> Vec<Blocker> {
    if facts.adopted() {
        return Vec::new();
    }
    let mut blockers = Vec::new();
    let policy = object["spec"]["target"]["creationPolicy"].as_str().unwrap_or("Owner");
    if policy != "Owner" {
        blockers.push(Blocker::Policy { name: pair.new.clone(), policy: policy.to_owned() });
    }
    if let Some(old) = &facts.old {
        blockers.extend(state_of(old));
    }
    match &facts.secret {
        Some(secret) => blockers.extend(state_of_secret(secret, pair, object, facts, settings)),
        // Lost on the way, the adoption makes it anew.
        None if !facts.begun() => blockers.push(Blocker::NoSecret),
        None => {}
    }
    blockers
}

fn state_of(old: &Old) -> Option<Blocker> {
    if old.deleting {
        return Some(Blocker::Deleting);
    }
    // A parked object has the status of its last poll for ever.
    if old.parked() {
        return None;
    }
    match old.status() {
        Some("SUCCESS") if old.behind() => Some(Blocker::Behind),
        Some("SUCCESS") => None,
        status => Some(Blocker::Status { status: status.map(str::to_owned) }),
    }
}

fn state_of_secret(
    secret: &Secret,
    pair: &Pair,
    object: &Value,
    facts: &Facts,
    settings: Settings,
) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    if secret.immutable {
        blockers.push(Blocker::Immutable);
    }
    // The reference of one that was deleted is garbage collection's to take away.
    let strange = |owner: &&Owner| !owner.is_kes() && (!owner.is_new() || owner.name != pair.new);
    if let Some(owner) = secret.controller().filter(strange) {
        blockers.push(Blocker::OtherController {
            owner: format!("{} {}", owner.kind, owner.name),
            group: owner.group.clone(),
        });
    }
    if let (Some((_, owner)), Some(old)) = (secret.kes(), &facts.old)
        && owner.uid != old.uid
    {
        let (secret, object) = (owner.uid.clone(), old.uid.clone());
        blockers.push(Blocker::OtherUid { secret, object });
    }
    if let Some(kind) = object["spec"]["target"]["template"]["type"].as_str()
        && !kind.is_empty()
        && kind != secret.kind
    {
        let (is, wanted) = (secret.kind.clone(), kind.to_owned());
        blockers.push(Blocker::OtherType { is, wanted });
    }
    let foreign = facts.old.as_ref().map(|old| foreign(secret, old, object)).unwrap_or_default();
    if !foreign.is_empty() && !settings.accept_changes {
        blockers.push(Blocker::ForeignKeys { keys: foreign });
    }
    blockers
}

/// Keys that neither of the two objects writes, as far as the objects tell.
fn foreign(secret: &Secret, old: &Old, object: &Value) -> Vec<String> {
    let (old, new) = (Keys::of_kes(&old.object), Keys::of_eso(object));
    if old.more || new.more {
        // The shadow tells.
        return Vec::new();
    }
    let known: BTreeSet<&String> = old.named.union(&new.named).collect();
    let strange = |key: &&str| !known.iter().any(|known| known.as_str() == *key);
    secret.values.keys().filter(strange).map(str::to_owned).collect()
}

/// What is next, up to a step.
pub fn forward(
    pair: &Pair,
    object: &Value,
    facts: &Facts,
    kes: &Installation,
    settings: Settings,
    until: Step,
) -> Next {
    let blockers = obstacles(pair, object, facts, settings);
    if !blockers.is_empty() {
        return Next::Stop(blockers);
    }
    if until <= Step::Stores {
        return Next::Done;
    }
    if let Some(old) = &facts.old
        && keeps(old, facts)
    {
        return Next::Write(Write::Keep);
    }
    if let Some(next) = shadow(facts) {
        return next;
    }
    if until >= Step::Stop
        && let Some(next) = stop(facts, kes)
    {
        return next;
    }
    if until >= Step::Demote
        && let Some(next) = demote(facts, settings)
    {
        return next;
    }
    if until >= Step::Adopt
        && let Some(next) = adopt(pair, facts)
    {
        return next;
    }
    if until >= Step::Retire
        && let Some(next) = retire(facts)
    {
        return next;
    }
    Next::Done
}

/// True if the KES object has to be kept (again): it is not kept yet, or has changed since, as after
/// a way back. One that is parked is never kept over what it was before.
fn keeps(old: &Old, facts: &Facts) -> bool {
    match &facts.copy {
        None => true,
        Some(copy) => {
            !old.parked() && (copy.of != old.uid || copy.object != super::copy::clean(&old.object))
        }
    }
}

/// The comparison, which everything else needs: of the values that are in the Secret now.
fn shadow(facts: &Facts) -> Option<Next> {
    let over = facts.old.is_none() && facts.adopted();
    let needed = !over && facts.secret.is_some() && !facts.compared();
    let Some(shadow) = &facts.shadow else {
        return needed.then_some(Next::Write(Write::Shadow));
    };
    let new = &shadow.new;
    if new.deleting {
        return Some(Next::Wait(Wait::ShadowGone));
    }
    if !needed || !shadow.mine {
        return Some(Next::Write(Write::DropShadow { uid: new.uid.clone() }));
    }
    Some(match (new.ready, &shadow.secret) {
        (Some(true), Some(_)) => Next::Compare,
        _ => Next::Wait(Wait::Shadow),
    })
}

/// Compares what the new ExternalSecret writes with what is there.
///
/// # Errors
/// The differences, unless they are accepted.
pub fn compare(facts: &Facts, settings: Settings) -> Result<Checked, Vec<Blocker>> {
    let shadow = facts.shadow.as_ref();
    let written = shadow.and_then(|shadow| Some((&shadow.new, shadow.secret.as_ref()?)));
    let (Some((new, after)), Some(before)) = (written, &facts.secret) else {
        return Err(vec![Blocker::NoSecret]);
    };
    let mut blockers = Vec::new();
    if before.kind != after.kind {
        let (is, wanted) = (before.kind.clone(), after.kind.clone());
        blockers.push(Blocker::OtherType { is, wanted });
    }
    let difference = Blocker::Differs {
        lost: before.values.missing_in(&after.values),
        added: after.values.missing_in(&before.values),
        changed: before.values.differing(&after.values),
    };
    if before.values != after.values && !settings.accept_changes {
        blockers.push(difference);
    }
    if !blockers.is_empty() {
        return Err(blockers);
    }
    Ok(Checked {
        secret: before.uid.clone(),
        before: before.values.clone(),
        after: after.values.clone(),
        spec: new.spec.clone(),
    })
}

/// Both, or one more write comes (kes-migration 3.14, step 3).
fn stop(facts: &Facts, kes: &Installation) -> Option<Next> {
    if let Some(old) = &facts.old
        && !old.parked()
        && !old.deleting
    {
        return Some(Next::Write(Write::Park { uid: old.uid.clone() }));
    }
    (facts.old.is_some() && !kes.pods.is_empty()).then_some(Next::StopKes)
}

fn demote(facts: &Facts, settings: Settings) -> Option<Next> {
    let secret = facts.secret.as_ref()?;
    let (at, owner) = secret.kes()?;
    let hard = settings.hard_demote && !facts.adopted();
    if !owner.controller && !hard {
        return None;
    }
    let change = if hard { Change::Remove } else { Change::Controller(false) };
    let (secret, owner) = (secret.uid.clone(), owner.uid.clone());
    Some(Next::Write(Write::Demote(Reference { secret, at, owner, change })))
}

fn adopt(pair: &Pair, facts: &Facts) -> Option<Next> {
    let Some(new) = &facts.new else { return Some(Next::Write(Write::Apply)) };
    if new.deleting {
        return Some(Next::Wait(Wait::Deletion));
    }
    if new.target != pair.secret || new.policy != "Owner" || other_spec(new, facts) {
        return Some(Next::Write(Write::Apply));
    }
    if !facts.adopted() {
        return Some(Next::Wait(Wait::Adoption));
    }
    (facts.old.is_some() && new.ready != Some(true)).then_some(Next::Wait(Wait::Ready))
}

/// True if it would write other values than those that were compared.
fn other_spec(new: &New, facts: &Facts) -> bool {
    let over = facts.old.is_none() && facts.adopted();
    !over && facts.checked.as_ref().is_some_and(|checked| checked.spec != new.spec)
}

fn retire(facts: &Facts) -> Option<Next> {
    match &facts.old {
        Some(old) if old.deleting => Some(Next::Wait(Wait::Retirement)),
        Some(old) => Some(Next::Write(Write::Retire { uid: old.uid.clone() })),
        // What the deletion leaves behind goes with it.
        None => facts.secret.as_ref()?.kes().map(|_| Next::Wait(Wait::Retirement)),
    }
}

/// What will be done up to a step, from here, if nobody else does anything; for people to read, and
/// for the API server to check.
pub fn outline(facts: &Facts, settings: Settings, until: Step) -> Vec<(Step, Write)> {
    let mut writes = Vec::new();
    let old = facts.old.as_ref();
    if let Some(old) = old
        && keeps(old, facts)
    {
        writes.push((Step::Shadow, Write::Keep));
    }
    if old.is_some() && facts.secret.is_some() && !facts.compared() {
        writes.push((Step::Shadow, Write::Shadow));
    }
    if let Some(old) = old.filter(|old| !old.parked()) {
        writes.push((Step::Stop, Write::Park { uid: old.uid.clone() }));
    }
    if let Some(Next::Write(demote)) = demote(facts, settings) {
        writes.push((Step::Demote, demote));
    }
    if facts.new.is_none() || !facts.adopted() {
        writes.push((Step::Adopt, Write::Apply));
    }
    if let Some(old) = old {
        writes.push((Step::Retire, Write::Retire { uid: old.uid.clone() }));
    }
    if facts.stage() == Stage::Apart {
        writes.clear();
    }
    writes.retain(|(step, _)| *step <= until);
    writes
}
