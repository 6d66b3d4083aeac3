//! Signatures of requests to AWS: version 4, with the parts in headers.
//!
//! Source: AWS, "Create a signed AWS API request".

use std::fmt::Write as _;

use ring::{digest, hmac};

use crate::tools::hex;

/// Who signs.
///
/// Its keys are made up by tests: they are shown in `Debug`.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: String,
    /// What makes temporary credentials complete.
    pub session_token: Option<String>,
}

/// What a signature is good for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// When it is made, as `20150830T123600Z`: good for five minutes around it.
    pub date_time: &'a str,
    /// The region, such as `us-east-1`.
    pub region: &'a str,
    /// The service's name for signatures, such as `secretsmanager`.
    pub service: &'a str,
}

/// A request with what the signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, encoded.
    pub path: &'a str,
    /// The query without `?`: encoded and in order of the names.
    pub query: &'a str,
    /// All headers to sign, their names in lower case and in alphabetical order; `host` is one.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// The value of the header `authorization`.
pub fn authorization(request: &Request, scope: Scope, credentials: &Credentials) -> String {
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
    for (name, value) in request.headers {
        let _ = writeln!(canonical, "{name}:{}", value.trim());
    }
    let _ = write!(canonical, "\n{names}\n{}", sha256(request.body));

    let Scope { date_time, region, service } = scope;
    let (date, _) = date_time.split_once('T').unwrap_or((date_time, ""));
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{date_time}\n{scope}\n{}", sha256(canonical.as_bytes()));

    let secret = format!("AWS4{}", credentials.secret_access_key);
    let key = [date, region, service, "aws4_request"]
        .into_iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &to_sign));
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id
    )
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that AWS worked through in its documentation of the signature.
    #[test]
    fn the_documented_example_is_signed_alike() {
        let request = Request {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &[
                ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("host", "iam.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ],
            body: b"",
        };
        let scope = Scope { date_time: "20150830T123600Z", region: "us-east-1", service: "iam" };
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        };
        assert_eq!(
            authorization(&request, scope, &credentials),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }
}
