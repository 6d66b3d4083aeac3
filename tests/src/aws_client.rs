//! Requests to AWS as they are on the wire: signed HTTP, and whatever comes back.
//!
//! An SDK hides what tests of an AWS double must see: the status, the exact code, a field too many,
//! a request that no SDK would send.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::sigv4::{self, Credentials, Request, Scope};

/// Longer than any answer takes on a busy machine; a long poll takes up to 20 s.
const DEADLINE: Duration = Duration::from_mins(1);

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The event bus.
    Events,
    /// Identity and Access Management.
    Iam,
    /// Systems Manager, of which the Parameter Store is a part.
    ParameterStore,
    /// Secrets Manager.
    SecretsManager,
    /// The Simple Queue Service.
    Sqs,
    /// The Security Token Service.
    Sts,
}

/// How a service wants to be asked.
enum Protocol {
    /// JSON, with the operation in `x-amz-target` behind this prefix.
    Json { version: &'static str, target: &'static str },
    /// A form, with the operation in `Action`; the answer is XML.
    Query { version: &'static str },
}

impl Service {
    /// The name that signatures and ARNs have for it.
    pub fn signing_name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Iam => "iam",
            Self::ParameterStore => "ssm",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Self::Events => Protocol::Json { version: "1.1", target: "AWSEvents" },
            Self::Iam => Protocol::Query { version: "2010-05-08" },
            Self::ParameterStore => Protocol::Json { version: "1.1", target: "AmazonSSM" },
            Self::SecretsManager => Protocol::Json { version: "1.1", target: "secretsmanager" },
            Self::Sqs => Protocol::Json { version: "1.0", target: "AmazonSQS" },
            Self::Sts => Protocol::Query { version: "2011-06-15" },
        }
    }
}

/// A client of one endpoint that stands for all services.
#[derive(Debug, Clone)]
pub struct AwsClient {
    agent: ureq::Agent,
    /// `host:port`.
    authority: String,
    /// The region of the requests.
    pub region: String,
    /// Who asks; `None` sends requests without a signature.
    pub credentials: Option<Credentials>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body. XML is given as the JSON it would be: elements by name, those named `member` as an
    /// array. A body that is neither is a string.
    pub body: Value,
    /// The error, unless the status is 200.
    pub error: Option<AwsError>,
}

/// An error of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// The code without the namespace that some services put before it; empty if there is none.
    pub code: String,
    /// The text.
    pub message: String,
}

impl AwsClient {
    /// A client of `http://HOST:PORT`, for `us-east-1`, with the credentials `test`/`test`.
    pub fn new(endpoint: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            // The machine's settings do not count for a server on the same machine.
            .proxy(None)
            .build();
        Self {
            agent: agent.into(),
            authority: endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            region: "us-east-1".to_owned(),
            credentials: Some(Credentials {
                access_key_id: "test".to_owned(),
                secret_access_key: "test".to_owned(),
                session_token: None,
            }),
        }
    }

    /// Asks a service. For one with the query protocol, the fields of the request must be strings.
    ///
    /// # Panics
    ///
    /// If no answer comes.
    pub fn ask(&self, service: Service, operation: &str, request: &Value) -> Answer {
        let (content_type, target, body) = match service.protocol() {
            Protocol::Json { version, target } => (
                format!("application/x-amz-json-{version}"),
                Some(format!("{target}.{operation}")),
                request.to_string(),
            ),
            Protocol::Query { version } => (
                "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
                None,
                form(operation, version, request),
            ),
        };
        let date_time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let token = self.credentials.as_ref().and_then(|keys| keys.session_token.as_deref());
        // In the order that the signature wants.
        let mut headers = vec![
            ("content-type", content_type.as_str()),
            ("host", self.authority.as_str()),
            ("x-amz-date", &date_time),
        ];
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.extend(target.as_deref().map(|target| ("x-amz-target", target)));

        let mut call = self.agent.post(format!("http://{}/", self.authority));
        for (name, value) in &headers {
            call = call.header(*name, *value);
        }
        if let Some(credentials) = &self.credentials {
            let request = Request {
                method: "POST",
                path: "/",
                query: "",
                headers: &headers,
                body: body.as_bytes(),
            };
            let region = &self.region;
            let scope = Scope { date_time: &date_time, region, service: service.signing_name() };
            call = call.header("authorization", sigv4::authorization(&request, scope, credentials));
        }
        let answer = call.send(body.as_bytes()).and_then(|mut answer| {
            let status = answer.status().as_u16();
            Ok(Answer::read(status, &answer.body_mut().read_to_string()?))
        });
        answer.unwrap_or_else(|error| panic!("{operation} at {}: {error}", self.authority))
    }
}

impl Answer {
    fn read(status: u16, text: &str) -> Self {
        let body = match serde_json::from_str(text) {
            Ok(body) => body,
            Err(_) => match roxmltree::Document::parse(text) {
                Ok(document) => from_xml(document.root_element()),
                Err(_) => Value::String(text.to_owned()),
            },
        };
        let error = (status != 200).then(|| {
            let place = body.get("Error").unwrap_or(&body);
            let field = |names: [&str; 2]| {
                names.iter().find_map(|name| place.get(name)?.as_str()).unwrap_or_default()
            };
            let code = field(["__type", "Code"]);
            let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
            AwsError { code: code.to_owned(), message: field(["message", "Message"]).to_owned() }
        });
        Self { status, body: result(body), error }
    }
}

/// What is inside `NAMEResult`, which XML puts around the fields of an answer.
fn result(body: Value) -> Value {
    match body {
        Value::Object(mut fields) => {
            let name = fields.keys().find(|name| name.ends_with("Result")).cloned();
            match name.and_then(|name| fields.remove(&name)) {
                Some(result) => result,
                None => Value::Object(fields),
            }
        }
        other => other,
    }
}

fn from_xml(element: roxmltree::Node) -> Value {
    let children: Vec<_> = element.children().filter(roxmltree::Node::is_element).collect();
    if children.is_empty() {
        return Value::String(element.text().unwrap_or_default().to_owned());
    }
    if children.iter().all(|child| child.tag_name().name() == "member") {
        return Value::Array(children.into_iter().map(from_xml).collect());
    }
    let fields = children.into_iter().map(|child| (child.tag_name().name().to_owned(), child));
    Value::Object(fields.map(|(name, child)| (name, from_xml(child))).collect::<Map<_, _>>())
}

/// The form of a query: its fields must be strings, as `{"RoleArn": "..."}`.
fn form(operation: &str, version: &str, request: &Value) -> String {
    let mut form = format!("Action={operation}&Version={version}");
    for (name, value) in request.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_else(|| panic!("{operation}: {name} is no string"));
        form.push('&');
        form.push_str(name);
        form.push('=');
        percent_encode(value, &mut form);
    }
    form
}

fn percent_encode(value: &str, text: &mut String) {
    use std::fmt::Write as _;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_read_in_both_protocols() {
        let xml = "<ErrorResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><Error>\
                   <Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>\
                   <RequestId>1</RequestId></ErrorResponse>";
        let json = r#"{"__type": "com.amazon.coral.service#AccessDenied", "Message": "no"}"#;
        let refused = AwsError { code: "AccessDenied".to_owned(), message: "no".to_owned() };
        for text in [xml, json] {
            assert_eq!(Answer::read(403, text).error, Some(refused.clone()), "{text}");
        }
        let html = Answer::read(500, "<!doctype html>").error.unwrap();
        assert_eq!(html, AwsError { code: String::new(), message: String::new() });
    }

    #[test]
    fn an_xml_answer_is_its_result() {
        let xml = "<AResponse><AResult><Keys><member>1</member><member>2</member></Keys>\
                   <Name/></AResult><ResponseMetadata/></AResponse>";
        let answer = Answer::read(200, xml);
        assert_eq!(answer.body, json!({ "Keys": ["1", "2"], "Name": "" }));
        assert_eq!(answer.error, None);
    }

    #[test]
    fn a_form_is_encoded() {
        let form = form("A", "1", &json!({ "Policy": "{\"a\": \"ü&\"}" }));
        assert_eq!(form, "Action=A&Version=1&Policy=%7B%22a%22%3A%20%22%C3%BC%26%22%7D");
    }
}
