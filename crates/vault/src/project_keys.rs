use astralform_domain::{Entropy, ProjectId, Sealed, Secret};

use crate::{Binding, DataKey, KeyId, OpenError, Purpose, tag_key::TagKey};

/// The keys of one project, unwrapped: the one that seals, those that open besides, and the one
/// that makes tags.
///
/// What it is for can be shown:
/// ```
/// # use astralform_vault::ProjectKeys;
/// fn show(keys: &ProjectKeys) {
///     println!("{}", keys.project());
///     serde_json::to_string(&keys.project().to_string()).unwrap();
/// }
/// ```
/// The keys themselves cannot be printed or serialised:
/// ```compile_fail,E0277
/// # use astralform_vault::ProjectKeys;
/// fn show(keys: &ProjectKeys) {
///     println!("{keys:?}");
/// }
/// ```
/// ```compile_fail,E0277
/// # use astralform_vault::ProjectKeys;
/// fn show(keys: &ProjectKeys) {
///     println!("{keys}");
/// }
/// ```
/// ```compile_fail,E0277
/// # use astralform_vault::ProjectKeys;
/// fn show(keys: &ProjectKeys) {
///     serde_json::to_string(keys).unwrap();
/// }
/// ```
#[derive(Clone)]
pub struct ProjectKeys {
    pub(crate) current: DataKey,
    /// Older ones, and one that nodes learn of before it seals anything.
    pub(crate) others: Vec<DataKey>,
    pub(crate) tags: TagKey,
}

impl ProjectKeys {
    /// Returns how many bytes they take in memory.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.others.len() * size_of::<DataKey>()
    }

    /// Returns the project they belong to.
    pub fn project(&self) -> ProjectId {
        self.current.project()
    }

    /// Returns the key that seals.
    pub fn current(&self) -> KeyId {
        self.current.id()
    }

    /// Seals a secret for the one place that `binding` names.
    pub fn seal(&self, binding: Binding<'_>, secret: &Secret, entropy: &Entropy) -> Sealed {
        self.current.seal(binding, secret, entropy)
    }

    /// Opens a sealed secret in the place that `binding` names.
    ///
    /// # Errors
    /// Anything but the very value sealed for this place is refused.
    pub fn open(&self, binding: Binding<'_>, sealed: &Sealed) -> Result<Secret, OpenError> {
        let with = KeyId::of(sealed).ok_or(OpenError::Malformed)?;
        let mut keys = std::iter::once(&self.current).chain(&self.others);
        keys.find(|key| key.id() == with).ok_or(OpenError::OtherKey)?.open(binding, sealed)
    }

    /// Returns a tag that only a holder of this project's keys can make for `message`.
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        self.tags.tag(purpose, message)
    }

    /// Makes a tag of values that only a holder of this project's keys can make.
    pub fn tag_of(&self, purpose: Purpose, values: &[&[u8]]) -> [u8; 32] {
        self.tags.tag_of(purpose, values)
    }
}

#[cfg(test)]
mod tests;
