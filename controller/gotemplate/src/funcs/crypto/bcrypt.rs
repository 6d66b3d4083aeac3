//! bcrypt as `golang.org/x/crypto/bcrypt` writes it: `$2a$10$...`.

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use blowfish::Blowfish;
use zeroize::Zeroizing;

/// Longer passwords are refused.
pub(super) const MAX_PASSWORD: usize = 72;

const COST: u32 = 10;
const ENGINE: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

pub(super) fn hash(password: &[u8], salt: [u8; 16]) -> String {
    let mut key = Zeroizing::new(Vec::with_capacity(password.len() + 1));
    key.extend_from_slice(password);
    key.push(0);

    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(&salt, &key);
    for _ in 0..1 << COST {
        state.bc_expand_key(&key);
        state.bc_expand_key(&salt);
    }

    let mut hash = Vec::with_capacity(24);
    for block in b"OrpheanBeholderScryDoubt".as_chunks::<8>().0 {
        let (words, _) = block.as_chunks::<4>();
        let mut halves = [0; 2];
        for (half, word) in halves.iter_mut().zip(words) {
            *half = u32::from_be_bytes(*word);
        }
        for _ in 0..64 {
            halves = state.bc_encrypt(halves);
        }
        hash.extend(halves.into_iter().flat_map(u32::to_be_bytes));
    }
    // The last byte was never part of the format.
    hash.truncate(23);
    format!("$2a${COST}${}{}", ENGINE.encode(salt), ENGINE.encode(hash))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::{ENGINE, hash};

    #[test]
    fn makes_the_hash_that_go_makes() {
        // Made by golang.org/x/crypto/bcrypt.
        let go = "$2a$10$qJIfGxOYPHSMEO9aYK8c7.l0RhyAjN1XIesQWKAGzpWPVGRjhD30u";
        let (_, rest) = go.rsplit_once('$').unwrap();
        let salt = ENGINE.decode(&rest[..22]).unwrap();
        let ours = hash(b"correct horse", salt.try_into().unwrap());
        assert_eq!(ours, go);
    }
}
