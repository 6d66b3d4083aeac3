//! Signatures of requests (AWS Signature Version 4): who signed, and whether they had the key.

use hyper::http::request::Parts;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::ids::hex;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The `Authorization` header, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signature<'a> {
    pub(crate) access_key: &'a str,
    /// The day of the credential's scope, `20260101`.
    pub(crate) day: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    headers: Vec<&'a str>,
    digest: &'a str,
}

impl<'a> Signature<'a> {
    /// None if the header is not of this form.
    pub(crate) fn parse(authorization: &'a str) -> Option<Self> {
        let rest = authorization.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let (mut credential, mut headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => headers = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => return None,
            }
        }
        let mut scope = credential?.rsplitn(5, '/');
        if scope.next()? != "aws4_request" {
            return None;
        }
        let (service, region, day) = (scope.next()?, scope.next()?, scope.next()?);
        Some(Self {
            access_key: scope.next()?,
            day,
            region,
            service,
            headers: headers?.split(';').collect(),
            digest: signature?,
        })
    }

    /// Whether the request is what the holder of this secret key signed.
    pub(crate) fn is_of(&self, secret: &str, request: &Parts, body: &[u8]) -> bool {
        let Some(date) = header(request, "x-amz-date") else { return false };
        if !self.headers.contains(&"host") || !date.starts_with(self.day) {
            return false;
        }
        let scope = format!("{}/{}/{}/aws4_request", self.day, self.region, self.service);
        let canonical = self.canonical_request(request, body);
        let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{hashed}");
        let mut key = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes()),
            self.day.as_bytes(),
        );
        for part in [self.region, self.service, "aws4_request", &text] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), part.as_bytes());
        }
        hex(key.as_ref()) == self.digest
    }

    fn canonical_request(&self, request: &Parts, body: &[u8]) -> String {
        let mut query: Vec<&str> =
            request.uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()).collect();
        query.sort_unstable();
        let mut text = format!(
            "{}\n{}\n{}\n",
            request.method,
            // Each part of a path is encoded once more for the signature.
            request.uri.path().replace('%', "%25"),
            query.join("&"),
        );
        for name in &self.headers {
            text.push_str(name);
            text.push(':');
            let values = request.headers.get_all(*name).iter();
            let values: Vec<String> = values
                .map(|value| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
                })
                .collect();
            text.push_str(&values.join(","));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.headers.join(";"));
        text.push('\n');
        text.push_str(&hex(digest(&SHA256, body).as_ref()));
        text
    }
}

/// The text of a header.
pub(crate) fn header<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

/// When the request says that it was signed.
pub(crate) fn signed_at(request: &Parts) -> Option<Timestamp> {
    let date = header(request, "x-amz-date")?.strip_suffix('Z')?;
    let moment = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", date).ok()?;
    moment.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// A moment as signatures write it: `20260101T000000Z`.
pub(crate) fn compact(moment: Timestamp) -> String {
    moment.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of AWS's documentation of the signing process: `get-vanilla`.
    const EXAMPLE: &str = "AWS4-HMAC-SHA256 \
        Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
        SignedHeaders=host;x-amz-date, \
        Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn request() -> Parts {
        let request = hyper::Request::get("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z");
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_documented_example_is_accepted() {
        let signature = Signature::parse(EXAMPLE).unwrap();
        assert_eq!(signature.access_key, "AKIDEXAMPLE");
        assert_eq!((signature.region, signature.service), ("us-east-1", "service"));
        assert!(signature.is_of(SECRET, &request(), b""));
    }

    #[test]
    fn anything_else_is_not() {
        let signature = Signature::parse(EXAMPLE).unwrap();
        assert!(!signature.is_of("another", &request(), b""));
        assert!(!signature.is_of(SECRET, &request(), b"{}"));
        let mut other = request();
        other.headers.insert("host", "example.test".parse().unwrap());
        assert!(!signature.is_of(SECRET, &other, b""));
        for text in
            ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=c, Signature=d"]
        {
            assert_eq!(Signature::parse(text), None, "{text}");
        }
    }

    proptest! {
        /// Only the part that a changed character belongs to decides how it is refused.
        #[test]
        fn no_changed_header_is_accepted(at in 0..EXAMPLE.len(), to in "[ -~]") {
            let mut text = EXAMPLE.to_owned();
            text.replace_range(at..=at, &to);
            prop_assume!(text != EXAMPLE);
            let is_accepted = Signature::parse(&text).is_some_and(|signature| {
                signature.access_key == "AKIDEXAMPLE" && signature.is_of(SECRET, &request(), b"")
            });
            // A blank around the parts changes nothing.
            let stripped = |text: &str| text.replace(' ', "");
            prop_assert!(!is_accepted || stripped(&text) == stripped(EXAMPLE), "{text}");
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            let _ = Signature::parse(&text);
            let _ = Signature::parse(&format!("AWS4-HMAC-SHA256 {text}"));
        }
    }

    #[test]
    fn dates_of_signatures_are_read_and_written() {
        let moment = signed_at(&request()).unwrap();
        assert_eq!(moment.to_string(), "2015-08-30T12:36:00Z");
        assert_eq!(compact(moment), "20150830T123600Z");
    }
}
