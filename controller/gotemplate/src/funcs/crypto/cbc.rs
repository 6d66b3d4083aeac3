//! Cipher block chaining, with the padding of PKCS#7.

use cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser};

/// Encrypts `text` after padding it to whole blocks.
pub(in crate::funcs) fn encrypt<C>(cipher: &C, iv: &[u8], text: &[u8]) -> Vec<u8>
where
    C: BlockCipherEncrypt + BlockSizeUser,
{
    let size = C::block_size();
    let padding = size - text.len() % size;
    let mut output = Vec::with_capacity(text.len() + padding);
    output.extend_from_slice(text);
    output.resize(text.len() + padding, u8::try_from(padding).unwrap_or_default());
    let mut previous = iv.to_vec();
    for chunk in output.chunks_exact_mut(size) {
        for (byte, before) in chunk.iter_mut().zip(&previous) {
            *byte ^= before;
        }
        if let Ok(block) = <&mut Array<u8, C::BlockSize>>::try_from(&mut *chunk) {
            cipher.encrypt_block(block);
        }
        previous.copy_from_slice(chunk);
    }
    output
}

/// Decrypts whole blocks in place and leaves the padding.
pub(in crate::funcs) fn decrypt<C>(cipher: &C, iv: &[u8], blocks: &mut [u8])
where
    C: BlockCipherDecrypt + BlockSizeUser,
{
    let mut previous = iv.to_vec();
    for chunk in blocks.chunks_exact_mut(C::block_size()) {
        let current = chunk.to_vec();
        if let Ok(block) = <&mut Array<u8, C::BlockSize>>::try_from(&mut *chunk) {
            cipher.decrypt_block(block);
        }
        for (byte, before) in chunk.iter_mut().zip(&previous) {
            *byte ^= before;
        }
        previous = current;
    }
}
