//! What operators do to an installation: start it, back it up, restore it, replace its keys.
//!
//! These work straight on the database and the key ring; no engine runs.

pub mod backup;
pub mod rotation;
mod start;

pub use start::{StartError, check_key, prepare_database, written_with};
