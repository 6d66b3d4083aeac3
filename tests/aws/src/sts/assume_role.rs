//! `AssumeRole`: from one identity to another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{
    Answer, duration, in_its_words, required, session_answer, session_name, session_policy,
    validation,
};
use crate::error::AwsError;
use crate::form::Form;
use crate::identity::{Access, NewSession};
use crate::world::Call;

/// A session that another session asked for lasts no longer than that.
const MAX_CHAINED: u64 = 3600;

pub(super) fn assume_role(call: &Call<'_>, form: &Form) -> Result<Answer, AwsError> {
    let arn = required(form, "RoleArn", 20, 2048)?;
    let name = session_name(form)?;
    let seconds = duration(form)?;
    let policy = session_policy(form)?;
    let external_id = form.get("ExternalId");
    if let Some(id) = external_id {
        AwsError::length("externalId", id.len(), 2, 1224).map_err(in_its_words)?;
    }
    let mut tags = tags(form)?;
    let transitive: BTreeSet<String> =
        form.list("TransitiveTagKeys").into_iter().map(str::to_owned).collect();
    call.is_about(arn);
    if call.caller.arn.ends_with(":root") {
        return Err(AwsError::new("AccessDenied", "Roles may not be assumed by root accounts.")
            .with_status(403));
    }

    let denied = |action: &str| {
        AwsError::new(
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: {action} on resource: {arn}",
                call.caller.arn
            ),
        )
        .with_status(403)
    };
    // A role that is not there looks like one that may not be assumed.
    let role = call.world.identities.role(arn).ok_or_else(|| denied("sts:AssumeRole"))?;
    let context = |key: &str| match key {
        "sts:ExternalId" => external_id.map(str::to_owned).into_iter().collect(),
        "sts:RoleSessionName" => vec![name.to_owned()],
        "sts:TransitiveTagKeys" => transitive.iter().cloned().collect(),
        "aws:TagKeys" => tags.keys().cloned().collect(),
        key => {
            let tag = key.strip_prefix("aws:RequestTag/").and_then(|tag| tags.get(tag));
            tag.cloned().into_iter().collect()
        }
    };
    let mut actions = vec!["sts:AssumeRole"];
    if !tags.is_empty() {
        actions.push("sts:TagSession");
    }
    for action in actions {
        let access = Access {
            action,
            resource: arn,
            owner: role.account(),
            resource_policy: Some(&role.trust),
            context: &context,
        };
        if !call.caller.is_trusted(&access) {
            return Err(denied(action));
        }
        call.authorize(&access, &[arn]).map_err(|error| match &*error.code {
            "AccessDeniedException" => denied(action),
            _ => error,
        })?;
    }
    if call.caller.role.is_some() && seconds > MAX_CHAINED {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining",
        ));
    }
    if Duration::from_secs(seconds) > role.max_session {
        return Err(validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }

    let caller = call.caller;
    for key in &caller.transitive {
        if let Some(value) = caller.tags.get(key) {
            tags.insert(key.clone(), value.clone());
        }
    }
    let session = NewSession {
        role,
        name: name.to_owned(),
        duration: Duration::from_secs(seconds),
        policy,
        tags,
        transitive: transitive.union(&caller.transitive).cloned().collect(),
    };
    Ok(session_answer(&call.world.identities.start_session(session, call.now)))
}

fn tags(form: &Form) -> Result<BTreeMap<String, String>, AwsError> {
    let pairs = form.pairs("Tags");
    AwsError::length("tags", pairs.len(), 0, 50).map_err(in_its_words)?;
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        AwsError::length("tags.1.member.key", key.len(), 1, 128).map_err(in_its_words)?;
        if key.to_lowercase().starts_with("aws:") {
            return Err(validation("Tag keys that begin with aws: are reserved."));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(AwsError::new(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    Ok(tags)
}
