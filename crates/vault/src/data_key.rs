use astralform_domain::{Entropy, ProjectId, Sealed, Secret, SecretKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Binding, OpenError,
    envelope::{self, KEY_ID},
};

/// The key that seals one project's secrets.
///
/// What it is for can be shown:
/// ```
/// # use astralform_vault::DataKey;
/// fn show(key: &DataKey) {
///     println!("{}", key.project());
///     serde_json::to_string(&key.project().to_string()).unwrap();
/// }
/// ```
/// The key itself cannot be printed or serialised:
/// ```compile_fail,E0277
/// # use astralform_vault::DataKey;
/// fn show(key: &DataKey) {
///     println!("{key:?}");
/// }
/// ```
/// ```compile_fail,E0277
/// # use astralform_vault::DataKey;
/// fn show(key: &DataKey) {
///     println!("{key}");
/// }
/// ```
/// ```compile_fail,E0277
/// # use astralform_vault::DataKey;
/// fn show(key: &DataKey) {
///     serde_json::to_string(key).unwrap();
/// }
/// ```
#[derive(Clone)]
pub struct DataKey {
    pub(crate) project: ProjectId,
    pub(crate) id: [u8; KEY_ID],
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

impl DataKey {
    /// The project whose secrets it seals.
    pub fn project(&self) -> ProjectId {
        self.project
    }

    /// Seals a secret for the one place that `binding` names.
    pub fn seal(&self, binding: Binding<'_>, secret: &Secret, entropy: &Entropy) -> Sealed {
        let plain = secret.expose().as_bytes();
        envelope::seal(&self.key, self.id, &binding.to_bytes(), plain, entropy)
    }

    /// Opens a sealed secret in the place that `binding` names.
    ///
    /// # Errors
    /// Anything but the very value sealed for this place is refused.
    pub fn open(&self, binding: Binding<'_>, sealed: &Sealed) -> Result<Secret, OpenError> {
        let plain = envelope::open(&self.key, self.id, &binding.to_bytes(), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| OpenError::Refused)?;
        Ok(Secret::new(text.to_owned()))
    }

    /// A tag that only a holder of this key can make for `message`.
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
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

#[cfg(test)]
mod tests;
