//! L12: two ExternalSecrets for one Secret.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject, Target};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L12",
    severity: Severity::Error,
    title: "two ExternalSecrets for one Secret",
    why: "Only one object can own a Secret. The second ExternalSecret fails for ever: target is \
          owned by another ExternalSecret.",
    action: "Give one of them another target, or make one of both.",
};

fn check(subject: &Subject<'_>, all: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret().filter(|_| subject.is_one()) else { return };
    let own = subject.object.name().unwrap_or_default();
    let name = spec.target_name(own);
    let key = (subject.object.namespace().map(str::to_owned), name.to_owned());
    let place = subject.object.place_of(&["metadata", "name"]);
    // Files that do not name their namespace may go to different ones.
    let together = |owner: &&Target| key.0.is_some() || owner.place.file == place.file;
    let owners: Vec<&Target> =
        all.owners.get(&key).into_iter().flatten().filter(together).collect();
    // The first one is right, as far as anybody can tell.
    let Some(first) = owners.first().filter(|first| first.place != place) else { return };
    if owners.iter().any(|owner| owner.place == place) && first.name != own {
        let message = format!("the Secret {name:?} is that of the ExternalSecret {:?}", first.name);
        to.push(subject.at(&CODE, "metadata.name", message).related(first.place, "this one"));
    }
}
