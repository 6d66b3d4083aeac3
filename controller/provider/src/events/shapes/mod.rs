//! What a message of the queue says (restarts 2.4): the events that Secrets Manager and Parameter
//! Store send themselves, and the two that CloudTrail makes of calls and of rotations.
//!
//! It is parsing only: a message becomes the name that changed, or nothing, or an error.

use serde_json::Value;

/// Calls after which a value, a label or tags may be other than before.
const CHANGING: &[&str] = &[
    "CreateSecret",
    "DeleteSecret",
    "PutSecretValue",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "RestoreSecret",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
    "UpdateSecretVersionStage",
];

/// Characters that Secrets Manager puts behind a name in an ARN, after a hyphen.
const SUFFIX: usize = 6;

/// The service that a changed value is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Secrets Manager.
    Secret,
    /// Parameter Store.
    Parameter,
}

/// The form of an event that tells of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// Secrets Manager's own.
    LabelUpdated,
    /// Parameter Store's own.
    ParameterChange,
    /// A call that CloudTrail has recorded.
    Call,
    /// What a service has done by itself, recorded by CloudTrail.
    ServiceEvent,
}

impl Shape {
    /// Its `detail-type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LabelUpdated => "Secret Label Updated",
            Self::ParameterChange => "Parameter Store Change",
            Self::Call => "AWS API Call via CloudTrail",
            Self::ServiceEvent => "AWS Service Event via CloudTrail",
        }
    }
}

/// Something has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How that is known.
    pub shape: Shape,
    /// Where.
    pub kind: Kind,
    /// The account that owns it.
    pub account: String,
    /// The region.
    pub region: String,
    /// Its name. More than one if the event leaves two possible: to refresh one too many harms
    /// nobody, to miss one does.
    pub names: Vec<String>,
    /// The version, if the event names one.
    pub version: Option<String>,
}

/// A message that cannot be understood, and that nobody would miss if it came back: it is left to the
/// queue's own rules for such messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Not JSON, or no object.
    #[error("the message is not a JSON object")]
    NotAnObject,
    /// No event of EventBridge.
    #[error("the message is not an event: it has no {0}")]
    NoEvent(&'static str),
    /// One of those that are understood, without what it has to say.
    #[error("the event {kind:?} does not say {what}")]
    Incomplete {
        /// `detail-type`
        kind: String,
        /// What is missing.
        what: &'static str,
    },
}

/// Reads the body of a message. `None` is an event that changes nothing here, such as a call that
/// failed or a rotation that has begun.
///
/// # Errors
/// If it is no event, or one without what it has to say.
pub fn parse(body: &str) -> Result<Option<Change>, ShapeError> {
    let message: Value = serde_json::from_str(body).map_err(|_| ShapeError::NotAnObject)?;
    if !message.is_object() {
        return Err(ShapeError::NotAnObject);
    }
    // A topic between rule and queue wraps the event, unless it is told not to.
    let inner = match (text(&message, "/Type"), text(&message, "/Message")) {
        (Some("Notification"), Some(inner)) => serde_json::from_str(inner).ok(),
        _ => None,
    };
    event(inner.as_ref().unwrap_or(&message))
}

fn event(event: &Value) -> Result<Option<Change>, ShapeError> {
    let kind = text(event, "/detail-type").ok_or(ShapeError::NoEvent("detail-type"))?;
    let source = text(event, "/source").ok_or(ShapeError::NoEvent("source"))?;
    let incomplete = |what| ShapeError::Incomplete { kind: kind.to_owned(), what };
    let name = |shape, service| {
        let account = text(event, "/account").ok_or_else(|| incomplete("account"))?;
        let region = text(event, "/region").ok_or_else(|| incomplete("region"))?;
        let name = text(event, "/detail/name").ok_or_else(|| incomplete("detail.name"))?;
        Ok(Some(Change {
            shape,
            kind: service,
            account: account.to_owned(),
            region: region.to_owned(),
            names: vec![name.to_owned()],
            version: text(event, "/detail/versionId").map(str::to_owned),
        }))
    };
    match (source, kind) {
        ("aws.secretsmanager", "Secret Label Updated") => name(Shape::LabelUpdated, Kind::Secret),
        ("aws.ssm", "Parameter Store Change") => name(Shape::ParameterChange, Kind::Parameter),
        ("aws.secretsmanager", "AWS API Call via CloudTrail") => {
            let call = text(event, "/detail/eventName");
            let call = call.ok_or_else(|| incomplete("detail.eventName"))?;
            if !CHANGING.contains(&call) || event.pointer("/detail/errorCode").is_some() {
                return Ok(None);
            }
            let answered = ["/detail/responseElements/arn", "/detail/responseElements/aRN"];
            let answered = answered.iter().find_map(|place| text(event, place));
            let asked = ["/detail/requestParameters/secretId", "/detail/requestParameters/name"];
            let asked = asked.iter().find_map(|place| text(event, place));
            // What AWS answered is whole; what somebody wrote may be any form of it.
            let id = answered.or(asked).ok_or_else(|| incomplete("which secret"))?;
            let version = text(event, "/detail/responseElements/versionId");
            secret(Shape::Call, event, id, answered.is_some(), version)
                .map(Some)
                .ok_or_else(|| incomplete("account and region"))
        }
        ("aws.secretsmanager", "AWS Service Event via CloudTrail") => {
            if text(event, "/detail/eventName") != Some("RotationSucceeded") {
                return Ok(None);
            }
            let places =
                ["/detail/additionalEventData/SecretId", "/detail/serviceEventDetails/SecretId"];
            let id = places.iter().find_map(|place| text(event, place));
            let id = id.ok_or_else(|| incomplete("which secret"))?;
            let is_whole = id.starts_with("arn:");
            secret(Shape::ServiceEvent, event, id, is_whole, None)
                .map(Some)
                .ok_or_else(|| incomplete("account and region"))
        }
        _ => Ok(None),
    }
}

/// A change of the secret with this name or ARN. Account and region are those of an ARN, or of the
/// event.
fn secret(
    shape: Shape,
    event: &Value,
    id: &str,
    is_whole: bool,
    version: Option<&str>,
) -> Option<Change> {
    let version = version.map(str::to_owned);
    if let Some(arn) = Arn::parse(id) {
        let names = if is_whole { vec![arn.without_suffix().to_owned()] } else { arn.names() };
        let (account, region) = (arn.account.to_owned(), arn.region.to_owned());
        return Some(Change { shape, kind: Kind::Secret, account, region, names, version });
    }
    let account = text(event, "/account").or_else(|| text(event, "/detail/recipientAccountId"))?;
    let region = text(event, "/region").or_else(|| text(event, "/detail/awsRegion"))?;
    Some(Change {
        shape,
        kind: Kind::Secret,
        account: account.to_owned(),
        region: region.to_owned(),
        names: vec![id.to_owned()],
        version,
    })
}

/// The names that a key of an ExternalSecret may mean: itself, or what stands in it if it is the ARN
/// of a secret, with and without what looks like the suffix. To be compared with
/// [`Change::names`].
pub fn names_of(key: &str) -> Vec<String> {
    Arn::parse(key).map_or_else(|| vec![key.to_owned()], |arn| arn.names())
}

/// The account that a key of an ExternalSecret names, if it is the ARN of a secret. To be compared with
/// [`Change::account`].
pub fn account_of(key: &str) -> Option<&str> {
    Arn::parse(key).map(|arn| arn.account)
}

/// The ARN of a secret.
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
    /// With the suffix, if somebody wrote it.
    name: &'a str,
}

impl<'a> Arn<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(7, ':');
        let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account) = (parts.next()?, parts.next()?);
        let (kind, name) = (parts.next()?, parts.next()?);
        let fits = arn == "arn" && service == "secretsmanager" && kind == "secret";
        let is_whole = ![region, account, name].contains(&"");
        (fits && is_whole).then_some(Self { region, account, name })
    }

    fn without_suffix(&self) -> &'a str {
        match self.name.rsplit_once('-') {
            Some((name, suffix))
                if !name.is_empty()
                    && suffix.len() == SUFFIX
                    && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                name
            }
            _ => self.name,
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec![self.name.to_owned()];
        if self.without_suffix() != self.name {
            names.push(self.without_suffix().to_owned());
        }
        names
    }
}

fn text<'a>(value: &'a Value, place: &str) -> Option<&'a str> {
    value.pointer(place).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
