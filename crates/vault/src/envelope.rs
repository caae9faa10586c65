//! The bytes of a sealed value: `format ‖ key id ‖ nonce ‖ ciphertext and tag`.

use astralform_domain::{Entropy, Sealed, SecretKey};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::key_id::{KeyId, LENGTH as KEY_ID};

/// Why a sealed value does not open.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// It is not an envelope of a format that this version knows.
    #[error("the stored value is not a sealed one")]
    Malformed,
    /// It was sealed with another key than the one at hand.
    #[error("the stored value was sealed with another key")]
    OtherKey,
    /// It was altered, or does not belong where it was found.
    #[error("the stored value was altered, or moved from where it belongs")]
    Refused,
}

const FORMAT: u8 = 1;
const NONCE: usize = 24;
const HEAD: usize = 1 + KEY_ID;

pub(crate) fn seal(
    key: &SecretKey,
    key_id: KeyId,
    bound_to: &[u8],
    plain: &[u8],
    entropy: &Entropy,
) -> Sealed {
    let mut bytes = Vec::with_capacity(HEAD + NONCE + plain.len() + 16);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&key_id.to_bytes());
    let aad = [bytes.as_slice(), bound_to].concat();
    let nonce = entropy.bytes::<NONCE>();
    bytes.extend_from_slice(&nonce);
    let payload = Payload { msg: plain, aad: &aad };
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .expect("only a plaintext of 256 GiB is too long");
    bytes.extend_from_slice(&sealed);
    Sealed::from_bytes(bytes)
}

pub(crate) fn open(
    key: &SecretKey,
    key_id: KeyId,
    bound_to: &[u8],
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (head, rest) = sealed.as_bytes().split_at_checked(HEAD).ok_or(OpenError::Malformed)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Malformed)?;
    if head[0] != FORMAT {
        return Err(OpenError::Malformed);
    }
    if head[1..] != key_id.to_bytes() {
        return Err(OpenError::OtherKey);
    }
    let aad = [head, bound_to].concat();
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| OpenError::Refused)
}
