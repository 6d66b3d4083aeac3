//! An issuer of service account tokens, for tests that have no cluster.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::clock::machine_time;

/// A key that signs tokens as a cluster does (ES256), made anew each time.
pub struct TokenIssuer {
    issuer: String,
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl TokenIssuer {
    /// An issuer with this URL, such as `https://oidc.example.test/cluster`.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    pub fn new(issuer: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random);
        let key = document
            .ok()
            .and_then(|key| EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).ok());
        let Some(key) = key else { panic!("the system made no key for the tokens of {issuer}") };
        Self { issuer: issuer.to_owned(), key, random }
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its public key, as a JSON Web Key Set.
    pub fn jwks(&self) -> String {
        // An uncompressed point: one byte that says so, and two coordinates.
        let point = self.key.public_key().as_ref();
        let coordinate = |from: usize| {
            let bytes: Vec<u8> = point.iter().skip(from).take(32).copied().collect();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        let key = json!({
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "kid": self.key_id(),
            "x": coordinate(1),
            "y": coordinate(33),
        });
        json!({ "keys": [key] }).to_string()
    }

    /// A token for a service account that is good for `seconds`, or was until so many seconds ago.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    pub fn token(
        &self,
        namespace: &str,
        service_account: &str,
        audience: &str,
        seconds: i64,
    ) -> String {
        let now = machine_time().as_second();
        let begin = now.min(now.saturating_add(seconds).saturating_sub(600));
        self.sign(&json!({
            "iss": self.issuer,
            "sub": format!("system:serviceaccount:{namespace}:{service_account}"),
            "aud": [audience],
            "iat": begin,
            "nbf": begin,
            "exp": now.saturating_add(seconds),
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": { "name": service_account },
            },
        }))
    }

    /// A token with any claims.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": self.key_id() });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let Ok(signature) = self.key.sign(&self.random, signed.as_bytes()) else {
            panic!("the system had no random numbers for a token of {}", self.issuer)
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn key_id(&self) -> String {
        let point = self.key.public_key().as_ref();
        URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, point))
    }
}

impl std::fmt::Debug for TokenIssuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TokenIssuer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
