//! The Master Password algorithm, version 1, with the alphabets that sprig gives it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use scrypt::{Params, scrypt};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What one derivation costs: 64 MiB of memory traffic, some 150 ms.
pub(super) const STEPS: usize = 150_000;

const SCOPE: &[u8] = b"com.lyndir.masterpassword";

/// The shapes of a kind of password: which alphabet each character comes from.
pub(super) fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn alphabet(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// `None` only if a library refuses its constant parameters.
pub(super) fn derive(
    counter: u32,
    templates: &[&str],
    password: &[u8],
    user: &[u8],
    site: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let params = Params::new(15, 8, 2).ok()?;
    let mut key = Zeroizing::new([0; 64]);
    scrypt(password, &salt(user), &params, &mut *key).ok()?;

    let mut mac = Hmac::<Sha256>::new_from_slice(&*key).ok()?;
    mac.update(&salt(site));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();

    let (first, rest) = seed.split_first()?;
    let template = templates.get(usize::from(*first) % templates.len().max(1))?;
    template
        .bytes()
        .zip(rest)
        .map(|(class, random)| {
            let alphabet = alphabet(class);
            alphabet.get(usize::from(*random) % alphabet.len()).copied()
        })
        .collect::<Option<Vec<u8>>>()
        .map(Zeroizing::new)
}

fn salt(name: &[u8]) -> Vec<u8> {
    // The length is an uint32 in the algorithm, and wraps.
    #[expect(clippy::cast_possible_truncation, reason = "as Go converts it")]
    let length = name.len() as u32;
    [SCOPE, &length.to_be_bytes(), name].concat()
}
