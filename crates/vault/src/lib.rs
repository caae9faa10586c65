//! The vault: a key ring, the keys of each project, and sealed values.
//!
//! A master key from the [`KeyRing`] wraps the [`ProjectKeys`]; of those, a data key seals secrets
//! with XChaCha20-Poly1305. Every envelope is bound to its [`Binding`]: project, owner,
//! table, row, column, generation and destination hosts. A value that was moved, swapped or
//! pointed elsewhere does not open.
//!
//! No I/O beyond the key file. Nothing here knows the database.

mod binding;
mod data_key;
mod envelope;
mod key_file;
mod key_id;
mod key_ring;
mod project_keys;
mod tag_key;

pub use binding::Binding;
pub(crate) use data_key::DataKey;
pub use envelope::OpenError;
pub use key_file::{
    KeyFileError, KeyFileLock, Readers, create_key_file, read_key_file, read_key_file_of,
};
pub use key_id::KeyId;
pub use key_ring::{KeyCheck, KeyRing, KeyUse, Wrapped};
pub use project_keys::ProjectKeys;
pub use tag_key::{Purpose, TagKey};
