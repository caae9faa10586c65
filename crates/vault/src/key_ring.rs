use std::path::{Path, PathBuf};

use astralform_domain::{Entropy, ProjectId, Sealed, SecretKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    DataKey, KeyFileError, KeyId, OpenError, ProjectKeys, envelope, key_file::Readers,
    key_id::LENGTH as KEY_ID, read_key_file_of, tag_key::TagKey,
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
    /// Where it was read from.
    file: Option<(PathBuf, Readers)>,
}

struct MasterKey {
    id: KeyId,
    key: SecretKey,
}

/// What a wrapped key is for. A key wrapped for one is worthless for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// It seals secrets.
    Data,
    /// It makes tags.
    Tags,
}

/// A fresh key, as it is stored.
pub struct Wrapped {
    /// Its id.
    pub id: KeyId,
    /// The key, sealed with a master key.
    pub envelope: Sealed,
}

/// Whether a key ring is the one that a database was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// The ring holds the key.
    Held,
    /// The database was written with a key that the ring does not hold.
    Missing,
}

impl KeyRing {
    /// Returns a ring of one fresh key.
    pub fn generate(entropy: &Entropy) -> Self {
        let current = MasterKey::new(SecretKey::new(entropy.bytes()));
        Self { older: Vec::new(), current, file: None }
    }

    /// Returns the ring of `keys`, oldest first; `None` when there are none.
    pub(crate) fn from_keys(mut keys: Vec<SecretKey>) -> Option<Self> {
        let current = MasterKey::new(keys.pop()?);
        let older = keys.into_iter().map(MasterKey::new).collect();
        Some(Self { older, current, file: None })
    }

    pub(crate) fn read_from(self, file: &Path, readers: Readers) -> Self {
        Self { file: Some((file.to_owned(), readers)), ..self }
    }

    /// Returns the key that wraps new data keys.
    pub fn current(&self) -> KeyId {
        self.current.id
    }

    /// Returns the id of a master key, its fingerprint.
    pub(crate) fn id_of(key: &SecretKey) -> KeyId {
        let digest =
            Sha256::new().chain_update(b"astralform master key id 1").chain_update(key.expose());
        let digest: [u8; 32] = digest.finalize().into();
        KeyId::from_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
    }

    /// Returns every key on the ring, the oldest first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.older.iter().chain([&self.current]).map(|master| master.id)
    }

    /// Returns the ring as its file has it now; nothing where it did not come from one.
    ///
    /// # Errors
    /// When the file cannot be used any more.
    pub fn read_again(&self) -> Result<Option<Self>, KeyFileError> {
        self.file.as_ref().map(|(file, readers)| read_key_file_of(file, *readers)).transpose()
    }

    /// Compares the ring with the fingerprint that a database keeps.
    pub fn check(&self, written_with: KeyId) -> KeyCheck {
        match self.find(written_with) {
            Some(_) => KeyCheck::Held,
            None => KeyCheck::Missing,
        }
    }

    /// Makes a fresh key for `project`, or for the installation, wrapped with the master key of that
    /// id.
    ///
    /// # Errors
    /// When the ring does not hold that one.
    pub fn new_key(
        &self,
        project: Option<ProjectId>,
        of_use: KeyUse,
        with: KeyId,
        entropy: &Entropy,
    ) -> Result<Wrapped, OpenError> {
        let id = KeyId::from_bytes(entropy.bytes());
        let key = SecretKey::new(entropy.bytes());
        let plain = Zeroizing::new([id.to_bytes().as_slice(), key.expose()].concat());
        let master = self.find(with).ok_or(OpenError::OtherKey)?;
        Ok(Wrapped { id, envelope: master.wrap(project, of_use, &plain, entropy) })
    }

    /// Returns the keys in the envelopes of a project: the current one, others that open, and that
    /// for tags.
    ///
    /// # Errors
    /// Refuses an envelope of another project, use or ring.
    pub fn open_keys<'a>(
        &self,
        project: ProjectId,
        current: &Sealed,
        others: impl IntoIterator<Item = &'a Sealed>,
        tags: &Sealed,
    ) -> Result<ProjectKeys, OpenError> {
        let others = others.into_iter().map(|sealed| self.unwrap_data_key(project, sealed));
        Ok(ProjectKeys {
            current: self.unwrap_data_key(project, current)?,
            others: others.collect::<Result<_, _>>()?,
            tags: TagKey { key: self.unwrap_key(Some(project), KeyUse::Tags, tags)?.1 },
        })
    }

    fn unwrap_data_key(&self, project: ProjectId, sealed: &Sealed) -> Result<DataKey, OpenError> {
        let (id, key) = self.unwrap_key(Some(project), KeyUse::Data, sealed)?;
        Ok(DataKey { project, id, key })
    }

    /// Opens the key that makes the installation's tags.
    ///
    /// # Errors
    /// Refuses an envelope of a project, of another use or of another ring.
    pub fn open_installation_key(&self, tags: &Sealed) -> Result<TagKey, OpenError> {
        Ok(TagKey { key: self.unwrap_key(None, KeyUse::Tags, tags)?.1 })
    }

    /// Wraps a key with the master key of that id; it stays the same key.
    ///
    /// # Errors
    /// Refuses an envelope of another project, use or ring.
    pub fn wrap_again(
        &self,
        project: Option<ProjectId>,
        of_use: KeyUse,
        sealed: &Sealed,
        with: KeyId,
        entropy: &Entropy,
    ) -> Result<Sealed, OpenError> {
        let plain = self.unwrap(project, of_use, sealed)?;
        let master = self.find(with).ok_or(OpenError::OtherKey)?;
        Ok(master.wrap(project, of_use, &plain, entropy))
    }

    fn unwrap(
        &self,
        project: Option<ProjectId>,
        of_use: KeyUse,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let id = KeyId::of(sealed).ok_or(OpenError::Malformed)?;
        let MasterKey { key, .. } = self.find(id).ok_or(OpenError::OtherKey)?;
        envelope::open(key, id, &wrapped_for(project, of_use), sealed)
    }

    fn unwrap_key(
        &self,
        project: Option<ProjectId>,
        of_use: KeyUse,
        sealed: &Sealed,
    ) -> Result<(KeyId, SecretKey), OpenError> {
        let plain = self.unwrap(project, of_use, sealed)?;
        let (id, key) = plain.split_first_chunk::<KEY_ID>().ok_or(OpenError::Malformed)?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| OpenError::Malformed)?;
        Ok((KeyId::from_bytes(*id), SecretKey::new(key)))
    }

    fn find(&self, id: KeyId) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.older).find(|master| master.id == id)
    }
}

impl MasterKey {
    fn new(key: SecretKey) -> Self {
        Self { id: KeyRing::id_of(&key), key }
    }

    fn wrap(
        &self,
        project: Option<ProjectId>,
        of_use: KeyUse,
        plain: &[u8],
        entropy: &Entropy,
    ) -> Sealed {
        envelope::seal(&self.key, self.id, &wrapped_for(project, of_use), plain, entropy)
    }
}

fn wrapped_for(project: Option<ProjectId>, of_use: KeyUse) -> Vec<u8> {
    let what: &[u8] = match of_use {
        KeyUse::Data => b"data key of ",
        KeyUse::Tags => b"tag key of ",
    };
    match project {
        Some(project) => [what, &project.to_bytes()].concat(),
        None => [what, b"the whole installation".as_slice()].concat(),
    }
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

    fn data_key(ring: &KeyRing) -> Wrapped {
        let of_use = KeyUse::Data;
        ring.new_key(Some(project(1)), of_use, ring.current(), &Entropy::seeded(9)).ok().unwrap()
    }

    fn opened(ring: &KeyRing, project: Option<ProjectId>, of_use: KeyUse) -> Option<OpenError> {
        let Wrapped { envelope, .. } = data_key(&self::ring(1));
        ring.unwrap_key(project, of_use, &envelope).err()
    }

    #[test]
    fn v1_a_wrapped_data_key_opens_for_its_project_and_ring_only() {
        use KeyUse::{Data, Tags};
        assert_eq!(opened(&ring(1), Some(project(1)), Data), None);
        assert_eq!(opened(&ring(1), Some(project(2)), Data), Some(OpenError::Refused));
        assert_eq!(opened(&ring(1), Some(project(1)), Tags), Some(OpenError::Refused));
        assert_eq!(opened(&ring(2), Some(project(1)), Data), Some(OpenError::OtherKey));
        assert_eq!(opened(&ring(1), None, Data), Some(OpenError::Refused));
    }

    fn rotated() -> KeyRing {
        KeyRing::from_keys(vec![ring(1).current.key, ring(2).current.key]).unwrap()
    }

    #[test]
    fn a_new_key_on_the_ring_still_opens_what_the_old_one_wrapped() {
        let rotated = rotated();
        assert_eq!(opened(&rotated, Some(project(1)), KeyUse::Data), None);
        assert_eq!(rotated.current(), ring(2).current());
        assert_eq!(rotated.check(ring(1).current()), KeyCheck::Held);
        assert_eq!(rotated.check(ring(3).current()), KeyCheck::Missing);
    }

    #[test]
    fn v3_a_key_that_is_wrapped_again_is_the_same_and_needs_the_old_master_key_no_more() {
        let old = data_key(&ring(1));
        let new = ring(2).current();
        let entropy = Entropy::seeded(3);
        let again = |ring: &KeyRing, with| {
            ring.wrap_again(Some(project(1)), KeyUse::Data, &old.envelope, with, &entropy)
        };
        let envelope = again(&rotated(), new).ok().unwrap();
        assert_eq!(KeyId::of(&envelope), Some(new));
        let opened = ring(2).unwrap_key(Some(project(1)), KeyUse::Data, &envelope).ok().unwrap();
        let before =
            ring(1).unwrap_key(Some(project(1)), KeyUse::Data, &old.envelope).ok().unwrap();
        assert_eq!((opened.0, opened.1.expose()), (old.id, before.1.expose()));
        assert_eq!(again(&ring(1), new).err(), Some(OpenError::OtherKey));
        assert_eq!(again(&ring(2), new).err(), Some(OpenError::OtherKey));
    }

    #[test]
    fn a_fingerprint_survives_its_text() {
        let id = ring(1).current();
        assert_eq!(KeyId::parse(&id.to_string()), Some(id));
        assert_eq!(KeyId::parse("abc"), None);
        assert_eq!(KeyId::parse(&"g".repeat(32)), None);
    }
}
