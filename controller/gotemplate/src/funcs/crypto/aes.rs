//! sprig's `encryptAES` and `decryptAES`: AES-256 in CBC mode, the IV before the text. The key is
//! the password itself, cut or filled with zeros to 32 bytes.

use aes::Aes256;
use cipher::KeyInit as _;
use zeroize::Zeroizing;

use super::cbc;
use crate::error::Message;
use crate::funcs::certs::base64;

fn cipher(password: &[u8]) -> Aes256 {
    let mut key = Zeroizing::new([0; 32]);
    for (to, from) in key.iter_mut().zip(password) {
        *to = *from;
    }
    Aes256::new(&(*key).into())
}

pub(super) fn encrypt(password: &[u8], iv: [u8; 16], text: &[u8]) -> Vec<u8> {
    let mut output = iv.to_vec();
    output.extend(cbc::encrypt(&cipher(password), &iv, text));
    output
}

/// # Errors
/// What Go says about base64 that is none, and its panics about texts that `encrypt` did not make.
pub(super) fn decrypt(password: &[u8], text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Message> {
    let decoded = base64::decode(text)?;
    // Go's buffer is as long as the text could have filled, and reading the IV may go beyond the
    // end of what it did fill.
    let capacity = text.len() / 4 * 3;
    let Some((iv, blocks)) = decoded.split_at_checked(16) else {
        let length = decoded.len();
        return Err(if capacity < 16 {
            format!("runtime error: slice bounds out of range [:16] with capacity {capacity}")
        } else {
            format!("runtime error: slice bounds out of range [16:{length}]")
        }
        .into());
    };
    if blocks.len() % 16 != 0 {
        return Err("crypto/cipher: input not full blocks".into());
    }
    let mut blocks = Zeroizing::new(blocks.to_vec());
    cbc::decrypt(&cipher(password), iv, &mut blocks);
    // Nobody checks the padding: a wrong password yields noise, or fails here.
    let Some(&padding) = blocks.last() else {
        return Err("runtime error: index out of range [-1]".into());
    };
    let Some(length) = blocks.len().checked_sub(usize::from(padding)) else {
        let excess = usize::from(padding) - blocks.len();
        return Err(format!("runtime error: slice bounds out of range [:-{excess}]").into());
    };
    blocks.truncate(length);
    Ok(blocks)
}
