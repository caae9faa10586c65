/// An encrypted secret with its envelope, as it is stored.
///
/// Only the vault crate makes one that opens; every other crate only carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Takes the bytes of an envelope, from the vault or from a column.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the envelope's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Converts it into the envelope's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
