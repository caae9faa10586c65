use astralform_domain::{Entropy, ProjectId, Sealed, Secret, SecretKey};

use crate::{Binding, KeyId, OpenError, envelope};

/// The key that seals one project's secrets.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub(crate) project: ProjectId,
    pub(crate) id: KeyId,
    pub(crate) key: SecretKey,
}

impl DataKey {
    /// Returns the project whose secrets it seals.
    pub(crate) fn project(&self) -> ProjectId {
        self.project
    }

    /// Returns its id.
    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// Seals a secret for the one place that `binding` names.
    pub(crate) fn seal(&self, binding: Binding<'_>, secret: &Secret, entropy: &Entropy) -> Sealed {
        let plain = secret.expose().as_bytes();
        envelope::seal(&self.key, self.id, &binding.to_bytes(), plain, entropy)
    }

    /// Opens a sealed secret in the place that `binding` names.
    ///
    /// # Errors
    /// Anything but the very value sealed for this place is refused.
    pub(crate) fn open(&self, binding: Binding<'_>, sealed: &Sealed) -> Result<Secret, OpenError> {
        let plain = envelope::open(&self.key, self.id, &binding.to_bytes(), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| OpenError::Refused)?;
        Ok(Secret::new(text.to_owned()))
    }
}
