//! What a role cannot do of what it needs, and which ExternalSecrets fail of that: questions for IAM
//! made of the policies that are needed, and its answers in words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Objects, Options, Report, Warning, report};

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

/// What one request can ask: a role about actions on resources, where condition keys have values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) role: String,
    pub(crate) actions: Vec<String>,
    pub(crate) context: Vec<(String, Vec<String>)>,
}

/// Resources of a group as IAM is asked about them, each as the policy has it, with those who need it.
pub(crate) type Resources = BTreeMap<String, (String, BTreeSet<String>)>;

/// All that is asked.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    pub(crate) groups: BTreeMap<Group, Resources>,
    /// What cannot be asked, and why.
    pub(crate) unasked: BTreeSet<String>,
}

/// Something that is needed and not allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missing {
    pub(crate) role: String,
    /// The action, and the resource as a policy would name it; `None` if there is no such role.
    pub(crate) permission: Option<(String, String)>,
    /// Who fails without it.
    pub(crate) needed_by: BTreeSet<String>,
}

/// What is to be asked for the objects. Each is looked at by itself, so that it is known whose need
/// a permission is.
pub(crate) fn questions(objects: &mut Objects, options: &Options) -> Questions {
    let mut questions = Questions::default();
    for asker in std::mem::take(&mut objects.askers) {
        let label = asker.label.clone();
        objects.askers = vec![asker];
        questions.add(&report(objects, options), &label);
    }
    questions
}

impl Questions {
    fn add(&mut self, report: &Report, label: &str) {
        for grant in &report.grants {
            let Some(role) = &grant.role else {
                self.unasked.insert(format!("{}: its ARN is not known", grant.label));
                continue;
            };
            for statement in &grant.policy.statement {
                self.statement(role, statement, label);
            }
        }
    }

    fn statement(&mut self, role: &str, statement: &Value, label: &str) {
        let actions = texts(&statement["Action"]);
        let (any_key, resources): (Vec<String>, Vec<String>) = texts(&statement["Resource"])
            .into_iter()
            .partition(|resource| resource.ends_with(":key/*"));
        if !any_key.is_empty() {
            self.unasked.insert(format!(
                "{role}: {}: which keys values are encrypted with is not known; --kms-key tells it",
                actions.join(", ")
            ));
        }
        for context in contexts(&statement["Condition"]) {
            let group = Group { role: role.to_owned(), actions: actions.clone(), context };
            for resource in &resources {
                let all = self.groups.entry(group.clone()).or_default();
                let entry = all.entry(example(resource));
                let (_, labels) = entry.or_insert_with(|| (resource.clone(), BTreeSet::new()));
                labels.insert(label.to_owned());
            }
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The values of condition keys under which something is needed: of a key with several values, one
/// after the other, because a request has one.
fn contexts(condition: &Value) -> Vec<Vec<(String, Vec<String>)>> {
    let mut all = vec![Vec::new()];
    let keys = condition.as_object().into_iter().flatten().filter_map(|(_, keys)| keys.as_object());
    for (key, values) in keys.flatten() {
        let values = texts(values);
        all = all
            .into_iter()
            .flat_map(|before: Vec<(String, Vec<String>)>| {
                values.iter().map(move |value| {
                    let mut context = before.clone();
                    context.push((key.clone(), vec![example(value)]));
                    context
                })
            })
            .collect();
    }
    all
}

/// Something that a pattern of ours matches: AWS makes six characters behind the name of a secret,
/// and a search may find anything.
fn example(pattern: &str) -> String {
    if pattern == "*" {
        return pattern.to_owned();
    }
    pattern.replace("??????", "AbCdEf").replace('*', "example")
}

/// What an answer to a group means.
pub(crate) fn missing<'a>(
    group: &Group,
    resources: &Resources,
    denied: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Missing> {
    let found = denied.filter_map(|(action, resource)| {
        let (pattern, labels) = resources.get(resource)?;
        Some(Missing {
            role: group.role.clone(),
            permission: Some((action.to_owned(), pattern.clone())),
            needed_by: labels.clone(),
        })
    });
    found.collect()
}

/// That there is no such role: all who need anything of it fail.
pub(crate) fn no_role(role: &str, groups: &BTreeMap<Group, Resources>) -> Missing {
    let of_role = groups.iter().filter(|(group, _)| group.role == role);
    let needed_by = of_role.flat_map(|(_, all)| all.values().flat_map(|(_, labels)| labels));
    let needed_by = needed_by.cloned().collect();
    Missing { role: role.to_owned(), permission: None, needed_by }
}

/// The answers, for people.
pub(crate) fn text(missing: &[Missing], asked: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut last = None;
    for Missing { role, permission, needed_by } in missing {
        match permission {
            None => {
                let _ = writeln!(text, "{role} does not exist");
            }
            Some((action, resource)) => {
                if last != Some(role) {
                    let _ = writeln!(text, "{role} lacks");
                }
                let _ = writeln!(text, "  {action} on {resource}");
            }
        }
        last = Some(role);
        for label in needed_by {
            let _ = writeln!(text, "    {label}");
        }
    }
    if missing.is_empty() && asked > 0 {
        text.push_str("nothing is missing\n");
    }
    text
}

/// The same for programs.
pub(crate) fn document(missing: &[Missing], asked: usize, warnings: &[Warning]) -> Value {
    let failing: BTreeSet<&String> = missing.iter().flat_map(|it| &it.needed_by).collect();
    json!({
        "version": VERSION,
        "asked": asked,
        "missing": missing.iter().map(|it| json!({
            "role": it.role,
            "roleExists": it.permission.is_some(),
            "action": it.permission.as_ref().map(|(action, _)| action),
            "resource": it.permission.as_ref().map(|(_, resource)| resource),
            "neededBy": it.needed_by,
        })).collect::<Vec<_>>(),
        "failing": failing,
        "warnings": warnings.iter().map(Warning::line).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_what_they_match() {
        for (pattern, text) in [
            ("*", "*"),
            (
                "arn:aws:secretsmanager:r:1:secret:a-??????",
                "arn:aws:secretsmanager:r:1:secret:a-AbCdEf",
            ),
            ("arn:aws:ssm:r:1:parameter/a/*", "arn:aws:ssm:r:1:parameter/a/example"),
        ] {
            assert_eq!(example(pattern), text);
        }
    }

    #[test]
    fn one_request_has_one_value_of_a_key() {
        assert_eq!(contexts(&Value::Null), [Vec::new()]);
        let condition = json!({
            "StringEquals": { "kms:ViaService": "ssm.r.amazonaws.com" },
            "StringLike": { "kms:EncryptionContext:SecretARN": ["a-??????", "b"] },
        });
        let found = contexts(&condition);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0][1].1, ["a-AbCdEf"]);
        assert_eq!(found[1][1].1, ["b"]);
    }
}
