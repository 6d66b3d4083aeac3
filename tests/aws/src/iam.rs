//! IAM, as far as somebody asks it what a role may do.

use crate::error::AwsError;
use crate::form::{Form, Xml};
use crate::identity::Access;
use crate::policy::Verdict;
use crate::sts::Answer;
use crate::world::Call;

/// The version that its forms name, by which they are told from those of STS.
pub(crate) const VERSION: &str = "2010-05-08";

/// Does an operation of a caller who signed.
pub(crate) fn handle(call: &Call<'_>) -> Result<Answer, AwsError> {
    let form = Form::parse(call.body);
    match call.name() {
        "SimulatePrincipalPolicy" => simulate(call, &form),
        name => Err(AwsError::new(
            "InvalidAction",
            format!("Could not find operation {name} for version {VERSION}"),
        )),
    }
}

fn simulate(call: &Call<'_>, form: &Form) -> Result<Answer, AwsError> {
    let missing = |name: &str| {
        AwsError::new("ValidationError", format!("Value null at '{name}' must not be null"))
    };
    let role = form.get("PolicySourceArn").ok_or_else(|| missing("policySourceArn"))?;
    call.is_about(role);
    call.authorize(
        &Access {
            action: "iam:SimulatePrincipalPolicy",
            resource: role,
            owner: &call.caller.account,
            resource_policy: None,
            context: &|_| Vec::new(),
        },
        &[role],
    )?;
    let actions = form.list("ActionNames");
    if actions.is_empty() {
        return Err(missing("actionNames"));
    }
    let mut resources = form.list("ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    let context = |key: &str| -> Vec<String> {
        (1..)
            .map_while(|number| form.get(&format!("ContextEntries.member.{number}.ContextKeyName")))
            .position(|name| name.eq_ignore_ascii_case(key))
            .map(|at| {
                let name = format!("ContextEntries.member.{}.ContextKeyValues", at + 1);
                form.list(&name).into_iter().map(str::to_owned).collect()
            })
            .unwrap_or_default()
    };
    let mut results = Vec::new();
    for action in actions {
        for &resource in &resources {
            let verdict = call.world.identities.simulate(role, action, resource, &context);
            let verdict = verdict.ok_or_else(|| {
                let message = format!("The role with name {role} cannot be found.");
                AwsError::new("NoSuchEntity", message).with_status(404)
            })?;
            let decision = match verdict {
                Verdict::Allow => "allowed",
                Verdict::Deny => "explicitDeny",
                Verdict::AllowAccount | Verdict::Silent => "implicitDeny",
            };
            results.push(Xml::Element(
                "member",
                vec![
                    Xml::Text("EvalActionName", action.to_owned()),
                    Xml::Text("EvalResourceName", resource.to_owned()),
                    Xml::Text("EvalDecision", decision.to_owned()),
                ],
            ));
        }
    }
    Ok(vec![
        Xml::Element("EvaluationResults", results),
        Xml::Text("IsTruncated", "false".to_owned()),
    ])
}
