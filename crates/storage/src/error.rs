use sqlx::migrate::MigrateError;
use thiserror::Error;

/// What a statement can end in besides its answer. "Not found" is an `Option`.
#[derive(Debug, Error)]
pub enum Error {
    /// The database did not do it.
    #[error("the database did not answer as expected")]
    Driver(#[from] sqlx::Error),
    /// It did not do it in time.
    #[error("the database did not answer in time")]
    TimedOut,
    /// A stored value is not one that we write.
    #[error("the stored value of column {column} cannot be read")]
    Corrupt {
        /// The column that holds it.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        why: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migrate(#[source] MigrateError),
    /// A pooler lends another connection for each transaction.
    #[error(
        "a pooler is in between that gives each transaction another connection (PgBouncer's \
         `pool_mode = transaction` or `statement`), and settings and prepared statements belong to a \
         connection: set `pool_mode = session` for this database, or connect to PostgreSQL itself \
         (docs/configuration.md, Poolers)"
    )]
    Pooled,
    /// The database was written by a newer version of this program.
    #[error("the database has schema version {0}, which is newer than this program: update it")]
    NewerSchema(i64),
}

impl Error {
    /// Returns whether the schema is not there yet.
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

    /// Returns whether the database was not reached, or could not do it at the moment: the same may
    /// succeed later.
    pub fn is_unavailable(&self) -> bool {
        use sqlx::Error as Cause;
        match self {
            Self::Driver(Cause::Database(error)) => error.code().is_some_and(|code| passes(&code)),
            Self::Driver(cause) => {
                matches!(cause, Cause::PoolTimedOut | Cause::PoolClosed | Cause::Io(_))
            }
            Self::TimedOut => true,
            _ => false,
        }
    }

    /// Returns whether a row of this identity is there already.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Driver(sqlx::Error::Database(error)) => error.is_unique_violation(),
            _ => false,
        }
    }
}

/// Returns whether a database's error code stands for a problem of the database that may be over
/// later: SQLite's primary result codes for busy, locked, read-only, I/O, full and unopenable (the
/// low byte of the extended ones), and PostgreSQL's classes for connections, resources, operators
/// and the system.
fn passes(code: &str) -> bool {
    const SQLITE: [i32; 6] = [5, 6, 8, 10, 13, 14];
    const POSTGRES: [&str; 4] = ["08", "53", "57", "58"];
    match code.parse::<i32>() {
        Ok(number) if code.len() != 5 => SQLITE.contains(&(number & 0xff)),
        _ => code.len() == 5 && POSTGRES.iter().any(|class| code.starts_with(class)),
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

/// Returns an error with its causes, on one line.
pub(crate) fn chain(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The result of a statement.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b2_trouble_that_may_pass_is_told_from_what_will_not() {
        for code in ["5", "261", "517", "13", "10", "778", "8", "57P01", "57P03", "53100", "08006"]
        {
            assert!(passes(code), "{code}");
        }
        for code in ["1", "19", "2067", "11", "26", "23505", "42P01", "40001", ""] {
            assert!(!passes(code), "{code}");
        }
    }
}
