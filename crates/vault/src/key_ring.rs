use std::fmt;

use astralform_domain::{Entropy, ProjectId, Sealed, SecretKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    DataKey, OpenError,
    envelope::{self, KEY_ID},
};

/// The master keys. The last one wraps new data keys; the others still unwrap old ones.
///
/// Their fingerprints can be shown:
/// ```
/// # use astralform_vault::KeyRing;
/// fn show(ring: &KeyRing) {
///     println!("{}", ring.current());
///     serde_json::to_string(&ring.current().to_string()).unwrap();
/// }
/// ```
/// The keys themselves cannot be printed or serialised:
/// ```compile_fail,E0277
/// # use astralform_vault::KeyRing;
/// fn show(ring: &KeyRing) {
///     println!("{ring:?}");
/// }
/// ```
/// ```compile_fail,E0277
/// # use astralform_vault::KeyRing;
/// fn show(ring: &KeyRing) {
///     println!("{ring}");
/// }
/// ```
/// ```compile_fail,E0277
/// # use astralform_vault::KeyRing;
/// fn show(ring: &KeyRing) {
///     serde_json::to_string(ring).unwrap();
/// }
/// ```
pub struct KeyRing {
    older: Vec<MasterKey>,
    current: MasterKey,
}

struct MasterKey {
    id: MasterKeyId,
    key: SecretKey,
}

/// A fingerprint of a master key, safe to store and to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MasterKeyId([u8; KEY_ID]);

/// Whether a key ring is the one that a database was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// The ring holds the key.
    Held,
    /// The database was written with a key that the ring does not hold.
    Missing,
}

impl KeyRing {
    /// A ring of one fresh key.
    pub fn generate(entropy: &Entropy) -> Self {
        Self { older: Vec::new(), current: MasterKey::new(SecretKey::new(entropy.bytes())) }
    }

    /// The ring of `keys`, oldest first; `None` when there are none.
    pub(crate) fn from_keys(mut keys: Vec<SecretKey>) -> Option<Self> {
        let current = MasterKey::new(keys.pop()?);
        Some(Self { older: keys.into_iter().map(MasterKey::new).collect(), current })
    }

    /// The key that wraps new data keys.
    pub fn current(&self) -> MasterKeyId {
        self.current.id
    }

    /// Compares the ring with the fingerprint that a database keeps.
    pub fn check(&self, written_with: MasterKeyId) -> KeyCheck {
        match self.find(written_with) {
            Some(_) => KeyCheck::Held,
            None => KeyCheck::Missing,
        }
    }

    /// A fresh data key for `project`, with the envelope to store.
    pub fn new_data_key(&self, project: ProjectId, entropy: &Entropy) -> (DataKey, Sealed) {
        let data_key =
            DataKey { project, id: entropy.bytes(), key: SecretKey::new(entropy.bytes()) };
        let MasterKey { id, key } = &self.current;
        let plain = Zeroizing::new([data_key.id.as_slice(), data_key.key.expose()].concat());
        let sealed = envelope::seal(key, id.0, &wrapped_for(project), &plain, entropy);
        (data_key, sealed)
    }

    /// The data key in an envelope that [`Self::new_data_key`] made for `project`.
    ///
    /// # Errors
    /// Refuses an envelope of another project or another ring.
    pub fn open_data_key(&self, project: ProjectId, sealed: &Sealed) -> Result<DataKey, OpenError> {
        let written_with = sealed.as_bytes().get(1..).and_then(<[u8]>::first_chunk);
        let id = MasterKeyId(*written_with.ok_or(OpenError::Malformed)?);
        let MasterKey { key, .. } = self.find(id).ok_or(OpenError::OtherKey)?;
        let plain = envelope::open(key, id.0, &wrapped_for(project), sealed)?;
        let (id, key) = plain.split_first_chunk::<KEY_ID>().ok_or(OpenError::Malformed)?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| OpenError::Malformed)?;
        Ok(DataKey { project, id: *id, key: SecretKey::new(key) })
    }

    fn find(&self, id: MasterKeyId) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.older).find(|master| master.id == id)
    }
}

impl MasterKey {
    fn new(key: SecretKey) -> Self {
        let digest =
            Sha256::new().chain_update(b"astralform master key id 1").chain_update(key.expose());
        let digest: [u8; 32] = digest.finalize().into();
        let id = *digest.first_chunk().expect("a digest has 32 bytes");
        Self { id: MasterKeyId(id), key }
    }
}

impl MasterKeyId {
    /// The fingerprint that `text` spells, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = u128::from_str_radix(text, 16).ok()?;
        (text.len() == 2 * KEY_ID).then(|| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

fn wrapped_for(project: ProjectId) -> Vec<u8> {
    [b"data key of ".as_slice(), &project.to_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use astralform_domain::{Clock, Timestamp};

    use super::*;

    fn project(seed: u64) -> ProjectId {
        ProjectId::new(&Clock::manual(Timestamp::from_secs(1)), &Entropy::seeded(seed))
    }

    fn ring(seed: u64) -> KeyRing {
        KeyRing::generate(&Entropy::seeded(seed))
    }

    #[test]
    fn v1_a_wrapped_data_key_opens_for_its_project_and_ring_only() {
        let (_, sealed) = ring(1).new_data_key(project(1), &Entropy::seeded(9));
        assert!(ring(1).open_data_key(project(1), &sealed).is_ok());
        assert_eq!(ring(1).open_data_key(project(2), &sealed).err(), Some(OpenError::Refused));
        assert_eq!(ring(2).open_data_key(project(1), &sealed).err(), Some(OpenError::OtherKey));
    }

    #[test]
    fn a_new_key_on_the_ring_still_opens_what_the_old_one_wrapped() {
        let (_, sealed) = ring(1).new_data_key(project(1), &Entropy::seeded(9));
        let rotated = KeyRing::from_keys(vec![ring(1).current.key, ring(2).current.key]).unwrap();
        assert!(rotated.open_data_key(project(1), &sealed).is_ok());
        assert_eq!(rotated.current(), ring(2).current());
        assert_eq!(rotated.check(ring(1).current()), KeyCheck::Held);
        assert_eq!(rotated.check(ring(3).current()), KeyCheck::Missing);
    }

    #[test]
    fn a_fingerprint_survives_its_text() {
        let id = ring(1).current();
        assert_eq!(MasterKeyId::parse(&id.to_string()), Some(id));
        assert_eq!(MasterKeyId::parse("abc"), None);
        assert_eq!(MasterKeyId::parse(&"g".repeat(32)), None);
    }
}
