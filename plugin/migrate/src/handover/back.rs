//! The way back, from wherever a hand-over is.

use super::blocker::Blocker;
use super::facts::Facts;
use super::{Change, Next, Reference, Wait, Write};

/// What is next on the way back. With `forget`, after KES runs again, the copy goes at the end.
///
/// The Secret gets its old owner before it loses the new one, and the KES object leaves its parking
/// place last of all (kes-migration 3.15).
pub fn back(facts: &Facts, forget: bool) -> Next {
    if let Some(shadow) = &facts.shadow {
        if shadow.new.deleting {
            return Next::Wait(Wait::ShadowGone);
        }
        return Next::Write(Write::DropShadow { uid: shadow.new.uid.clone() });
    }
    let Some(old) = &facts.old else {
        return match (&facts.copy, facts.adopted()) {
            (Some(_), _) => Next::Write(Write::Restore),
            (None, true) => Next::Stop(vec![Blocker::NoCopy]),
            (None, false) => Next::Done,
        };
    };
    if old.deleting {
        return Next::Wait(Wait::Retirement);
    }
    if let Some(secret) = &facts.secret {
        match secret.kes() {
            None => {
                return Next::Write(Write::Own {
                    secret: secret.uid.clone(),
                    version: secret.version.clone(),
                    others: !secret.owners.is_empty(),
                    owner: old.uid.clone(),
                });
            }
            Some((at, owner)) if owner.uid != old.uid => {
                let change = Change::Uid(old.uid.clone());
                let (secret, owner) = (secret.uid.clone(), owner.uid.clone());
                return Next::Write(Write::Renew(Reference { secret, at, owner, change }));
            }
            Some(_) => {}
        }
    }
    if let Some(new) = &facts.new {
        if new.deleting {
            return Next::Wait(Wait::NewGone);
        }
        if new.policy != "Orphan" {
            return Next::Write(Write::Orphan { uid: new.uid.clone() });
        }
        let held = facts.secret.as_ref();
        if held.is_some_and(|secret| secret.owners.iter().any(|owner| owner.uid == new.uid)) {
            return Next::Wait(Wait::Release);
        }
        return Next::Write(Write::DropNew { uid: new.uid.clone() });
    }
    if let Some(secret) = &facts.secret
        && let Some((at, owner)) = secret.kes()
        && !owner.controller
    {
        if let Some(other) = secret.controller() {
            if other.is_new() {
                // Its object is gone: garbage collection takes the reference.
                return Next::Wait(Wait::Release);
            }
            return Next::Stop(vec![Blocker::OtherController {
                owner: format!("{} {}", other.kind, other.name),
                group: other.group.clone(),
            }]);
        }
        let change = Change::Controller(true);
        let (secret, owner) = (secret.uid.clone(), owner.uid.clone());
        return Next::Write(Write::Promote(Reference { secret, at, owner, change }));
    }
    if old.parked() {
        let controller_id = facts.copy.as_ref().and_then(|copy| copy.controller_id());
        let controller_id = controller_id.map(str::to_owned);
        return Next::Write(Write::Unpark { uid: old.uid.clone(), controller_id });
    }
    match &facts.copy {
        Some(copy) if forget => Next::Write(Write::Forget { uid: copy.uid.clone() }),
        _ => Next::Done,
    }
}
