use thiserror::Error;

/// Something that should not happen: the log has the cause, the caller a request id.
#[derive(Debug, Error)]
pub enum Fault {
    /// The database did not answer, or lied.
    #[error("the database")]
    Storage(#[from] astralform_storage::Error),
    /// A stored secret does not open where it was found.
    #[error("a stored secret does not open")]
    Integrity(#[from] astralform_vault::OpenError),
    /// What the database says does not go together.
    #[error("{0}")]
    Inconsistent(&'static str),
}
