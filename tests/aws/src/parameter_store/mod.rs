//! Parameter Store of Systems Manager.

mod labels;
mod name;
mod parameter;
mod read;
mod reference;
mod search;
mod tags;
mod write;

use std::sync::{MutexGuard, PoisonError};

use serde_json::Value;

pub(crate) use self::parameter::Store;
use crate::error::AwsError;
use crate::identity::Access;
use crate::world::Call;

/// Does an operation.
pub(crate) fn handle(call: &Call<'_>) -> Result<Value, AwsError> {
    match call.name() {
        "AddTagsToResource" => tags::add_tags_to_resource(call),
        "DeleteParameter" => write::delete_parameter(call),
        "DeleteParameters" => write::delete_parameters(call),
        "DescribeParameters" => search::describe_parameters(call),
        "GetParameter" => read::get_parameter(call),
        "GetParameterHistory" => read::get_parameter_history(call),
        "GetParameters" => read::get_parameters(call),
        "GetParametersByPath" => search::get_parameters_by_path(call),
        "LabelParameterVersion" => labels::label_parameter_version(call),
        "ListTagsForResource" => tags::list_tags_for_resource(call),
        "PutParameter" => write::put_parameter(call),
        "RemoveTagsFromResource" => tags::remove_tags_from_resource(call),
        "UnlabelParameterVersion" => labels::unlabel_parameter_version(call),
        _ => Err(AwsError::new("UnknownOperationException", "")),
    }
}

fn lock<'a>(call: &'a Call<'_>) -> MutexGuard<'a, Store> {
    call.world.parameters.lock().unwrap_or_else(PoisonError::into_inner)
}

/// AWS says no more than that.
fn not_found() -> AwsError {
    AwsError::new("ParameterNotFound", "")
}

/// The ARN of a parameter of the call's account and region.
fn arn(call: &Call<'_>, name: &str) -> String {
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("arn:aws:ssm:{}:{}:parameter{slash}{name}", call.region, call.caller.account)
}

/// Whether the caller may do this with a parameter of that name, be it there or not.
fn authorize(call: &Call<'_>, store: &mut Store, action: &str, name: &str) -> Result<(), AwsError> {
    let parameter = store.region(call).get(name);
    let access = Access {
        action,
        resource: &arn(call, name),
        owner: &call.caller.account,
        resource_policy: None,
        context: &|key| {
            let tag = key
                .strip_prefix("aws:ResourceTag/")
                .or_else(|| key.strip_prefix("ssm:resourceTag/"));
            let tag = tag.and_then(|tag| parameter?.tags.get(tag));
            tag.cloned().into_iter().collect()
        },
    };
    call.authorize(&access, &[name, access.resource])
}
