//! The vault: a key ring, one data key per project, and sealed values.
//!
//! A master key from the [`KeyRing`] wraps the [`DataKey`] of each project; a data key seals
//! secrets with XChaCha20-Poly1305. Every envelope is bound to its [`Binding`]: project, owner,
//! table, row, column, generation and destination hosts. A value that was moved, swapped or
//! pointed elsewhere does not open.
//!
//! No I/O beyond reading and creating the key file. Nothing here knows the database.

mod binding;
mod data_key;
mod envelope;
mod key_file;
mod key_ring;

pub use binding::Binding;
pub use data_key::{DataKey, Purpose};
pub use envelope::OpenError;
pub use key_file::{KeyFileError, create_key_file, read_key_file};
pub use key_ring::{KeyCheck, KeyRing, MasterKeyId};
