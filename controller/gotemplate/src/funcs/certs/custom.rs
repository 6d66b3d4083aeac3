//! sprig's `buildCustomCert`, and the struct that the `gen*Cert` functions return.

use std::any::Any;
use std::rc::Rc;

use super::pem;
use super::private_key::{PrivateKey, unwrap_base64};
use super::x509::Certificate;
use crate::error::Message;
use crate::funcs::crypto::{string, wrap};
use crate::funcs::{Call, Failure};
use crate::value::{Bytes, Object, Value};

/// A certificate and its key, both as PEM.
pub(in crate::funcs) struct CertificateAndKey {
    pub(in crate::funcs) certificate: Bytes,
    pub(in crate::funcs) key: Bytes,
}

impl Object for CertificateAndKey {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn member(&self, name: &str) -> Option<Result<Value, Message>> {
        match name {
            "Cert" => Some(Ok(Value::String(Rc::clone(&self.certificate)))),
            "Key" => Some(Ok(Value::String(Rc::clone(&self.key)))),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let certificate = Value::String(Rc::clone(&self.certificate));
        vec![("Cert", certificate), ("Key", Value::String(Rc::clone(&self.key)))]
    }

    fn has_text(&self) -> bool {
        false
    }

    fn text(&self) -> Vec<u8> {
        [b"{", &*self.certificate, b" ", &self.key, b"}"].concat()
    }

    fn json(&self) -> Result<Vec<u8>, Message> {
        // PEM with its line breaks; anything else in it was the user's own text.
        let quoted = |bytes: &[u8]| super::custom::json_string(bytes);
        Ok([b"{\"Cert\":", &*quoted(&self.certificate), b",\"Key\":", &quoted(&self.key), b"}"]
            .concat())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(super) fn json_string(bytes: &[u8]) -> Vec<u8> {
    let mut output = vec![b'"'];
    for char in String::from_utf8_lossy(bytes).chars() {
        match char {
            '"' | '\\' => output.extend([b'\\', char as u8]),
            '\n' => output.extend(b"\\n"),
            '\r' => output.extend(b"\\r"),
            '\t' => output.extend(b"\\t"),
            '\u{8}' => output.extend(b"\\b"),
            '\u{c}' => output.extend(b"\\f"),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                output.extend(format!("\\u{:04x}", u32::from(char)).into_bytes());
            }
            // Go writes what is no UTF-8 as an escape.
            '\u{fffd}' => output.extend(b"\\ufffd"),
            char => output.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    output.push(b'"');
    output
}

pub(super) fn build(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (certificate, key) = (string(args, 0), string(args, 1));
    call.reserve(certificate.len().saturating_add(key.len()))?;
    call.work((certificate.len() + key.len()) / 64 + 1_000)?;
    let certificate = unwrap_base64(&certificate).ok_or("unable to decode base64 certificate")?;
    let key = unwrap_base64(&key).ok_or("unable to decode base64 private key")?;
    let (Some(block), _) = pem::decode(&certificate) else {
        return Err("unable to decode certificate".into());
    };
    Certificate::parse(&block.bytes)
        .map_err(|error| wrap("error parsing certificate: decodedCert.Bytes: ", error))?;
    PrivateKey::parse_pem(&key).map_err(|error| wrap("error parsing private key: ", error))?;
    let object = CertificateAndKey { certificate: (**certificate).into(), key: (**key).into() };
    Ok(Value::Object(Rc::new(object)))
}
