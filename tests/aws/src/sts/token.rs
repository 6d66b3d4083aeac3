//! JSON Web Tokens, and whether the issuer's keys made them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A token, taken apart and not believed yet.
pub(super) struct Token<'a> {
    /// What it says.
    pub(super) claims: Claims,
    header: Header,
    /// The text that is signed.
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

/// What STS looks at.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: Audience,
    /// Seconds since 1970, as all times of a token.
    pub(super) exp: f64,
    pub(super) nbf: Option<f64>,
    pub(super) iat: Option<f64>,
}

/// One audience, or several: Kubernetes always writes a list.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    Many(Vec<String>),
    One(String),
}

impl Audience {
    pub(super) fn all(&self) -> Vec<String> {
        match self {
            Self::Many(many) => many.clone(),
            Self::One(one) => vec![one.clone()],
        }
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// What became of the check of a signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Check {
    Good,
    Bad,
    /// The issuer has no key that could have made it.
    NoKey,
}

impl<'a> Token<'a> {
    /// None if it is no token that says what STS needs.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            claims: part(claims)?,
            header: part(header)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Checks the signature with the keys of a JSON Web Key Set.
    pub(super) fn check(&self, jwks: &str) -> Check {
        let Ok(set) = serde_json::from_str::<KeySet>(jwks) else { return Check::NoKey };
        let fits = |key: &&Key| self.header.kid.is_none() || key.kid == self.header.kid;
        let mut check = Check::NoKey;
        for key in set.keys.iter().filter(fits) {
            match self.is_by(key) {
                Some(true) => return Check::Good,
                Some(false) => check = Check::Bad,
                None => {}
            }
        }
        check
    }

    /// None if the key is not for the algorithm of the token.
    fn is_by(&self, key: &Key) -> Option<bool> {
        let message = self.signed.as_bytes();
        match (self.header.alg.as_str(), key.kty.as_str()) {
            ("RS256", "RSA") => {
                let key = RsaPublicKeyComponents {
                    n: URL_SAFE_NO_PAD.decode(key.n.as_ref()?).ok()?,
                    e: URL_SAFE_NO_PAD.decode(key.e.as_ref()?).ok()?,
                };
                let checked = key.verify(&RSA_PKCS1_2048_8192_SHA256, message, &self.signature);
                Some(checked.is_ok())
            }
            ("ES256", "EC") if key.crv.as_deref() == Some("P-256") => {
                // The point, uncompressed.
                let mut point = vec![4];
                for coordinate in [&key.x, &key.y] {
                    point.extend(URL_SAFE_NO_PAD.decode(coordinate.as_ref()?).ok()?);
                }
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                Some(key.verify(message, &self.signature).is_ok())
            }
            _ => None,
        }
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The RS256 example of RFC 7515, appendix A.2, which has no claims that STS could use.
    const RSA_SIGNED: &str = concat!(
        "eyJhbGciOiJSUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn",
        "VlfQ"
    );
    const RSA_SIGNATURE: &str = concat!(
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F",
        "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQB",
        "MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeY",
        "I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    const RSA_KEY: &str = concat!(
        r#"{"keys":[{"kty":"RSA","e":"AQAB","n":""#,
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0B",
        "m4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5",
        "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7",
        r#"aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]}"#
    );

    fn rsa(signature: &str) -> Token<'static> {
        Token {
            claims: Claims {
                iss: String::new(),
                sub: String::new(),
                aud: Audience::Many(Vec::new()),
                exp: 0.0,
                nbf: None,
                iat: None,
            },
            header: Header { alg: "RS256".to_owned(), kid: None },
            signed: RSA_SIGNED,
            signature: URL_SAFE_NO_PAD.decode(signature).unwrap(),
        }
    }

    #[test]
    fn an_rsa_signature_is_checked() {
        assert_eq!(rsa(RSA_SIGNATURE).check(RSA_KEY), Check::Good);
        assert_eq!(rsa("AAAA").check(RSA_KEY), Check::Bad);
        assert_eq!(rsa(RSA_SIGNATURE).check(r#"{"keys":[]}"#), Check::NoKey);
        let mut named = rsa(RSA_SIGNATURE);
        named.header.kid = Some("other".to_owned());
        assert_eq!(named.check(RSA_KEY), Check::NoKey);
        let mut unsigned = rsa("");
        unsigned.header.alg = "none".to_owned();
        assert_eq!(unsigned.check(RSA_KEY), Check::NoKey);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[a-zA-Z0-9_.-]{0,60}", jwks in ".{0,60}") {
            if let Some(token) = Token::parse(&text) {
                let _ = token.check(&jwks);
            }
            let _ = rsa(RSA_SIGNATURE).check(&jwks);
        }
    }

    #[test]
    fn garbage_is_no_token() {
        for text in ["", "garbage", "a.b.c", "e30.e30.", "..", RSA_SIGNED] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }
}
