//! Copies of the whole database that both databases can read.
//!
//! A copy is text: a line that says what it is, a line for each row, and a line with the number of
//! rows and the SHA-256 of all before it. Secrets are in it as they are in the database, sealed; the
//! master keys are not, only their fingerprints.

mod read;
mod write;

use astralform_domain::{Timestamp, limits};
use astralform_storage::copies::Table;
use astralform_vault::KeyId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use astralform_engine::Fault;

pub use read::{Restored, check_written, restore, verify};
pub use write::{Written, back_up};

const FORMAT: &str = "astralform backup 1";

/// The first line of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    format: String,
    /// The version of the schema.
    pub schema_version: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// The fingerprints of the master keys without which it cannot be used.
    pub master_keys: Vec<String>,
    tables: Vec<Table>,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trailer {
    rows: u64,
    sha256: String,
}

/// Why a backup is not made, or not restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The file cannot be written or read.
    #[error("the backup cannot be written or read")]
    Io(#[from] std::io::Error),
    /// It is no backup.
    #[error("this is not a backup of Astralform")]
    NoBackup,
    /// It is cut off, or was altered.
    #[error("the backup is damaged: {0}; nothing was restored")]
    Damaged(&'static str),
    /// A row of it would be longer than the longest that is read.
    #[error(
        "a row of the table `{table}` takes {length} bytes in a backup, {} at most are restored: \
         no backup was made",
        limits::BACKUP_LINE.value
    )]
    TooLong {
        /// The table.
        table: String,
        /// How long the row would be.
        length: usize,
    },
    /// What was written is not what is read.
    #[error("the backup cannot be read back as it was written: do not rely on it")]
    NotWritten,
    /// Another version made it.
    #[error(
        "the backup has schema version {found}, this program {known}: restore it with the program \
         that made it, then update"
    )]
    OtherSchema {
        /// The backup's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// The key ring does not hold what it was written with.
    #[error(
        "the backup was made with master key {}, which the key file does not hold: put back the \
         key file of that time", .0
    )]
    MissingKey(KeyId),
    /// There is something in the database.
    #[error("the database is not empty: a backup is restored into an empty one only")]
    NotEmpty,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<astralform_storage::Error> for BackupError {
    fn from(error: astralform_storage::Error) -> Self {
        Self::Fault(error.into())
    }
}

#[cfg(test)]
mod tests;
