//! L14: generator in an item of data.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L14",
    severity: Severity::Warning,
    title: "generator in an item of data",
    why: "An item of data is fetched from a store. A generatorRef there is read by nobody.",
    action: "Use dataFrom with sourceRef.generatorRef.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    for (index, item) in spec.data().iter().enumerate() {
        if item.source_ref.as_ref().is_some_and(|source| source.generator_ref.is_some()) {
            let path = format!("spec.data[{index}].sourceRef.generatorRef");
            to.push(subject.at(&CODE, &path, "a generator in data has no effect"));
        }
    }
}
