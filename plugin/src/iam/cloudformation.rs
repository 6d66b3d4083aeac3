//! Policies as a template of CloudFormation: a role with its trust policy where that is known, else a
//! policy for a role that is there, else a managed policy.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Report;
use super::policy::{self, Grant};

/// The template.
pub(crate) fn template(report: &Report) -> Value {
    let mut used = BTreeSet::new();
    let named: Vec<(String, &Grant)> =
        report.grants.iter().map(|grant| (name(grant, &mut used), grant)).collect();
    let resources = named.iter().map(|(name, grant)| (name.clone(), resource(grant, &named)));
    let resources: Map<String, Value> = resources.collect();
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What ExternalSecrets need at AWS",
        "Resources": resources,
    })
}

fn resource(grant: &Grant, all: &[(String, &Grant)]) -> Value {
    let (kind, properties) = match (&grant.trust, grant.role_name()) {
        (Some(trust), role) => {
            let mut properties = json!({
                "AssumeRolePolicyDocument": trust,
                "Policies": [{ "PolicyName": "extsecret", "PolicyDocument": grant.policy }],
            });
            if let (Some((path, name)), Some(fields)) = (role, properties.as_object_mut()) {
                fields.insert("RoleName".to_owned(), json!(name));
                fields.insert("Path".to_owned(), json!(path));
            }
            ("AWS::IAM::Role", properties)
        }
        (None, Some((_, role))) => (
            "AWS::IAM::RolePolicy",
            json!({
                "RoleName": role,
                "PolicyName": "extsecret",
                "PolicyDocument": grant.policy,
            }),
        ),
        (None, None) => ("AWS::IAM::ManagedPolicy", json!({ "PolicyDocument": grant.policy })),
    };
    let about = json!({ "Identity": grant.label, "Stores": grant.stores });
    let mut resource = json!({ "Type": kind, "Metadata": about, "Properties": properties });
    let before: Vec<&str> = policy::made_before(grant, all).collect();
    if let (false, Some(fields)) = (before.is_empty(), resource.as_object_mut()) {
        fields.insert("DependsOn".to_owned(), json!(before));
    }
    resource
}

/// A name of letters and digits that is not used yet: `ShopReader`.
fn name(grant: &Grant, used: &mut BTreeSet<String>) -> String {
    let wanted = grant.role_name().map_or(grant.label.as_str(), |(_, role)| role);
    let words = wanted.split(|c: char| !c.is_ascii_alphanumeric()).map(|word| {
        let mut chars = word.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    });
    let plain: String = words.collect();
    let plain = if plain.is_empty() { "Policy".to_owned() } else { plain };
    policy::unused(&plain, "", used)
}
