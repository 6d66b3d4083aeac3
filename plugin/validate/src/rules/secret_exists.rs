//! L05: Secret that is also written by hand.

use extsecret_crds::external_secret::CreationPolicy;
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use extsecret_manifest::source::Place;

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L05",
    severity: Severity::Warning,
    title: "Secret that is also written by hand",
    why: "The ExternalSecret becomes the owner of a Secret that is there and has no owner, and \
          replaces all of its data. Whoever applies both changes it back and forth, and values \
          are lost.",
    action: "Remove the Secret, give the target another name, or use creationPolicy Merge to \
             add keys to it.",
};

fn check(subject: &Subject<'_>, all: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret().filter(|_| subject.is_one()) else { return };
    if !matches!(spec.creation_policy(), CreationPolicy::Owner | CreationPolicy::Orphan) {
        return;
    }
    let name = spec.target_name(subject.object.name().unwrap_or_default());
    let key = (subject.object.namespace().map(str::to_owned), name.to_owned());
    // Files that do not name their namespace may go to different ones.
    let together = |place: &&Place| key.0.is_some() || place.file == subject.object.document.file;
    if let Some(place) = all.secrets.get(&key).filter(together) {
        let message =
            format!("the data of the Secret {name:?}, which is written by hand, is replaced");
        let field = if spec.target.as_ref().is_some_and(|target| target.name.is_some()) {
            "spec.target.name"
        } else {
            "metadata.name"
        };
        to.push(subject.at(&CODE, field, message).related(*place, "this Secret"));
    }
}
