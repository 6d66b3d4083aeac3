//! Names of parameters, with what may follow them.

use crate::error::AwsError;
use crate::world::Call;

/// Parts between slashes.
const MAX_LEVELS: usize = 15;

/// The longest name, the part of the ARN before it included.
const MAX_LENGTH: usize = 1011;

/// A parameter as a reader asks for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    /// A version or a label.
    pub(super) selector: Option<&'a str>,
}

/// Reads `NAME`, `NAME:VERSION`, `NAME:LABEL`, or an ARN with any of them.
pub(super) fn wanted<'a>(call: &Call<'_>, text: &'a str) -> Result<Wanted<'a>, AwsError> {
    AwsError::length("name", text.len(), 1, 2048)?;
    call.is_about(text);
    let text = match text.strip_prefix("arn:aws:ssm:") {
        None => text,
        Some(arn) => of_arn(call, arn).ok_or_else(super::not_found)?,
    };
    let wanted = match text.split_once(':') {
        None => Wanted { name: text, selector: None },
        Some((name, selector)) => Wanted { name, selector: Some(selector) },
    };
    // Names of secrets have marks that those of parameters do not have.
    let is_secret = wanted.name.starts_with(super::reference::PREFIX);
    if wanted.name.is_empty() || !is_secret && !wanted.name.chars().all(is_allowed) {
        return Err(invalid());
    }
    Ok(wanted)
}

/// What follows `arn:aws:ssm:`, if it is a parameter of this account and region. Names without a
/// slash have one in the ARN; `lookup` finds both.
fn of_arn<'a>(call: &Call<'_>, arn: &'a str) -> Option<&'a str> {
    let mut parts = arn.splitn(3, ':');
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let name = resource.strip_prefix("parameter")?;
    (region == call.region && account == call.caller.account).then_some(name)
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-/".contains(c)
}

fn invalid() -> AwsError {
    AwsError::validation(
        "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). If formed \
         as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be \
         formed as a mix of letters, numbers and the following 3 symbols .-_",
    )
}

/// Checks the name of a parameter to be.
pub(super) fn check_new(call: &Call<'_>, name: &str) -> Result<(), AwsError> {
    AwsError::length("name", name.len(), 1, 2048)?;
    call.is_about(name);
    let is_path = name.contains('/');
    let start = name.trim_start_matches('/').to_ascii_lowercase();
    if start.starts_with("aws") && name.starts_with('/') {
        let message = format!("No access to reserved parameter name: {name}.");
        return Err(AwsError::new("AccessDeniedException", message));
    }
    let is_good = name.chars().all(is_allowed)
        && !start.starts_with("aws")
        && !start.starts_with("ssm")
        && !name.contains("//")
        && !name.ends_with('/');
    if !is_good {
        return Err(invalid());
    }
    if is_path && !name.starts_with('/') {
        return Err(AwsError::validation("Parameter name must be a fully qualified name."));
    }
    if name.split('/').filter(|part| !part.is_empty()).count() > MAX_LEVELS {
        return Err(AwsError::new(
            "HierarchyLevelLimitExceededException",
            "Parameter Store supports a maximum of 15 levels in a parameter hierarchy.",
        ));
    }
    if super::arn(call, name).len() > MAX_LENGTH {
        return Err(AwsError::validation("The parameter's ARN is longer than 1011 characters."));
    }
    Ok(())
}
