//! JSON Web Keys as `github.com/lestrrat-go/jwx` reads them.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::certs::ec::Curve;
use super::certs::pem;
use super::certs::private_key::{PrivateKey, ed25519_public, x25519_public};
use super::certs::public_key::PublicKey;
use super::certs::rsa_key::{Components, RsaKey};
use super::crypto::{string, wrap};
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::json;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("jwkPrivateKeyPem", &[Type::String], private_key_pem),
    Function::new("jwkPublicKeyPem", &[Type::String], public_key_pem),
];

/// What reading a key costs, in steps.
const STEPS: usize = 1_000;

type Bytes = Zeroizing<Vec<u8>>;

/// A key of any kind.
enum Jwk {
    Public(Public),
    Private(Private),
    /// A symmetric key has no PEM.
    Octets,
}

enum Public {
    Rsa { modulus: Bytes, exponent: i64 },
    Ec(Curve, Point),
    Ed25519(Vec<u8>),
    X25519,
}

enum Private {
    Rsa(Box<RsaNumbers>),
    Ec(Curve, Point, Bytes),
    Ed25519(Zeroizing<[u8; 32]>),
    X25519,
}

/// The numbers of an RSA key, some of which may be absent.
struct RsaNumbers {
    modulus: Bytes,
    exponent: i64,
    private: Bytes,
    primes: [Bytes; 2],
    chinese: [Bytes; 3],
}

/// Both coordinates.
type Point = [Vec<u8>; 2];

fn public_key_pem(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let kind = match read(call, args)? {
        Jwk::Public(key) => {
            return Ok(Value::string(&*pem::encode(b"PUBLIC KEY", &key.spki()?)));
        }
        Jwk::Private(key) => key.go_type(),
        Jwk::Octets => "[]uint8",
    };
    Err(Message::from(format!("x509: unsupported public key type: {kind}")).into())
}

fn private_key_pem(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let unknown = |kind: &str| {
        Message::from(format!("x509: unknown key type while marshaling PKCS#8: {kind}"))
    };
    let key = match read(call, args)? {
        Jwk::Private(key) => key.pkcs8()?.ok_or_else(|| unknown(key.go_type()))?,
        Jwk::Public(key) => return Err(unknown(key.go_type()).into()),
        Jwk::Octets => return Err(unknown("[]uint8").into()),
    };
    Ok(Value::string(&*pem::encode(b"PRIVATE KEY", &key)))
}

impl Public {
    const fn go_type(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "*rsa.PublicKey",
            Self::Ec(..) => "*ecdsa.PublicKey",
            Self::Ed25519(_) => "ed25519.PublicKey",
            Self::X25519 => "x25519.PublicKey",
        }
    }

    fn spki(self) -> Result<Vec<u8>, Message> {
        let key = match self {
            Self::Rsa { modulus, exponent } => PublicKey::Rsa(modulus.to_vec(), exponent),
            Self::Ec(curve, point) => {
                let point = uncompressed(curve, &point)?;
                curve.check_point(&point)?;
                PublicKey::Ec(curve, point)
            }
            Self::Ed25519(key) => PublicKey::Ed25519(key),
            Self::X25519 => {
                return Err("x509: unsupported public key type: x25519.PublicKey".into());
            }
        };
        key.spki().ok_or_else(|| "x509: unsupported public key type".into())
    }
}

impl Private {
    const fn go_type(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "*rsa.PrivateKey",
            Self::Ec(..) => "*ecdsa.PrivateKey",
            Self::Ed25519(_) => "ed25519.PrivateKey",
            Self::X25519 => "x25519.PrivateKey",
        }
    }

    /// `None`: there is no such format for the key.
    fn pkcs8(&self) -> Result<Option<Bytes>, Message> {
        let key = match self {
            Self::Rsa(numbers) => {
                let [p, q] = &numbers.primes;
                let [dp, dq, coefficient] = &numbers.chinese;
                let complete = numbers.chinese.iter().all(|number| !number.is_empty());
                PrivateKey::Rsa(Box::new(RsaKey::check(&Components {
                    modulus: &numbers.modulus,
                    exponent: numbers.exponent,
                    private: &numbers.private,
                    primes: [p, q],
                    chinese: complete.then_some([dp, dq, coefficient]),
                })?))
            }
            Self::Ec(curve, point, private) => ec_key(*curve, point, private).map_err(|error| {
                let text = "x509: failed to marshal EC private key while building PKCS#8: ";
                wrap(text, error)
            })?,
            Self::Ed25519(seed) => PrivateKey::Ed25519(seed.clone()),
            Self::X25519 => return Ok(None),
        };
        Ok(key.pkcs8())
    }
}

/// Without leading zeros.
fn significant(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// A number in exactly `size` bytes, if it is not of more than `bits` bits.
fn fixed(bytes: &[u8], size: usize, bits: usize) -> Option<Bytes> {
    let bytes = significant(bytes);
    let unused = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
    if bytes.len() * 8 - unused > bits {
        return None;
    }
    let mut output = Zeroizing::new(vec![0; size.checked_sub(bytes.len())?]);
    output.extend_from_slice(bytes);
    Some(output)
}

fn uncompressed(curve: Curve, point: &Point) -> Result<Vec<u8>, Message> {
    let mut output = vec![4];
    for coordinate in point {
        let coordinate = fixed(coordinate, curve.size(), curve.bits());
        output.extend_from_slice(&coordinate.ok_or("overflowing coordinate")?);
    }
    Ok(output)
}

/// The public point is the one that the JSON says: nobody compares it with the private number.
fn ec_key(curve: Curve, point: &Point, private: &[u8]) -> Result<PrivateKey, Message> {
    let public = uncompressed(curve, point)?;
    let scalar = fixed(private, curve.size(), curve.bits());
    let scalar = scalar.ok_or("ecdsa: private key scalar too large")?;
    if significant(private).is_empty() {
        return Err("ecdsa: private key scalar is zero or negative".into());
    }
    curve.check_point(&public)?;
    // The order itself leads to no point, and Go names what it compared.
    curve.public(&scalar).map_err(|_| "input overflows the modulus")?;
    Ok(PrivateKey::Ec(curve, scalar, public))
}

fn read(call: &mut Call<'_>, args: &[Value]) -> Result<Jwk, Failure> {
    let text = string(args, 0);
    call.reserve(text.len().saturating_mul(2))?;
    call.work(text.len().saturating_add(STEPS))?;
    Ok(parse(&text)?)
}

fn parse(text: &[u8]) -> Result<Jwk, Message> {
    let hint = |error| wrap("failed to unmarshal JSON into key hint: ", error);
    let members = Members::read(text).map_err(hint)?;
    let (kind, private) = members.hint().map_err(hint)?;
    let go_type = match (&*kind, private) {
        (b"RSA", true) => "*jwk.rsaPrivateKey",
        (b"RSA", false) => "*jwk.rsaPublicKey",
        (b"EC", true) => "*jwk.ecdsaPrivateKey",
        (b"EC", false) => "*jwk.ecdsaPublicKey",
        (b"OKP", true) => "*jwk.okpPrivateKey",
        (b"OKP", false) => "*jwk.okpPublicKey",
        (b"oct", _) => "*jwk.symmetricKey",
        _ => {
            let text = "invalid key type from JSON (";
            return Err(Message::new().text(text).secret(kind).text(")"));
        }
    };
    let failed = |error| wrap(format!("failed to unmarshal JSON into key ({go_type}): "), error);
    match &*kind {
        b"RSA" => rsa(&members, private).map_err(failed),
        b"EC" => {
            let fields = ["crv", "d", "x", "y"];
            let [curve, d, x, y] = members.fields("EC", fields, private).map_err(failed)?;
            let named = [("P-256", Curve::P256), ("P-384", Curve::P384), ("P-521", Curve::P521)];
            let known = named.into_iter().find(|(name, _)| *curve == name.as_bytes());
            let (_, known) = known.ok_or_else(|| invalid_curve(&curve))?;
            let point = [x.to_vec(), y.to_vec()];
            Ok(if private {
                Jwk::Private(Private::Ec(known, point, d))
            } else {
                Jwk::Public(Public::Ec(known, point))
            })
        }
        b"OKP" => {
            let fields = ["crv", "d", "x"];
            let [curve, d, x] = members.fields("OKP", fields, private).map_err(failed)?;
            okp(&curve, private.then_some(&d), &x)
        }
        _ => {
            members.fields("oct", ["k"], true).map_err(failed)?;
            Ok(Jwk::Octets)
        }
    }
}

fn invalid_curve(curve: &[u8]) -> Message {
    Message::new().text("failed to build public key: invalid curve algorithm ").secret(curve)
}

fn rsa(members: &Members<'_>, private: bool) -> Result<Jwk, Message> {
    let names = ["d", "dp", "dq", "e", "n", "p", "q", "qi"];
    let [private_exponent, dp, dq, exponent, modulus, p, q, coefficient] =
        members.fields("RSA", names, private)?;
    // Go keeps the low bits of an exponent that is too large for an int64.
    let exponent = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let exponent = exponent.cast_signed();
    let modulus = Zeroizing::new(significant(&modulus).to_vec());
    Ok(if private {
        let numbers = RsaNumbers {
            modulus,
            exponent,
            private: private_exponent,
            primes: [p, q],
            chinese: [dp, dq, coefficient],
        };
        Jwk::Private(Private::Rsa(Box::new(numbers)))
    } else {
        Jwk::Public(Public::Rsa { modulus, exponent })
    })
}

fn okp(curve: &[u8], private: Option<&Bytes>, x: &[u8]) -> Result<Jwk, Message> {
    let failed = |text: &str| Message::from(format!("failed to build public key: {text}"));
    let Some(private) = private else {
        return match curve {
            b"Ed25519" => Ok(Jwk::Public(Public::Ed25519(x.to_vec()))),
            b"X25519" => Ok(Jwk::Public(Public::X25519)),
            _ => Err(invalid_curve(curve)),
        };
    };
    if private.is_empty() {
        return Err(failed("cannot use empty seed"));
    }
    match curve {
        b"Ed25519" => {
            let seed = <[u8; 32]>::try_from(&***private);
            let seed = Zeroizing::new(seed.map_err(|_| failed("wrong private key size"))?);
            if x != ed25519_public(&seed) {
                return Err(failed("invalid x value given d value"));
            }
            Ok(Jwk::Private(Private::Ed25519(seed)))
        }
        b"X25519" => {
            let seed = <[u8; 32]>::try_from(&***private).map_err(|_| {
                let size = private.len();
                failed(&format!(
                    "unable to construct x25519 private key from seed: unexpected seed size: {size}"
                ))
            })?;
            if x != x25519_public(&Zeroizing::new(seed)) {
                return Err(failed("invalid x value given d value"));
            }
            Ok(Jwk::Private(Private::X25519))
        }
        _ => Err(invalid_curve(curve)),
    }
}

/// The members of the first value of a text, in order.
struct Members<'a> {
    members: Vec<(Vec<u8>, &'a [u8])>,
}

/// The type of the struct that Go reads first, as its errors show it.
const HINT: &str = r#"struct { Kty string "json:\"kty\""; D json.RawMessage "json:\"d\"" }"#;

impl<'a> Members<'a> {
    /// A decoder of Go reads one value and does not look at what follows.
    fn read(text: &'a [u8]) -> Result<Self, Message> {
        let text = first_value(text);
        let start = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let members = match json::members(text) {
            Ok(members) => members,
            Err(error) if ends_early(text, &error) => {
                return Err(if start.is_none() { "EOF" } else { "unexpected EOF" }.into());
            }
            Err(error) if error.reveal().starts_with(b"json: cannot unmarshal ") => {
                let kind = kind(text);
                let text = format!("json: cannot unmarshal {kind} into Go value of type {HINT}");
                return Err(text.into());
            }
            Err(error) => return Err(error),
        };
        let members = members.into_iter();
        let members = members.map(|(key, range)| (key, text.get(range).unwrap_or_default()));
        Ok(Self { members: members.collect() })
    }

    /// The kind of key, and whether it is a private one.
    fn hint(&self) -> Result<(Vec<u8>, bool), Message> {
        let mut kty = Vec::new();
        let mut private = false;
        let mut error = None;
        for (key, value) in &self.members {
            if key.eq_ignore_ascii_case(b"kty") {
                match json::unquote(value) {
                    Some(text) => kty = text,
                    None if *value == b"null" => {}
                    None => {
                        let kind = kind(value);
                        error.get_or_insert(format!(
                            "json: cannot unmarshal {kind} into Go struct field .kty of type string"
                        ));
                    }
                }
            } else if key.eq_ignore_ascii_case(b"d") {
                private = true;
            }
        }
        match error {
            Some(error) => Err(error.into()),
            None => Ok((kty, private)),
        }
    }

    /// The fields of a key: `crv` as text, the others from base64, empty if absent. All others are
    /// checked only.
    fn fields<const N: usize>(
        &self,
        kty: &str,
        names: [&str; N],
        private: bool,
    ) -> Result<[Bytes; N], Message> {
        let mut found: [Option<Bytes>; N] = [const { None }; N];
        for (key, value) in &self.members {
            let name = String::from_utf8_lossy(key);
            let in_field = |error| wrap(format!("failed to decode value for key {name}: "), error);
            let next = || text(value).map_err(|error| wrap("error reading next value: ", error));
            let wanted = names.iter().position(|wanted| *wanted == name);
            let wanted = wanted
                .filter(|_| private || !matches!(&*name, "d" | "dp" | "dq" | "p" | "q" | "qi"));
            if let Some(slot) = wanted.and_then(|index| found.get_mut(index)) {
                let value = if name == "crv" {
                    let target = "jwa.EllipticCurveAlgorithm";
                    text_of(value, target).map_err(in_field)?
                } else {
                    let text = next().map_err(in_field)?;
                    decode(&text)
                        .ok_or_else(|| in_field("expected base64 encoded []byte (string)".into()))?
                };
                *slot = Some(value);
                continue;
            }
            match &*name {
                "kty" => {
                    let value = next().map_err(|error| wrap("error reading token: ", error))?;
                    if *value != kty.as_bytes() {
                        return Err(Message::new()
                            .text("invalid kty value for RSAPublicKey (")
                            .secret(value.to_vec())
                            .text(")"));
                    }
                }
                "alg" => {
                    text(value).map_err(in_field)?;
                }
                "kid" | "use" | "x5t" | "x5t#S256" | "x5u" => {
                    next().map_err(in_field)?;
                }
                "key_ops" => {
                    texts(value, "jwk.KeyOperationList", "jwk.KeyOperation").map_err(in_field)?;
                }
                "x5c" => texts(value, "[]string", "string").map_err(|error| {
                    in_field(wrap("failed to unmarshal certificate chain: ", error))
                })?,
                _ => {}
            }
        }
        let optional = ["dp", "dq", "p", "q", "qi"];
        for (name, value) in names.iter().zip(&found) {
            let needed = !optional.contains(name) && (private || *name != "d");
            if value.is_none() && needed {
                return Err(format!("required field {name} is missing").into());
            }
        }
        Ok(found.map(Option::unwrap_or_default))
    }
}

/// A JSON string; `null` leaves Go's variable empty.
fn text(value: &[u8]) -> Result<Bytes, Message> {
    text_of(value, "string")
}

/// The same for a type of Go that is a string.
fn text_of(value: &[u8], target: &str) -> Result<Bytes, Message> {
    match json::unquote(value) {
        Some(text) => Ok(Zeroizing::new(text)),
        None if value == b"null" => Ok(Bytes::default()),
        None => {
            let kind = kind(value);
            Err(format!("json: cannot unmarshal {kind} into Go value of type {target}").into())
        }
    }
}

/// Checks a list of strings.
fn texts(value: &[u8], list: &str, element: &str) -> Result<(), Message> {
    let failed = |kind: &str, target: &str| {
        Err(format!("json: cannot unmarshal {kind} into Go value of type {target}").into())
    };
    match json::decode(value) {
        Ok(Value::Nil) => Ok(()),
        Ok(Value::List(list)) => {
            let other = list.items().iter().find_map(|item| match item {
                Value::String(_) | Value::Nil => None,
                Value::Bool(_) => Some("bool"),
                Value::List(_) => Some("array"),
                Value::Map(_) => Some("object"),
                _ => Some("number"),
            });
            other.map_or(Ok(()), |kind| failed(kind, element))
        }
        _ => failed(kind(value), list),
    }
}

/// What Go calls a JSON value by its first byte.
fn kind(value: &[u8]) -> &'static str {
    match value.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "bool",
        _ => "number",
    }
}

/// Whether the text ends within its value. A number that is broken off has an error of its own in
/// `json.Unmarshal`, which a decoder does not see.
fn ends_early(text: &[u8], error: &Message) -> bool {
    let blank = b"invalid character ' ' ";
    let said = error.reveal();
    said == b"unexpected end of JSON input"
        || (said.starts_with(blank)
            && json::members(&[text, b"0"].concat())
                .err()
                .is_none_or(|other| !other.reveal().starts_with(blank)))
}

/// The text up to the end of its first value.
fn first_value(text: &[u8]) -> &[u8] {
    let start = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let value = text.get(start..).unwrap_or_default();
    let length = match value {
        [b't' | b'n', ..] => Some(4),
        [b'f', ..] => Some(5),
        [b'-' | b'0'..=b'9', ..] => number_length(value),
        _ => nested_length(value),
    };
    length.and_then(|length| text.get(..start + length)).unwrap_or(text)
}

/// How long a string, a list or an object is; `None` if it does not end.
fn nested_length(value: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !quoted && matches!(byte, b'"' | b'}' | b']') {
            return Some(index + 1);
        }
    }
    None
}

/// How long a number is; `None` if it is broken off.
fn number_length(value: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let digits = value.get(from..).unwrap_or_default();
        digits.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let sign = usize::from(value.first() == Some(&b'-'));
    let mut end = match value.get(sign) {
        Some(b'0') => sign + 1,
        _ => sign + digits(sign),
    };
    if value.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        end = (fraction > 0).then_some(end + 1 + fraction)?;
    }
    if matches!(value.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(value.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        end = (exponent > 0).then_some(end + 1 + sign + exponent)?;
    }
    (end > sign).then_some(end)
}

/// Base64 of any of the four kinds, which the text itself tells apart.
fn decode(text: &[u8]) -> Option<Bytes> {
    let raw = !text.ends_with(b"=");
    let url = !text.iter().any(|byte| matches!(byte, b'+' | b'/'));
    let padding =
        if raw { DecodePaddingMode::RequireNone } else { DecodePaddingMode::RequireCanonical };
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(padding);
    let engine = GeneralPurpose::new(if url { &URL_SAFE } else { &STANDARD }, config);
    let digits = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n'));
    let digits = Zeroizing::new(digits.collect::<Vec<u8>>());
    engine.decode(&*digits).ok().map(Zeroizing::new)
}
