use astralform_domain::SecretKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key that vouches for what one project hands out, such as links. It seals nothing, and stays
/// the same when data keys are replaced, so that open links go on working.
#[derive(Clone)]
pub(crate) struct TagKey {
    pub(crate) key: SecretKey,
}

/// What a MAC vouches for; a tag for one purpose is worthless for another.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// The link of an auth request.
    ConnectLink,
    /// The proof of the browser that finished an auth request.
    Confirmation,
    /// The account that an API key stands for.
    KeyAccount,
}

impl TagKey {
    pub(crate) fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let subkey = Zeroizing::new(hmac(self.key.expose(), purpose.label()));
        hmac(subkey.as_slice(), message)
    }
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ConnectLink => b"astralform connect link 1",
            Self::Confirmation => b"astralform confirmation 1",
            Self::KeyAccount => b"astralform key account 1",
        }
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
