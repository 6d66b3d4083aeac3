//! Compares what was written and reported with what a case prescribes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::case::{Case, Expected, Outcome};
use crate::run::Run;

/// True for objects whose names a case leaves open.
fn is_named_freely(object: &Value) -> bool {
    matches!(object["kind"].as_str(), Some("SecretStore" | "ClusterSecretStore" | "Secret"))
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// A Secret to be filled in, without the form in which its keys are listed. It has no value.
fn skeleton(secret: &Value) -> Value {
    for field in ["data", "stringData"] {
        for (_, value) in secret[field].as_object().into_iter().flatten() {
            assert!(
                value.as_str().is_none_or(str::is_empty),
                "Secret {} has a value",
                name(secret)
            );
        }
    }
    json!({ "kind": "Secret", "metadata": secret["metadata"] })
}

/// Replaces names wherever an object is named by `name`.
fn rename(value: &mut Value, names: &BTreeMap<&str, &str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "name" => {
                        if let Some(new) = names.get(text.as_str()) {
                            *text = (*new).to_owned();
                        }
                    }
                    _ => rename(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

/// Objects in a form that compares: sorted, Secrets without their keys.
fn canonical(objects: &[Value], names: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut texts: Vec<_> = objects
        .iter()
        .map(|object| {
            let mut object =
                if object["kind"] == "Secret" { skeleton(object) } else { object.clone() };
            rename(&mut object, names);
            sort_keys(&mut object);
            serde_yaml::to_string(&object).expect("JSON is YAML")
        })
        .collect();
    texts.sort();
    texts
}

fn sort_keys(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.sort_keys();
            map.values_mut().for_each(sort_keys);
        }
        Value::Array(items) => items.iter_mut().for_each(sort_keys),
        _ => {}
    }
}

/// All ways to pair the free names of both sides, kind by kind.
fn renamings<'a>(actual: &'a [Value], expected: &'a [Value]) -> Vec<BTreeMap<&'a str, &'a str>> {
    let mut all = vec![BTreeMap::new()];
    let kinds: BTreeSet<_> = expected.iter().filter(|o| is_named_freely(o)).map(kind).collect();
    for wanted in kinds {
        let names = |objects: &'a [Value]| -> Vec<&'a str> {
            objects.iter().filter(|o| kind(o) == wanted).map(name).collect()
        };
        let (from, to) = (names(actual), names(expected));
        all = all
            .iter()
            .flat_map(|names| {
                permutations(&to).into_iter().map(|to| {
                    let mut names = names.clone();
                    names.extend(from.iter().copied().zip(to));
                    names
                })
            })
            .collect();
    }
    all
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

fn permutations<'a>(items: &[&'a str]) -> Vec<Vec<&'a str>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (i, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(i);
        for mut tail in permutations(&rest) {
            tail.insert(0, first);
            all.push(tail);
        }
    }
    all
}

/// Fails unless both sides hold the same objects, up to the names that are free.
pub(crate) fn assert_same_objects(actual: &[Value], expected: &[Value], context: &str) {
    let wanted = canonical(expected, &BTreeMap::new());
    let renamings = renamings(actual, expected);
    if renamings.iter().any(|names| canonical(actual, names) == wanted) {
        return;
    }
    // The pairing that differs least is the one to show.
    let differing = |names: &&BTreeMap<&str, &str>| {
        canonical(actual, names).iter().filter(|text| !wanted.contains(text)).count()
    };
    let names = renamings.iter().min_by_key(differing).cloned().unwrap_or_default();
    let diff = similar::TextDiff::from_lines(
        wanted.join("---\n"),
        canonical(actual, &names).join("---\n"),
    )
    .unified_diff()
    .header("expected", "written")
    .to_string();
    panic!("other objects were written than expected ({names:?}):\n{diff}\n{context}");
}

/// One diagnostic of a report.
#[derive(Debug)]
pub(crate) struct Reported {
    code: String,
    object: Option<String>,
    field: Option<String>,
    text: String,
}

/// All diagnostics of a report: those of every object, and those of the run.
pub(crate) fn reported(report: &Value) -> Vec<Reported> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let one = |object: Option<String>, diagnostic: &Value| Reported {
        code: diagnostic["code"].as_str().expect("a diagnostic has a code").to_owned(),
        object,
        field: diagnostic["field"].as_str().map(str::to_owned),
        text: [&diagnostic["message"], &diagnostic["help"]]
            .iter()
            .filter_map(|text| text.as_str())
            .collect::<Vec<_>>()
            .join("\n"),
    };
    let mut all: Vec<_> = list(&report["diagnostics"]).iter().map(|d| one(None, d)).collect();
    for object in list(&report["objects"]) {
        let id = match (object["namespace"].as_str(), object["name"].as_str()) {
            (namespace, Some(name)) => Some(format!("{}/{name}", namespace.unwrap_or_default())),
            _ => None,
        };
        all.extend(list(&object["diagnostics"]).iter().map(|d| one(id.clone(), d)));
    }
    all
}

/// True when `part` is in `path`, cut at the path's separators: `data[1]` is in
/// `spec.data[1].name` and not in `spec.data[11]`.
fn has_part(path: &str, part: &str) -> bool {
    path.match_indices(part).any(|(at, _)| {
        let before = path[..at].chars().next_back();
        let after = path[at + part.len()..].chars().next();
        matches!(before, None | Some('.' | '[' | ']' | '"'))
            && matches!(after, None | Some('.' | '[' | ']' | '"'))
    })
}

impl Reported {
    /// The message and its help.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl Expected {
    fn is_met_by(&self, reported: &Reported) -> bool {
        self.code == reported.code
            && self.object == reported.object
            && self
                .field
                .as_ref()
                .is_none_or(|part| reported.field.as_ref().is_some_and(|path| has_part(path, part)))
            && self.says.iter().all(|words| reported.text.contains(words.as_str()))
    }
}

/// Codes of which one per object, or per run, is enough.
const ONCE: &[&str] = &["W08", "W12", "W15", "W17", "W25", "W26"];

/// Fails unless exactly the diagnostics of the case were reported.
pub(crate) fn assert_diagnostics(case: &Case, run: &Run) {
    let reported = reported(&run.report);
    let mut problems = Vec::new();
    for expected in &case.diagnostics {
        if !reported.iter().any(|r| expected.is_met_by(r)) {
            let Expected { code, object, field, says } = expected;
            problems.push(format!("not reported: {code} {object:?} {field:?} {says:?}"));
        }
    }
    for actual in &reported {
        if !case.diagnostics.iter().any(|e| e.is_met_by(actual)) {
            problems.push(format!("not expected: {actual:?}"));
        }
    }
    let mut seen = BTreeSet::new();
    for actual in &reported {
        // Of the others, two that say different things.
        let text = if ONCE.contains(&actual.code.as_str()) { "" } else { actual.text() };
        if !seen.insert((&actual.code, &actual.object, &actual.field, text)) {
            problems.push(format!("reported more than once: {actual:?}"));
        }
    }
    assert!(
        problems.is_empty(),
        "{}:\n  {}\nall:\n  {}",
        case.title,
        problems.join("\n  "),
        reported.iter().map(|r| format!("{r:?}")).collect::<Vec<_>>().join("\n  ")
    );
}

/// Fails unless the exit status and the number of written objects agree with the result.
pub(crate) fn assert_outcome(case: &Case, run: &Run, written: usize) {
    let status = i32::from(case.result != Outcome::Converted);
    assert_eq!(run.status, Some(status), "exit status\n{}", run.stderr);
    assert_eq!(written == 0, case.result == Outcome::Error, "objects on stdout:\n{}", run.stdout);
}

#[test]
fn parts_of_paths_are_cut_at_separators() {
    assert!(has_part("spec.data[1].name", "data[1]"));
    assert!(has_part("spec.template.stringData.url", "stringData.url"));
    assert!(has_part("secretDescriptor", "secretDescriptor"));
    assert!(!has_part("spec.data[11].name", "data[1]"));
    assert!(!has_part("spec.dataFrom[1]", "data"));
}

#[test]
fn objects_are_compared_up_to_free_names() {
    let store = |name: &str, region: &str| json!({"kind": "ClusterSecretStore", "metadata": {"name": name}, "spec": {"region": region}});
    let user = |name: &str, store: &str| json!({"kind": "ExternalSecret", "metadata": {"name": name}, "spec": {"ref": {"name": store}}});
    let expected = [store("s1", "a"), store("s2", "b"), user("x", "s1"), user("y", "s2")];
    let same = [user("y", "zz"), user("x", "aa"), store("zz", "b"), store("aa", "a")];
    assert_same_objects(&same, &expected, "");

    let crossed = [user("y", "aa"), user("x", "zz"), store("zz", "b"), store("aa", "a")];
    let result = std::panic::catch_unwind(|| assert_same_objects(&crossed, &expected, ""));
    assert!(result.is_err(), "references to the wrong store must differ");
}
