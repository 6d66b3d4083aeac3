//! ESO's `rsaDecrypt`.

use rsa::oaep;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::random::EnvironmentRng;
use super::string;
use crate::error::Message;
use crate::funcs::certs::pem;
use crate::funcs::certs::private_key::PrivateKey;
use crate::funcs::certs::rsa_key::RsaKey;
use crate::funcs::{Call, Failure};
use crate::value::Value;

/// What one private operation costs, in steps.
const STEPS: usize = 5_000;

pub(super) fn rsa_decrypt(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (scheme, hash, input, key) =
        (string(args, 0), string(args, 1), string(args, 2), string(args, 3));
    match &*scheme {
        b"None" => return Ok(Value::String(input)),
        b"RSA-OAEP" => {}
        _ => {
            return Err(Message::new()
                .text("decryption scheme ")
                .secret(&*scheme)
                .text(" is not supported")
                .into());
        }
    }
    let (Some(block), _) = pem::decode(&key) else {
        return Err("failed to decode PEM block".into());
    };
    call.work(STEPS)?;
    let key = PrivateKey::parse(&block.bytes)
        .map_err(|error| super::wrap("could not parse private key: ", error))?;
    let PrivateKey::Rsa(key) = key else {
        return Err("could not parse RSA private key".into());
    };
    if key.bits() < 1024 {
        let bits = key.bits();
        let text = format!(
            "error decrypting data with RSA: crypto/rsa: {bits}-bit keys are insecure \
             (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"
        );
        return Err(Message::from(text).into());
    }
    let mut random = EnvironmentRng(call.environment);
    // One text for whatever is wrong with the ciphertext: the reason would be an oracle.
    match decrypt(&key, &hash, &input, &mut random) {
        Some(text) => Ok(Value::string(&*text)),
        None => Err("error decrypting data with RSA: crypto/rsa: decryption error".into()),
    }
}

/// The private operation is blinded, so that its time says nothing about the key.
fn decrypt(
    key: &RsaKey,
    hash: &[u8],
    input: &[u8],
    random: &mut EnvironmentRng<'_>,
) -> Option<Zeroizing<Vec<u8>>> {
    let size = key.modulus.len();
    // Go takes a shorter ciphertext as a number with leading zeros.
    let mut ciphertext = vec![0; size.checked_sub(input.len())?];
    ciphertext.extend_from_slice(input);
    let engine = key.engine()?;
    let text = match hash {
        b"SHA1" => engine.decrypt_blinded(random, oaep::Oaep::<Sha1>::new(), &ciphertext),
        b"SHA512" => engine.decrypt_blinded(random, oaep::Oaep::<Sha512>::new(), &ciphertext),
        _ => engine.decrypt_blinded(random, oaep::Oaep::<Sha256>::new(), &ciphertext),
    };
    text.ok().map(Zeroizing::new)
}
