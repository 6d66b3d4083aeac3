//! From a request to its operation and back: which service, who signed, which trouble is due.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::clock::machine_time;
use crate::control;
use crate::counters::CallRecord;
use crate::error::AwsError;
use crate::faults::Effect;
use crate::form::{Form, Xml, escape};
use crate::identity::Caller;
use crate::reply::ReplyBody;
use crate::secrets_manager;
use crate::sigv4::{Signature, compact, header, signed_at};
use crate::world::{Call, World};
use crate::{iam, parameter_store, sqs, sts};

/// How far a signature's time may be from the service's.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What becomes of a request.
pub(crate) enum Outcome {
    Reply(Response<ReplyBody>),
    Reset,
    Hang,
}

/// A service, with its name in IAM and in signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Iam,
    ParameterStore,
    SecretsManager,
    Sqs,
    Sts,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::ParameterStore => "ssm",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }

    fn of_target(target: &str) -> Option<Self> {
        match target {
            "secretsmanager" => Some(Self::SecretsManager),
            "AmazonSSM" => Some(Self::ParameterStore),
            "AmazonSQS" => Some(Self::Sqs),
            _ => None,
        }
    }
}

/// An answer before it is written.
enum Answer {
    Json(Value),
    Xml(sts::Answer),
}

struct Target {
    service: Service,
    operation: String,
}

/// Does an operation on the test's behalf.
pub(crate) fn act(
    world: &World,
    account: &str,
    region: &str,
    operation: &str,
    input: &Value,
) -> Result<Value, AwsError> {
    let caller = Caller::test(account);
    let body = input.to_string();
    let now = world.clock.now();
    let call = Call::new(world, operation, &caller, region, now, body.as_bytes());
    match operation.split_once(':') {
        Some(("secretsmanager", _)) => secrets_manager::handle(&call),
        Some(("ssm", _)) => parameter_store::handle(&call),
        Some(("sqs", _)) => sqs::handle_now(&call),
        _ => Err(unknown_operation()),
    }
}

/// Answers a request.
pub(crate) async fn answer(world: &Arc<World>, request: &Parts, body: &Bytes) -> Outcome {
    if let Some((status, answer)) = control::answer(world, request, body) {
        let head = Response::builder().status(status).header("content-type", "application/json");
        return Outcome::Reply(finish(head, ReplyBody::full(answer.to_string().into_bytes())));
    }
    let now = world.clock.now();
    let id = world.ids.uuid();
    let Some(target) = target(request, body) else {
        return Outcome::Reply(response(None, "", &id, &Err(unknown_operation()), None));
    };
    let service = target.service;
    world.counters.received(&target.operation);

    let signature = header(request, "authorization").and_then(Signature::parse);
    // Whoever has nothing but a token cannot sign.
    let is_unsigned = target.operation == "sts:AssumeRoleWithWebIdentity";
    let known = authenticate(world, service, signature.as_ref(), request, body, now);
    let caller_arn = known.as_ref().ok().map(|caller| caller.arn.clone());
    let trouble = world.faults.of_call(&target.operation, caller_arn.as_deref(), &world.ids);
    if trouble.latency > Duration::ZERO {
        tokio::time::sleep(trouble.latency).await;
    }
    let record = |outcome: &str, resources: Vec<String>| {
        world.counters.answered(CallRecord {
            operation: target.operation.clone(),
            outcome: outcome.to_owned(),
            caller: caller_arn.clone(),
            access_key: signature.as_ref().map(|s| s.access_key.to_owned()),
            region: signature.as_ref().map(|s| s.region.to_owned()),
            resources,
            request_id: id.clone(),
            at: now,
        });
    };

    match &trouble.effect {
        Some(effect @ Effect::Reset) => {
            record(effect.name(), Vec::new());
            return Outcome::Reset;
        }
        Some(effect @ Effect::Hang) => {
            record(effect.name(), Vec::new());
            return Outcome::Hang;
        }
        Some(effect @ Effect::Gateway { status }) => {
            record(effect.name(), Vec::new());
            return Outcome::Reply(gateway(*status));
        }
        Some(Effect::Error { code, message, status }) => {
            record(code, Vec::new());
            let error = AwsError::new(code.clone(), message.clone()).with_status(*status);
            return Outcome::Reply(response(
                Some(service),
                &target.operation,
                &id,
                &Err(error),
                None,
            ));
        }
        _ => {}
    }

    let (answer, resources) = match known {
        _ if is_unsigned => with_token(world, &target.operation, body, now),
        Err(error) => (Err(error), Vec::new()),
        Ok(caller) => {
            let region = signature.as_ref().map_or("", |signature| signature.region);
            let call = Call::new(world, &target.operation, &caller, region, now, body);
            let admitted = world.throttle.admits(&target.operation, &caller.account, region, now);
            let answer =
                if admitted { perform(service, &call).await } else { Err(throttled(service)) };
            (answer, call.resources())
        }
    };
    let answer = match service {
        Service::Sts | Service::Iam if !is_unsigned => answer.map_err(sts::in_its_words),
        _ => answer,
    };
    match &trouble.effect {
        Some(effect) => record(effect.name(), resources),
        None => record(answer.as_ref().err().map_or("OK", |error| &error.code), resources),
    }
    if trouble.effect == Some(Effect::ResetAfter) {
        return Outcome::Reset;
    }
    let effect = trouble.effect.as_ref();
    Outcome::Reply(response(Some(service), &target.operation, &id, &answer, effect))
}

/// The one operation of callers who are known by a token only. Its limit is that of the account
/// that the role belongs to.
fn with_token(
    world: &World,
    operation: &str,
    body: &[u8],
    now: Timestamp,
) -> (Result<Answer, AwsError>, Vec<String>) {
    let form = Form::parse(body);
    let account = form.get("RoleArn").and_then(|arn| arn.split(':').nth(4)).unwrap_or_default();
    if !world.throttle.admits(operation, account, "", now) {
        return (Err(AwsError::new("Throttling", "Rate exceeded")), Vec::new());
    }
    let about = std::cell::RefCell::new(Vec::new());
    let answer = sts::assume_role_with_web_identity(world, &form, now, |role| {
        about.borrow_mut().push(role.to_owned());
    });
    (answer.map(Answer::Xml), about.into_inner())
}

fn throttled(service: Service) -> AwsError {
    match service {
        Service::Sqs => AwsError::new("RequestThrottled", "Request is throttled."),
        _ => AwsError::new("ThrottlingException", "Rate exceeded"),
    }
}

async fn perform(service: Service, call: &Call<'_>) -> Result<Answer, AwsError> {
    match service {
        Service::ParameterStore => parameter_store::handle(call).map(Answer::Json),
        Service::SecretsManager => secrets_manager::handle(call).map(Answer::Json),
        Service::Sqs => sqs::handle(call).await.map(Answer::Json),
        Service::Sts => sts::handle(call).map(Answer::Xml),
        Service::Iam => iam::handle(call).map(Answer::Xml),
    }
}

fn unknown_operation() -> AwsError {
    AwsError::new("UnknownOperationException", "")
}

/// The operation that a request asks for; none if there is no such service.
fn target(request: &Parts, body: &[u8]) -> Option<Target> {
    if header(request, "x-amz-target").is_none() {
        let form = Form::parse(body);
        let service = match form.get("Version") {
            Some(iam::VERSION) => Service::Iam,
            _ => Service::Sts,
        };
        let operation = format!("{}:{}", service.name(), form.get("Action")?);
        return Some(Target { service, operation });
    }
    let (service, name) = header(request, "x-amz-target")?.split_once('.')?;
    let service = Service::of_target(service)?;
    Some(Target { service, operation: format!("{}:{name}", service.name()) })
}

/// Who signed a request.
fn authenticate(
    world: &World,
    service: Service,
    signature: Option<&Signature<'_>>,
    request: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<Arc<Caller>, AwsError> {
    let Some(signature) = signature else {
        return Err(match header(request, "authorization") {
            None => {
                AwsError::new("MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            Some(_) => AwsError::new(
                "IncompleteSignatureException",
                "Authorization header does not have the parts of a signature.",
            ),
        });
    };
    let unknown = || {
        AwsError::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    };
    let key = world.identities.key(signature.access_key).ok_or_else(unknown)?;
    if header(request, "x-amz-security-token") != key.token.as_deref() {
        return Err(unknown());
    }
    if signature.service != service.name() {
        return Err(AwsError::new(
            "InvalidSignatureException",
            format!("Credential should be scoped to correct service: '{}'.", service.name()),
        ));
    }
    check_age(request)?;
    if !signature.is_of(&key.secret, request, body) {
        return Err(AwsError::new(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service \
             documentation for details.",
        ));
    }
    if key.expires.is_some_and(|expires| now >= expires) {
        return Err(AwsError::new(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ));
    }
    Ok(key.caller)
}

/// Refuses a signature whose time is too far from the machine's.
fn check_age(request: &Parts) -> Result<(), AwsError> {
    let Some(signed) = signed_at(request) else {
        return Err(AwsError::new(
            "IncompleteSignatureException",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ));
    };
    let now = machine_time();
    let (at, here) = (compact(signed), compact(now));
    let edge = |by: SignedDuration| now.checked_add(by).map_or_else(|_| String::new(), compact);
    let age = now.duration_since(signed);
    if age > MAX_SKEW {
        return Err(AwsError::new(
            "InvalidSignatureException",
            format!(
                "Signature expired: {at} is now earlier than {} ({here} - 5 min.)",
                edge(-MAX_SKEW)
            ),
        ));
    }
    if age < -MAX_SKEW {
        return Err(AwsError::new(
            "InvalidSignatureException",
            format!(
                "Signature not yet current: {at} is still later than {} ({here} + 5 min.)",
                edge(MAX_SKEW)
            ),
        ));
    }
    Ok(())
}

/// Writes an answer, bent by an effect.
fn response(
    service: Option<Service>,
    operation: &str,
    id: &str,
    answer: &Result<Answer, AwsError>,
    effect: Option<&Effect>,
) -> Response<ReplyBody> {
    let mut head = Response::builder().header("x-amzn-requestid", id);
    if let Err(error) = answer {
        head = head.status(error.status).header("x-amzn-errortype", &*error.code);
    }
    let json_type = match service {
        Some(Service::Sqs) => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    };
    let (kind, body) = match (service, answer) {
        (_, Ok(Answer::Json(value))) => (json_type, value.to_string()),
        (_, Ok(Answer::Xml(answer))) => ("text/xml", xml_answer(operation, id, answer)),
        (Some(Service::Sts | Service::Iam), Err(error)) => ("text/xml", xml_error(id, error)),
        (Some(Service::Sqs), Err(error)) => {
            let fault = if error.status < 500 { "Sender" } else { "Receiver" };
            let code = sqs::query_code(&error.code);
            head = head.header("x-amzn-query-error", format!("{code};{fault}"));
            let kind = format!("com.amazonaws.sqs#{}", error.code);
            (json_type, json!({ "__type": kind, "message": error.message }).to_string())
        }
        (service, Err(error)) => {
            let mut body = json!({ "__type": error.code });
            if !error.message.is_empty() {
                let field = match service {
                    Some(Service::SecretsManager) => "Message",
                    _ => "message",
                };
                body[field] = json!(error.message);
            }
            (json_type, body.to_string())
        }
    };
    let body = match effect {
        Some(Effect::Garbage) => b"<html>this is not what was promised".to_vec(),
        _ => body.into_bytes(),
    };
    let head = head.header("content-type", kind).header("content-length", body.len());
    let body = match effect {
        Some(Effect::Truncated) => ReplyBody::truncated(&body),
        Some(Effect::SlowBody { millis }) => ReplyBody::slow(&body, Duration::from_millis(*millis)),
        _ => ReplyBody::full(body),
    };
    finish(head, body)
}

const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

fn xml_answer(operation: &str, id: &str, answer: &[Xml]) -> String {
    let name = operation.split_once(':').map_or(operation, |(_, name)| name);
    let mut body = format!("<{name}Response xmlns=\"{STS_NAMESPACE}\"><{name}Result>");
    for element in answer {
        element.write(&mut body);
    }
    let _ = write!(
        body,
        "</{name}Result><ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
         </{name}Response>"
    );
    body
}

fn xml_error(id: &str, error: &AwsError) -> String {
    let kind = if error.status < 500 { "Sender" } else { "Receiver" };
    let mut body =
        format!("<ErrorResponse xmlns=\"{STS_NAMESPACE}\"><Error><Type>{kind}</Type><Code>");
    escape(&error.code, &mut body);
    body.push_str("</Code><Message>");
    escape(&error.message, &mut body);
    let _ = write!(body, "</Message></Error><RequestId>{id}</RequestId></ErrorResponse>");
    body
}

/// What a load balancer says when there is nobody behind it.
fn gateway(status: u16) -> Response<ReplyBody> {
    let body = format!("<html><body><h1>{status}</h1></body></html>").into_bytes();
    finish(
        Response::builder().status(status).header("content-type", "text/html"),
        ReplyBody::full(body),
    )
}

/// A fault may ask for a status or code that HTTP does not have: the client gets a 500 then.
fn finish(head: hyper::http::response::Builder, body: ReplyBody) -> Response<ReplyBody> {
    head.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(ReplyBody::full(Vec::new()));
        *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
