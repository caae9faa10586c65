use sqlx::migrate::MigrateError;
use thiserror::Error;

/// What a statement can end in besides its answer. "Not found" is an `Option`.
#[derive(Debug, Error)]
pub enum Error {
    /// The database did not do it.
    #[error("the database did not answer as expected")]
    Driver(#[from] sqlx::Error),
    /// A stored value is not one that we write.
    #[error("the stored value of column {column} cannot be read")]
    Corrupt {
        /// The column that lies.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        why: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migrate(#[source] MigrateError),
    /// The database was written by a newer version of this program.
    #[error("the database has schema version {0}, which is newer than this program: update it")]
    NewerSchema(i64),
}

impl Error {
    /// Whether the schema is not there yet.
    pub fn is_missing_table(&self) -> bool {
        const POSTGRES_UNDEFINED_TABLE: &str = "42P01";
        match self {
            Self::Driver(sqlx::Error::Database(error)) => {
                error.code().as_deref() == Some(POSTGRES_UNDEFINED_TABLE)
                    || error.message().starts_with("no such table")
            }
            _ => false,
        }
    }

    /// Whether the database was not reached at all: the same may succeed later.
    pub fn is_unavailable(&self) -> bool {
        use sqlx::Error as Cause;
        matches!(self, Self::Driver(Cause::PoolTimedOut | Cause::PoolClosed | Cause::Io(_)))
    }

    /// Whether a row of this identity is there already.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Driver(sqlx::Error::Database(error)) => error.is_unique_violation(),
            _ => false,
        }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::NewerSchema(version),
            other => Self::Migrate(other),
        }
    }
}

/// The result of a statement.
pub type Result<T, E = Error> = std::result::Result<T, E>;
