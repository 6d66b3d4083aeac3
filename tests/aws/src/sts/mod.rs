//! STS: sessions of roles, for callers that AWS knows and for those with a token.

mod assume_role;
mod token;
mod web_identity;

use std::borrow::Cow;

use crate::error::AwsError;
use crate::form::{Form, Xml};
use crate::identity::Session;
use crate::policy::Policy;
use crate::world::Call;

/// What an answer is about, without its frame.
pub(crate) type Answer = Vec<Xml>;

pub(crate) use self::web_identity::assume_role_with_web_identity;

/// Does an operation of a caller who signed.
pub(crate) fn handle(call: &Call<'_>) -> Result<Answer, AwsError> {
    let form = Form::parse(call.body);
    match call.name() {
        "AssumeRole" => assume_role::assume_role(call, &form),
        "GetCallerIdentity" => Ok(vec![
            text("Arn", &call.caller.arn),
            text("UserId", &call.caller.user_id),
            text("Account", &call.caller.account),
        ]),
        name => Err(AwsError::new(
            "InvalidAction",
            format!("Could not find operation {name} for version 2011-06-15"),
        )),
    }
}

/// The same refusal as STS words it: it is older than the other services.
pub(crate) fn in_its_words(mut error: AwsError) -> AwsError {
    let (code, status) = match &*error.code {
        "AccessDeniedException" => ("AccessDenied", 403),
        "ExpiredTokenException" => ("ExpiredToken", 403),
        "IncompleteSignatureException" => ("IncompleteSignature", 400),
        "InvalidSignatureException" => ("SignatureDoesNotMatch", 403),
        "MissingAuthenticationTokenException" => ("MissingAuthenticationToken", 403),
        "ThrottlingException" => ("Throttling", 400),
        "UnrecognizedClientException" => ("InvalidClientTokenId", 403),
        "ValidationException" => ("ValidationError", 400),
        _ => return error,
    };
    error.code = Cow::Borrowed(code);
    error.with_status(status)
}

fn text(name: &'static str, text: &str) -> Xml {
    Xml::Text(name, text.to_owned())
}

fn validation(message: impl Into<Cow<'static, str>>) -> AwsError {
    AwsError::new("ValidationError", message)
}

/// A parameter that has to be there, of a certain length.
fn required<'a>(form: &'a Form, name: &str, min: usize, max: usize) -> Result<&'a str, AwsError> {
    let member = member(name);
    let Some(value) = form.get(name) else {
        return Err(validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
             Member must not be null"
        )));
    };
    AwsError::length(&member, value.len(), min, max).map_err(in_its_words)?;
    Ok(value)
}

/// A parameter's name as complaints write it.
fn member(name: &str) -> String {
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    format!("{}{rest}", first.to_ascii_lowercase())
}

/// The name of a session: letters, digits and a few marks.
fn session_name(form: &Form) -> Result<&str, AwsError> {
    let name = required(form, "RoleSessionName", 2, 64)?;
    if name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)) {
        return Ok(name);
    }
    let rule = r"Member must satisfy regular expression pattern: [\w+=,.@-]*";
    Err(in_its_words(AwsError::constraint("roleSessionName", rule)))
}

/// How long the session is asked to be, in seconds.
fn duration(form: &Form) -> Result<u64, AwsError> {
    let Some(text) = form.get("DurationSeconds") else { return Ok(3600) };
    let seconds: i64 =
        text.parse().map_err(|_| validation("DurationSeconds is not a whole number"))?;
    AwsError::range("durationSeconds", seconds, 900, 43_200).map_err(in_its_words)?;
    Ok(seconds.unsigned_abs())
}

/// The policy that narrows the session.
fn session_policy(form: &Form) -> Result<Option<Policy>, AwsError> {
    let Some(text) = form.get("Policy") else { return Ok(None) };
    AwsError::length("policy", text.len(), 1, 2048).map_err(in_its_words)?;
    let policy = Policy::parse(text).map_err(|_| {
        AwsError::new("MalformedPolicyDocument", "The policy is not in the valid JSON format.")
    })?;
    Ok(Some(policy))
}

fn session_answer(session: &Session) -> Answer {
    let credentials = &session.credentials;
    let token = credentials.session_token.as_deref().unwrap_or_default();
    vec![
        Xml::Element(
            "AssumedRoleUser",
            vec![text("AssumedRoleId", &session.user_id), text("Arn", &session.arn)],
        ),
        Xml::Element(
            "Credentials",
            vec![
                text("AccessKeyId", &credentials.access_key_id),
                text("SecretAccessKey", &credentials.secret_access_key),
                text("SessionToken", token),
                Xml::Text("Expiration", session.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ],
        ),
    ]
}
