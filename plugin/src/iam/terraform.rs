//! Policies as Terraform: a role with its trust policy where that is known, else a policy for a role
//! that is there, else a managed policy.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::policy::{self, Grant};
use super::{Document, Report};

/// The configuration.
pub(crate) fn configuration(report: &Report) -> String {
    let mut used = BTreeSet::new();
    let named: Vec<(String, &Grant)> =
        report.grants.iter().map(|grant| (name(grant, &mut used), grant)).collect();
    let blocks = named.iter().map(|(name, grant)| block(name, grant, &named));
    blocks.collect::<Vec<_>>().join("\n")
}

fn block(name: &str, grant: &Grant, all: &[(String, &Grant)]) -> String {
    let mut text = String::new();
    for store in &grant.stores {
        let _ = writeln!(text, "# for {}", line(store));
    }
    let policy = document(&grant.policy);
    match (&grant.trust, grant.role_name()) {
        (Some(trust), role) => {
            let _ = writeln!(text, "resource \"aws_iam_role\" \"{name}\" {{");
            if let Some((path, role)) = role {
                let _ = writeln!(text, "  name = {}\n  path = {}", quoted(role), quoted(path));
            }
            let _ = writeln!(text, "  assume_role_policy = {}", document(trust));
            let before = policy::made_before(grant, all).map(|name| format!("aws_iam_role.{name}"));
            let before: Vec<String> = before.collect();
            if !before.is_empty() {
                let _ = writeln!(text, "  depends_on = [{}]", before.join(", "));
            }
            text.push_str("}\n\n");
            let _ = writeln!(
                text,
                "resource \"aws_iam_role_policy\" \"{name}\" {{\n  name = \"extsecret\"\n  \
                 role = aws_iam_role.{name}.id\n  policy = {policy}\n}}"
            );
        }
        (None, Some((_, role))) => {
            let _ = writeln!(
                text,
                "resource \"aws_iam_role_policy\" \"{name}\" {{\n  name = \"extsecret\"\n  \
                 role = {}\n  policy = {policy}\n}}",
                quoted(role)
            );
        }
        (None, None) => {
            let _ = writeln!(text, "# to be attached to: {}", line(&grant.label));
            let _ = writeln!(
                text,
                "resource \"aws_iam_policy\" \"{name}\" {{\n  policy = {policy}\n}}"
            );
        }
    }
    text
}

/// `jsonencode` of a document: JSON is an expression of Terraform's language.
fn document(document: &Document) -> String {
    let json = serde_json::json!(document);
    let text = format!("{json:#}").replace("${", "$${").replace("%{", "%%{");
    format!("jsonencode({})", text.replace('\n', "\n  "))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace("${", "$${").replace("%{", "%%{")
}

fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A name that is not used yet: `shop_reader`.
fn name(grant: &Grant, used: &mut BTreeSet<String>) -> String {
    let wanted = grant.role_name().map_or(grant.label.as_str(), |(_, role)| role);
    let plain: String = wanted
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let plain = if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        plain
    } else {
        format!("role_{plain}")
    };
    policy::unused(&plain, "_", used)
}
