//! sprig's `genPrivateKey`.

use super::random::EnvironmentRng;
use super::string;
use crate::funcs::certs::ec::Curve;
use crate::funcs::certs::private_key::PrivateKey;
use crate::funcs::certs::rsa_key::RsaKey;
use crate::funcs::{Call, Failure};
use crate::value::Value;
use zeroize::Zeroizing;

/// What an RSA key costs, in steps: seconds for one of 4096 bits.
const RSA_STEPS: usize = 200_000;
const EC_STEPS: usize = 1_000;

pub(super) fn generate(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let kind = string(args, 0);
    let key = match &*kind {
        b"" | b"rsa" => PrivateKey::Rsa(Box::new(generate_rsa(call, 4096)?)),
        b"ecdsa" => generate_ec(call)?,
        b"ed25519" => {
            call.work(EC_STEPS)?;
            let mut seed = Zeroizing::new([0; 32]);
            call.environment.fill_random(&mut *seed);
            PrivateKey::Ed25519(seed)
        }
        b"dsa" => return Err("genPrivateKey: DSA keys are not supported".into()),
        _ => return Ok(Value::string([b"Unknown type ", &*kind].concat())),
    };
    let text = key.to_pem().ok_or("failed to generate private key")?;
    Ok(Value::string(&*text))
}

/// A new RSA key.
pub(in crate::funcs) fn generate_rsa(call: &mut Call<'_>, bits: usize) -> Result<RsaKey, Failure> {
    call.work(RSA_STEPS)?;
    let key = rsa::PrivateKey::new(&mut EnvironmentRng(call.environment), bits);
    let key = key.map_err(|_| "failed to generate private key")?;
    Ok(RsaKey::from_engine(&key)?)
}

fn generate_ec(call: &mut Call<'_>) -> Result<PrivateKey, Failure> {
    call.work(EC_STEPS)?;
    let curve = Curve::P256;
    let scalar = curve.generate(|buffer| call.environment.fill_random(buffer));
    let scalar = scalar.ok_or("failed to generate private key")?;
    let public = curve.public(&scalar)?;
    Ok(PrivateKey::Ec(curve, scalar, public))
}
