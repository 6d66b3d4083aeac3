//! `AssumeRoleWithWebIdentity`: from a token of a cluster to a role, without credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::token::{Check, Claims, Token};
use super::{
    Answer, duration, required, session_answer, session_name, session_policy, text, validation,
};
use crate::clock::machine_time;
use crate::error::AwsError;
use crate::form::Form;
use crate::identity::{NewSession, Provider};
use crate::policy::{Question, Verdict};
use crate::world::World;

/// How far the issuer's clock may be ahead.
const LEEWAY: f64 = 300.0;

/// Answers whoever has a token. Its times are judged by the machine's clock, with which it was made.
pub(crate) fn assume_role_with_web_identity(
    world: &World,
    form: &Form,
    now: Timestamp,
    is_about: impl Fn(&str),
) -> Result<Answer, AwsError> {
    let arn = required(form, "RoleArn", 20, 2048)?;
    let name = session_name(form)?;
    let text_of_token = required(form, "WebIdentityToken", 4, 20_000)?;
    let seconds = duration(form)?;
    let policy = session_policy(form)?;
    is_about(arn);

    let token = Token::parse(text_of_token).ok_or_else(|| {
        invalid_token(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an \
             Access Token)",
        )
    })?;
    let claims = &token.claims;
    let account = arn.split(':').nth(4).unwrap_or_default();
    let provider = world.identities.provider(account, &claims.iss).ok_or_else(|| {
        invalid_token(format!("No OpenIDConnect provider found in your account for {}", claims.iss))
    })?;
    let audience = believe(&token, &provider)?;

    let host = claims.iss.trim_start_matches("https://").trim_end_matches('/');
    let provider_arn = format!("arn:aws:iam::{account}:oidc-provider/{host}");
    let denied = || {
        AwsError::new("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
            .with_status(403)
    };
    let role = world.identities.role(arn).ok_or_else(denied)?;
    let context = |key: &str| match key.strip_prefix(host).and_then(|key| key.strip_prefix(':')) {
        Some("sub") => vec![claims.sub.clone()],
        Some("aud") => claims.aud.all(),
        Some("iss") => vec![claims.iss.clone()],
        _ if key == "sts:RoleSessionName" => vec![name.to_owned()],
        _ => Vec::new(),
    };
    let question = Question {
        action: "sts:AssumeRoleWithWebIdentity",
        resource: arn,
        principals: &[&provider_arn],
        account: "",
        context: &context,
    };
    if role.trust.ask(&question) != Verdict::Allow {
        return Err(denied());
    }
    let (action, ids) = ("sts:AssumeRoleWithWebIdentity", &world.ids);
    world.faults.of_resource(action, &provider_arn, &[arn], ids)?;
    if Duration::from_secs(seconds) > role.max_session {
        return Err(validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }

    let session = NewSession {
        role,
        name: name.to_owned(),
        duration: Duration::from_secs(seconds),
        policy,
        tags: BTreeMap::new(),
        transitive: BTreeSet::new(),
    };
    let mut answer = session_answer(&world.identities.start_session(session, now));
    answer.push(text("SubjectFromWebIdentityToken", &claims.sub));
    answer.push(text("Audience", &audience));
    answer.push(text("Provider", &provider_arn));
    Ok(answer)
}

/// Checks that the issuer made the token, for AWS, and that it is in its time; returns the audience
/// that it was accepted for.
fn believe(token: &Token<'_>, provider: &Provider) -> Result<String, AwsError> {
    match token.check(&provider.jwks) {
        Check::Good => {}
        Check::Bad => return Err(invalid_token("Provided token signature is invalid.")),
        Check::NoKey => {
            return Err(invalid_token(
                "Couldn't retrieve verification key from your identity provider, please reference \
                 AssumeRoleWithWebIdentity documentation for requirements",
            ));
        }
    }
    let Claims { aud, exp, nbf, iat, .. } = &token.claims;
    let audience = aud.all().into_iter().find(|audience| provider.audiences.contains(audience));
    let audience = audience.ok_or_else(|| invalid_token("Incorrect token audience"))?;
    let now = machine_time().as_duration().as_secs_f64();
    if now >= *exp {
        return Err(AwsError::new(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {now:.0} must be before the expiration \
                 date/time {exp:.0}"
            ),
        ));
    }
    if [nbf, iat].into_iter().flatten().any(|begin| *begin > now + LEEWAY) {
        return Err(invalid_token("The token is not valid yet"));
    }
    Ok(audience)
}

fn invalid_token(message: impl Into<std::borrow::Cow<'static, str>>) -> AwsError {
    AwsError::new("InvalidIdentityToken", message)
}
